"""Stopping a real router: SIGTERM and SIGINT, the calls under way, the goodbyes, the ways to be quicker."""

import signal
import socket
import time

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.attack.client import cpu
from tests.router.client import CALL, ERROR, GOODBYE, INVOCATION, RESULT, YIELD, Session
from tests.router.conftest import HALF, LISTENERS, PATIENT
from tests.support.process import Child, environment, is_open, wampd_command
from wampd.router.realms import Realms
from wampd.router.reception import Lobby
from wampd.router.settings.model import ProcessLimits
from wampd.router.shutdown import Shutdown
from wampd.router.wiring.hosted import Hosted

REFUSES_WITHIN = 0.1
"""Seconds that the router may work until then; what takes longer, others on the machine took."""
SYSTEM_SHUTDOWN = "wamp.close.system_shutdown"


@pytest.mark.spec("SES-17", "WS-07")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sessions_get_goodbye_and_1001_and_the_router_ends_with_status_0(start, number):
    router = start()
    with Session(router.port) as one, Session(router.port) as other:
        router.signal(number)
        for session in (one, other):
            assert session.receive() == [GOODBYE, {}, SYSTEM_SHUTDOWN]
            session.send(GOODBYE, {}, "wamp.close.goodbye_and_out")
            assert session.closed_with()[0] == 1001
        assert router.wait() == 0
    assert f"{number.name}: stopping; 2 connections are open" in router.log()
    assert "Traceback" not in router.log()


@pytest.mark.spec("SES-17")
def test_sessions_that_do_not_answer_goodbye_are_closed_all_the_same(start):
    router = start("limits: {drain: 1 s}")
    with Session(router.port) as session:
        router.signal(signal.SIGTERM)
        assert session.receive()[0] == GOODBYE
        assert session.closed_with()[0] == 1001
        assert router.wait() == 0


def test_listening_ends_before_anything_is_waited_for():
    clock, closing = Clock(), []

    def close():
        closing.append(Deferred())
        return closing

    lobby = Lobby(10, clock.seconds)
    stopping = Shutdown(clock, ProcessLimits(), Realms(clock, "wampd-test"), lobby, close, Hosted(clock, (), {}))
    stopping.request("SIGTERM")
    assert len(closing) == 1
    assert lobby.closing


def test_the_port_refuses_at_once(start):
    router = start(PATIENT)
    with Session(router.port):
        worked = cpu(router.pid)
        router.signal(signal.SIGTERM)
        begun = time.monotonic()
        while is_open(router.port):
            assert min(time.monotonic() - begun, cpu(router.pid) - worked) < REFUSES_WITHIN
            assert time.monotonic() - begun < HALF
        router.wait()


def test_an_idle_router_ends_at_once(start):
    router = start(PATIENT)
    begun = time.monotonic()
    assert router.stop() == 0
    assert time.monotonic() - begun < HALF


@pytest.mark.spec("SES-17")
def test_a_call_under_way_finishes_before_the_goodbye(start):
    router = start()
    with Session(router.port) as callee, Session(router.port) as caller:
        callee.register("com.slow")
        request = caller.call("com.slow")
        invocation = callee.receive()
        assert invocation[0] == INVOCATION
        router.signal(signal.SIGTERM)
        time.sleep(0.5)
        callee.send(YIELD, invocation[1], {}, ["in time"])
        assert caller.receive() == [RESULT, request, {}, ["in time"]]
        assert caller.receive()[0] == GOODBYE
        assert callee.receive()[0] == GOODBYE
        for session in (caller, callee):
            session.send(GOODBYE, {}, "wamp.close.goodbye_and_out")
        assert router.wait() == 0


