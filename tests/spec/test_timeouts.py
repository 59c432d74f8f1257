"""Calls that take too long (advanced profile, "Call Timeouts")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import called, pass_time, registered, without
from tests.support.play import ANY, BASIC, nothing, violation
from wampd.realms.messages import CALL, CANCEL, ERROR, INTERRUPT, INVOCATION, REGISTER, REGISTERED, RESULT, YIELD

TIMEOUT = "wamp.error.timeout"
SLOW = "com.app.slow"


def expect_timeout(play, number=1):
    """The caller's call, and the callee's invocation, of this number have timed out."""
    play.caller < [ERROR, CALL, number, {}, TIMEOUT, [str]]
    play.callee < [INTERRUPT, number, {"mode": "killnowait", "reason": TIMEOUT}]


def forwarding(play, roles=None):
    """A callee wants to watch the time of a procedure itself."""
    if roles is not None:
        play.session("callee", roles=roles)
    play.callee > [REGISTER, 1, {"forward_timeout": True}, SLOW]
    play.callee < [REGISTERED, 1, ANY.as_("reg")]


@pytest.mark.spec("TMO-01", "TMO-02", "TMO-03", "TMO-06", "RPC-18", "RPC-21")
@pytest.mark.parametrize("answer", ["yield", "error", "progress"])
def test_a_call_that_takes_too_long_ends_with_an_error_and_the_callee_is_interrupted(play, answer):
    called(play, SLOW, timeout=100)
    pass_time(play, 0.1)
    expect_timeout(play)
    options = {"progress": True} if answer == "progress" else {}
    play.callee > ([ERROR, INVOCATION, 1, {}, "com.err"] if answer == "error" else [YIELD, 1, options])
    play.caller < nothing
    play.callee < nothing


@pytest.mark.spec("TMO-03", "TMO-06", "FEA-02")
def test_a_callee_that_cannot_be_interrupted_is_left_alone(play):
    play.session("callee", roles=BASIC)
    called(play, SLOW, timeout=50)
    pass_time(play, 0.05)
    play.caller < [ERROR, CALL, 1, {}, TIMEOUT, ...]
    play.callee > [YIELD, 1, {}]
    play.callee < nothing
    play.caller < nothing


@pytest.mark.spec("TMO-01")
@pytest.mark.parametrize("roles", [None, BASIC], ids=["announced", "not announced"])
def test_a_call_that_is_answered_in_time_is_not_touched(play, roles):
    if roles is not None:
        play.session("caller", roles=roles)
    called(play, SLOW, timeout=1000)
    pass_time(play, 0.01)
    play.callee > [YIELD, 1, {}, ["in time"]]
    play.caller < [RESULT, 1, {}, ["in time"]]
    pass_time(play, 1.05)
    play.caller < nothing
    play.callee < nothing


@pytest.mark.spec("TMO-01")
def test_timeouts_are_in_milliseconds(memory_play):
    play = memory_play
    called(play, SLOW, timeout=300)
    pass_time(play, 0.298)
    play.caller < nothing
    pass_time(play, 0.004)
    expect_timeout(play)


@pytest.mark.spec("TMO-01")
@pytest.mark.parametrize("options", [{"timeout": 0}, {}], ids=str)
def test_without_a_timeout_a_call_may_take_as_long_as_it_likes(memory_play, options):
    play = memory_play
    called(play, SLOW, **options)
    pass_time(play, 1e6)
    play.caller < nothing
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("TMO-01", "AMB-13")
@pytest.mark.parametrize("timeout", [2**31, 2**53, 10**30])
def test_a_timeout_may_be_very_long(json_play, timeout):
    play = json_play
    called(play, SLOW, timeout=timeout)
    pass_time(play, 0.01)
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("TMO-01", "MSG-07")
@pytest.mark.parametrize("timeout", [-1, 1.5, "100", True, None], ids=repr)
def test_a_timeout_that_is_no_number_of_milliseconds_is_a_violation(play, timeout):
    registered(play, uri=SLOW)
    play.caller > [CALL, 1, {"timeout": timeout}, SLOW]
    play.caller < violation("timeout")
    play.callee < nothing


@pytest.mark.spec("TMO-09", "TMO-01")
def test_a_timeout_is_kept_to_fifty_milliseconds(memory_play):
    play = memory_play
    called(play, SLOW, timeout=200)
    pass_time(play, 0.199)
    play.caller < nothing
    pass_time(play, 0.05)
    expect_timeout(play)


@pytest.mark.spec("TMO-04")
def test_a_callee_that_wants_to_watch_the_time_is_told_and_the_router_does_not(play):
    forwarding(play)
    play.caller > [CALL, 1, {"timeout": 60}, SLOW]
    play.callee < [INVOCATION, 1, play.reg, {"timeout": 60}]
    pass_time(play, 0.1)
    play.caller < nothing
    play.callee > [ERROR, INVOCATION, 1, {}, TIMEOUT]
    play.caller < [ERROR, CALL, 1, {}, TIMEOUT]


@pytest.mark.spec("TMO-04")
def test_without_a_timeout_there_is_none_to_be_told(play):
    forwarding(play)
    play.caller > [CALL, 1, {}, SLOW]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("TMO-02", "TMO-04", "FEA-02")
@pytest.mark.parametrize("roles", [BASIC, without("callee", "call_timeout")], ids=["basic", "but this"])
def test_a_callee_that_cannot_watch_the_time_is_not_told(play, roles):
    forwarding(play, roles)
    play.caller > [CALL, 1, {"timeout": 50}, SLOW]
    play.callee < [INVOCATION, 1, play.reg, {}]
    pass_time(play, 0.05)
    play.caller < [ERROR, CALL, 1, {}, TIMEOUT, ...]
    if roles is not BASIC:
        play.callee < [INTERRUPT, 1, {...: ...}]


@pytest.mark.spec("TMO-05")
def test_a_realm_may_leave_the_watching_to_callees_that_did_not_ask_for_it(play):
    play.session("callee", realm="delegating")
    play.session("caller", realm="delegating")
    registered(play, uri=SLOW)
    play.caller > [CALL, 1, {"timeout": 50}, SLOW]
    play.callee < [INVOCATION, 1, play.reg, {"timeout": 50}]
    pass_time(play, 0.1)
    play.caller < nothing
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("TMO-05", "FEA-02")
def test_but_not_to_those_that_cannot(play):
    play.session("callee", realm="delegating", roles=BASIC)
    play.session("caller", realm="delegating")
    called(play, SLOW, timeout=50)
    pass_time(play, 0.05)
    play.caller < [ERROR, CALL, 1, {}, TIMEOUT, ...]


@pytest.mark.spec("TMO-05", "TMO-09")
def test_a_realm_may_watch_the_time_itself_whatever_callees_ask_for(memory_play):
    play = memory_play
    play.session("callee", realm="hurried")
    play.session("caller", realm="hurried")
    forwarding(play)
    play.caller > [CALL, 1, {"timeout": 50}, SLOW]
    play.callee < [INVOCATION, 1, play.reg, {}]
    pass_time(play, 0.05)
    expect_timeout(play)


@pytest.mark.spec("TMO-09", "AMB-13")
@pytest.mark.parametrize(
    ("asked", "seconds"), [({}, 0.2), ({"timeout": 60_000}, 0.5), ({"timeout": 10**30}, 0.5)], ids=str
)
def test_a_realm_has_a_default_and_a_maximum(memory_play, asked, seconds):
    play = memory_play
    play.session("callee", realm="hurried")
    play.session("caller", realm="hurried")
    called(play, SLOW, **asked)
    pass_time(play, seconds - 0.002)
    play.caller < nothing
    pass_time(play, 0.004)
    expect_timeout(play)


@pytest.mark.spec("TMO-07", "PCR-07")
def test_with_progress_the_time_starts_anew_with_each_part(memory_play):
    play = memory_play
    registered(play, uri=SLOW)
    play.caller > [CALL, 1, {"timeout": 300, "receive_progress": True}, SLOW]
    play.callee < [INVOCATION, 1, play.reg, {"receive_progress": True}]
    for number in range(5):
        pass_time(play, 0.2)
        play.callee > [YIELD, 1, {"progress": True}, [number]]
        play.caller < [RESULT, 1, {"progress": True}, [number]]
    pass_time(play, 0.298)
    play.caller < nothing
    pass_time(play, 0.004)
    expect_timeout(play)


@pytest.mark.spec("TMO-07")
def test_progress_that_nobody_asked_for_gains_no_time(memory_play):
    play = memory_play
    called(play, SLOW, timeout=300)
    pass_time(play, 0.2)
    play.callee > [YIELD, 1, {"progress": True}]
    pass_time(play, 0.1)
    expect_timeout(play)


@pytest.mark.spec("TMO-08", "AMB-13")
def test_the_time_starts_anew_with_each_part_of_a_call(memory_play):
    play = memory_play
    registered(play, uri=SLOW)
    play.caller > [CALL, 1, {"timeout": 300, "progress": True}, SLOW]
    play.callee < [INVOCATION, 1, play.reg, {"progress": True}]
    for _ in range(5):
        pass_time(play, 0.2)
        play.caller > [CALL, 1, {"timeout": 1, "progress": True}, SLOW]
        play.callee < [INVOCATION, 1, play.reg, {"progress": True}]
    pass_time(play, 0.298)
    play.caller < nothing
    pass_time(play, 0.004)
    expect_timeout(play)
    play.caller > [CALL, 1, {}, SLOW]
    play.callee < nothing


@pytest.mark.spec("TMO-03", "CAN-03")
def test_a_callee_that_was_killed_has_no_more_time_than_others_and_is_interrupted_once(memory_play):
    play = memory_play
    called(play, SLOW, timeout=300)
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    play.callee < [INTERRUPT, 1, {"mode": "kill", "reason": "wamp.error.canceled"}]
    pass_time(play, 0.3)
    play.caller < [ERROR, CALL, 1, {}, TIMEOUT, ...]
    play.callee < nothing


@pytest.mark.spec("TMO-03", "RPC-18")
def test_a_call_that_was_cancelled_does_not_time_out_as_well(memory_play):
    play = memory_play
    called(play, SLOW, timeout=300)
    play.caller > [CANCEL, 1, {"mode": "skip"}]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    pass_time(play, 1)
    play.caller < nothing
    play.callee < nothing


@pytest.mark.spec("TMO-09")
def test_many_timeouts_are_one_timer(memory_play):
    play = memory_play
    registered(play, uri=SLOW)
    play.caller < nothing
    before = len(play.stage.clock.getDelayedCalls())
    many = 500
    play.caller.say(*[[CALL, number, {"timeout": 1000 - number}, SLOW] for number in range(1, many + 1)])
    for number in range(1, many + 1):
        play.callee < [INVOCATION, number, play.reg, {}]
    assert len(play.stage.clock.getDelayedCalls()) <= before + 1
    pass_time(play, 0.5005)
    expect_timeout(play, many)
    play.caller < nothing
    pass_time(play, 0.4)
    for number in range(many - 1, 99, -1):
        expect_timeout(play, number)
    play.caller < nothing
    play.callee.say(*[[YIELD, number, {}] for number in range(1, 100)])
    for number in range(1, 100):
        play.caller < [RESULT, number, {}]
    pass_time(play, 10)
    assert len(play.stage.clock.getDelayedCalls()) <= before
