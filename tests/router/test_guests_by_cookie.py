"""The shell round the jar: who came by which cookie, what is asked again when principals change, what is kept."""

from __future__ import annotations

from collections import Counter

import pytest
from twisted.internet.defer import Deferred

from tests.auth.test_jar import SALT
from wampd.auth.accounts import Account
from wampd.auth.anonymous import Anonymous
from wampd.auth.cookie import Cookie
from wampd.auth.handshake import Accept, RealmAuth
from wampd.auth.jar import Terms
from wampd.auth.methods import Deny, Failed
from wampd.auth.questions import FindAccount
from wampd.auth.roles import Role
from wampd.realms.options import ClientRoles
from wampd.router.answers import Answers
from wampd.router.returning import LOGOUT, Judges, Returning

JOE = Account(authid="joe", role="member", ticket=b"hunter2" * 4)


class Guest:
    """A connection with a visit, and what it is told."""

    def __init__(self, visit):
        self.about = {"peer": "127.0.0.1", "cookie": visit}
        self.told = []

    def dismiss(self, reason, message=""):
        self.told.append((reason, message))


class Places:
    """Accounts, at once or when the test says so."""

    def __init__(self):
        self.found = {"joe": JOE}
        self.asked = []
        self.waiting = None

    def find(self, question):
        self.asked.append((question.value, question.method))
        if self.waiting is not None:
            return self.waiting
        return self.found.get(question.value)


class Tally(Counter):
    def strike(self, what):
        self[what] += 1


class House:
    def __init__(self):
        self.time = 1_000_000.0
        self.places = Places()
        answers = Answers()
        answers.add(FindAccount, lambda question: question.accounts.find(question))
        self.tally = Tally()
        self.returning = Returning(self.tally, answers, most=100, now=lambda: self.time)
        self.cookie = Cookie("realm1", self.returning.jar, lambda _: self.places, Terms(grace=0))
        self.door = RealmAuth([Anonymous("visitor", str), self.cookie], [Role("member"), Role("visitor")])
        self._values = iter(range(10**6))

    def connect(self, shown=None):
        return Guest(self.returning.jar.visit(shown, b"value %d" % next(self._values)))

    def join(self, guest, method="ticket", account=JOE, authid="joe", provider="static", door=None, extra=None):
        accept = Accept(
            realm="realm1",
            session_id=1,
            authid=authid,
            authrole="member",
            authmethod=method,
            authprovider=provider,
            authextra=extra,
            grants=self.door.grants["member"],
            roles=ClientRoles(),
            agent="",
            account=account,
        )
        self.returning.joined(guest, accept, door or self.door)
        return guest

    def logged_in(self, **more):
        return self.join(self.connect(), **more)

    @property
    def jar(self):
        return self.returning.jar


@pytest.fixture
def house():
    return House()


def value_of(guest):
    return guest.about["cookie"].fresh


@pytest.mark.spec("TLA-01")
def test_a_logout_ends_the_other_sessions_of_the_cookie_and_no_others(house):
    first, other = house.logged_in(), house.logged_in()
    second = house.join(house.connect(value_of(first)), "cookie")
    gone = house.join(house.connect(value_of(second)), "cookie")
    house.returning.left(gone)
    house.returning.over(second, LOGOUT)
    assert first.told == [(LOGOUT, "logged out")]
    assert (second.told, other.told, gone.told) == ([], [], [])
    assert len(house.jar) == 1


@pytest.mark.parametrize("reason", ["wamp.close.normal", "wamp.close.close_realm", "wamp.close.logout.not", ""])
def test_any_other_goodbye_leaves_the_cookie_alone(house, reason):
    first = house.logged_in()
    second = house.join(house.connect(value_of(first)), "cookie")
    house.returning.over(second, reason)
    assert first.told == []
    assert len(house.jar) == 1


def test_a_logout_of_somebody_without_a_cookie_does_nothing(house):
    first = house.logged_in()
    anonymous = house.join(house.connect(value_of(first)), "anonymous")
    house.returning.over(anonymous, LOGOUT)
    house.returning.over(house.connect(), LOGOUT)
    assert first.told == []
    assert len(house.jar) == 1


def test_a_copied_cookie_ends_its_sessions_and_is_counted(house):
    first = house.logged_in()
    second = house.join(house.connect(value_of(first)), "cookie")
    house.connect(value_of(second))
    house.time += 1
    house.connect(value_of(first))
    assert first.told == second.told == [(LOGOUT, "the cookie was copied")]
    assert house.tally == {"cookies copied": 1}


def test_a_realm_without_the_method_binds_nothing(house):
    house.join(house.connect(), door=RealmAuth([Anonymous("visitor", str)], [Role("visitor")]))
    house.join(house.connect(), "anonymous")
    assert len(house.jar) == 0


