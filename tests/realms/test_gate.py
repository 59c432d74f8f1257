"""The gate before limited sessions: buckets by a plain definition, and who has to pass it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.realms.house import CAPABLE, Everything, House
from wampd.realms.gate import Bucket, guarded
from wampd.realms.grants import Grant, Grants
from wampd.realms.limits import Limits, Rate, RuleLimits, beyond
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
REFUSED = "wamp.error.not_authorized"


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
        assert (handler.__self__ is house.realm.seats.gate) == (kind in kinds)
        assert counted == usual[kind][1]


def test_a_session_with_rules_that_have_limits_passes_the_gate_and_no_other():
    house = House()
    limited, usual = (house.join(grants=Grants(Everything(), limited=limited)) for limited in (True, False))
    assert guarded(Limits(), by_rule=True) == {Call, Publish}
    for kind, (handler, _) in limited.session.handlers.items():
        assert (handler.__self__ is house.realm.seats.gate) == (kind in {Call, Publish})
    assert not any(handler.__self__ is house.realm.seats.gate for handler, _ in usual.session.handlers.values())


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


# --- rules with limits of their own ---


class ByRule:
    """A policy of some rules with limits: by the beginning of the URI; what begins with ``no`` is refused."""

    def __init__(self, **rules):
        self.rules = rules

    def decide(self, action, uri, match):
        beginning = uri.partition(".")[0]
        return Grant(refusal=REFUSED) if beginning == "no" else Grant(limits=self.rules.get(beginning))


def by_rules(limits=Limits(), **rules):  # noqa: B008 - frozen
    """A callee of whatever is called, and two callers with these rules."""
    house = House(limits=limits)
    callee = house.join(roles=CAPABLE)
    callee.say(*[[REGISTER, number, {}, f"{name}.b"] for number, name in enumerate(("a", "b", "c", "no"), 1)])
    callee.heard()
    grants = Grants(ByRule(**rules), limited=True)
    return callee, house.join(roles=CAPABLE, grants=grants), house.join(roles=CAPABLE, grants=grants)


SLOW, SOME = Rate(1.0, 1), Rate(0.5, 3)
OVER = "wamp.error.unavailable"
BY_RULE = ", by the rule for this URI"


def errors(member):
    return [(message[2], message[4], *message[5:]) for message in member.heard() if message[0] == ERROR]


def test_a_rate_of_a_rule_counts_for_each_session_and_for_each_rule_apart():
    rule = {"a": RuleLimits(call_rate=SLOW), "b": RuleLimits(call_rate=SLOW)}
    _, caller, other = by_rules(**rule)
    text = beyond("call_rate", 1.0) + BY_RULE
    assert text == "no more than 1 calls a second (limit: call_rate), by the rule for this URI"
    caller.say(*[[CALL, number, {}, uri] for number, uri in enumerate(("a.b", "a.b", "b.b", "b.b", "c.b", "c.b"), 1)])
    assert errors(caller) == [(2, OVER, [text]), (4, OVER, [text])]
    other.say([CALL, 1, {}, "a.b"])
    assert errors(other) == []
    caller.house.now += 1.0
    caller.say([CALL, 7, {}, "a.b"], [CALL, 8, {}, "a.b"])
    assert [number for number, *_ in errors(caller)] == [8]
    assert caller.house.realm.struck == {"calls over the rate": 3}


def test_a_rate_of_a_rule_is_within_the_rate_of_the_session_and_what_is_refused_takes_nothing_of_either():
    _, caller, _ = by_rules(Limits(call_rate=SOME), a=RuleLimits(call_rate=SLOW))
    caller.say(*[[CALL, number, {}, "a.b"] for number in range(1, 9)])  # one is let through
    assert [number for number, *_ in errors(caller)] == [2, 3, 4, 5, 6, 7, 8]
    caller.say(*[[CALL, number, {}, "c.b"] for number in range(11, 14)])  # two are left to the session
    assert errors(caller) == [(13, OVER, [beyond("call_rate", 0.5)])]
    caller.house.now += 1.0  # now the rule has one, and the session has half of one
    caller.say([CALL, 14, {}, "a.b"])
    caller.house.now += 1.0
    caller.say([CALL, 15, {}, "a.b"])
    assert errors(caller) == [(14, OVER, [beyond("call_rate", 0.5)])]


def test_publications_by_a_rule_have_their_rate():
    _, publisher, _ = by_rules(a=RuleLimits(publication_rate=SLOW))
    publisher.say(*[[PUBLISH, number, {"acknowledge": number > 2}, "a.b"] for number in range(1, 5)])
    publisher.say([PUBLISH, 5, {"acknowledge": True}, "c.b"])
    text = beyond("publication_rate", 1.0) + BY_RULE
    assert errors(publisher) == [(3, OVER, [text]), (4, OVER, [text])]
    assert publisher.house.realm.struck == {"publications over the rate": 3}


def test_the_payload_by_a_rule_is_limited_within_that_of_the_session():
    _, member, _ = by_rules(Limits(payload_size=20), a=RuleLimits(payload_size=8), b=RuleLimits(payload_size=100))
    member.say([CALL, 1, {}, "a.b", ["abcd"]], [CALL, 2, {}, "a.b", ["abcde"]], [CALL, 3, {}, "c.b", ["abcde"]])
    member.say([CALL, 4, {}, "b.b", ["x" * 30]], [PUBLISH, 5, {"acknowledge": True}, "a.b", ["abcde"]])
    by_rule = beyond("payload_size", 8) + BY_RULE
    assert errors(member) == [
        (2, TOO_LARGE, [by_rule]),
        (4, TOO_LARGE, [beyond("payload_size", 20)]),
        (5, TOO_LARGE, [by_rule]),
    ]


def test_parts_of_a_call_by_a_rule_take_nothing_and_one_too_large_ends_it():
    callee, caller, _ = by_rules(a=RuleLimits(call_rate=SLOW, payload_size=8))
    caller.say(*[[CALL, 1, PART, "a.b", [1]]] * 4, [CALL, 1, PART, "a.b", ["too much"]])
    assert errors(caller) == [(1, TOO_LARGE, [beyond("payload_size", 8) + BY_RULE])]
    assert [message[0] for message in callee.heard()] == [INVOCATION] * 4 + [INTERRUPT]


def test_what_is_not_permitted_is_refused_as_such():
    _, caller, _ = by_rules(a=RuleLimits(call_rate=SLOW))
    caller.say([CALL, 1, {}, "no.b", [12]], [CALL, 2, {}, "no.b", [12]], [CALL, 3, {}, "no..b", [12]])
    assert [(number, uri) for number, uri, *_ in errors(caller)] == [
        (1, REFUSED),
        (2, REFUSED),
        (3, "wamp.error.invalid_uri"),
    ]
    assert caller.session.rule_tokens is None
