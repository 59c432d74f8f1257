"""One request of the web server, as resources see it.

Rules
-----
* Its body is in ``content``, bounded, once ``render`` is called; or in ``body``, on its way, for those that say so (`body.py`).
* ``shown`` is what the log shows in place of the target, if that holds a secret.
* A failure of ours is a 500 without a word of it, and a traceback in the log; if the answer has begun, it ends right there, and
  so does the connection, so that nobody takes it for complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from io import BytesIO
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.error import UnsupportedMethod
from twisted.web.http import NO_BODY_CODES, RESPONSES
from twisted.web.server import NOT_DONE_YET, Request

from wampd.router.http.answer import say
from wampd.router.http.body import Body, Intake, intake_of
from wampd.router.http.hasty import date
from wampd.router.http.head import RequestLine

if TYPE_CHECKING:
    from wampd.router.cookies import Cookies

log = Logger()

SAFE: Final = (
    (b"Server", b"wampd"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Referrer-Policy", b"same-origin"),
    (b"X-Frame-Options", b"SAMEORIGIN"),
)
"""Headers of all answers, unless what answers has others. The last three are for browsers: to believe what type an answer has,
not to tell other sites where links were found, and not to show pages in frames of other sites."""
METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"PATCH"})
"""What there is (RFC 9110, section 9; RFC 5789)."""
PHRASES: Final[Mapping[int, bytes]] = MappingProxyType(
    {each.value: each.phrase.encode() for each in HTTPStatus if each not in RESPONSES}
)
"""Of statuses that Twisted does not know."""
WHOLE: Final = Intake(streamed=False)
"""How bodies are taken of which nothing is said."""
VERSIONS: Final = frozenset({b"HTTP/1.1", b"HTTP/1.0"})
"""What requests may say that they are; one that has not said it yet is not there."""


class SmallRequest(Request):
    """A request whose body is bounded."""

    channel: Any = None
    shown: bytes | None = None
    """What the log shows in place of the target, if that holds a secret."""
    body: Body | None = None
    """The body, of a resource that takes it while it comes."""
    who: str | None = None
    """As whom the request was served, for the access log; whoever finds out says so here."""
    served: Any = None
    """What answers, once it is found."""
    asked_host = ""
    """The host that is asked for, in lower case and without port; empty if HTTP/1.0 does not say."""
    finishing: Callable[[Any], None] | None = None
    """Called when the head of the answer is about to be written: it has the last word on headers."""
    told_secure: bool | None = None
    """Whether the client came by TLS, as a proxy says that is believed; `None`: none has said."""
    leave: Callable[[], None] | None = None
    """Counts the request out, where it counts for its client."""
    began = 0.0
    """When the head of the request was there, where there is an access log; seconds by the monotonic clock."""
    _kind: Any = None
    _kept = 0
    """Bytes of the body that are kept."""

    # ------------------------------------------------------------------------------------- called by the connection

    def intake(self, line: RequestLine) -> Intake:
        """How the resource takes the body; the target is known, and the headers are."""
        self.method, self.uri, self.clientproto = line.method, line.target, line.version
        path = self.path = self.uri.split(b"?", 1)[0]
        parts = path[1:].split(b"/")
        self.prepath, self.postpath = [], [unquote_to_bytes(part) for part in parts] if b"%" in path else parts
        self.site = self.channel.site
        return intake_of(self.channel.site.resource, self) or WHOLE

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """The head is complete; ``length`` is what the body is announced to have."""
        if self.channel.site.access_log is not None:
            self.began = monotonic()
        self.content = BytesIO()
        self.body = self.channel.announced(self, length)
        if length == 0:
            return
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
        elif self.channel.keep(len(data)):
            self._kept += len(data)
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
        site = self.channel.site
        if self.path == b"*":  # what the server as a whole can do (RFC 9110, section 9.3.7); only OPTIONS comes so far
            self._answer(b"")
            return
        if not site.resource.isLeaf:
            super().process()
            return
        try:  # as Twisted does it; the paths are known
            self.render(site.resource)
        except Exception:  # noqa: BLE001 - told to whoever can answer
            self.processingFailed(Failure())

    def finish(self) -> None:
        """The answer is complete: whoever takes the body is told nothing more."""
        self.let_go()
        super().finish()
        if self.body is not None:
            self.body.forget()

    def let_go(self) -> None:
        """Leave the room that the request has taken to others."""
        if self._kept:
            self.channel.site.room += self._kept
            self._kept = 0
        if self.leave is not None:
            leave, self.leave = self.leave, None
            leave()

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
        """Let a resource answer."""
        try:
            body = resrc.render(self)
        except UnsupportedMethod as why:
            body = self._not_allowed(why.allowedMethods)
        if body is NOT_DONE_YET:
            return
        if not isinstance(body, bytes):
            raise TypeError(f"what is at {self.path!r} answers with no bytes")
        self._answer(body)

    def isSecure(self) -> bool:  # noqa: N802 - Twisted's name
        """Whether the client came by TLS, to us or to a proxy that is believed."""
        return bool(super().isSecure()) if self.told_secure is None else self.told_secure

    def setResponseCode(self, code: int, message: bytes | None = None) -> None:  # noqa: N802 - Twisted's name
        """Set the status, by a phrase of its own where none is given."""
        super().setResponseCode(code, PHRASES.get(code) if message is None else message)

    def _not_allowed(self, allowed: Sequence[bytes]) -> bytes:
        """A resource does not know the method (RFC 9110, sections 15.5.6 and 15.6.2)."""
        if self.method not in METHODS:
            return say(self, 501, "no such method is served")
        self.setHeader(b"Allow", b", ".join(allowed))
        return say(self, 405, "not by this method")

    def _answer(self, body: bytes) -> None:
        """Answer with this, all of it."""
        is_head = self.method == b"HEAD"
        if body or not is_head:  # a resource may know the length without having the body
            self.setHeader(b"Content-Length", b"%d" % len(body))
        self.write(b"" if is_head else body)
        self.finish()

    def write(self, data: bytes) -> None:
        """Write a part of the body; the head goes before the first."""
        if not self.startedWriting and self.channel is not None:
            self._complete_head()
        super().write(data)

    def _complete_head(self) -> None:
        """Set the headers that all answers have, unless this one has others, and those with the last word."""
        headers = self.responseHeaders
        site = self.channel.site
        for name, value in site.headers_by_tls if site.headers_by_tls and self.isSecure() else site.headers:
            if not headers.hasHeader(name):
                headers.setRawHeaders(name, [value])
        headers.setRawHeaders(b"Date", [date()])
        if self.finishing is not None:
            self.finishing(self)
        if self.code in NO_BODY_CODES:  # which has no length either (RFC 9110, section 8.6)
            headers.removeHeader(b"Content-Length")

    @property
    def may_be_hasty(self) -> bool:
        """Whether nothing is special about the answer so far, so that `answer_hastily` may give it."""
        return (
            self.finishing is None
            and not self.channel.site.headers_by_tls
            and not self.startedWriting
            and not self.cookies
            and self.clientproto == b"HTTP/1.1"
            and next(iter(self.responseHeaders.getAllRawHeaders()), None) is None
        )

    def answer_hastily(self, headers: bytes, body: bytes) -> None:
        """Give an answer of status 200 with these header lines, its length among them, and this body; or begin to.

        It is for `may_be_hasty` alone, and for GET. If it is all of the body, `finish` is to be called.
        """
        self.startedWriting = 1
        self.sentLength = len(body)
        channel = self.channel
        channel.send_at_once(b"%bDate: %b\r\n%b\r\n%b" % (channel.site.hasty_head, date(), headers, body))

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        """The client has left before all was said."""
        channel = self.channel
        self.let_go()
        super().connectionLost(reason)
        if self.body is not None:  # it may have come, and wait for the sink to want it
            self.body.end("the client has left")
        if channel is None or self.finished or self.clientproto not in VERSIONS:
            return
        if channel.site.access_log is not None:
            channel.site.access_log(self)

    def processingFailed(self, reason: Failure) -> Failure:  # noqa: N802 - Twisted's name
        """Answering failed."""
        log.failure(
            "serving a request failed: a bug in wampd, or in what it serves",
            reason,
            address=address_of(self),
            request_method=self.method.decode("latin-1"),
            path=(self.shown or self.uri).partition(b"?")[0].decode("latin-1"),
        )
        if self.channel is None or self.finished:
            return reason
        if self.startedWriting:
            self.channel.transport.abortConnection()
        else:
            self._answer(say(self, 500, "internal error"))
        return reason


def address_of(request: Any) -> str:
    """The address of the client that sent a request; ``unix``: it came by a Unix socket."""
    return str(getattr(request.getClientAddress(), "host", None) or "unix")


def cookies_for(request: Any, cookies: Cookies | None) -> Cookies | None:
    """Of a path's cookies, those that are for this request."""
    return None if cookies is None else cookies.over(request.isSecure())
