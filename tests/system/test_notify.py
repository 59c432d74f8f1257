"""What a service manager is told, in memory: messages, the watchdog, and managers that are not there or do not read."""

import os
import time

import pytest
from twisted.internet.task import Clock

from tests.system.manager import HeardManager
from wampd.router.system.notify import Manager, Watchdog


@pytest.mark.parametrize("name", ["", "relative/path", "notify", "vsock:2:1234"])
def test_a_manager_that_the_environment_does_not_name_as_it_should_is_nobody(name):
    manager = Manager({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"})
    assert not manager.is_there
    assert manager.watchdog is None
    manager.ready("never said")
    manager.close()


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_messages_come_to_a_path_and_to_an_abstract_name(tmp_path, kind):
    name = tmp_path / "notify" if kind == "path" else f"@wampd-test-{os.getpid()}"
    with HeardManager(name) as heard:
        manager = Manager({"NOTIFY_SOCKET": str(name)})
        manager.ready("serves two listeners")
        assert heard.next() == {"READY": "1", "STATUS": "serves two listeners"}
        manager.stopping("says goodbye")
        assert heard.next() == {"STOPPING": "1", "STATUS": "says goodbye"}
        manager.successor(4711)
        assert heard.next() == {"MAINPID": "4711"}
        manager.close()


def test_reloading_tells_the_monotonic_time(tmp_path):
    with HeardManager(tmp_path / "notify") as heard:
        manager = Manager({"NOTIFY_SOCKET": heard.name})
        before = time.monotonic_ns() // 1000
        manager.reloading()
        message = heard.next()
        assert message["RELOADING"] == "1"
        assert before <= int(message["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        manager.close()


def test_a_status_of_several_lines_is_one_and_forges_nothing(tmp_path):
    with HeardManager(tmp_path / "notify") as heard:
        manager = Manager({"NOTIFY_SOCKET": heard.name})
        manager.status("fine\nMAINPID=1")
        assert heard.next() == {"STATUS": "fine MAINPID=1"}
        manager.close()


def test_a_manager_that_is_gone_is_logged_once_and_told_again_when_it_is_back(tmp_path, caught_log):
    name = tmp_path / "notify"
    manager = Manager({"NOTIFY_SOCKET": str(name)})
    for _ in range(3):
        manager.status("nobody hears this")
    assert len(caught_log) == 1
    with HeardManager(name) as heard:
        manager.status("back")
        assert heard.next() == {"STATUS": "back"}
    manager.close()


def test_a_manager_that_does_not_read_does_not_hold_the_router_up(tmp_path, caught_log):
    with HeardManager(tmp_path / "notify") as heard:
        manager = Manager({"NOTIFY_SOCKET": heard.name})
        begun = time.monotonic()
        for _ in range(2000):
            manager.alive()
        assert time.monotonic() - begun < 5
        assert len(caught_log) == 1
        manager.close()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WATCHDOG_USEC": "20000000"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "7"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_asked_for_by_the_environment_of_this_very_process(environ, expected):
    assert Manager({"NOTIFY_SOCKET": "@nobody", **environ}, pid=7).watchdog == expected


def test_signs_of_life_come_at_half_of_the_time(tmp_path):
    with HeardManager(tmp_path / "notify") as heard:
        clock = Clock()
        manager = Manager({"NOTIFY_SOCKET": heard.name, "WATCHDOG_USEC": "3000000"})
        Watchdog(manager, clock).start()
        assert heard.next() == {"WATCHDOG": "1"}
        clock.advance(1.4)
        heard.nothing()
        clock.advance(0.2)
        assert heard.next() == {"WATCHDOG": "1"}
        clock.advance(1.5)
        assert heard.next() == {"WATCHDOG": "1"}
        manager.close()


def test_without_a_watchdog_there_is_no_timer():
    clock = Clock()
    Watchdog(Manager({}), clock).start()
    assert clock.getDelayedCalls() == []
