"""Components in real processes that a real router runs: they crash, hang, leak, flood, and try to stay behind."""

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.process import START_TIMEOUT, Child, environment, free_port, is_alive, wampd_command
from wampd.router.hosting.warding import WARDEN, Warden

CONFIG = """
realms: [{{name: realm1, roles: [{{name: anonymous}}], auth: {{anonymous: {{role: anonymous}}}}}}]
listeners: [{{endpoint: "tcp:${{WAMPD_PORT}}:interface=127.0.0.1", rawsocket: {{}}}}]
components: {components}
limits: {{drain: 2 s, stop: 8 s}}
"""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="it is only on Linux that the system tells")

STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(1000)"
)
LEAKING = (
    "import time\nkept = []\nprint('up', flush=True)\n"
    "while True:\n    if len(kept) < 64: kept.append(b'x' * 2**20 * 8)\n    time.sleep(0.02)"
)
FLOODING = "import sys\nwhile True: sys.stdout.write({text!r})"
DAEMON = """
import os, sys, time
heard, said = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    print('daemon', os.getpid(), flush=True)
    os.write(said, b'.')
    time.sleep(1000)
os.read(heard, 1)
{then}
"""
MUTE = "import os, time\nprint('mute', flush=True)\nos.close(1); os.close(2)\ntime.sleep(1000)"
BINARY = "import os, time\nos.write(1, bytes(range(256)) * 40 + b'\\nover\\n')\ntime.sleep(1000)"
SLEEPER = "import time; print('up', flush=True); time.sleep(1000)"


def python(name, source, **more):
    return {"name": name, "command": [sys.executable, "-c", source], **more}


@pytest.fixture
def run(tmp_path):
    """Runs a router with these components until it is ready; it is gone at the end, whatever happens."""
    started = []

    def run(*components, arguments=()):
        port = free_port()
        config = tmp_path / "config.yaml"
        config.write_text(CONFIG.format(components=json.dumps(list(components))))
        variables = environment(WAMPD_PORT=str(port), XDG_RUNTIME_DIR=str(tmp_path / "run"))
        wampd = Child(wampd_command("run", config, *arguments), tmp_path / "log", env=variables)
        started.append(wampd)
        wampd.wait_for_log("is ready")
        return wampd

    yield run
    for wampd in started:
        wampd.kill()


def wait_until(condition, what, timeout=START_TIMEOUT):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.01)


def pids(wampd, name):
    return [int(pid) for pid in re.findall(rf"component {name} started, process (\d+)", wampd.log())]


# ------------------------------------------------------------------------------------------------------ left behind


@LINUX
def test_a_stubborn_component_does_not_outlive_a_router_that_is_killed(run):
    wampd = run(python("stubborn", STUBBORN, stop={"grace": 0.5}))
    wampd.wait_for_log("stubborn: up")
    [pid] = pids(wampd, "stubborn")
    os.kill(wampd.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid), "the component is gone")


@LINUX
def test_what_has_left_the_group_does_not_outlive_a_router_that_is_killed(run):
    wampd = run(python("parent", DAEMON.format(then="time.sleep(1000)"), stop={"grace": 0.5}))
    wampd.wait_for_log("parent: daemon")
    daemon = int(re.findall(r"parent: daemon (\d+)", wampd.log())[0])
    assert os.getsid(daemon) != os.getsid(pids(wampd, "parent")[0])
    os.kill(wampd.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(daemon), "the daemon is gone")


@LINUX
def test_what_has_left_the_group_does_not_outlive_its_run(run):
    wampd = run(python("parent", DAEMON.format(then=""), restart={"policy": "never"}))
    wampd.wait_for_log("component parent is done")
    daemon = int(re.findall(r"parent: daemon (\d+)", wampd.log())[0])
    wait_until(lambda: not is_alive(daemon), "the daemon is gone")


BREEDER = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    for _ in range(1000):
        if os.fork() == 0:
            time.sleep(1000)
        time.sleep(0.001)
    time.sleep(1000)
