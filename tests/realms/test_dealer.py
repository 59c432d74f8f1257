"""The dealer by itself: one realm, no router round it.

Somewhat long, so that this file alone covers the dealer.
"""

from __future__ import annotations

import pytest

from tests.realms.house import House, Member
from tests.realms.test_broker import Choosy
from wampd.realms.grants import Grant
from wampd.realms.limits import Limits
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
    Foreign,
    Format,
)
from wampd.realms.options import ClientRole, ClientRoles
from wampd.realms.session import ProtocolViolation

CANCELED = "wamp.error.canceled"
BOOM = "wamp.error.payload_size_exceeded"


def registered(house, uri="com.p", match="exact", interruptible=True, **options) -> tuple[Member, int]:
    """A new member with a registration, and its id."""
    member = house.join(interruptible=interruptible)
    member.say([REGISTER, 1, {"match": match, **options}, uri])
    ((kind, request, registration),) = member.heard()
    assert (kind, request) == (REGISTERED, 1)
    return member, registration


@pytest.fixture
def house():
    return House()


@pytest.fixture
def called(house):
    """A callee, a caller, and a call under way: number 1 on both sides."""
    callee, registration = registered(house)
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p", ["in"]])
    assert callee.heard() == [[INVOCATION, 1, registration, {}, ["in"]]]
    return callee, caller


# -------------------------------------------------------------------------------------------------------------- calls


@pytest.mark.parametrize("payload", [[], [[1]], [[], {"k": 1}], [[1], {"k": 1}]], ids=str)
def test_payload_goes_both_ways_as_it_came(house, payload):
    callee, registration = registered(house)
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p", *payload], [CALL, 2, {}, "com.p", *payload])
    assert callee.heard() == [[INVOCATION, 1, registration, {}, *payload], [INVOCATION, 2, registration, {}, *payload]]
    callee.say([YIELD, 1, {}, *payload], [ERROR, INVOCATION, 2, {}, "com.err", *payload])
    assert caller.heard() == [[RESULT, 1, {}, *payload], [ERROR, CALL, 2, {}, "com.err", *payload]]
    assert caller.holds_nothing()
    assert not callee.session.invocations


def test_payload_for_another_serialization_is_marked_as_foreign(house):
    callee, _ = registered(house)
    callee.session.format = Format.CBOR
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p", [1], {"k": 2}], [CALL, 2, {}, "com.p", [3]], [CALL, 3, {}, "com.p"])
    *foreign, bare = callee.session.outbox
    assert all(isinstance(message, Foreign) and message.format is Format.JSON for message in foreign)
    assert [list(map(bytes, message.message[4:])) for message in foreign] == [[b"[1]", b'{"k":2}'], [b"[3]"]]
    assert isinstance(bare, tuple)
    callee.say([YIELD, 1, {}, [1]], [ERROR, INVOCATION, 2, {}, "com.err", [1]])
    assert [message.format for message in caller.session.outbox] == [Format.CBOR, Format.CBOR]


def test_there_is_nobody_to_call(house):
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p"])
    assert caller.heard() == [
        [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ["no procedure 'com.p' is registered"]]
    ]


def test_an_error_uri_that_is_none_is_replaced(called):
    callee, caller = called
    callee.say([ERROR, INVOCATION, 1, {}, "no uri", ["why"]])
    assert caller.heard() == [[ERROR, CALL, 1, {}, "wamp.error.invalid_uri", ["why"]]]


def test_patterns_tell_the_procedure_and_never_catch_reserved_names(house):
    callee, _ = registered(house, "", "prefix")
    caller = house.join()
    for number, uri in enumerate(["com.x", "wamp.x", "wampd.x", "wamp", "wampx.x"], 1):
        caller.say([CALL, number, {}, uri])
    assert [message[3] for message in callee.heard()] == [{"procedure": "com.x"}, {"procedure": "wampx.x"}]
    assert [message[2] for message in caller.heard()] == [2, 3, 4]


