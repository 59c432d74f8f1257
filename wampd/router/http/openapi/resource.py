"""Serves OpenAPI documents: each sees the procedures that it may call.

Rules
-----
* JSON; or YAML for who prefers that, or asks for ``….yaml``. The last documents are kept: a document is made anew when
  procedures or what is said of them have changed, and, where an authorizer may have changed its mind, after a while.
* A document has a bounded number of procedures: ``Link: <…>; rel="next"`` and ``x-wampd-next`` lead on, with ``?after=URI``.
* It differs by who asks, so nobody on the way may keep it for others; it has a tag, and is not sent again while it is the same.

Sources: OpenAPI 3.1.0, section 4.3; RFC 9512 (application/yaml); RFC 8288 (Link).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, quote

import msgspec
from msgspec import Struct
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from wampd.router.http.accepting import named
from wampd.router.http.access.access import Access, Refused
from wampd.router.http.access.guarded import refuse
from wampd.router.http.answer import READING, Later, give, say, say_read_only
from wampd.router.http.body import no_body
from wampd.router.http.conditional import has_not_changed
from wampd.router.http.openapi.document import About, document
from wampd.router.http.openapi.yaml_text import to_yaml

if TYPE_CHECKING:
    from wampd.realms.grants import Grants
    from wampd.router.catalogue import Catalogue
    from wampd.router.inside.insider import Insider

log = Logger()

KEPT: Final = 16
"""Documents."""
STALE: Final = 10.0
"""Seconds that a document is good for who has an authorizer."""
LONGEST_AFTER: Final = 1024
JSON: Final = b"application/json"
YAML: Final = b"application/yaml"
NAMES: Final = {b"openapi.json": JSON, b"openapi.yaml": YAML}


class _Made(Struct, frozen=True):
    """A document."""

    version: tuple[int, int]
    until: float
    body: bytes
    etag: bytes
    following: str | None


class OpenApiResource(Resource):
    """The documents of one path."""

    isLeaf = True  # noqa: N815 - Twisted's name
    intake = no_body

    def __init__(self, access: Access, catalogue: Catalogue, about: About, clock: Any, most: int) -> None:
        """``clock`` is an ``IReactorTime``; ``most``: procedures of one document."""
        super().__init__()
        self._access = access
        self._catalogue = catalogue
        self._about = about
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[tuple[Grants, str, bytes], _Made] = OrderedDict()

    def render(self, request: Any) -> Any:
        """Answer with the document for who asks."""
        if request.method not in READING:
            return say_read_only(request)
        kind = _kind(request)
        after = _after(request)
        if kind is None or after is None:
            return say(request, 404 if kind is None else 400, "nothing is here" if kind is None else "after is a URI")
        later = Later(request)
        waiting = self._access.session(request)
        request.notifyFinish().addErrback(lambda _: waiting.cancel())
        waiting.addCallback(self._answer, request, later, after, kind)
        waiting.addErrback(refuse, later)
        waiting.addErrback(later.failed)
        return NOT_DONE_YET

    def _answer(self, insider: Insider, request: Any, later: Later, after: str, kind: bytes) -> None:
        grants = self._catalogue.grants(insider.id)
        if grants is None:
            raise Refused(503, "the session has ended")
        if later.is_left:
            return
        made = self._made(grants, after, kind)
        request.setHeader(b"ETag", made.etag)
        request.setHeader(b"Cache-Control", b"private, no-cache")
        request.setHeader(b"Vary", b"Accept, Authorization, Cookie")
        if made.following is not None:
            request.setHeader(b"Link", f'<?after={quote(made.following, safe="")}>; rel="next"'.encode())
        if has_not_changed(request, made.etag):
            request.setResponseCode(304)
            request.finish()
            return
        request.setHeader(b"Content-Type", kind)
        give(request, made.body)

    def _made(self, grants: Grants, after: str, kind: bytes) -> _Made:
        """The document: one that is kept, or a new one."""
        key = (grants, after, kind)
        made = self._kept.get(key)
        now = self._clock.seconds()
        if made is None or made.version != self._catalogue.version or now >= made.until:
            made = self._kept[key] = self._make(grants, after, kind, now)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return made

    def _make(self, grants: Grants, after: str, kind: bytes, now: float) -> _Made:
        version = self._catalogue.version
        offered, following = self._catalogue.offered(grants, after, self._most)
        value = document(self._about, offered, following)
        body = msgspec.json.encode(value) if kind == JSON else to_yaml(value)
        until = now + STALE if grants.authorizer is not None else float("inf")
        etag = b'"%b"' % hashlib.sha256(body).hexdigest()[:32].encode()
        return _Made(version, until, body, etag, following)


def _kind(request: Any) -> bytes | None:
    """What is asked for: JSON or YAML; `None`: something that is not here."""
    rest = [segment for segment in request.postpath if segment]
    if rest:
        return NAMES.get(rest[0]) if len(rest) == 1 else None
    if request.prepath and request.prepath[-1].endswith((b".yaml", b".yml")):
        return YAML
    accepted = named(request)
    in_yaml = max((weight for kind, weight in accepted.items() if "yaml" in kind), default=0.0)
    return YAML if in_yaml > accepted.get("application/json", 0.0) else JSON


def _after(request: Any) -> str | None:
    query = request.uri.partition(b"?")[2].decode("latin-1")
    try:
        found = parse_qs(query, errors="strict", max_num_fields=8).get("after", [""])[0]
    except ValueError:
        return None
    return found if len(found) <= LONGEST_AFTER else None
