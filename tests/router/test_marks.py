"""Accounts that are found by a key or a certificate, wherever they are kept."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, succeed

from wampd.auth.accounts import Account
from wampd.auth.methods import Failed
from wampd.auth.questions import FindAccount
from wampd.router.stores import principals as stored
from wampd.router.stores.accounts import FixedAccounts
from wampd.router.stores.combined import CombinedAccounts
from wampd.router.stores.principals import StoredAccounts, Taken
from wampd.router.stores.sqlite import carry_out, open_store

KEY, OTHER = b"k" * 32, b"o" * 32
NAME = "DNS:joe.example.com"


def account(authid: str, *, role: str = "user", keys: tuple[bytes, ...] = (), names: tuple[str, ...] = ()) -> Account:
    return Account(authid=authid, role=role, keys=keys, certificates=names)


def by_key(key: bytes) -> FindAccount:
    return FindAccount(None, "key", key, "cryptosign", None)


def by_name(name: str) -> FindAccount:
    return FindAccount(None, "certificate", name.encode(), "tls", None)


class InStore:
    """A store that does what it is asked at once."""

    def __init__(self, connection):
        self.connection = connection

    def read(self, work):
        return succeed(work(self.connection))


@pytest.fixture
def store(tmp_path):
    connection = open_store(tmp_path / "wampd.sqlite")
    yield InStore(connection)
    connection.close()


def keep(store, kept: Account, realm: str = "realm1") -> None:
    carry_out(store.connection, lambda connection: stored.add(connection, realm, kept))


def found(answer):
    """The answer that is there, or that the Deferred has."""
    if not isinstance(answer, Deferred):
        return answer
    results = []
    answer.addCallback(results.append)
    return results[0]


JOE = account("joe", keys=(KEY, OTHER), names=(NAME,))


@pytest.mark.spec("CSG-01", "TLA-02")
@pytest.mark.parametrize("is_stored", [False, True])
def test_an_account_is_found_by_each_of_its_keys_and_certificates(store, is_stored):
    if is_stored:
        keep(store, JOE)
        keep(store, account("ann", keys=(b"a" * 32,)))
        place = StoredAccounts(store, "realm1")
    else:
        place = FixedAccounts([JOE, account("ann", keys=(b"a" * 32,))])
    for question in (by_key(KEY), by_key(OTHER), by_name(NAME)):
        assert found(place.find(question)).authid == "joe"
    for question in (by_key(b"x" * 32), by_name("DNS:x"), by_key(NAME.encode()), by_name("joe")):
        assert found(place.find(question)) is None
    assert found(StoredAccounts(store, "realm2").find(by_key(KEY))) is None


def test_what_an_account_holds_survives_the_store(store):
    keep(store, JOE)
    kept = found(StoredAccounts(store, "realm1").find(by_key(KEY)))
    assert (kept.keys, kept.certificates) == (JOE.keys, JOE.certificates)


def test_in_the_store_a_key_has_one_owner_and_none_when_it_is_taken_away(store):
    keep(store, JOE)
    with pytest.raises(Taken, match="the same key"):
        keep(store, account("ann", keys=(OTHER,)))
    with pytest.raises(Taken, match="the same certificate"):
        keep(store, account("ann", names=(NAME,)))
    bare = account("joe", keys=(KEY,))
    carry_out(store.connection, lambda connection: stored.replace(connection, "realm1", bare, disabled=False))
    place = StoredAccounts(store, "realm1")
    assert found(place.find(by_key(OTHER))) is None
    assert found(place.find(by_key(KEY))).authid == "joe"
    carry_out(store.connection, lambda connection: stored.replace(connection, "realm1", bare, disabled=True))
    assert found(place.find(by_key(KEY))) is None


# --------------------------------------------------------------------------------------------- several places


class Later:
    """A place that answers later, or fails."""

    def __init__(self, accounts, failed=None):
        self._accounts = accounts
        self._failed = failed

    def find(self, question):
        return succeed(self._failed or self._accounts.find(question))


@pytest.mark.parametrize("kind", [lambda accounts: accounts, Later])
def test_a_key_of_an_account_that_is_hidden_by_an_earlier_one_lets_nobody_in(kind):
    first, second = account("joe", role="guest"), account("joe", role="admin", keys=(KEY,))
    places = [kind(FixedAccounts([first])), kind(FixedAccounts([second, account("ann", keys=(OTHER,))]))]
    combined = CombinedAccounts(places)
    assert found(combined.find(by_key(KEY))) is None
    assert found(combined.find(by_key(OTHER))).authid == "ann"
    assert found(CombinedAccounts(places[::-1]).find(by_key(KEY))).role == "admin"


def test_a_key_is_of_the_first_place_that_knows_it():
    places = [FixedAccounts([account(name, keys=(KEY,))]) for name in ("joe", "ann")]
    assert found(CombinedAccounts(places).find(by_key(KEY))).authid == "joe"


def test_where_an_earlier_place_failed_nobody_knows():
    knows = FixedAccounts([account("joe", keys=(KEY,))])
    failing = Later(knows, Failed("no store"))
    assert isinstance(found(CombinedAccounts([failing, knows]).find(by_key(KEY))), Failed)
    assert found(CombinedAccounts([knows, failing]).find(by_key(KEY))).authid == "joe"
