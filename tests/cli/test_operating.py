"""``wampd status``, ``stop`` and ``log``: commands about a router that runs, given as a user gives them."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.support.process import ROOT, Child, environment, free_port, running_wampd

CONFIG = """
realms:
  - name: realm1
    roles: [{name: user}]
    auth: {anonymous: {role: user}}
listeners: [{endpoint: "tcp:${WAMPD_PORT}:interface=127.0.0.1", rawsocket: {}}]
"""


class Desk:
    """A directory with a configuration, one for sockets, and commands that are given there."""

    def __init__(self, directory):
        self.directory = directory
        self.variables = {"XDG_RUNTIME_DIR": str(directory / "run"), "PYTHONPATH": str(ROOT), "NO_COLOR": ""}
        (directory / "run").mkdir(mode=0o700)
        self.nowhere = f"no socket in {directory}/run/wampd or /run/wampd"
        self.write("config.yaml")

    def write(self, name, text=CONFIG):
        file = self.directory / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    def __call__(self, *words, cwd=None):
        """Exit status, standard output, standard error."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "wampd", *words],
            cwd=cwd or self.directory, env=environment(**self.variables), capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    def running(self, name="config.yaml"):
        log = self.directory / f"{name.replace('/', '-')}.log"
        return running_wampd(self.directory / name, log, env=self.variables)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """With one router that runs."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    with desk.running() as (desk.router, desk.port):
        yield desk


@pytest.fixture
def empty(tmp_path):
    """Where none runs."""
    return Desk(tmp_path)


# --- which router ---


@pytest.mark.parametrize("command", ["status", "reload", "diff", "stop", "component list", "log show"])
def test_where_none_runs_each_command_says_so_and_how_to_start_one(empty, command):
    status, out, err = empty(*command.split())
    file = empty.directory / "config.yaml"
    said = f"wampd {command}: no router runs with {file} ({empty.nowhere}); start it: wampd run {file}\n"
    assert (status, out, err) == (3, "", said)


def test_without_a_configuration_any_router_would_do(empty, tmp_path):
    (tmp_path / "config.yaml").unlink()
    assert empty("status") == (3, "", f"wampd status: no router runs ({empty.nowhere}); start it: wampd run\n")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory to somebody else")
def test_nobody_answers_in_the_name_of_a_router_in_a_directory_of_his_own(empty):
    with empty.running():
        os.chown(empty.directory / "run" / "wampd", 65534, 65534)
        assert empty("status")[0] == 3
        os.chown(empty.directory / "run" / "wampd", 0, 0)
        assert empty("status")[0] == 0


def test_a_file_that_is_not_there_is_no_router(empty):
    assert empty("status", "none.yaml") == (2, "", "wampd status: there is no file none.yaml\n")


def test_a_socket_that_is_not_there_is_told(empty):
    status, out, err = empty("status", "--socket", "none.sock")
    assert (status, out) == (3, "")
    assert (
        err == f"wampd status: there is no socket {empty.directory}/none.sock; the router that made it does not run\n"
    )


def test_a_router_is_found_by_its_configuration_from_anywhere(desk, tmp_path):
    config = desk.directory / "config.yaml"
    (tmp_path / "link.yaml").symlink_to(config)
    for words in (["status", str(config)], ["status", "link.yaml"], ["status"]):
        status, out, err = desk(*words, cwd=tmp_path)
        assert (status, err) == (0, "")
        assert f"process {desk.router.pid}: ready\n" in out


def test_a_directory_means_the_router_of_the_configuration_in_it(desk, tmp_path):
    status, out, err = desk("status", str(desk.directory), cwd=tmp_path)
    assert (status, err) == (0, "")
    assert f"process {desk.router.pid}: ready" in out


def test_a_router_is_not_taken_for_that_of_another_configuration(desk):
    other = desk.write("other/config.yaml")
    status, _, err = desk("stop", cwd=desk.directory / "other")
    running = f"process {desk.router.pid} with {desk.directory}/config.yaml"
    assert status == 3
    assert err == f"wampd stop: no router runs with {other} (but {running}); start it: wampd run {other}\n"
    assert desk.router.is_running


def test_of_several_routers_one_must_be_named(empty, tmp_path):
    empty.write("other/config.yaml")
    with empty.running() as (one, _), empty.running("other/config.yaml") as (two, _):
        (tmp_path / "elsewhere").mkdir()
        status, out, err = empty("status", cwd=tmp_path / "elsewhere")
        assert (status, out) == (2, "")
        assert err.startswith("wampd status: several routers run (process ")
        assert str(one.pid) in err
        assert str(two.pid) in err
        assert f"process {one.pid}:" in empty("status")[1]
        named = empty("status", "--socket", str(tmp_path / "run" / "wampd" / f"{two.pid}.sock"))
        assert f"process {two.pid}:" in named[1]


def test_two_of_one_configuration_are_told_apart_by_their_sockets(empty):
    with empty.running() as (one, _), empty.running() as (_two, _):
        status, _, err = empty("status")
        assert (status, err.endswith("; say which by --socket PATH\n")) == (2, True)
        place = empty.directory / "run" / "wampd" / f"{one.pid}.sock"
        assert f"process {one.pid}:" in empty("status", "--socket", str(place))[1]


def test_a_socket_that_the_configuration_names_is_found(empty):
    empty.write("config.yaml", CONFIG + "control: {socket: my.sock}\n")
    with empty.running() as (router, _):  # which has a WAMPD_PORT in its environment; this command has none
        assert f"process {router.pid}: ready" in empty("status")[1]
        empty.write("config.yaml", "realmes: []\ncontrol: {socket: my.sock}\n")
        assert f"process {router.pid}: ready" in empty("status")[1]


def test_a_router_that_is_stopped_by_a_debugger_is_told(empty):
    with empty.running() as (router, _):
        router.signal(signal.SIGSTOP)
        status, out, err = empty("status")
        router.signal(signal.SIGCONT)
        assert (status, out) == (1, "")
        assert "a router does not answer within 3 s: " in err


def as_another_user(desk, *words, exits=1):
    """What a user is told who is not that of the router."""
    program = (  # what is needed is loaded first: another user may not read it where it is installed
        "import os, wampd.cli.status, wampd.cli.routers, wampd.cli.showing, encodings.idna, pwd\n"
        "from wampd.cli.main import main\n"
        f"os.setuid(65534); raise SystemExit(main(['status', *{list(map(str, words))!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(**desk.variables), cwd="/", capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (exits, "")
    return done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_told_whose_the_socket_is(desk):
    with tempfile.TemporaryDirectory(dir="/tmp") as directory, socket.socket(socket.AF_UNIX) as listening:
        os.chmod(directory, 0o755)
        place = Path(directory, "1.sock")
        listening.bind(str(place))
        place.chmod(0o600)
        said = f"wampd status: you may not use {place}, which belongs to root; try sudo -u root\n"
        assert as_another_user(desk, "--socket", place) == said
    hidden = desk.directory / "run" / "wampd" / f"{desk.router.pid}.sock"
    said = f"wampd status: you may not look at {hidden}; it belongs to the user that runs the router\n"
    assert as_another_user(desk, "--socket", hidden) == said


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_told_which_directories_are_closed(desk):
    closed = desk.directory / "run" / "wampd"
    said = as_another_user(desk, exits=3)
    assert said.startswith(f"wampd status: no router runs (no socket in {closed} or /run/wampd); start it: wampd run")
    assert f"; if it runs as another user, ask as that user (you may not look into {closed}" in said


# --- status ---


def test_status_tells_what_runs(desk):
    status, out, err = desk("status")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert f"process {desk.router.pid}: ready" in lines[0]
    facts = dict(line.split(maxsplit=1) for line in lines[1:4])
    assert facts["configuration"] == str(desk.directory / "config.yaml")
    assert facts["listens"] == f"tcp:{desk.port}:interface=127.0.0.1"
    assert lines[-2:] == ["REALM   SESSIONS", "realm1  0"]
    assert "of memory" in out


def test_status_for_programs_is_one_json_object(desk):
    status, out, _ = desk("status", "--json")
    told = json.loads(out)
    assert status == 0
    assert (told["pid"], told["ready"], told["configuration"]) == (
        desk.router.pid, True, str(desk.directory / "config.yaml"),
    )  # fmt: skip
    assert told["process"]["rss"] > 1_000_000
    assert out.count("\n") == 1


def test_at_a_terminal_there_are_colours_unless_they_are_not_wanted(desk):
    variables = {**desk.variables, "WAMPD_PORT": "1"}
    del variables["NO_COLOR"]
    shown = []
    for more in ({}, {"NO_COLOR": "1"}):
        with Terminal(desk.directory, "status", **variables, **more) as terminal:
            assert terminal.end() == 0
        shown.append(terminal.shown)
    assert "\x1b[32mok" in shown[0]
    assert "\x1b[3" not in shown[1]
    assert all(f"process {desk.router.pid}: ready" in each for each in shown)


def test_commands_load_neither_twisted_nor_rich_in_a_pipe(desk):
    program = (
        "import sys; from wampd.cli.main import main; status = main(['status'])\n"
        "print({'twisted', 'rich'} & set(sys.modules)); sys.exit(status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=desk.directory, env=environment(**desk.variables),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "set()")


def test_status_waits_for_a_router_that_is_about_to_be_ready(empty):
    empty.write("config.yaml", CONFIG + "components: [{name: one, command: [sleep, '100']}]\n")
    waiting = [sys.executable, "-P", "-m", "wampd", "status", "--wait", "60"]
    child = subprocess.Popen(
        waiting, cwd=empty.directory, env=environment(**empty.variables), stdout=subprocess.PIPE, text=True
    )
    with empty.running() as (router, _):
        out, _ = child.communicate(timeout=60)
        assert child.returncode == 0
        assert f"process {router.pid}: ready" in out


def test_status_waits_no_longer_than_it_is_to(empty):
    assert empty("status", "--wait", "0.3")[0] == 3


# --- stop ---


def test_stop_asks_a_router_to_end_and_waits_if_it_is_to(empty):
    with empty.running() as (router, _):
        assert empty("stop", "--wait") == (0, f"process {router.pid} has ended\n", "")
        assert router.wait() == 0
        assert "SIGTERM: stopping" in router.log()
        assert empty("stop")[0] == 3


def test_stop_without_wait_returns_at_once(empty):
    with empty.running() as (router, _):
        assert empty("stop") == (0, f"process {router.pid} was asked to end\n", "")
        assert router.wait() == 0


@pytest.mark.needs("unshare")
def test_a_router_in_a_container_is_stopped_from_outside_and_nobody_else(empty):
    """Its number there is somebody else's here."""
    inside = [sys.executable, "-P", "-m", "wampd", "run"]
    empty.variables["WAMPD_PORT"] = str(free_port())
    command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *inside]
    with Child(command, empty.directory / "log", env=environment(**empty.variables), cwd=empty.directory) as outer:
        outer.wait_for_log("is ready, process 1")
        status, out, err = empty("stop", "--wait")
        assert (status, out, err) == (0, "process 1 has ended\n", "")
        assert outer.wait() == 0


