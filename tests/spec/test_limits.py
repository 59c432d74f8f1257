"""What a session may hold and do, by realm and by role; every refusal names the limit and its value."""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE, goodbye, joined_as
from tests.support.play import ALL, ANY, BASIC, closed, nothing, violation
from wampd.realms.messages import (
    ABORT,
    AUTHENTICATE,
    CALL,
    CHALLENGE,
    ERROR,
    EVENT,
    INTERRUPT,
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

NOT_AUTHORIZED = "wamp.error.not_authorized"
TOO_LARGE = "wamp.error.payload_size_exceeded"
UNAVAILABLE = "wamp.error.unavailable"

pytestmark = pytest.mark.spec("SEC-05")


def visitor(play, name="alice", roles=BASIC):
    return play.session(name, "limited", roles)


def member(play, name="bob"):
    return joined_as(play, name, "joe", "limited")


def both(play):
    """A session of each role, with the factor by which the second may do more."""
    return (visitor(play), 1), (member(play), 2)


def nested(levels):
    """Arguments that make a CALL nest so deep: the message and they are two levels."""
    value = 1
    for _ in range(levels - 2):
        value = [value]
    return [value]


def test_a_session_over_the_limit_of_the_realm_is_not_let_in(play):
    first = visitor(play, "alice")
    member(play, "bob")
    member(play, "carol")
    play.newcomer("dave").hello("limited")
    play.dave < [ABORT, {"message": "no more than 3 sessions at once (limit: sessions)"}, UNAVAILABLE]
    play.dave < closed
    goodbye(first)
    visitor(play, "erin")


def test_a_session_over_the_limit_of_its_role_is_not_let_in(play):
    first = visitor(play, "alice")
    visitor(play, "bob")
    play.newcomer("carol").hello("limited")
    play.carol < [
        ABORT,
        {"message": "no more than 2 sessions at once (limit: sessions), of the role 'visitor'"},
        UNAVAILABLE,
    ]
    play.carol < closed
    member(play, "dave")
    goodbye(first)
    visitor(play, "erin")


def test_a_session_over_the_limit_of_its_principal_is_not_let_in(play):
    first = joined_as(play, "alice", "joe", "twofold")
    joined_as(play, "bob", "joe", "twofold")
    one_too_many = play.newcomer("carol")
    one_too_many.hello("twofold", authmethods=["ticket"], authid="joe")
    one_too_many < [CHALLENGE, "ticket", {}]
    one_too_many > [AUTHENTICATE, "hunter2-of-joe", {}]
    text = "no more than 2 sessions of one principal at once (limit: sessions_per_principal)"
    one_too_many < [ABORT, {"message": text}, UNAVAILABLE]
    one_too_many < closed
    joined_as(play, "dave", "ann", "twofold")
    goodbye(first)
    joined_as(play, "erin", "joe", "twofold")


def test_a_role_may_have_another_limit_of_sessions_of_a_principal(play):
    joined_as(play, "alice", "boss", "twofold")
    one_too_many = play.newcomer("bob")
    one_too_many.hello("twofold", authmethods=["ticket"], authid="boss")
    one_too_many < [CHALLENGE, "ticket", {}]
    one_too_many > [AUTHENTICATE, "hunter2-of-boss", {}]
    one_too_many < [ABORT, {"message": str}, UNAVAILABLE]
    one_too_many < closed


def test_subscriptions_over_the_limit_are_refused(play):
    for actor, factor in both(play):
        for number in range(1, 2 * factor + 1):
            actor > [SUBSCRIBE, number, {}, f"com.topic.{number}"]
            actor < [SUBSCRIBED, number, ANY]
        actor > [SUBSCRIBE, 7, {}, "com.topic.one.more"]
        text = f"no more than {2 * factor} subscriptions in one session (limit: subscriptions)"
        actor < [ERROR, SUBSCRIBE, 7, {}, NOT_AUTHORIZED, [text]]
        actor > [SUBSCRIBE, 8, {}, "com.topic.1"]  # is there
        actor < [SUBSCRIBED, 8, ANY.as_("sub")]
        actor > [UNSUBSCRIBE, 9, play.sub]
        actor < [UNSUBSCRIBED, 9]
        actor > [SUBSCRIBE, 10, {}, "com.topic.one.more"]
        actor < [SUBSCRIBED, 10, int]
        del play.names["sub"]


def test_registrations_over_the_limit_are_refused(play):
    for actor, factor in both(play):
        for number in range(1, 2 * factor + 1):
            actor > [REGISTER, number, {}, f"com.app.{factor}.{number}"]
            actor < [REGISTERED, number, ANY.as_(f"reg{factor}{number}")]
        actor > [REGISTER, 7, {}, "com.app.one.more"]
        text = f"no more than {2 * factor} registrations in one session (limit: registrations)"
        actor < [ERROR, REGISTER, 7, {}, NOT_AUTHORIZED, [text]]
        actor > [UNREGISTER, 8, play.names[f"reg{factor}1"]]
        actor < [UNREGISTERED, 8]


def test_calls_under_way_over_the_limit_are_refused(play):
    callee = member(play, "carol")
    callee > [REGISTER, 1, {}, "com.app.slow"]
    callee < [REGISTERED, 1, int]
    for actor, factor in both(play):
        most = 2 * factor
        for number in range(1, most + 1):
            actor > [CALL, number, {}, "com.app.slow"]
            callee < [INVOCATION, ANY.as_(f"call{factor}{number}"), int, {}]
        actor > [CALL, 7, {}, "com.app.slow"]
        text = f"no more than {most} calls under way in one session (limit: pending_calls)"
        actor < [ERROR, CALL, 7, {}, NOT_AUTHORIZED, [text]]
        callee > [YIELD, play.names[f"call{factor}1"], {}]
        actor < [RESULT, 1, {}]


def test_a_uri_over_the_limit_is_refused(play):
    for actor, limit in (visitor(play), 40), (member(play), 60):
        actor > [SUBSCRIBE, 1, {}, "com." + "x" * (limit - 4)]
        actor < [SUBSCRIBED, 1, int]
        text = f"no more than {limit} bytes in a URI (limit: uri_length)"
        actor > [SUBSCRIBE, 2, {}, "com." + "x" * (limit - 3)]
        actor < [ERROR, SUBSCRIBE, 2, {}, "wamp.error.invalid_uri", [text]]


def test_calls_and_publications_with_too_much_payload_are_refused(play):
    for actor, limit in (visitor(play), 100), (member(play), 1000):
        text = f"no more than {limit} bytes of payload in one message (limit: payload_size)"
        actor > [CALL, 1, {}, "com.app.x", ["x" * limit]]
        actor < [ERROR, CALL, 1, {}, TOO_LARGE, [text]]
        actor > [CALL, 2, {}, "com.app.x", ["x" * (limit // 2)], {"x": "x" * (limit // 2)}]
        actor < [ERROR, CALL, 2, {}, TOO_LARGE, [text]]
        actor > [PUBLISH, 3, ACKNOWLEDGE, "com.topic", ["x" * limit]]
        actor < [ERROR, PUBLISH, 3, {}, TOO_LARGE, [text]]
        actor > [PUBLISH, 4, {}, "com.topic", ["x" * limit]]
        actor < nothing
        actor > [PUBLISH, 5, ACKNOWLEDGE, "com.topic", ["x" * (limit - 20)]]
        actor < [PUBLISHED, 5, int]


def test_a_publication_with_too_much_payload_reaches_nobody(play):
    alice, bob = visitor(play), member(play)
    bob > [SUBSCRIBE, 1, {}, "com.topic"]
    bob < [SUBSCRIBED, 1, int]
    alice > [PUBLISH, 1, {}, "com.topic", ["x" * 100]]
    bob < nothing
    alice > [PUBLISH, 2, {}, "com.topic", ["x"]]
    bob < [EVENT, int, int, {}, ["x"]]


@pytest.mark.parametrize("answer", [[YIELD], [ERROR, INVOCATION]], ids=str)
def test_an_answer_with_too_much_payload_ends_the_call_with_an_error(play, answer):
    callee, caller = visitor(play), member(play)
    callee > [REGISTER, 1, {}, "com.app.big"]
    callee < [REGISTERED, 1, int]
    end = ["com.app.error"] if answer[0] == ERROR else []
    for number, size in (1, 100), (2, 10):
        caller > [CALL, number, {}, "com.app.big"]
        callee < [INVOCATION, number, int, {}]
        callee > [*answer, number, {}, *end, ["x" * size]]
    text = "no more than 100 bytes of payload in one message (limit: payload_size)"
    caller < [ERROR, CALL, 1, {}, TOO_LARGE, [text]]
    caller < ([ERROR, CALL, 2, {}, *end, ["x" * 10]] if end else [RESULT, 2, {}, ["x" * 10]])
    callee > [*answer, 1, {}, *end, ["x" * 100]]  # late, and of no use
    caller < nothing
    callee > [*answer, 3, {}, *end, ["x" * 100]]
    callee < violation


def test_calls_over_the_rate_are_refused_and_publications_are_counted_by_themselves(play):
    for actor, factor in both(play):
        for number in range(1, 3 * factor + 1):
            actor > [CALL, number, {}, "com.app.none"]
            actor < [ERROR, CALL, number, {}, "wamp.error.no_such_procedure", [str]]
        for number in (10, 11):
            actor > [CALL, number, {}, "com.app.none"]
            actor < [ERROR, CALL, number, {}, UNAVAILABLE, ["no more than 0.0001 calls a second (limit: call_rate)"]]
        actor > [PUBLISH, 12, ACKNOWLEDGE, "com.topic"]
        actor < [PUBLISHED, 12, int]


def test_publications_over_the_rate_are_refused_or_dropped(play):
    for actor, factor in both(play):
        for number in range(1, 3 * factor + 1):
            actor > [PUBLISH, number, ACKNOWLEDGE, "com.topic"]
            actor < [PUBLISHED, number, int]
        actor > [PUBLISH, 10, ACKNOWLEDGE, "com.topic"]
        text = "no more than 0.0001 publications a second (limit: publication_rate)"
        actor < [ERROR, PUBLISH, 10, {}, UNAVAILABLE, [text]]
        actor > [PUBLISH, 11, {"exclude_me": False}, "com.topic"]
        actor < nothing
        actor > [CALL, 12, {}, "com.app.none"]
        actor < [ERROR, CALL, 12, {}, "wamp.error.no_such_procedure", [str]]


def test_a_new_session_has_all_its_tokens_and_a_call_that_is_under_way_has_no_second_answer(play):
    callee = member(play)
    callee > [REGISTER, 1, {}, "com.app.slow"]
    callee < [REGISTERED, 1, int]
    alice = visitor(play)
    for number in (1, 2):
        alice > [CALL, number, {}, "com.app.slow"]
        callee < [INVOCATION, number, int, {}]
    alice > [CALL, 3, {}, "com.app.none"]
    alice < [ERROR, CALL, 3, {}, "wamp.error.no_such_procedure", [str]]
    alice > [CALL, 1, {}, "com.app.slow"]
    alice < violation("CALL 1")
    for number in (1, 2):
        callee < [INTERRUPT, number, {"mode": "killnowait", "reason": "wamp.error.canceled"}]
    visitor(play, "carol") > [CALL, 1, {}, "com.app.none"]
    play.carol < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", [str]]


def test_the_parts_of_a_progressive_call_are_one_call(play):
    callee, caller = member(play), visitor(play, roles=ALL)
    callee > [REGISTER, 1, {}, "com.app.upload"]
    callee < [REGISTERED, 1, int]
    for part in range(8):
        caller > [CALL, 1, {"progress": True}, "com.app.upload", [part]]
        callee < [INVOCATION, 1, int, {"progress": True}, [part]]
    for number in (2, 3):
        caller > [CALL, number, {}, "com.app.none"]
        caller < [ERROR, CALL, number, {}, "wamp.error.no_such_procedure", [str]]
    caller > [CALL, 4, {"progress": True}, "com.app.upload"]  # over the rate
    caller < [ERROR, CALL, 4, {}, UNAVAILABLE, [str]]
    caller > [CALL, 4, {}, "com.app.upload"]  # its last part was on the way
    caller < nothing
    caller > [CALL, 1, {}, "com.app.upload", ["last"]]
    callee < [INVOCATION, 1, int, {}, ["last"]]
    callee > [YIELD, 1, {}]
    caller < [RESULT, 1, {}]


def test_a_part_of_a_progressive_call_with_too_much_payload_ends_it(play):
    callee, caller = member(play), visitor(play, roles=ALL)
    callee > [REGISTER, 1, {}, "com.app.upload"]
    callee < [REGISTERED, 1, int]
    caller > [CALL, 1, {"progress": True}, "com.app.upload", ["x"]]
    callee < [INVOCATION, 1, int, {"progress": True}, ["x"]]
    caller > [CALL, 1, {"progress": True}, "com.app.upload", ["x" * 100]]
    text = "no more than 100 bytes of payload in one message (limit: payload_size)"
    caller < [ERROR, CALL, 1, {}, TOO_LARGE, [text]]
    callee < [INTERRUPT, 1, {"mode": "killnowait", "reason": TOO_LARGE}]
    caller > [CALL, 1, {}, "com.app.upload", ["x"]]  # was on the way
    callee > [YIELD, 1, {}]
    caller < nothing
    callee < nothing


def test_progress_with_too_much_payload_ends_the_call(play):
    callee, caller = visitor(play, roles=ALL), member(play)
    callee > [REGISTER, 1, {}, "com.app.report"]
    callee < [REGISTERED, 1, int]
    caller > [CALL, 1, {"receive_progress": True}, "com.app.report"]
    callee < [INVOCATION, 1, int, {"receive_progress": True}]
    callee > [YIELD, 1, {"progress": True}, ["x"]]
    caller < [RESULT, 1, {"progress": True}, ["x"]]
    callee > [YIELD, 1, {"progress": True}, ["x" * 100]]
    caller < [ERROR, CALL, 1, {}, TOO_LARGE, [str]]
    callee < [INTERRUPT, 1, {"mode": "killnowait", "reason": str}]
    callee > [YIELD, 1, {}, ["x"]]
    caller < nothing


def test_tokens_come_back_with_time(memory_play):
    play = memory_play
    alice = visitor(play)

    def calls():
        alice > [CALL, 1, {}, "com.app.none"]
        return alice.hear()[4] != UNAVAILABLE

    assert [calls() for _ in range(4)] == [True, True, True, False]
    play.stage.clock.advance(9_999)
    assert not calls()
    play.stage.clock.advance(2)
    assert [calls(), calls()] == [True, False]
    play.stage.clock.advance(1e9)
    assert [calls() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("roles", [BASIC, {"caller": {}}], ids=str)
def test_a_message_that_nests_deeper_than_the_role_may_is_a_violation(play, roles):
    for actor, depth in (visitor(play, roles=roles), 8), (member(play), 12):
        actor > [CALL, 1, {}, "com.app.none", nested(depth)]
        actor < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", [str]]
        actor > [CALL, 2, {}, "com.app.none", nested(depth + 1)]
        actor < violation(f"more than {depth} levels deep (limit: depth)")


def test_the_depth_counts_from_the_first_message_after_hello_until_the_session_is_over(play):
    alice = play.newcomer("alice")
    deep = [CALL, 1, {}, "com.app.none", nested(9)]
    alice.say([1, "limited", {"roles": BASIC}], deep)
    alice.welcome()
    alice < violation("more than 8 levels deep")
    bob = visitor(play, "bob")
    goodbye(bob)
    bob.say([1, "realm1", {"roles": BASIC}], deep)
    bob.welcome()
    bob < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", [str]]


def test_what_strikes_is_counted_by_the_name_of_what_it_is(memory_play):
    play = memory_play
    alice, bob = visitor(play), visitor(play, "bob")
    play.newcomer("carol").hello("limited")
    play.carol.hear()
    alice > [CALL, 1, {}, "com.app.none", ["x" * 100]]
    for number in range(2, 7):
        alice > [CALL, number, {}, "com.app.none"]
        bob > [PUBLISH, number, {}, "com.topic"]
    for actor, messages in (alice, 6), (bob, 0), (play.carol, 0):
        for _ in range(messages):
            actor.hear()
    assert +play.stage.realms.tally.totals() == {
        "joins refused": 1,
        "sessions over the limit": 1,
        "payloads over the limit": 1,
        "calls over the rate": 2,
        "publications over the rate": 2,
    }
