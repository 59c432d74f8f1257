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
        self._found: dict[tuple[str, str | bytes], Account] = {}
        for account in accounts:
            for handle in handles(account):
                if self._found.setdefault(handle, account) is not account:
                    by, value = handle
                    raise ValueError(
                        f"two principals with the {by} {value if isinstance(value, str) else value.hex()!r}"
                    )

    def __iter__(self) -> Iterator[Account]:
        return (account for (by, _), account in self._found.items() if by == "authid")

    def differing(self, others: FixedAccounts) -> set[str]:
        """The authids whose accounts are not the same there, or are in one of the two places only."""
        ours, theirs = ({account.authid: account for account in each} for each in (self, others))
        return {authid for authid in ours.keys() | theirs.keys() if ours.get(authid) != theirs.get(authid)}

    def find(self, question: FindAccount) -> Account | None:
        """The account that is asked for."""
        return self._found.get((question.by, question.value))


class WatchedAccounts:
    """The accounts of a file, as it is by now."""

    def __init__(self, file: Watched[FixedAccounts]) -> None:
        self._file = file

    def find(self, question: FindAccount) -> Account | None:
        """The account that is asked for."""
        return self._file.content.find(question)


def handles(account: Account) -> Iterator[tuple[str, str | bytes]]:
    """By what an account is found."""
    yield "authid", account.authid
    for key in account.keys:
        yield "key", key
    for name in account.certificates:
        yield "certificate", name.encode()
