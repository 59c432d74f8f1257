"""Cancelling calls (advanced profile, "Call Canceling")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING, called
from tests.support.play import BASIC, nothing, violation
from wampd.realms.messages import CALL, CANCEL, ERROR, INTERRUPT, INVOCATION, RESULT, YIELD

CANCELED = "wamp.error.canceled"
ANSWERS = pytest.mark.parametrize("answer", ["yield", "error", "progress"])


def say(play, answer):
    """Answer invocation 1."""
    options = {"progress": True} if answer == "progress" else {}
    play.callee > ([ERROR, INVOCATION, 1, {}, "com.err", [1]] if answer == "error" else [YIELD, 1, options, ["done"]])


@ANSWERS
@pytest.mark.spec("CAN-01", "CAN-02")
def test_skip_answers_the_caller_at_once_and_lets_the_callee_work_on(play, answer):
    called(play)
    play.caller > [CANCEL, 1, {"mode": "skip"}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    play.callee < nothing
    say(play, answer)
    play.caller < nothing
    play.callee < nothing


@ANSWERS
@pytest.mark.spec("CAN-01", "CAN-04", "CAN-07", "PV-04", "RPC-21", "AMB-03", "AMB-12")
def test_killnowait_answers_the_caller_at_once_and_interrupts_the_callee(play, answer):
    called(play)
    play.caller > [CANCEL, 1, {"mode": "killnowait"}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    play.callee < [INTERRUPT, 1, {"mode": "killnowait", "reason": CANCELED}]
    say(play, answer)
    play.caller < nothing
    play.callee < nothing


@pytest.mark.spec("CAN-01", "CAN-03", "CAN-07")
def test_kill_interrupts_the_callee_and_waits_for_its_error(play):
    called(play)
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    play.callee < [INTERRUPT, 1, {"mode": "kill", "reason": CANCELED}]
    play.caller < nothing
    say(play, "error")
    play.caller < [ERROR, CALL, 1, {}, "com.err", [1]]


@pytest.mark.spec("CAN-03")
def test_kill_comes_too_late_for_a_callee_that_yields(play):
    called(play)
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    play.callee < [INTERRUPT, 1, {"mode": "kill", ...: ...}]
    say(play, "yield")
    play.caller < [RESULT, 1, {}, ["done"]]


@pytest.mark.spec("CAN-05", "FEA-02")
@pytest.mark.parametrize("mode", ["skip", "kill", "killnowait", None])
def test_a_callee_that_cannot_be_interrupted_is_skipped(play, mode):
    play.session("callee", roles=BASIC)
    called(play)
    play.caller > [CANCEL, 1, {} if mode is None else {"mode": mode}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    play.callee < nothing
    say(play, "yield")
    play.caller < nothing


@pytest.mark.spec("FEA-02", "CAN-04")
def test_either_spelling_of_the_feature_will_do(play):
    play.session("callee", roles={"callee": {"features": {"call_cancelling": True}}})
    called(play)
    play.caller > [CANCEL, 1, {}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    play.callee < [INTERRUPT, 1, {...: ...}]


@pytest.mark.spec("FEA-02", "FEA-03", "CAN-05")
@pytest.mark.parametrize("value", [False, 1, "true", None], ids=repr)
def test_a_feature_is_announced_by_true_and_nothing_else(play, value):
    play.session("callee", roles={"callee": {"features": {"call_canceling": value}}})
    called(play)
    play.caller > [CANCEL, 1, {}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    play.callee < nothing


@pytest.mark.spec("CAN-06", "AMB-12")
def test_the_mode_is_killnowait_if_there_is_none(play):
    called(play)
    play.caller > [CANCEL, 1, {}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    play.callee < [INTERRUPT, 1, {"mode": "killnowait", ...: ...}]


@pytest.mark.spec("CAN-08", "MSG-07", "AMB-12")
@pytest.mark.parametrize("mode", ["bogus", 1, None, "", "KILL", []], ids=repr)
def test_an_unknown_mode_is_a_violation(play, mode):
    called(play)
    play.caller > [CANCEL, 1, {"mode": mode}]
    play.caller < violation("mode")
    play.callee < [INTERRUPT, 1, {"mode": "killnowait", ...: ...}]


@pytest.mark.spec("CAN-09")
@pytest.mark.parametrize("mode", ["skip", "killnowait"])
def test_a_kill_that_takes_too_long_can_be_given_up(play, mode):
    called(play)
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    play.callee < [INTERRUPT, 1, {"mode": "kill", ...: ...}]
    play.caller < nothing
    play.caller > [CANCEL, 1, {"mode": mode}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    say(play, "yield")
    play.caller < nothing
    play.callee < nothing


@pytest.mark.spec("CAN-09")
def test_a_callee_is_interrupted_once(play):
    called(play)
    for _ in range(3):
        play.caller > [CANCEL, 1, {"mode": "kill"}]
    play.callee < [INTERRUPT, 1, {"mode": "kill", ...: ...}]
    play.callee < nothing
    play.caller < nothing
    say(play, "error")
    play.caller < [ERROR, CALL, 1, {}, "com.err", [1]]


@pytest.mark.spec("CAN-10", "PV-09")
@pytest.mark.parametrize("mode", ["skip", "kill", "killnowait"])
def test_a_call_that_is_over_cannot_be_cancelled(play, mode):
    called(play)
    say(play, "yield")
    play.caller < [RESULT, 1, {}, ["done"]]
    play.caller > [CANCEL, 1, {"mode": mode}]
    play.caller < nothing
    play.callee < nothing


@pytest.mark.spec("CAN-10")
def test_nobody_can_cancel_the_call_of_another_session(play):
    called(play)
    play.bob > [CALL, 1, {}, "com.no.such"]
    play.bob < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ...]
    play.bob > [CANCEL, 1, {}]
    play.bob < nothing
    play.callee < nothing
    say(play, "yield")
    play.caller < [RESULT, 1, {}, ["done"]]


@LEAVING
@pytest.mark.spec("CAN-11", "RPC-16", "RPC-18")
def test_a_callee_that_leaves_ends_a_kill(play, leave):
    called(play)
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    play.callee < [INTERRUPT, 1, {"mode": "kill", ...: ...}]
    leave(play.callee)
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]


@LEAVING
@pytest.mark.spec("CAN-09", "RPC-14")
def test_a_callee_that_was_killed_is_not_interrupted_again_when_the_caller_leaves(play, leave):
    called(play)
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    play.callee < [INTERRUPT, 1, {"mode": "kill", ...: ...}]
    leave(play.caller)
    play.callee < nothing
    say(play, "error")
    play.callee < nothing


@pytest.mark.spec("CAN-11", "PCR-05")
def test_progress_after_a_kill_is_no_final_answer(play):
    called(play)
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    play.callee < [INTERRUPT, 1, {"mode": "kill", ...: ...}]
    say(play, "progress")
    play.caller < nothing
    say(play, "yield")
    play.caller < [RESULT, 1, {}, ["done"]]


@pytest.mark.spec("PV-09")
@pytest.mark.parametrize("number", [2, 77, 2**53])
def test_cancelling_what_was_never_requested_is_a_violation(play, number):
    called(play)
    play.caller > [CANCEL, number, {}]
    play.caller < violation
    play.callee < [INTERRUPT, 1, {...: ...}]


@pytest.mark.spec("PV-09")
def test_cancelling_a_request_that_was_no_call_is_ignored(play):
    play.alice > [32, 1, {}, "com.topic"]
    play.alice < [33, 1, int]
    play.alice > [CANCEL, 1, {}]
    play.alice < nothing
