"""Results in parts (advanced profile, "Progressive Call Results")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING, called, registered, without
from tests.support.play import BASIC, nothing
from wampd.realms.messages import CALL, CANCEL, ERROR, INTERRUPT, INVOCATION, RESULT, YIELD

CANCELED = "wamp.error.canceled"
PROGRESS = {"progress": True}
RECEIVE = {"receive_progress": True}


def streaming(play):
    """A call is under way whose caller receives progress; numbers 1."""
    registered(play)
    play.caller > [CALL, 1, RECEIVE, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, RECEIVE]


@pytest.mark.spec("PCR-01", "PCR-02", "PCR-03", "RPC-18")
def test_parts_of_a_result_reach_the_caller_as_they_come_and_the_last_one_ends_the_call(play):
    streaming(play)
    for number in range(3):
        play.callee > [YIELD, 1, PROGRESS, [number], {"of": 3}]
        play.caller < [RESULT, 1, PROGRESS, [number], {"of": 3}]
    play.callee > [YIELD, 1, {}, ["sum"]]
    play.caller < [RESULT, 1, {}, ["sum"]]


@pytest.mark.spec("PCR-03", "RPC-06")
@pytest.mark.parametrize("options", [{}, {"progress": False}], ids=str)
def test_parts_and_the_end_may_be_empty(play, options):
    streaming(play)
    play.callee > [YIELD, 1, PROGRESS]
    play.caller < [RESULT, 1, PROGRESS]
    play.callee > [YIELD, 1, options]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("PCR-03", "AMB-11")
def test_an_error_ends_a_call_that_had_progress(play):
    streaming(play)
    play.callee > [YIELD, 1, PROGRESS, [1]]
    play.caller < [RESULT, 1, PROGRESS, [1]]
    play.callee > [ERROR, INVOCATION, 1, {}, "com.err", ["no more"]]
    play.caller < [ERROR, CALL, 1, {}, "com.err", ["no more"]]


@pytest.mark.spec("PCR-03")
def test_a_call_that_allows_progress_need_not_have_any(play):
    streaming(play)
    play.callee > [YIELD, 1, {}, ["at once"]]
    play.caller < [RESULT, 1, {}, ["at once"]]


@pytest.mark.spec("PCR-04", "RPC-19", "RPC-21")
@pytest.mark.parametrize("last", [[YIELD, 1, {}], [ERROR, INVOCATION, 1, {}, "com.err"]], ids=["yield", "error"])
def test_after_the_end_nothing_more_reaches_the_caller(play, last):
    streaming(play)
    play.callee.say([YIELD, 1, PROGRESS, [1]], last, [YIELD, 1, PROGRESS, [2]], [YIELD, 1, {}, [3]])
    play.caller < [RESULT, 1, PROGRESS, [1]]
    play.caller < ([RESULT, 1, {}] if last[0] == YIELD else [ERROR, CALL, 1, {}, "com.err"])
    play.caller < nothing
    play.callee < nothing


@pytest.mark.spec("PCR-01", "PCR-05", "FEA-02", "AMB-21", "AMB-37")
@pytest.mark.parametrize(
    "roles",
    [BASIC, without("callee", "progressive_call_results"), without("callee", "call_canceling")],
    ids=["nothing", "no progress", "no cancelling"],
)
def test_progress_is_not_asked_of_a_callee_that_lacks_it_nor_taken_from_it(play, roles):
    play.session("callee", roles=roles)
    registered(play)
    play.caller > [CALL, 1, RECEIVE, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 1, PROGRESS, ["half"]]
    play.caller < nothing
    play.callee > [YIELD, 1, {}, ["whole"]]
    play.caller < [RESULT, 1, {}, ["whole"]]


@pytest.mark.spec("PCR-01", "PCR-06", "FEA-02")
@pytest.mark.parametrize("lacks", ["progressive_call_results", "call_canceling"])
def test_a_lenient_realm_lets_callees_answer_in_parts_that_cannot_be_interrupted(play, lacks):
    play.session("callee", "lenient", without("callee", lacks))
    registered(play)
    play.session("caller", "lenient")
    play.caller > [CALL, 1, RECEIVE, "com.app.add"]
    asked = RECEIVE if lacks == "call_canceling" else {}
    play.callee < [INVOCATION, 1, play.reg, asked]
    play.callee > [YIELD, 1, PROGRESS, ["half"]]
    if asked:
        play.caller < [RESULT, 1, PROGRESS, ["half"]]
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    if asked:
        play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    else:
        play.callee < [INTERRUPT, 1, {...: ...}]
        play.caller < nothing
    play.callee > [YIELD, 1, PROGRESS, ["more"]]
    play.callee > [YIELD, 1, {}, ["whole"]]
    if not asked:
        play.caller < [RESULT, 1, {}, ["whole"]]


@pytest.mark.spec("PCR-01", "FEA-02")
def test_a_caller_that_asks_for_progress_gets_it_whatever_it_announced(play):
    play.session("caller", roles=BASIC)
    streaming(play)
    play.callee > [YIELD, 1, PROGRESS, [1]]
    play.caller < [RESULT, 1, PROGRESS, [1]]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("PCR-05", "AMB-37")
@pytest.mark.parametrize("options", [{}, {"receive_progress": False}], ids=str)
def test_progress_that_was_not_asked_for_is_dropped(play, options):
    called(play, **options)
    play.callee > [YIELD, 1, PROGRESS, ["half"]]
    play.caller < nothing
    play.callee > [YIELD, 1, {}, ["whole"]]
    play.caller < [RESULT, 1, {}, ["whole"]]


@LEAVING
@pytest.mark.spec("PCR-06", "RPC-14")
def test_when_the_caller_leaves_between_parts_the_callee_is_interrupted(play, leave):
    streaming(play)
    play.callee > [YIELD, 1, PROGRESS, [1]]
    play.caller < [RESULT, 1, PROGRESS, [1]]
    leave(play.caller)
    play.callee < [INTERRUPT, 1, {"mode": "killnowait", ...: ...}]
    play.callee.say([YIELD, 1, PROGRESS, [2]], [YIELD, 1, {}, [3]])
    play.callee < nothing


@LEAVING
@pytest.mark.spec("PCR-06", "RPC-16", "RPC-18")
def test_when_the_callee_leaves_between_parts_the_caller_gets_an_error(play, leave):
    streaming(play)
    play.callee > [YIELD, 1, PROGRESS, [1]]
    play.caller < [RESULT, 1, PROGRESS, [1]]
    leave(play.callee)
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]


@pytest.mark.spec("CAN-11", "CAN-03", "PCR-02")
def test_after_a_kill_parts_still_come_until_the_callee_ends_it(play):
    streaming(play)
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    play.callee < [INTERRUPT, 1, {"mode": "kill", ...: ...}]
    play.callee > [YIELD, 1, PROGRESS, [1]]
    play.caller < [RESULT, 1, PROGRESS, [1]]
    play.callee > [ERROR, INVOCATION, 1, {}, CANCELED]
    play.caller < [ERROR, CALL, 1, {}, CANCELED]


@pytest.mark.spec("CAN-04", "CAN-02", "PCR-04")
@pytest.mark.parametrize("mode", ["skip", "killnowait"])
def test_a_call_that_was_cancelled_has_no_more_progress(play, mode):
    streaming(play)
    play.callee > [YIELD, 1, PROGRESS, [1]]
    play.caller < [RESULT, 1, PROGRESS, [1]]
    play.caller > [CANCEL, 1, {"mode": mode}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    if mode == "killnowait":
        play.callee < [INTERRUPT, 1, {...: ...}]
    play.callee.say([YIELD, 1, PROGRESS, [2]], [YIELD, 1, {}, [3]])
    play.caller < nothing


@pytest.mark.spec("PCR-08")
def test_parts_come_in_the_order_in_which_they_were_said(play):
    streaming(play)
    many = 2000
    play.callee.say(*[[YIELD, 1, PROGRESS, [number]] for number in range(many)], [YIELD, 1, {}, ["end"]])
    for number in range(many):
        play.caller < [RESULT, 1, PROGRESS, [number]]
    play.caller < [RESULT, 1, {}, ["end"]]


@pytest.mark.spec("PCR-08", "RPC-09")
def test_parts_of_several_calls_go_each_to_its_caller(play):
    registered(play)
    for number, name in enumerate(["alice", "bob"], 1):
        getattr(play, name) > [CALL, 1, RECEIVE, "com.app.add"]
        play.callee < [INVOCATION, number, play.reg, RECEIVE]
    play.callee.say([YIELD, 2, PROGRESS, ["b"]], [YIELD, 1, PROGRESS, ["a"]], [YIELD, 1, {}], [YIELD, 2, {}])
    play.alice < [RESULT, 1, PROGRESS, ["a"]]
    play.alice < [RESULT, 1, {}]
    play.bob < [RESULT, 1, PROGRESS, ["b"]]
    play.bob < [RESULT, 1, {}]
