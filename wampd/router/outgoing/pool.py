"""Connections that wait for the next request to the same origin.

Rules
-----
* Only a connection that its server keeps, too, waits. Twisted's own pool takes those of HTTP/1.0 as well, and those whose
  server writes ``Connection: Close``; the next request then fails on a connection that is closed under it.

Sources: RFC 9112, section 9.3 (a connection persists if the answer is of HTTP/1.1 and has no option ``close``; what is older
persists only by ``keep-alive``, which is not asked for here); RFC 9110, section 7.6.1 (options are a list, and
case-insensitive).
"""

from __future__ import annotations

from typing import Any

from twisted.web.client import HTTPConnectionPool


class Pool(HTTPConnectionPool):
    """Keeps what can be used again."""

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
