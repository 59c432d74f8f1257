"""The gate before limited sessions: buckets by a plain definition, and who has to pass it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.realms.house import CAPABLE, House
from wampd.realms.gate import Bucket, guarded
from wampd.realms.limits import Limits, Rate, beyond
from wampd.realms.messages import (
    CALL,
    ERROR,
    INTERRUPT,
    INVOCATION,
    MESSAGES,
    PUBLISH,
    REGISTER,
    RESULT,
    YIELD,
    Call,
    Error,
    Publish,
    Yield,
)
from wampd.realms.options import ClientRole, ClientRoles
from wampd.realms.session import ProtocolViolation

TOO_LARGE = "wamp.error.payload_size_exceeded"


# --- buckets ---


@given(
    st.sampled_from((0.5, 1.0, 4.0)),
    st.integers(1, 5),
    st.lists(st.sampled_from((0.0, 0.25, 0.5, 1.0, 3.0, 100.0)), max_size=40),
)
def test_in_any_time_there_are_as_many_as_the_burst_and_what_comes_in_that_time(per_second, burst, pauses):
    bucket, now, taken = Bucket(Rate(per_second, burst), 0.0), 0.0, []
    for pause in pauses:
        now += pause
        if bucket.take(now):
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - taken[first]) * per_second


@given(st.sampled_from((0.5, 1.0, 4.0)), st.integers(1, 5), st.lists(st.sampled_from((0.25, 0.5, 1.0)), max_size=40))
def test_who_keeps_to_the_rate_is_never_refused(per_second, burst, pauses):
    bucket, now = Bucket(Rate(per_second, burst), 5.0), 5.0
    for pause in pauses:
        now += pause + 1 / per_second
        assert bucket.take(now)


def test_a_bucket_is_full_at_first_and_never_more_than_full():
    bucket = Bucket(Rate(1.0, 3), 1000.0)
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(9000.0) for _ in range(4)] == [True, True, True, False]


def test_what_is_refused_takes_nothing():
    bucket = Bucket(Rate(1.0, 1), 0.0)
    assert bucket.take(0.0)
    assert not any(bucket.take(number / 100) for number in range(100))
    assert bucket.take(1.0)


# --- who has to pass ---


@pytest.mark.parametrize(
    ("limits", "kinds"),
    [
        (Limits(), set()),
        (Limits(subscriptions=1, depth=4, uri_length=5), set()),
        (Limits(call_rate=Rate(1.0, 1)), {Call}),
        (Limits(publication_rate=Rate(1.0, 1)), {Publish}),
        (Limits(payload_size=1), {Call, Publish, Yield, Error}),
    ],
)
def test_a_session_passes_the_gate_with_what_is_limited_and_nothing_else(limits, kinds):
    assert guarded(limits) == kinds
    free, house = House(), House(limits=limits)
    usual, handlers = free.join().session.handlers, house.join().session.handlers
    assert handlers.keys() == usual.keys()
    for kind, (handler, counted) in handlers.items():
        assert (handler.__self__ is house.realm._gate) == (kind in kinds)
        assert counted == usual[kind][1]


def test_every_message_with_payload_of_an_established_session_passes_the_gate_of_payload():
    established = {row.struct for row in MESSAGES.values() if row.struct is not None}
    with_payload = {kind for kind in established if "args" in kind.__struct_fields__ and kind.__name__ != "Abort"}
    assert guarded(Limits(payload_size=1)) == with_payload


def test_sessions_with_the_same_roles_and_limits_share_their_handlers():
    house = House(limits=Limits(call_rate=Rate(1.0, 1)))
    assert house.join().session.handlers is house.join().session.handlers


def test_a_session_without_the_role_does_not_get_it_from_the_gate():
    house = House(limits=Limits(payload_size=10))
    member = house.join(roles=ClientRoles(subscriber=ClientRole()))
    assert not {Call, Publish, Yield, Error} & member.session.handlers.keys()


# --- what happens to who does not ---


def test_a_progressive_answer_with_too_much_payload_also_interrupts_the_callee():
    house = House(limits=Limits(payload_size=50))
    callee, caller = house.join(), house.join()
    callee.say([REGISTER, 1, {}, "a.b"])
    caller.say([CALL, 1, {"receive_progress": True}, "a.b"])
    callee.heard()
    callee.say([70, 1, {"progress": True}, ["x" * 60]])
    assert caller.heard() == [[ERROR, CALL, 1, {}, TOO_LARGE, [beyond("payload_size", 50)]]]
    assert callee.heard() == [[INTERRUPT, 1, {"mode": "killnowait", "reason": TOO_LARGE}]]
    callee.say([70, 1, {}, ["x"]])
    assert caller.heard() == []
    assert house.realm.struck == Counter({"payloads over the limit": 1})
    assert not caller.session.calls
    assert not callee.session.invocations


PART = {"progress": True}


def calling(**limits):
    """A callee and a caller in a realm with limits."""
    house = House(limits=Limits(**limits))
    callee, caller = house.join(roles=CAPABLE), house.join(roles=CAPABLE)
    callee.say([REGISTER, 1, {}, "a.b"])
    callee.heard()
    return callee, caller


def test_parts_of_a_call_are_no_calls_and_take_nothing():
    callee, caller = calling(call_rate=Rate(1.0, 1))
    caller.say(*[[CALL, 1, PART, "a.b"]] * 5, [CALL, 1, {}, "a.b"])
    assert [message[:2] for message in callee.heard()] == [[INVOCATION, 1]] * 6
    callee.say([YIELD, 1, {}])
    assert [message[0] for message in caller.heard()] == [RESULT]
    caller.say([CALL, 2, {}, "a.b"])
    assert caller.heard()[0][:3] == [ERROR, CALL, 2]


def test_a_part_with_too_much_payload_ends_the_call_and_what_follows_is_dropped():
    callee, caller = calling(payload_size=50)
    caller.say([CALL, 1, PART, "a.b", ["x"]], [CALL, 1, PART, "a.b", ["x" * 60]], [CALL, 1, PART, "a.b", ["x"]])
    assert caller.heard() == [[ERROR, CALL, 1, {}, TOO_LARGE, [beyond("payload_size", 50)]]]
    assert [message[:2] for message in callee.heard()] == [[INVOCATION, 1], [INTERRUPT, 1]]
    caller.say([CALL, 1, PART, "a.b", ["x" * 60]], [CALL, 1, {}, "a.b", ["x" * 60]])
    assert caller.heard() == []


def test_a_call_whose_first_part_is_refused_has_no_second():
    callee, caller = calling(payload_size=50)
    caller.say([CALL, 1, PART, "a.b", ["x" * 60]], [CALL, 1, PART, "a.b", ["x"]], [CALL, 1, {}, "a.b", ["x"]])
    assert [message[4] for message in caller.heard()] == [TOO_LARGE]
    assert callee.heard() == []


def test_a_call_that_is_under_way_is_not_ended_by_another_with_its_id():
    callee, caller = calling(payload_size=50)
    caller.say([CALL, 1, {}, "a.b"])
    with pytest.raises(ProtocolViolation):
        caller.say([CALL, 1, {}, "a.b", ["x" * 60]])
    callee.say([YIELD, 1, {}])
    assert [message[0] for message in caller.heard()] == [RESULT]


def test_what_is_refused_at_the_gate_leaves_nothing_behind():
    house = House(limits=Limits(payload_size=10, call_rate=Rate(1.0, 1), publication_rate=Rate(1.0, 1)))
    callee, caller = house.join(), house.join()
    callee.say([REGISTER, 1, {}, "a.b"])
    caller.say([CALL, 1, {}, "a.b", ["x" * 20]], [CALL, 2, {}, "a.b"], [CALL, 3, {}, "a.b"])
    assert list(caller.session.calls) == [2]
    assert [message[:2] for message in callee.heard()[1:]] == [[INVOCATION, 1]]
    caller.say([PUBLISH, 4, {}, "a.b"], [PUBLISH, 5, {}, "a.b"], [PUBLISH, 6, {}, "a.b", [], {"k": "x" * 9}])
    assert house.realm.struck == {
        "payloads over the limit": 2,
        "calls over the rate": 1,
        "publications over the rate": 1,
    }
    caller.leave()
    callee.leave()
    assert house.is_empty()


def test_the_payload_is_measured_as_it_came_to_the_byte():
    house = House(limits=Limits(payload_size=8))
    caller = house.join()
    caller.say([CALL, 1, {}, "a.b", ["abcd"]])  # ["abcd"]: 8 bytes
    caller.say([CALL, 2, {}, "a.b", ["abcde"]])
    caller.say([CALL, 3, {}, "a.b", [], {"a": 1}])  # [] and {"a":1}: 9 bytes
    assert [message[4] for message in caller.heard()] == ["wamp.error.no_such_procedure", TOO_LARGE, TOO_LARGE]
