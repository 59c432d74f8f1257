"""Cookies in the store: written soon, in order, again if it failed, and read once."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.auth.test_jar import Shell
from tests.support.overheard import overheard
from wampd.auth.accounts import Account
from wampd.auth.jar import Jar
from wampd.router.stores import principals
from wampd.router.stores.cookies import AGAIN, StoredCookies
from wampd.router.stores.sqlite import StoreError, carry_out, open_store

JOE = Account(authid="joe", role="member", ticket=b"1" * 32)


class Reactor(Clock):
    """A clock that can be shut down."""

    def __init__(self):
        super().__init__()
        self.triggers = []

    def addSystemEventTrigger(self, phase, event, what):
        assert (phase, event) == ("during", "shutdown")
        self.triggers.append(what)


class Database:
    """A store whose work is done when the test says so."""

    def __init__(self, file):
        self.file = file
        self.connection = open_store(file)
        self.waiting = []

    def write(self, work):
        done = Deferred()
        self.waiting.append((work, done))
        return done

    def carry_out(self):
        """Do the next piece of work."""
        work, done = self.waiting.pop(0)
        done.callback(carry_out(self.connection, work))

    def fail(self):
        """Let the next piece of work fail."""
        _, done = self.waiting.pop(0)
        done.callback(Failure(StoreError("the store: the disk is full")))


class Kept(Shell):
    """A jar whose cookies are kept in a database."""

    def __init__(self, database, reactor):
        super().__init__()
        self.store = StoredCookies(reactor, database)
        self.jar.load(self.store.load())

    def keep(self, binding):
        self.store.keep(binding)

    def forget(self, binding):
        self.store.forget(binding)


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "wampd.sqlite")
    yield database
    database.connection.close()


@pytest.fixture
def reactor():
    return Reactor()


@pytest.fixture
def kept(database, reactor):
    return Kept(database, reactor)


def rows(database):
    return database.connection.execute("SELECT count(*) FROM cookies").get


def test_all_changes_of_a_turn_are_one_piece_of_work(kept, database, reactor):
    values = [kept.log_in(f"user{number}").fresh for number in range(10)]
    for value in values:
        kept.connect(value)
    assert not database.waiting
    reactor.advance(0)
    assert len(database.waiting) == 1
    database.carry_out()
    assert rows(database) == 10
    assert not database.waiting
    again = Kept(database, reactor)
    assert [again.who(value) for value in values] == [f"user{number}" for number in range(10)]


def test_what_changes_while_it_is_written_is_written_next(kept, database, reactor):
    first = kept.log_in("joe")
    reactor.advance(0)
    kept.log_in("ann")
    kept.jar.forget(first.binding)
    reactor.advance(0)
    assert len(database.waiting) == 1
    database.carry_out()
    assert rows(database) == 1
    database.carry_out()
    assert not database.waiting
    (left,) = Kept(database, reactor).store.load()
    assert left.authid == "ann"


def test_what_could_not_be_written_is_written_later_as_it_is_then(kept, database, reactor):
    first = kept.log_in("joe")
    gone = kept.log_in("eve")
    reactor.advance(0)
    kept.jar.forget(gone.binding)
    database.fail()
    assert not database.waiting
    value = kept.connect(first.fresh).fresh
    reactor.advance(AGAIN)
    assert len(database.waiting) == 1
    database.carry_out()
    assert rows(database) == 1
    assert Kept(database, reactor).who(value) == "joe"


def test_a_failure_that_is_no_trouble_of_the_store_is_not_hidden(kept, database, reactor):
    kept.log_in()
    reactor.advance(0)
    _, done = database.waiting.pop()
    failures = []
    done.callback(Failure(ZeroDivisionError()))
    done.addErrback(failures.append)
    assert failures[0].check(ZeroDivisionError)


def test_at_the_end_what_was_not_written_yet_is_given_to_the_store_whatever_is_under_way(kept, database, reactor):
    kept.log_in("joe")
    reactor.advance(0)
    kept.log_in("ann")
    for trigger in reactor.triggers:
        trigger()
    assert len(database.waiting) == 2
    database.carry_out()
    database.carry_out()
    assert rows(database) == 2


def test_a_row_that_cannot_be_read_is_no_cookie_and_said_so(kept, database, reactor):
    kept.log_in("joe")
    reactor.advance(0)
    database.carry_out()
    database.connection.execute("INSERT INTO cookies VALUES (?, 'realm1', 'eve', ?)", (b"1", b"junk"))
    with overheard() as events:
        found = StoredCookies(reactor, database).load()
    assert [binding.authid for binding in found] == ["joe"]
    assert [event["log_format"] for event in events] == ["a cookie in the store {file} cannot be read"]


@pytest.mark.parametrize("what", [{"authid": "joe\ud800"}, {"extra": {"a": object()}}])
def test_what_cannot_be_written_down_is_not_and_the_others_are(kept, database, reactor, what):
    odd, other = kept.log_in("joe").binding, kept.log_in("ann").fresh
    for name, value in what.items():
        setattr(odd, name, value)
    with overheard() as events:
        kept.keep(odd)
    assert [event["log_format"] for event in events] == ["a cookie cannot be kept in the store: {why}"]
    reactor.advance(0)
    database.carry_out()
    assert rows(database) == 1
    assert Kept(database, reactor).who(other) == "ann"


def test_a_store_that_cannot_be_read_is_trouble(database, reactor):
    database.connection.execute("DROP TABLE cookies")
    with pytest.raises(StoreError, match=r"wampd\.sqlite"):
        StoredCookies(reactor, database).load()


def test_expired_cookies_are_taken_out_when_they_are_read(kept, database, reactor):
    kept.log_in()
    reactor.advance(0)
    database.carry_out()
    later = Kept.__new__(Kept)
    Shell.__init__(later)
    later.time = kept.time + 10**8
    later.store = StoredCookies(reactor, database)
    later.jar = Jar(later, lambda: later.time)
    later.jar.load(later.store.load())
    reactor.advance(0)
    database.carry_out()
    assert rows(database) == 0


@pytest.mark.parametrize(
    "change",
    [
        principals.logout,
        principals.remove,
        lambda connection, realm, authid: principals.replace(connection, realm, JOE, disabled=True),
    ],
    ids=["logout", "remove", "disable"],
)
def test_who_is_logged_out_removed_or_disabled_while_no_router_runs_has_no_cookie_any_more(
    kept, database, reactor, change
):
    carry_out(database.connection, lambda connection: principals.add(connection, "realm1", JOE))
    value, other = kept.log_in("joe").fresh, kept.log_in("ann").fresh
    reactor.advance(0)
    database.carry_out()
    carry_out(database.connection, lambda connection: change(connection, "realm1", "joe"))
    again = Kept(database, reactor)
    assert again.who(value) is None
    assert again.who(other) == "ann"
