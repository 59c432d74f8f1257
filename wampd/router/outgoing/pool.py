"""Connections, and those that wait for the next request to the same origin.

Rules
-----
* The head of an answer is bounded, all answers before it (1xx) included. Twisted bounds each of its lines, and not how many
  there are.
* Only a connection that its server keeps, too, waits. Twisted's own pool takes those of HTTP/1.0 as well, and those whose
  server writes ``Connection: Close``; the next request then fails on a connection that is closed under it.

Sources: RFC 9112, section 9.3 (a connection persists if the answer is of HTTP/1.1 and has no option ``close``; what is older
persists only by ``keep-alive``, which is not asked for here), RFC 9110, section 7.6.1 (options are case-insensitive, in a
list).
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from twisted.web._newclient import BODY, HTTP11ClientProtocol
from twisted.web.client import HTTPConnectionPool

from wampd.router.outgoing.problems import OutgoingError

LARGEST_HEAD: Final = 64 * 1024
"""Bytes; what comes with the last of them does not count."""


class _Exchanges(HTTP11ClientProtocol):
    """The exchanges of one connection, one after the other."""

    _head = 0

    def request(self, request: Any) -> Any:
        """Begin one."""
        self._head = 0
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take a part of an answer, unless its head does not end."""
        parser: Any = self._parser
        in_head = parser is not None and parser.state != BODY
        super().dataReceived(data)
        if in_head and self._parser is not None and self._parser.state != BODY:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                why = OutgoingError("too_large", f"the head of the answer is longer than {LARGEST_HEAD} bytes")
                self._giveUp(Failure(why))


class _Connections(Factory):
    """Makes them."""

    noisy = False

    def __init__(self, done: Any, _: object) -> None:
        self._done = done

    def buildProtocol(self, _: object) -> Any:  # noqa: N802 - Twisted's name
        """One more."""
        return _Exchanges(self._done)


class Pool(HTTPConnectionPool):
    """Keeps what can be used again."""

    _factory: Any = _Connections

    def _putConnection(self, key: Any, connection: Any) -> None:  # noqa: N802 - Twisted's name
        """Take a connection whose answer is complete, or close it."""
        if _stays_open(connection):
            super()._putConnection(key, connection)
        else:
            connection.transport.loseConnection()


def _stays_open(connection: Any) -> bool:
    """Whether the server will serve one more request on it, by the head of its last answer."""
    parser = connection._parser  # the answer itself may not have been told yet
    if parser.response.version < (b"HTTP", 1, 1):
        return False
    options = b",".join(parser.connHeaders.getRawHeaders(b"connection", ()))
    return b"close" not in {option.strip().lower() for option in options.split(b",")}
