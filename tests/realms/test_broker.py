"""The broker by itself: one realm, no router round it."""

from __future__ import annotations

import pytest

from tests.realms.house import Choosy, House, subscribed
from wampd.realms.limits import Quota
from wampd.realms.messages import (
    ERROR,
    EVENT,
    PUBLISH,
    PUBLISHED,
    SUBSCRIBE,
    Format,
)
from wampd.realms.session import ProtocolViolation

ACKNOWLEDGE = {"acknowledge": True}


def test_an_event_is_one_object_for_all_its_receivers_so_that_it_is_encoded_once():
    house = House()
    members = [subscribed(house)[0] for _ in range(3)]
    house.join().say([PUBLISH, 1, {}, "com.topic", [1], {"k": 2}])
    first, *others = [member.session.outbox[0] for member in members]
    assert all(other is first for other in others)
    assert first.format is Format.JSON
    assert bytes(first.args) == b"[1]"
    assert bytes(first.kwargs) == b'{"k":2}'


def test_everybody_who_gets_something_is_touched_once():
    house = House()
    member, _ = subscribed(house)
    house.touched.clear()
    publisher = house.join()
    for number in range(1, 4):
        publisher.say([PUBLISH, number, {}, "com.topic"])
    assert house.touched == [member.session]


def test_every_matching_subscription_fires_best_first_and_tells_the_topic_of_a_pattern():
    house = House()
    member = house.join()
    patterns = [("a.b", "exact"), ("a", "prefix"), ("a.", "wildcard"), ("a.b", "prefix"), ("x", "prefix")]
    ids = {}
    for number, (uri, match) in enumerate(patterns, 1):
        member.say([SUBSCRIBE, number, {"match": match}, uri])
        ids[uri, match] = member.heard()[0][2]
    house.join().say([PUBLISH, 1, {}, "a.b"])
    topic = {"topic": "a.b"}
    assert member.heard() == [
        [EVENT, ids["a.b", "exact"], 5001, {}],
        [EVENT, ids["a.b", "prefix"], 5001, topic],
        [EVENT, ids["a", "prefix"], 5001, topic],
        [EVENT, ids["a.", "wildcard"], 5001, topic],
    ]


def test_an_acknowledgement_comes_before_the_publishers_own_event_and_has_the_same_publication():
    house = House()
    member, subscription = subscribed(house)
    member.say([PUBLISH, 2, {"acknowledge": True, "exclude_me": False}, "com.topic"])
    assert member.heard() == [[PUBLISHED, 2, 5001], [EVENT, subscription, 5001, {}]]


def test_the_publisher_is_left_out_unless_it_says_otherwise():
    house = House()
    member, _ = subscribed(house)
    other, _ = subscribed(house)
    member.say([PUBLISH, 2, {}, "com.topic"], [PUBLISH, 3, {"exclude_me": True, "exclude": [99]}, "com.topic"])
    assert member.heard() == []
    assert len(other.heard()) == 2


def test_without_subscribers_an_acknowledgement_still_comes_and_without_acknowledgement_nothing_does():
    house = House()
    member = house.join()
    member.say([PUBLISH, 1, {}, "com.topic"], [PUBLISH, 2, ACKNOWLEDGE, "com.topic"])
    assert member.heard() == [[PUBLISHED, 2, 5001]]


@pytest.mark.parametrize("options", [{}, ACKNOWLEDGE])
def test_a_refused_publication_reaches_nobody_and_is_told_of_only_if_that_was_asked_for(options):
    house = House(policy=Choosy())
    listener, _ = subscribed(house, "", "prefix")
    publisher = house.join()
    publisher.say([PUBLISH, 1, options, "shut.topic"])
    refusal = [[ERROR, PUBLISH, 1, {}, "wamp.error.not_authorized", ["it is shut"]]]
    assert publisher.heard() == (refusal if options else [])
    publisher.say([PUBLISH, 2, {"disclose_me": True, **options}, "hidden.topic"])
    refusal = [[ERROR, PUBLISH, 2, {}, "wamp.error.option_disallowed.disclose_me"]]
    assert publisher.heard() == (refusal if options else [])
    assert listener.heard() == []


@pytest.mark.parametrize(
    ("uri", "options", "disclosed"),
    [("a.b", {}, False), ("a.b", {"disclose_me": True}, True), ("shown.b", {}, True), ("hidden.b", {}, False)],
)
def test_the_publisher_is_disclosed_as_the_grant_says(uri, options, disclosed):
    house = House(policy=Choosy())
    listener, subscription = subscribed(house, uri)
    publisher = house.join(authid="joe", authrole="member")
    publisher.say([PUBLISH, 1, options, uri])
    joe = {"publisher": publisher.session.id, "publisher_authid": "joe", "publisher_authrole": "member"}
    assert listener.heard() == [[EVENT, subscription, 5001, joe if disclosed else {}]]


