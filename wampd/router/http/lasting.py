"""Requests that a router which is being stopped lets come to their end: those that others answer, or that bring a file.

Rules
-----
* They are counted from when they are served to when they are answered, or the client has left. Connections that become
  WebSocket are not: nobody waits for those. How an answer without an end is known is in `wampd.router.shutdown`.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.web.resource import Resource

from wampd.router.http.body import Intake, intake_of


class Count(Protocol):
    """Where they are counted."""

    requests: set[Any]


class Lasting(Resource):
    """Something whose requests are waited for."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, served: Resource, count: Count) -> None:
        super().__init__()
        self._served = served
        self._count = count

    def render(self, request: Any) -> Any:
        """Answer as what is served does."""
        if not request.requestHeaders.hasHeader(b"Upgrade"):
            self._count.requests.add(request)
            request.notifyFinish().addBoth(self._ended, request)
        return self._served.render(request)

    def intake(self, request: Any) -> Intake | None:
        """How what is served takes the body."""
        return intake_of(self._served, request)

    def _ended(self, _: Any, request: Any) -> None:
        self._count.requests.discard(request)