def test_a_router_that_has_taken_a_socket_over_is_stopped(empty):
    empty.write("config.yaml", CONFIG + "control: {socket: my.sock}\nlimits: {probation: 0}\n")
    with empty.running() as (router, port):
        empty.variables["WAMPD_PORT"] = str(port)
        status, out, err = empty("restart")
        assert (status, err) == (0, "")
        assert router.wait() == 0
        new = int(out.split()[1])
        assert empty("stop", "--wait") == (0, f"process {new} has ended\n", "")


# --- log ---


def test_levels_are_shown_and_set_and_set_back(desk):
    status, out, err = desk("log", "show")
    assert (status, err) == (0, "")
    before = {line.split()[0]: line.split()[1:] for line in out.splitlines()[1:]}
    assert before["sessions"] == ["info", "info"]
    status, out, _ = desk("log", "level", "sessions=debug", "http=warn", "--for", "600")
    assert status == 0
    rows = [line.split() for line in out.splitlines()[1:]]
    assert [row[:4] for row in rows] == [["sessions", "debug", "info", "for"], ["http", "warn", "info", "for"]]
    assert desk("log", "level", "sessions=configured", "http=configured")[0] == 0
    told = json.loads(desk("log", "show", "--json")[1])
    assert {told[name]["level"] for name in ("sessions", "http")} == {"info"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sessions=loud"], "invalid value for 'SUBSYSTEM=LEVEL...': 'sessions=loud' is not SUBSYSTEM=LEVEL, where"),
        (["sessions"], "invalid value for"),
        (["sesions=debug"], "sesions: there is no such subsystem; there are "),
        ([], "missing argument 'SUBSYSTEM=LEVEL...'"),
        (["http=warn", "--for", "0"], "invalid value for '--for'"),
    ],
)
def test_levels_that_cannot_be_are_told(desk, words, said):
    status, out, err = desk("log", "level", *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"wampd log level: {said}")


# --- components ---


def test_a_configuration_without_components_has_none(desk):
    status, out, err = desk("component", "list")
    assert (status, out) == (0, "")
    assert err == "the configuration names no components\n"
