"""IDs (basic profile, "IDs")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE, registered, subscribed
from tests.support.play import ANY, nothing, violation
from wampd.realms.messages import (
    CALL,
    CANCEL,
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
    UNREGISTER,
    UNREGISTERED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    YIELD,
)

BAD = [0, -1, 2**53 + 1, 2**64 - 1, 1.5, "1", True, None, [], {}]


@pytest.mark.spec("ID-01")
@pytest.mark.parametrize("number", BAD, ids=repr)
@pytest.mark.parametrize(
    "message",
    [
        [SUBSCRIBE, ..., {}, "a.b"],
        [UNSUBSCRIBE, ..., 1],
        [UNSUBSCRIBE, 1, ...],
        [PUBLISH, ..., {}, "a.b"],
        [REGISTER, ..., {}, "a.b"],
        [UNREGISTER, 1, ...],
        [CALL, ..., {}, "a.b"],
        [CANCEL, ..., {}],
        [YIELD, ..., {}],
        [ERROR, INVOCATION, ..., {}, "a.b"],
    ],
    ids=str,
)
def test_what_is_no_integer_from_1_to_2_to_the_53_is_no_id(memory_play, message, number):
    memory_play.alice > [number if part is ... else part for part in message]
    memory_play.alice < violation


@pytest.mark.spec("ID-01")
@pytest.mark.parametrize("number", BAD, ids=repr)
def test_what_is_no_integer_is_no_request_id_in_any_serialization(play, number):
    play.alice > [SUBSCRIBE, number, {}, "a.b"]
    play.alice < violation


@pytest.mark.spec("ID-01")
def test_the_greatest_id_is_2_to_the_53(play):
    play.alice > [SUBSCRIBE, 2**53, {}, "a.b"]
    play.alice < [SUBSCRIBED, 2**53, int]


@pytest.mark.spec("ID-01")
def test_an_id_written_as_an_integral_float_is_taken_for_an_integer(json_play):
    json_play.alice > b'[32,1.0,{},"a.b"]'
    json_play.alice < [SUBSCRIBED, 1, int]


@pytest.mark.spec("ID-01")
def test_in_a_strict_realm_an_id_is_written_as_an_integer(json_play):
    json_play.session("alice", realm="strict")
    json_play.alice > b'[32,1.0,{},"a.b"]'
    json_play.alice < violation


@pytest.mark.spec("ID-02")
def test_session_ids_are_drawn_over_their_whole_range(play):
    ids = [play.session(f"guest {number}").id for number in range(200)]
    assert len(set(ids)) == len(ids)
    assert all(1 <= each <= 2**53 for each in ids)
    assert max(ids) > 2**52
    assert min(ids) < 2**52
    assert ids not in (sorted(ids), sorted(ids, reverse=True))


@pytest.mark.spec("ID-03", "PS-12")
def test_publication_ids_are_drawn_and_the_same_for_publisher_and_subscribers(play):
    subscribed(play)
    ids = []
    for number in range(1, 201):
        play.alice > [PUBLISH, number, ACKNOWLEDGE, "com.topic"]
        play.alice < [PUBLISHED, number, ANY.as_(f"publication {number}")]
        ids.append(play.names[f"publication {number}"])
        play.subscriber < [EVENT, play.sub, ids[-1], {}]
    assert len(set(ids)) == len(ids)
    assert all(1 <= each <= 2**53 for each in ids)
    assert max(ids) > 2**52
    assert ids not in (sorted(ids), sorted(ids, reverse=True))


@pytest.mark.spec("ID-04", "PS-03")
def test_subscription_and_registration_ids_are_stable(play):
    subscribed(play)
    registered(play)
    assert 1 <= play.sub <= 2**53
    assert 1 <= play.reg <= 2**53
    play.bob > [SUBSCRIBE, 1, {}, "com.topic"]
    play.bob < [SUBSCRIBED, 1, play.sub]
    play.bob > [UNSUBSCRIBE, 2, play.sub]
    play.bob < [UNSUBSCRIBED, 2]
    play.bob > [CALL, 3, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 1, {}]
    play.bob < [RESULT, 3, {}]
    play.bob > [PUBLISH, 4, {}, "com.topic"]
    play.subscriber < [EVENT, play.sub, int, {}]


@pytest.mark.spec("ID-05", "PV-05", "ID-09", "AMB-04")
def test_a_strict_realm_wants_request_ids_that_count(play):
    play.session("alice", realm="strict")
    play.alice > [SUBSCRIBE, 1, {}, "com.a"]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.alice > [UNSUBSCRIBE, 2, play.sub]
    play.alice < [UNSUBSCRIBED, 2]
    play.alice > [PUBLISH, 3, {}, "com.a"]
    play.alice > [REGISTER, 4, {}, "com.p"]
    play.alice < [REGISTERED, 4, ANY.as_("reg")]
    play.alice > [UNREGISTER, 5, play.reg]
    play.alice < [UNREGISTERED, 5]
    play.alice > [CALL, 6, {}, "com.p"]
    play.alice < [ERROR, CALL, 6, {}, "wamp.error.no_such_procedure", ...]
    play.alice > [PUBLISH, 7, ACKNOWLEDGE, "com.a"]
    play.alice < [PUBLISHED, 7, int]


@pytest.mark.spec("ID-05", "PV-05")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([SUBSCRIBE, 5, {}, "a.b"], None),
        ([PUBLISH, 2, {}, "a.b"], None),
        ([PUBLISH, 1, {}, "a.b"], [UNSUBSCRIBE, 3, 1]),
        ([PUBLISH, 1, {}, "a.b"], [PUBLISH, 1, {}, "a.b"]),
        ([PUBLISH, 1, {}, "a..b"], [CALL, 1, {}, "a.b"]),
        ([PUBLISH, 1, {}, "a.b"], [UNREGISTER, 7, 1]),
        ([PUBLISH, 1, {}, "a.b"], [REGISTER, 2**53, {}, "a.b"]),
    ],
    ids=str,
)
def test_in_a_strict_realm_a_gap_or_a_repetition_is_a_violation(play, first, second):
    play.session("alice", realm="strict")
    play.alice > first
    if second is not None:
        play.alice < nothing
        play.alice > second
    play.alice < violation


@pytest.mark.spec("ID-09", "AMB-04")
def test_other_realms_take_request_ids_in_any_order(play):
    for number in (123, 789, 7, 7, 2**53, 1):
        play.alice > [SUBSCRIBE, number, {}, "com.a"]
        play.alice < [SUBSCRIBED, number, int]


@pytest.mark.spec("ID-06")
def test_answers_and_cancellations_do_not_count(play):
    play.session("alice", realm="strict")
    play.alice > [REGISTER, 1, {}, "com.p"]
    play.alice < [REGISTERED, 1, ANY.as_("reg")]
    play.alice > [CALL, 2, {}, "com.p"]
    play.alice < [INVOCATION, 1, play.reg, {}]
    play.alice > [CANCEL, 2, {"mode": "skip"}]
    play.alice < [ERROR, CALL, 2, {}, "wamp.error.canceled", ...]
    play.alice > [YIELD, 1, {}]
    play.alice > [CALL, 3, {}, "com.p"]
    play.alice < [INVOCATION, 2, play.reg, {}]
    play.alice > [ERROR, INVOCATION, 2, {}, "com.err"]
    play.alice < [ERROR, CALL, 3, {}, "com.err"]
    play.alice > [SUBSCRIBE, 4, {}, "com.a"]
    play.alice < [SUBSCRIBED, 4, int]


@pytest.mark.spec("ID-07", "RPC-13")
def test_invocations_are_counted_for_each_callee_by_itself(play):
    registered(play, "callee", "com.a", reg="a")
    registered(play, "bob", "com.b", reg="b")
    for number in (1, 2, 3):
        play.caller > [CALL, 2 * number, {}, "com.a"]
        play.callee < [INVOCATION, number, play.a, {}]
        play.alice > [CALL, 2 * number + 1, {}, "com.b"]
        play.bob < [INVOCATION, number, play.b, {}]
        play.callee > [YIELD, number, {}]
        play.caller < [RESULT, 2 * number, {}]
        play.bob > [YIELD, number, {}]
        play.alice < [RESULT, 2 * number + 1, {}]


@pytest.mark.spec("ID-10", "WS-08", "MUX-01", "AMB-10")
def test_a_new_session_on_the_same_connection_counts_from_1_again(play):
    play.session("alice", realm="strict")
    first = play.alice.id
    play.alice > [PUBLISH, 1, {}, "com.a"]
    play.alice > [PUBLISH, 2, {}, "com.a"]
    play.alice > [GOODBYE, {}, "wamp.close.close_realm"]
    play.alice < [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    play.alice.join("strict")
    assert play.alice.id != first
    play.alice > [SUBSCRIBE, 1, {}, "com.a"]
    play.alice < [SUBSCRIBED, 1, int]
