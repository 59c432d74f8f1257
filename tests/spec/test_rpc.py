"""Remote procedure calls (basic profile, "Remote Procedure Calls")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING, registered
from tests.support.play import ANY, BASIC, nothing, violation
from wampd.realms.messages import (
    CALL,
    ERROR,
    INTERRUPT,
    INVOCATION,
    REGISTER,
    REGISTERED,
    RESULT,
    UNREGISTER,
    UNREGISTERED,
    YIELD,
)


@pytest.mark.spec("RPC-01", "RPC-06", "RPC-13", "ID-08")
def test_a_call_reaches_the_callee_and_its_yield_comes_back_as_the_result(play):
    play.callee > [REGISTER, 1, {}, "com.app.add"]
    play.callee < [REGISTERED, 1, ANY.as_("reg")]
    play.caller > [CALL, 1, {}, "com.app.add", [2, 3]]
    play.callee < [INVOCATION, 1, play.reg, {}, [2, 3]]
    play.callee > [YIELD, 1, {}, [5]]
    play.caller < [RESULT, 1, {}, [5]]


@pytest.mark.spec("RPC-06", "MSG-08")
@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ([], []),
        ([[]], []),
        ([[], {}], []),
        ([[1, "two", None, [3.5, {"four": True}]]], [[1, "two", None, [3.5, {"four": True}]]]),
        ([[], {"k": "v"}], [[], {"k": "v"}]),
        ([[1], {}], [[1]]),
        ([["a"], {"k": [{}]}], [["a"], {"k": [{}]}]),
    ],
    ids=str,
)
def test_the_payload_travels_as_it_is_and_only_what_is_there_of_it(play, sent, received):
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add", *sent]
    play.callee < [INVOCATION, 1, play.reg, {}, *received]
    play.callee > [YIELD, 1, {}, *sent]
    play.caller < [RESULT, 1, {}, *received]
    play.caller > [CALL, 2, {}, "com.app.add"]
    play.callee < [INVOCATION, 2, play.reg, {}]
    play.callee > [ERROR, INVOCATION, 2, {}, "com.err", *sent]
    play.caller < [ERROR, CALL, 2, {}, "com.err", *received]


@pytest.mark.spec("RPC-02")
def test_a_procedure_is_registered_only_once(play):
    registered(play)
    play.callee > [REGISTER, 2, {}, "com.app.add"]
    play.callee < [ERROR, REGISTER, 2, {}, "wamp.error.procedure_already_exists", ...]
    play.bob > [REGISTER, 1, {}, "com.app.add"]
    play.bob < [ERROR, REGISTER, 1, {}, "wamp.error.procedure_already_exists", ...]
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("RPC-03")
def test_an_unregistered_procedure_is_gone(play):
    registered(play)
    play.callee > [UNREGISTER, 2, play.reg]
    play.callee < [UNREGISTERED, 2]
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ...]
    play.bob > [REGISTER, 1, {}, "com.app.add"]
    play.bob < [REGISTERED, 1, int]


@pytest.mark.spec("RPC-04", "PV-11", "AMB-33")
def test_unregistering_what_is_not_registered_is_an_error_and_no_violation(play):
    play.callee > [UNREGISTER, 1, 999]
    play.callee < [ERROR, UNREGISTER, 1, {}, "wamp.error.no_such_registration", ...]
    registered(play, request=2)
    play.callee > [UNREGISTER, 3, play.reg]
    play.callee < [UNREGISTERED, 3]
    play.callee > [UNREGISTER, 4, play.reg]
    play.callee < [ERROR, UNREGISTER, 4, {}, "wamp.error.no_such_registration", ...]


@pytest.mark.spec("RPC-05")
def test_nobody_can_unregister_the_procedure_of_another_session(play):
    registered(play)
    play.bob > [UNREGISTER, 1, play.reg]
    play.bob < [ERROR, UNREGISTER, 1, {}, "wamp.error.no_such_registration", ...]
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("RPC-07")
def test_a_call_of_what_nobody_registered_is_an_error(play):
    play.caller > [CALL, 1, {}, "com.app.add", [1]]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ...]


@pytest.mark.spec("RPC-08")
def test_the_error_of_a_callee_reaches_the_caller_with_its_whole_payload(play):
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [ERROR, INVOCATION, 1, {}, "com.err", [1], {"k": 2}]
    play.caller < [ERROR, CALL, 1, {}, "com.err", [1], {"k": 2}]


@pytest.mark.spec("URI-09")
def test_an_error_uri_that_is_none_does_not_reach_the_caller(play):
    registered(play)
    for number, uri in enumerate(["bad uri#", "", "com..err", "com.err\n"], 1):
        play.caller > [CALL, number, {}, "com.app.add"]
        play.callee < [INVOCATION, number, play.reg, {}]
        play.callee > [ERROR, INVOCATION, number, {}, uri, [1]]
        play.caller < [ERROR, CALL, number, {}, "wamp.error.invalid_uri", [1]]


@pytest.mark.spec("RPC-09", "ID-07", "ORD-04")
def test_calls_are_asynchronous_and_may_be_answered_in_any_order(play):
    registered(play)
    many = 100
    play.caller.say(*[[CALL, number, {}, "com.app.add", [number]] for number in range(1, many + 1)])
    for number in range(1, many + 1):
        play.callee < [INVOCATION, number, play.reg, {}, [number]]
    play.callee.say(*[[YIELD, number, {}, [-number]] for number in range(many, 0, -1)])
    for number in range(many, 0, -1):
        play.caller < [RESULT, number, {}, [-number]]


@pytest.mark.spec("RPC-10")
def test_a_session_may_call_its_own_procedure(play):
    play.alice > [REGISTER, 1, {}, "com.app.mine"]
    play.alice < [REGISTERED, 1, ANY.as_("reg")]
    play.alice > [CALL, 2, {}, "com.app.mine", ["hello"]]
    play.alice < [INVOCATION, 1, play.reg, {}, ["hello"]]
    play.alice > [YIELD, 1, {}, ["me"]]
    play.alice < [RESULT, 2, {}, ["me"]]


@LEAVING
@pytest.mark.spec("RPC-14", "RPC-21", "SES-11")
def test_when_the_caller_leaves_the_callee_is_interrupted_and_may_answer_all_the_same(play, leave):
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.caller > [CALL, 2, {}, "com.app.add"]
    play.callee < [INVOCATION, 2, play.reg, {}]
    leave(play.caller)
    play.callee < [INTERRUPT, 1, {"mode": "killnowait", ...: ...}]
    play.callee < [INTERRUPT, 2, {"mode": "killnowait", ...: ...}]
    play.callee > [YIELD, 1, {}]
    play.callee > [ERROR, INVOCATION, 2, {}, "wamp.error.canceled"]
    play.callee < nothing


@LEAVING
@pytest.mark.spec("RPC-15", "RPC-21")
def test_a_callee_that_cannot_be_interrupted_is_not_when_the_caller_leaves(play, leave):
    play.session("callee", roles=BASIC)
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    leave(play.caller)
    play.callee < nothing
    play.callee > [YIELD, 1, {}]
    play.callee < nothing


@LEAVING
@pytest.mark.spec("RPC-16", "RPC-18", "SES-11")
def test_when_the_callee_leaves_its_callers_get_an_error_and_its_procedures_are_gone(play, leave):
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.bob > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 2, play.reg, {}]
    leave(play.callee)
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    play.bob < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    play.caller > [CALL, 2, {}, "com.app.add"]
    play.caller < [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", ...]
    play.bob > [REGISTER, 2, {}, "com.app.add"]
    play.bob < [REGISTERED, 2, int]


@LEAVING
@pytest.mark.spec("RPC-18", "SES-11")
def test_a_session_that_calls_itself_and_leaves_harms_nobody(play, leave):
    registered(play, "alice")
    play.alice > [CALL, 2, {}, "com.app.add"]
    play.alice < [INVOCATION, 1, play.reg, {}]
    leave(play.alice)
    registered(play, "bob", reg="another")
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.bob < [INVOCATION, 1, play.another, {}]
    play.bob > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("RPC-17")
def test_an_invocation_goes_on_when_its_procedure_is_unregistered(play):
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [UNREGISTER, 2, play.reg]
    play.callee < [UNREGISTERED, 2]
    play.caller < nothing
    play.callee > [YIELD, 1, {}, ["late"]]
    play.caller < [RESULT, 1, {}, ["late"]]


@pytest.mark.spec("RPC-18", "RPC-19", "RPC-21")
@pytest.mark.parametrize("second", [[YIELD, 1, {}, [2]], [ERROR, INVOCATION, 1, {}, "com.err"]], ids=["yield", "error"])
@pytest.mark.parametrize("first", [[YIELD, 1, {}, [1]], [ERROR, INVOCATION, 1, {}, "com.err"]], ids=["yield", "error"])
def test_the_first_answer_counts_and_a_second_one_is_dropped(play, first, second):
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee.say(first, second)
    if first[0] == YIELD:
        play.caller < [RESULT, 1, {}, [1]]
    else:
        play.caller < [ERROR, CALL, 1, {}, "com.err"]
    play.caller < nothing
    play.callee < nothing


@pytest.mark.spec("RPC-20", "RPC-18")
@pytest.mark.parametrize("kind", ["yield", "error"])
def test_nobody_can_answer_the_invocation_of_another_session(play, kind):
    def answer(number):
        return [YIELD, number, {}, ["forged"]] if kind == "yield" else [ERROR, INVOCATION, number, {}, "com.forged"]

    registered(play)
    registered(play, "bob", "com.app.bobs", reg="another")
    # Bob has had invocations of his own, so that the number means something in his session, too.
    for number in (1, 2):
        play.alice > [CALL, number, {}, "com.app.bobs"]
        play.bob < [INVOCATION, number, ANY, {}]
        play.bob > [YIELD, number, {}]
        play.alice < [RESULT, number, {}]
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, ANY, {}]
    play.bob > answer(1)
    play.caller < nothing
    play.bob < nothing
    play.bob > answer(3)
    play.bob < violation
    play.caller < nothing
    play.callee > [YIELD, 1, {}, ["genuine"]]
    play.caller < [RESULT, 1, {}, ["genuine"]]


@pytest.mark.spec("RPC-19", "PCR-05")
def test_progress_that_the_caller_did_not_ask_for_is_dropped(play):
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 1, {"progress": True}, ["half"]]
    play.caller < nothing
    play.callee > [YIELD, 1, {}, ["whole"]]
    play.caller < [RESULT, 1, {}, ["whole"]]


@pytest.mark.spec("RPC-23", "RPC-01")
def test_what_a_role_may_not_do_is_refused_with_not_authorized(play):
    play.session("alice", realm="guarded")
    play.alice > [CALL, 1, {}, "com.secret.add"]
    play.alice < [ERROR, CALL, 1, {}, "wamp.error.not_authorized", ...]
    play.alice > [REGISTER, 2, {}, "com.secret.add"]
    play.alice < [ERROR, REGISTER, 2, {}, "wamp.error.not_authorized", ...]
    play.alice > [REGISTER, 3, {}, "com.open.add"]
    play.alice < [REGISTERED, 3, int]


@pytest.mark.spec("RPC-23")
def test_a_refusal_does_not_tell_whether_the_procedure_exists(play):
    play.newcomer("bob").hello("guarded", authmethods=["ticket"], authid="joe")
    play.bob < [4, "ticket", {}]
    play.bob > [5, "hunter2-of-joe", {}]
    play.bob.welcome()
    play.bob > [REGISTER, 1, {}, "com.secret.there"]
    play.bob < [REGISTERED, 1, int]
    play.session("alice", realm="guarded")
    play.alice > [CALL, 1, {}, "com.secret.there"]
    play.alice < [ERROR, CALL, 1, {}, "wamp.error.not_authorized", ANY.as_("reason")]
    play.alice > [CALL, 2, {}, "com.secret.not_there"]
    play.alice < [ERROR, CALL, 2, {}, "wamp.error.not_authorized", play.reason]


@pytest.mark.spec("RPC-16", "RPC-18")
def test_however_many_wait_for_a_callee_that_leaves_all_are_answered(memory_play):
    play = memory_play
    core = play.stage.realms["realm1"].core
    core.SLICE = core.dealer.SLICE = 10  # in one turn
    play.callee > [REGISTER, 1, {}, "com.p"]
    play.callee < [REGISTERED, 1, ANY]
    for number in range(1, 101):
        play.caller > [CALL, number, {}, "com.p"]
        play.callee < [INVOCATION, number, ANY, {}]
    play.callee.drop()
    for _ in range(10):
        play.stage.clock.advance(0)
    for number in range(1, 101):
        play.caller < [ERROR, CALL, number, {}, "wamp.error.canceled", ["the callee left"]]
