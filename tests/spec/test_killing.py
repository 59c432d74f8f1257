"""Sending sessions away (advanced profile, "Session Meta API").

In a play the canary has joined before everybody else.
"""

from __future__ import annotations

import pytest

from tests.spec.scenes import asked, goodbye, joined_as, no_result, refused, registered, subscribed
from tests.spec.test_meta_sessions import NO_SUCH_SESSION, ON_JOIN, ON_LEAVE, details_of, on_leave
from tests.support.play import ALL, BASIC, closed, nothing
from wampd.realms.messages import (
    ABORT,
    AUTHENTICATE,
    CALL,
    CHALLENGE,
    ERROR,
    EVENT,
    GOODBYE,
    INVOCATION,
    PUBLISH,
    REGISTER,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
)


@pytest.mark.spec("META-S-06")
@pytest.mark.parametrize(
    ("kwargs", "goodbye_"),
    [
        ({}, [GOODBYE, {}, "wamp.close.killed"]),
        ({"reason": "com.bye"}, [GOODBYE, {}, "com.bye"]),
        ({"message": "x"}, [GOODBYE, {"message": "x"}, "wamp.close.killed"]),
        ({"reason": "com.bye", "message": "x"}, [GOODBYE, {"message": "x"}, "com.bye"]),
        ({"reason": None, "message": None}, [GOODBYE, {}, "wamp.close.killed"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["features", "basic"])
def test_who_is_killed_is_told_why_and_the_connection_is_closed(play, kwargs, goodbye_, roles):
    bob = play.session("bob", roles=roles)
    asked(play.alice, 1, "wamp.session.kill", [bob.id], kwargs, answer=no_result)
    bob < goodbye_
    bob > [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    bob < closed
    refused(play.alice, 2, "wamp.session.get", [bob.id], error=NO_SUCH_SESSION)


@pytest.mark.spec("META-S-06")
def test_reason_and_message_can_be_given_by_place(play):
    bob = play.bob
    asked(play.alice, 1, "wamp.session.kill", [bob.id, "com.bye", "off with you"], answer=no_result)
    bob < [GOODBYE, {"message": "off with you"}, "com.bye"]


@pytest.mark.spec("META-S-06")
def test_who_takes_short_messages_only_is_told_the_reason_if_the_message_is_too_long_for_it(memory_play):
    play = memory_play
    bob = play.newcomer("bob", max_receive=1536)
    bob.join()
    reason = f"com.{'x' * 500}"
    asked(play.alice, 1, "wamp.session.kill", [bob.id], {"reason": reason, "message": "x" * 1024}, answer=no_result)
    bob < [GOODBYE, {}, reason]
    bob > [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    bob < closed


@pytest.mark.spec("META-S-06", "META-S-07")
def test_who_is_at_the_door_is_not_killed_and_can_be_later(play):
    """While a client authenticates it is nobody yet."""
    killer = joined_as(play, "killer", "joe")
    bob = play.newcomer("bob")
    bob.hello("guarded", authmethods=["ticket"], authid="ann")
    bob < [CHALLENGE, "ticket", {}]
    asked(killer, 1, "wamp.session.kill_by_authid", ["ann"], answer=[])
    bob > [AUTHENTICATE, "hunter2-of-ann", {}]
    bob.welcome()
    asked(killer, 2, "wamp.session.kill_by_authid", ["ann"], answer=[bob.id])
    bob < [GOODBYE, {}, "wamp.close.killed"]


@pytest.mark.spec("META-S-01", "META-S-06")
def test_who_is_killed_as_soon_as_it_is_told_of_has_been_welcome_and_is_gone(play):
    subscribed(play, "alice", ON_JOIN, sub="joins")
    play.newcomer("bob").hello()
    kind, _, _, _, [joined] = play.alice.hear()
    assert kind == EVENT
    asked(play.alice, 2, "wamp.session.kill", [joined["session"]], answer=no_result)
    play.bob.welcome()
    assert play.bob.id == joined["session"]
    play.bob < [GOODBYE, {}, "wamp.close.killed"]


@pytest.mark.spec("META-S-06", "SES-10")
@pytest.mark.parametrize(
    "farewell", [[GOODBYE, {}, "wamp.close.close_realm"], [ABORT, {}, "com.broken"]], ids=["goodbye", "abort"]
)
def test_who_leaves_while_it_is_killed_is_told_and_let_go(memory_play, farewell):
    play = memory_play
    subscribed(play, "carol", ON_LEAVE, sub="leaves")
    bob = play.bob
    asked(play.alice, 1, "wamp.session.kill", [bob.id], answer=no_result)
    bob > farewell
    bob < [GOODBYE, {}, "wamp.close.killed"]
    bob < closed
    play.carol < [EVENT, play.leaves, int, {}, on_leave(bob)]
    play.carol < nothing


@pytest.mark.spec("META-S-06")
def test_who_is_killed_and_does_not_answer_is_closed_all_the_same(memory_play):
    play = memory_play
    bob = play.bob
    asked(play.alice, 1, "wamp.session.kill", [bob.id], answer=no_result)
    bob < [GOODBYE, {}, "wamp.close.killed"]
    assert bob.wire.closed is None
    play.stage.clock.advance(5.1)
    bob < closed


@pytest.mark.spec("META-S-06")
def test_what_a_killed_session_still_says_is_dropped(play):
    subscribed(play, "carol", "com.topic", sub="topic")
    bob = registered(play, "bob", "com.p")
    asked(play.alice, 1, "wamp.session.kill", [bob.id], answer=no_result)
    bob.say([PUBLISH, 2, {}, "com.topic"], [CALL, 3, {}, "wamp.session.count"], [REGISTER, 4, {}, "com.q"])
    bob < [GOODBYE, {}, "wamp.close.killed"]
    bob < nothing
    play.carol < nothing
    for number, procedure in enumerate(["com.p", "com.q"], 2):
        refused(play.alice, number, procedure, error="wamp.error.no_such_procedure")


@pytest.mark.spec("META-S-06", "RPC-16", "RPC-18")
def test_calls_of_and_to_a_killed_session_end(play):
    bob = registered(play, "bob", "com.p", reg="p")
    registered(play, "carol", "com.q", reg="q")
    play.dave > [CALL, 1, {}, "com.p"]
    bob < [INVOCATION, 1, play.p, {}]
    bob > [CALL, 2, {}, "com.q"]
    play.carol < [INVOCATION, 1, play.q, {}]
    asked(play.alice, 1, "wamp.session.kill", [bob.id], answer=no_result)
    play.dave < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    bob < [ERROR, CALL, 2, {}, "wamp.error.canceled", ...]
    bob < [GOODBYE, {}, "wamp.close.killed"]
    play.carol < [69, 1, {...: ...}]


@pytest.mark.spec("META-S-06")
def test_nobody_kills_itself_nor_who_is_not_here(play):
    bob = play.bob
    goodbye(bob)
    for number, victim in enumerate([play.alice.id, bob.id, 2**53], 1):
        refused(play.alice, number, "wamp.session.kill", [victim], error=NO_SUCH_SESSION)
    play.alice < nothing
    asked(play.alice, 9, "wamp.session.get", [play.alice.id], answer=details_of(play.alice))


@pytest.mark.spec("META-S-06", "META-S-07", "META-S-08", "META-S-09")
@pytest.mark.parametrize("reason", ["", "not a uri", "a..b", "a.b\n", "x" * 513], ids=str)
def test_a_reason_that_is_no_uri_is_refused_and_nobody_is_killed(memory_play, reason):
    play = memory_play
    bob = play.bob
    calls = {"kill": [bob.id], "kill_by_authid": [bob.details["authid"]], "kill_by_authrole": ["anonymous"]}
    for number, (procedure, args) in enumerate({**calls, "kill_all": []}.items(), 1):
        refused(play.alice, number, f"wamp.session.{procedure}", args, {"reason": reason}, "wamp.error.invalid_uri")
    bob < nothing
    asked(play.alice, 9, "wamp.session.count", answer=3)


@pytest.mark.spec("META-S-07")
def test_all_sessions_of_an_authid_are_killed_but_the_callers_own(play):
    first, own, second, other = (
        joined_as(play, name, authid) for name, authid in zip("wxyz", ["joe", "joe", "joe", "ann"], strict=True)
    )
    asked(own, 1, "wamp.session.kill_by_authid", ["joe"], {"reason": "com.bye"}, answer=[first.id, second.id])
    for victim in (first, second):
        victim < [GOODBYE, {}, "com.bye"]
    other < nothing
    asked(own, 2, "wamp.session.kill_by_authid", ["joe"], answer=[])
    asked(own, 3, "wamp.session.kill_by_authid", ["nobody"], answer=[])


@pytest.mark.spec("META-S-08", "AMB-31")
def test_all_sessions_of_a_role_are_killed_but_the_callers_own(play):
    own, first, second, other = (
        joined_as(play, name, authid) for name, authid in zip("wxyz", ["joe", "ann", "joe", "bob"], strict=True)
    )
    asked(own, 1, "wamp.session.kill_by_authrole", ["member"], {"message": "x"}, answer=2)
    for victim in (first, second):
        victim < [GOODBYE, {"message": "x"}, "wamp.close.killed"]
    other < nothing
    asked(own, 2, "wamp.session.kill_by_authrole", ["member"], answer=0)


@pytest.mark.spec("META-S-09")
def test_killing_all_spares_the_caller_and_tells_nobody_else(memory_play):
    play = memory_play
    topics = [ON_LEAVE, "wamp.subscription.on_unsubscribe", "wamp.subscription.on_delete"]
    topics += ["wamp.registration.on_unregister", "wamp.registration.on_delete"]
    for number, topic in enumerate(topics, 1):
        subscribed(play, "alice", topic, number, topic)
    victims = [play.session(name, realm="realm1") for name in "xyz"]
    for number, victim in enumerate(victims):
        victim.say([SUBSCRIBE, 1, {}, "com.topic"], [REGISTER, 2, {}, f"com.p{number}"])
        victim < [SUBSCRIBED, 1, int]
        victim < [65, 2, int]
    asked(play.alice, 10, "wamp.session.kill_all", [], {"reason": "com.bye", "message": "x"}, answer=4)
    for victim in (play._canary, *victims):
        victim < [GOODBYE, {"message": "x"}, "com.bye"]
    play.alice < nothing
    asked(play.alice, 11, "wamp.session.list", answer=[play.alice.id])
    asked(play.alice, 12, "wamp.registration.list", answer={"exact": [], "prefix": [], "wildcard": []})
    asked(play.alice, 13, "wamp.subscription.match", ["com.topic"], answer=None)
    asked(play.alice, 14, "wamp.session.kill_all", answer=0)
    play._canary = play.session("the next canary")


@pytest.mark.spec("META-S-06", "META-S-09", "TST-05")
@pytest.mark.parametrize("kill", ["kill", "kill_by_authid", "kill_by_authrole", "kill_all"])
def test_testaments_of_the_killed_are_published_unless_all_are_killed(memory_play, kill):
    play = memory_play
    alice, bob = subscribed(play, "alice", "com.testament"), play.bob
    asked(bob, 1, "wamp.session.add_testament", ["com.testament", ["gone"], {}], answer=no_result)
    args = {
        "kill": [bob.id],
        "kill_by_authid": [bob.details["authid"]],
        "kill_by_authrole": ["anonymous"],
        "kill_all": [],
    }
    alice > [CALL, 2, {}, f"wamp.session.{kill}", args[kill]]
    if kill != "kill_all":
        alice < [EVENT, play.sub, int, {}, ["gone"]]
    alice < [RESULT, 2, {}, ...]
    bob < [GOODBYE, {}, "wamp.close.killed"]
    alice < nothing
    if kill in ("kill_by_authrole", "kill_all"):
        play._canary < [GOODBYE, {}, "wamp.close.killed"]
        play._canary = play.session("the next canary")
