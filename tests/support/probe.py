"""A small WAMP client of our own over a plain WebSocket: it sees what clients and components under test really do."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.process import START_TIMEOUT

HELLO, WELCOME, ERROR, PUBLISH, SUBSCRIBE, SUBSCRIBED, EVENT, CALL, RESULT = 1, 2, 8, 16, 32, 33, 36, 48, 50
ROLES: dict[str, dict[str, object]] = {"caller": {}, "publisher": {}, "subscriber": {}}


class RefusedError(Exception):
    """The router, or the callee, answered with an ERROR; the argument is its URI."""


class Probe:
    """Calls, publishes and subscribes, one thing at a time; events that come in between are kept."""

    def __init__(self, connection: ClientConnection, realm: str) -> None:
        self._connection = connection
        self._ids = count(1)
        self._topics: dict[int, str] = {}
        self.events: list[tuple[str, list[Any], dict[str, Any]]] = []
        self._send(HELLO, realm, {"roles": ROLES})
        welcome = self._receive(time.monotonic() + START_TIMEOUT)
        assert welcome[0] == WELCOME, welcome

    def _send(self, *message: object) -> None:
        self._connection.send(json.dumps(message))

    def _receive(self, deadline: float) -> list[Any]:
        message: list[Any] = json.loads(self._connection.recv(timeout=max(0.0, deadline - time.monotonic())))
        if message[0] == EVENT:
            args, kwargs = (*message[4:6], [], {})[:2] if len(message) > 4 else ([], {})
            self.events.append((self._topics[message[1]], args, kwargs))
        return message

    def _answer(self, request: int, timeout: float) -> list[Any]:
        deadline = time.monotonic() + timeout
        while True:
            message = self._receive(deadline)
            if message[0] == ERROR and message[2] == request:
                raise RefusedError(message[4])
            if message[0] != EVENT and message[1] == request:
                return message

    def call(self, procedure: str, *args: object, timeout: float = START_TIMEOUT) -> Any:
        """The first value of the result."""
        request = next(self._ids)
        self._send(CALL, request, {}, procedure, args)
        return self._answer(request, timeout)[3][0]

    def call_when_there(self, procedure: str, *args: object, timeout: float = START_TIMEOUT) -> Any:
        """Like ``call``, trying again while nobody has registered the procedure yet."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self.call(procedure, *args)
            except RefusedError as refused:
                if refused.args[0] != "wamp.error.no_such_procedure" or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def subscribe(self, topic: str) -> None:
        """Keep the events of `topic` from now on."""
        request = next(self._ids)
        self._send(SUBSCRIBE, request, {}, topic)
        self._topics[self._answer(request, START_TIMEOUT)[2]] = topic

    def publish(self, topic: str, args: Sequence[object] = (), **kwargs: object) -> None:
        """Publish, with the router's acknowledgement."""
        request = next(self._ids)
        self._send(PUBLISH, request, {"acknowledge": True}, topic, args, kwargs)
        self._answer(request, START_TIMEOUT)

    def next_event(self, topic: str, timeout: float = START_TIMEOUT) -> tuple[list[Any], dict[str, Any]]:
        """Arguments of the next event of `topic`; TimeoutError if there is none in time."""
        deadline = time.monotonic() + timeout
        while True:
            for position, (name, args, kwargs) in enumerate(self.events):
                if name == topic:
                    del self.events[position]
                    return args, kwargs
            self._receive(deadline)


@contextmanager
def probing(port: int, realm: str = "realm1") -> Iterator[Probe]:
    """A session of ours at ``ws://127.0.0.1:port/ws``."""
    url = f"ws://127.0.0.1:{port}/ws"
    with connect(url, subprotocols=[Subprotocol("wamp.2.json")], compression=None) as connection:
        yield Probe(connection, realm)
