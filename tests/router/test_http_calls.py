"""Calls by HTTP through a running router: parts as they come, and a client that leaves."""

from __future__ import annotations

import json
import socket

import pytest

from tests.router.client import INVOCATION, WELCOME, YIELD, Session

LISTENERS = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
    http: {/call: {type: call, realm: realm1, role: anonymous, insecure: true, timeout: 20 s}}
"""
INTERRUPT = 69
FEATURES = {"progressive_call_results": True, "call_canceling": True}


class Caller:
    """A client of HTTP, as near to the wire as can be."""

    def __init__(self, port, procedure):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        head = [f"POST /call/{procedure} HTTP/1.1", "Host: x", "Content-Type: application/json", "Content-Length: 2"]
        self.socket.sendall("\r\n".join([*head, "Accept: application/x-ndjson", "", "[]"]).encode())
        self.heard = b""

    def line(self):
        """The next line that is JSON."""
        while True:
            line, found, rest = self.heard.partition(b"\n")
            if found:
                self.heard = rest
                if line.startswith(b"{"):
                    return json.loads(line)
            else:
                data = self.socket.recv(65536)
                assert data, "the connection was closed"
                self.heard += data


@pytest.fixture
def callee(start):
    router = start(listeners=LISTENERS)
    with Session(router.port, join=False) as session:
        session.send(1, "realm1", {"roles": {"callee": {"features": FEATURES}}})
        assert session.receive()[0] == WELCOME
        session.register("com.app.count")
        session.port = router.port
        yield session


def test_parts_come_one_by_one(callee):
    caller = Caller(callee.port, "com.app.count")
    kind, request, _, details = callee.receive()
    assert (kind, details["receive_progress"]) == (INVOCATION, True)
    for number in range(3):
        callee.send(YIELD, request, {"progress": True}, [number])
        assert caller.line() == {"progress": True, "args": [number], "kwargs": {}}  # before the next is even made
    callee.send(YIELD, request, {}, [], {"done": True})
    assert caller.line() == {"args": [], "kwargs": {"done": True}}
    caller.socket.close()


@pytest.mark.trap(13)
@pytest.mark.parametrize("parts", [0, 1])
def test_a_client_that_leaves_interrupts_the_callee(callee, parts):
    caller = Caller(callee.port, "com.app.count")
    _, request, *_ = callee.receive()
    for number in range(parts):
        callee.send(YIELD, request, {"progress": True}, [number])
        caller.line()
    caller.socket.close()
    assert callee.receive()[:2] == [INTERRUPT, request]
