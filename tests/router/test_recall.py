"""Who is sent away when something is said to have changed of principals, and who is not."""

from functools import partial
from typing import ClassVar

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from wampd.auth.accounts import Account
from wampd.auth.door import RealmAuth
from wampd.auth.methods import Failed
from wampd.auth.outcomes import Accept
from wampd.auth.roles import Role
from wampd.realms.options import ClientRoles
from wampd.realms.session import Session
from wampd.router.realms import Realms
from wampd.router.recall import ANOTHER_ROLE, GONE, LOGGED_OUT, Recall
from wampd.router.templates import Plan, Template
from wampd.router.wire.serializers import codecs

AGAIN = 11.0


class Places:
    """Accounts that a test changes; what it does not set fails."""

    def __init__(self):
        self.known = {"joe": Account(authid="joe", role="user"), "ann": Account(authid="ann", role="user")}
        self.asked = []

    def find(self, question):
        assert question.by == "authid"
        self.asked.append(question.value)
        return self.known.get(question.value)


class Line:
    """The outlet of a session: what it was told."""

    def __init__(self):
        self.told = []

    def flush(self):
        pass

    def broken(self):
        raise AssertionError

    def dismiss(self, reason, message=""):
        self.told.append((reason, message))


class House:
    """Two realms of two doors, and a template of the second."""

    def __init__(self):
        self.clock = Clock()
        self.realms = Realms(self.clock, "wampd-test")
        self.doors = [RealmAuth([], [Role("user")]) for _ in range(2)]
        self.shells = {"one": self.realms.add("one", Plan(door=self.doors[0]))}
        self.realms.add_template(Template("two.", "prefix", Plan(door=self.doors[1])))
        for name in ("two.a", "two.b"):
            self.shells[name] = self.realms._open(name, "user")
        self.recall = Recall(self.clock, self.realms, AGAIN)
        self.places = Places()
        self._ids = iter(range(1, 1000))

    def join(self, realm, authid, role="user", method="ticket", provider="store"):
        session = Session(
            next(self._ids),
            format=codecs(64, ["json"])["json"].format,
            roles=ClientRoles(),
            grants=self.doors[0].grants["user"],
            touched=self.realms.touched,
            authid=authid,
            authrole=role,
            authmethod=method,
            authprovider=provider,
            outlet=Line(),
        )
        self.shells[realm].join(session)
        return session

    def changed(self, *authids, door=0):
        self.recall.changed(self.doors[door], self.places, authids or None)
        self.clock.advance(0)


@pytest.fixture
def house():
    return House()


def told(*sessions):
    return [[message for _, message in session.outlet.told] for session in sessions]


def test_who_is_not_found_any_more_or_has_another_role_is_sent_away(house):
    joe, again, ann, eve = (house.join("one", name) for name in ("joe", "joe", "ann", "eve"))
    house.places.known["ann"] = Account(authid="ann", role="admin")
    house.changed("joe", "ann", "eve")
    assert told(joe, again, ann, eve) == [[], [], [ANOTHER_ROLE], [GONE]]
    assert [reason for reason, _ in eve.outlet.told] == ["wamp.close.killed"]
    del house.places.known["joe"]
    house.changed("joe")
    assert told(joe, again) == [[GONE], [GONE]]
    assert list(house.shells["one"].core.sessions) == []


def test_only_those_are_asked_for_who_are_in_and_have_changed(house):
    for name in ("joe", "ann"):
        house.join("one", name)
    house.changed("joe", "nobody")
    assert house.places.asked == ["joe"]
    house.places.asked.clear()
    house.changed()
    assert house.places.asked == ["joe", "ann"]


@pytest.mark.parametrize(
    ("provider", "method", "stays"),
    [
        ("static", "ticket", False),
        ("file", "scram", False),
        ("password file", "ticket", False),
        ("store", "cookie", False),
        ("static", "anonymous", True),
        ("dynamic", "ticket", True),
        ("jwt", "jwt", True),
    ],
)
def test_only_principals_that_are_kept_somewhere_can_be_gone_from_there(house, provider, method, stays):
    session = house.join("one", "eve", method=method, provider=provider)
    house.changed()
    assert told(session) == [[] if stays else [GONE]]


