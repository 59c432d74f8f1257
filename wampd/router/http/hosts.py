"""The front of a web site: which host is asked for, and what of its tree answers.

Rules
-----
* A request says which host it asks for, once (`head` has seen to that; it puts in what a target in absolute form says), and it
  is the name or the address of one: 400 otherwise.
* A connection that was made for a host with another certificate is not for this one: 421 (RFC 9110, section 15.5.20).
* What answers is looked for once, when the head of a request is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web.resource import Resource

from wampd.router.hostnames import BadHost, ByHost, host_of
from wampd.router.http.answer import say
from wampd.router.http.body import Intake, intake_of, no_body

Fits = Callable[[Any, str], bool]
"""Whether a connection (its transport) was made for a host that has this one's certificate."""


class Hosts(Resource):
    """Trees by host."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, trees: ByHost[Any], fits: Fits | None = None) -> None:
        """``fits``: see `Fits`; ``None``: all hosts have the same certificate."""
        super().__init__()
        self._trees = trees
        self._fits = fits

    def intake(self, request: Any) -> Intake | None:
        """Look for what answers; how it takes the body."""
        served = request.served = self._find(request)
        return intake_of(served, request)

    def render(self, request: Any) -> Any:
        """Let what was found answer."""
        return request.served.render(request)

    def _find(self, request: Any) -> Any:
        given = request.requestHeaders.getRawHeaders(b"Host") or ()
        try:
            values = [each.decode("latin-1") for each in given]
            host = host_of(values, may_be_missing=request.clientproto == b"HTTP/1.0")
        except BadHost as why:
            return _Last(400, str(why))
        request.asked_host = host
        if host and self._fits is not None and not self._fits(request.channel.transport, host):
            return _Last(421, "this connection was made for another host")
        return self._trees.find(host).find(request)


class _Last(Resource):
    """An answer that ends its connection: who sent the request may mean something else by what follows."""

    isLeaf = True  # noqa: N815 - Twisted's name
    intake = no_body

    def __init__(self, status: int, why: str) -> None:
        super().__init__()
        self._status = status
        self._why = why

    def render(self, request: Any) -> bytes:
        request.setHeader(b"Connection", b"close")
        request.channel.persistent = False
        return say(request, self._status, self._why)
