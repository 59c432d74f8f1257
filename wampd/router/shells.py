"""The shell round one realm, as the daemon runs it: its timer, its slices, its changes and its end.

Rules
-----
* A realm of a template is closed when the connection of its last session is done with it, what sessions held is taken off, and
  nothing is kept; or, whatever is kept, when it has been without a session for as long as its template says. Nobody has a use
  for it then, so it is taken apart at once. So is a realm that is removed from the configuration, whatever is kept.
* One timer serves all that a realm waits for: the next thing that is due.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from wampd.realms.grants import Grants
from wampd.realms.realm import Realm
from wampd.realms.session import Session
from wampd.router.sessions import SessionPeer

if TYPE_CHECKING:
    from wampd.router.templates import Plan, Template

CLOSE_REALM: Final = "wamp.close.close_realm"


class RealmShell:
    """One realm, as the daemon runs it."""

    LOOK_AGAIN = 60.0
    """Seconds between two looks whether what a realm without sessions is kept for is there yet."""
    LONGEST_NAP = 3600.0
    """Seconds that the timer runs at most; then it is looked at what is due. Clients may ask for any timeout."""

    def __init__(
        self,
        core: Realm,
        clock: Any,
        *,
        drops_events: bool,
        end_of_turn: Callable[[], None] = lambda: None,
        ended: Callable[[RealmShell], None] = lambda _: None,
        template: Template | None = None,
    ) -> None:
        """``clock`` is an ``IReactorTime``; ``drops_events``: slow subscribers lose events, not their connection.

        ``end_of_turn`` writes what was said when something was due. ``ended`` is called when the realm is not wanted any more:
        one of a ``template`` without sessions, for which nothing is kept any more, or one that was removed.
        """
        self.core = core
        self.plan: Plan | None = None
        """What it is made of."""
        self.template = template
        """What it was opened by; `None`: it is there for good."""
        self._is_removed = False
        self._end_of_turn = end_of_turn
        self._timer: Any = None
        self.drops_events = drops_events
        self._clock = clock
        self._tidying = False
        self._ended = ended
        self._look_again: Any = None  # at a realm on demand that is kept without sessions
        self._deserted_since = 0.0
        self._connections = 0
        """Those that serve a session of the realm, one that was sent away included."""
        self._closed = False

    def join(self, session: Session) -> None:
        """Take in a session that has been welcomed."""
        self._connections += 1
        self.core.join(session)
        self._do_not_look_again()

    def leave(self, session: Session) -> None:
        """The connection of a session is done with it: take it out, if it is not out already. To be called once."""
        self._connections -= 1
        self.core.leave(session)
        self.tidy()

    def tidy(self) -> None:
        """Go on taking off what sessions that have left still hold, a slice a turn; after the last, see whether that is all.

        To be called when a session has left, or when something that was kept is gone.
        """
        if self._closed:
            return
        if self.core.has_leavers:
            if not self._tidying:
                self._tidying = True
                self._clock.callLater(0, self._tidy)
        elif (self.template or self._is_removed) and not self._connections and self.core.is_deserted:
            now = self._clock.seconds()
            if self._look_again is None:
                self._deserted_since = now
            keep = 0.0 if self.template is None or self._is_removed else self.template.keep
            left = self._deserted_since + keep - now
            if left <= 0 or not self.core.keeps:
                self._close()
            elif self._look_again is None or not self._look_again.active():
                self._look_again = self._clock.callLater(min(left, self.LOOK_AGAIN), self.tidy)

    def change(self, plan: Plan, grants_of: Callable[[Session], Grants | str]) -> None:
        """Be from now on made of another plan; ``grants_of`` says what a session may do, or why it cannot stay."""
        is_stricter = plan.strict_request_ids != self.core.strict
        self.plan = plan
        self.drops_events = plan.drops_events
        changed = self.core.changes.apply(plan.terms, grants_of)
        for session in list(self.core.sessions.values()) if is_stricter else changed:
            if isinstance(session.outlet, SessionPeer):
                session.outlet.read_anew()
        self._do_not_look_again()  # what it is kept for, and how long, may have changed
        self.tidy()

    def remove(self) -> None:
        """Send everybody away; the realm ends when they are gone."""
        self._is_removed = True
        self._do_not_look_again()
        self.core.expel(list(self.core.sessions.values()), CLOSE_REALM, "this realm is there no more")
        self.tidy()

    def set_timer(self) -> None:
        """See that somebody looks when the next thing is due."""
        due = self.core.next_deadline
        if due is None:
            return
        delay = min(max(0.0, due - self._clock.seconds()), self.LONGEST_NAP)
        if self._timer is None:
            self._timer = self._clock.callLater(delay, self._look)
        elif self._timer.getTime() > due:
            self._timer.reset(delay)

    def _look(self) -> None:
        self._timer = None
        self.core.expire(self._clock.seconds())
        self.set_timer()
        self.tidy()  # what was kept may be gone
        self._end_of_turn()

    def _tidy(self) -> None:
        self._tidying = False
        if not self._closed:
            self.core.tidy()
            self.tidy()
            self._end_of_turn()

    def _close(self) -> None:
        self._do_not_look_again()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._closed = True
        self._ended(self)

    def _do_not_look_again(self) -> None:
        if self._look_again is not None:
            if self._look_again.active():
                self._look_again.cancel()
            self._look_again = None
