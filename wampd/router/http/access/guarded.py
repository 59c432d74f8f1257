"""What is served only to those who may come.

Rules
-----
* Who it is that asks is found before anything else is looked at; what is served is asked when that is known, and finds the
  session in ``request.insider``.
* A request whose client has left meanwhile is not served.
* What is for some is for no cache that others use, too: every answer is ``private`` at least (RFC 9111, section 5.2.2.7).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from wampd.router.http.access.access import Access, Refused
from wampd.router.http.answer import Later
from wampd.router.http.body import Intake, intake_of

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from wampd.router.inside.insider import Insider


class Guarded(Resource):
    """Something behind a door."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, served: Resource, access: Access) -> None:
        """``served`` is what there is for those whom ``access`` finds."""
        super().__init__()
        self._served = served
        self._access = access

    def render(self, request: Any) -> Any:
        """Answer, once it is known who asks."""
        later = Later(request)
        _keep_private(request)

        def came(insider: Insider) -> None:
            if not later.is_left:
                request.insider = insider
                request.who = insider.details.get("authid")
                request.render(self._served)

        answer = self._access.session(request).addCallback(came)
        answer.addErrback(refuse, later)
        answer.addErrback(later.failed)
        return NOT_DONE_YET

    def intake(self, request: Any) -> Intake | None:
        """How what is served takes the body; nothing of it is read before it is known who sends it."""
        return intake_of(self._served, request)


def _keep_private(request: Any) -> None:
    """See to it, when the head of the answer is about to be written, that no shared cache keeps it."""
    others: Callable[[Any], None] | None = getattr(request, "finishing", None)

    def finish(request: Any) -> None:
        said = b", ".join(request.responseHeaders.getRawHeaders(b"Cache-Control", []))
        words = [word.strip() for word in said.split(b",") if word.strip()]
        kept = [word for word in words if word.lower() != b"public" and not word.lower().startswith(b"s-maxage")]
        if not {b"private", b"no-store"} & {word.lower() for word in kept}:
            kept.insert(0, b"private")
        request.setHeader(b"Cache-Control", b", ".join(kept))
        if others is not None:
            others(request)

    request.finishing = finish


def refuse(failure: Failure, later: Later) -> None:
    """Answer a request that `Refused` or that nobody waits for any more; other failures go on."""
    failure.trap(Refused, CancelledError)
    why = failure.value
    if isinstance(why, Refused):
        later.headers(why.headers)
        later.text(why.status, why.text)
