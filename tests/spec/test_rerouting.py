"""Callees that are not available (advanced profile, "Call Re-Routing")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import called, pass_time, without
from tests.support.play import ALL, ANY, BASIC, nothing
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

UNAVAILABLE = "wamp.error.unavailable"
NO_AVAILABLE_CALLEE = "wamp.error.no_available_callee"
WORK = "com.app.work"
NAMES = ("alice", "bob", "carol")


def sharing(play, invoke="roundrobin", names=NAMES, **options):
    """These callees share a procedure, in this order."""
    for name in names:
        getattr(play, name) > [REGISTER, 1, {"invoke": invoke, **options}, WORK]
        getattr(play, name) < [REGISTERED, 1, ANY.as_("reg")]


def asked(play, name, number=1, **details):
    """This callee is asked, and not available."""
    getattr(play, name) < [INVOCATION, number, play.reg, details, ["x"], {"k": 1}]
    getattr(play, name) > [ERROR, INVOCATION, number, {}, UNAVAILABLE, ["busy"]]


def serves(play, name, call=1, number=1, **details):
    """This callee is asked, and answers."""
    getattr(play, name) < [INVOCATION, number, play.reg, details, ["x"], {"k": 1}]
    getattr(play, name) > [YIELD, number, {}, [name]]
    play.caller < [RESULT, call, {}, [name]]


@pytest.mark.spec("RER-01", "RER-03", "RPC-18")
@pytest.mark.parametrize(
    ("invoke", "order"),
    [
        ("roundrobin", ["alice", "bob", "carol"]),
        ("first", ["alice", "bob", "carol"]),
        ("last", ["carol", "bob", "alice"]),
    ],
)
def test_another_callee_is_asked_and_the_caller_does_not_notice(play, invoke, order):
    sharing(play, invoke)
    play.caller > [CALL, 1, {}, WORK, ["x"], {"k": 1}]
    asked(play, order[0])
    asked(play, order[1])
    play.caller < nothing
    serves(play, order[2])


@pytest.mark.spec("RER-03", "RER-04")
@pytest.mark.parametrize("invoke", ["random", "load"])
def test_no_callee_is_asked_twice_whatever_the_policy(memory_play, invoke):
    play = memory_play
    sharing(play, invoke)
    play.caller > [CALL, 1, {}, WORK, ["x"], {"k": 1}]
    left = list(NAMES)
    while left:
        name = next(name for name in left if getattr(play, name).wire.waiting())
        left.remove(name)
        asked(play, name)
    play.caller < [ERROR, CALL, 1, {}, NO_AVAILABLE_CALLEE, ...]


@pytest.mark.spec("RER-03", "SHR-04")
def test_round_robin_goes_on_behind_the_one_who_served(play):
    sharing(play)
    play.caller > [CALL, 1, {}, WORK, ["x"], {"k": 1}]
    asked(play, "alice")
    serves(play, "bob")
    play.caller > [CALL, 2, {}, WORK, ["x"], {"k": 1}]
    serves(play, "carol", 2)


@pytest.mark.spec("RER-02", "RER-04")
@pytest.mark.parametrize("options", [{}, {"timeout": 5000}], ids=str)
def test_the_only_callee_of_a_procedure_is_nobody_to_fall_back_on(play, options):
    called(play, **options)
    play.callee > [ERROR, INVOCATION, 1, {}, UNAVAILABLE]
    play.caller < [ERROR, CALL, 1, {}, NO_AVAILABLE_CALLEE, ...]
    play.callee > [YIELD, 1, {}]
    play.caller < nothing


@pytest.mark.spec("RER-04", "RPC-18")
def test_when_nobody_is_available_the_caller_is_told(play):
    sharing(play)
    play.caller > [CALL, 1, {}, WORK, ["x"], {"k": 1}]
    for name in NAMES:
        asked(play, name)
    play.caller < [ERROR, CALL, 1, {}, NO_AVAILABLE_CALLEE, ...]
    for name in NAMES:
        getattr(play, name) > [YIELD, 1, {}]
        getattr(play, name) < nothing
    play.caller < nothing


@pytest.mark.spec("RER-05", "FEA-02")
@pytest.mark.parametrize("roles", [BASIC, without("callee", "call_reroute")], ids=["basic", "but this"])
def test_the_error_of_a_callee_that_did_not_announce_it_is_passed_on(play, roles):
    play.session("alice", roles=roles)
    sharing(play)
    play.caller > [CALL, 1, {}, WORK, ["x"], {"k": 1}]
    asked(play, "alice")
    play.caller < [ERROR, CALL, 1, {}, UNAVAILABLE, ["busy"]]
    play.bob < nothing


@pytest.mark.spec("RER-05")
def test_any_other_error_is_passed_on(play):
    sharing(play)
    play.caller > [CALL, 1, {}, WORK]
    play.alice < [INVOCATION, 1, play.reg, {}]
    play.alice > [ERROR, INVOCATION, 1, {}, "com.err", [1]]
    play.caller < [ERROR, CALL, 1, {}, "com.err", [1]]
    play.bob < nothing


@pytest.mark.spec("RER-05", "PCR-02")
def test_after_progress_it_is_too_late_to_ask_another(play):
    sharing(play)
    play.caller > [CALL, 1, {"receive_progress": True}, WORK]
    play.alice < [INVOCATION, 1, play.reg, {"receive_progress": True}]
    play.alice > [YIELD, 1, {"progress": True}, [1]]
    play.caller < [RESULT, 1, {"progress": True}, [1]]
    play.alice > [ERROR, INVOCATION, 1, {}, UNAVAILABLE]
    play.caller < [ERROR, CALL, 1, {}, UNAVAILABLE]
    play.bob < nothing


@pytest.mark.spec("RER-05", "PCI-02")
def test_after_the_second_part_of_a_call_it_is_too_late_and_before_it_is_not(play):
    sharing(play)
    more = {"progress": True}
    play.caller > [CALL, 1, more, WORK, ["x"], {"k": 1}]
    asked(play, "alice", **more)
    play.bob < [INVOCATION, 1, play.reg, more, ["x"], {"k": 1}]
    play.caller > [CALL, 1, more, WORK, [2]]
    play.bob < [INVOCATION, 1, play.reg, more, [2]]
    play.bob > [ERROR, INVOCATION, 1, {}, UNAVAILABLE]
    play.caller < [ERROR, CALL, 1, {}, UNAVAILABLE]
    play.caller > [CALL, 1, {}, WORK]
    play.carol < nothing


@pytest.mark.spec("PCI-02", "SHR-04")
def test_all_parts_of_a_call_go_to_the_callee_of_the_first(play):
    sharing(play)
    more = {"progress": True}
    play.caller.say(
        [CALL, 1, more, WORK, [1]], [CALL, 2, {}, WORK, [2]], [CALL, 1, more, WORK, [3]], [CALL, 1, {}, WORK]
    )
    play.alice < [INVOCATION, 1, play.reg, more, [1]]
    play.alice < [INVOCATION, 1, play.reg, more, [3]]
    play.alice < [INVOCATION, 1, play.reg, {}]
    play.bob < [INVOCATION, 1, play.reg, {}, [2]]
    play.alice > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    play.bob > [YIELD, 1, {}]
    play.caller < [RESULT, 2, {}]


@pytest.mark.spec("RER-06", "TMO-03")
def test_the_time_of_a_call_spans_all_attempts(memory_play):
    play = memory_play
    sharing(play)
    play.caller > [CALL, 1, {"timeout": 300}, WORK, ["x"], {"k": 1}]
    pass_time(play, 0.2)
    asked(play, "alice")
    play.bob < [INVOCATION, 1, play.reg, {}, ["x"], {"k": 1}]
    pass_time(play, 0.1)
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.timeout", ...]
    play.bob < [INTERRUPT, 1, {...: ...}]
    play.alice < nothing


@pytest.mark.spec("RER-06", "TMO-04")
def test_a_callee_that_watches_the_time_itself_is_told_what_is_left_of_it(memory_play):
    play = memory_play
    play.session("bob", roles=without("callee", "call_timeout"))
    sharing(play, forward_timeout=True)
    play.caller > [CALL, 1, {"timeout": 500}, WORK, ["x"], {"k": 1}]
    pass_time(play, 0.1)
    asked(play, "alice", timeout=500)
    pass_time(play, 0.1)
    asked(play, "bob")
    play.carol < [INVOCATION, 1, play.reg, {"timeout": 300}, ["x"], {"k": 1}]
    pass_time(play, 1)
    play.caller < nothing
    play.carol > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("RER-06", "CID-01", "PPT-01")
def test_every_callee_is_told_the_same_of_caller_and_payload(play):
    sharing(play)
    scheme = {"ppt_scheme": "x_mine", "ppt_keyid": "k"}
    play.caller > [CALL, 1, {"disclose_me": True, **scheme}, WORK, ["sealed"]]
    details = {"caller": play.caller.id, "caller_authid": str, "caller_authrole": str, **scheme}
    play.alice < [INVOCATION, 1, play.reg, details, ["sealed"]]
    play.alice > [ERROR, INVOCATION, 1, {}, UNAVAILABLE]
    play.bob < [INVOCATION, 1, play.reg, details, ["sealed"]]
    play.bob > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("RER-06", "CAN-04")
def test_only_the_callee_of_the_moment_is_interrupted(play):
    sharing(play)
    play.caller > [CALL, 1, {}, WORK, ["x"], {"k": 1}]
    asked(play, "alice")
    play.bob < [INVOCATION, 1, play.reg, {}, ["x"], {"k": 1}]
    play.caller > [CANCEL, 1, {}]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    play.bob < [INTERRUPT, 1, {...: ...}]
    play.alice < nothing
    play.alice > [YIELD, 1, {}]
    play.caller < nothing


@pytest.mark.spec("RER-05", "CAN-03")
def test_a_callee_that_was_killed_ends_the_call_and_nobody_else_is_asked(play):
    sharing(play)
    play.caller > [CALL, 1, {}, WORK]
    play.alice < [INVOCATION, 1, play.reg, {}]
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    play.alice < [INTERRUPT, 1, {...: ...}]
    play.alice > [ERROR, INVOCATION, 1, {}, UNAVAILABLE]
    play.caller < [ERROR, CALL, 1, {}, UNAVAILABLE]
    play.bob < nothing


@pytest.mark.spec("RER-01", "RER-04", "RPC-17")
def test_only_those_who_are_registered_when_it_happens_are_asked(play):
    sharing(play)
    play.caller > [CALL, 1, {}, WORK, ["x"], {"k": 1}]
    play.bob > [UNREGISTER, 2, play.reg]
    play.bob < [UNREGISTERED, 2]
    play.carol.drop()
    play.session("dave")
    sharing(play, names=["dave"])
    asked(play, "alice")
    serves(play, "dave")
    play.bob < nothing


@pytest.mark.spec("RER-04", "PCI-04", "PPT-04")
def test_a_callee_that_lacks_what_the_call_needs_is_passed_over(play):
    play.session("bob", roles=without("callee", "payload_passthru_mode"))
    sharing(play)
    scheme = {"ppt_scheme": "x_mine"}
    play.caller > [CALL, 1, scheme, WORK, ["sealed"]]
    play.alice < [INVOCATION, 1, play.reg, scheme, ["sealed"]]
    play.alice > [ERROR, INVOCATION, 1, {}, UNAVAILABLE]
    play.carol < [INVOCATION, 1, play.reg, scheme, ["sealed"]]
    play.carol > [ERROR, INVOCATION, 1, {}, UNAVAILABLE]
    play.caller < [ERROR, CALL, 1, {}, NO_AVAILABLE_CALLEE, ...]
    play.bob < nothing


@pytest.mark.spec("RER-01")
def test_where_others_have_no_room_the_call_waits_for_one_of_them(play):
    sharing(play, names=["alice"])
    play.bob > [REGISTER, 1, {"invoke": "roundrobin", "concurrency": 1}, WORK]
    play.bob < [REGISTERED, 1, play.reg]
    play.caller.say([CALL, 1, {}, WORK, ["x"], {"k": 1}], [CALL, 2, {}, WORK, ["x"], {"k": 1}])
    play.bob < [INVOCATION, 1, play.reg, {}, ["x"], {"k": 1}]
    asked(play, "alice")
    play.caller < nothing
    play.bob > [YIELD, 1, {}, ["bob"]]
    play.caller < [RESULT, 2, {}, ["bob"]]
    serves(play, "bob", 1, 2)


@pytest.mark.spec("RER-05")
def test_a_caller_need_not_announce_anything(play):
    play.session("caller", roles={**ALL, "caller": {}})
    sharing(play, names=["alice", "bob"])
    play.caller > [CALL, 1, {}, WORK, ["x"], {"k": 1}]
    asked(play, "alice")
    serves(play, "bob")
