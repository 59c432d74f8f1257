"""A realm that is changed while sessions are in it: who is concerned is told, and who is not hears nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.realms.house import CAPABLE, House, Member
from wampd.realms.calls import Timeouts
from wampd.realms.changing import NOT_ALLOWED, Terms
from wampd.realms.grants import NOT_AUTHORIZED, Authorizer, Grant, Grants
from wampd.realms.history import HistoryRule
from wampd.realms.limits import Limits, Quota, Rate
from wampd.realms.messages import (
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTERED,
    UNSUBSCRIBED,
    YIELD,
)
from wampd.realms.principals import DENIED, PrincipalGrants
from wampd.realms.realm import Realm
from wampd.realms.retained import Retention
from wampd.realms.session import ProtocolViolation


class Only:
    """A policy: what begins with one of these is granted, what begins with ``u`` is undecided, all else is denied."""

    def __init__(self, *beginnings: str) -> None:
        self.beginnings = beginnings

    def decide(self, _action: str, uri: str, _match: Any) -> Grant:
        if uri.startswith(self.beginnings):
            return Grant()
        return Grant(refusal=NOT_AUTHORIZED, undecided=uri.startswith("u"))


def change(house: House, terms: Terms | None = None, *, grants: dict[Member, Grants | str] | None = None) -> list[Any]:
    """Change the realm: its terms, and what these members may do."""
    realm = house.realm
    given = {member.session: what for member, what in (grants or {}).items()}

    def grants_of(session: Any) -> Grants | str:
        there = session.grants
        return given.get(session, there.rules if isinstance(there, PrincipalGrants) else there)

    changed = realm.changes.apply(terms or Terms(), grants_of)
    while realm.has_leavers:
        realm.tidy()
    return changed


# --- rights ---


def test_who_is_not_concerned_keeps_everything_and_hears_nothing():
    house = House()
    member, other = house.join(roles=CAPABLE), house.join()
    member.say([SUBSCRIBE, 1, {}, "com.a"], [REGISTER, 2, {}, "com.b"])
    member.heard()
    before = member.session.grants, member.session.handlers, member.session.limits
    assert change(house, grants={other: Grants(Only())}) == [other.session]
    assert member.heard() == []
    assert (member.session.grants, member.session.handlers, member.session.limits) == before
    assert member.session.subscriptions
    assert member.session.registrations


def test_a_call_and_a_publication_that_are_not_allowed_any_more_are_refused_at_once_though_they_were_remembered():
    house = House()
    member = house.join()
    member.say([PUBLISH, 1, {"acknowledge": True}, "com.a"], [CALL, 2, {}, "com.b"])
    assert [message[0] for message in member.heard()] == [PUBLISHED, ERROR]
    change(house, grants={member: Grants(Only("com.c"))})
    member.say([PUBLISH, 3, {"acknowledge": True}, "com.a"], [CALL, 4, {}, "com.b"])
    assert [message[4] for message in member.heard()] == [NOT_AUTHORIZED, NOT_AUTHORIZED]
    member.say([PUBLISH, 5, {"acknowledge": True}, "com.c"])
    assert member.heard()[0][0] == PUBLISHED


def test_a_subscription_that_is_not_allowed_any_more_is_ended_and_the_client_told():
    house = House()
    member, publisher = house.join(roles=CAPABLE), house.join()
    member.say([SUBSCRIBE, 1, {}, "com.a"], [SUBSCRIBE, 2, {}, "com.b"])
    [_, _, lost], [_, _, kept] = member.heard()
    change(house, grants={member: Grants(Only("com.b"))})
    assert member.heard() == [[UNSUBSCRIBED, 0, {"subscription": lost, "reason": NOT_ALLOWED}]]
    publisher.say([PUBLISH, 1, {}, "com.a"], [PUBLISH, 2, {}, "com.b"])
    assert [message[:2] for message in member.heard()] == [[EVENT, kept]]


def test_who_does_not_understand_revocation_loses_the_subscription_in_silence():
    house = House()
    member, publisher = house.join(), house.join()
    member.say([SUBSCRIBE, 1, {}, "com.a"])
    member.heard()
    change(house, grants={member: Grants(Only("com.b"))})
    publisher.say([PUBLISH, 1, {}, "com.a"])
    assert member.heard() == []
    assert not member.session.subscriptions


def test_a_permission_for_the_exact_topic_does_not_keep_a_pattern():
    class Exactly:
        def decide(self, _action: str, _uri: str, match: Any) -> Grant:
            return Grant() if match == "exact" else Grant(refusal=NOT_AUTHORIZED)

    house = House()
    member = house.join(roles=CAPABLE)
    member.say([SUBSCRIBE, 1, {"match": "prefix"}, "com.a"], [SUBSCRIBE, 2, {}, "com.a"])
    pattern = member.heard()[0][2]
    change(house, grants={member: Grants(Exactly())})
    assert member.heard() == [[UNSUBSCRIBED, 0, {"subscription": pattern, "reason": NOT_ALLOWED}]]


def test_a_registration_that_is_not_allowed_any_more_is_ended_and_its_call_under_way_is_answered():
    house = House()
    callee, caller = house.join(roles=CAPABLE), house.join()
    callee.say([REGISTER, 1, {}, "com.a"])
    registration = callee.heard()[0][2]
    caller.say([CALL, 1, {}, "com.a"])
    invocation = callee.heard()[0][1]
    change(house, grants={callee: Grants(Only("com.b"))})
    assert callee.heard() == [[UNREGISTERED, 0, {"registration": registration, "reason": NOT_ALLOWED}]]
    caller.say([CALL, 2, {}, "com.a"])
    callee.say([YIELD, invocation, {}, [5]])
    refused, answered = caller.heard()
    assert refused[:3] == [ERROR, CALL, 2]
    assert answered == [RESULT, 1, {}, [5]]


def test_one_of_several_callees_is_taken_off_and_the_others_serve():
    house = House()
    callees = [house.join(roles=CAPABLE) for _ in range(2)]
    for callee in callees:
        callee.say([REGISTER, 1, {"invoke": "roundrobin"}, "com.a"])
        assert callee.heard()[0][0] == REGISTERED
    change(house, grants={callees[0]: Grants(Only())})
    caller = house.join()
    for number in (1, 2):
        caller.say([CALL, number, {}, "com.a"])
    assert [message[0] for message in callees[0].heard()] == [UNREGISTERED]
    assert [message[0] for message in callees[1].heard()] == [INVOCATION, INVOCATION]


def test_who_cannot_stay_is_sent_away_and_its_call_answered():
    house = House()
    callee, caller = house.join(), house.join()
    callee.say([REGISTER, 1, {}, "com.a"])
    caller.say([CALL, 1, {}, "com.a"])
    caller.heard()
    change(house, grants={caller: "the role is gone"})
    *_, answer, goodbye = caller.heard()
    assert answer[:3] == [ERROR, CALL, 1]
    assert goodbye == [GOODBYE, {"message": "the role is gone"}, "wamp.close.killed"]
    assert caller.session.id not in house.realm.sessions


@pytest.mark.trap(8)
def test_very_many_subscriptions_are_looked_at_in_slices(monkeypatch):
    monkeypatch.setattr(Realm, "SLICE", 10)
    house = House()
    member = house.join()
    member.say(*[[SUBSCRIBE, number + 1, {}, f"com.a.a{number}"] for number in range(95)])
    member.heard()
    house.realm.changes.apply(Terms(), lambda _: Grants(Only()))
    slices = 0
    while house.realm.has_leavers:
        house.realm.tidy()
        slices += 1
    assert slices >= 8
    assert not member.session.subscriptions
    assert not house.realm.broker.by_id


def test_a_change_during_the_review_of_another_reviews_all(monkeypatch):
    monkeypatch.setattr(Realm, "SLICE", 1)
    house = House()
    first, second = house.join(), house.join()
    for member in (first, second):
        member.say(*[[SUBSCRIBE, number + 1, {}, f"com.a.a{number}"] for number in range(5)])
        member.heard()
    nothing = Grants(Only())
    house.realm.changes.apply(Terms(), lambda _: nothing)
    change(house, grants={second: Grants(Only())})
    assert not first.session.subscriptions
    assert not second.session.subscriptions


# --- authorizers ---

ASKED = Authorizer("com.authorizer")


def answer(house: House, grant: Grant) -> None:
    question = house.asked.pop(0)
    question.room.decided(question, grant, remember=True)


def test_a_role_gets_an_authorizer_which_is_asked_from_then_on():
    house = House(policy=Only("com."))
    member = house.join()
    change(house, grants={member: Grants(Only("com."), authorizer=ASKED)})
    member.say([PUBLISH, 1, {"acknowledge": True}, "user.a"])
    assert member.heard() == []
    answer(house, Grant())
    assert member.heard()[0][0] == PUBLISHED


def test_who_waits_for_an_authorizer_that_is_there_no_more_is_served_by_the_rules():
    house = House(policy=Only("com."), authorizer=ASKED)
    member = house.join()
    member.say([PUBLISH, 1, {"acknowledge": True}, "user.a"], [PUBLISH, 2, {"acknowledge": True}, "com.a"])
    assert member.heard() == []
    change(house, grants={member: Grants(Only("com."))})
    refused, published = member.heard()
    assert refused[:3] == [ERROR, PUBLISH, 1]
    assert published[:2] == [PUBLISHED, 2]
    answer(house, Grant())  # comes too late
    member.say([PUBLISH, 3, {"acknowledge": True}, "user.a"])
    assert member.heard()[0][4] == NOT_AUTHORIZED


def test_who_waits_is_asked_about_again_where_the_authorizer_is_another():
    house = House(policy=Only("com."), authorizer=ASKED)
    member = house.join()
    member.say([PUBLISH, 1, {"acknowledge": True}, "user.a"])
    other = Authorizer("com.another")
    change(house, grants={member: Grants(Only("com."), authorizer=other)})
    assert [question.authorizer for question in house.asked] == [ASKED, other]
    answer(house, Grant())
    assert member.heard() == []
    answer(house, DENIED)
    assert member.heard()[0][4] == NOT_AUTHORIZED


def test_what_an_authorizer_allowed_stays_unless_the_rules_deny_it():
    house = House(policy=Only("com."), authorizer=ASKED)
    member = house.join(roles=CAPABLE)
    member.say([SUBSCRIBE, 1, {}, "user.a"])
    answer(house, Grant())
    assert member.heard()[0][0] == SUBSCRIBED
    change(house, grants={member: Grants(Only("org."), authorizer=ASKED)})
    assert member.heard() == []
    change(house, grants={member: Grants(Only("org."))})
    assert member.heard()[0][0] == UNSUBSCRIBED


def test_limits_change_for_a_session_that_waits_and_one_whose_authorizer_stays():
    house = House(policy=Only("com."), authorizer=ASKED)
    waiting, member = house.join(authid="joe"), house.join(authid="jane")
    waiting.say([PUBLISH, 1, {"acknowledge": True}, "user.a", ["x" * 100]])
    change(house, Terms(limits=Limits(payload_size=50)))
    waiting.say([PUBLISH, 2, {"acknowledge": True}, "com.a", ["x" * 100]])
    assert waiting.heard() == []
    answer(house, Grant())
    assert [message[0] for message in waiting.heard()] == [PUBLISHED, ERROR]
    member.say([PUBLISH, 1, {"acknowledge": True}, "com.a", ["x" * 100]])
    assert member.heard()[0][4] == "wamp.error.payload_size_exceeded"


# --- limits and rules of the realm ---


def test_new_limits_hold_at_once_and_what_is_held_stays():
    house = House()
    member = house.join()
    member.say([SUBSCRIBE, 1, {}, "com.a"], [SUBSCRIBE, 2, {}, "com.b"])
    member.heard()
    change(house, Terms(limits=Limits(subscriptions=2)))
    member.say([SUBSCRIBE, 3, {}, "com.c"])
    assert "limit: subscriptions" in member.heard()[0][5][0]
    assert len(member.session.subscriptions or ()) == 2


def test_limits_of_a_role_are_of_its_sessions_alone():
    house = House()
    one, other = house.join(authrole="one"), house.join(authrole="other")
    assert change(house, Terms(role_limits={"one": Limits(subscriptions=0)})) == [one.session]
    one.say([SUBSCRIBE, 1, {}, "com.c"])
    other.say([SUBSCRIBE, 1, {}, "com.c"])
    assert [one.heard()[0][0], other.heard()[0][0]] == [ERROR, SUBSCRIBED]


def test_a_rate_begins_stays_and_ends():
    house = House()
    member = house.join()
    rate = Rate(0.001, 1)

    def published() -> list[int]:
        member.say(*[[PUBLISH, member.session.watermark + 1, {"acknowledge": True}, "com.a"] for _ in range(1)])
        return [message[0] for message in member.heard()]

    change(house, Terms(limits=Limits(publication_rate=rate)))
    assert published() == [PUBLISHED]
    assert published() == [ERROR]
    change(house, Terms(limits=Limits(publication_rate=rate, subscriptions=5)))
    assert published() == [ERROR], "tokens of a rate that stays are not given twice"
    change(house, Terms())
    assert published() == [PUBLISHED]


def test_the_sessions_that_are_here_count_for_a_new_quota():
    house = House()
    house.join(authrole="one")
    change(house, Terms(quota=Quota(sessions_by_role={"one": 1})))
    assert "sessions" in (house.realm.occupancy.full("one", "") or "")
    assert house.realm.occupancy.full("other", "") is None


def test_roles_are_checked_from_now_on_and_no_more():
    house = House()
    listener = house.join(roles=type(CAPABLE)(subscriber=CAPABLE.subscriber))
    with pytest.raises(ProtocolViolation):
        listener.say([PUBLISH, 1, {"acknowledge": True}, "com.a"])
    change(house, Terms(check_roles=False))
    listener.say([PUBLISH, 1, {"acknowledge": True}, "com.a"])
    assert listener.heard()[0][0] == PUBLISHED
    change(house, Terms(check_roles=True))
    with pytest.raises(ProtocolViolation):
        listener.say([PUBLISH, 2, {"acknowledge": True}, "com.a"])


def test_calls_made_from_now_on_have_the_new_timeout():
    house = House()
    callee, caller = house.join(), house.join()
    callee.say([REGISTER, 1, {}, "com.a"])
    caller.say([CALL, 1, {}, "com.a"])
    change(house, Terms(timeouts=Timeouts(default=5.0)))
    caller.say([CALL, 2, {}, "com.a"])
    house.now += 6
    house.realm.expire(house.now)
    assert [message[:3] for message in caller.heard()] == [[ERROR, CALL, 2]]
    change(house, Terms())
    caller.say([CALL, 3, {}, "com.a"])
    house.now += 100
    house.realm.expire(house.now)
    assert caller.heard() == []


# --- what is kept ---


def events_of(member: Member, subscription: int) -> list[Any]:
    member.say([CALL, member.session.watermark + 1, {}, "wamp.subscription.get_events", [subscription]])
    return [event["args"] for event in member.heard()[-1][3][0]]


def test_a_history_begins_with_the_subscription_that_is_there_and_ends_with_its_rule():
    house = House()
    member, publisher = house.join(), house.join()
    member.say([SUBSCRIBE, 1, {}, "com.a"])
    subscription = member.heard()[0][2]
    assert events_of(member, subscription) == []
    change(house, Terms(history=[HistoryRule("com.a"), HistoryRule("com.b")]))
    publisher.say([PUBLISH, 1, {}, "com.a", ["kept"]])
    member.heard()
    assert events_of(member, subscription) == [["kept"]]
    change(house, Terms())
    assert events_of(member, subscription) == []
    assert [one.uri for one in house.realm.broker.by_id.values()] == ["com.a"]


def test_a_history_that_stays_keeps_its_events_within_the_new_bounds():
    house = House(history=[HistoryRule("com.a", events=10)])
    publisher = house.join()
    publisher.say(*[[PUBLISH, number + 1, {}, "com.a", [number]] for number in range(5)])
    change(house, Terms(history=[HistoryRule("com.a", events=2)]))
    assert len(house.realm.broker.histories[0]) == 2
    change(house, Terms(history=[HistoryRule("com.a", events=10)]))
    assert len(house.realm.broker.histories[0]) == 2


def test_retained_events_stay_no_longer_than_the_new_age_says_and_new_ones_as_long():
    house = House()
    publisher = house.join()
    publisher.say([PUBLISH, 1, {"retain": True}, "com.a"])
    change(house, Terms(retention=Retention(age=10.0)))
    house.now += 5
    publisher.say([PUBLISH, 2, {"retain": True}, "com.b"])
    house.now += 6
    reader = house.join()
    reader.say([SUBSCRIBE, 1, {"get_retained": True}, "com.a"], [SUBSCRIBE, 2, {"get_retained": True}, "com.b"])
    assert [message[0] for message in reader.heard()] == [SUBSCRIBED, SUBSCRIBED, EVENT]
