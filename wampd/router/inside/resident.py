"""A session of the router's own that is to be there as long as its realm: it settles in, and comes back if it was sent away.

Rules
-----
* What it does there is done anew by each session: procedures are registered, topics subscribed to.
* What fails is tried again, ever later; the log says so when it begins to fail and when it works again, not each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.envoy import CallFailed
from wampd.router.inside.insiders import NotLetIn

if TYPE_CHECKING:
    from wampd.router.inside.insider import Insider

log = Logger()

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0


class Resident:
    """Keeps one session: a `wampd.router.duties.Duty`."""

    def __init__(
        self,
        clock: Any,
        what: str,
        enter: Callable[[], Insider],
        settle: Callable[[Insider], Deferred[Any]],
        retire: Callable[[Insider, Any], object] = lambda insider, _: insider.leave(),
    ) -> None:
        """``clock`` is an ``IReactorTime``; ``what`` stands in the log. ``settle`` does what is to be done, and may fail with
        `CallFailed`; ``enter`` may raise `NotLetIn`. ``retire`` gets the session, and what `settle` came to, at the end.
        """
        self._clock = clock
        self._what = what
        self._enter = enter
        self._settle = settle
        self._retire = retire
        self._result: Any = None
        self._insider: Insider | None = None
        self._pause = FIRST_PAUSE
        self._timer: Any = None
        self._stopped = False
        self._failing = False

    def start(self) -> None:
        """Settle in."""
        self._timer = None
        try:
            insider = self._insider = self._enter()
        except NotLetIn as why:
            self._failed(why.reason, why.text)
            return
        insider.on_over.append(lambda reason: self._over(insider, reason))
        self._settle(insider).addCallbacks(
            lambda it: self._settled(insider, it), lambda why: self._unsettled(insider, why)
        )

    def renew(self) -> None:
        """Settle in anew: it may be allowed now what was not before, and the other way round."""
        self._part()
        self._pause = FIRST_PAUSE
        self.start()

    def stop(self) -> None:
        """Leave for good."""
        self._stopped = True
        self._part()

    def _part(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        insider, result = self._insider, self._result
        self._insider = self._result = None  # before it leaves: a session that is to end is no misfortune
        if insider is not None and result is not None:
            self._retire(insider, result)
        elif insider is not None:
            insider.leave()

    def _settled(self, insider: Insider, result: Any) -> None:
        if insider.is_over:
            return
        self._result = result
        self._pause = FIRST_PAUSE
        if self._failing:
            self._failing = False
            log.info("{what} works again", what=self._what)

    def _unsettled(self, insider: Insider, failure: Failure) -> None:
        if not failure.check(CallFailed):
            log.failure("settling in failed: a bug in wampd", failure)
        if not insider.is_over:
            self._insider = None
            insider.leave()
            self._failed(getattr(failure.value, "uri", "internal error"), "")

    def _over(self, insider: Insider, reason: str) -> None:
        if insider is self._insider:
            self._insider = self._result = None
            self._failed(reason, "its session has ended")

    def _failed(self, reason: str, text: str) -> None:
        if self._stopped:
            return
        if not self._failing:
            self._failing = True
            why = f"{reason} ({text})" if text else reason
            log.error("{what} does not work: {why}", what=self._what, why=why)
        self._timer = self._clock.callLater(self._pause, self.start)
        self._pause = min(LONGEST_PAUSE, self._pause * 2)
