"""Calls that take long: which, of whom, at whom, since when.

Rules
-----
* A call has no time of its own. Who looks marks those that he sees for the first time; a call that was marked `SLOW`
  seconds ago is slow. So its age is known but for the time between two looks, and is never said to be more than it is.
* The calls of a session stand in the order in which they began: looking ends at the first that is marked already, so a
  look costs what is new, and a test for each session. After `MOST_MARKED` calls no other session's are marked in it.
* Bounded: of one caller `OF_ONE`, of a realm `MOST` calls, and as many that are over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from wampd.realms.timestamps import rfc3339

if TYPE_CHECKING:
    from wampd.realms.calls import Invocation
    from wampd.realms.realm import Realm

SLOW: Final = 1.0
"""Seconds after which a call is slow."""
OF_ONE: Final = 10
MOST: Final = 100
MOST_MARKED: Final = 20_000


class SlowCall(Struct):
    """A call that takes long, or took long."""

    procedure: str
    caller: int
    callee: int | None
    """`None`: it waits for one, or several have it."""
    since: float
    """Unix time."""
    age: float
    """Seconds, as far as it was seen."""
    ended: bool = False

    def told(self, realm: str) -> dict[str, Any]:
        """As it is told."""
        return {
            "realm": realm,
            "procedure": self.procedure,
            "caller": self.caller,
            "callee": self.callee,
            "since": rfc3339(round(self.since * 1_000_000), digits=3),
            "age": round(self.age, 3),
            "ended": self.ended,
        }


class SlowCalls:
    """The calls of one realm that take long."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._open: dict[
            int, tuple[Invocation, SlowCall, float]
        ] = {}  # by the identity of the invocation, which is kept
        self._over: deque[SlowCall] = deque(maxlen=MOST)

    def look(self, now: float, wall: float) -> int:
        """See what there is (monotonic seconds and Unix time); return how many calls are under way."""
        self._see_ends(now)
        under_way = 0
        budget = MOST_MARKED
        for session in self._realm.sessions.values():
            calls = session.calls
            if not calls:
                continue
            under_way += len(calls)
            if budget > 0:
                budget -= _mark(reversed(calls.values()), now)
            oldest = next(iter(calls.values())).seen
            if oldest is not None and now - oldest >= SLOW:
                self._collect(islice(calls.values(), OF_ONE), now, wall)
        return under_way

    def list(self) -> list[SlowCall]:
        """Those under way, the longest first, then those that are over, the last first."""
        under_way = sorted((call for _, call, _ in self._open.values()), key=lambda call: -call.age)
        return [*under_way, *reversed(self._over)]

    def _see_ends(self, now: float) -> None:
        for key, (invocation, call, began) in list(self._open.items()):
            if (invocation.caller.calls or {}).get(invocation.call) is invocation:
                call.age = now - began
                call.callee = self._callee(invocation)
            else:
                call.ended = True
                self._over.append(call)
                del self._open[key]

    def _collect(self, calls: Any, now: float, wall: float) -> None:
        for invocation in calls:
            if invocation.seen is None or now - invocation.seen < SLOW or len(self._open) >= MOST:
                return
            age = now - invocation.seen
            if id(invocation) not in self._open:
                call = SlowCall(invocation.uri, invocation.caller.id, self._callee(invocation), wall - age, age)
                self._open[id(invocation)] = invocation, call, invocation.seen

    def _callee(self, invocation: Invocation) -> int | None:
        callee = invocation.callee
        return callee.id if callee is not None and callee.id in self._realm.sessions else None


def _mark(newest_first: Iterator[Invocation], now: float) -> int:
    """Mark calls until one is marked already; return how many."""
    marked = 0
    for invocation in newest_first:
        if invocation.seen is not None:
            break
        invocation.seen = now
        marked += 1
    return marked
