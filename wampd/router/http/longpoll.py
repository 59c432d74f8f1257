"""HTTP long-poll: the requests. What they open and use is `router.polling`'s; here is no WAMP.

Rules
-----
* ``POST BASE/open`` with ``{"protocols": […]}`` answers ``{"protocol": …, "transport": ID}``. ``POST BASE/ID/receive`` waits
  for messages, ``POST BASE/ID/send`` brings some, ``POST BASE/ID/close`` ends it. Queries are ignored.
* 202 says that something was taken, as the specification has it; clients that know only 204 get that, if the path is set so or
  they send ``Prefer: return=minimal``. A ``receive`` with nothing to say for a while ends with 204.
* Whatever is wrong is said by its status and in one short line: 400 (no such protocol, a violation), 404 (no such transport),
  409 (another ``receive`` waits), 429 (too much sent that waits), 503 (no room).
* Pages of other origins may come here only if the path names them; only then may they read the answers (CORS). Credentials are
  for origins that are named, never for ``*``. Some clients cannot do without that header even where there are no cookies.
* A path with cookies sets one in the answer to ``open``, and there alone what the client shows counts.
* The name of a transport is a secret, and does not stand in the log.

Sources: WAMP advanced profile, "HTTP Longpoll Transport"; RFC 9110 (HTTP semantics); RFC 7240 (Prefer); Fetch standard (CORS).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from wampd.router.http.answer import Later, say
from wampd.router.http.request import address_of, cookies_for
from wampd.router.origins import ANY, is_named, origin_allowed
from wampd.router.polling import NotOpened, Outcome, Polled, Transports

if TYPE_CHECKING:
    from wampd.router.cookies import Cookies

MAX_OPEN: Final = 16 * 1024
"""Bytes of the body of ``open``."""
PREFLIGHT_AGE: Final = b"600"
"""Seconds that a browser may remember what it may send."""
JSON: Final = b"application/json"
OCTETS: Final = b"application/octet-stream"
ENDPOINTS: Final = frozenset({b"receive", b"send", b"close"})
STATUS: Final = {Outcome.INVALID: 400, Outcome.CROWDED: 429, Outcome.GONE: 404}


class _Open(Struct):
    protocols: list[str]


_open = msgspec.json.Decoder(_Open)


class LongPollResource(Resource):
    """The endpoints of one path."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(
        self,
        transports: Transports,
        *,
        origins: tuple[str, ...],
        no_content: bool = False,
        cookies: Cookies | None = None,
    ) -> None:
        """``origins`` are the pages that may come here; ``no_content``: answer 204 where the specification has 202.

        ``cookies`` is what gives cookies to clients.
        """
        super().__init__()
        self._transports = transports
        self._origins = origins
        self._taken = 204 if no_content else 202
        self._cookies = cookies

    def render(self, request: Any) -> Any:
        """Answer, now or later."""
        segments: list[bytes] = request.postpath or [b""]
        endpoint = segments[-1:] if segments[-1] in ENDPOINTS else []
        request.shown = b"/" + b"/".join([*request.prepath, b"...", *endpoint])
        request.setHeader(b"Cache-Control", b"no-store")
        if not self._let_origin_in(request):
            return say(request, 403, "pages from there may not connect here")
        if request.method == b"OPTIONS":
            return _preflight(request)
        if request.method != b"POST":
            request.setHeader(b"Allow", b"POST, OPTIONS")
            return say(request, 405, "POST alone")
        if segments == [b"open"]:
            return self._open(request)
        if len(segments) != 2 or segments[1] not in ENDPOINTS:
            return say(request, 404, "nothing is here")
        transport = self._transports.find(segments[0].decode("latin-1"))
        if transport is None:
            return say(request, 404, "no such transport")
        return {b"receive": self._receive, b"send": self._send, b"close": self._close}[segments[1]](request, transport)

    def _let_origin_in(self, request: Any) -> bool:
        headers = request.requestHeaders
        origins = [each.decode("latin-1") for each in headers.getRawHeaders(b"origin", [])]
        hosts = [each.decode("latin-1") for each in headers.getRawHeaders(b"host", [])]
        cookies = cookies_for(request, self._cookies)
        secure = cookies is not None and cookies.secure
        if not origin_allowed(origins, hosts, self._origins, secure=secure):
            return False
        if origins and is_named(origins[0], self._origins):
            request.setHeader(b"Access-Control-Allow-Origin", origins[0].encode("latin-1"))
            request.setHeader(b"Access-Control-Allow-Credentials", b"true")
        elif ANY in self._origins:
            request.setHeader(b"Access-Control-Allow-Origin", b"*")
        request.setHeader(b"Vary", b"Origin")
        return True

    def _open(self, request: Any) -> Any:
        body = request.content.read(MAX_OPEN + 1)
        try:
            offered = _open.decode(body).protocols if len(body) <= MAX_OPEN else []
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            offered = []
        if not offered:
            return say(request, 400, 'the body of open is {"protocols": ["wamp.2.json", ...]}')
        more = {}
        cookies = cookies_for(request, self._cookies)
        if cookies is not None:
            shown = request.requestHeaders.getRawHeaders(b"cookie", [])
            set_cookie, more["cookie"] = cookies.visit([each.decode("latin-1") for each in shown])
        address = address_of(request)
        opened = self._transports.open(offered, address, more)
        if isinstance(opened, NotOpened):
            return say(request, 503 if opened.no_room else 400, opened.why)
        if cookies is not None:
            request.setHeader(b"Set-Cookie", set_cookie.encode("ascii"))
        request.setHeader(b"Content-Type", JSON)
        return msgspec.json.encode({"protocol": opened.protocol, "transport": opened.id})

    def _receive(self, request: Any, transport: Polled) -> Any:
        receiver = _Receiver(request, transport)
        if not transport.receive(receiver):
            return say(request, 409, "another receive of this transport waits")
        return NOT_DONE_YET

    def _send(self, request: Any, transport: Polled) -> Any:
        answer = Later(request)

        def told(outcome: Outcome, why: str) -> None:
            if outcome is Outcome.TAKEN:
                answer.empty(self._status_of_taken(request))
            else:
                answer.text(STATUS[outcome], why)

        transport.send(request.content.read(), told)
        return NOT_DONE_YET

    def _close(self, request: Any, transport: Polled) -> Any:
        transport.hang_up()
        Later(request).empty(self._status_of_taken(request))
        return NOT_DONE_YET

    def _status_of_taken(self, request: Any) -> int:
        preferences = b",".join(request.requestHeaders.getRawHeaders(b"prefer", [])).lower().split(b",")
        if b"return=minimal" in (each.strip() for each in preferences):
            request.setHeader(b"Preference-Applied", b"return=minimal")
            return 204
        return self._taken


class _Receiver(Later):
    """A request that waits for messages."""

    def __init__(self, request: Any, transport: Polled) -> None:
        super().__init__(request)
        self._transport = transport
        request.notifyFinish().addErrback(lambda _: transport.abandon(self))

    def deliver(self, body: bytes) -> None:
        self.whole(OCTETS if self._transport.binary else JSON, body)

    def nothing(self) -> None:
        self.empty(204)

    def gone(self, why: str) -> None:
        self.text(404, why)


def _preflight(request: Any) -> Any:
    """A browser asks whether a page may send what it wants to."""
    request.setHeader(b"Access-Control-Allow-Methods", b"POST")
    request.setHeader(b"Access-Control-Allow-Headers", b"content-type, prefer")
    request.setHeader(b"Access-Control-Max-Age", PREFLIGHT_AGE)
    Later(request).empty(204)
    return NOT_DONE_YET
