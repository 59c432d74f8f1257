"""Who registered what, by itself: one realm, no router round it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.realms.house import House, Member
from wampd.realms.limits import Limits
from wampd.realms.messages import CALL, ERROR, INVOCATION, REGISTER, REGISTERED, UNREGISTER, UNREGISTERED
from wampd.realms.options import ClientRole, ClientRoles

ALREADY = "wamp.error.procedure_already_exists"
FORCE = {"force_reregister": True}
AWARE = ClientRoles(callee=ClientRole({"registration_revocation": True}), caller=ClientRole())


class Notes:
    """A watcher that writes down what it is told of registrations."""

    def __init__(self, house: House) -> None:
        self.notes: list[tuple[Any, ...]] = []
        house.realm.dealer.registrations.watcher = self  # type: ignore[assignment]

    def registered(self, session, registration, *, created):
        self.notes.append(("registered", session.id, registration.id, created))

    def unregistered(self, session, registration, *, deleted):
        self.notes.append(("unregistered", session.id, registration.id, deleted))


@pytest.fixture
def house():
    return House()


def register(member: Member, request: int = 1, uri: str = "com.p", **options: Any) -> int:
    """Register; return the registration's id."""
    member.say([REGISTER, request, options, uri])
    registered = member.heard()[-1]
    assert registered[:2] == [REGISTERED, request]
    number: int = registered[2]
    return number


def test_the_watcher_is_told_of_each_callee_and_of_the_first_and_the_last(house):
    watcher = Notes(house)
    one, two = house.join(), house.join()
    shared = register(one, invoke="first")
    assert register(two, invoke="first") == shared
    two.say([UNREGISTER, 2, shared])
    one.leave()
    assert watcher.notes == [
        ("registered", 1, shared, True),
        ("registered", 2, shared, False),
        ("unregistered", 2, shared, False),
        ("unregistered", 1, shared, True),
    ]


@pytest.mark.parametrize("invoke", ["single", "roundrobin"])
def test_of_a_registration_that_is_taken_over_the_watcher_is_told_before_the_one_that_takes_its_place(house, invoke):
    old, new = house.join(roles=AWARE), house.join()
    before = register(old, invoke=invoke)
    watcher = Notes(house)
    after = register(new, **FORCE)
    assert watcher.notes == [("unregistered", 1, before, True), ("registered", 2, after, True)]
    reason = "wampd.revoked.taken_over"
    assert old.heard() == [[UNREGISTERED, 0, {"registration": before, "reason": reason}]]


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ({}, {"invoke": "first"}, "'com.p' is registered already, and not to be shared"),
        ({"concurrency": 2}, {"concurrency": 2}, "'com.p' is registered already, and not to be shared"),
        ({"invoke": "first"}, {"invoke": "last"}, "'com.p' is registered already with invoke: first"),
        ({"invoke": "first"}, {}, "'com.p' is registered already with invoke: first"),
    ],
    ids=str,
)
def test_who_is_refused_is_told_why(house, first, second, text):
    one, two = house.join(), house.join()
    registration = register(one, **first)
    two.say([REGISTER, 1, second, "com.p"])
    assert two.heard() == [[ERROR, REGISTER, 1, {}, ALREADY, [text]]]
    one.say([REGISTER, 2, first, "com.p"])
    assert one.heard() == [[ERROR, REGISTER, 2, {}, ALREADY, ["'com.p' is registered already by this session"]]]
    assert list(one.session.registrations) == [registration]


def test_a_share_counts_among_a_sessions_registrations_and_who_may_have_no_more_displaces_nobody():
    house = House(limits=Limits(registrations=1))
    one, two = house.join(), house.join()
    shared = register(one, invoke="first")
    register(two, uri="com.q")
    for number, options in ((2, {"invoke": "first"}), (3, FORCE)):
        two.say([REGISTER, number, options, "com.p"])
        assert two.heard()[0][4] == "wamp.error.not_authorized"
    assert house.realm.dealer.registrations.exact["com.p"].id == shared
    assert house.realm.struck["registrations over the limit"] == 2


def test_who_has_left_is_no_obstacle_though_its_registrations_are_not_taken_off_yet(house):
    house.realm.SLICE = 1
    leavers = [house.join(), house.join()]
    for member in leavers:
        for number, uri in enumerate(["com.a", "com.b", "com.c", "com.p"], 1):
            register(member, number, uri, invoke="first")
    before = leavers[0].session.registrations
    for member in leavers:
        member.leave()
    assert len(before) > 1
    newcomer, another = house.join(), house.join()
    register(newcomer, invoke="last")
    register(another, invoke="last")
    newcomer.say([CALL, 2, {}, "com.p"])
    assert another.heard()[0][0] == INVOCATION
    newcomer.say([CALL, 3, {}, "com.b"])
    assert newcomer.heard()[0][4] == "wamp.error.no_such_procedure"
    while house.realm.has_leavers:
        house.realm.tidy()
    assert list(house.realm.dealer.registrations.exact) == ["com.p"]
    assert all(member.holds_nothing() for member in leavers)


def test_revoking_ends_one_callees_part_and_only_once(house):
    aware, unaware = house.join(roles=AWARE), house.join()
    shared = register(aware, invoke="first")
    register(unaware, invoke="first")
    registrations = house.realm.dealer.registrations
    registration = registrations.exact["com.p"]
    assert registration.callees == (aware.session, unaware.session)
    assert registrations.revoke(registration, aware.session, "go away")
    assert not registrations.revoke(registration, aware.session, "go away")
    assert aware.heard() == [[UNREGISTERED, 0, {"registration": shared, "reason": "go away"}]]
    assert registration.callees == (unaware.session,)
    assert registrations.revoke(registration, unaware.session, "you too")
    assert unaware.heard() == []
    assert not len(registrations)


def test_a_session_that_has_left_is_told_nothing_any_more(house):
    house.realm.SLICE = 0
    aware = house.join(roles=AWARE)
    register(aware)
    aware.leave()
    registrations = house.realm.dealer.registrations
    assert registrations.revoke(registrations.exact["com.p"], aware.session, "gone")
    assert aware.session.outbox == []


def test_what_a_callee_asks_for_concerns_its_own_calls_alone(house):
    asking, other, caller = house.join(), house.join(), house.join()
    register(asking, invoke="roundrobin", disclose_caller=True)
    register(other, invoke="roundrobin")
    caller.say([CALL, 1, {}, "com.p"], [CALL, 2, {}, "com.p"])
    assert asking.heard()[0][3]["caller"] == caller.session.id
    assert other.heard()[0][3] == {}


def test_a_pattern_can_be_shared_and_catches_no_reserved_names(house):
    members = [house.join(), house.join()]
    for member in members:
        register(member, uri="", match="prefix", invoke="roundrobin")
    caller = house.join()
    caller.say(*[[CALL, number, {}, uri] for number, uri in enumerate(["com.a", "wamp.a", "com.b", "wampd.b"], 1)])
    assert [member.heard()[0][3] for member in members] == [{"procedure": "com.a"}, {"procedure": "com.b"}]
    assert [message[4] for message in caller.heard()] == ["wamp.error.no_such_procedure"] * 2
