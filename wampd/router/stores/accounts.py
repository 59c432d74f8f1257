"""Where accounts are found: the ones that the configuration names.

Rules
-----
* An authid has at most one account in one place; a public key, or a name of a certificate, belongs to at most one account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from twisted.internet.defer import Deferred

from wampd.auth.accounts import Account
from wampd.auth.questions import FindAccount


class Accounts(Protocol):
    """A place where accounts are found."""

    def find(self, question: FindAccount) -> Account | Deferred[Account | None] | None:
        """The account that is asked for, at once or later; a failure means that nobody knows."""
        ...


class FixedAccounts:
    """Accounts that stay as they are.

    Raise `ValueError` if two have the same authid, or if a key or a name of a certificate belongs to two of them.
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._found: dict[tuple[str, str | bytes], Account] = {}
        for account in accounts:
            for handle in _handles(account):
                if self._found.setdefault(handle, account) is not account:
                    by, value = handle
                    raise ValueError(
                        f"two principals with the {by} {value if isinstance(value, str) else value.hex()!r}"
                    )

    def find(self, question: FindAccount) -> Account | None:
        """The account that is asked for."""
        return self._found.get((question.by, question.value))


def _handles(account: Account) -> Iterator[tuple[str, str | bytes]]:
    """By what an account is found."""
    yield "authid", account.authid
    for key in account.keys:
        yield "key", key
    for name in account.certificates:
        yield "certificate", name.encode()
