"""Who registered what: the registrations of one realm.

Rules
-----
* A procedure has one registration for each match policy (basic profile, "Remote Procedure Calls"; advanced profile,
  "Pattern-based Registrations").
* A call goes to the one registration that matches best. Pattern registrations never catch procedures of ``wamp`` or
  ``wampd``.
* A registration whose callee has left is none: it serves no call and keeps nobody off its place, though it may be taken off
  only later.
"""

from __future__ import annotations

from collections import Counter
from itertools import count

from wampd.realms.grants import DISCLOSURE_DISALLOWED, NOT_AUTHORIZED
from wampd.realms.limits import beyond
from wampd.realms.messages import REGISTER, REGISTERED, UNREGISTER, UNREGISTERED, Register, Unregister
from wampd.realms.options import Match
from wampd.realms.session import Session, State
from wampd.realms.uris import UriMap, is_reserved
from wampd.realms.watcher import Watcher

ESTABLISHED = State.ESTABLISHED

NO_SUCH_REGISTRATION = "wamp.error.no_such_registration"
PROCEDURE_ALREADY_EXISTS = "wamp.error.procedure_already_exists"


class Registration:
    """A procedure or pattern, and the session that serves it."""

    __slots__ = ("callee", "disclose_caller", "id", "match", "uri")

    def __init__(self, registration_id: int, uri: str, match: Match, callee: Session, disclose_caller: bool) -> None:
        self.id = registration_id
        self.uri = uri
        self.match: Match = match
        self.callee = callee
        self.disclose_caller = disclose_caller


class Registrations(UriMap[Registration]):
    """The registrations of one realm, by URI."""

    __slots__ = ("_ids", "_struck", "watcher")

    watcher: Watcher
    """Is told of registrations; set by the realm."""

    def __init__(self, struck: Counter[str]) -> None:
        """``struck`` counts what is refused."""
        super().__init__()
        self._struck = struck
        self._ids = count(1)

    def register(self, session: Session, message: Register) -> None:
        """Serve a REGISTER."""
        options = message.options
        grant = session.grants.decide("register", message.uri, options.match)
        if grant.refusal is not None:
            session.refuse(REGISTER, message.id, grant.refusal, grant.reason)
            return
        if options.disclose_caller and grant.disclose == "never":
            session.refuse(REGISTER, message.id, DISCLOSURE_DISALLOWED)
            return
        there = self.get(message.uri, options.match)
        if there is not None:
            if there.callee.state is not State.CLOSED:
                session.refuse(REGISTER, message.id, PROCEDURE_ALREADY_EXISTS, f"{message.uri!r} is registered already")
                return
            self._take_off(there)
        held = session.registrations
        if held is None:
            held = session.registrations = {}
        if len(held) >= session.limits.registrations:
            reason = beyond("registrations", session.limits.registrations)
            self._struck["registrations over the limit"] += 1
            session.refuse(REGISTER, message.id, NOT_AUTHORIZED, reason)
            return
        registration = Registration(next(self._ids), message.uri, options.match, session, options.disclose_caller)
        self.add(message.uri, options.match, registration)
        held[registration.id] = registration
        session.send((REGISTERED, message.id, registration.id))
        self.watcher.registered(session, registration, created=True)

    def unregister(self, session: Session, message: Unregister) -> None:
        """Serve an UNREGISTER; invocations under way go on."""
        registration = (session.registrations or {}).get(message.registration)
        if registration is None:
            session.refuse(UNREGISTER, message.id, NO_SUCH_REGISTRATION)
            return
        session.send((UNREGISTERED, message.id))
        self._take_off(registration)

    def detach(self, session: Session, most: int) -> int:
        """Take off at most so many registrations of a session that has left; return how many are still to go."""
        held = session.registrations
        while held and most > 0:
            self._take_off(next(iter(held.values())))
            most -= 1
        return len(held or ())

    def catching(self, uri: str) -> Registration | None:
        """The pattern registration that a call of ``uri`` goes to if there is no exact one."""
        registration = self.best(uri)
        return None if registration is None or is_reserved(uri) else registration

    def of_those_here(self, uri: str) -> Registration | None:
        """The best registration of a callee that is here; those of callees that have left are taken off on the way."""
        while True:
            registration = self.exact.get(uri) or self.catching(uri)
            if registration is None or registration.callee.state is ESTABLISHED:
                return registration
            self._take_off(registration)

    def _take_off(self, registration: Registration) -> None:
        assert registration.callee.registrations is not None
        del registration.callee.registrations[registration.id]
        self.remove(registration.uri, registration.match)
        self.watcher.unregistered(registration.callee, registration, deleted=True)
