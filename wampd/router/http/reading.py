"""What can only be read: an answer to GET, its head alone to HEAD, and 405 to all else (RFC 9110, section 15.5.6)."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource

from wampd.router.http.answer import READING, say_read_only
from wampd.router.http.body import no_body


class Readable(Resource):
    """Answers GET and HEAD with what `read` makes."""

    isLeaf = True  # noqa: N815 - Twisted's name
    intake = no_body

    def read(self, request: Any) -> bytes:
        """Set status and headers; return the body."""
        raise NotImplementedError

    def render(self, request: Any) -> bytes:
        """Answer a request."""
        if request.method not in READING:
            return say_read_only(request)
        body = self.read(request)
        if request.method == b"HEAD":
            request.setHeader(b"Content-Length", b"%d" % len(body))
            return b""
        return body
