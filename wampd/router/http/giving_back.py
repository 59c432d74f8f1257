"""A connection that goes back to the port, because a request on it is for WebSocket.

Rules
-----
* Proxies keep connections, and send requests of many on each; a WebSocket handshake may come on one that had others before.
* It waits until all answers before it are sent: who speaks WebSocket writes to the socket past Twisted's buffer.
* What else is spoken beside HTTP is for the port alone to know, and opaque here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IPullProducer
from zope.interface import implementer

from wampd.router.http.hasty import is_clear
from wampd.router.http.head import RequestLine


class Port(Protocol):
    """Where a connection came in, and what WebSocket paths there are."""

    def wants(self, speaks: Any, head: bytes) -> bool:
        """Whether a request with this head is for one of them; ``speaks``: see `BoundedSite.beside`."""
        ...

    def resume(self, speaks: Any, head: bytes) -> None:
        """Take the connection back, with this that was read of it."""
        ...


def head_of(request: Any, line: RequestLine) -> bytes:
    """The head of a request, as it could have come."""
    lines = [b"%b %b %b" % (line.method, line.target, line.version)]
    for name, values in request.requestHeaders.getAllRawHeaders():
        lines += [b"%b: %b" % (name, value) for value in values]
    return b"\r\n".join([*lines, b"", b""])


@implementer(IPullProducer)
class Drained:
    """The producer of a socket's transport that waits until all is sent that was written before."""

    def __init__(self, transport: Any, then: Callable[[], None]) -> None:
        self._transport = transport
        self._then = then
        transport.registerProducer(self, False)  # which asks at once for more

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """More could be written."""
        if is_clear(self._transport):
            self._transport.unregisterProducer()
            self._then()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client has left."""
