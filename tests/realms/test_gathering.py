"""A call of all callees by itself: one realm, no router round it."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import Raw

from tests.realms.house import CAPABLE, House, Member
from wampd.realms.limits import Quota
from wampd.realms.messages import (
    CALL,
    CANCEL,
    ERROR,
    INTERRUPT,
    INVOCATION,
    REGISTER,
    RESULT,
    UNREGISTER,
    YIELD,
    Foreign,
    Format,
)
from wampd.realms.options import ClientRoles
from wampd.realms.session import State

CANCELED = "wamp.error.canceled"


def gathered(count: int = 2, able: bool = True, roles: ClientRoles | None = None, **options: Any) -> Any:
    """So many callees, a caller, and a call of all, number 1 on all sides."""
    house = House(quota=options.pop("quota", Quota()))
    callees = []
    for _ in range(count):
        callee = house.join(interruptible=able, roles=roles)
        callee.say([REGISTER, 1, {"invoke": "roundrobin", **options}, "com.p"])
        callee.heard()
        callees.append(callee)
    caller = house.join()
    caller.say([CALL, 1, {"runon": "all"}, "com.p", ["in"]])
    return SimpleNamespace(house=house, callees=callees, caller=caller, between=caller.session.calls[1].callee)


def is_over(play: Any) -> bool:
    """Whether nothing is left of the call."""
    return not any(
        member.session.calls or member.session.invocations for member in (play.caller, *play.callees)
    ) and not (play.between.calls or play.between.invocations or play.between.outbox)


def answer(callee: Member, *payload: Any) -> None:
    callee.heard()
    callee.say([YIELD, 1, {}, *payload])


def test_nothing_is_left_when_all_have_answered():
    play = gathered()
    for callee in play.callees:
        answer(callee, [1])
    assert play.caller.heard() == [[RESULT, 1, {}, [[{"args": [1]}, {"args": [1]}]]]]
    assert is_over(play)


def test_results_that_come_in_one_turn_are_all_there():
    play = gathered(3)
    for callee in reversed(play.callees):
        callee.session.outbox.clear()
        callee.say([YIELD, 1, {}, [callee.session.id]])
    assert play.caller.heard() == [[RESULT, 1, {}, [[{"args": [1]}, {"args": [2]}, {"args": [3]}]]]]
    assert is_over(play)


@pytest.mark.parametrize("mode", ["gather", "progressive"])
def test_what_comes_in_the_same_turn_after_an_error_is_dropped(mode):
    play = gathered()
    play.caller.say([CALL, 2, {"runmode": mode}, "com.p"])
    play.callees[0].say([ERROR, INVOCATION, 2, {}, "com.err"])
    play.callees[1].say([YIELD, 2, {}, ["late"]])
    assert play.caller.heard() == [[ERROR, CALL, 2, {}, "com.err"]]
    assert play.house.realm.dealer.store.used == 0


def test_the_session_in_between_is_nobody_in_the_realm():
    play = gathered()
    assert play.between not in play.house.realm.sessions.values()
    assert play.house.realm.calls_under_way()


@pytest.mark.parametrize("way", ["leave", "goodbye", "dismiss"])
def test_when_the_caller_goes_nothing_is_left(way):
    play = gathered()
    if way == "dismiss":
        play.house.realm.dismiss(play.caller.session, "wamp.close.killed")
    else:
        getattr(play.caller, way)()
    play.house.settle()
    assert is_over(play)
    for callee in play.callees:
        assert [message[0] for message in callee.heard()] == [INVOCATION, INTERRUPT]


@pytest.mark.parametrize("able", [True, False])
def test_killing_waits_only_for_those_who_can_be_interrupted(able):
    play = gathered(able=able)
    play.caller.say([CANCEL, 1, {"mode": "kill"}])
    if able:
        assert play.caller.heard() == []
        play.callees[0].say([ERROR, INVOCATION, 1, {}, "com.stopped", ["now"]])
        assert play.caller.heard() == [[ERROR, CALL, 1, {}, "com.stopped", ["now"]]]
    else:
        assert play.caller.heard() == [[ERROR, CALL, 1, {}, CANCELED, ["the caller cancelled the call"]]]
    assert is_over(play)


def test_a_callee_that_is_interrupted_may_still_answer_and_is_not_interrupted_again():
    play = gathered()
    play.caller.say([CANCEL, 1, {"mode": "kill"}])
    play.house.settle()
    play.caller.say([CANCEL, 1, {"mode": "killnowait"}])
    assert play.caller.heard()[0][4] == CANCELED
    for callee in play.callees:
        assert [message[0] for message in callee.heard()].count(INTERRUPT) == 1


@pytest.mark.parametrize("modes", [["skip"], ["kill", "skip"], ["kill", "killnowait"]], ids=" ".join)
def test_a_call_that_is_cancelled_for_good_has_no_parts_left_though_nobody_answers(modes):
    play = gathered(concurrency=1)
    for number in (2, 3):
        play.caller.say([CALL, number, {"runon": "all"}, "com.p", ["in"]])
    for mode in modes:
        for number in (1, 2, 3):
            play.caller.say([CANCEL, number, {"mode": mode}])
        play.house.settle()
    assert is_over(play)
    assert [len(play.caller.heard()), play.house.realm.dealer.store.used] == [3, 0]
    for callee in play.callees:
        interrupted = modes[0] == "kill"
        assert [message[0] for message in callee.heard()] == [INVOCATION] + [INTERRUPT] * interrupted
        callee.say([YIELD, 1, {}])
        callee.say([UNREGISTER, 2, 1])
        assert len(callee.heard()) == 1
    assert play.caller.heard() == []


def test_when_a_payload_cannot_be_read_the_call_fails():
    play = gathered()

    def refuse(payload: Raw, form: Format) -> Any:
        raise ValueError(payload)

    play.between.outlet._decode = refuse
    answer(play.callees[0], [1])
    assert play.caller.heard() == [
        [ERROR, CALL, 1, {}, "wamp.error.invalid_argument", ["a callee's result holds a value that cannot be read"]]
    ]
    assert [message[0] for message in play.callees[1].heard()] == [INVOCATION, INTERRUPT]
    assert is_over(play)


def test_gathered_values_are_plain_and_passed_on_payload_is_not_touched():
    play = gathered(1)
    answer(play.callees[0], [1])
    play.house.settle()
    (message,) = play.caller.session.outbox
    assert isinstance(message, Foreign)
    assert message.format is Format.PLAIN
    play.caller.session.outbox.clear()
    play.caller.say([CALL, 2, {"runmode": "progressive"}, "com.p"])
    play.callees[0].session.format = Format.CBOR
    play.callees[0].say([YIELD, 2, {}, [1], {"k": 2}])
    play.house.settle()
    part, last = play.caller.session.outbox
    assert isinstance(part, Foreign)
    assert part.format is Format.CBOR
    assert list(map(bytes, part.message[3:])) == [b"[1]", b'{"k":2}']
    assert last == (RESULT, 2, {})


def test_a_bug_of_ours_ends_the_call():
    play = gathered()
    play.between.outlet.broken()
    assert play.caller.heard() == [[ERROR, CALL, 1, {}, CANCELED, ["the call could not be carried out"]]]
    assert is_over(play)


def test_what_cannot_wait_ends_the_call():
    play = gathered(quota=Quota(waiting_calls=1), concurrency=1)
    play.caller.say([CALL, 2, {"runon": "all"}, "com.p"])
    (error,) = play.caller.heard()
    assert error[:5] == [ERROR, CALL, 2, {}, "wamp.error.no_available_callee"]
    assert play.house.realm.struck["calls that no callee had room for"] == 1
    for callee in play.callees:
        answer(callee)
    assert play.caller.heard() == [[RESULT, 1, {}, [[{}, {}]]]]
    assert is_over(play)


def test_a_callee_that_unregisters_goes_on_with_its_part():
    play = gathered()
    first = play.callees[0]
    first.say([UNREGISTER, 2, 1])
    for callee in play.callees:
        answer(callee)
    assert play.caller.heard() == [[RESULT, 1, {}, [[{}, {}]]]]


@pytest.mark.parametrize("end", ["yield", "error", "cancel", "leave", "broken", "skip"])
def test_when_all_is_over_the_memory_is_free_at_once(end):
    play = gathered()
    outlet = weakref.ref(play.between.outlet)
    gc.disable()
    try:
        if end == "leave":
            play.caller.leave()
        elif end == "broken":
            play.between.outlet.broken()
        elif end in ("cancel", "skip"):
            play.caller.say([CANCEL, 1, {"mode": "skip" if end == "skip" else "kill"}])
        for callee in play.callees:
            if end == "error":
                callee.say([ERROR, INVOCATION, 1, {}, "com.err"])
            else:
                answer(callee)
        play.house.settle()
        for member in (play.caller, *play.callees):
            member.heard()
        play.house.touched.clear()
        play.between = None
        assert outlet() is None
    finally:
        gc.enable()


def test_results_to_be_gathered_are_kept_within_bounds():
    play = gathered(quota=Quota(kept_size=1000))
    store = play.house.realm.dealer.store
    answer(play.callees[0], ["short"])
    play.house.settle()
    assert 0 < store.used < 1000
    answer(play.callees[1], ["long" * 300])
    (error,) = play.caller.heard()
    assert error[:5] == [ERROR, CALL, 1, {}, "wamp.error.payload_size_exceeded"]
    assert "kept_size" in error[5][0]
    assert store.used == 0
    assert is_over(play)


@pytest.mark.parametrize("roles", [None, CAPABLE], ids=["ordinary", "can be replaced"])
def test_the_arguments_are_not_kept_where_they_are_not_needed(roles):
    play = gathered(roles=roles)
    assert play.house.realm.dealer.store.used == 0
    assert play.caller.session.calls[1].course.payload is None
    assert all(part.course.payload is None for part in play.between.calls.values())


def test_the_session_in_between_stays_what_it_is():
    play = gathered()
    assert play.between.state is State.ESTABLISHED
    assert play.between.roles.callee.has("call_canceling")
    assert not play.between.roles.callee.has("progressive_call_invocations")
