"""One connection of the web server: Twisted's HTTP/1.1, within limits of size and time.

Rules
-----
* A request, its body included, is complete within `PATIENCE` seconds of the connection's beginning or of the last answer; a
  client that sends an octet at a time has no more time than others.
* A body over its limit is refused when it is announced, or when it grows that long; it is not kept, and what the client still
  sends is read and dropped for a short while, so that the answer reaches it.
* A client that does not read its answer is cut off after `STALL` seconds without progress.
* A failure of ours shows no traceback to the client.

Sources: RFC 9110 (HTTP semantics), RFC 9112 (HTTP/1.1 messages).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from io import BytesIO
from time import monotonic
from typing import Any, Final

from twisted.logger import Logger
from twisted.web.http import NO_BODY_CODES, HTTPChannel
from twisted.web.server import Request, Site

log = Logger()

MAX_BODY: Final = 2**20
MAX_HEADERS: Final = 100
MAX_HEAD: Final = 16 * 1024
PATIENCE: Final = 30.0
STALL: Final = 30.0
LINGER: Final = 2.0
"""Seconds that a refused client's bytes are read and dropped."""
SAFE: Final = (
    (b"Server", b"wampd"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Referrer-Policy", b"same-origin"),
    (b"X-Frame-Options", b"SAMEORIGIN"),
)
"""Headers of all answers, unless what answers has others. The last three are for browsers: to believe what type an answer has,
not to tell other sites where links were found, and not to show pages in frames of other sites."""
_ORIGIN: Final = re.compile(rb"^https?://([^/?#]*)", re.IGNORECASE)
VERSIONS: Final = frozenset({b"HTTP/1.1", b"HTTP/1.0"})
"""What requests may say that they are; one that has not said it yet is not there."""
TOO_LARGE: Final = b"413 Content Too Large"


class SmallRequest(Request):
    """A request whose body is bounded."""

    channel: Any
    shown: bytes | None = None
    """What the log shows in place of the target, if that holds a secret."""
    who: str | None = None
    """As whom the request was served, for the access log; whoever finds out says so here."""
    asked_host = ""
    """The host that is asked for, in lower case and without port; empty if HTTP/1.0 does not say."""
    authority: bytes | None = None
    """What stands for the host in a target in absolute form."""
    finishing: Callable[[Any], None] | None = None
    """Called when the head of the answer is about to be written: it has the last word on headers."""
    began = 0.0
    """When the head of the request was there, where there is an access log; seconds by the monotonic clock."""

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """The head is complete; ``length`` is what the body is announced to have."""
        self.requestHeaders.removeHeader(b"content-type")  # bodies are not for forms: nothing need parse them
        self.content = BytesIO()
        if self.channel.site.access_log is not None:
            self.began = monotonic()
        if length is not None and length > self.channel.body_size:
            self.channel.refuse(TOO_LARGE)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """A part of the body is there."""
        assert self.content is not None
        if self.content.tell() + len(data) > self.channel.body_size:
            self.channel.refuse(TOO_LARGE)
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802 - Twisted's name
        """All of the request is there. A target in absolute form is as good (RFC 9112, section 3.2)."""
        if path[:1] != b"/" and (found := _ORIGIN.match(path)):
            self.authority = found[1]
            path = path[found.end() :] or b"/"
        super().requestReceived(command, path, version)

    def render(self, resrc: Any) -> None:
        """Answer."""
        headers = self.responseHeaders
        for name, value in self.channel.site.headers:
            headers.setRawHeaders(name, [value])
        super().render(resrc)

    def write(self, data: bytes) -> None:
        """Write a part of the body; the head goes before the first."""
        if not self.startedWriting:
            if self.finishing is not None:
                self.finishing(self)
            if self.code in NO_BODY_CODES:  # which has no length either (RFC 9110, section 8.6)
                self.responseHeaders.removeHeader(b"Content-Length")
        super().write(data)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        """The client has left before all was said."""
        channel = self.channel
        super().connectionLost(reason)
        if channel.site.access_log is not None and self.clientproto in VERSIONS and not self.finished:
            channel.site.access_log(self)


class Channel(HTTPChannel):
    """One connection."""

    transport: Any
    requestFactory = SmallRequest  # noqa: N815 - Twisted's name
    body_size = MAX_BODY
    """The longest body of a request, in bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._refused = False
        self._stall: Any = None

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take what was read."""
        if not self._refused:
            super().dataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: ARG002, N802 - Twisted's name
        """A header line is too long."""
        self.refuse(b"431 Request Header Fields Too Large")

    def resetTimeout(self) -> None:  # noqa: N802 - Twisted's name
        """Octets alone do not buy time."""

    def refuse(self, status: bytes) -> None:
        """Answer with this status line's end, and close."""
        if self._refused:
            return
        self._refused = True
        self.setTimeout(None)
        transport = self.transport
        transport.write(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status)
        transport.unregisterProducer()
        # Asked of the class: inside TLS only all of a connection can be closed.
        if hasattr(type(transport), "loseWriteConnection"):
            transport.loseWriteConnection()
        else:
            transport.loseConnection()
        self._watch(LINGER)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client does not read as fast as the answer comes."""
        super().pauseProducing()
        self._watch(STALL)

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client has read something."""
        if not self._refused:
            self._watch(None)
            super().resumeProducing()

    def loseConnection(self) -> None:  # noqa: N802 - Twisted's name
        """Close once all is read; if nobody reads it, all the same."""
        super().loseConnection()
        self._watch(STALL)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone."""
        self._watch(None)
        super().connectionLost(reason)

    def _send100Continue(self) -> None:  # noqa: N802 - Twisted's name
        if not self._refused:
            super()._send100Continue()

    def _watch(self, delay: float | None) -> None:
        """Cut the client off after this time, unless something happens before."""
        if self._stall is not None and self._stall.active():
            self._stall.cancel()
        self._stall = None if delay is None else self.callLater(delay, self.transport.abortConnection)


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
        access_log: Callable[[Any], None] | None = None,
    ) -> None:
        """The sizes are in bytes; all are of one request.

        ``headers`` are on all answers, beside `SAFE`; ``access_log`` is told of every request that was answered, or whose
        client has left.
        """
        super().__init__(root, timeout=PATIENCE)
        self.headers = (*SAFE, *headers)
        self.access_log = access_log
        self._head_size = head_size
        self._header_lines = header_lines
        self._body_size = body_size

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        """One connection, with the limits of this site."""
        channel: Any = super().buildProtocol(addr)
        channel.maxHeaders = self._header_lines
        channel.totalHeadersSize = self._head_size
        channel.body_size = self._body_size
        return channel

    def startFactory(self) -> None:  # noqa: N802 - Twisted's name
        """There is no log file to open, and no clock of its to keep."""

    def stopFactory(self) -> None:  # noqa: N802 - Twisted's name
        """There is nothing to close."""

    def log(self, request: Any) -> None:
        """A request was answered."""
        if self.access_log is not None:
            self.access_log(request)
        log.debug(
            "{client}: {method} {uri}: {code}",
            client=getattr(request.getClientAddress(), "host", "unix"),
            method=request.method.decode("latin-1"),
            uri=(request.shown or request.uri).decode("latin-1"),
            code=request.code,
        )
