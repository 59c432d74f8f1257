"""One request of the web server, as resources see it.

Rules
-----
* Its body is in ``content``, bounded, once ``render`` is called; or in ``body``, on its way, for those that say so (`body.py`).
* ``shown`` is what the log shows in place of the target, if that holds a secret.
* A failure of ours is a 500 without a word of it, and a traceback in the log; if the answer has begun, it ends right there, and
  so does the connection, so that nobody takes it for complete.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from wampd.router.http.answer import say
from wampd.router.http.body import Body, Intake, intake_of
from wampd.router.http.head import RequestLine

log = Logger()


class SmallRequest(Request):
    """A request whose body is bounded."""

    channel: Any = None
    shown: bytes | None = None
    """What the log shows in place of the target, if that holds a secret."""
    body: Body | None = None
    """The body, of a resource that takes it while it comes."""
    _kind: Any = None

    # ------------------------------------------------------------------------------------- called by the connection

    def intake(self, line: RequestLine) -> Intake:
        """How the resource takes the body; the target is known, and the headers are."""
        self.method, self.uri, self.clientproto = line.method, line.target, line.version
        self.path = self.uri.split(b"?", 1)[0]
        self.prepath, self.postpath = [], [unquote_to_bytes(part) for part in self.path[1:].split(b"/")]
        self.site = self.channel.site
        return intake_of(self.channel.site.resource, self) or Intake(streamed=False)

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """The head is complete; ``length`` is what the body is announced to have."""
        self.content = BytesIO()
        self.body = self.channel.announced(self, length)
        self._kind = self.requestHeaders.getRawHeaders(b"Content-Type")
        self.requestHeaders.removeHeader(b"Content-Type")  # else Twisted would take forms apart, whatever their size

    def begin(self, line: RequestLine, body: Body) -> None:
        """Let a resource answer whose body comes meanwhile."""
        if body.length != 0:
            super().requestReceived(line.method, line.target, line.version)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """A part of the body is there."""
        if self.finished or not self.channel.fits(len(data)):
            return
        if self.body is not None:
            self.body.came(data)
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802 - Twisted's name
        """All of the request is there."""
        if self.body is None:
            super().requestReceived(command, path, version)
            return
        self.body.is_complete = True
        if self.body.length == 0:
            super().requestReceived(command, path, version)
        else:
            self.body.complete()

    def process(self) -> None:
        """All that is needed for an answer is there."""
        if self._kind is not None:
            self.requestHeaders.setRawHeaders(b"Content-Type", self._kind)
        super().process()

    # ------------------------------------------------------------------------------------------- called by the body

    def want_body(self) -> None:
        """Read on."""
        if self.channel is not None:
            self.channel.want_body()

    def hold_body(self) -> None:
        """Read nothing for now."""
        if self.channel is not None:
            self.channel.hold_body()

    def body_failed(self) -> None:
        """What takes the body has raised what is handled now."""
        self.processingFailed(Failure())

    # ---------------------------------------------------------------------------------------------------- answering

    def render(self, resrc: Any) -> None:
        """Answer."""
        self.setHeader(b"Server", b"wampd")
        self.setHeader(b"X-Content-Type-Options", b"nosniff")
        super().render(resrc)

    def processingFailed(self, reason: Failure) -> Failure:  # noqa: N802 - Twisted's name
        """Answering failed."""
        log.failure("serving a request failed: a bug in wampd, or in what it serves", reason)
        if self.channel is None or self.finished:
            return reason
        if self.startedWriting:
            self.channel.transport.abortConnection()
        else:
            self.responseHeaders.removeHeader(b"Content-Length")
            self.write(say(self, 500, "internal error"))
            self.finish()
        return reason
