"""A router under a service manager: what that is told, its watchdog, the sockets that it passes on, signals for stacks."""

import re
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from tests.router.client import GOODBYE, Session
from tests.support.process import free_port
from tests.system.manager import HeardManager

ACTIVATE = Path(__file__).with_name("activate.py")


def activated(*sockets: str) -> tuple[str | Path, ...]:
    """What stands before the command of a router that sockets are passed on to."""
    return sys.executable, ACTIVATE, *sockets, "--"


def speaking(*endpoints: str) -> str:
    """Listeners on these endpoints."""
    return "listeners:\n" + "".join(
        f"  - {{endpoint: '{each}', websocket: {{/ws: {{type: wamp}}}}}}\n" for each in endpoints
    )


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_manager_is_told_when_the_router_serves_and_when_it_stops(start, tmp_path, kind):
    with HeardManager(tmp_path / "notify" if kind == "path" else f"@wampd-test-{tmp_path.name}") as manager:
        router = start(ready=False, NOTIFY_SOCKET=manager.name)
        assert manager.next() == {"READY": "1", "STATUS": "serves 1 listener"}
        with Session(router.port) as session:
            router.signal(signal.SIGTERM)
            assert manager.next()["STOPPING"] == "1"
            assert session.receive()[0] == GOODBYE
        assert router.wait() == 0


def test_the_manager_is_told_of_a_reload_and_that_it_is_over(start, tmp_path):
    with HeardManager(tmp_path / "notify") as manager:
        router = start(NOTIFY_SOCKET=manager.name)
        assert manager.next()["READY"] == "1"
        for configuration in (router.config.read_text(), "realms: nonsense"):
            router.config.write_text(configuration)
            router.signal(signal.SIGHUP)
            told = manager.next()
            assert told["RELOADING"] == "1"
            assert int(told["MONOTONIC_USEC"]) > 0
            assert manager.next()["READY"] == "1"
        assert router.stop() == 0


def test_a_router_that_cannot_serve_never_says_that_it_does(start, tmp_path):
    first = start()
    with HeardManager(tmp_path / "notify") as manager:
        second = start(
            listeners=speaking(f"tcp:{first.port}:interface=127.0.0.1"), ready=False, NOTIFY_SOCKET=manager.name
        )
        assert second.wait() == 1
        manager.nothing()


def test_the_watchdog_is_fed_by_a_router_that_turns_and_by_no_other(start, tmp_path):
    with HeardManager(tmp_path / "notify") as manager:
        router = start(NOTIFY_SOCKET=manager.name, WATCHDOG_USEC="400000")
        for _ in range(3):
            assert manager.until("WATCHDOG") == {"WATCHDOG": "1"}
        router.signal(signal.SIGSTOP)
        manager.until_silence(1)
        router.signal(signal.SIGCONT)
        assert manager.until("WATCHDOG") == {"WATCHDOG": "1"}
        assert router.stop() == 0


def test_sockets_that_are_passed_on_are_listened_on_by_their_names(start, tmp_path):
    port, file = free_port(), tmp_path / "web.sock"
    router = start(
        listeners=speaking("systemd:web", "systemd:domain=UNIX:name=local"),
        under=activated(f"web={port}", f"local={file}"),
    )
    with Session(port), Session(unix=file):
        pass
    assert router.stop() == 0
    assert file.exists()  # it is the manager's


def test_one_name_may_stand_for_several_sockets(start):
    ports = [free_port(), free_port()]
    router = start(listeners=speaking("systemd:web"), under=activated(*(f"web={port}" for port in ports)))
    with Session(ports[0]), Session(ports[1]):
        pass
    assert router.stop() == 0


def test_a_socket_that_nobody_is_for_is_closed_with_a_warning(start):
    used, unused = free_port(), free_port()
    router = start(listeners=speaking("systemd:index=0"), under=activated(f"a={used}", f"b={unused}"))
    assert "no listener is for the socket systemd:b" in router.log()
    with Session(used), socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", unused)) != 0


@pytest.mark.parametrize(
    ("sockets", "said"),
    [((), "has passed on no socket"), (("web", "api"), "has passed on no such socket; there is api, web")],
)
def test_a_socket_that_is_not_there_is_said_and_ends_the_router(start, sockets, said):
    under = activated(*(f"{name}={free_port()}" for name in sockets)) if sockets else ()
    router = start(listeners=speaking("systemd:wamp"), under=under, ready=False)
    assert router.wait() == 1
    assert f"cannot listen on systemd:wamp: the service manager {said}" in router.log()


def test_sockets_for_another_process_are_not_taken(start):
    router = start(listeners=speaking("systemd:web"), ready=False, LISTEN_PID="1", LISTEN_FDS="1", LISTEN_FDNAMES="web")
    assert router.wait() == 1
    assert "has passed on no socket" in router.log()


def test_components_inherit_no_socket_and_no_word_of_any(start):
    port = free_port()
    component = "components: [{name: looks, command: [sh, -c, 'ls -l /proc/self/fd; env; echo looked; exec sleep 60']}]"
    router = start(
        component, listeners=speaking("systemd:web"), under=activated(f"web={port}"), NOTIFY_SOCKET="@nobody"
    )
    router.wait_for_log("looks: looked")
    said = [line for line in router.log().splitlines() if "looks: " in line]
    assert not [line for line in said if "socket:" in line or "LISTEN_" in line or "NOTIFY_" in line]
    assert router.stop() == 0


LEFT_OPEN = """
import os, resource, sys
os.dup2(1, 251)
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_a_descriptor_that_was_left_open_is_not_in_the_way_of_components(start):
    component = "components: [{name: looks, command: [sh, -c, 'ls /proc/self/fd; echo looked; exec sleep 60']}]"
    router = start(component, under=(sys.executable, "-c", LEFT_OPEN))
    router.wait_for_log("looks: looked")
    assert "looks: 251" not in router.log()
    assert router.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_that_comes_too_early_does_not_end_the_router(start, number):
    router = start(ready=False)
    router.wait_until(lambda: signals_blocked(router.pid) & 1 << number - 1, "it has begun")
    router.signal(number)
    router.wait_for_log("is ready")
    router.wait_until(lambda: not signals_blocked(router.pid), "it listens to them")
    with Session(router.port):
        pass
    assert router.stop() == 0


def signals_blocked(pid: int) -> int:
    """Signals that wait in a process, as bits."""
    found = re.search(r"^SigBlk:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1], 16)


def test_stacks_are_written_on_demand_and_the_router_goes_on(start):
    router = start()
    router.signal(signal.SIGQUIT)
    router.wait_for_log("most recent call first")
    router.wait_for_log("daemon.py")  # it is written line by line
    with Session(router.port):
        pass
    assert router.stop() == 0


def test_a_router_that_its_watchdog_ends_says_where_it_was(start):
    router = start()
    router.signal(signal.SIGABRT)
    assert router.wait() == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in router.log()
    assert "daemon.py" in router.log()


def test_a_manager_that_does_not_read_does_not_keep_the_router_from_serving(start, tmp_path):
    with HeardManager(tmp_path / "notify") as manager:
        router = start(NOTIFY_SOCKET=manager.name, WATCHDOG_USEC="100000")
        time.sleep(2)  # as many messages as the socket's queue does not take
        with Session(router.port):
            pass
        assert router.stop() == 0
    assert "Traceback" not in router.log()