@pytest.mark.parametrize(
    ("uri", "call", "register", "disclosed"),
    [
        ("a.b", {}, {}, False),
        ("a.b", {"disclose_me": True}, {}, True),
        ("a.b", {}, {"disclose_caller": True}, True),
        ("shown.b", {}, {}, True),
        ("hidden.b", {}, {}, False),
    ],
)
@pytest.mark.parametrize("match", ["exact", "prefix"])
def test_the_caller_is_disclosed_as_the_grants_say(uri, call, register, disclosed, match):
    house = House(policy=Choosy())
    callee, registration = registered(house, uri, match, **register)
    caller = house.join(authid="joe", authrole="member")
    caller.say([CALL, 1, call, uri])
    joe = {"caller": caller.session.id, "caller_authid": "joe", "caller_authrole": "member"}
    procedure = {} if match == "exact" else {"procedure": uri}
    assert callee.heard() == [[INVOCATION, 1, registration, {**procedure, **(joe if disclosed else {})}]]


def test_a_caller_who_must_not_be_disclosed_is_not_though_the_callee_wants_it():
    class Secretive(Choosy):
        def decide(self, action, uri, match):
            return Grant(disclose="never" if action == "call" else "on_request")

    house = House(policy=Secretive())
    callee, registration = registered(house, disclose_caller=True)
    house.join().say([CALL, 1, {}, "com.p"])
    assert callee.heard() == [[INVOCATION, 1, registration, {}]]


def test_what_the_grants_refuse_is_refused():
    house = House(policy=Choosy())
    member = house.join()
    shut = ["wamp.error.not_authorized", ["it is shut"]]
    member.say([CALL, 1, {}, "shut.p"], [REGISTER, 2, {}, "shut.p"])
    assert member.heard() == [[ERROR, CALL, 1, {}, *shut], [ERROR, REGISTER, 2, {}, *shut]]
    hidden = ["wamp.error.option_disallowed.disclose_me"]
    member.say([CALL, 3, {"disclose_me": True}, "hidden.p"], [REGISTER, 4, {"disclose_caller": True}, "hidden.p"])
    assert member.heard() == [[ERROR, CALL, 3, {}, *hidden], [ERROR, REGISTER, 4, {}, *hidden]]
    assert member.holds_nothing()


def test_a_session_has_only_so_many_calls_under_way():
    house = House(limits=Limits(pending_calls=2))
    callee, _ = registered(house)
    caller = house.join()
    caller.say(*[[CALL, number, {}, "com.p"] for number in (1, 2, 3)])
    assert caller.heard()[0][:5] == [ERROR, CALL, 3, {}, "wamp.error.not_authorized"]
    assert len(callee.heard()) == 2
    assert house.realm.struck == {"calls over the limit": 1}
    callee.say([YIELD, 1, {}])
    caller.say([CALL, 4, {}, "com.p"])
    assert caller.heard() == [[RESULT, 1, {}]]
    assert callee.heard()[0][1] == 3


@pytest.mark.parametrize(
    "message",
    [
        [CALL, 1, {}, "com.p"],
        [CALL, 2, {"progress": True}, "com.p"],
        [CALL, 2, {"ppt_scheme": "wamp"}, "com.p"],
        [CANCEL, 2, {}],
    ],
    ids=str,
)
def test_what_no_caller_may_do_is_a_violation(called, message):
    with pytest.raises(ProtocolViolation):
        called[1].say(message)


@pytest.mark.parametrize(
    "message",
    [
        [YIELD, 2, {}],
        [YIELD, 2, {"progress": True}],
        [YIELD, 1, {"ppt_scheme": "wamp"}],
        [ERROR, INVOCATION, 2, {}, "com.err"],
        [ERROR, INVOCATION, 1, {"ppt_scheme": "wamp"}, "com.err"],
    ],
    ids=str,
)
def test_what_no_callee_may_do_is_a_violation(called, message):
    with pytest.raises(ProtocolViolation):
        called[0].say(message)


