"""Testaments, by themselves."""

from __future__ import annotations

import pytest

from tests.realms.house import House
from wampd.realms.limits import Limits
from wampd.realms.messages import CALL, ERROR, EVENT, RESULT, SUBSCRIBE

ADD = "wamp.session.add_testament"


def test_nothing_is_left_of_testaments_however_the_session_ends():
    house = House()
    listener = house.join()
    listener.say([SUBSCRIBE, 1, {}, "com.topic"])
    listener.heard()
    for end in ("leave", "goodbye", "expel", "flush"):
        member = house.join()
        member.say([CALL, 1, {}, ADD, ["com.topic", [end], {}]])
        assert member.heard() == [[RESULT, 1, {}]]
        if end == "expel":
            house.realm.expel([member.session], "wamp.close.killed", quietly=True)
        elif end == "flush":
            member.say([CALL, 2, {}, "wamp.session.flush_testaments"])
            assert len(house.realm.testaments) == 0
            member.leave()
        else:
            getattr(member, end)()
        assert len(house.realm.testaments) == 0
    assert [event[-1] for event in listener.heard()] == [["leave"], ["goodbye"]]


@pytest.mark.spec("TST-05")
def test_leaving_twice_publishes_once():
    house = House()
    listener = house.join()
    listener.say([SUBSCRIBE, 1, {}, "com.topic"])
    member = house.join()
    member.say([CALL, 1, {}, ADD, ["com.topic", [], {}]])
    member.leave()
    member.leave()
    assert [message[0] for message in listener.heard()] == [33, EVENT]


@pytest.mark.spec("TST-01")
def test_both_scopes_count_towards_the_limit():
    house = House(limits=Limits(testaments=2))
    member = house.join()
    for request, scope in enumerate(("detached", "destroyed", "detached"), 1):
        member.say([CALL, request, {}, ADD, ["com.topic", [], {}], {"scope": scope}])
    assert [message[0] for message in member.heard()] == [RESULT, RESULT, ERROR]
    member.leave()
    assert len(house.realm.testaments) == 0


@pytest.mark.spec("TST-07")
def test_a_testament_without_payload_is_an_event_without_payload():
    house = House()
    listener = house.join()
    listener.say([SUBSCRIBE, 1, {}, "com.topic"])
    listener.heard()
    member = house.join()
    member.say([CALL, 1, {}, ADD, ["com.topic", [], {}]], [CALL, 2, {}, ADD, ["com.topic", [], {"k": 1}]])
    member.leave()
    first, second = listener.session.outbox
    assert (first.args, first.kwargs) == (None, None)
    assert (second.args, second.kwargs) == (None, {"k": 1})


@pytest.mark.trap(16)
@pytest.mark.spec("TST-01")
@pytest.mark.parametrize(
    "large",
    [
        {"args": [[]] * 200},
        {"args": ["x" * 10_000]},
        {"kwargs": {f"k{n}": {} for n in range(100)}},
        {"publish_options": {"exclude": list(range(1, 300))}},
        {"publish_options": {"eligible_authid": [f"joe{n}" for n in range(200)]}},
        {"publish_options": {"forward_for": [{"session": n} for n in range(100)]}},
    ],
    ids=lambda large: next(iter(large)),
)
def test_a_session_leaves_no_more_than_so_many_bytes_of_testaments(large):
    house = House(limits=Limits(testaments_size=10_000))
    member = house.join()
    kwargs = {"topic": "com.topic", "args": [], "kwargs": {}, **large}
    member.say([CALL, 1, {}, ADD, [], kwargs])
    reason = "no more than 10000 bytes of testaments in one session (limit: testaments_size)"
    assert member.heard() == [[ERROR, CALL, 1, {}, "wamp.error.not_authorized", [reason]]]
    assert len(house.realm.testaments) == 0


@pytest.mark.spec("TST-01", "TST-04")
def test_the_room_for_testaments_is_that_of_all_together_and_flushing_gives_it_back():
    house = House(limits=Limits(testaments_size=10_000))
    member = house.join()
    for request, scope in enumerate(("detached", "destroyed", "detached"), 1):
        member.say([CALL, request, {}, ADD, ["com.topic", ["x" * 3_000], {}], {"scope": scope}])
    assert [message[0] for message in member.heard()] == [RESULT, RESULT, ERROR]
    member.say([CALL, 4, {}, "wamp.session.flush_testaments"])
    member.say([CALL, 5, {}, ADD, ["com.topic", ["x" * 3_000], {}]])
    assert [message[0] for message in member.heard()] == [RESULT, RESULT]
