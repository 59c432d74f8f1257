"""Authentication method ``ticket``: a shared secret, sent as it is.

Rules
-----
* HELLO must name an authid. An unknown one gets the same CHALLENGE and, in the same time, the same answer as a known
  one with a wrong ticket: ``wamp.error.authentication_denied``. So nobody learns by it who exists.
* Kept and compared are SHA-256 digests: comparing takes the same time for tickets of any length, and a memory dump or
  a ``repr`` does not hold the ticket.

Source: WAMP advanced profile, "Ticket-based Authentication".
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from wampd.auth.accounts import Account
from wampd.auth.methods import Challenge, Deny, Request, Step, Wait, nameless, shown
from wampd.auth.questions import FindAccount
from wampd.realms.options import JsonDict

_NOBODY = bytes(32)
"""The digest that unknown principals are compared with."""


class Ticket:
    """The method, with where the accounts are of those who may come in."""

    __slots__ = ("_accounts",)

    name = "ticket"

    def __init__(self, accounts: Any) -> None:
        """``accounts`` is where to look for them: see `FindAccount`."""
        self._accounts = accounts

    def begin(self, request: Request) -> TicketExchange:
        """Start with one client."""
        return TicketExchange(request, self._accounts)


class TicketExchange:
    """One client's way: an authid, a CHALLENGE, a ticket."""

    __slots__ = ("_accounts", "_request")

    def __init__(self, request: Request, accounts: Any) -> None:
        self._request = request
        self._accounts = accounts

    def challenge(self) -> Step:
        """Ask for the ticket."""
        if self._request.details.authid is None:
            return nameless("ticket")
        return Challenge("ticket", {})

    def authenticate(self, signature: str, extra: JsonDict) -> Step:  # noqa: ARG002 - the method defines no extra
        """Look for the account, and compare the ticket."""
        authid = self._request.details.authid
        assert authid is not None
        digest = digest_of(signature)
        question = FindAccount(self._accounts, "authid", authid, "ticket", self._request, signature)
        return Wait(question, lambda account: _compare(authid, account, digest))


def _compare(authid: str, account: Account | None, digest: bytes) -> Step:
    expected = None if account is None else account.ticket
    same = hmac.compare_digest(digest, _NOBODY if expected is None else expected)
    if account is None or expected is None or not same:
        why = "unknown authid" if account is None else "no ticket for" if expected is None else "wrong ticket for"
        return Deny(f"ticket: {why} {shown(authid)}")
    return account.principal()


def digest_of(ticket: str) -> bytes:
    """What is kept of a ticket, and compared."""
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()
