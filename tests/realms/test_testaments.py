"""Testaments, by themselves."""

from __future__ import annotations

import pytest

from tests.realms.house import House
from wampd.realms import testaments
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


@pytest.mark.trap(16)
@pytest.mark.spec("TST-01")
def test_the_memory_that_testaments_take_is_bounded(monkeypatch):
    monkeypatch.setattr(testaments, "MOST_BYTES", 11_000)
    member = House().join()
    member.say([CALL, 1, {}, ADD, ["com.topic", ["x" * 9_000], {}]])
    member.say([CALL, 2, {}, ADD, ["com.topic", [], {}], {"scope": "detached"}])
    (_, error) = member.heard()
    assert error[:5] == [ERROR, CALL, 2, {}, "wamp.error.payload_size_exceeded"]
    member.say([CALL, 3, {}, "wamp.session.flush_testaments"], [CALL, 4, {}, ADD, ["com.topic", [], {}]])
    assert [message[0] for message in member.heard()] == [RESULT, RESULT]


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
@pytest.mark.spec("TST-07")
def test_lists_of_receivers_count_towards_the_memory(monkeypatch):
    monkeypatch.setattr(testaments, "MOST_BYTES", 11_000)
    member = House().join()
    for request, count in enumerate((10, 1_000), 1):
        options = {"eligible": list(range(1, count + 1))}
        member.say([CALL, request, {}, ADD, ["com.topic", [], {}], {"publish_options": options}])
    (added, error) = member.heard()
    assert added == [RESULT, 1, {}]
    assert error[:5] == [ERROR, CALL, 2, {}, "wamp.error.payload_size_exceeded"]
