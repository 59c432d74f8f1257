"""One JSON value under a path, as it is configured."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from twisted.web.resource import Resource

from wampd.router.http.answer import JSON, READING, say_read_only
from wampd.router.http.body import no_body
from wampd.router.http.conditional import has_not_changed
from wampd.router.http.tree import NOTHING


class JsonValue(Resource):
    """A value, told to whoever asks."""

    isLeaf = True  # noqa: N815 - Twisted's name
    intake = no_body

    def __init__(self, value: Any, *, pretty: bool = False, max_age: float = 0.0, private: bool = False) -> None:
        """``max_age`` is in seconds; 0: clients ask each time whether it has changed. ``private``: not for all to see."""
        super().__init__()
        body = msgspec.json.encode(value)
        self._body = (msgspec.json.format(body, indent=2) if pretty else body) + b"\n"
        self._etag = b'"' + hashlib.sha256(self._body).hexdigest()[:20].encode() + b'"'
        self._cache = (b"private, " if private else b"") + (b"max-age=%d" % max_age if max_age else b"no-cache")

    def render(self, request: Any) -> bytes:
        """Answer GET and HEAD, at the very path."""
        if request.postpath not in ([], [b""]):
            body: bytes = NOTHING.render(request)
            return body
        if request.method not in READING:
            return say_read_only(request)
        request.setHeader(b"ETag", self._etag)
        request.setHeader(b"Cache-Control", self._cache)
        if has_not_changed(request, self._etag):
            request.setResponseCode(304)
            return b""
        request.setHeader(b"Content-Type", JSON)
        return self._body
