"""Faults to live through: a frozen router, frozen clients, a clock that is set, no file descriptors left."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.attack.client import Client, ClosedError, cpu, joined, memory, singing
from tests.attack.conftest import Attacked, settings
from tests.support.process import Child, environment, free_port, wampd_command

PINGS = {"ping_interval": 0.5, "ping_timeout": 1.0, "join_timeout": 1.0, "handshake_timeout": 1.0, "close_timeout": 1.0}


@contextmanager
def freezing(attacked: Attacked, seconds: float) -> Iterator[None]:
    """The router stands still for a while, and then goes on."""
    attacked.process.signal(signal.SIGSTOP)
    try:
        yield
        time.sleep(seconds)
    finally:
        attacked.process.signal(signal.SIGCONT)


def is_there(client: Client) -> bool:
    """Whether the session still works."""
    try:
        return client.ask(48, {}, "com.nobody")[4] == "wamp.error.no_such_procedure"
    except ClosedError:
        return False


@pytest.mark.parametrize("seconds", [1.0, 3.0])
def test_nobody_is_cut_off_because_the_router_stood_still(start: Callable[..., Attacked], seconds: float) -> None:
    router = start(limits=PINGS)
    transports = ["rawsocket", "websocket"] * 3
    with singing(router.port) as canary:
        sessions: list[Client] = []
        for transport in transports:
            sessions.append(joined(router.port, transport))
            assert all(map(is_there, sessions))  # whoever reads answers pings, however long joining takes
        opening = [Client(router.port, transport) for transport in transports]
        with freezing(router, seconds):
            for client in opening:  # the handshake waits in the socket while nobody looks at it
                client.socket.sendall(b"\x7f\xf1\0\0" if not client._websocket else b"GET /ws HTTP/1.1\r\n")
        for client in opening:
            if not client._websocket:
                assert client._exactly(4) == b"\x7f\xb1\0\0"
                client.join()
        assert all(map(is_there, sessions))
        canary.measure(0.5)


@pytest.mark.thorough
def test_nobody_is_cut_off_because_the_router_stood_still_for_20_s(start: Callable[..., Attacked]) -> None:
    """With the times that hold where nothing is configured, a call under way included."""
    router = start()
    callee, caller = joined(router.port), joined(router.port, "websocket")
    idle = [joined(router.port, transport) for transport in ("rawsocket", "websocket")]
    callee.ask(64, {}, "com.slow")
    caller.send([48, 1_000, {}, "com.slow"])
    invocation = callee.receive()
    with freezing(router, 20.0):
        callee.send([70, invocation[1], {}, ["late"]])
    assert caller.receive() == [50, 1_000, {}, ["late"]]
    assert all(is_there(client) for client in (callee, caller, *idle))
    assert "no answer to a ping" not in router.log()


def test_a_client_that_stands_still_for_less_than_it_may_stays(start: Callable[..., Attacked]) -> None:
    router = start(limits={**PINGS, "ping_timeout": 15.0})
    with singing(router.port):
        frozen = joined(router.port)
        other = joined(router.port)
        frozen.ask(32, {}, "com.news")
        for number in range(10):
            assert other.ask(16, {"acknowledge": True}, "com.news", [number])[0] == 17
            time.sleep(0.2)
        assert [frozen.receive()[4] for _ in range(10)] == [[number] for number in range(10)]
        assert is_there(frozen)


@pytest.mark.trap(14)
def test_a_step_of_the_wall_clock_changes_nothing(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(settings(limits={**PINGS, "ping_timeout": 20.0})))
    program = Path(__file__).with_name("stepping_clock.py")
    with Child(
        [sys.executable, "-P", program, "run", config], tmp_path / "log", env=environment(WAMPD_PORT=str(port))
    ) as router:
        router.wait_for_port(port)
        with singing(port) as canary:
            sessions = [joined(port, transport) for transport in ("rawsocket", "websocket")]
            for step in (signal.SIGUSR1, signal.SIGUSR2):
                started = time.monotonic()
                silent = Client(port)
                silent.shake_hands()
                router.signal(step)
                canary.measure(0.3)
                assert silent.is_cut_off()  # neither at once nor never
                assert time.monotonic() - started > 0.9
                for client in sessions:
                    assert is_there(client)
        years = {line[:13] for line in router.log().splitlines()}
        assert len(years) >= 3  # the log follows the wall clock; so it was really set


HOLDING = """
import os, sys
for _ in range(int(sys.argv[1])):
    os.set_inheritable(os.dup(0), True)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Opens descriptors, and becomes another program that has them."""


@contextmanager
def short_of_descriptors(tmp_path: Path, number: int, used: int = 0, **parts: Any) -> Iterator[Attacked]:
    """A router that may have so many descriptors open, some of which are used for something else."""
    port = free_port()
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(settings(**parts)))
    holding = [sys.executable, "-c", HOLDING, str(used)] if used else []
    command = ["/bin/sh", "-c", f'ulimit -n {number}; exec "$0" "$@"', *holding, *wampd_command("run", config)]
    with Child(command, tmp_path / "log", env=environment(WAMPD_PORT=str(port))) as process:
        process.wait_for_port(port)
        yield Attacked(process, port)
        assert "Traceback" not in process.log(), process.described()


def test_more_connections_than_descriptors_are_refused_politely(tmp_path: Path) -> None:
    with short_of_descriptors(tmp_path, 100) as router, singing(router.port) as canary:
        clients = []
        let_in = refused = 0
        for transport in ("rawsocket", "websocket") * 60:
            try:
                clients.append(Client(router.port, transport))
            except ConnectionResetError:  # where too many wait to be told, the reset may come before connect() returns
                refused += 1
        for client in clients:
            client.socket.settimeout(5)
            try:
                client.shake_hands()
                let_in += 1
            except (AssertionError, ClosedError, OSError):
                refused += 1
        assert let_in + refused == 120
        assert 40 <= let_in < 100
        canary.measure(0.2)
        for client in clients:
            client.close()
        canary.measure(0.3)
        for _ in range(30):
            joined(router.port).close()
        assert router.log().count("refused: no ") == 1


def test_descriptors_that_others_use_count_as_well(tmp_path: Path) -> None:
    with short_of_descriptors(tmp_path, 150, used=60) as router, singing(router.port) as canary:
        clients = []
        for _ in range(110):  # fewer than there may be connections
            with contextlib.suppress(ConnectionResetError):
                clients.append(Client(router.port))
        let_in = 0
        for client in clients:
            client.socket.settimeout(5)
            with contextlib.suppress(AssertionError, ClosedError, OSError):
                client.shake_hands()
                let_in += 1
        assert 30 <= let_in <= 150 - 60 - 32
        assert "no file descriptors to spare" in router.log()
        canary.measure(0.2)
        for client in clients:
            client.close()
        canary.measure(0.3)
        for _ in range(20):
            joined(router.port).close()


def test_accepting_without_a_descriptor_left_neither_spins_nor_stops_for_ever(tmp_path: Path) -> None:
    with short_of_descriptors(tmp_path, 40, process={"spare_descriptors": 0}) as router, singing(router.port) as canary:
        waiting = []
        for _ in range(80):
            peer = socket.create_connection(("127.0.0.1", router.port), 5)
            peer.sendall(b"\x7f\xf1\0\0")
            waiting.append(peer)
        canary.measure(0.5)
        before, memory_before = cpu(router.pid), memory(router.pid)
        canary.measure(1.0)
        assert cpu(router.pid) - before < 0.9  # the canary itself takes its part
        assert memory(router.pid) - memory_before < 4 * 2**20
        for peer in waiting:
            with contextlib.suppress(OSError):
                peer.close()
        canary.measure(0.5)
        for _ in range(10):
            joined(router.port).close()
        assert router.log().count("\n") < 400
