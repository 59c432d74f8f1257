"""Where accounts are found: the ones that the configuration names.

Rules
-----
* An authid has at most one account in one place, and a public key belongs to at most one account.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeAlias

from twisted.internet.defer import Deferred

from wampd.auth.accounts import Account
from wampd.auth.methods import Deny, Failed
from wampd.auth.questions import FindAccount

Found: TypeAlias = Account | Deny | Failed | None


class Accounts(Protocol):
    """A place where accounts are found."""

    def find(self, question: FindAccount) -> Found | Deferred[Found]:
        """The account that is asked for, at once or later; a failure means that nobody knows."""
        ...


class FixedAccounts:
    """Accounts that stay as they are. Raise `ValueError` if two have the same authid."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._by_authid: dict[str | bytes, Account] = {}
        for account in accounts:
            if account.authid in self._by_authid:
                raise ValueError(f"two principals with the authid {account.authid!r}")
            self._by_authid[account.authid] = account

    def find(self, question: FindAccount) -> Account | None:
        """The account that is asked for."""
        return self._by_authid.get(question.value) if question.by == "authid" else None
