"""HTTP servers of tests: they answer each connection with the same octets, and tell what they were asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.epollreactor import EPollReactor
from twisted.protocols import tls

PATIENCE = 20.0


class Server:
    """Answers each connection with the same octets, and tells what it was asked."""

    def __init__(self, answer: bytes, *, context: ssl.SSLContext | None = None, stays: bool = False) -> None:
        """``stays``: the connection is not closed after the answer."""
        self.asked: list[bytes] = []
        self._answer = answer
        self._context = context
        self._stays = stays
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with contextlib.suppress(OSError):
                    self._attend(connection)

    def _attend(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True)
        self._open.append(connection)
        asked = b""
        while b"\r\n\r\n" not in asked:
            part = connection.recv(4096)
            if not part:
                return
            asked += part
        self.asked.append(asked)
        connection.sendall(self._answer)
        if not self._stays:
            connection.close()

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def ok(body: bytes = b"{}", **headers: str) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body)]
    lines += [f"{name}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join([*lines, b"", body])


@contextlib.contextmanager
def serving() -> Iterator[Any]:
    """What starts servers, which are gone at the end."""
    servers: list[Server] = []

    def serve(answer: bytes, **options: Any) -> Server:
        servers.append(Server(answer, **options))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


@contextlib.contextmanager
def turned_reactor() -> Iterator[Any]:
    """A reactor of its own, which the tests turn."""
    reactor = EPollReactor()
    reactor.startRunning(installSignalHandlers=False)
    with pytest.MonkeyPatch.context() as patch:  # TLS in Twisted asks the reactor of the process for its small delays
        patch.setattr(tls, "_get_default_clock", lambda: reactor)
        yield reactor
    reactor.fireSystemEvent("shutdown")
    reactor.iterate(0)
