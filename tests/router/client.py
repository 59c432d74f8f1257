"""A blocking WAMP client (WebSocket, JSON) for tests against a router in a process of its own."""

import contextlib
import json
import ssl as tls
from itertools import count

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect, unix_connect

from tests.support.process import START_TIMEOUT

WELCOME, ABORT, GOODBYE, ERROR, CALL, RESULT, REGISTER, REGISTERED, INVOCATION, YIELD = (
    2,
    3,
    6,
    8,
    48,
    50,
    64,
    65,
    68,
    70,
)


class Session:
    """One session; every receive has a deadline. Not for TLS: the library reads in a thread of its own meanwhile."""

    def __init__(self, port=0, *, realm="realm1", join=True, url=None, unix=None, source=None, headers=None):
        """``source``: the address to connect from; ``headers``: more of the handshake's."""
        options = {
            "subprotocols": ["wamp.2.json"],
            "compression": None,
            "open_timeout": START_TIMEOUT,
            "ping_interval": None,
            "additional_headers": headers,
        }
        if source is not None:
            options["source_address"] = (source, 0)
        self._stack = contextlib.ExitStack()
        if unix is not None:
            connecting = unix_connect(str(unix), "ws://localhost/ws", **options)
        else:
            connecting = connect(url or f"ws://127.0.0.1:{port}/ws", **options)
        self.socket = self._stack.enter_context(connecting)
        self._ids = count(1)
        if join:
            self.send(1, realm, {"roles": {"caller": {}, "callee": {}, "publisher": {}, "subscriber": {}}})
            assert self.receive()[0] == WELCOME

    def send(self, *message):
        self.socket.send(json.dumps(message))

    def receive(self, timeout=START_TIMEOUT):
        return json.loads(self.socket.recv(timeout=timeout))

    def register(self, uri):
        request = next(self._ids)
        self.send(REGISTER, request, {}, uri)
        assert self.receive()[:2] == [REGISTERED, request]

    def call(self, uri, *args):
        request = next(self._ids)
        self.send(CALL, request, {}, uri, list(args))
        return request

    def closed_with(self, timeout=START_TIMEOUT):
        """The code and reason that the router closes with, whatever it says before."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.receive(timeout)
        return self.socket.protocol.close_rcvd.code, self.socket.protocol.close_rcvd.reason

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._stack.close()


def trusting(certificate):
    """A TLS context that trusts this certificate."""
    return tls.create_default_context(cafile=certificate)
