"""A router that is stopped while much is under way: every call gets its one answer, whatever way it came by."""

import contextlib
import json
import random
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.router.client import CALL, ERROR, GOODBYE, INVOCATION, RESULT, YIELD, Session
from tests.router.conftest import HALF, PATIENT
from tests.support.longpoll import Http, joined
from tests.support.process import is_open

pytestmark = pytest.mark.spec("SES-17")

CANCELED = "wamp.error.canceled"
WAYS = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
    rawsocket: {}
    limits: {close_timeout: 1 s}
    http:
      /lp: {type: longpoll}
      /call: {type: call, realm: realm1, role: anonymous, insecure: true}
      /events: {type: events, realm: realm1, role: anonymous, insecure: true}
      /behind: {type: proxy, backends: [{url: "http://127.0.0.1:${BACKEND:-9}"}]}
"""


def opened(router, callers: int, callees: int) -> tuple[list[Session], list[Session], contextlib.ExitStack]:
    stack = contextlib.ExitStack()
    served = [stack.enter_context(Session(router.port)) for _ in range(callees)]
    for number, callee in enumerate(served):
        callee.register(f"com.work.{number}")
    return [stack.enter_context(Session(router.port)) for _ in range(callers)], served, stack


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("some_are_never_answered", [False, True])
def test_every_call_under_way_is_answered_once(start, seed, some_are_never_answered):
    """Many callers and callees; answers come in any order while the router drains, some in parts, some as errors."""
    chance = random.Random(seed)
    router = start(f"limits: {{drain: {6 if some_are_never_answered else 60} s, stop: 90 s}}")
    callers, callees, stack = opened(router, callers=10, callees=4)
    with stack:
        asked = [
            [caller.call(f"com.work.{chance.randrange(4)}", n, m) for m in range(20)]
            for n, caller in enumerate(callers)
        ]
        work = [
            (callee, callee.receive())
            for callee, count in zip(callees, _shares(seed, asked), strict=True)
            for _ in range(count)
        ]
        assert {invocation[0] for _, invocation in work} == {INVOCATION}
        chance.shuffle(work)
        answered = work[: len(work) // 2] if some_are_never_answered else work
        router.signal(signal.SIGTERM)
        router.wait_for_log("SIGTERM: stopping")
        for callee, invocation in answered:
            if chance.random() < 0.2:
                callee.send(ERROR, INVOCATION, invocation[1], {}, "com.work.failed", invocation[4])
            else:
                callee.send(YIELD, invocation[1], {}, invocation[4])
        expected = {tuple(invocation[4]) for _, invocation in answered}
        for n, (caller, requests) in enumerate(zip(callers, asked, strict=True)):
            said = [caller.receive() for _ in requests]
            last = {(message[1] if message[0] == RESULT else message[2]): message for message in said}
            assert sorted(last) == sorted(requests)
            for m, request in enumerate(requests):
                message = last[request]
                if (n, m) in expected:
                    assert message[-1] == [n, m], message
                    assert message[0] == RESULT or message[4] == "com.work.failed"
                else:
                    assert message[:3] == [ERROR, CALL, request]
                    assert message[4] == CANCELED, message
            assert caller.receive()[0] == GOODBYE
        assert router.wait() == 0
    assert "Traceback" not in router.log()


def _shares(seed: int, asked: list[list[int]]) -> list[int]:
    """How many of these calls each of the four callees got."""
    chance = random.Random(seed)
    shares = [0] * 4
    for requests in asked:
        for _ in requests:
            shares[chance.randrange(4)] += 1
    return shares


def test_calls_by_http_and_by_long_poll_are_answered_too(start):
    router = start(listeners=WAYS)
    with (
        Session(router.port) as callee,
        Http(router.port) as http,
        Http(router.port) as said,
        Http(router.port) as heard,
    ):
        callee.register("com.slow")
        http.begin("/call/com.slow", b"[1]", Content_Type="application/json")
        path = joined(said)
        assert said.ask(f"{path}/send", json.dumps([CALL, 1, {}, "com.slow", [2]]).encode()).status == 202
        heard.begin(f"{path}/receive")
        invocations = [callee.receive(), callee.receive()]
        router.signal(signal.SIGTERM)
        router.wait_for_log("SIGTERM: stopping")
        for invocation in invocations:
            callee.send(YIELD, invocation[1], {}, ["in time", *invocation[4]])
        answer = http.answer()
        assert answer is not None
        assert (answer.status, answer.json()) == (200, {"args": ["in time", 1], "kwargs": {}})
        polled = heard.answer()
        assert polled is not None
        assert polled.json() == [RESULT, 1, {}, ["in time", 2]]
        assert callee.receive()[0] == GOODBYE
        callee.close()
        assert router.wait() == 0


def test_a_stream_of_events_ends_and_does_not_delay(start):
    router = start(PATIENT, listeners=WAYS)
    with socket.create_connection(("127.0.0.1", router.port), timeout=60) as stream:
        stream.sendall(b"GET /events?topic=com.news HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in stream.recv(65536)
        begun = time.monotonic()
        assert router.stop() == 0
        assert time.monotonic() - begun < HALF
        while stream.recv(65536):
            pass


class Backend(BaseHTTPRequestHandler):
    """Answers that last: a stream without an end, or a file that comes slowly."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.close_connection = True
        if self.path.endswith("endless"):
            self.send_header("Content-Type", "Text/Event-Stream; charset=utf-8")
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b": still here\n\n")
                    time.sleep(0.05)
        else:
            self.send_header("Content-Length", "10")
            self.end_headers()
            for _ in range(10):
                self.wfile.write(b"x")
                time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def backend():
    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield str(server.server_port)
        server.shutdown()
        thread.join()


def asked(port: int, path: str) -> socket.socket:
    """A connection on which an answer has begun."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    said = b""
    while b"\r\n\r\n" not in said:
        said += connection.recv(65536)
    assert said.startswith(b"HTTP/1.1 200 ")
    return connection


def test_a_stream_without_an_end_behind_the_proxy_does_not_delay(start, backend):
    router = start(PATIENT, listeners=WAYS, BACKEND=backend)
    with asked(router.port, "/behind/endless"):
        begun = time.monotonic()
        assert router.stop() == 0
        assert time.monotonic() - begun < HALF


def test_a_file_behind_the_proxy_arrives_whole(start, backend):
    router = start(listeners=WAYS, BACKEND=backend)
    with asked(router.port, "/behind/file") as connection:
        router.signal(signal.SIGTERM)
        body = b""
        while data := connection.recv(65536):
            body += data
        assert body.endswith(b"x" * 5)
    assert router.wait() == 0


def test_listening_ends_at_once_while_calls_are_waited_for(start):
    router = start(PATIENT)
    with Session(router.port) as callee, Session(router.port) as caller:
        callee.register("com.slow")
        request = caller.call("com.slow")
        invocation = callee.receive()
        router.signal(signal.SIGTERM)
        router.wait_for_log("SIGTERM: stopping")
        router.wait_until(lambda: not is_open(router.port), "nobody listens", timeout=HALF)
        callee.send(YIELD, invocation[1], {}, [1])
        assert caller.receive() == [RESULT, request, {}, [1]]
        for session in (caller, callee):
            assert session.receive()[0] == GOODBYE
            session.close()
        assert router.wait() == 0