time.sleep(0.3)
"""


@LINUX
def test_what_goes_on_starting_others_does_not_outlive_its_run_either(run):
    wampd = run(python("breeder", BREEDER, restart={"policy": "never"}))
    wampd.wait_for_log("component breeder is done")
    wait_until(lambda: not carrying(), "all of them are gone")


def carrying():
    """The processes of the run."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            environ = Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
            if b"WAMPD_COMPONENT=breeder" in environ and any(each.startswith(b"WAMPD_RUN=") for each in environ):
                found.append(int(entry))
    return found


@LINUX
def test_a_warden_that_is_killed_is_replaced(run):
    wampd = run(python("stubborn", STUBBORN, stop={"grace": 0.5}))
    wampd.wait_for_log("stubborn: up")
    first = wardens_of(wampd.pid)
    os.kill(first[0], signal.SIGKILL)
    wait_until(lambda: wardens_of(wampd.pid) not in ([], first), "there is another warden")
    os.kill(wampd.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pids(wampd, "stubborn")[0]), "the component is gone")


@LINUX
def test_a_warden_knows_the_runs_that_there_are_although_its_router_is_killed_before_it_says_a_word():
    class Starting:
        def spawnProcess(self, _protocol, program, arguments, environment, **_):
            return subprocess.run([program, *arguments[1:]], env=environment, stdin=subprocess.DEVNULL, check=True)

    with subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True, stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout.readline() == b"up\n"
        with contextlib.suppress(AttributeError):  # there is nothing that could be written to any more
            Warden(Starting()).watch("0" * 32, stubborn.pid, 0.1)
        try:
            assert stubborn.wait(10) == -signal.SIGKILL  # it was before the warden ended
        finally:
            stubborn.kill()


@LINUX
@pytest.mark.parametrize("cut", ["+ 1", "+ 11 1", "-"])
def test_a_warden_whose_router_is_killed_in_the_middle_of_a_line_ends_what_it_knows(cut):
    with subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True, stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout.readline() == b"up\n"
        told = f"+ {'0' * 32} {stubborn.pid} 0.1\n{cut}"
        try:
            ended = subprocess.run([sys.executable, "-I", "-S", WARDEN], input=told.encode(), capture_output=True)
            assert (ended.returncode, ended.stderr) == (0, b"")
            assert stubborn.wait(10) == -signal.SIGKILL
        finally:
            stubborn.kill()


def wardens_of(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(each) for each in children if b"warden.py" in Path(f"/proc/{each}/cmdline").read_bytes()]


@LINUX
def test_the_warden_ends_with_the_router(run):
    wampd = run(python("a", SLEEPER))
    wampd.wait_for_log("a: up")
    [warden] = wardens_of(wampd.pid)
    assert wampd.stop() == 0
    wait_until(lambda: not is_alive(warden), "the warden is gone")
    assert not is_alive(pids(wampd, "a")[0])


def test_without_components_there_is_no_warden(run):
    wampd = run()
    wampd.wait_for_log("is ready")
    assert Path(f"/proc/{wampd.pid}/task/{wampd.pid}/children").read_text() == ""


# ----------------------------------------------------------------------------------------------------- hang and crash


def test_one_that_is_not_ready_and_does_not_listen_is_killed_and_started_again(run):
    more = {"ready": {"log": "never"}, "ready_timeout": 0.5, "stop": {"grace": 0.3}}
    wampd = run(python("stubborn", STUBBORN, **more))
    wampd.wait_for_log("component stubborn is ended: it was not ready within 0.5 s")
    wait_until(lambda: len(pids(wampd, "stubborn")) >= 2, "it is started again")
    assert not is_alive(pids(wampd, "stubborn")[0])


def test_killed_it_is_back_in_less_than_a_second(run):
    wampd = run(python("a", SLEEPER, instances=2))
    wampd.wait_until(lambda: wampd.log().count(": up") == 2, "both are up")
    [first] = pids(wampd, "a.1")
    os.kill(first, signal.SIGKILL)
    wampd.wait_until(lambda: wampd.log().count("a.1: up") == 2, "it is back")
    [pause] = re.findall(r"component a\.1 starts again in (\S+) s", wampd.log())
    assert float(pause) <= 0.5  # the rest is the start of an interpreter, however long that takes on a busy machine
    assert "component a.1 was ended by signal 9 (SIGKILL)" in wampd.log()
    assert len(pids(wampd, "a.2")) == 1


