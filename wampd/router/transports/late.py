"""WebSocket on a connection that the web server has: a request that is not the first of its connection.

Rules
-----
* Browsers open a connection for each WebSocket. Proxies that keep connections to the router may ask for one on any of them,
  after other requests; so the web server asks here before it serves a request with ``Upgrade``.
* Such a handshake is what it would be on a connection of its own: the same paths, limits and answers, and as much time.
* A WebSocket connection writes to the socket itself. So it begins when all that the web server has said is in the socket; what
  the client sends until then, which it should not, is kept up to a limit.

Sources: RFC 9110, section 7.8 (Upgrade); RFC 6455, section 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.protocol import Protocol as TwistedProtocol

from wampd.router.transports.connection import unsent

MOST_EARLY: Final = 64 * 1024
"""Bytes that a client may send before it has an answer."""
_UPGRADE: Final = re.compile(rb"\r\nUpgrade[ \t]*:[^\r\n]*\bwebsocket\b", re.IGNORECASE)


def asks_for_websocket(head: bytes) -> bool:
    """Whether the head of a request asks for WebSocket, at whatever path."""
    return _UPGRADE.search(head) is not None


def head_of(request: Any) -> bytes:
    """The head of a request that the web server has read."""
    lines = [b"%b %b %b" % (request.method, request.uri, request.clientproto)]
    for name, values in request.requestHeaders.getAllRawHeaders():
        lines += [b"%b: %b" % (name, value) for value in values]
    return b"\r\n".join([*lines, b"", b""])


class Late(TwistedProtocol):
    """What gets the connection from the web server: it opens the WebSocket, or says why not."""

    transport: Any

    def __init__(self, begin: Callable[[], TwistedProtocol | None], end: Callable[[], None]) -> None:
        """``begin`` returns what serves the connection from then on, `None` if nothing does; ``end``: the client has left."""
        self._begin = begin
        self._end = end
        self._heir: TwistedProtocol | None = None
        self._begun = False
        self._early: list[bytes] = []

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is ours, as soon as all is said."""
        is_direct = hasattr(type(self.transport), "writeSomeData")  # as in `Connection`; TLS keeps the order by itself
        if is_direct and unsent(self.transport):
            self.transport.registerProducer(self, False)
        else:
            self._go_on()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Twisted asks for more, perhaps because nothing is left."""
        if not unsent(self.transport):
            self.transport.unregisterProducer()
            self._go_on()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone, as `connectionLost` will tell."""

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """What came with the handshake, or before its answer; after one that failed, what is dropped."""
        if self._heir is not None:
            self._heir.dataReceived(data)
        elif not self._begun:
            self._early.append(data)
            if sum(map(len, self._early)) > MOST_EARLY:
                self.transport.abortConnection()

    def connectionLost(self, reason: Any = None) -> None:  # noqa: ARG002, N802 - Twisted's name
        """The connection is gone, and nobody else has it."""
        self._end()

    def _go_on(self) -> None:
        self._begun = True
        self._heir = self._begin()
        early, self._early = self._early, []
        for data in early:
            self.dataReceived(data)