def test_all_realms_of_a_template_are_concerned_and_no_other(house):
    sessions = [house.join(realm, "eve") for realm in ("one", "two.a", "two.b")]
    house.changed("eve", door=1)
    assert told(*sessions) == [[], [GONE], [GONE]]


def test_who_joins_meanwhile_is_looked_at_when_the_time_to_join_is_over(house):
    house.changed("eve")
    late = house.join("one", "eve")
    house.clock.advance(AGAIN - 0.1)
    assert told(late) == [[]]
    house.clock.advance(0.2)
    assert told(late) == [[GONE]]


def proved(authid, realm="one", role="user", account=None, provider="store"):
    return Accept(
        realm=realm,
        session_id=1,
        authid=authid,
        authrole=role,
        authmethod="ticket",
        authprovider=provider,
        authextra=None,
        grants=None,
        roles=ClientRoles(),
        agent="",
        account=account,
    )


def test_who_proves_itself_meanwhile_is_asked_for_once_more(house):
    recall = house.recall
    assert recall.question(proved("joe")) is None
    house.changed("joe")
    assert recall.question(proved("joe")).value == "joe"
    others = proved("ann"), proved("joe", "two.a"), proved("joe", provider="jwt"), proved("joe", "nowhere")
    assert [recall.question(each) for each in others] == [None] * 4
    house.clock.advance(AGAIN)
    assert recall.question(proved("joe")) is None


def test_who_is_asked_for_once_more_is_let_in_only_as_what_it_is_now(house):
    now = Account(authid="joe", role="user", ticket=b"digest")
    verdict = partial(house.recall.verdict, proved("joe", account=now))
    assert verdict(now) is None
    assert verdict(Account(authid="joe", role="user", ticket=b"digest", extra={"a": 1})) is None
    refused = None, Failed("broken"), Account(authid="joe", role="admin"), Account(authid="joe", role="user")
    assert [verdict(each).reason.rpartition(".")[2] for each in refused] == [
        "authentication_denied",
        "unavailable",
        "authentication_denied",
        "authentication_denied",
    ]


def test_who_came_back_before_the_answer_stays(house):
    answer = Deferred()
    house.places.find = lambda question: answer
    first = house.join("one", "eve")
    house.recall.changed(house.doors[0], house.places, {"eve"})
    second = house.join("one", "eve")
    answer.callback(None)
    house.clock.advance(0)
    assert told(first, second) == [[GONE], []]


def test_a_session_that_has_left_before_the_answer_is_not_told(house):
    answer = Deferred()
    house.places.find = lambda question: answer
    session = house.join("one", "eve")
    house.recall.changed(house.doors[0], house.places, {"eve"})
    house.shells["one"].leave(session)
    answer.callback(None)
    assert told(session) == [[]]


def test_while_nobody_knows_everybody_stays(house):
    session = house.join("one", "eve")
    house.places.find = lambda question: Failed("no store")
    house.changed("eve")
    assert told(session) == [[]]


def test_who_is_logged_out_is_sent_away_and_may_come_back(house):
    joe, ann, other = house.join("one", "joe"), house.join("one", "ann"), house.join("two.a", "joe")
    house.recall.logged_out(house.doors[0], {"joe"})
    house.clock.advance(0)
    again = house.join("one", "joe")
    house.clock.advance(2 * AGAIN)
    assert told(joe, ann, other, again) == [[LOGGED_OUT], [], [], []]
    assert house.places.asked == []


@pytest.mark.spec("TLA-01")
def test_who_can_come_back_by_cookies_is_looked_at_too(house):
    class Returning:
        told: ClassVar[list[object]] = []

        def changed(self, door, accounts, authids):
            self.told.append(("changed", door, accounts, authids))

        def logged_out(self, door, authids):
            self.told.append(("logged out", door, authids))

    house.realms.returning = Returning()
    house.changed("joe")
    house.recall.logged_out(house.doors[1], {"ann"})
    assert Returning.told == [
        ("changed", house.doors[0], house.places, ("joe",)),
        ("logged out", house.doors[1], {"ann"}),
    ]
