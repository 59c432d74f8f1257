"""One realm: who is in it, what is dispatched to whom, and how members leave."""

from __future__ import annotations

import pytest
from msgspec import Raw

from tests.realms.house import House
from wampd.realms.limits import Limits
from wampd.realms.messages import (
    CALL,
    CANCEL,
    ERROR,
    GOODBYE,
    INTERRUPT,
    INVOCATION,
    MESSAGES,
    PUBLISH,
    REGISTER,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
    Event,
    Foreign,
    Format,
    Sender,
)
from wampd.realms.options import MAX_ID, ClientRole, ClientRoles
from wampd.realms.session import LEGAL, ProtocolViolation, SessionOver, State

OF_ROLE = {
    "publisher": [[PUBLISH, 1, {}, "a.b"]],
    "subscriber": [[SUBSCRIBE, 1, {}, "a.b"], [UNSUBSCRIBE, 1, 1]],
    "caller": [[CALL, 1, {}, "a.b"], [CANCEL, 1, {}]],
    "callee": [[REGISTER, 1, {}, "a.b"], [UNREGISTER, 1, 1], [YIELD, 1, {}], [ERROR, INVOCATION, 1, {}, "a.b"]],
}


def test_exactly_what_is_legal_in_an_established_session_has_a_handler():
    member = House().join()
    assert set(member.session.handlers) == LEGAL[State.ESTABLISHED]


def test_every_message_that_clients_send_is_legal_in_some_state_and_no_other():
    sent = {row.struct for row in MESSAGES.values() if row.sender & Sender.CLIENT}
    assert set().union(*LEGAL.values()) == sent
    assert set(LEGAL) == set(State)


@pytest.mark.parametrize("role", OF_ROLE)
def test_a_session_is_served_in_the_roles_that_it_announced(role):
    house = House()
    member = house.join(roles=ClientRoles(**{role: ClientRole()}))
    for other, messages in OF_ROLE.items():
        for message in messages:
            if other != role:
                with pytest.raises(ProtocolViolation, match=f"without the role '{other}'"):
                    member.say(message)
    first, *_ = OF_ROLE[role]
    member.say(first)


@pytest.mark.parametrize("message", [[1, "realm1", {"roles": {}}], [5, "x", {}]], ids=["hello", "authenticate"])
def test_what_opens_a_session_is_a_violation_in_one(message):
    with pytest.raises(ProtocolViolation, match="not legal in an established session"):
        House().join().say(message)


def test_without_strictness_any_request_id_will_do_and_the_highest_is_remembered():
    member = House().join()
    for number, watermark in ((5, 5), (5, 5), (2, 5), (6, 6), (MAX_ID, MAX_ID), (1, MAX_ID)):
        member.say([SUBSCRIBE, number, {}, "a.b"])
        assert member.heard()[0][:2] == [SUBSCRIBED, number]
        assert member.session.watermark == watermark


@pytest.mark.spec("ID-05")
def test_with_strictness_request_ids_count():
    member = House(strict=True).join()
    member.say([SUBSCRIBE, 1, {}, "a.b"], [SUBSCRIBE, 2, {}, "a.b"])
    for wrong in (2, 4, 1, MAX_ID):
        with pytest.raises(ProtocolViolation, match="where 3 was due"):
            member.say([SUBSCRIBE, wrong, {}, "a.b"])
    member.say([SUBSCRIBE, 3, {}, "a.b"])


@pytest.mark.spec("ID-05")
def test_with_strictness_1_comes_after_the_greatest_id():
    member = House(strict=True).join()
    member.session.watermark = MAX_ID - 1
    member.say([SUBSCRIBE, MAX_ID, {}, "a.b"])
    with pytest.raises(ProtocolViolation, match="where 1 was due"):
        member.say([SUBSCRIBE, 2, {}, "a.b"])
    member.say([SUBSCRIBE, 1, {}, "a.b"], [SUBSCRIBE, 2, {}, "a.b"])
    assert member.session.watermark == 2


def test_goodbye_is_answered_and_ends_the_session():
    house = House()
    member = house.join()
    with pytest.raises(SessionOver):
        member.say([GOODBYE, {}, "wamp.close.close_realm"])
    assert member.heard() == [[GOODBYE, {}, "wamp.close.goodbye_and_out"]]
    assert member.session.said_goodbye
    assert member.session.state is State.CLOSED
    assert house.is_empty()


def test_goodbye_has_a_reason_that_is_a_uri():
    member = House().join()
    with pytest.raises(ProtocolViolation, match="reason"):
        member.say([GOODBYE, {}, "no uri"])


def test_abort_ends_the_session_without_an_answer():
    house = House()
    member = house.join()
    with pytest.raises(SessionOver):
        member.say([3, {}, "com.broken"])
    assert member.heard() == []
    assert not member.session.said_goodbye
    assert house.is_empty()


