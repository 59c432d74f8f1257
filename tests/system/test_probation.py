"""A successor that dies before it has proved itself is replaced by another, and nobody is refused meanwhile.

These are the promises of docs/operation.md, "A new process without a gap".
"""

import os
import re
import signal
import socket

from tests.router.client import RESULT, YIELD, Session
from tests.support.process import Child, is_alive, is_open
from tests.system.manager import HeardManager
from tests.system.test_handover import OPERATORS, end, ready, until

LONG = "limits: {probation: 100 s, stop: 120 s}\n"
"""Longer than a test needs to kill somebody."""


def started(router: Child) -> list[int]:
    """The numbers of the successors that were started."""
    return [int(each) for each in re.findall(r"the new router is started, process (\d+)", router.log())]


def serving(router: Child, count: int) -> int:
    """The number of the process that is the ``count``-th to serve, the first included."""
    until(lambda: len(ready(router)) >= count, 60, router.described)
    return int(ready(router)[count - 1])


def kill(pid: int) -> None:
    """End a process without a word."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(pid), 30)


def test_another_takes_the_place_of_one_that_dies_while_it_serves(start, tmp_path):
    with HeardManager(tmp_path / "notify") as manager:
        file = tmp_path / "wamp.sock"
        more = f"  - {{endpoint: 'unix:{file}', rawsocket: {{}}, websocket: {{/ws: {{type: wamp}}}}}}\n"
        router = start(f"{more}{LONG}process: {{pid_file: wampd.pid}}\n", NOTIFY_SOCKET=manager.name)
        router.signal(signal.SIGUSR2)
        second = serving(router, 2)
        kill(second)
        with socket.create_connection(("127.0.0.1", router.port)):  # nobody is refused, though nobody serves
            third = serving(router, 3)
        assert "the new router has ended: it was ended by signal 9; another is started" in router.log()
        with Session(router.port), Session(unix=file):
            pass
        until(lambda: (tmp_path / "wampd.pid").read_text() == f"{third}\n", 30)
        assert is_alive(router.pid)
        router.signal(signal.SIGKILL)  # whose watch is over then
        end(third, router.port)
        heard = [manager.next() for _ in range(3)]
        assert [message.get("READY") for message in heard] == ["1"] * 3
        assert not any("MAINPID" in message for message in heard)
        assert not (tmp_path / "wampd.pid").exists()
    assert "Traceback" not in router.log()


def test_so_it_is_with_one_that_dies_between_being_ready_and_serving(start):
    router = start(LONG)
    with Session(router.port):  # the old one has somebody to drain
        router.signal(signal.SIGUSR2)
        router.wait_for_log("has taken over: stopping")
        kill(started(router)[0])
        until(lambda: len(started(router)) == 2 and str(started(router)[1]) in ready(router), 60, router.described)
    with Session(router.port):
        pass
    last = started(router)[1]
    os.kill(last, signal.SIGTERM)
    assert router.wait() == 0
    assert not is_open(router.port)


def test_when_all_die_the_first_ends_with_status_1_and_leaves_nothing_behind(start, tmp_path):
    router = start(f"{LONG}process: {{pid_file: wampd.pid}}\n")
    router.signal(signal.SIGUSR2)
    second = serving(router, 2)
    router.config.write_text("realms: []")  # those after it do not even become ready
    kill(second)
    assert router.wait(60) == 1
    assert router.log().count("the new router did not start: its configuration is wrong; another is started") == 2
    assert "the new router did not start: its configuration is wrong; no other is started" in router.log()
    assert len(started(router)) == 4
    assert not is_open(router.port)
    assert not (tmp_path / "wampd.pid").exists()


def test_one_that_is_stopped_is_not_started_again(start):
    router = start("limits: {probation: 100 s, drain: 60 s, stop: 120 s}\n")
    router.signal(signal.SIGUSR2)
    second = serving(router, 2)
    with Session(router.port) as session:
        session.register("com.slow")
        session.call("com.slow")
        invocation = session.receive()
        os.kill(second, signal.SIGTERM)
        until(lambda: not is_open(router.port), 30)  # although the first had copies of the sockets
        assert is_alive(second)
        session.send(YIELD, invocation[1], {})
        assert session.receive()[0] == RESULT
    assert router.wait() == 0
    assert "the new router was stopped" in router.log()
    assert len(started(router)) == 1
    assert not is_open(router.port)


def test_a_service_manager_that_stops_the_first_stops_both(start, tmp_path):
    with HeardManager(tmp_path / "notify") as manager:
        router = start(LONG, NOTIFY_SOCKET=manager.name)
        router.signal(signal.SIGUSR2)
        second = serving(router, 2)
        router.signal(signal.SIGTERM)
        assert router.wait() == 0
        until(lambda: not is_alive(second), 30)
    assert f"SIGTERM goes on to process {second}" in router.log()
    assert not is_open(router.port)


def test_without_one_the_first_may_be_told_to_end_and_the_second_goes_on(start):
    router = start(LONG)
    router.signal(signal.SIGUSR2)
    second = serving(router, 2)
    router.signal(signal.SIGTERM)
    assert router.wait() == 0
    with Session(router.port):
        pass
    end(second, router.port)


def test_one_that_has_proved_itself_is_the_managers_main_process(start, tmp_path):
    with HeardManager(tmp_path / "notify") as manager:
        router = start(LONG, NOTIFY_SOCKET=manager.name)
        router.reload(("100 s", "0.2 s"))
        router.signal(signal.SIGUSR2)
        second = serving(router, 2)
        assert manager.until("MAINPID") == {"MAINPID": str(second)}
        assert router.wait() == 0
        end(second, router.port)


def test_one_that_is_watched_hands_over_only_when_it_has_proved_itself(start):
    router = start(f"{OPERATORS}{LONG}")
    router.signal(signal.SIGUSR2)
    second = serving(router, 2)
    os.kill(second, signal.SIGUSR2)
    with Session(router.port):
        pass
    assert len(started(router)) == 1
    router.signal(signal.SIGTERM)  # which watches no more then
    assert router.wait() == 0
    third = serving(router, 3)
    assert third == started(router)[1]
    os.kill(third, signal.SIGTERM)
    until(lambda: not is_open(router.port), 60)
