"""Redirects: a path that sends clients elsewhere.

Rules
-----
* What is appended of the request's path never makes another host of it: nothing that begins with two slashes, no dot segments.
* Only a host that `wampd.router.hostnames` takes for one is put in.

Sources: RFC 9110, section 15.4 (redirection); RFC 3986, section 4.2 (network-path references).
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from twisted.web.resource import Resource

from wampd.router.http.answer import say
from wampd.router.http.body import no_body

HOST: Final = "{host}"
_KEPT: Final = "!$&'()*+,;=:@~"
"""What may stand in a segment as it is, beside letters, digits and ``-._`` (RFC 3986, section 3.3)."""


class Redirect(Resource):
    """A redirect to one place."""

    isLeaf = True  # noqa: N815 - Twisted's name
    intake = no_body

    def __init__(self, to: str, status: int = 302, *, keep_path: bool = False, keep_query: bool = True) -> None:
        """``to`` may hold ``{host}``."""
        super().__init__()
        self._to = to
        self._status = status
        self._keep_path = keep_path
        self._keep_query = keep_query and "?" not in to and "#" not in to

    def render(self, request: Any) -> bytes:
        """Answer any method."""
        to = self._to
        if HOST in to:
            host = request.asked_host
            if not host:
                return say(request, 400, "this needs a Host header")
            to = to.replace(HOST, host)
        if self._keep_path:
            below = [segment for segment in request.postpath if segment not in (b".", b"..")]
            while len(below) > 1 and not below[0]:  # else it could become //another.host
                del below[0]
            to = to.removesuffix("/") + "/" + "/".join(quote(segment, safe=_KEPT) for segment in below)
        target = to.encode("ascii")
        query = request.uri.partition(b"?")[2]
        if self._keep_query and query:
            target += b"?" + query
        request.setHeader(b"Location", target)
        return say(request, self._status, "it is elsewhere")