def test_leaving_twice_does_no_harm():
    house = House()
    member = house.join()
    member.say([SUBSCRIBE, 1, {}, "a.b"])
    member.leave()
    member.leave()
    member.house.realm.dismiss(member.session, "wamp.close.killed")
    assert [message[0] for message in member.heard()] == [SUBSCRIBED]
    assert house.is_empty()


@pytest.mark.parametrize("text", ["", "enough"])
def test_who_is_sent_away_hears_why(text):
    house = House()
    member = house.join()
    house.realm.dismiss(member.session, "wamp.close.killed", text)
    assert member.heard() == [[GOODBYE, {"message": text} if text else {}, "wamp.close.killed"]]
    assert house.is_empty()


def calling(house):
    """A caller and a callee, and a call under way."""
    callee, caller = house.join(), house.join()
    callee.say([REGISTER, 1, {}, "a.b"])
    caller.say([CALL, 1, {}, "a.b"])
    callee.heard()
    return caller, callee


def test_whoever_leaves_its_calls_and_those_of_others_are_seen_to():
    house = House()
    caller, callee = calling(house)
    callee.leave()
    assert [message[:5] for message in caller.heard()] == [[ERROR, CALL, 1, {}, "wamp.error.canceled"]]
    caller, callee = calling(house)
    caller.leave()
    assert [message[0] for message in callee.heard()] == [INTERRUPT]


def test_who_is_sent_away_gets_its_answers_before_it_hears_why():
    house = House()
    caller, callee = calling(house)
    house.realm.dismiss(caller.session, "wamp.close.killed")
    assert [message[0] for message in caller.heard()] == [ERROR, GOODBYE]
    assert [message[0] for message in callee.heard()] == [INTERRUPT]


def test_calls_under_way_are_known():
    house = House()
    member = house.join()
    member.say([REGISTER, 1, {}, "a.b"])
    assert not house.realm.calls_under_way()
    member.say([CALL, 2, {}, "a.b"])
    assert house.realm.calls_under_way()
    member.say([YIELD, 1, {}])
    assert not house.realm.calls_under_way()


def test_who_leaves_with_very_much_is_gone_at_once_and_taken_off_in_slices():
    house = House()
    house.realm.SLICE = 10
    member, other = house.join(), house.join()
    for session in (member, other):
        session.say(*[[SUBSCRIBE, number, {}, f"t.{number}"] for number in range(1, 16)])
        session.heard()
    member.say(*[[REGISTER, number, {}, f"p.{number}"] for number in range(16, 36)])
    member.heard()
    member.leave()
    assert house.realm.has_leavers
    assert list(house.realm.sessions) == [other.session.id]
    house.join().say([PUBLISH, 1, {}, "t.1"])
    assert member.heard() == []
    assert len(other.heard()) == 1
    slices = 1
    while house.realm.has_leavers:
        held = len(member.session.subscriptions) + len(member.session.registrations)
        house.realm.tidy()
        slices += 1
        assert held - len(member.session.subscriptions) - len(member.session.registrations) <= 2 * house.realm.SLICE
    assert slices >= 2
    assert member.holds_nothing()
    assert not len(house.realm.dealer.registrations)
    assert len(house.realm.broker.subscriptions) == 15


def test_a_slice_is_shared_by_those_who_leave():
    house = House()
    house.realm.SLICE = 3
    members = [house.join() for _ in range(5)]
    for member in members:
        member.say([SUBSCRIBE, 1, {}, "a"], [SUBSCRIBE, 2, {}, "b"])
    for member in members:
        member.leave()
    turns = 0
    while house.realm.has_leavers:
        house.realm.tidy()
        turns += 1
    assert turns < 5
    assert house.is_empty()


def test_an_event_that_cannot_be_carried_is_counted():
    house = House()
    member = house.join()
    event = Event(1, 2, {}, None, None, Format.JSON)
    assert house.realm.undeliverable(member.session, event, "wamp.error.invalid_argument", "why")
    assert house.realm.struck == {"events that a receiver cannot carry": 1}
    assert member.heard() == []


@pytest.mark.parametrize("wrapped", [True, False])
def test_what_else_cannot_be_carried_is_counted_and_told_to_the_dealer(wrapped):
    house = House()
    member = house.join()
    result = (50, 7, {}, Raw(b"[1]"))
    message = Foreign(result, Format.CBOR) if wrapped else result
    assert house.realm.undeliverable(member.session, message, "wamp.error.invalid_argument", "why")
    assert house.realm.struck == {"messages that a receiver cannot carry": 1}
    assert member.heard() == [[ERROR, CALL, 7, {}, "wamp.error.invalid_argument", ["why"]]]
    assert not house.realm.undeliverable(member.session, (2, 1, {}), "wamp.error.invalid_argument", "why")


def test_the_limits_are_generous():
    limits = Limits()
    assert (limits.subscriptions, limits.registrations, limits.pending_calls) == (10_000, 10_000, 10_000)
