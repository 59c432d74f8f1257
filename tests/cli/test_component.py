"""``wampd component``: components of a router that runs, listed, changed, heard, and completed by a shell."""

import json
import subprocess
import sys

import pytest

from tests.cli.test_operating import CONFIG, Desk
from tests.support.process import START_TIMEOUT, environment

COMPONENTS = """
components:
  - name: ticker
    command: [sh, -c, 'n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.05; done']
    instances: 2
  - name: quiet
    command: [sh, -c, 'echo "one \\033[2J"; echo two; exec sleep 1000']
  - name: broken
    command: [sh, -c, 'exit 3']
    restart: {policy: never}
    ready: exited
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.write("config.yaml", CONFIG + COMPONENTS)
    with desk.running() as (desk.router, desk.port):
        desk.router.wait_for_log("quiet: two")
        desk.router.wait_for_log("component broken failed")
        yield desk


def test_all_instances_are_listed(desk):
    status, out, err = desk("component", "list")
    assert (status, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert rows[0][:4] == ["COMPONENT", "TYPE", "STATE", "PID"]
    assert [row[0] for row in rows[1:]] == ["ticker.1", "ticker.2", "quiet", "broken"]
    assert [row[2] for row in rows[1:4]] == ["ready"] * 3
    listed = json.loads(desk("component", "list", "--json")[1])
    assert [each["id"] for each in listed] == ["ticker.1", "ticker.2", "quiet", "broken"]


def test_status_shows_them_and_is_not_ready_while_one_of_them_is_not(desk):
    status, out, _ = desk("status")
    assert (status, out.splitlines()[0].endswith(": not ready")) == (1, True)
    assert "broken" in next(line for line in out.splitlines() if line.startswith("check components "))
    assert "\nquiet " in out
    assert not json.loads(desk("status", "--json")[1])["ready"]


def test_one_is_stopped_started_and_restarted(desk):
    def process():
        return {each["id"]: each["pid"] for each in json.loads(desk("component", "list", "--json")[1])}

    first, printed = process(), desk.router.log().count("quiet: two")
    assert desk("component", "stop", "quiet") == (0, "quiet has ended\n", "")
    assert process()["quiet"] is None
    assert desk("component", "start", "quiet") == (0, "quiet is ready\n", "")
    assert desk("component", "restart", "ticker.2") == (0, "ticker.2 is ready again\n", "")
    last = process()
    assert last["ticker.1"] == first["ticker.1"]
    assert None not in (last["quiet"], last["ticker.2"])
    assert {last["quiet"], last["ticker.2"]}.isdisjoint(first.values())
    desk.router.wait_until(
        lambda: desk.router.log().count("quiet: two") > printed, "it has printed again all that it prints"
    )


@pytest.mark.parametrize("command", ["start", "stop", "restart", "logs"])
def test_what_is_not_there_is_told(desk, command):
    said = f'wampd component {command}: there is no component of the name quite; did you mean "quiet"?\n'
    assert desk("component", command, "quite") == (1, "", said)


def test_a_component_that_does_not_become_ready_is_told(desk):
    status, out, err = desk("component", "start", "broken")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("wampd component start: ")
    assert "failed, exit status 3" in err
    assert err.endswith("; what it has printed: wampd component logs broken\n")
    assert "failed, exit status 3" in desk("component", "list")[1]


def test_the_last_lines_are_shown_so_that_they_steer_no_terminal(desk):
    status, out, err = desk("component", "logs", "quiet")
    assert (status, err) == (0, "")
    assert [line.split(maxsplit=1)[1] for line in out.splitlines()[:2]] == ["quiet one \\x1b[2J", "quiet two"]
    assert desk("component", "logs", "quiet", "-n", "1")[1].endswith("quiet two\n")
    assert desk("component", "logs", "quiet", "-n", "0") == (0, "", "")


def test_lines_are_followed_without_one_missing_or_twice(desk):
    command = [sys.executable, "-P", "-m", "wampd", "component", "logs", "ticker.1", "-f", "-n", "5"]
    following = subprocess.Popen(
        command, cwd=desk.directory, env=environment(**desk.variables), stdout=subprocess.PIPE, text=True
    )
    lines = [following.stdout.readline().split() for _ in range(40)]
    following.send_signal(2)
    assert following.wait(START_TIMEOUT) == 130
    following.stdout.close()
    assert {line[1] for line in lines} == {"ticker.1"}
    ticks = [int(line[3]) for line in lines]
    assert ticks == list(range(ticks[0], ticks[0] + 40))


def test_following_ends_with_the_router(tmp_path):
    desk = Desk(tmp_path)
    desk.write("config.yaml", CONFIG + COMPONENTS)
    with desk.running() as (router, _):
        router.wait_for_log("quiet: two")
        command = [sys.executable, "-P", "-m", "wampd", "component", "logs", "quiet", "-f"]
        following = subprocess.Popen(
            command, cwd=tmp_path, env=environment(**desk.variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert following.stdout.readline()
        router.signal(15)
        _, err = following.communicate(timeout=START_TIMEOUT)
        assert (following.returncode, err.count("\n")) == (1, 1)
        assert err.startswith("wampd component logs: the router (process ")
        assert router.wait() == 0


@pytest.mark.parametrize(
    ("typed", "names"), [("", ["ticker", "quiet", "broken", "ticker.1", "ticker.2"]), ("qu", ["quiet"])]
)
def test_a_shell_completes_the_names_that_the_router_knows(desk, typed, names):
    words = f"wampd component stop {typed}"
    told = {"_WAMPD_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "wampd"], cwd=desk.directory, env=environment(**desk.variables, **told),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"plain,{name}" for name in names]


def test_where_no_router_runs_a_shell_completes_nothing(tmp_path):
    told = {"_WAMPD_COMPLETE": "bash_complete", "COMP_WORDS": "wampd component stop ", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "wampd"], cwd=tmp_path, env=environment(**Desk(tmp_path).variables, **told),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
