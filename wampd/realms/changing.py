"""A realm that is changed while sessions are in it: its limits, what it keeps, and what its roles may do.

Rules
-----
* Who is not concerned notices nothing. What a session may do from now on it is asked at once; what it may not subscribe to or
  register any more is taken off it, a slice a turn, and it is told if it understands that (advanced profile, "Subscription
  Revocation" and "Registration Revocation"). Calls under way end as all calls do.
* Who cannot stay is sent away with GOODBYE ``wamp.close.killed``.
* Who holds more than a new limit allows keeps it, and gets no more.
* What an authorizer has allowed stays, unless the rules now deny it: nobody is asked a second time what was allowed already.
* Retained events stay no longer than the new age says, from now on; histories are cut to their new bounds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from wampd.realms.calls import Timeouts
from wampd.realms.grants import Grants
from wampd.realms.history import HistoryRule
from wampd.realms.limits import Limits, Quota
from wampd.realms.meta.sessions import KILLED
from wampd.realms.occupancy import Occupancy
from wampd.realms.principals import PrincipalGrants
from wampd.realms.retained import Retention
from wampd.realms.session import Session, State

if TYPE_CHECKING:
    from wampd.realms.realm import Realm

NOT_ALLOWED = "wampd.revoked.not_allowed"
"""Why a session lost what it held. The specification wants a text; autobahn-python takes nothing but a URI."""


class Terms(Struct, frozen=True, kw_only=True):
    """All of a realm that may change."""

    limits: Limits = Limits()
    role_limits: Mapping[str, Limits] = {}
    quota: Quota = Quota()
    retention: Retention = Retention()
    history: Sequence[HistoryRule] = ()
    timeouts: Timeouts = Timeouts()
    lenient_progress: bool = False
    strict_request_ids: bool = False
    check_roles: bool = True


class Changes:
    """Changes one realm."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._review: Iterator[None] | None = None  # of what sessions hold that may not be allowed any more

    def apply(self, terms: Terms, grants_of: Callable[[Session], Grants | str]) -> list[Session]:
        """Change the realm; return the sessions whose limits or rights are other ones now.

        ``grants_of`` says what a session may do, or why it cannot stay. Sessions that are to be told something are touched.
        """
        realm = self._realm
        seats = realm.seats
        all_anew = seats.check_roles != terms.check_roles
        seats.limits, seats.role_limits = terms.limits, terms.role_limits
        if all_anew:
            seats.check_roles = terms.check_roles
        realm.strict = terms.strict_request_ids
        if terms.quota != realm.quota:
            realm.quota = terms.quota
            realm.occupancy = _counted(realm, terms.quota)
        realm.dealer.change(terms.timeouts, terms.quota, lenient_progress=terms.lenient_progress)
        realm.broker.retained.change(terms.retention, terms.quota)
        self._keep(terms.history)
        return self._reseat(grants_of, all_anew=all_anew)

    @property
    def is_under_way(self) -> bool:
        """Whether `review` has more to do."""
        return self._review is not None

    def review(self, most: int) -> int:
        """Look at so many subscriptions and registrations whether they are still allowed; return at how many it was."""
        if self._review is None:
            return 0
        for looked in range(most):
            if next(self._review, self) is self:
                self._review = None
                return looked
        return most

    def _keep(self, rules: Sequence[HistoryRule]) -> None:
        """Keep other histories than before."""
        realm = self._realm
        known, wall = realm.meta.subscriptions_known, realm.outside.wall
        created, deleted = realm.broker.keep(rules, realm.outside)
        for subscription in created:
            known.add(subscription, wall())
        for subscription in deleted:
            known.remove(subscription)
        realm.kept = [realm.broker.retained, *realm.broker.histories]

    def _reseat(self, grants_of: Callable[[Session], Grants | str], *, all_anew: bool) -> list[Session]:
        realm = self._realm
        seats, room = realm.seats, realm.room
        gone: dict[str, list[Session]] = defaultdict(list)
        changed: list[Session] = []
        others: list[Session] = []
        for session in realm.sessions.values():
            grants = grants_of(session)
            if isinstance(grants, str):
                gone[grants].append(session)
                continue
            has_others = grants is not rules_of(session)
            if has_others:
                others.append(session)
            if has_others:
                seats.seat(session, grants)
            if all_anew or session.limits != seats.limits_of(session.authrole):
                seats.seat(session)
            elif not has_others:
                continue
            changed.append(session)
        if others:
            unseen = realm.sessions.values() if self.is_under_way else ()  # a review under way begins anew with all
            self._review = self._look([*unseen, *others])
        for why, sessions in gone.items():
            realm.expel(sessions, KILLED, why)
        for session in others:
            room.ask_again(session)
        realm.tidy()
        return changed

    def _look(self, sessions: Sequence[Session]) -> Iterator[None]:
        """Take what is not allowed any more off these sessions; a step for each thing that is looked at."""
        broker, registrations = self._realm.broker, self._realm.dealer.registrations
        for session in dict.fromkeys(sessions):
            for subscription in list((session.subscriptions or {}).values()):
                yield
                if _may_not(session, "subscribe", subscription):
                    broker.revoke(subscription, session, NOT_ALLOWED)
            for registration in list((session.registrations or {}).values()):
                yield
                if _may_not(session, "register", registration):
                    registrations.revoke(registration, session, NOT_ALLOWED)


def rules_of(session: Session) -> Grants:
    """What a session may do by the rules of its role, whoever may be asked beside them."""
    grants = session.grants
    return grants.rules if isinstance(grants, PrincipalGrants) else grants


def _may_not(session: Session, action: Any, held: Any) -> bool:
    """Whether a session that is here holds what it is not allowed any more."""
    return session.state is State.ESTABLISHED and not session.grants.still(action, held.uri, held.match)


def _counted(realm: Realm, quota: Quota) -> Occupancy:
    """The sessions of a realm, counted as this quota wants it."""
    occupancy = Occupancy(quota)
    for session in realm.sessions.values():
        occupancy.joined(session)
    return occupancy
