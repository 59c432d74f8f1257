"""Where accounts are found: those that the configuration names, and those of files.

Rules
-----
* An authid has at most one account in one place; a public key, or a name of a certificate, belongs to at most one account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeAlias

from twisted.internet.defer import Deferred

from wampd.auth.accounts import Account
from wampd.auth.methods import Deny, Failed
from wampd.auth.questions import FindAccount
from wampd.router.stores.watched import Watched

Found: TypeAlias = Account | Deny | Failed | None


class Accounts(Protocol):
    """A place where accounts are found."""

    def find(self, question: FindAccount) -> Found | Deferred[Found]:
        """The account that is asked for, at once or later; `Failed`: nobody knows."""
        ...


class FixedAccounts:
    """Accounts that stay as they are.

    Raise `ValueError` if two have the same authid, or if a key or a name of a certificate belongs to two of them.
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._by_authid: dict[str, Account] = {}
        self._by_mark: dict[tuple[str, str | bytes], Account] = {}
        for account in accounts:
            if account.authid in self._by_authid:
                raise ValueError(f"two principals with the authid {account.authid!r}")
            self._by_authid[account.authid] = account
            for mark in account.marks():
                if self._by_mark.setdefault(mark, account) is not account:
                    raise ValueError(f"two principals with the same {mark[0]}")

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_authid.values())

    def differing(self, others: FixedAccounts) -> set[str]:
        """The authids whose accounts are not the same there, or are in one of the two places only."""
        both = self._by_authid.keys() | others._by_authid.keys()
        return {authid for authid in both if self._by_authid.get(authid) != others._by_authid.get(authid)}

    def find(self, question: FindAccount) -> Account | None:
        """The account that is asked for."""
        if isinstance(question.value, str):
            return self._by_authid.get(question.value)
        return self._by_mark.get((question.by, question.value))


class WatchedAccounts:
    """The accounts of a file, as it is by now."""

    def __init__(self, file: Watched[FixedAccounts]) -> None:
        self._file = file

    def find(self, question: FindAccount) -> Account | None:
        """The account that is asked for."""
        return self._file.content.find(question)
