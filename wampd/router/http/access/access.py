"""As whom those who come by HTTP speak WAMP: the sessions that stand behind requests.

Rules
-----
* Whoever serves a request with WAMP asks an `Access` for a session, and never decides itself who somebody is.
* A session may serve many requests; a stream has one of its own, which can be sent away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred, fail, succeed

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampd.router.inside.insider import Insider


class Refused(Exception):
    """Who asks may not come: answer with this status, and with these headers."""

    def __init__(self, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.headers = headers


class Access(Protocol):
    """Finds the session of whoever sent a request. The Deferreds fail with `Refused`."""

    def session(self, request: Any) -> Deferred[Insider]:
        """A session of who this is, which other requests of the same one may use, too."""
        ...

    def session_of_its_own(self, request: Any) -> Deferred[Insider]:
        """A session for this request alone; who asks for it ends it with `Insider.leave`."""
        ...


def ends_with(insider: Insider, request: Any) -> Insider:
    """Let a session end with its request."""
    request.notifyFinish().addBoth(lambda _: insider.leave())
    return insider


class FixedRole:
    """Everybody who comes has the same role: an `Access`."""

    def __init__(self, enter: Callable[[Any], Insider], enter_alone: Callable[[Any], Insider] | None = None) -> None:
        """``enter`` joins the realm in the role, for a request; it may raise `Refused`.

        ``enter_alone`` does it for a request that has a session of its own; `None`: likewise.
        """
        self._enter = enter
        self._enter_alone = enter_alone or enter
        self._shared: Insider | None = None
        self._requests = 0
        self._is_closed = False

    def session(self, request: Any) -> Deferred[Insider]:
        """The session of all."""
        if self._shared is None or self._shared.is_over:
            try:
                self._shared = self._enter(request)
            except Refused as why:
                return fail(why)
        self._requests += 1
        request.notifyFinish().addBoth(lambda _: self._released())
        return succeed(self._shared)

    def session_of_its_own(self, request: Any) -> Deferred[Insider]:
        """One more session."""
        try:
            return succeed(self._enter_alone(request))
        except Refused as why:
            return fail(why)

    def close(self) -> None:
        """Let the session of all end with the last request that uses it: those that come from now on come elsewhere."""
        self._is_closed = True
        self._leave_if_unused()

    def _released(self) -> None:
        self._requests -= 1
        self._leave_if_unused()

    def _leave_if_unused(self) -> None:
        if self._is_closed and not self._requests and self._shared is not None:
            shared, self._shared = self._shared, None
            shared.leave()
