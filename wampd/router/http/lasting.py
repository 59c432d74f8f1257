"""Requests that others answer, or that bring a file: how long they last.

Rules
-----
* A router that is being stopped lets them come to their end. They are counted from when they are served to when they are
  answered, or the client has left. Connections that become WebSocket are not, nor answers without an end: nobody waits for
  those.
* Instead these end with the session of who asked, if a door has let it in (`guarded.py`): who is sent away, or whose token has
  expired, hears no more. What has an end is answered all the same, as calls under way are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from twisted.web.resource import Resource

from wampd.router.http.body import Intake, intake_of
from wampd.router.http.endless import is_endless

if TYPE_CHECKING:
    from wampd.router.inside.insider import Insider


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
        insider = getattr(request, "insider", None)
        if insider is not None:
            _end_with(insider, request)
        return self._served.render(request)

    def intake(self, request: Any) -> Intake | None:
        """How what is served takes the body."""
        return intake_of(self._served, request)

    def _ended(self, _: Any, request: Any) -> None:
        self._count.requests.discard(request)


def _end_with(insider: Insider, request: Any) -> None:
    """Cut off what has no end when a session is over."""

    def over(_: str) -> None:
        if is_endless(request) and request.channel is not None:
            request.channel.transport.abortConnection()

    insider.on_over.append(over)
    request.notifyFinish().addBoth(lambda _: insider.on_over.remove(over))
