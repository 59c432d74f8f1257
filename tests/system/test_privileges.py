"""A router that is started as root and becomes an ordinary user; what it has then, and what it must be able to read."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.router.client import Session
from tests.support.certificates import make_certificate
from tests.support.needs import unavailable
from tests.support.process import ROOT, environment, wampd_command
from tests.system.test_handover import end, successor_of
from wampd.router.system.privileges import NotAllowed, become, identity_of, must_change

USER = "nobody"
NOBODY = pwd.getpwnam(USER)
REACHABLE = Path(__file__).with_name("reachable.py")
DIRECTORIES = dict.fromkeys([sys.base_prefix, sys.prefix, str(ROOT)])

pytestmark = pytest.mark.needs("unshare", "setpriv")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user can look into, and that root alone can write to."""
    if os.geteuid() != 0:
        unavailable("only root can become somebody else; run the tests as root")
    directory = Path(tempfile.mkdtemp(prefix="wampd-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def under(*options: str, first: tuple[str, ...] = ()) -> tuple[str | Path, ...]:
    """What stands before the command of a router that is to become another user; ``first``: a command before all others."""
    return "unshare", "-m", *options, "--", *first, sys.executable, REACHABLE, *DIRECTORIES, "--"


def state(pid: int) -> dict[str, list[str]]:
    """What the system knows of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def own(directory: Path) -> Path:
    """A directory of the user."""
    directory.mkdir()
    os.chown(directory, NOBODY.pw_uid, NOBODY.pw_gid)
    return directory


@pytest.fixture
def run(start, place):
    """Starts a router that becomes the user."""

    def run(more="", *, options=(), first=(), **given):
        (place / "data").exists() or own(place / "data")
        more = f"process: {{user: {USER}, pid_file: wampd.pid}}\ncontrol: {{socket: data/control.sock}}\n{more}"
        router = start(more, under=under(*options, first=first), ready=False, directory=place, **given)
        router.config.chmod(0o644)
        return router

    return run


def test_once_it_listens_it_is_the_user_in_every_respect(run, place):
    router = run("store: {file: data/wampd.sqlite}\n")
    router.wait_for_log("is ready")
    with Session(router.port):
        known = state(router.pid)
        assert known["Uid"] == [str(NOBODY.pw_uid)] * 4
        assert known["Gid"] == [str(NOBODY.pw_gid)] * 4
        assert set(known["Groups"]) <= {str(each) for each in os.getgrouplist(USER, NOBODY.pw_gid)}
        assert int(known["CapEff"][0], 16) == int(known["CapPrm"][0], 16) == 0
        assert known["NoNewPrivs"] == ["1"]
        assert known["Umask"] == ["0077"]
        assert (place / "wampd.pid").read_text() == f"{router.pid}\n"
        for name in ("control.sock", "wampd.sqlite"):
            made = (place / "data" / name).stat()
            assert made.st_uid == NOBODY.pw_uid
            assert stat.S_IMODE(made.st_mode) == 0o600
    assert router.stop() == 0
    assert (place / "wampd.pid").read_text() == ""  # it may not remove what is in a directory of root


def test_root_reaches_it_by_its_configuration(start, place):
    router = start(f"process: {{user: {USER}}}\n", under=under(), ready=False, directory=place)
    router.config.chmod(0o644)
    router.wait_for_log("is ready")
    asked = subprocess.run(
        wampd_command("status", router.config),
        env=environment(XDG_RUNTIME_DIR=str(place)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (asked.returncode, asked.stderr) == (0, "")
    assert f"process {router.pid}: ready" in asked.stdout
    assert router.stop() == 0


def test_components_are_the_user_too(run):
    router = run(
        "components: [{name: who, command: [sh, -c, 'id -u; grep NoNewPrivs /proc/self/status; exec sleep 60']}]"
    )
    router.wait_for_log("who: NoNewPrivs:\t1")
    assert f"who: {NOBODY.pw_uid}\n" in router.log()
    assert router.stop() == 0


CODE = """
import os
with open({seen!r}, "a") as file:
    file.write(f"{{os.getuid()}} {{os.getgid()}}\\n")

def app(environ, start_response):
    start_response("200 OK", [])
    return [b""]

def component(session):
    import twisted
"""


def test_code_that_the_user_may_have_written_is_not_run_by_root_not_even_to_look_at_it(run, place):
    """What belongs to the user is imported when the configuration is checked, as root first, and again as the user."""
    data = own(place / "data")
    seen = data / "seen"
    (data / "code.py").write_text(CODE.format(seen=str(seen)))
    (data / "inside.py").write_text(CODE.format(seen=str(seen)))
    seen.touch()
    seen.chmod(0o666)
    served = "http: {/: {type: wsgi, application: 'code:app', directory: data, threads: 1}}"
    router = run(
        "components: [{name: in, type: python, run: 'inside:component', framework: twisted, in_process: true,"
        " directory: data, realm: realm1, role: anonymous}]\n",
        listeners=f"listeners: [{{endpoint: 'tcp:${{WAMPD_PORT}}:interface=127.0.0.1', {served}}}]\n",
    )
    router.wait_for_log("is ready")
    lines = seen.read_text().splitlines()
    assert len(lines) >= 4  # twice checked, two modules
    assert set(lines) == {f"{NOBODY.pw_uid} {NOBODY.pw_gid}"}
    assert router.stop() == 0


def test_it_can_hand_over_and_the_next_process_is_the_user_from_its_beginning(run):
    router = run("limits: {probation: 0}\n")
    router.wait_for_log("is ready")
    router.signal(signal.SIGUSR2)
    new = successor_of(router)
    assert router.wait() == 0
    with Session(router.port):
        assert state(new)["Uid"] == [str(NOBODY.pw_uid)] * 4
        assert state(new)["NoNewPrivs"] == ["1"]
    end(new, router.port)


PRIVILEGED = "listeners: [{endpoint: tcp:80, rawsocket: {}}]\n"
ROOTS_ALONE = ("sh", "-c", 'echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start && exec "$@"', "sh")
"""What makes low ports of a network namespace those of root, as they are outside of containers."""


def test_ports_that_are_roots_alone_are_bound_before(run, place):
    router = run(listeners=PRIVILEGED, options=("-n",), first=ROOTS_ALONE)
    router.wait_for_log("is ready")
    assert state(router.pid)["Uid"] == [str(NOBODY.pw_uid)] * 4
    assert router.stop() == 0


def test_without_root_they_cannot_be_bound(start, place):
    own(place / "data")
    as_user = ("setpriv", "--reuid", USER, "--regid", str(NOBODY.pw_gid), "--clear-groups", "--no-new-privs")
    router = start(
        "control: {socket: data/control.sock}\n",
        listeners=PRIVILEGED,
        under=(*under("-n", first=ROOTS_ALONE), *as_user),
        directory=place,
        ready=False,
    )
    assert router.wait() == 1
    assert "cannot listen on tcp:80: " in router.log()


def test_a_key_that_only_root_can_read_is_refused_since_it_could_not_be_read_again(run, place):
    certificate, key = make_certificate(place)
    key.chmod(0o600)
    tls = f"{{certificate: {certificate.name}, key: {key.name}}}"
    router = run(
        listeners=f"listeners: [{{endpoint: 'tcp:${{WAMPD_PORT}}:interface=127.0.0.1', rawsocket: {{}}, tls: {tls}}}]\n"
    )
    assert router.wait() == 1
    assert f'listeners[0].tls.key: cannot read the file "{key}"' in router.log()
    assert f"cannot start: as the user {USER}:" in router.log()
    assert not (place / "wampd.pid").exists() or (place / "wampd.pid").read_text() == ""


def test_who_is_not_root_cannot_become_another_user(start, place):
    as_other = ("setpriv", "--reuid", "1", "--regid", "1", "--clear-groups")
    router = start(f"process: {{user: {USER}}}\n", under=(*under(), *as_other), directory=place, ready=False)
    assert router.wait() == 1
    assert f"cannot start: only root can become {USER}: start wampd as root, or as {USER}" in router.log()


@pytest.mark.parametrize(("process", "warns"), [("", True), ("process: {user: root}\n", False)])
def test_whoever_runs_it_as_root_is_warned_unless_that_is_meant(start, place, process, warns):
    router = start(process)
    assert ("the router runs as root" in router.log()) is warns
    assert router.stop() == 0


def test_programs_may_gain_privileges_only_where_that_is_said(start):
    assert state(start().pid)["NoNewPrivs"] == ["1"]
    assert state(start("process: {new_privileges: true, umask: 027}\n").pid)["NoNewPrivs"] == ["0"]


def test_a_second_router_is_told_of_the_first_and_leaves_its_file_alone(start, tmp_path):
    first = start("process: {pid_file: wampd.pid}\n")
    second = start("process: {pid_file: wampd.pid}\n", ready=False)
    assert second.wait() == 1
    said = f"cannot start: process {first.pid} runs already: it holds the PID file {tmp_path}/wampd.pid"
    assert said in second.log()
    assert (tmp_path / "wampd.pid").read_text() == f"{first.pid}\n"
    first.kill()
    third = start("process: {pid_file: wampd.pid}\n")
    assert (tmp_path / "wampd.pid").read_text() == f"{third.pid}\n"
    assert third.stop() == 0
    assert not (tmp_path / "wampd.pid").exists()


# --- the change itself ---

CHANGES = f"""
import os
from wampd.router.system.privileges import become, identity_of
os.setgroups([0, 1, 2])
environ = {{"HOME": "/root", "XDG_RUNTIME_DIR": "/run/user/0"}}
become(identity_of("{USER}", None), environ)
for way_back in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.seteuid(0), lambda: os.setgroups([0])):
    try:
        way_back()
    except PermissionError:
        continue
    raise SystemExit("there is a way back")
assert 0 not in os.getgroups()
assert os.access("/proc/self/fd", os.R_OK)
print(sorted(environ.items()))
"""


def test_there_is_no_way_back(place):
    done = subprocess.run([sys.executable, "-c", CHANGES], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    home = NOBODY.pw_dir
    assert done.stdout.strip() == str([("HOME", home), ("LOGNAME", USER), ("USER", USER)])


def test_what_is_no_user_is_nobodys_identity():
    with pytest.raises(NotAllowed, match="nobodi"):
        identity_of("nobodi", None)


def test_who_is_the_user_already_has_nothing_to_change():
    myself = pwd.getpwuid(os.getuid()).pw_name
    assert not must_change(identity_of(myself, None))


def test_becoming_somebody_without_the_right_to_is_refused(place):
    script = "from wampd.router.system.privileges import *; become(identity_of('daemon', None), {})"
    command = ["setpriv", "--reuid", "1", "--regid", "1", "--clear-groups", *wampd_command()[:1], "-c", script]
    done = subprocess.run(
        [*map(str, under()), *map(str, command)], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 1
    assert "NotAllowed: cannot become daemon" in done.stderr
    assert become.__doc__