PROXY = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    http: {/: {type: proxy, backends: [{url: "http://127.0.0.1:${BACKEND}"}]}}
"""


@pytest.mark.parametrize("answers", [True, False])
def test_a_request_that_a_backend_answers_is_waited_for_but_not_for_ever(start, answers):
    with socket.create_server(("127.0.0.1", 0)) as backend:
        backend.settimeout(60)
        limits = "limits: {drain: 2 s}" if not answers else ""
        router = start(limits, listeners=PROXY, BACKEND=str(backend.getsockname()[1]))
        with socket.create_connection(("127.0.0.1", router.port), timeout=60) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            behind, _ = backend.accept()
            with behind:
                assert behind.recv(65536).startswith(b"GET / ")
                router.signal(signal.SIGTERM)
                router.wait_for_log("SIGTERM: stopping")
                if answers:
                    behind.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nin time")
                    answer = client.recv(65536)
                    assert answer.startswith(b"HTTP/1.1 200 ")
                    assert answer.endswith(b"in time")
                assert router.wait() == 0


@pytest.mark.spec("SES-17")
@pytest.mark.parametrize("caller_first", [True, False])
def test_a_call_that_does_not_finish_in_time_ends_with_an_error_before_the_goodbye(start, caller_first):
    router = start("limits: {drain: 1 s}")
    sessions = [Session(router.port), Session(router.port)]
    caller, callee = sessions if caller_first else sessions[::-1]
    with caller, callee:
        callee.register("com.slow")
        request = caller.call("com.slow")
        assert callee.receive()[0] == INVOCATION
        router.signal(signal.SIGTERM)
        answer = caller.receive()
        assert answer[:3] == [ERROR, CALL, request]
        assert caller.receive()[0] == GOODBYE
        assert router.wait() == 0


def test_a_second_signal_ends_at_once(start):
    router = start(PATIENT)
    with Session(router.port) as callee, Session(router.port) as caller:
        callee.register("com.slow")
        caller.call("com.slow")
        assert callee.receive()[0] == INVOCATION
        router.signal(signal.SIGTERM)
        router.wait_for_log("SIGTERM: stopping")
        begun = time.monotonic()
        router.signal(signal.SIGTERM)
        assert router.wait() == 0
        assert time.monotonic() - begun < HALF
    assert "SIGTERM again: ending at once" in router.log()


def test_after_the_hard_limit_nothing_is_waited_for(start):
    router = start("limits: {drain: 1 s, stop: 1 s}")
    with Session(router.port) as callee, Session(router.port) as caller:
        callee.register("com.slow")
        caller.call("com.slow")
        assert callee.receive()[0] == INVOCATION
        begun = time.monotonic()
        assert router.stop() == 0
        assert 0.5 < time.monotonic() - begun < HALF
    assert "2 connections were left" in router.log()


UNHURRIED = LISTENERS.replace("close_timeout: 1 s", "handshake_timeout: 60 s, join_timeout: 60 s")


def test_who_is_at_the_handshake_when_the_router_stops_is_not_waited_for(start):
    router = start("limits: {drain: 1 s}", listeners=UNHURRIED)
    silent = [socket.create_connection(("127.0.0.1", router.port)) for _ in range(3)]
    silent[1].sendall(b"GET /ws HT")
    silent[2].sendall(b"\x7f\xf1\x00\x00")
    assert silent[2].recv(4)
    with Session(router.port, join=False) as joining:
        begun = time.monotonic()
        router.signal(signal.SIGTERM)
        assert joining.closed_with()[0] == 1001
        assert router.wait() == 0
        assert time.monotonic() - begun < HALF
    for each in silent:
        each.close()


def test_many_sessions_are_told_spread_over_the_drain_time(start):
    router = start("limits: {drain: 2 s}")
    sessions = [Session(router.port) for _ in range(150)]
    begun = time.monotonic()
    router.signal(signal.SIGTERM)
    for session in sessions:
        assert session.receive()[0] == GOODBYE
        session.send(GOODBYE, {}, "wamp.close.goodbye_and_out")
    assert router.wait() == 0
    assert time.monotonic() - begun < HALF
    for session in sessions:
        session.close()


def test_an_address_that_is_taken_is_one_line_and_status_1(start, tmp_path):
    router = start()
    second = Child(
        wampd_command("run", router.config), tmp_path / "second.log", env=environment(WAMPD_PORT=str(router.port))
    )
    assert second.wait() == 1
    said = (
        f"cannot listen on tcp:{router.port}:interface=127.0.0.1: another process listens there already; is it a router"
    )
    assert said in second.log()
    assert "Traceback" not in second.log()
    assert router.stop() == 0
