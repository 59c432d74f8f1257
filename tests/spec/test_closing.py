"""How sessions end, and what may follow (basic profile, "Session Closing")."""

from __future__ import annotations

import signal

import pytest

from tests.spec.scenes import ACKNOWLEDGE, LEAVING, registered, subscribed
from tests.support.play import ANY, BASIC, Play, closed, nothing, violation
from tests.support.process import Child, environment, free_port, wampd_command
from tests.support.stages import CONFIGURATION, SocketStage
from wampd.realms.messages import (
    ABORT,
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    HELLO,
    INTERRUPT,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    YIELD,
)

BYE = [GOODBYE, {}, "wamp.close.close_realm"]
AND_OUT = [GOODBYE, {}, "wamp.close.goodbye_and_out"]
SHUTDOWN = "wamp.close.system_shutdown"


def dismiss(play, actor, reason, message=""):
    """Let the router close a session."""
    actor.wire.line.peer.dismiss(reason, message)
    play.stage.realms.end_of_turn()
    play.fence()


@pytest.mark.spec("SES-08", "SES-13", "AMB-32")
@pytest.mark.parametrize(
    "message",
    [
        [ABORT, {}, "wamp.error.protocol_violation"],
        [ABORT, {"message": "I am broken"}, "com.app.broken"],
        [ABORT, {}, "com.app.broken", ["why"], {"how": 1}],
    ],
    ids=str,
)
def test_an_abort_ends_the_session_and_is_not_answered(play, message):
    registered(play, "alice")
    play.alice > message
    play.alice < closed
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ...]


@pytest.mark.spec("SES-09", "SES-11")
@pytest.mark.parametrize("details", [{}, {"message": "I must go"}], ids=str)
def test_goodbye_is_answered_by_goodbye_and_nothing_follows(play, details):
    subscribed(play, "alice")
    play.bob.say([PUBLISH, 1, {}, "com.topic"])
    play.alice < [EVENT, play.sub, int, {}]
    play.alice > [GOODBYE, details, "wamp.close.close_realm"]
    play.alice < AND_OUT
    play.bob > [PUBLISH, 2, {}, "com.topic"]
    play.alice < nothing


@pytest.mark.spec("SES-12")
@pytest.mark.parametrize(
    "message",
    [
        [GOODBYE, "x", "a.b"],
        [GOODBYE, {}, 5],
        [GOODBYE, {}],
        [GOODBYE, {}, "a.b", []],
        [GOODBYE, {"message": 5}, "a.b"],
        [GOODBYE, {}, "not a uri"],
        [ABORT, [], "a.b"],
        [ABORT, {}, None],
        [ABORT, {}],
        [ABORT, {}, "a.b", {}],
    ],
    ids=str,
)
def test_a_malformed_goodbye_or_abort_is_a_violation(play, message):
    play.alice > message
    play.alice < violation


@pytest.mark.spec("WS-08", "ID-10", "PS-04", "SES-11", "MUX-01", "AMB-10")
def test_after_goodbye_the_connection_carries_a_new_session(play):
    subscribed(play, "alice")
    first, authid = play.alice.id, play.alice.details["authid"]
    play.alice > BYE
    play.alice < AND_OUT
    play.alice.join()
    assert play.alice.id != first
    assert play.alice.details["authid"] != authid
    play.bob > [PUBLISH, 1, {}, "com.topic"]
    play.alice < nothing
    play.alice > [UNSUBSCRIBE, 1, play.sub]
    play.alice < [ERROR, UNSUBSCRIBE, 1, {}, "wamp.error.no_such_subscription", ...]
    play.alice > [SUBSCRIBE, 2, {}, "com.topic"]
    play.alice < [SUBSCRIBED, 2, ANY.as_("anew")]
    play.bob > [PUBLISH, 2, {}, "com.topic"]
    play.alice < [EVENT, play.anew, int, {}]


@pytest.mark.spec("MUX-01", "WS-08")
def test_sessions_on_one_connection_may_be_of_different_realms_and_share_nothing(play):
    registered(play, "callee")
    play.alice > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 1, {}]
    play.alice < [RESULT, 1, {}]
    play.alice > BYE
    play.alice < AND_OUT
    play.alice.join("strict")
    play.alice > [CALL, 1, {}, "com.app.add"]
    play.alice < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ...]
    play.callee < nothing
    play.alice > [CALL, 7, {}, "com.app.add"]
    play.alice < violation


@pytest.mark.spec("WS-08", "SES-09")
def test_goodbye_and_the_next_hello_may_come_in_one_write(play):
    play.alice.say(BYE, [HELLO, "realm1", {"roles": BASIC}], [PUBLISH, 1, ACKNOWLEDGE, "com.topic"], BYE)
    play.alice < AND_OUT
    play.alice.welcome()
    play.alice < [PUBLISHED, 1, int]
    play.alice < AND_OUT


@pytest.mark.spec("WS-08", "PV-02")
@pytest.mark.parametrize("message", [[PUBLISH, 1, {}, "a.b"], [YIELD, 1, {}], BYE], ids=str)
def test_after_goodbye_only_hello_may_come(play, message):
    play.alice > BYE
    play.alice < AND_OUT
    play.alice > message
    play.alice < violation


