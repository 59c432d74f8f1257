"""Principals in the store: what is done with them, how they are found, and what is told of changes."""

import time

import msgspec
import pytest

from tests.router.test_store import Reactor
from tests.support.looking import question
from wampd.auth.accounts import Account, CraKey, ScramKeys
from wampd.auth.methods import Failed
from wampd.router.stores import principals
from wampd.router.stores.principals import Changes, Missing, Noted, StoredAccounts, Taken
from wampd.router.stores.sqlite import carry_out, open_store
from wampd.router.stores.store import Store

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
PROVED = Account(
    authid="joe",
    role="user",
    extra={"seen": [1, None, "ü"]},
    ticket=bytes(range(200, 232)),
    wampcra=CraKey(key=b"hunter2", salt="pepper", iterations=10, keylen=32),
    scram=(
        ScramKeys(kdf="pbkdf2", salt=b"\x00\xff", iterations=10, stored_key=b"\x80" * 32, server_key=b"\x81" * 32),
        ScramKeys(kdf="argon2id13", salt=b"s", iterations=2, memory=64, stored_key=KEY, server_key=OTHER),
    ),
    password="$argon2id$v=19$m=8,t=1,p=1$hunter2hunter2$hunter2hunter2hunter2",
    keys=(KEY, OTHER),
    certificates=("sha256:00", "DNS:joe.example"),
)


def account(authid="joe", role="user", **proofs):
    return Account(authid=authid, role=role, provider="store", **proofs)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "wampd.sqlite"


@pytest.fixture
def connection(file):
    connection = open_store(file)
    yield connection
    connection.close()


@pytest.fixture
def do(connection):
    return lambda work, *arguments, **more: carry_out(connection, lambda it: work(it, *arguments, **more))


# --- what is kept ---


def test_everything_that_an_account_holds_is_kept(connection, do):
    do(principals.add, "realm1", PROVED)
    kept = principals.get(connection, "realm1", "joe")
    assert kept.account == msgspec.structs.replace(PROVED, provider="store")
    assert (kept.realm, kept.disabled) == ("realm1", False)


def test_an_authid_is_of_one_principal_in_a_realm(connection, do):
    do(principals.add, "realm1", account())
    do(principals.add, "realm2", account(role="other"))
    with pytest.raises(Taken, match="'joe' in the realm 'realm1'"):
        do(principals.add, "realm1", account(role="third"))
    roles = [kept.account.role for kept in principals.everybody(connection)]
    assert roles == ["user", "other"]
    assert [kept.realm for kept in principals.everybody(connection, "realm2")] == ["realm2"]


def test_a_key_is_of_one_principal_in_a_realm(connection, do):
    do(principals.add, "realm1", account(keys=(KEY,)))
    with pytest.raises(Taken, match="the same key"):
        do(principals.add, "realm1", account("ann", keys=(OTHER, KEY)))
    assert principals.get(connection, "realm1", "ann") is None
    assert principals.marked(connection, "realm1", "key", OTHER) is None
    do(principals.add, "realm2", account("ann", keys=(KEY,)))


def test_a_principal_is_found_by_what_it_has_now(connection, do):
    do(principals.add, "realm1", PROVED)
    do(principals.replace, "realm1", account(keys=(KEY,)), disabled=False)
    assert principals.marked(connection, "realm1", "key", KEY).account == account(keys=(KEY,))
    assert principals.marked(connection, "realm1", "key", OTHER) is None
    assert principals.marked(connection, "realm1", "certificate", b"sha256:00") is None
    do(principals.remove, "realm1", "joe")
    assert principals.marked(connection, "realm1", "key", KEY) is None
    do(principals.add, "realm1", account("ann", keys=(KEY, OTHER)))


@pytest.mark.parametrize(
    ("work", "arguments", "more"),
    [
        (principals.replace, [account()], {"disabled": False}),
        (principals.remove, ["joe"], {}),
        (principals.logout, ["joe"], {}),
    ],
)
def test_who_is_not_there_cannot_be_changed(connection, do, work, arguments, more):
    with pytest.raises(Missing, match="there is no principal 'joe' in the realm 'realm1'"):
        do(work, "realm1", *arguments, **more)
    assert principals.last_change(connection) == 0


def test_names_of_all_kinds_are_kept(connection, do):
    names = ["joe'; DROP TABLE principals; --", "ünïcödé 🦆", "a\nb", " ", "JOE", "joe"]
    for name in names:
        do(principals.add, "realm1", account(name))
    assert {kept.account.authid for kept in principals.everybody(connection)} == set(names)


# --- what is found ---


class House:
    def __init__(self, file):
        self.reactor = Reactor()
        self.store = Store(self.reactor, file, lambda: None)
        self.accounts = StoredAccounts(self.store, "realm1")

    def find(self, value, by="authid"):
        return self.reactor.outcome(self.accounts.find(question(value, by)))


@pytest.fixture
def house(file, connection):
    house = House(file)
    yield house
    house.store.close()


