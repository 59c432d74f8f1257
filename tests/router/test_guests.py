"""Programs that a real router runs: started, logged, started again, stopped, never left behind."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support.process import START_TIMEOUT, is_alive

TICKER = """
import sys, time
print("hello from", sys.argv[1])
print("trouble", file=sys.stderr)
time.sleep(1000)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("I stay"))
print("ready")
while True:
    time.sleep(0.1)
"""
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
print("child", child.pid)
{then}
"""


def component(*command, name="guest", **more):
    lines = "".join(f"\n            {key}: {value}" for key, value in more.items())
    return f"""
        components:
          - name: {name}
            command: {list(map(str, command))}{lines}
        limits: {{drain: 2 s}}
    """


def script(directory, source, name="guest.py"):
    path = directory / name
    path.write_text(source)
    return sys.executable, path


def gone(pid, timeout=START_TIMEOUT):
    deadline = time.monotonic() + timeout
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def pid_in(log, pattern=r"started, process (\d+)"):
    return int(re.findall(pattern, log)[-1])


def children_of(pid):
    """The processes that a process has, zombies included."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def command_of(pid):
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_what_a_guest_prints_is_in_the_log_line_by_line(start, tmp_path):
    router = start(component(*script(tmp_path, TICKER), "it", name="ticker"))
    router.wait_for_log("ticker: hello from it")
    router.wait_for_log("ticker: trouble")
    assert router.stop() == 0


def test_a_guest_gets_its_directory_and_environment_and_no_secrets(start, tmp_path):
    (tmp_path / "home").mkdir()
    source = (
        "import os; print(os.getcwd(), os.environ['COLOUR'], os.environ.get('SECRET')); import time; time.sleep(1000)"
    )
    more = {"directory": "home", "environment": "{COLOUR: blue}"}
    router = start(component(*script(tmp_path, source), **more), SECRET="hush")
    router.wait_for_log(f"guest: {tmp_path / 'home'} blue None")


def test_a_guest_that_fails_is_started_again_ever_later(start, tmp_path):
    router = start(component(*script(tmp_path, "print('here'); raise SystemExit(3)")))
    router.wait_until(lambda: len(delays(router)) == 3, "it is started again three times")
    log = router.log()
    assert log.count("guest: here") == 3
    assert "component guest failed, exit status 3" in log
    first, second, third = delays(router)
    assert 0.25 <= first <= 0.5 <= second <= 1.0 <= third <= 2.0
    assert router.stop() == 0
    assert children_left(router) == []


def delays(router):
    """After how many seconds a guest is started again."""
    return [float(delay) for delay in re.findall(r"starts again in (\S+) s", router.log())]


def children_left(router):
    """Processes of the router's guests that still run."""
    return [pid for pid in map(int, re.findall(r"started, process (\d+)", router.log())) if is_alive(pid)]


def test_a_guest_that_is_killed_is_back_in_less_than_a_second_and_leaves_no_zombie(start, tmp_path):
    router = start(component(*script(tmp_path, TICKER), "it"))
    router.wait_for_log("guest: hello")
    first = pid_in(router.log())
    os.kill(first, signal.SIGKILL)
    router.wait_until(lambda: router.log().count("guest: hello") == 2, "it is back")
    [delay] = delays(router)
    assert delay <= 0.5  # the rest of the second is for a program to start
    [warden] = (pid for pid in children_of(router.pid) if "warden.py" in command_of(pid))
    assert set(children_of(router.pid)) == {warden, str(pid_in(router.log()))}


def test_a_program_that_cannot_be_run_any_more_is_one_line_and_tried_again(start, tmp_path):
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable}\nimport os, sys\nos.unlink(sys.argv[0])\n")
    program.chmod(0o755)
    router = start(component(program))
    router.wait_for_log("component guest cannot be started")
    router.wait_until(lambda: len(delays(router)) == 3, "it is started again three times")
    assert f"guest: {program}: No such file" in router.log()
    assert "Traceback" not in router.log()
    assert router.stop() == 0


def test_a_directory_that_is_not_there_any_more_is_one_line_too(start, tmp_path):
    (tmp_path / "home").mkdir()
    more = {"directory": "home"}
    router = start(component(*script(tmp_path, "import os; os.rmdir(os.getcwd())"), **more))
    router.wait_for_log("component guest cannot be started")
    assert f"guest: {tmp_path / 'home'}: No such file" in router.log()


def test_guests_are_stopped_with_the_router(start, tmp_path):
    router = start(component(*script(tmp_path, TICKER), "it"))
    router.wait_for_log("guest: hello")
    assert router.stop() == 0
    assert children_left(router) == []
    assert "starts again" not in router.log()


def test_a_guest_that_does_not_want_to_end_is_killed(start, tmp_path):
    router = start(component(*script(tmp_path, STUBBORN)))
    router.wait_for_log("guest: ready")
    assert router.stop() == 0
    assert "guest: I stay" in router.log()
    assert children_left(router) == []


def test_a_guest_that_does_not_want_to_end_is_not_left_behind_by_a_router_in_a_hurry(start, tmp_path):
    router = start(component(*script(tmp_path, STUBBORN)))
    router.wait_for_log("guest: ready")
    router.signal(signal.SIGTERM)
    router.wait_for_log("guest: I stay")
    router.signal(signal.SIGTERM)
    assert router.wait() == 0
    [pid] = {int(pid) for pid in re.findall(r"started, process (\d+)", router.log())}
    assert gone(pid)


def test_what_a_guest_has_started_is_stopped_with_it(start, tmp_path):
    router = start(component(*script(tmp_path, PARENT.format(then="time.sleep(1000)"))))
    router.wait_for_log("guest: child")
    child = pid_in(router.log(), r"guest: child (\d+)")
    assert router.stop() == 0
    assert gone(child)


def test_what_a_guest_has_started_does_not_outlive_it_nor_keep_it_from_starting_again(start, tmp_path):
    router = start(component(*script(tmp_path, PARENT.format(then=""))))
    router.wait_for_log("guest: child")
    child = pid_in(router.log(), r"guest: child (\d+)")
    router.wait_until(lambda: router.log().count("guest: child") >= 2, "it is started again")
    assert gone(child)
    assert router.stop() == 0  # killed, it would leave the next child behind


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_no_guest_is_left_when_the_router_is_killed(start, tmp_path):
    router = start(component(*script(tmp_path, TICKER), "it"))
    router.wait_for_log("guest: hello")
    pid = pid_in(router.log())
    router.kill()
    assert gone(pid)


def test_ctrl_c_in_a_terminal_reaches_the_router_and_not_its_guests(start, tmp_path):
    router = start(component(*script(tmp_path, TICKER), "it"))
    router.wait_for_log("guest: hello")
    assert os.getpgid(pid_in(router.log())) != os.getpgid(router.pid)