@pytest.mark.parametrize(
    ("options", "receivers"),
    [
        ({"eligible": [1, 3]}, {1, 3}),
        ({"eligible": []}, set()),
        ({"exclude": [1]}, {2, 3}),
        ({"exclude": []}, {1, 2, 3}),
        ({"eligible_authid": ["two"]}, {2}),
        ({"exclude_authid": ["two", "three"]}, {1}),
        ({"eligible_authrole": ["odd"]}, {1, 3}),
        ({"exclude_authrole": ["odd"]}, {2}),
        ({"eligible_authrole": ["odd"], "exclude": [3]}, {1}),
        ({"eligible": [1, 2], "eligible_authid": ["two", "three"]}, {2}),
        ({"eligible": [1], "eligible_authid": []}, set()),
    ],
    ids=str,
)
def test_an_event_goes_to_those_in_every_list_of_eligibles_and_in_no_exclusion(options, receivers):
    house = House()
    for number, name in enumerate(["one", "two", "three"], 1):
        assert subscribed(house, authid=name, authrole="odd" if number % 2 else "even")[0].session.id == number
    house.join().say([PUBLISH, 1, options, "com.topic"])
    assert {member.session.id for member in house.members if member.heard()} == receivers


def test_a_deputy_gets_what_has_lists_whomever_they_name_and_is_told_them():
    house = House()
    deputy, pattern = subscribed(house, "com.", "prefix", authid="deputy")
    other, _ = subscribed(house, authid="joe")
    publisher = house.join()
    house.realm.depute(deputy.session.id)
    publisher.say([PUBLISH, 1, {"eligible_authid": ["joe"], "exclude": [77]}, "com.topic"])
    publisher.say([PUBLISH, 2, {"exclude_authid": ["joe"]}, "com.topic"])
    publisher.say([PUBLISH, 3, {"disclose_me": False, "exclude_me": False}, "com.topic"])
    publisher.say([PUBLISH, 4, {"eligible": []}, "org.topic"])
    told = [{"eligible_authid": ["joe"], "exclude": [77]}, {"exclude_authid": ["joe"]}, None]
    heard = deputy.heard()
    assert [message[:2] for message in heard] == [[EVENT, pattern]] * 3
    assert [message[3].get("audience") for message in heard] == told
    assert len(other.heard()) == 2
    deputy.say([PUBLISH, 1, {"exclude_authid": ["joe"]}, "com.topic"])
    assert deputy.heard() == []
    house.realm.leave(deputy.session)
    assert house.realm.broker.deputies == {}
    publisher.say([PUBLISH, 5, {"eligible_authid": ["joe"]}, "com.topic"])
    assert len(other.heard()) == 1


def test_the_deaf_are_counted_instead_of_told():
    house = House()
    deaf, _ = subscribed(house)
    hearing, _ = subscribed(house)
    deaf.session.deaf = True
    publisher = house.join()
    publisher.say([PUBLISH, 1, {}, "com.topic"], [PUBLISH, 2, {}, "com.topic"])
    assert deaf.heard() == []
    assert deaf.session.dropped == 2
    assert house.realm.struck == {"events dropped": 2}
    assert len(hearing.heard()) == 2


def test_payload_passthru_is_a_violation():
    with pytest.raises(ProtocolViolation, match="passthru"):
        House().join().say([PUBLISH, 1, {"ppt_scheme": "wamp"}, "com.topic"])


@pytest.mark.spec("RET-10")
def test_what_there_is_no_room_to_retain_is_counted():
    house = House(quota=Quota(retained=1))
    publisher = house.join()
    publisher.say(*[[PUBLISH, number, {"retain": True}, f"com.t{number}"] for number in (1, 2, 3)])
    assert house.realm.struck == {"retained events over the limit": 2}


@pytest.mark.spec("PS-11")
def test_only_those_who_are_here_and_read_too_slowly_count_for_events_dropped():
    house = House()
    slow, gone = subscribed(house)[0], subscribed(house)[0]
    slow.session.deaf = True
    house.realm._retire(gone.session)  # to be taken off when others are
    house.join().say([PUBLISH, 1, {}, "com.topic"])
    assert house.realm.struck == {"events dropped": 1}
    assert (slow.session.dropped, gone.session.dropped) == (1, 0)