def test_one_that_crashes_at_once_again_and_again_is_given_up_and_others_run(run):
    crashing = python("crashing", "raise SystemExit(3)", restart={"most": 2, "first": 0.05, "longest": 0.1})
    wampd = run(crashing, python("a", SLEEPER))
    wampd.wait_for_log("component crashing is given up after 2 restarts in a row")
    assert len(pids(wampd, "crashing")) == 3
    assert wampd.log().count("component crashing failed, exit status 3") == 3
    assert is_alive(pids(wampd, "a")[0])
    assert "Traceback" not in wampd.log()


def test_components_are_started_in_the_order_of_their_readiness(run, tmp_path):
    source = f"import time; time.sleep(0.3); open({str(tmp_path / 'prepared')!r}, 'w').close()"
    look = f"import os, time; print('prepared', os.path.exists({str(tmp_path / 'prepared')!r}), flush=True); time.sleep(1000)"
    wampd = run(python("user", look, after=["setup"]), python("setup", source, ready="exited"))
    wampd.wait_for_log("user: prepared True")
    assert len(pids(wampd, "setup")) == 1


def test_a_changed_configuration_concerns_the_components_that_it_changes(run, tmp_path):
    wampd = run(python("a", SLEEPER), python("b", SLEEPER), python("c", SLEEPER))
    for name in "abc":
        wampd.wait_for_log(f"{name}: up")
    now = [python("a", SLEEPER), python("b", SLEEPER, environment={"X": "1"}), python("d", SLEEPER, after=["b"])]
    (tmp_path / "config.yaml").write_text(CONFIG.format(components=json.dumps(now)))
    wampd.signal(signal.SIGHUP)
    wampd.wait_for_log("d: up")
    assert [len(pids(wampd, name)) for name in "abcd"] == [1, 2, 1, 1]

    def alive():
        return [[is_alive(pid) for pid in pids(wampd, name)] for name in "abcd"]

    wait_until(lambda: alive() == [[True], [False, True], [False], [True]], "what is not wanted any more is gone")


# ------------------------------------------------------------------------------------------------------------- limits


@LINUX
def test_one_that_leaks_is_ended_before_it_takes_all_memory(run):
    wampd = run(python("leaking", LEAKING, limits={"memory": "100 MiB"}), python("a", SLEEPER))
    wampd.wait_for_log("component leaking is ended: it takes ")
    wait_until(lambda: len(pids(wampd, "leaking")) >= 2, "it is started again")
    assert is_alive(pids(wampd, "a")[0])
    taken = int(re.findall(r"it takes (\d+) MiB of memory, more than its 100 MiB", wampd.log())[0])
    assert taken > 100


@LINUX
def test_limits_hold_for_a_component_and_what_it_starts(run):
    source = (
        "import os, resource, time\n"
        "print('files', *resource.getrlimit(resource.RLIMIT_NOFILE))\n"
        "print('space', *resource.getrlimit(resource.RLIMIT_AS))\n"
        "print('processes', *resource.getrlimit(resource.RLIMIT_NPROC))\n"
        "print('cpu', *os.sched_getaffinity(0))\n"
        "print('nice', os.nice(0), flush=True)\n"
        "time.sleep(1000)"
    )
    cpu = min(os.sched_getaffinity(0))
    limits = {"files": 64, "address_space": "512 MiB", "processes": 500, "cpu": [cpu], "nice": 3}
    wampd = run(python("limited", source, limits=limits))
    wampd.wait_for_log("limited: nice")
    for said in ("files 64 64", f"space {2**29} {2**29}", "processes 500 500", f"cpu {cpu}", f"nice {os.nice(0) + 3}"):
        assert f"limited: {said}\n" in wampd.log()


