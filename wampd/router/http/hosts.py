"""The front of a web site: which host is asked for, and its tree.

Rules
-----
* A request says which host it asks for, once: 400 otherwise. What stands in a target in absolute form goes before the header
  ``Host``, which must be there all the same (RFC 9112, sections 3.2 and 3.2.2).
* A connection that was made for a host with another certificate is not for this one: 421 (RFC 9110, section 15.5.20).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web.resource import Resource

from wampd.router.hostnames import BadHost, ByHost, host_of
from wampd.router.http.answer import say

Fits = Callable[[Any, str], bool]
"""Whether a connection (its transport) was made for a host that has this one's certificate."""


class Hosts(Resource):
    """Trees by host."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, trees: ByHost[Any], fits: Fits | None = None) -> None:
        """``fits``: see `Fits`; `None`: all hosts have the same certificate."""
        super().__init__()
        self._trees = trees
        self._fits = fits

    def render(self, request: Any) -> Any:
        """Let the tree of the host answer."""
        try:
            host = asked_host(request)
        except BadHost as why:
            request.setHeader(b"Connection", b"close")
            request.channel.persistent = False  # who talks like this may mean something else by what follows
            return say(request, 400, str(why))
        request.asked_host = host
        if self._fits is not None and not self._fits(request.channel.transport, host):
            return say(request, 421, "this connection was made for another host")
        return self._trees.find(host).render(request)


def asked_host(request: Any) -> str:
    """The host that a request asks for; empty, if HTTP/1.0 says nothing. Raise `BadHost`."""
    given = request.requestHeaders.getRawHeaders(b"host") or ()
    host = host_of([each.decode("latin-1") for each in given], may_be_missing=request.clientproto == b"HTTP/1.0")
    return host if request.authority is None else host_of([request.authority.decode("latin-1")])