def test_only_the_first_answer_counts_and_progress_is_none(called):
    callee, caller = called
    callee.say([YIELD, 1, {"progress": True}, [0]])
    assert caller.heard() == []
    callee.say(
        [YIELD, 1, {}, [1]], [YIELD, 1, {}, [2]], [YIELD, 1, {"progress": True}], [ERROR, INVOCATION, 1, {}, "e.f"]
    )
    assert caller.heard() == [[RESULT, 1, {}, [1]]]


# --------------------------------------------------------------------------------------------------------- cancelling


@pytest.mark.parametrize("able", [True, False])
@pytest.mark.parametrize("mode", ["skip", "kill", "killnowait"])
def test_cancelling(house, mode, able):
    callee, _ = registered(house, interruptible=able)
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p"])
    callee.heard()
    caller.say([CANCEL, 1, {"mode": mode}])
    interrupt = [[INTERRUPT, 1, {"mode": mode, "reason": CANCELED}]]
    assert callee.heard() == (interrupt if able and mode != "skip" else [])
    canceled = [[ERROR, CALL, 1, {}, CANCELED, ["the caller cancelled the call"]]]
    waits = able and mode == "kill"
    assert caller.heard() == ([] if waits else canceled)
    callee.say([YIELD, 1, {}])
    assert caller.heard() == ([[RESULT, 1, {}]] if waits else [])


def test_either_name_of_the_feature_will_do(house):
    roles = ClientRoles(callee=ClientRole({"call_cancelling": True}))
    callee = house.join(roles=roles)
    callee.say([REGISTER, 1, {}, "com.p"])
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p"], [CANCEL, 1, {}])
    assert [message[0] for message in callee.heard()] == [REGISTERED, INVOCATION, INTERRUPT]


def test_cancelling_again_ends_the_waiting_and_interrupts_nobody_twice(called):
    callee, caller = called
    caller.say([CANCEL, 1, {"mode": "kill"}], [CANCEL, 1, {"mode": "kill"}])
    assert caller.heard() == []
    caller.say([CANCEL, 1, {"mode": "killnowait"}], [CANCEL, 1, {}])
    assert [message[:5] for message in caller.heard()] == [[ERROR, CALL, 1, {}, CANCELED]]
    assert [message[0] for message in callee.heard()] == [INTERRUPT]


def test_a_request_that_is_over_cannot_be_cancelled(called):
    callee, caller = called
    callee.say([YIELD, 1, {}])
    caller.heard()
    caller.say([CANCEL, 1, {}])
    assert caller.heard() == callee.heard() == []


# ------------------------------------------------------------------------------------------------------ registrations


def test_a_procedure_is_registered_once_for_each_policy(house):
    member, first = registered(house)
    other, second = registered(house, match="prefix")
    assert first != second
    for session, number in ((member, 2), (other, 2)):
        session.say([REGISTER, number, {}, "com.p"])
        assert session.heard()[0][:5] == [ERROR, REGISTER, number, {}, "wamp.error.procedure_already_exists"]


def test_only_ones_own_registration_can_be_ended_and_only_once(house):
    callee, registration = registered(house)
    stranger = house.join()
    stranger.say([UNREGISTER, 1, registration])
    assert stranger.heard() == [[ERROR, UNREGISTER, 1, {}, "wamp.error.no_such_registration"]]
    callee.say([UNREGISTER, 2, registration], [UNREGISTER, 3, registration])
    assert callee.heard() == [[UNREGISTERED, 2], [ERROR, UNREGISTER, 3, {}, "wamp.error.no_such_registration"]]
    assert not len(house.realm.dealer.registrations)


