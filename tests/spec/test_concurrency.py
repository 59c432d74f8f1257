"""Callees that serve only so many calls at once, and calls that wait for them; ours, the specification has none of it."""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING
from tests.support.play import ANY, BASIC, nothing
from wampd.realms.messages import (
    CALL,
    CANCEL,
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

CANCELED = "wamp.error.canceled"
P = "com.app.add"


def limited(play, names, invoke="roundrobin", concurrency=1, **options):
    """Register a procedure for several; its registration is ``play.reg``."""
    for name in names:
        getattr(play, name) > [REGISTER, 1, {"invoke": invoke, "concurrency": concurrency, **options}, P]
        getattr(play, name) < [REGISTERED, 1, ANY.as_("reg")]
    return [getattr(play, name) for name in names]


def call(play, *numbers, **options):
    """Call the procedure, several times; the call's number is its argument."""
    play.caller.say(*[[CALL, number, options, P, [number]] for number in numbers])


@pytest.mark.spec("SHR-10")
@pytest.mark.parametrize("invoke", ["single", "roundrobin", "random", "first", "last", "load"])
def test_a_callee_is_given_so_many_calls_and_the_next_when_it_has_answered_one(play, invoke):
    (callee,) = limited(play, ["callee"], invoke, 2)
    call(play, 1, 2, 3, 4)
    callee < [INVOCATION, 1, play.reg, {}, [1]]
    callee < [INVOCATION, 2, play.reg, {}, [2]]
    callee < nothing
    callee > [YIELD, 2, {}, ["two"]]
    play.caller < [RESULT, 2, {}, ["two"]]
    callee < [INVOCATION, 3, play.reg, {}, [3]]
    callee > [ERROR, INVOCATION, 1, {}, "com.err"]
    play.caller < [ERROR, CALL, 1, {}, "com.err"]
    callee < [INVOCATION, 4, play.reg, {}, [4]]
    callee > [YIELD, 3, {}]
    callee > [YIELD, 4, {}]
    play.caller < [RESULT, 3, {}]
    play.caller < [RESULT, 4, {}]


@pytest.mark.spec("SHR-10", "FEA-02")
def test_it_needs_no_announcement(play):
    play.session("callee", roles=BASIC)
    play.session("caller", roles=BASIC)
    (callee,) = limited(play, ["callee"])
    call(play, 1, 2)
    callee < [INVOCATION, 1, play.reg, {}, [1]]
    callee < nothing
    callee > [YIELD, 1, {}]
    callee < [INVOCATION, 2, play.reg, {}, [2]]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("SHR-10")
def test_load_asks_who_has_the_fewest_calls_under_way(play):
    alice, bob, carol = limited(play, ["alice", "bob", "carol"], "load", 9)
    call(play, 1, 2, 3)
    for callee, number in ((alice, 1), (bob, 2), (carol, 3)):
        callee < [INVOCATION, 1, play.reg, {}, [number]]
    bob > [YIELD, 1, {}]
    play.caller < [RESULT, 2, {}]
    call(play, 4, 5, 6)
    bob < [INVOCATION, 2, play.reg, {}, [4]]
    carol < [INVOCATION, 2, play.reg, {}, [5]]
    alice < [INVOCATION, 2, play.reg, {}, [6]]


@pytest.mark.spec("SHR-10")
@pytest.mark.parametrize(
    ("invoke", "order"), [("roundrobin", [0, 1, 2]), ("load", [0, 1, 2]), ("first", [0, 1, 2]), ("last", [2, 1, 0])]
)
def test_who_has_no_room_is_passed_over(play, invoke, order):
    callees = limited(play, ["alice", "bob", "carol"], invoke)
    call(play, 1, 2, 3, 4)
    for number, index in enumerate(order, 1):
        callees[index] < [INVOCATION, 1, play.reg, {}, [number]]
    callees[1] > [YIELD, 1, {}]
    play.caller < [RESULT, order.index(1) + 1, {}]
    callees[1] < [INVOCATION, 2, play.reg, {}, [4]]


@pytest.mark.spec("SHR-10", "RPC-12", "ORD-02")
def test_calls_wait_in_the_order_in_which_they_came(play):
    (callee,) = limited(play, ["callee"])
    play.alice.say(*[[CALL, number, {}, P, ["alice", number]] for number in (1, 2, 3)])
    play.fence()
    play.bob.say(*[[CALL, number, {}, P, ["bob", number]] for number in (1, 2)])
    play.fence()
    play.alice.say([CALL, 4, {}, P, ["alice", 4]])
    expected = [["alice", 1], ["alice", 2], ["alice", 3], ["bob", 1], ["bob", 2], ["alice", 4]]
    for number, (name, request) in enumerate(expected, 1):
        callee < [INVOCATION, number, play.reg, {}, [name, request]]
        callee > [YIELD, number, {}]
        getattr(play, name) < [RESULT, request, {}]


@pytest.mark.spec("SHR-10")
def test_a_callee_that_comes_serves_who_waits(play):
    (alice,) = limited(play, ["alice"])
    call(play, 1, 2, 3)
    alice < [INVOCATION, 1, play.reg, {}, [1]]
    (bob,) = limited(play, ["bob"])
    bob < [INVOCATION, 1, play.reg, {}, [2]]
    play.carol > [REGISTER, 1, {"invoke": "roundrobin"}, P]  # with no limit
    play.carol < [REGISTERED, 1, ANY.as_("reg")]
    play.carol < [INVOCATION, 1, play.reg, {}, [3]]


@pytest.mark.spec("SHR-10", "CAN-02", "CAN-03", "CAN-04", "CAN-10")
@pytest.mark.parametrize("mode", ["skip", "kill", "killnowait"])
def test_a_call_that_waits_is_cancelled_at_once(play, mode):
    (callee,) = limited(play, ["callee"])
    call(play, 1, 2, 3)
    callee < [INVOCATION, 1, play.reg, {}, [1]]
    play.caller > [CANCEL, 2, {"mode": mode}]
    play.caller < [ERROR, CALL, 2, {}, CANCELED, ...]
    callee < nothing
    callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    callee < [INVOCATION, 2, play.reg, {}, [3]]


@pytest.mark.spec("SHR-10", "TMO-03")
def test_a_call_may_wait_no_longer_than_its_timeout(memory_play):
    play = memory_play
    (callee,) = limited(play, ["callee"])
    call(play, 1)
    callee < [INVOCATION, 1, play.reg, {}, [1]]
    call(play, 2, timeout=300)
    call(play, 3)
    play.stage.clock.advance(0.299)
    play.caller < nothing
    play.stage.clock.advance(0.002)
    play.caller < [ERROR, CALL, 2, {}, "wamp.error.timeout", ["no callee had room for 300 ms"]]
    callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    callee < [INVOCATION, 2, play.reg, {}, [3]]


@pytest.mark.spec("SHR-10", "TMO-04")
def test_the_time_that_a_call_has_waited_is_not_given_again(memory_play):
    play = memory_play
    (callee,) = limited(play, ["callee"], forward_timeout=True)
    call(play, 1)
    callee < [INVOCATION, 1, play.reg, {}, [1]]
    call(play, 2, timeout=300)
    play.stage.clock.advance(0.2)
    callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    callee < [INVOCATION, 2, play.reg, {"timeout": 100}, [2]]


@pytest.mark.spec("SHR-10", "RPC-14")
@LEAVING
def test_when_a_caller_leaves_its_calls_do_not_wait_any_longer(play, leave):
    (callee,) = limited(play, ["callee"])
    call(play, 1, 2)
    play.bob > [CALL, 1, {}, P, ["bob"]]
    callee < [INVOCATION, 1, play.reg, {}, [1]]
    leave(play.caller)
    callee < [INTERRUPT, 1, {"mode": "killnowait", ...: ...}]
    callee < [INVOCATION, 2, play.reg, {}, ["bob"]]
    callee > [YIELD, 2, {}]
    play.bob < [RESULT, 1, {}]


@pytest.mark.spec("SHR-10", "RPC-16")
@LEAVING
def test_when_a_callee_leaves_another_serves_who_waits(play, leave):
    alice, bob = limited(play, ["alice", "bob"])
    call(play, 1, 2, 3)
    alice < [INVOCATION, 1, play.reg, {}, [1]]
    bob < [INVOCATION, 1, play.reg, {}, [2]]
    leave(alice)
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    bob > [YIELD, 1, {}]
    play.caller < [RESULT, 2, {}]
    bob < [INVOCATION, 2, play.reg, {}, [3]]


@pytest.mark.spec("SHR-10", "RPC-16", "RPC-18")
@LEAVING
def test_when_the_last_callee_leaves_who_waits_gets_an_error(play, leave):
    (callee,) = limited(play, ["callee"])
    call(play, 1, 2)
    callee < [INVOCATION, 1, play.reg, {}, [1]]
    leave(callee)
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    play.caller < [ERROR, CALL, 2, {}, CANCELED, ...]


@pytest.mark.spec("SHR-10", "RPC-17")
def test_when_the_last_callee_unregisters_who_waits_gets_an_error_and_who_is_served_does_not(play):
    (callee,) = limited(play, ["callee"])
    call(play, 1, 2)
    callee < [INVOCATION, 1, play.reg, {}, [1]]
    callee > [UNREGISTER, 2, play.reg]
    callee < [UNREGISTERED, 2]
    play.caller < [ERROR, CALL, 2, {}, CANCELED, ...]
    callee > [YIELD, 1, {}, ["done"]]
    play.caller < [RESULT, 1, {}, ["done"]]


@pytest.mark.spec("SHR-10")
def test_only_so_many_calls_wait(memory_play):
    play = memory_play
    (callee,) = limited(play, ["callee"])
    call(play, *range(1, 1002))
    play.caller < nothing
    call(play, 1002)
    why = "no more than 1000 calls wait for callees of one registration (limit: waiting_calls)"
    play.caller < [ERROR, CALL, 1002, {}, "wamp.error.no_available_callee", [why]]
    for number in range(1, 1002):
        callee < [INVOCATION, number, play.reg, {}, [number]]
        callee > [YIELD, number, {}]
        play.caller < [RESULT, number, {}]
    call(play, 1003)
    callee < [INVOCATION, 1002, play.reg, {}, [1003]]


@pytest.mark.spec("SHR-10", "PCI-02")
def test_a_call_in_parts_does_not_wait(play):
    (callee,) = limited(play, ["callee"])
    call(play, 1, 2, progress=True)
    callee < [INVOCATION, 1, play.reg, {"progress": True}, [1]]
    play.caller < [ERROR, CALL, 2, {}, "wamp.error.no_available_callee", [str]]
    play.caller > [CALL, 1, {}, P, ["last"]]
    callee < [INVOCATION, 1, play.reg, {}, ["last"]]


@pytest.mark.spec("SHR-10", "CAN-04", "CAN-05")
@pytest.mark.parametrize("able", [True, False], ids=["announced", "not announced"])
def test_a_cancelled_call_gives_its_place_to_the_next(play, able):
    if not able:
        play.session("callee", roles=BASIC)
    (callee,) = limited(play, ["callee"])
    call(play, 1, 2)
    callee < [INVOCATION, 1, play.reg, {}, [1]]
    play.caller > [CANCEL, 1, {}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    if able:
        callee < [INTERRUPT, 1, {"mode": "killnowait", ...: ...}]
    callee < [INVOCATION, 2, play.reg, {}, [2]]
    callee > [YIELD, 1, {}]
    play.caller < nothing
    callee > [YIELD, 2, {}]
    play.caller < [RESULT, 2, {}]


@pytest.mark.spec("SHR-10", "RPC-10")
def test_a_session_can_wait_for_itself(play):
    (callee,) = limited(play, ["callee"])
    for number in (2, 3):
        callee > [CALL, number, {}, P, [number]]
    callee < [INVOCATION, 1, play.reg, {}, [2]]
    callee > [YIELD, 1, {}]
    callee.wire.fence()
    heard = [callee.hear(), callee.hear()]
    assert sorted(message[:3] for message in heard) == [[RESULT, 2, {}], [INVOCATION, 2, play.reg]]
    callee > [YIELD, 2, {}]
    callee < [RESULT, 3, {}]


@pytest.mark.spec("SHR-10", "PPT-04")
def test_a_call_waits_for_a_callee_that_can_read_it(play):
    limited(play, ["alice"])
    play.session("bob", roles=BASIC)
    limited(play, ["bob"])
    play.caller > [CALL, 1, {}, P, [1]]
    play.alice < [INVOCATION, 1, play.reg, {}, [1]]
    play.caller > [CALL, 2, {"ppt_scheme": "x_a"}, P, ["packed"]]
    play.bob < nothing
    play.caller > [CALL, 3, {}, P, [3]]
    play.bob < [INVOCATION, 1, play.reg, {}, [3]]
    play.alice > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    play.alice < [INVOCATION, 2, play.reg, {"ppt_scheme": "x_a"}, ["packed"]]
