"""The records of calls: what ends them, and what becomes of what cannot be delivered."""

from __future__ import annotations

import tracemalloc

import pytest
from msgspec import Raw, ValidationError

from tests.realms.house import CAPABLE, House, plain
from wampd.realms.calls import Timeouts
from wampd.realms.messages import (
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    INTERRUPT,
    INVOCATION,
    PUBLISH,
    REGISTER,
    RESULT,
    SUBSCRIBE,
    YIELD,
    json_decoder,
)

BOOM = "wamp.error.payload_size_exceeded"
MORE = {"progress": True}
RECEIVE = {"receive_progress": True}
FAILED = [ERROR, CALL, 1, {}, BOOM, ["too long"]]


@pytest.fixture
def house():
    return House()


@pytest.fixture
def callee(house):
    """Its registration has number 1."""
    member = house.join(roles=CAPABLE)
    member.say([REGISTER, 1, {}, "com.p"])
    member.heard()
    return member


@pytest.fixture
def caller(house, callee):
    return house.join(roles=CAPABLE)


def flush(member):
    """Deliver an outbox as a shell does, but what says that it is bad; return what was delivered."""
    outbox = member.session.outbox
    delivered = []
    for message in outbox:
        if any(isinstance(part, Raw) and b"bad" in bytes(part) for part in message):
            assert member.house.realm.undeliverable(member.session, message, BOOM, "too long")
        else:
            delivered.append(plain(message))
    outbox.clear()
    return delivered


# --------------------------------------------------------------------------------------------------------- invocations


@pytest.mark.spec("RPC-22", "PCI-06", "RPC-18")
def test_when_the_first_part_of_a_call_is_lost_the_callee_hears_nothing_of_it(house, callee, caller):
    caller.say([CALL, 1, MORE, "com.p", ["bad"]], [CALL, 1, MORE, "com.p", [1]], [CALL, 1, {}, "com.p", [2]])
    assert flush(callee) == []
    assert caller.heard() == [FAILED]
    caller.say([CALL, 1, {}, "com.p"], [CALL, 2, {}, "com.p"])
    assert callee.heard()[0][:2] == [INVOCATION, 1]


@pytest.mark.spec("RPC-22", "PCI-06", "RPC-18")
@pytest.mark.parametrize("at_once", [True, False])
def test_when_a_later_part_is_lost_the_callee_is_interrupted_and_gets_no_further_one(house, callee, caller, at_once):
    caller.say([CALL, 1, MORE, "com.p", [0]])
    heard = [] if at_once else callee.heard()
    caller.say([CALL, 1, MORE, "com.p", ["bad"]], [CALL, 1, {}, "com.p", [2]])
    delivered = heard + flush(callee)
    interrupt = [INTERRUPT, 1, {"mode": "killnowait", "reason": BOOM}]
    assert [message[:2] for message in delivered] == [[INVOCATION, 1], interrupt[:2]]
    assert delivered[-1] == interrupt
    assert caller.heard() == [FAILED]
    callee.say([YIELD, 1, {}])
    assert caller.heard() == []
    caller.say([CALL, 2, {}, "com.p"])
    assert callee.heard()[0][:2] == [INVOCATION, 2]


@pytest.mark.spec("RPC-22", "CAN-04", "ID-07")
def test_who_does_not_get_an_invocation_is_not_interrupted_either(house, callee, caller):
    caller.say([CALL, 1, {}, "com.p", ["bad"]], [CANCEL, 1, {}])
    assert flush(callee) == []
    assert [message[4] for message in caller.heard()] == ["wamp.error.canceled"]
    caller.say([CALL, 2, {}, "com.p"])
    assert callee.heard()[0][:2] == [INVOCATION, 1]


def test_what_waits_for_others_in_the_same_outbox_is_delivered(house, callee, caller):
    callee.say([SUBSCRIBE, 2, {}, "com.topic"])
    callee.heard()
    caller.say(
        [CALL, 1, MORE, "com.p", ["bad"]],
        [PUBLISH, 2, {}, "com.topic", [1]],
        [CALL, 1, {}, "com.p", [1]],
        [CALL, 3, {}, "com.p", [3]],
    )
    house.realm.undeliverable(callee.session, callee.session.outbox.pop(0), BOOM, "too long")
    assert [message[0] for message in callee.heard()] == [EVENT, INVOCATION]


# ------------------------------------------------------------------------------------------------------------- results


@pytest.mark.spec("RPC-22", "PCR-02", "RPC-18")
def test_when_a_part_of_a_result_is_lost_the_call_fails_and_the_callee_is_interrupted(house, callee, caller):
    caller.say([CALL, 1, RECEIVE, "com.p"])
    callee.heard()
    callee.say([YIELD, 1, MORE, [1]], [YIELD, 1, MORE, ["bad"]], [YIELD, 1, MORE, [2]])
    assert [message[0] for message in flush(caller)] == [RESULT, RESULT, ERROR]
    assert callee.heard() == [[INTERRUPT, 1, {"mode": "killnowait", "reason": BOOM}]]
    callee.say([YIELD, 1, {}])
    assert caller.heard() == []


@pytest.mark.spec("RPC-22", "PCR-02", "RPC-18")
def test_when_the_final_answer_is_on_its_way_already_it_becomes_the_error(house, callee, caller):
    caller.say([CALL, 1, RECEIVE, "com.p"], [CALL, 2, RECEIVE, "com.p"])
    callee.heard()
    callee.say([YIELD, 1, MORE, ["bad"]], [YIELD, 2, {}, [2]], [YIELD, 1, {}, [1]])
    delivered = flush(caller)
    assert [message[:2] for message in delivered] == [[RESULT, 2], [ERROR, CALL]]
    assert delivered[1] == FAILED
    assert callee.heard() == []


