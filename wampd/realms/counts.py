"""What a realm counts of itself, for whoever watches the router: errors, and how long calls take.

Rules
-----
* What is ordinary costs an addition where it happens: a call, a publication, an event are counted in place. All else is found
  by who looks, from what is there.
* An error is counted where it is made: by a closed set of kinds, and, so that somebody can look into it, among the last
  ones, where the same error for the same session stands once. Its URIs are a client's, so they are cut.
* How long calls take is told by samples: the next `Latencies.due` calls take the way of calls that have something
  special about them, which have a place for the time at which they began. All others pay nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from wampd.realms.realm import Realm
    from wampd.realms.session import Session

KINDS: Final = frozenset(
    f"wamp.error.{name}"
    for name in (
        "authorization_denied",
        "authorization_failed",
        "authorization_required",
        "canceled",
        "feature_not_supported",
        "history_unavailable",
        "invalid_argument",
        "invalid_payload",
        "invalid_uri",
        "network_failure",
        "no_available_callee",
        "no_eligible_callee",
        "no_such_principal",
        "no_such_procedure",
        "no_such_realm",
        "no_such_registration",
        "no_such_role",
        "no_such_session",
        "no_such_subscription",
        "not_authorized",
        "option_disallowed.disclose_me",
        "option_not_allowed",
        "payload_size_exceeded",
        "procedure_already_exists",
        "procedure_exists_with_different_invocation_policy",
        "runtime_error",
        "timeout",
        "type_check_error",
        "unavailable",
    )
)
"""The errors that have a count of their own. All others, which are the applications', have one together."""
OTHER: Final = "other"
LAST: Final = 64
"""How many errors of a realm are remembered one by one."""
LONGEST: Final = 200
"""Characters of a URI or an authid that is remembered."""

BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds, in seconds, of what latencies are sorted into; there is one place more, for all that is longer."""


class Trouble:
    """One of the last errors, and how often it came in a row of the same."""

    __slots__ = ("at", "authid", "count", "error", "session", "uri")

    def __init__(self, error: str, uri: str, session: int, authid: str) -> None:
        self.error = error
        self.uri = uri
        """What was asked for; ``""`` where that is not a URI."""
        self.session = session
        """Who got the error."""
        self.authid = authid
        self.count = 0
        self.at = 0.0
        """When it came last (Unix time)."""


class Errors:
    """The errors that were sent in one realm, by the router and by callees."""

    def __init__(self, wall: Callable[[], float]) -> None:
        """``wall`` tells Unix time."""
        self._wall = wall
        self.total = 0
        self.kinds: Counter[str] = Counter()
        self._last: dict[tuple[str, str, int], Trouble] = {}  # the newest is the last
        self._newest = Trouble("", "", 0, "")

    def note(self, session: Session, error: str, uri: str) -> None:
        """A session gets an ERROR, ``uri`` being what it had asked for."""
        self.total += 1
        self.kinds[error if error in KINDS else OTHER] += 1
        newest = self._newest
        if (
            newest.session == session.id and newest.uri == uri and newest.error == error
        ):  # again, in a flood of the same
            newest.count += 1
            newest.at = self._wall()
            return
        key = error[:LONGEST], uri[:LONGEST], session.id
        trouble = self._last.pop(key, None)
        if trouble is None:
            if len(self._last) >= LAST:
                del self._last[next(iter(self._last))]
            trouble = Trouble(*key, session.authid[:LONGEST])
        trouble.count += 1
        trouble.at = self._wall()
        self._last[key] = self._newest = trouble

    def newest(self) -> list[Trouble]:
        """The last errors, the newest first."""
        return list(reversed(self._last.values()))


class Latencies:
    """How long calls took, from CALL to the last answer: samples."""

    __slots__ = ("counts", "due", "measured", "seconds")

    def __init__(self) -> None:
        self.due = 0
        """How many of the next calls are to be measured."""
        self.measured = 0
        self.seconds = 0.0
        """Of all that were measured, together."""
        self.counts = [0] * (len(BOUNDS) + 1)

    def note(self, seconds: float) -> None:
        """A call that was measured is over."""
        self.measured += 1
        self.seconds += seconds
        self.counts[bisect_left(BOUNDS, seconds)] += 1


class Totals(Struct):
    """What has happened in a realm, or in several, since the start."""

    calls: int = 0
    publications: int = 0
    events: int = 0
    """Deliveries: one for each receiver."""
    errors: int = 0
    measured: int = 0
    seconds: float = 0.0
    """Of the ``measured`` calls, together."""

    def add(self, other: Totals) -> None:
        """Add what happened elsewhere."""
        self.calls += other.calls
        self.publications += other.publications
        self.events += other.events
        self.errors += other.errors
        self.measured += other.measured
        self.seconds += other.seconds

    def minus(self, before: Totals) -> Totals:
        """What has happened since."""
        return Totals(
            calls=self.calls - before.calls,
            publications=self.publications - before.publications,
            events=self.events - before.events,
            errors=self.errors - before.errors,
            measured=self.measured - before.measured,
            seconds=self.seconds - before.seconds,
        )


def totals_of(realm: Realm) -> Totals:
    """What has happened in a realm so far."""
    broker, dealer = realm.broker, realm.dealer
    latencies = dealer.latencies
    return Totals(
        calls=dealer.calls + dealer.services.calls,
        publications=broker.publications,
        events=broker.events,
        errors=realm.errors.total,
        measured=latencies.measured,
        seconds=latencies.seconds,
    )


class Past:
    """What has happened in several realms, also after they are gone."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.kinds: Counter[str] = Counter()
        """Of errors."""
        self.latencies = [0] * (len(BOUNDS) + 1)

    def take(self, realm: Realm) -> None:
        """Add what has happened in a realm."""
        self._add(totals_of(realm), realm.errors.kinds, realm.dealer.latencies.counts)

    def add(self, other: Past) -> None:
        """Add what has happened elsewhere."""
        self._add(other.totals, other.kinds, other.latencies)

    def _add(self, totals: Totals, kinds: Counter[str], latencies: list[int]) -> None:
        self.totals.add(totals)
        self.kinds.update(kinds)
        self.latencies = [mine + its for mine, its in zip(self.latencies, latencies, strict=True)]
