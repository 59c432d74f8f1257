"""What a session has by its role: its limits, its tokens, and the handlers of its messages.

Rules
-----
* It is chosen when the session joins, so that a message costs nothing for what its session does not have: one whose rate or
  payload is limited passes the `gate`, one whose role has an authorizer the waiting room (`asking`).
* It is chosen anew when what its role has changes (`changing`). Tokens of a rate that stays are kept; what waits for an
  authorizer goes on waiting, and is served by the new handlers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wampd.realms.gate import Gate, Handler, guarded
from wampd.realms.limits import Limits
from wampd.realms.messages import Call, Message, Publish, Register, Subscribe, Unregister, Unsubscribe
from wampd.realms.principals import PrincipalGrants
from wampd.realms.session import ROLE_OF, Session

if TYPE_CHECKING:
    from wampd.realms.asking import WaitingRoom
    from wampd.realms.grants import Grants
    from wampd.realms.realm import Handlers

REQUESTS = (Publish, Subscribe, Unsubscribe, Call, Register, Unregister)
"""Messages whose id counts requests (basic profile, "IDs")."""


class Seats:
    """Gives the sessions of one realm what they have by their roles."""

    def __init__(
        self,
        handlers: dict[type[Message], Handler],
        gate: Gate,
        room: WaitingRoom,
        limits: Limits,
        role_limits: Mapping[str, Limits],
        *,
        check_roles: bool,
    ) -> None:
        """``limits`` are those of every session whose role is not in ``role_limits``.

        ``check_roles``: what belongs to a role that a client did not announce is not served.
        """
        self._plain = handlers
        self.handlers: Handlers = {kind: (handler, kind in REQUESTS) for kind, handler in handlers.items()}
        """All that there are, and whether a message's id counts requests."""
        self.gate = gate
        self._room = room
        self.limits = limits
        self.role_limits = role_limits
        self._check_roles = check_roles
        self._chosen: dict[tuple[frozenset[str], frozenset[type[Message]], bool], Handlers] = {}

    def limits_of(self, authrole: str) -> Limits:
        """The limits of the sessions of a role."""
        return self.role_limits.get(authrole, self.limits)

    @property
    def check_roles(self) -> bool:
        """Whether what belongs to a role that a client did not announce is not served."""
        return self._check_roles

    @check_roles.setter
    def check_roles(self, check_roles: bool) -> None:
        self._check_roles = check_roles
        self._chosen.clear()

    def seat(self, session: Session, grants: Grants | None = None) -> None:
        """Give a session what it has; ``grants`` are new ones for who is here already."""
        limits = self.limits_of(session.authrole)
        if grants is not None:
            before, session.grants = session.grants, grants
            session.rule_tokens = None
            if limits == session.limits and _are_alike(before, grants):
                return
        session.limits = limits
        self.gate.admit(session)
        asks = session.grants.authorizer is not None or self._room.holds(session)
        if asks and not isinstance(session.grants, PrincipalGrants):
            self._room.admit(session)
        announced = session.roles
        roles = frozenset([role for role in announced.__struct_fields__ if getattr(announced, role) is not None])
        key = roles, guarded(session.limits, by_rule=session.grants.limited), asks
        if key not in self._chosen:
            self._chosen[key] = self._choose(*key)
        self._room.give(session, self._chosen[key])

    def _choose(self, roles: frozenset[str], guarded: frozenset[type[Message]], asks: bool) -> Handlers:
        """The handlers of sessions with these roles, of whose messages these have to pass the gate."""
        handlers = {
            kind: (self.gate.handlers[kind] if kind in guarded else handler, counted)
            for kind, (handler, counted) in self.handlers.items()
            if not self._check_roles or ROLE_OF.get(kind) in (None, *roles)
        }
        return self._room.serving(handlers, self._plain) if asks else handlers


def _are_alike(before: Grants, now: Grants) -> bool:
    """Whether other grants need no other handlers. Very many sessions may get them at once."""
    asks = before.authorizer is not None or now.authorizer is not None or isinstance(before, PrincipalGrants)
    return not asks and before.limited == now.limited
