"""Authentication method ``ticket``: a shared secret, sent as it is.

Rules
-----
* HELLO must name an authid. An unknown one gets the same CHALLENGE and, in the same time, the same answer as a known
  one with a wrong ticket: ``wamp.error.authentication_denied``. So nobody learns by it who exists.
* Kept and compared are SHA-256 digests: comparing takes the same time for tickets of any length, and a memory dump or
  a ``repr`` does not hold the ticket.
* An empty ticket is no ticket: such a configuration is refused.

Source: WAMP advanced profile, "Ticket-based Authentication".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from wampd.auth.methods import AUTHENTICATION_FAILED, Challenge, Deny, Principal, Request, Step, shown
from wampd.realms.options import JsonDict

_NOBODY = bytes(32)
"""The digest that unknown principals are compared with."""


class TicketPrincipal:
    """Somebody who may come in with a ticket. Raise `ValueError` if the ticket is empty."""

    __slots__ = ("authid", "digest", "role")

    def __init__(self, authid: str, role: str, ticket: str) -> None:
        if not ticket:
            raise ValueError(f"the ticket of {authid!r} is empty")
        self.authid = authid
        self.role = role
        self.digest = _digest(ticket)

    def __repr__(self) -> str:
        return f"<TicketPrincipal {self.authid}/{self.role}>"


class Ticket:
    """The method, with those who may come in. Raise `ValueError` if two of them have the same authid."""

    __slots__ = ("_principals",)

    name = "ticket"

    def __init__(self, principals: Iterable[TicketPrincipal]) -> None:
        self._principals: dict[str, TicketPrincipal] = {}
        for principal in principals:
            if principal.authid in self._principals:
                raise ValueError(f"two principals with the authid {principal.authid!r}")
            self._principals[principal.authid] = principal

    def begin(self, request: Request) -> TicketExchange:
        """Start with one client."""
        authid = request.details.authid
        return TicketExchange(authid, None if authid is None else self._principals.get(authid))


class TicketExchange:
    """One client's way: an authid, a CHALLENGE, a ticket."""

    __slots__ = ("_authid", "_principal")

    def __init__(self, authid: str | None, principal: TicketPrincipal | None) -> None:
        self._authid = authid
        self._principal = principal

    def challenge(self) -> Step:
        """Ask for the ticket."""
        if self._authid is None:
            return Deny(
                "ticket: HELLO names no authid", AUTHENTICATION_FAILED, "the method 'ticket' needs an authid in HELLO"
            )
        return Challenge("ticket", {})

    def authenticate(self, signature: str, extra: JsonDict) -> Step:  # noqa: ARG002 - the method defines no extra
        """Compare the ticket."""
        principal = self._principal
        expected = _NOBODY if principal is None else principal.digest
        same = hmac.compare_digest(_digest(signature), expected)
        if principal is None or not same:
            why = "unknown authid" if principal is None else "wrong ticket for"
            return Deny(f"ticket: {why} {shown(self._authid)}")
        return Principal(principal.authid, principal.role, "static")


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()
