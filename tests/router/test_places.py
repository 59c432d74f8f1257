"""Accounts of a file that is read again: only who has changed is derived again."""

import pytest

from wampd.auth.accounts import Account
from wampd.router.settings.auth import Certificate, CraProof, Principal
from wampd.router.settings.secret import Secret
from wampd.router.wiring.houses import Derived


def joe(**proofs):
    return Principal(authid="joe", role="user", **proofs)


ANN = Principal(authid="ann", role="user", ticket=Secret("hunter2"))


@pytest.fixture
def derived():
    """What remembers accounts, and whom it has derived."""
    seen = []

    def derive(principal):
        seen.append(principal.authid)
        return Account(authid=principal.authid, role=principal.role)

    derived = Derived(derive)
    derived.seen = seen
    return derived


def test_who_is_the_same_is_derived_once(derived):
    first = derived.accounts([joe(password=Secret("hunter2")), ANN])
    assert [account.authid for account in first] == ["joe", "ann"]
    assert derived.accounts([ANN, joe(password=Secret("hunter2"))]) == first[::-1]
    assert derived.seen == ["joe", "ann"]


@pytest.mark.parametrize(
    "other",
    [
        joe(password=Secret("hunter2x")),
        joe(ticket=Secret("hunter2")),
        joe(password=Secret("hunter2"), ticket=Secret("x")),
        joe(password=Secret("hunter2"), keys=("11" * 32,)),
        joe(password=Secret("hunter2"), certificates=(Certificate(san="DNS:joe"),)),
        joe(wampcra=CraProof(secret=Secret("hunter2"))),
        Principal(authid="joe", role="admin", password=Secret("hunter2")),
    ],
)
def test_who_has_changed_in_anything_is_derived_again(derived, other):
    derived.accounts([joe(password=Secret("hunter2")), ANN])
    (account,) = derived.accounts([other])
    assert derived.seen == ["joe", "ann", "joe"]
    assert account.role == other.role


def test_who_is_gone_is_forgotten_and_no_secret_is_remembered(derived):
    derived.accounts([joe(password=Secret("hunter2"))])
    assert b"hunter2" not in repr(derived._known).encode()
    derived.accounts([])
    derived.accounts([joe(password=Secret("hunter2"))])
    assert derived.seen == ["joe", "joe"]
