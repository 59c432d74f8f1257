"""The web server of one listener: Twisted's, with limits, and a log of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.logger import Logger
from twisted.web.server import Site

from wampd.router.http.channel import MAX_BODY, PATIENCE, Channel
from wampd.router.http.request import SAFE, SmallRequest

log = Logger()

MAX_HEADERS: Final = 100
MAX_HEAD: Final = 16 * 1024
ALL_BODIES: Final = 128 * 2**20
"""Bytes of the bodies of all requests that are not answered yet; of longer bodies at least four."""


class BoundedSite(Site):
    """A site without sessions, and with a log of ours."""

    displayTracebacks = False  # noqa: N815 - Twisted's name
    requestFactory = SmallRequest  # noqa: N815 - Twisted's name
    protocol: Any = Channel

    def __init__(
        self,
        root: Any,
        *,
        head_size: int = MAX_HEAD,
        header_lines: int = MAX_HEADERS,
        body_size: int = MAX_BODY,
        headers: Sequence[tuple[bytes, bytes]] = (),
        headers_by_tls: Sequence[tuple[bytes, bytes]] = (),
        introduced: Callable[[Any], bool] | None = None,
        access_log: Callable[[Any], None] | None = None,
        is_watched: Callable[[], bool] = lambda: True,
        strike: Callable[[str], object] = len,
    ) -> None:
        """The sizes are in bytes; all are of one request.

        ``headers`` are on all answers, beside `SAFE`, and ``headers_by_tls`` on those to clients who came by TLS to a proxy.
        ``introduced`` finds out who sent a request, and tells whether there is room for that one; `None`: it is who is at the
        other end. ``access_log`` is told of every request that was answered, or whose client has left. ``is_watched`` tells
        whether somebody reads what the log says at level ``debug``. ``strike`` counts what was refused or cut off, by the names
        of `wampd.router.tally`.
        """
        super().__init__(root, timeout=PATIENCE)
        self.headers = (*SAFE, *headers)
        lines = b"".join(b"%b: %b\r\n" % header for header in self.headers)
        self.hasty_head = b"HTTP/1.1 200 OK\r\n" + lines
        """How most answers begin."""
        self.headers_by_tls = (*self.headers, *headers_by_tls) if headers_by_tls else ()
        """All headers of answers to clients who came by TLS, if those are others."""
        self.introduced = introduced
        self.beside: Any = None
        """What else is spoken on the listener, for `Port`; `None`: nothing is."""
        self.access_log = access_log
        self.is_over = False
        """Nothing is served any more: connections are closed after an answer."""
        self.is_watched = is_watched
        self.strike = strike
        self.room = max(ALL_BODIES, 4 * body_size)
        """Bytes of bodies that may be kept now, of all requests."""
        self._head_size = head_size
        self._header_lines = header_lines
        self._body_size = body_size

    def become(self, other: BoundedSite) -> None:
        """Serve from the next request on what another site serves, also on connections that are open."""
        self.resource, self.access_log, self.is_watched = other.resource, other.access_log, other.is_watched
        self.headers, self.hasty_head, self.strike = other.headers, other.hasty_head, other.strike
        self.headers_by_tls, self.introduced, self.beside = other.headers_by_tls, other.introduced, other.beside
        self._head_size, self._header_lines, self._body_size = other._head_size, other._header_lines, other._body_size

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        """One connection, with the limits of this site; ``addr``: whom a proxy speaks for, as a `Client`."""
        channel: Any = super().buildProtocol(addr)
        channel.maxHeaders = self._header_lines
        channel.totalHeadersSize = self._head_size
        channel.body_size = self._body_size
        if addr is not None:
            channel.speaks_for(addr)
        return channel

    def startFactory(self) -> None:  # noqa: N802 - Twisted's name
        """There is no log file to open, and no clock of its to keep."""

    def stopFactory(self) -> None:  # noqa: N802 - Twisted's name
        """There is nothing to close."""

    def log(self, request: Any) -> None:
        """A request was answered."""
        if self.access_log is not None:
            self.access_log(request)
        if not self.is_watched():
            return
        log.debug(
            "{client}: {method} {uri}: {code}",
            client=getattr(request.getClientAddress(), "host", "unix"),
            method=request.method.decode("latin-1"),
            uri=(request.shown or request.uri).decode("latin-1"),
            code=request.code,
        )