@pytest.mark.parametrize(
    ("by", "value"), [("authid", "joe"), ("key", OTHER), ("certificate", b"DNS:joe.example")], ids=str
)
def test_a_principal_is_found_by_name_key_or_certificate_unless_it_is_disabled(house, do, by, value):
    assert house.find(value, by) is None
    do(principals.add, "realm1", PROVED)
    assert house.find(value, by) == msgspec.structs.replace(PROVED, provider="store")
    do(principals.replace, "realm1", PROVED, disabled=True)
    assert house.find(value, by) is None
    do(principals.replace, "realm1", PROVED, disabled=False)
    assert house.find(value, by).authid == "joe"


def test_who_is_in_another_realm_is_not_found(house, do):
    do(principals.add, "realm2", PROVED)
    assert house.find("joe") is None
    assert house.find(KEY, "key") is None


def test_a_name_is_no_key_and_a_key_no_certificate(house, do):
    do(principals.add, "realm1", account(KEY.decode("latin-1"), keys=(KEY,)))
    assert house.find(KEY, "certificate") is None
    assert house.find("joe") is None


def test_a_name_that_no_text_can_be_is_nobody(house):
    assert house.find("\ud800") is None


def test_an_account_that_cannot_be_read_lets_nobody_in(house, do, connection, caught_log):
    do(principals.add, "realm1", PROVED)
    connection.execute("UPDATE principals SET account = x'7b7d'")
    found = house.find("joe")
    assert isinstance(found, Failed)
    assert "a principal of the realm 'realm1' in the store cannot be read" in found.log
    assert caught_log[0]["log_level"].name == "error"


# --- what changes ---


class Looker:
    """Somebody who looks for changes, with a connection of its own."""

    def __init__(self, file):
        self.connection = open_store(file)
        self.changes = Changes(file)
        assert self.look() == []

    def look(self):
        return self.changes.look(self.connection)


@pytest.fixture
def looker(file, connection):
    looker = Looker(file)
    yield looker
    looker.connection.close()


def test_each_change_is_told_once_and_in_order(looker, do):
    do(principals.add, "realm1", account())
    do(principals.add, "realm2", account("ann"))
    assert looker.look() == [Noted(1, "realm1", "joe", "changed"), Noted(2, "realm2", "ann", "changed")]
    assert looker.look() == []
    do(principals.logout, "realm1", "joe")
    do(principals.remove, "realm1", "joe")
    assert [(each.number, each.what) for each in looker.look()] == [(3, "logout"), (4, "changed")]
    assert looker.look() == []


def test_what_changed_before_the_first_look_is_not_told(file, do):
    do(principals.add, "realm1", account())
    looker = Looker(file)
    assert looker.look() == []
    looker.connection.close()


def test_what_was_not_done_is_not_told(looker, do):
    do(principals.add, "realm1", account())
    with pytest.raises(Taken):
        do(principals.add, "realm1", account("ann", keys=(KEY, KEY)))
    assert [each.authid for each in looker.look()] == ["joe"]
    do(principals.remove, "realm1", "joe")
    assert [each.number for each in looker.look()] == [2]


def test_who_has_missed_more_than_is_kept_is_told_so(looker, do, monkeypatch, connection):
    monkeypatch.setattr(principals, "KEPT_CHANGES", 3)
    do(principals.add, "realm1", account())
    for _ in range(2):
        do(principals.logout, "realm1", "joe")
    assert len(looker.look()) == 3
    for _ in range(4):
        do(principals.logout, "realm1", "joe")
    assert connection.execute("SELECT count(*) FROM changes").get == 3
    assert looker.look() is None
    assert looker.look() == []
    do(principals.logout, "realm1", "joe")
    assert [each.number for each in looker.look()] == [8]


def test_a_store_that_is_replaced_while_it_is_used_is_told(looker, file):
    file.rename(file.with_name("old"))
    with pytest.raises(principals.StoreError, match="the file was removed or replaced while it was in use"):
        looker.look()
    file.with_name("old").rename(file)
    assert looker.look() == []


def test_looking_for_one_of_very_many_costs_what_looking_for_one_of_few_does(connection, do):
    def looking(most):
        """The least CPU time of some rounds."""
        rounds = []
        for _ in range(5):
            begun = time.process_time()
            for number in range(1000):
                name = f"user{number * 7919 % most}"
                assert principals.get(connection, "realm1", name).account.authid == name
                assert principals.marked(connection, "realm1", "key", key_of(number * 7919 % most)) is not None
            rounds.append(time.process_time() - begun)
        return min(rounds)

    def key_of(number):
        return number.to_bytes(32, "big")

    def add(connection, numbers):
        for number in numbers:
            principals.add(connection, "realm1", account(f"user{number}", keys=(key_of(number),)))

    do(add, range(100))
    few = looking(100)
    do(add, range(100, 50_000))
    assert looking(50_000) < 4 * few