@pytest.mark.spec("RPC-22", "RPC-18")
def test_when_the_final_answer_is_an_error_it_stays_that(house, callee, caller):
    caller.say([CALL, 1, RECEIVE, "com.p"])
    callee.heard()
    callee.say([YIELD, 1, MORE, ["bad"]], [ERROR, INVOCATION, 1, {}, "com.err"])
    assert flush(caller) == [[ERROR, CALL, 1, {}, "com.err"]]


@pytest.mark.spec("PPT-05")
def test_that_a_result_was_refused_can_be_said_without_the_reason(house, callee, caller):
    unable = house.join()
    unable.say([CALL, 1, {}, "com.p"])
    callee.heard()
    callee.say([YIELD, 1, {"ppt_scheme": "x_mine"}, ["x"]])
    message = callee.session.outbox.pop()
    assert message[:5] == (ERROR, YIELD, 1, {}, "wamp.error.feature_not_supported")
    assert house.realm.undeliverable(callee.session, message, BOOM, "too long")
    assert callee.heard() == [[*message[:5], ["too long"]]]


# ---------------------------------------------------------------------------------------------------------------- time


@pytest.mark.spec("TMO-09", "RPC-18")
def test_calls_that_are_over_leave_no_deadline(callee, caller, house):
    for number in range(1, 1001):
        caller.say([CALL, number, {"timeout": 60_000 - number}, "com.p"])
        callee.say([YIELD, number, {}])
    deadlines = house.realm.dealer.deadlines
    assert not len(deadlines)
    assert len(deadlines._heap) < 200
    assert house.realm.next_deadline is None


@pytest.mark.spec("TMO-09")
def test_the_shell_is_told_when_the_next_deadline_gets_earlier_and_not_otherwise(callee, caller, house):
    caller.say([CALL, 1, {"timeout": 500}, "com.p"], [CALL, 2, {"timeout": 600}, "com.p"])
    assert house.alarmed == [house.realm]
    caller.say([CALL, 3, {"timeout": 400}, "com.p"])
    assert house.alarmed == [house.realm] * 2
    assert house.realm.next_deadline == house.now + 0.4
    house.realm.expire(house.now + 0.5)
    assert [message[2] for message in caller.heard()] == [3, 1]
    assert house.realm.next_deadline == house.now + 0.6


@pytest.mark.spec("TMO-09")
def test_very_many_calls_are_not_ended_in_one_go(callee, caller, house):
    house.realm.dealer.SLICE = 10
    caller.say(*[[CALL, number, {"timeout": 100 + number}, "com.p"] for number in range(1, 26)])
    house.now += 1
    rounds = []
    while house.realm.next_deadline is not None:
        assert house.realm.next_deadline <= house.now
        house.realm.expire(house.now)
        rounds.append([message[2] for message in caller.heard()])
    assert rounds == [list(range(1, 11)), list(range(11, 21)), list(range(21, 26))]


def test_a_session_that_leaves_takes_its_deadlines_along(callee, caller, house):
    caller.say([CALL, 1, {"timeout": 500}, "com.p"], [CALL, 2, {**MORE, "timeout": 500}, "com.p"])
    caller.leave()
    assert house.realm.next_deadline is None
    assert caller.holds_nothing()


@pytest.mark.spec("TMO-09")
def test_a_realm_with_a_default_watches_calls_without_options():
    house = House(timeouts=Timeouts(default=1.0))
    callee, caller = house.join(), house.join()
    callee.say([REGISTER, 1, {}, "com.p"])
    caller.say([CALL, 1, {}, "com.p"])
    house.realm.expire(house.now + 1)
    assert [message[4] for message in caller.heard()] == ["wamp.error.timeout"]


@pytest.mark.trap(16)
@pytest.mark.parametrize("shared", [{"invoke": "roundrobin"}, {"concurrency": 1}], ids=["may be rerouted", "waits"])
@pytest.mark.parametrize(
    "call",
    [
        b'[48, %d, {}, "g.x", [1]%s]',
        b'[48, %d, {"unknown": "%s"}, "g.x", [1]]',
        b'[48, %d, {"timeout": 1, "forward_for": [{"x": "%s"}]}, "g.x", [1]]',
    ],
    ids=["space", "unknown", "forward_for"],
)
def test_of_a_call_that_is_kept_nothing_is_kept_but_its_payload(shared, call):
    house = House()
    caller, callee = house.join(roles=CAPABLE), house.join(roles=CAPABLE)
    callee.say([REGISTER, 1, shared, "g.x"])
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(1, 11):
        house.realm.handle(caller.session, json_decoder().decode(call % (number, b" " * 100_000)))
        callee.heard()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(caller.session.calls) == 10
    assert after - before < 100_000


@pytest.mark.trap(16)
@pytest.mark.parametrize("option", ["transaction_hash", "ppt_scheme", "ppt_keyid", "enc_algo", "enc_key"])
def test_what_is_kept_of_the_options_of_a_call_is_bounded(option):
    decode = json_decoder().decode
    assert decode(b'[48, 1, {"%s": "%s"}, "g.x"]' % (option.encode(), b"x" * 1024)).options
    with pytest.raises(ValidationError):
        decode(b'[48, 1, {"%s": "%s"}, "g.x"]' % (option.encode(), b"x" * 1025))
