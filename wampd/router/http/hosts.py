"""The front of a web site: which host is asked for, and its tree.

Rules
-----
* A request says which host it asks for, once (`head` has seen to that; it puts in what a target in absolute form says), and it
  is the name or the address of one: 400 otherwise.
* A connection that was made for a host with another certificate is not for this one: 421 (RFC 9110, section 15.5.20).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web.resource import Resource

from wampd.router.hostnames import BadHost, ByHost, host_of
from wampd.router.http.answer import say
from wampd.router.http.body import Intake, intake_of

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
        tree = self._tree(request)
        return tree if isinstance(tree, bytes) else tree.render(request)

    def intake(self, request: Any) -> Intake | None:
        """How the tree of the host takes the body."""
        try:
            return intake_of(self._trees.find(_asked(request)), request)
        except BadHost:
            return None

    def _tree(self, request: Any) -> Any:
        """What serves the host; or the answer, if none does."""
        try:
            host = request.asked_host = _asked(request)
        except BadHost as why:
            request.setHeader(b"Connection", b"close")
            request.channel.persistent = False  # who talks like this may mean something else by what follows
            return say(request, 400, str(why))
        if self._fits is not None and not self._fits(request.channel.transport, host):
            return say(request, 421, "this connection was made for another host")
        return self._trees.find(host)


def _asked(request: Any) -> str:
    given = request.requestHeaders.getRawHeaders(b"host") or ()
    values = [each.decode("latin-1") for each in given]
    return host_of(values, may_be_missing=request.clientproto == b"HTTP/1.0")
