"""Who registered what: the registrations of one realm.

Rules
-----
* A procedure has one registration for each match policy (basic profile, "Remote Procedure Calls"; advanced profile,
  "Pattern-based Registrations"), which several callees share if the first one's ``invoke`` says so, and theirs says the same.
* A call goes to the one registration that matches best. Pattern registrations never catch procedures of ``wamp`` or
  ``wampd``.
* A registration whose callees have all left is none: it serves no call and keeps nobody off its place, though it may be
  taken off only later.
* ``force_reregister`` takes the place of whoever is there. It needs a permission of its own.
* A callee that is taken off without having asked for it is told, if it announced that it understands (advanced profile,
  "Registration Revocation"). What it is serving it goes on with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import count

from wampd.realms.abilities import has
from wampd.realms.callees import Callees, Desk
from wampd.realms.grants import DISCLOSURE_DISALLOWED, NOT_AUTHORIZED, Action
from wampd.realms.limits import beyond
from wampd.realms.messages import REGISTER, REGISTERED, UNREGISTER, UNREGISTERED, Register, Unregister
from wampd.realms.options import ClientRole, Invoke, Match, RegisterOptions
from wampd.realms.session import Session, State
from wampd.realms.uris import UriMap, is_reserved
from wampd.realms.watcher import Watcher

ESTABLISHED = State.ESTABLISHED

NO_SUCH_REGISTRATION = "wamp.error.no_such_registration"
PROCEDURE_ALREADY_EXISTS = "wamp.error.procedure_already_exists"
REMEMBERED = 128
"""Of how many calls it is known how long they took, before the older ones count only half."""
TAKEN_OVER = "wampd.revoked.taken_over"
"""Why a callee lost a registration. The specification wants a text; autobahn-python takes nothing but a URI."""


class Registration:
    """A procedure or pattern, and who serves it."""

    __slots__ = (
        "_callees",
        "callee",
        "calls",
        "disclose_caller",
        "errors",
        "forward_timeout",
        "id",
        "match",
        "measured",
        "seconds",
        "uri",
    )

    def __init__(self, registration_id: int, uri: str, first: Session, options: RegisterOptions, desk: Desk) -> None:
        self.id = registration_id
        self.uri = uri
        self.match: Match = options.match
        self.callee: Session | None = None
        """The callee, if there can be only this one, and it takes all that comes; `None`: ask `shared`."""
        self.disclose_caller = self.forward_timeout = False
        self.calls = self.errors = 0
        """How many calls it got, and how many of them its callees answered with an ERROR."""
        self.measured, self.seconds = 0, 0.0
        """The calls of late that were measured, and how long they took together."""
        self._callees: Callees | None = None
        if options.invoke == "single" and options.concurrency is None:
            self.callee = first
            self.disclose_caller = options.disclose_caller
            self.forward_timeout = options.forward_timeout
        else:
            self._callees = Callees(desk, options.invoke)
            self._callees.add(first, options)

    @property
    def shared(self) -> Callees:
        """The callees, if there is no `callee`."""
        assert self._callees is not None, "only one callee"
        return self._callees

    @property
    def invoke(self) -> Invoke:
        """Which of several callees a call goes to."""
        return "single" if self._callees is None else self._callees.invoke

    @property
    def callees(self) -> Collection[Session]:
        """Every callee, in the order of registration."""
        if self.callee is not None:
            return (self.callee,)
        return tuple(self.shared)

    @property
    def role(self) -> ClientRole | None:
        """What the `callee` announced."""
        assert self.callee is not None
        return self.callee.roles.callee

    def take(self) -> None:
        """The `callee` is given one call more; nothing must be given back."""

    def took(self, seconds: float) -> None:
        """One of its calls was measured. What is long ago counts ever less."""
        if self.measured >= REMEMBERED:
            self.measured, self.seconds = self.measured // 2, self.seconds / 2
        self.measured += 1
        self.seconds += seconds

    @property
    def is_served(self) -> bool:
        """Whether any callee is here."""
        return self.shared.are_here if self.callee is None else self.callee.state is ESTABLISHED


class Registrations(UriMap[Registration]):
    """The registrations of one realm, by URI."""

    __slots__ = ("_desk", "_ids", "_struck", "changes", "watcher")

    watcher: Watcher
    """Is told of registrations; set by the realm."""

    def __init__(self, desk: Desk, struck: Counter[str]) -> None:
        """``desk`` serves calls that waited; ``struck`` counts what is refused."""
        super().__init__()
        self._desk = desk
        self._struck = struck
        self._ids = count(1)
        self.changes = 0
        """How often there were other registrations than before."""

    # ------------------------------------------------------------------------------------------------------ requests

    def register(self, session: Session, message: Register) -> None:
        """Serve a REGISTER."""
        uri, options = message.uri, message.options
        if not self._granted(session, message):
            return
        there = self.get(uri, options.match)
        if there is not None and not there.is_served:
            self._clear(there)
            there = None
        obstacle = "" if there is None or options.force_reregister else _obstacle(there, session, options)
        if obstacle:
            reason = f"{uri!r} is registered already{obstacle}"
            session.refuse(REGISTER, message.id, PROCEDURE_ALREADY_EXISTS, reason, uri)
            return
        held = session.registrations or {}
        if len(held) - (there is not None and there.id in held) >= session.limits.registrations:
            reason = beyond("registrations", session.limits.registrations)
            self._struck["registrations over the limit"] += 1
            session.refuse(REGISTER, message.id, NOT_AUTHORIZED, reason, uri)
            return
        displaced = [] if there is None or not options.force_reregister else self._displace(there)
        registration, created = self._add(session, uri, options)
        session.send((REGISTERED, message.id, registration.id))
        for other, callee, deleted in displaced:
            self.watcher.unregistered(callee, other, deleted=deleted)
        self.watcher.registered(session, registration, created=created)
        if not created:
            registration.shared.begin(session)

    def unregister(self, session: Session, message: Unregister) -> None:
        """Serve an UNREGISTER; invocations under way go on."""
        registration = (session.registrations or {}).get(message.registration)
        if registration is None:
            session.refuse(UNREGISTER, message.id, NO_SUCH_REGISTRATION)
            return
        session.send((UNREGISTERED, message.id))
        self._take_off(registration, session)

    def revoke(self, registration: Registration, callee: Session, reason: str) -> bool:
        """Take a callee off, and tell it if it understands that; whether it was one.

        Advanced profile, "Registration Revocation": the message is an UNREGISTERED that answers no request.
        """
        if registration.id not in (callee.registrations or ()):
            return False
        _tell(callee, registration, reason)
        self._take_off(registration, callee)
        return True

    def detach(self, session: Session, most: int) -> int:
        """Take off at most so many registrations of a session that has left; return how many are still to go."""
        held = session.registrations
        while held and most > 0:
            self._take_off(next(iter(held.values())), session)
            most -= 1
        return len(held or ())

    # ------------------------------------------------------------------------------------------------------- look-up

    def catching(self, uri: str) -> Registration | None:
        """The pattern registration that a call of ``uri`` goes to if there is no exact one."""
        registration = self.best(uri)
        return None if registration is None or is_reserved(uri) else registration

    def of_those_here(self, uri: str) -> Registration | None:
        """The best registration of a callee that is here; those of callees that have left are taken off on the way."""
        while True:
            registration = self.exact.get(uri) or self.catching(uri)
            if registration is None or registration.is_served:
                return registration
            self._clear(registration)

    # ------------------------------------------------------------------------------------------------------- changes

    def _granted(self, session: Session, message: Register) -> bool:
        """Whether a session may register what it wants to; it is told if not."""
        options = message.options
        actions: tuple[Action, ...] = ("register", "force_reregister") if options.force_reregister else ("register",)
        for action in actions:
            grant = session.grants.decide(action, message.uri, options.match)
            if grant.refusal is not None:
                self.watcher.denied(session, action, message.uri, grant, options.match, message.id)
                session.refuse(REGISTER, message.id, grant.refusal, grant.reason, message.uri)
                return False
            if options.disclose_caller and grant.disclose == "never":
                session.refuse(REGISTER, message.id, DISCLOSURE_DISALLOWED, about=message.uri)
                return False
        return True

    def _add(self, session: Session, uri: str, options: RegisterOptions) -> tuple[Registration, bool]:
        """Add a callee to the registration that is there, or to a new one; the registration, and whether it is new."""
        registration = self.get(uri, options.match)
        created = registration is None
        if registration is None:
            registration = Registration(next(self._ids), uri, session, options, self._desk)
            self.add(uri, options.match, registration)
            self.changes += 1
        else:
            registration.shared.add(session, options)
        if session.registrations is None:
            session.registrations = {}
        session.registrations[registration.id] = registration
        return registration, created

    def _displace(self, registration: Registration) -> list[tuple[Registration, Session, bool]]:
        """Take off all callees for one that comes in their place; what the watcher is to be told of."""
        displaced = []
        for callee in registration.callees:
            _tell(callee, registration, TAKEN_OVER)
            displaced.append((registration, callee, self._drop(registration, callee)))
        return displaced

    def _clear(self, registration: Registration) -> None:
        """Take off a registration whose callees have all left."""
        for callee in registration.callees:
            self._take_off(registration, callee)

    def _take_off(self, registration: Registration, callee: Session) -> None:
        """Take off a callee, and tell the watcher."""
        deleted = self._drop(registration, callee)
        self.watcher.unregistered(callee, registration, deleted=deleted)

    def _drop(self, registration: Registration, callee: Session) -> bool:
        """Take off a callee; whether it was the last."""
        assert callee.registrations is not None
        del callee.registrations[registration.id]
        last = registration.callee is not None or len(registration.shared) == 1
        if last:
            self.changes += 1
            self.remove(registration.uri, registration.match)
        if registration.callee is None:
            registration.shared.remove(callee)
        return last


def _tell(callee: Session, registration: Registration, reason: str) -> None:
    """Tell a callee that it lost a registration, if it understands that."""
    if callee.state is ESTABLISHED and has(callee.roles.callee, "registration_revocation"):
        callee.send((UNREGISTERED, 0, {"registration": registration.id, "reason": reason}))


def _obstacle(there: Registration, session: Session, options: RegisterOptions) -> str:
    """What keeps a session out of a registration; ``""``: nothing."""
    if there.id in (session.registrations or ()):
        return " by this session"
    if there.invoke == "single":
        return ", and not to be shared"
    return "" if there.invoke == options.invoke else f" with invoke: {there.invoke}"