def test_an_invocation_outlives_its_registration(called):
    callee, caller = called
    callee.say([UNREGISTER, 2, 1], [YIELD, 1, {}])
    assert caller.heard() == [[RESULT, 1, {}]]


def test_a_session_has_only_so_many_registrations():
    house = House(limits=Limits(registrations=1))
    member, registration = registered(house)
    member.say([REGISTER, 2, {}, "com.q"])
    assert member.heard()[0][:5] == [ERROR, REGISTER, 2, {}, "wamp.error.not_authorized"]
    assert house.realm.struck == {"registrations over the limit": 1}
    member.say([UNREGISTER, 3, registration], [REGISTER, 4, {}, "com.q"])
    assert [message[0] for message in member.heard()] == [UNREGISTERED, REGISTERED]


# ------------------------------------------------------------------------------------------------------------ leaving


@pytest.mark.parametrize("able", [True, False])
def test_when_the_caller_leaves_the_callee_is_interrupted_if_it_can_be(house, able):
    callee, _ = registered(house, interruptible=able)
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p"])
    callee.heard()
    caller.leave()
    assert callee.heard() == ([[INTERRUPT, 1, {"mode": "killnowait", "reason": CANCELED}]] if able else [])
    callee.say([YIELD, 1, {}])
    assert caller.heard() == []


def test_when_the_callee_leaves_the_caller_gets_an_error(called):
    callee, caller = called
    callee.leave()
    assert caller.heard() == [[ERROR, CALL, 1, {}, CANCELED, ["the callee left"]]]
    assert callee.heard() == []


def test_very_many_who_wait_for_a_callee_that_leaves_are_not_answered_in_one_go(house):
    callee, _ = registered(house)
    callers = [house.join() for _ in range(3)]
    for caller in callers:
        caller.say(*[[CALL, number, {}, "com.p"] for number in range(1, 3001)])
    callee.leave()
    answers = [caller.heard() for caller in callers]
    assert 0 < sum(map(len, answers)) <= 2 * house.realm.SLICE
    assert not house.realm.is_deserted
    callers[2].say([CANCEL, 3000, {}])
    callers[1].leave()
    while house.realm.has_leavers:
        house.realm.tidy()
    for caller, heard in zip(callers, answers, strict=True):
        heard += caller.heard()
        assert heard.count([ERROR, CALL, 3000, {}, CANCELED, ["the callee left"]]) <= 1
    assert [len(answers[0]), len(answers[2])] == [3000, 3000]
    assert sorted(message[2] for message in answers[2]) == list(range(1, 3001))
    assert not callee.session.invocations


def test_who_is_at_its_limit_can_still_take_its_own_place():
    house = House(limits=Limits(registrations=1))
    callee, _ = registered(house)
    callee.say([REGISTER, 2, {"force_reregister": True}, "com.p"])
    assert callee.heard() == [[REGISTERED, 2, 2]]
    callee.say([REGISTER, 3, {"force_reregister": True}, "com.q"])
    assert callee.heard()[0][4] == "wamp.error.not_authorized"


def test_a_session_that_called_itself_leaves_without_a_word(house):
    member, _ = registered(house)
    member.say([CALL, 2, {}, "com.p"])
    member.heard()
    member.leave()
    assert member.heard() == []
    assert house.is_empty()


def test_the_calls_of_a_session_that_is_sent_away_are_answered(called):
    callee, caller = called
    callee.house.realm.dealer.abandon(caller.session, "wamp.close.killed")
    assert caller.heard() == [[ERROR, CALL, 1, {}, CANCELED, ["the session is being closed: wamp.close.killed"]]]
    assert [message[0] for message in callee.heard()] == [INTERRUPT]


