"""Pages as something that is served under a path: a GET is a call, and its result is rendered.

Rules
-----
* The page has what the procedure returned, as ``result`` (the first positional value), ``args`` and ``kwargs``, and the
  arguments of the call as ``asked``. A keyword value ``http`` is not for the template: it may say ``status`` and
  ``headers``.
* An ERROR has the status that the path gives its URI, or that which all bridges give it; its page is made by the template for
  errors, which is told the status and the URI and nothing more, or is one line.
* What the browser has already is not sent again (`ETag`). What depends on who asks is for that one alone (``private``).
* A client that leaves cancels its call; a call has a timeout.

Sources: RFC 9110, sections 13.1.2 (conditional requests) and 15; RFC 9111, section 5.2 (caches).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from wampd.router.envoy import CallFailed
from wampd.router.headers import is_token
from wampd.router.http.access.access import Access, Refused
from wampd.router.http.answer import READING, give, say, say_read_only
from wampd.router.http.body import no_body
from wampd.router.http.bridges.errors import Errors
from wampd.router.http.conditional import has_not_changed
from wampd.router.http.pages.rendering import Slices, Turns
from wampd.router.http.pages.routes import Route, Unfit, path_of
from wampd.router.inside.reading import Unreadable

log = Logger()

HTML: Final = b"text/html; charset=utf-8"
PHRASES: Final[Mapping[int, str]] = {each.value: each.phrase for each in HTTPStatus}
HTTP: Final = "http"
"""The keyword value of a result that is for the answer's head."""
_VALUE: Final = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_OURS: Final = frozenset(
    {"connection", "content-length", "date", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that the server sets itself."""


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """What a result says of the answer's head."""

    status: int = 200
    headers: dict[str, str] = {}


class Unusable(Exception):
    """A result says something of the head that cannot be; the text says what."""


class Site(Struct, frozen=True):
    """What all pages of a path have in common."""

    pieces: Callable[[str, Mapping[str, Any]], Iterator[str]]
    """Makes a page, of a template and values; it may raise `Exception`, whose text is for the log."""
    timeout: float = 10.0
    """Seconds of a call."""
    error_template: str | None = None
    errors: Errors = Errors()
    """The statuses of errors."""
    private: bool = False
    """Whether a page depends on who asks."""


class Pages(Resource):
    """Pages."""

    isLeaf = True  # noqa: N815 - Twisted's name
    intake = no_body

    def __init__(self, routes: Sequence[Route], access: Access, site: Site) -> None:
        super().__init__()
        self._routes = routes
        self._access = access
        self._site = site
        self._turns = Turns()

    def render(self, request: Any) -> Any:
        """Answer GET and HEAD."""
        page = _Page(request, self._site, self._turns)
        found = self._find(request)
        if found is None:
            return page.error(404)
        if request.method not in READING:
            return say_read_only(request)
        route, values = found
        try:
            values |= route.more(request.uri.partition(b"?")[2])
        except Unfit:
            return page.error(400)
        page.begin(self._access, route, values)
        return NOT_DONE_YET

    def _find(self, request: Any) -> tuple[Route, dict[str, Any]] | None:
        path = path_of(request.postpath)
        for route in self._routes if path is not None else ():
            values = route.arguments(path or [])
            if values is not None:
                return route, values
        return None


class _Page:
    """The answer to one request."""

    def __init__(self, request: Any, site: Site, turns: Turns) -> None:
        self._request = request
        self._site = site
        self._turns = turns
        self._left = False

    def begin(self, access: Access, route: Route, values: Mapping[str, Any]) -> None:
        """Call the procedure as who asks, and answer when it has."""
        args, kwargs = route.call(values)
        timeout = self._site.timeout
        answer = access.session(self._request)
        called = answer.addCallback(lambda insider: insider.call(route.procedure, args, kwargs, timeout=timeout))
        self._request.notifyFinish().addErrback(self._leave, called)
        called.addCallback(self._rendered, route, values)
        called.addErrback(self._failed)
        called.addCallback(self._give)
        called.addErrback(self._request.processingFailed)

    def error(self, status: int, uri: str = "") -> bytes:
        """The page of an error."""
        request, site = self._request, self._site
        reason = PHRASES.get(status, "")
        if site.error_template is not None:
            try:
                told = {"status": status, "reason": reason, "uri": uri}
                body = "".join(site.pieces(site.error_template, told)).encode()
            except Exception as why:  # noqa: BLE001 - as below
                log.error("the page for errors cannot be rendered: {why}", why=str(why))
            else:
                request.setResponseCode(status)
                request.setHeader(b"Content-Type", HTML)
                return body
        return say(request, status, reason or "an error")

    def _leave(self, _: Failure, called: Any) -> None:
        self._left = True
        called.cancel()

    def _rendered(self, reply: Any, route: Route, values: Mapping[str, Any]) -> bytes | Deferred[bytes]:
        try:
            args, kwargs = reply.values(), reply.named()
        except Unreadable as why:
            log.warn("{procedure}: {why}", procedure=route.procedure, why=str(why))
            return self.error(500)
        said = kwargs.pop(HTTP, None)
        told = {"result": args[0] if args else None, "args": args, "kwargs": kwargs, "asked": values}
        try:
            head = read_head(said)
        except Unusable as why:
            log.warn("{procedure}: {why}", procedure=route.procedure, why=str(why))
            return self.error(500)
        pieces = self._site.pieces(route.template, told)
        page = Slices(pieces, self._turns, self._request.channel.callLater).page()
        return page.addCallbacks(self._answer, self._not_rendered, callbackArgs=(head,), errbackArgs=(route,))

    def _not_rendered(self, failure: Failure, route: Route) -> bytes:
        """The template's failure, which is said in one line."""
        if failure.check(CancelledError):
            return b""
        log.error("a page of {procedure} cannot be rendered: {why}", procedure=route.procedure, why=str(failure.value))
        return self.error(500)

    def _answer(self, body: bytes, head: Head) -> bytes:
        request = self._request
        etag = b'"' + hashlib.sha256(body).hexdigest()[:20].encode() + b'"'
        request.setResponseCode(head.status)
        request.setHeader(b"Content-Type", HTML)
        request.setHeader(b"Cache-Control", b"private, no-cache" if self._site.private else b"no-cache")
        for name, value in head.headers.items():
            request.setHeader(name.encode(), value.encode("latin-1"))
        if head.status == 200:
            request.setHeader(b"ETag", etag)
            if has_not_changed(request, etag):
                request.setResponseCode(304)
                return b""
        return body

    def _failed(self, failure: Failure) -> bytes:
        """What is said of a call that was not answered, or of somebody who may not come."""
        failure.trap(CallFailed, Refused, CancelledError)
        if self._left:
            return b""
        why = failure.value
        if isinstance(why, Refused):
            for name, value in why.headers:
                self._request.setHeader(name.encode(), value.encode())
            return self.error(why.status)
        if isinstance(why, CallFailed):
            return self.error(self._site.errors.status(why.uri), why.uri)
        return self.error(503)

    def _give(self, body: bytes) -> None:
        if not self._left:
            give(self._request, body)


def read_head(said: Any) -> Head:
    """What a result says of the answer's head. Raise `Unusable`."""
    if said is None:
        return Head()
    try:
        head = msgspec.convert(said, Head)
    except msgspec.ValidationError as why:
        raise Unusable(f"http in its result: {why}") from None
    if not 200 <= head.status <= 599 or head.status == 304:
        raise Unusable(f"http in its result: no status of an answer: {head.status}")
    for name, value in head.headers.items():
        if not is_token(name) or name.lower() in _OURS or not _VALUE.fullmatch(value):
            raise Unusable(f"http in its result: no header that it could set: {name!r}"[:200])
    return head