@pytest.mark.spec("WS-08", "SES-14", "AMB-10")
def test_who_says_nothing_after_goodbye_is_disconnected(memory_play):
    play = memory_play
    play.alice > BYE
    play.alice < AND_OUT
    play.stage.clock.advance(9.5)
    assert not play.alice.has_ended()
    play.stage.clock.advance(1)
    play.alice < closed


@LEAVING
@pytest.mark.spec("SES-11", "PS-04", "SES-18")
def test_a_session_that_has_ended_leaves_nothing_behind(play, leave):
    registered(play, "alice")
    subscribed(play, "alice", request=2)
    registered(play, "bob", "com.bob", reg="bobs")
    play.alice > [CALL, 3, {}, "com.bob"]
    play.bob < [INVOCATION, 1, play.bobs, {}]
    play.carol > [CALL, 1, {}, "com.app.add"]
    play.alice < [INVOCATION, 1, play.reg, {}]
    leave(play.alice)
    play.bob < [INTERRUPT, 1, {...: ...}]
    play.carol < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    play.carol > [CALL, 2, {}, "com.app.add"]
    play.carol < [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", ...]
    play.carol > [PUBLISH, 3, ACKNOWLEDGE, "com.topic"]
    play.carol < [PUBLISHED, 3, int]
    play.carol > [REGISTER, 4, {}, "com.app.add"]
    play.carol < [REGISTERED, 4, int]
    if not play.alice.has_ended():
        play.alice < nothing


@pytest.mark.spec("SES-10", "WS-07")
def test_a_session_that_the_router_closes_gets_goodbye_and_is_not_heard_any_more(memory_play):
    play = memory_play
    subscribed(play)
    registered(play, "alice")
    play.bob > [CALL, 1, {}, "com.app.add"]
    play.alice < [INVOCATION, 1, play.reg, {}]
    play.alice > [SUBSCRIBE, 2, {}, "com.own"]
    play.alice < [SUBSCRIBED, 2, int]
    dismiss(play, play.alice, "wamp.close.killed", "enough")
    play.alice < [GOODBYE, {"message": "enough"}, "wamp.close.killed"]
    play.bob < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    # Whatever it says before its own GOODBYE is dropped, and nothing reaches it.
    play.alice > [PUBLISH, 3, ACKNOWLEDGE, "com.topic"]
    play.alice > [YIELD, 1, {}]
    play.alice > [HELLO, "realm1", {"roles": BASIC}]
    play.bob > [PUBLISH, 2, {}, "com.own"]
    play.alice < nothing
    play.subscriber < nothing
    play.alice > AND_OUT
    play.alice < closed(1001)


@pytest.mark.spec("SES-10")
def test_a_session_that_does_not_answer_goodbye_is_disconnected(memory_play):
    play = memory_play
    dismiss(play, play.alice, "wamp.close.killed")
    play.alice < [GOODBYE, {}, "wamp.close.killed"]
    play.stage.clock.advance(4.5)
    assert not play.alice.has_ended()
    play.stage.clock.advance(1)
    play.alice < closed(1001)


@pytest.mark.spec("SES-10", "RPC-18")
def test_the_calls_of_a_session_that_the_router_closes_are_answered_before_goodbye(memory_play):
    play = memory_play
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    dismiss(play, play.caller, "wamp.close.killed")
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    play.caller < [GOODBYE, {}, "wamp.close.killed"]
    play.callee < [INTERRUPT, 1, {"mode": "killnowait", ...: ...}]


@pytest.mark.spec("RPC-16", "SES-11")
def test_very_many_who_wait_for_a_callee_that_is_gone_are_answered_over_several_turns(memory_play):
    play = memory_play
    play.stage.realms["realm1"].core.SLICE = 10
    registered(play)
    calls = [[CALL, number, {}, "com.app.add"] for number in range(1, 36)]
    play.caller.say(*calls)
    for number in range(1, 36):
        play.callee < [INVOCATION, number, play.reg, {}]
    play.callee.drop()
    for _ in range(4):
        play.stage.clock.advance(0)
    for number in range(1, 36):
        play.caller < [ERROR, CALL, number, {}, "wamp.error.canceled", [str]]
    play.caller < nothing


@pytest.mark.spec("SES-17", "WS-07", "SES-10")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_router_that_is_stopped_says_goodbye_to_everybody_and_exits_with_status_0(tmp_path, number):
    port = free_port()
    with Child(wampd_command("run", CONFIGURATION), tmp_path / "log", env=environment(WAMPD_PORT=str(port))) as wampd:
        wampd.wait_for_port(port)
        plays = [Play(SocketStage(*words, port)) for words in [("websocket", "json"), ("rawsocket", "cbor")]]
        for play in plays:
            registered(play)
            play.caller > [CALL, 1, {}, "com.app.add"]
            play.callee < [INVOCATION, 1, play.reg, {}]
            play.callee > [YIELD, 1, {}]
            play.caller < [RESULT, 1, {}]
            play.callee > [REGISTER, 2, {}, "com.app.other"]
            play.callee < [REGISTERED, 2, int]
            play.callee > BYE
            play.callee < AND_OUT
        wampd.signal(number)
        for play in plays:
            play.caller < [GOODBYE, {...: ...}, SHUTDOWN]
            play.caller > AND_OUT
            play.caller < closed(1001)
            play.canary < [GOODBYE, {...: ...}, SHUTDOWN]
            play.canary > AND_OUT
            play.canary < closed(1001)
            play.leave()
        assert wampd.wait() == 0