def test_who_has_left_is_taken_off_a_slice_at_a_time_and_serves_nobody_meanwhile(house):
    callee = house.join()
    callee.say(*[[REGISTER, number, {}, f"com.p{number}"] for number in range(1, 11)])
    callee.heard()
    house.realm.SLICE = 4
    callee.leave()
    assert len(callee.session.registrations) == 6
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p10"])
    assert caller.heard()[0][4] == "wamp.error.no_such_procedure"
    # Its places can be taken at once, whether somebody looked for them or not.
    caller.say([REGISTER, 2, {}, "com.p10"], [REGISTER, 3, {}, "com.p9"])
    assert [message[0] for message in caller.heard()] == [REGISTERED, REGISTERED]
    while house.realm.has_leavers:
        house.realm.tidy()
    assert list(house.realm.dealer.registrations.exact) == ["com.p10", "com.p9"]
    assert callee.holds_nothing()


def test_while_who_has_left_is_taken_off_the_next_best_registration_serves(house):
    callee = house.join()
    callee.say(*[[REGISTER, number, {}, f"com.p{number}"] for number in range(1, 11)])
    callee.heard()
    other, pattern = registered(house, "com.", "prefix")
    house.realm.SLICE = 4
    callee.leave()
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p10"])
    assert other.heard() == [[INVOCATION, 1, pattern, {"procedure": "com.p10"}]]
    assert caller.heard() == []
    while house.realm.has_leavers:
        house.realm.tidy()
    assert callee.holds_nothing()


# -------------------------------------------------------------------------------------------------- what is not carried


def undelivered(member):
    """Let the first message of the outbox be one that cannot be carried; whether the session can go on."""
    message = member.session.outbox.pop(0)
    return member.house.realm.undeliverable(member.session, message, BOOM, "too long")


def test_a_call_whose_invocation_cannot_be_delivered_fails(house):
    registered(house, "com.other")  # so that invocation and registration have different numbers
    callee, _ = registered(house)
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p"])
    assert undelivered(callee)
    assert caller.heard() == [[ERROR, CALL, 1, {}, BOOM, ["too long"]]]
    with pytest.raises(ProtocolViolation):
        callee.say([YIELD, 1, {}])
    assert caller.heard() == []


@pytest.mark.spec("ID-07")
def test_an_invocation_that_cannot_be_delivered_leaves_no_gap(house):
    callee, registration = registered(house)
    caller = house.join()
    for number in (1, 2):
        caller.say([CALL, number, {}, "com.p"])
        assert undelivered(callee)
    caller.say([CALL, 3, {}, "com.p"])
    assert callee.heard() == [[INVOCATION, 1, registration, {}]]
    with pytest.raises(ProtocolViolation):
        callee.say([YIELD, 2, {}])


def test_an_invocation_that_cannot_be_delivered_may_be_over_already(house):
    callee, _ = registered(house)
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p"], [CANCEL, 1, {"mode": "skip"}])
    assert undelivered(callee)
    assert [message[4] for message in caller.heard()] == [CANCELED]


def test_a_result_that_cannot_be_delivered_becomes_an_error(called):
    callee, caller = called
    callee.say([YIELD, 1, {}, ["x"]])
    assert undelivered(caller)
    assert caller.heard() == [[ERROR, CALL, 1, {}, BOOM, ["too long"]]]


def test_an_error_that_cannot_be_delivered_becomes_less_and_less(called):
    callee, caller = called
    callee.say([ERROR, INVOCATION, 1, {}, "com.err", ["x"]])
    assert undelivered(caller)
    assert caller.session.outbox == [(ERROR, CALL, 1, {}, "com.err", ["too long"])]
    assert undelivered(caller)
    assert caller.session.outbox == [(ERROR, CALL, 1, {}, "com.err")]
    assert undelivered(caller)
    assert caller.session.outbox == [(ERROR, CALL, 1, {}, BOOM)]
    assert not undelivered(caller)
    assert caller.session.outbox == []


def test_who_cannot_even_be_told_the_id_of_a_registration_cannot_go_on(house):
    callee = house.join()
    callee.say([REGISTER, 1, {}, "com.p"])
    assert not undelivered(callee)
