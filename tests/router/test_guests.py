"""Programs that a real router runs: started, logged, started again, stopped, never left behind."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from wampd.router.hosting.guests import LINES_PER_SECOND, MAX_LINE, Output

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


def is_alive(pid):
    """Whether a process runs; the dead that nobody has fetched yet do not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid, timeout=5):
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
    router.wait_for_log("starts again in 2.0 s")
    log = router.log()
    assert log.count("guest: here") == 3
    assert "exit code 3" in log
    assert [f"starts again in {delay} s" in log for delay in (0.5, 1.0, 2.0)] == [True] * 3
    assert router.stop() == 0
    assert children_left(router) == []


def children_left(router):
    """Processes of the router's guests that still run."""
    return [pid for pid in map(int, re.findall(r"started, process (\d+)", router.log())) if is_alive(pid)]


def test_a_guest_that_is_killed_is_back_in_less_than_a_second_and_leaves_no_zombie(start, tmp_path):
    router = start(component(*script(tmp_path, TICKER), "it"))
    router.wait_for_log("guest: hello")
    first = pid_in(router.log())
    begun = time.monotonic()
    os.kill(first, signal.SIGKILL)
    router.wait_until(lambda: router.log().count("guest: hello") == 2, "it is back")
    assert time.monotonic() - begun < 1.5
    assert children_of(router.pid) == [str(pid_in(router.log()))]


def test_a_program_that_cannot_be_run_any_more_is_one_line_and_tried_again(start, tmp_path):
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable}\nimport os, sys\nos.unlink(sys.argv[0])\n")
    program.chmod(0o755)
    router = start(component(program))
    router.wait_for_log("component guest cannot be started")
    router.wait_for_log("starts again in 2.0 s")
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


# ------------------------------------------------------------------------------------------------------- output


@pytest.fixture
def printed():
    """An output on a clock, and what it logs."""
    events = []
    globalLogPublisher.addObserver(events.append)
    clock = Clock()
    clock.rightNow = 100.0
    yield Output("guest", "stdout", clock), clock, events
    globalLogPublisher.removeObserver(events.append)


def lines(events):
    return [event["line"] for event in events if "line" in event]


def test_lines_may_come_in_any_pieces(printed):
    output, _, events = printed
    for piece in (b"one\ntw", b"o", b"\n\n\r\nthr", "ée\n".encode()[:4], "ée\n".encode()[4:], b"\xff\nlast"):
        output.feed(piece)
    output.end()
    assert lines(events) == ["one", "two", "thrée", "\ufffd", "last"]


def test_a_line_without_end_is_cut_and_bounded(printed):
    output, _, events = printed
    for _ in range(50):
        output.feed(b"x" * 1000)
        assert len(output._rest) <= MAX_LINE
    output.end()
    assert [len(line) for line in lines(events)] == [MAX_LINE] * 6 + [50_000 - 6 * MAX_LINE]


def test_of_a_long_line_that_comes_in_one_piece_nothing_is_lost(printed):
    output, _, events = printed
    output.feed(b"x" * (2 * MAX_LINE + 5) + b"\nnext\n")
    assert [len(line) for line in lines(events)] == [MAX_LINE, MAX_LINE, 5, len("next")]


def test_a_flood_of_lines_is_not_logged_but_counted(printed):
    output, clock, events = printed
    output.feed(b"spam\n" * 10_000)
    assert len(lines(events)) == LINES_PER_SECOND
    clock.advance(1)
    output.feed(b"after\n")
    assert lines(events)[-1] == "after"
    assert [event["dropped"] for event in events if "dropped" in event] == [10_000 - LINES_PER_SECOND]


def test_what_a_last_flood_has_cost_is_told_at_the_end(printed):
    output, _, events = printed
    output.feed(b"spam\n" * 1000)
    output.end()
    assert events[-1]["dropped"] == 1000 - LINES_PER_SECOND
