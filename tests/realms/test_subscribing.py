"""Subscriptions by themselves: one realm, no router round it."""

from __future__ import annotations

import pytest

from tests.realms.house import Choosy, House, subscribed
from wampd.realms import subscribing
from wampd.realms.limits import Limits
from wampd.realms.messages import (
    ERROR,
    EVENT,
    PUBLISH,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
)

ACKNOWLEDGE = {"acknowledge": True}


def test_subscribing_again_gives_the_same_id_and_others_share_it():
    house = House()
    member, subscription = subscribed(house)
    member.say([SUBSCRIBE, 2, {}, "com.topic"])
    assert member.heard() == [[SUBSCRIBED, 2, subscription]]
    assert subscribed(house)[1] == subscription
    assert subscribed(house, match="prefix")[1] != subscription


def test_a_subscription_that_nobody_has_any_more_is_gone_and_its_id_never_comes_back():
    house = House()
    member, subscription = subscribed(house)
    member.say([UNSUBSCRIBE, 2, subscription])
    assert member.heard() == [[UNSUBSCRIBED, 2]]
    assert not len(house.realm.broker.subscriptions)
    member.say([SUBSCRIBE, 3, {}, "com.topic"])
    assert member.heard()[0][2] > subscription


@pytest.mark.parametrize("mine", [True, False])
def test_only_ones_own_subscription_can_be_ended_and_only_once(mine):
    house = House()
    member, subscription = subscribed(house)
    stranger = member if mine else house.join()
    if mine:
        member.say([UNSUBSCRIBE, 2, subscription])
        member.heard()
    stranger.say([UNSUBSCRIBE, 3, subscription])
    assert stranger.heard() == [[ERROR, UNSUBSCRIBE, 3, {}, "wamp.error.no_such_subscription"]]
    assert len(house.realm.broker.subscriptions) == (0 if mine else 1)


def test_a_subscription_is_refused_as_the_grant_says():
    house = House(policy=Choosy())
    member = house.join()
    member.say([SUBSCRIBE, 1, {}, "shut.topic"])
    assert member.heard() == [[ERROR, SUBSCRIBE, 1, {}, "wamp.error.not_authorized", ["it is shut"]]]
    assert member.holds_nothing()


def test_a_session_has_only_so_many_subscriptions():
    house = House(limits=Limits(subscriptions=2))
    member = house.join()
    member.say([SUBSCRIBE, 1, {}, "a"], [SUBSCRIBE, 2, {}, "b"], [SUBSCRIBE, 3, {}, "c"], [SUBSCRIBE, 4, {}, "a"])
    first, second, refused, again = member.heard()
    assert refused[:5] == [ERROR, SUBSCRIBE, 3, {}, "wamp.error.not_authorized"]
    assert again == [SUBSCRIBED, 4, first[2]]
    assert len(house.realm.broker.subscriptions) == 2
    assert house.realm.struck == {"subscriptions over the limit": 1}
    member.say([UNSUBSCRIBE, 5, second[2]], [SUBSCRIBE, 6, {}, "c"])
    assert [message[0] for message in member.heard()] == [UNSUBSCRIBED, SUBSCRIBED]


def test_who_has_left_is_taken_off_a_slice_at_a_time():
    house = House()
    member = house.join()
    other, _ = subscribed(house, "topic.0")
    member.say(*[[SUBSCRIBE, number + 1, {}, f"topic.{number}"] for number in range(10)])
    assert house.realm.broker.detach(member.session, 4) == 6
    assert house.realm.broker.detach(member.session, 4) == 2
    assert house.realm.broker.detach(member.session, 4) == 0
    assert house.realm.broker.detach(house.join().session, 4) == 0
    assert list(house.realm.broker.subscriptions.exact) == ["topic.0"]
    assert list(house.realm.broker.subscriptions.exact["topic.0"].subscribers) == [other.session]


@pytest.mark.spec("RET-05", "RET-10")
def test_a_session_that_asks_for_retained_events_again_and_again_in_one_turn_gets_no_more_at_last(monkeypatch):
    monkeypatch.setattr(subscribing, "SPENT", 250)
    house = House()
    publisher, member = house.join(), house.join()
    for number in range(1, 101):
        publisher.say([PUBLISH, number, {"retain": True, "eligible": []}, f"com.t{number}"])
    ask = {"match": "prefix", "get_retained": True}
    member.say(*[[SUBSCRIBE, number, ask, "com."] for number in range(1, 6)])
    assert [message[0] for message in member.heard()] == [SUBSCRIBED] * 5
    assert house.realm.struck["requests for retained events not served"] == 2
    member.say([SUBSCRIBE, 6, ask, "com."])  # another turn
    assert house.realm.struck["requests for retained events not served"] == 2
    assert member.session.spent == 100


@pytest.mark.spec("RET-02", "RET-10")
def test_who_does_not_read_or_has_asked_for_very_much_gets_no_retained_events(monkeypatch):
    monkeypatch.setattr(subscribing, "OUTBOX", 3)
    house = House()
    publisher, deaf, greedy = house.join(), house.join(), house.join()
    publisher.say([PUBLISH, 1, {"retain": True}, "com.topic"])
    deaf.session.deaf = True
    deaf.say([SUBSCRIBE, 1, {"get_retained": True}, "com.topic"])
    assert [message[0] for message in deaf.heard()] == [SUBSCRIBED]
    greedy.say(*[[SUBSCRIBE, number, {"get_retained": True}, "com.topic"] for number in (1, 2, 3)])
    assert [message[0] for message in greedy.heard()] == [SUBSCRIBED, EVENT, SUBSCRIBED, EVENT, SUBSCRIBED]
    assert house.realm.struck == {"requests for retained events not served": 2}


@pytest.mark.spec("RET-05", "SHS-01")
def test_a_retained_event_of_a_resource_costs_as_much_as_there_are_nodes():
    house = House()
    house.join().say([PUBLISH, 1, {"retain": True, "rkey": "r"}, "com.topic"])
    members = [house.join() for _ in range(4)]
    for number, member in enumerate(members):
        member.say([SUBSCRIBE, 1, {"nkey": f"n{number}", "get_retained": True}, "com.topic"])
    assert [member.session.spent for member in members] == [2, 3, 4, 5]
    assert sum(len(member.heard()) - 1 for member in members) >= 1
