"""What holds for all answers of a path, whoever gives them: headers as configured, and what pages of other origins may do.

Rules
-----
* Both are set when the head of an answer is about to be written, so that what is configured has the last word.
* An origin is told that it may come only if it is allowed, and by its own name; with ``Vary: Origin``, so that no cache gives
  one's answer to another. ``*`` never goes with credentials; that is seen to by the configuration, and here again.
* A preflight is answered here, before anybody asks who comes: browsers send it without credentials.

Sources: the Fetch standard, "CORS protocol"; RFC 9110, section 12.5.5 (``Vary``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from twisted.web.resource import Resource

from wampd.router.http.answer import say
from wampd.router.http.body import Intake, intake_of

ANY = "*"


class Cors(Struct, frozen=True):
    """Which pages of other origins may do what."""

    origins: tuple[str, ...]
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age: float = 600.0
    """Seconds."""

    def __post_init__(self) -> None:
        """Refuse what would open everything to everybody."""
        if self.credentials and ANY in self.origins:
            raise ValueError("any origin, with credentials")


class Policy(Resource):
    """What something is served with."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, served: Any, *, cors: Cors | None = None, headers: Mapping[str, str] | None = None) -> None:
        """``headers`` are those of all answers; an empty value leaves out what would be there."""
        super().__init__()
        self._served = served
        self._cors = cors
        self._headers = [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]

    def render(self, request: Any) -> Any:
        """Let what is served answer, unless this is only a question whether it may be asked."""
        request.finishing = self._finish
        if self._cors is not None and _is_preflight(request):
            return self._preflight(request, self._cors)
        return self._served.render(request)

    def intake(self, request: Any) -> Intake | None:
        """How what is served takes the body."""
        return intake_of(self._served, request)

    def _finish(self, request: Any) -> None:
        """Set the headers of an answer whose head is about to be written."""
        answer = request.responseHeaders
        for name, value in self._headers:
            if value:
                answer.setRawHeaders(name, [value])
            else:
                answer.removeHeader(name)
        if self._cors is not None:
            _tell(request, self._cors)

    def _preflight(self, request: Any, cors: Cors) -> bytes:
        """A browser asks whether a page may send what it wants to."""
        if _allowed(request, cors) is None:
            return say(request, 403, "pages from there may not use this")
        request.setHeader(b"Access-Control-Allow-Methods", ", ".join(cors.methods).encode())
        if cors.headers:
            request.setHeader(b"Access-Control-Allow-Headers", ", ".join(cors.headers).encode())
        request.setHeader(b"Access-Control-Max-Age", b"%d" % cors.max_age)
        request.setResponseCode(204)
        return b""


def _is_preflight(request: Any) -> bool:
    headers = request.requestHeaders
    return bool(
        request.method == b"OPTIONS"
        and headers.hasHeader(b"origin")
        and headers.hasHeader(b"access-control-request-method")
    )


def _allowed(request: Any, cors: Cors) -> bytes | None:
    """The name of the origin that a request comes from, as it is told that it may; `None`: it may not."""
    origins: list[bytes] = request.requestHeaders.getRawHeaders(b"origin", [])
    if len(origins) != 1:
        return None
    if ANY in cors.origins:
        return b"*"
    return origins[0] if origins[0].decode("latin-1").lower() in cors.origins else None


def _tell(request: Any, cors: Cors) -> None:
    """Tell the browser what a page may see of an answer; what others said of that does not count."""
    answer = request.responseHeaders
    for name in (b"access-control-allow-origin", b"access-control-allow-credentials", b"access-control-expose-headers"):
        answer.removeHeader(name)
    if ANY not in cors.origins:
        _vary_by_origin(answer)
    allowed = _allowed(request, cors)
    if allowed is None:
        return
    answer.setRawHeaders(b"Access-Control-Allow-Origin", [allowed])
    if cors.credentials:
        answer.setRawHeaders(b"Access-Control-Allow-Credentials", [b"true"])
    if cors.expose:
        answer.setRawHeaders(b"Access-Control-Expose-Headers", [", ".join(cors.expose).encode()])


def _vary_by_origin(answer: Any) -> None:
    """Add ``Origin`` to what the answer depends on."""
    given = b", ".join(answer.getRawHeaders(b"vary", []))
    if given.strip() != b"*" and b"origin" not in {each.strip().lower() for each in given.split(b",")}:
        answer.setRawHeaders(b"Vary", [given + b", Origin" if given else b"Origin"])