@LINUX
def test_components_may_have_as_many_files_as_the_router_began_with_and_may_raise_that(run):
    source = "import resource, time; print('files', *resource.getrlimit(resource.RLIMIT_NOFILE), flush=True); time.sleep(1000)"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wampd = run(python("a", source))
    wampd.wait_for_log(f"a: files {soft} {hard}\n")


@LINUX
def test_a_limit_that_cannot_be_set_is_one_line(run):
    wampd = run(python("limited", SLEEPER, limits={"files": 2**31 - 1}))
    wampd.wait_for_log("limited: limits.files cannot be")
    wampd.wait_for_log("component limited cannot be started")


# ------------------------------------------------------------------------------------------------------------- output


@LINUX
@pytest.mark.parametrize(
    ("text", "said"),
    [("flood\n" * 1000, "more lines were not logged"), ("flood" * 2000 + "\n", "flooding: floodflood")],
    ids=["short lines", "long lines"],
)
def test_a_flood_is_bounded_and_the_router_stays_itself(run, text, said):
    wampd = run(python("flooding", FLOODING.format(text=text)))
    wampd.wait_for_log(said)
    begun, taken = time.monotonic(), cpu_of(wampd.pid)
    time.sleep(2)
    share = (cpu_of(wampd.pid) - taken) / (time.monotonic() - begun)
    assert share < 0.5
    assert len(wampd.log()) < 20_000_000
    assert wampd.stop() == 0


def cpu_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_one_that_closes_its_outputs_runs_on_and_is_seen_to_end(run):
    wampd = run(python("mute", MUTE))
    wampd.wait_for_log("mute: mute")
    [pid] = pids(wampd, "mute")
    time.sleep(0.3)  # were it taken for ended, it would be started again by now
    assert pids(wampd, "mute") == [pid]
    os.kill(pid, signal.SIGKILL)
    wampd.wait_until(lambda: len(pids(wampd, "mute")) == 2, "it is started again")


def test_bytes_that_are_no_text_are_lines_all_the_same(run):
    wampd = run(python("binary", BINARY))
    wampd.wait_for_log("binary: over")
    assert "\ufffd" in wampd.log()
    assert "\0" not in wampd.log()


# -------------------------------------------------------------------------------------------------------------- files


def change(wampd, path, name):
    """Change a file until that is seen: what is there at the first look is no change."""
    for size in range(2, 60):
        path.write_text("2" * size)
        with contextlib.suppress(AssertionError):
            wampd.wait_for_log(f"component {name} is restarted: {path} has changed", timeout=1)
            return
    raise AssertionError(wampd.described())


def test_for_development_files_are_looked_at_by_a_word_of_the_command_line(run, tmp_path):
    (tmp_path / "part.txt").write_text("1")
    source = "import time; print('read', open('part.txt').read(), flush=True); time.sleep(1000)"
    more = {"watch": {"paths": ["*.txt"], "interval": 0.1, "settle": 0.05}, "directory": str(tmp_path)}
    wampd = run(python("one", source, **more), arguments=("--reload",))
    wampd.wait_for_log("one: read 1")
    change(wampd, tmp_path / "part.txt", "one")
    wampd.wait_for_log("one: read 22")


def test_a_changed_file_restarts_what_it_belongs_to(run, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part.txt").write_text("1")
    more = {"watch": {"paths": ["*.txt"], "always": True, "interval": 0.1, "settle": 0.05}}
    source = "import time; print('read', open('part.txt').read(), flush=True); time.sleep(1000)"
    wampd = run(*(python(name, source, directory=str(tmp_path / name), **more) for name in ("one", "two")))
    wampd.wait_for_log("one: read 1")
    wampd.wait_for_log("two: read 1")
    change(wampd, tmp_path / "one" / "part.txt", "one")
    wampd.wait_for_log("one: read 22")
    assert f"component one is restarted: {tmp_path / 'one' / 'part.txt'} has changed" in wampd.log()
    assert len(pids(wampd, "two")) == 1
