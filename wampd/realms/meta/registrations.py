"""The registration meta API: which procedures are registered, and by whom.

Rules
-----
* ``match`` answers what a CALL would reach. Procedures of ``wamp`` and ``wampd`` are nobody's registrations: they are in no
  list, and nothing matches them.
* A registration of a session that has left is there until ``on_delete`` is told, though its callee is not.

Sources: WAMP advanced profile, "Registration Meta API" and "Registration Revocation".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from wampd.realms.meta.shapes import (
    ById,
    ByUri,
    Known,
    Lookup,
    LookupOptions,
    Nothing,
    Removal,
    counted,
    ids_by_match,
    not_among_them,
    those_here,
)
from wampd.realms.services import Procedure, Result, taking

if TYPE_CHECKING:
    from wampd.realms.broker import Broker
    from wampd.realms.dealer import Dealer
    from wampd.realms.registrations import Registration
    from wampd.realms.session import Session

NO_SUCH_REGISTRATION = "wamp.error.no_such_registration"


class RegistrationMeta:
    """The registration meta API of one realm."""

    def __init__(self, dealer: Dealer, broker: Broker, wall: Callable[[], float], here: Mapping[int, Session]) -> None:
        """``wall`` tells Unix time; ``here`` are the sessions of the realm."""
        self._here = here
        self._registrations = dealer.registrations
        self._emit = broker.emit
        self._wall = wall
        self.known: Known[Registration] = Known(NO_SUCH_REGISTRATION)

    def procedures(self) -> dict[str, Procedure]:
        """What is served, by URI."""
        return {
            "wamp.registration.list": taking(Nothing, self.list_registrations),
            "wamp.registration.lookup": taking(Lookup, self.lookup),
            "wamp.registration.match": taking(ByUri, self.match),
            "wamp.registration.get": taking(ById, self.get),
            "wamp.registration.list_callees": taking(ById, self.list_callees),
            "wamp.registration.count_callees": taking(ById, self.count_callees),
            "wamp.registration.remove_callee": taking(Removal, self.remove_callee),
        }

    # ------------------------------------------------------------------------------------------------------- events

    def added(self, session: Session, registration: Registration, *, created: bool) -> None:
        """Tell of a callee."""
        if created:
            self.known.add(registration, self._wall())
            self._emit("wamp.registration.on_create", [session.id, self._details(registration.id)])
        self._emit("wamp.registration.on_register", [session.id, registration.id])

    def removed(self, session: Session, registration: Registration, *, deleted: bool) -> None:
        """Tell of a callee that is no more."""
        if deleted:
            self.known.remove(registration)
        if session.quiet:
            return
        self._emit("wamp.registration.on_unregister", [session.id, registration.id])
        if deleted:
            self._emit("wamp.registration.on_delete", [session.id, registration.id])

    # --------------------------------------------------------------------------------------------------- procedures

    def list_registrations(self, _caller: Session, _given: Nothing) -> dict[str, list[int]]:
        """The ids of all registrations, by match policy."""
        return ids_by_match(self._registrations)

    def lookup(self, _caller: Session, given: Lookup) -> int | None:
        """The registration of exactly this URI and match policy."""
        found = self._registrations.get(given.uri, (given.options or LookupOptions()).match)
        return None if found is None else found.id

    def match(self, _caller: Session, given: ByUri) -> int | None:
        """The registration that a call of this URI reaches."""
        found = self._registrations.of_those_here(given.uri)
        return None if found is None else found.id

    def get(self, _caller: Session, given: ById) -> dict[str, Any]:
        """What a registration is."""
        return self._details(given.id)

    def list_callees(self, _caller: Session, given: ById) -> list[int]:
        """The ids of the sessions that serve a registration."""
        return those_here(self.known.find(given.id).callees)

    def count_callees(self, _caller: Session, given: ById) -> Result:
        """The number of sessions that serve a registration."""
        return counted(self.known.find(given.id).callees)

    def remove_callee(self, _caller: Session, given: Removal) -> Result:
        """Take a callee off a registration; it is told if it understands that. What it is serving it goes on with."""
        registration = self.known.find(given.id)
        session = self._here.get(given.session)
        if session is None or registration.id not in (session.registrations or ()):
            raise not_among_them(given.session)
        self._registrations.revoke(registration, session, given.why)
        return Result()

    def _details(self, registration_id: int) -> dict[str, Any]:
        return {**self.known.details(registration_id), "invoke": self.known.find(registration_id).invoke}
