"""Very much that ends at once."""

from __future__ import annotations

import time

import pytest

from tests.realms.house import House
from wampd.realms.limits import Limits
from wampd.realms.messages import PUBLISH, Publish, Subscribe
from wampd.realms.options import PublishOptions, SubscribeOptions
from wampd.realms.realm import Realm
from wampd.realms.session import Breather

MANY = 100_000


@pytest.mark.spec("SES-18", "PS-04", "SHS-01")
def test_a_session_with_very_many_subscriptions_leaves_in_slices_and_leaves_nothing():
    house = House(limits=Limits(subscriptions=MANY))
    crowd, other = house.join(), house.join()
    handle, session = house.realm.handle, crowd.session
    choices = [
        (SubscribeOptions(match=match, nkey="n1", get_retained=True), uri)
        for match, uri in (("exact", "com.t{}"), ("prefix", "com.t{}"), ("wildcard", "com..t{}"))
    ]
    for number in range(1, MANY + 1):
        options, uri = choices[number % 3]
        handle(session, Subscribe(number, options, uri.format(number)))
        session.outbox.clear()
    assert len(house.realm.broker.subscriptions) == MANY
    longest = 0.0
    step = crowd.leave
    while house.realm.has_leavers or session.subscriptions:
        begin = time.process_time()
        step()
        longest = max(longest, time.process_time() - begin)
        step = house.realm.tidy
        # Others are served between the slices, and nothing reaches who has left.
        handle(other.session, Publish(other.session.watermark + 1, PublishOptions(), "com.t7"))
    assert longest < 0.25  # 50 ms on a machine that does nothing else
    assert not session.outbox
    other.leave()
    assert house.is_empty()
    assert (house.realm.broker.by_id, len(house.realm.testaments)) == ({}, 0)


def test_a_slice_is_small_enough():
    assert Realm.SLICE <= 5_000


@pytest.mark.spec("TST-05")
def test_very_many_sessions_with_testaments_end_and_leave_nothing():
    house = House()
    members = [house.join() for _ in range(300)]
    for member in members:
        member.say([48, 1, {}, "wamp.session.add_testament", ["com.topic", ["x" * 100], {}]])
    house.realm.expel([member.session for member in members], "wamp.close.killed", quietly=True)
    while house.realm.has_leavers:
        house.realm.tidy()
    assert house.is_empty()
    assert len(house.realm.testaments) == 0


@pytest.mark.trap(16)
@pytest.mark.spec("RET-10")
def test_a_flood_of_requests_for_retained_events_is_answered_within_bounds():
    house = House()
    publisher, reader = house.join(), house.join()
    for number in range(1, 3001):
        publisher.say([PUBLISH, number, {"retain": True}, f"com.t{number}", [number]])
    session, handle = reader.session, house.realm.handle
    for number in range(1, 1001):
        with pytest.raises(Breather):
            handle(session, Subscribe(number, SubscribeOptions(match="prefix", get_retained=True), "com."))
    assert len(session.outbox) < 20_000
    assert house.realm.struck["requests for retained events not served"] > 900
