"""A service under a path that takes a POST to WAMP: what `publish`, `call` and `webhook` have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from wampd.router.envoy import CallFailed
from wampd.router.http.access.access import Access
from wampd.router.http.access.guarded import refuse
from wampd.router.http.answer import Later
from wampd.router.http.bridges.errors import Errors, Unfit

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from wampd.router.inside.insider import Insider


class Bridge(Resource):
    """Something that is asked by POST, and answers later."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, access: Access, errors: Errors) -> None:
        """``access`` finds the session of who asks."""
        super().__init__()
        self._access = access
        self._errors = errors

    def render(self, request: Any) -> Any:
        """Answer, later. A client that leaves is not waited for any more, nor is what it wanted."""
        later = Later(request)
        request.setHeader(b"Cache-Control", b"no-store")
        if request.method != b"POST":
            answer_unfit(later, Unfit(405, "this takes POST", headers=(("Allow", "POST"),)))
            return NOT_DONE_YET
        answer = self._access.session(request)
        answer.addCallback(self._serve, request, later)
        request.notifyFinish().addErrback(lambda _: answer.cancel())
        answer.addErrback(self._failed, later)
        answer.addErrback(refuse, later)
        answer.addErrback(later.failed)
        return NOT_DONE_YET

    def _serve(self, insider: Insider, request: Any, later: Later) -> Deferred[None] | None:
        if later.is_left:
            return None
        request.who = insider.details.get("authid")
        return self.read(request, later)(insider)

    def read(self, request: Any, later: Later) -> Callable[[Insider], Deferred[None] | None]:
        """Read a request of somebody who may send it; return what to do for whom it is. Raise `Unfit`."""
        raise NotImplementedError

    def _failed(self, failure: Failure, later: Later) -> None:
        """Answer with what went wrong; other failures go on."""
        failure.trap(CallFailed, Unfit)
        why = failure.value
        if isinstance(why, CallFailed):
            later.json(self._errors.status(why.uri), self._errors.body(why))
        elif isinstance(why, Unfit):
            answer_unfit(later, why)


def answer_unfit(later: Later, why: Unfit) -> None:
    """Answer a request that cannot be served as it is."""
    later.headers(why.headers)
    later.json(why.status, why.body())
