"""Authentication method ``ticket``: a shared secret, sent as it is.

Rules
-----
* HELLO must name an authid. An unknown one gets the same CHALLENGE and, in the same time, the same answer as a known
  one with a wrong ticket: ``wamp.error.authentication_denied``. So nobody learns by it who exists.
* Kept and compared are SHA-256 digests: comparing takes the same time for tickets of any length, and a memory dump or
  a ``repr`` does not hold the ticket.
* People may have passwords, which are easier to guess than tickets, and so are kept as slow hashes. What is sent is compared
  with the ticket first; if it is not that, with the hash, or with a decoy for whoever has none: where somebody has a password,
  every wrong answer costs one slow hash, whoever gives it.

Source: WAMP advanced profile, "Ticket-based Authentication".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from wampd.auth.accounts import Account
from wampd.auth.methods import Challenge, Deny, Request, Step, Wait, nameless, shown
from wampd.auth.questions import CheckPassword, FindAccount
from wampd.realms.options import JsonDict

_NOBODY = bytes(32)
"""The digest that unknown principals are compared with."""


class Ticket:
    """The method, with where the accounts are of those who may come in."""

    __slots__ = ("_accounts", "_decoy")

    name = "ticket"

    def __init__(self, accounts: Any, decoy: Callable[[str], str | None] = lambda _authid: None) -> None:
        """``accounts`` is where to look for them: see `FindAccount`.

        ``decoy`` gives the hash that somebody without one is compared with; `None`: nobody has a password.
        """
        self._accounts = accounts
        self._decoy = decoy

    def begin(self, request: Request) -> TicketExchange:
        """Start with one client."""
        return TicketExchange(request, self._accounts, self._decoy)


class TicketExchange:
    """One client's way: an authid, a CHALLENGE, a ticket."""

    __slots__ = ("_accounts", "_decoy", "_request")

    def __init__(self, request: Request, accounts: Any, decoy: Callable[[str], str | None]) -> None:
        self._request = request
        self._accounts = accounts
        self._decoy = decoy

    def challenge(self) -> Step:
        """Ask for the ticket."""
        if self._request.details.authid is None:
            return nameless("ticket")
        return Challenge("ticket", {})

    def authenticate(self, signature: str, extra: JsonDict) -> Step:  # noqa: ARG002 - the method defines no extra
        """Look for the account, and compare the ticket."""
        authid = self._request.details.authid
        assert authid is not None
        question = FindAccount(self._accounts, "authid", authid, "ticket", self._request, signature)
        return Wait(question, lambda account: self._compare(authid, account, signature))

    def _compare(self, authid: str, account: Account | None, sent: str) -> Step:
        expected = None if account is None else account.ticket
        same = hmac.compare_digest(digest_of(sent), _NOBODY if expected is None else expected)
        if account is not None and expected is not None and same:
            return account.principal()
        own = None if account is None else account.password
        slow = self._decoy(authid) if own is None else own
        if slow is None:
            return _denied(authid, account)

        def checked(fits: bool) -> Step:
            return account.principal() if fits and account is not None and own is not None else _denied(authid, account)

        return Wait(CheckPassword(slow, sent, str(self._request.transport.get("peer", ""))), checked)


def _denied(authid: str, account: Account | None) -> Deny:
    if account is None:
        why = "unknown authid"
    elif account.ticket is None and account.password is None:
        why = "no ticket for"
    else:
        why = "wrong ticket for"
    return Deny(f"ticket: {why} {shown(authid)}")


def digest_of(ticket: str) -> bytes:
    """What is kept of a ticket, and compared."""
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()