def test_nothing_is_remembered_of_sessions_that_are_over(house):
    guests = [house.logged_in() for _ in range(5)]
    for guest in guests:
        house.returning.left(guest)
        house.returning.left(guest)
    assert not house.returning._guests
    assert not house.returning._came_by


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    ("found", "stays"),
    [
        (JOE, True),
        (Account(authid="joe", role="another", ticket=JOE.ticket), True),
        (None, False),
        (Account(authid="joe", role="member", ticket=b"another"), False),
        (Failed("the store: the disk is full"), True),
    ],
)
def test_when_a_principal_changes_its_cookies_are_looked_at(house, found, stays, later):
    house.logged_in()
    house.places.found["joe"] = found
    if later:
        house.places.waiting = Deferred()
    house.returning.changed(house.door, house.places, ["joe", "ann"])
    if later:
        assert len(house.jar) == 1
        house.places.waiting.callback(found)
    assert house.places.asked == [("joe", "cookie")]
    assert len(house.jar) == stays


def test_when_anything_may_have_changed_all_cookies_of_the_realm_are_looked_at(house):
    house.logged_in()
    house.logged_in(account=Account(authid="ann", role="member", ticket=b"1"), authid="ann")
    house.returning.changed(house.door, house.places, None)
    assert sorted(house.places.asked) == [("ann", "cookie"), ("joe", "cookie")]
    assert [binding.authid for binding in house.jar.of("realm1", None)] == ["joe"]


def test_those_whom_no_account_here_vouches_for_are_left_alone_when_accounts_change(house):
    house.logged_in(account=None, authid="ann", provider="jwt", method="jwt")
    judged = Account(authid="eve", role="member", provider="dynamic")
    house.logged_in(account=judged, authid="eve", provider="dynamic")
    house.returning.changed(house.door, house.places, None)
    assert house.places.asked == []
    assert len(house.jar) == 2


def test_who_is_logged_out_by_others_has_no_cookie_any_more(house):
    house.logged_in()
    house.logged_in(authid="ann")
    house.returning.logged_out(house.door, ["joe"])
    assert [binding.authid for binding in house.jar.of("realm1", None)] == ["ann"]


def test_changes_of_a_realm_without_cookies_concern_none(house):
    house.logged_in()
    other = RealmAuth([Anonymous("visitor", str)], [Role("visitor")])
    house.places.found.clear()
    house.returning.changed(other, house.places, None)
    house.returning.logged_out(other, ["joe"])
    assert len(house.jar) == 1


@pytest.mark.parametrize(
    ("account", "kept"), [(JOE, {"authfactors": ["ticket"]}), (None, {"a": 1, "authfactors": ["ticket"]})]
)
def test_of_what_was_told_of_the_authentication_the_account_has_all_but_the_factors(house, account, kept):
    guest = house.connect()
    house.join(guest, account=account, extra={"a": 1, "authfactors": ["ticket"]})
    assert guest.about["cookie"].binding.extra == kept
    other = house.logged_in(extra={"verifier": "of this handshake alone"})
    assert other.about["cookie"].binding.extra is None


class Store:
    """What is kept."""

    def __init__(self, *bindings):
        self.bindings = {binding.id: binding for binding in bindings}

    def load(self):
        return list(self.bindings.values())

    def keep(self, binding):
        self.bindings[binding.id] = binding

    def forget(self, binding):
        del self.bindings[binding.id]


def test_the_store_has_every_cookie_and_those_that_expired_meanwhile_are_taken_out(house):
    store = Store()
    house.returning.keep_in(store)
    kept, expired = house.logged_in(), house.logged_in()
    expired.about["cookie"].binding.expires = house.time + 1
    assert len(store.bindings) == 2
    again = House()
    again.time = house.time + 2
    again.returning.keep_in(store)
    assert list(store.bindings) == [kept.about["cookie"].binding.id]
    assert again.connect(value_of(kept)).about["cookie"].binding.authid == "joe"
    assert again.connect(value_of(expired)).about["cookie"].binding is None


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (JOE, JOE),
        (None, None),
        (Deny("says no"), None),
        (Failed("does not know the method", guess=True), None),
        (Failed("no such procedure"), Failed("no such procedure")),
    ],
)
def test_what_an_authenticator_denies_or_cannot_judge_is_not_there_and_what_fails_fails(said, means):
    places = Places()
    places.found["joe"] = said

    class Question:
        value, method = "joe", "cookie"

    assert Judges(places).find(Question) == means
    places.waiting = Deferred()
    answers = []
    Judges(places).find(Question).addCallback(answers.append)
    places.waiting.callback(said)
    assert answers == [means]


def test_the_salt_of_each_cookie_is_its_own(house):
    bindings = [house.logged_in().about["cookie"].binding for _ in range(2)]
    assert bindings[0].salt != bindings[1].salt
    assert bindings[0].proofs != bindings[1].proofs
    assert len(bindings[0].salt) == len(SALT)
