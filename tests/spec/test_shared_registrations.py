"""Several callees for one procedure (advanced profile, "Shared Registration")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING, registered
from tests.support.play import ANY, BASIC, nothing, violation
from wampd.realms.messages import (
    CALL,
    ERROR,
    INVOCATION,
    REGISTER,
    REGISTERED,
    RESULT,
    UNREGISTER,
    UNREGISTERED,
    YIELD,
)

ALREADY = "wamp.error.procedure_already_exists"
ROUNDROBIN = {"invoke": "roundrobin"}
FLOWER = ("alice", "bob", "carol")


def shared(play, invoke, names=FLOWER, uri="com.app.add", **options):
    """Register a procedure for several; its registration is ``play.reg``."""
    for name in names:
        getattr(play, name) > [REGISTER, 1, {"invoke": invoke, **options}, uri]
        getattr(play, name) < [REGISTERED, 1, ANY.as_("reg")]
    return [getattr(play, name) for name in names]


def served(play, call, callee, invocation, uri="com.app.add"):
    """A call is served by this callee, whose ``invocation`` it is."""
    play.caller > [CALL, call, {}, uri, [call]]
    callee < [INVOCATION, invocation, play.reg, {}, [call]]
    callee > [YIELD, invocation, {}, [call]]
    play.caller < [RESULT, call, {}, [call]]


@pytest.mark.spec("SHR-01", "SHR-07")
@pytest.mark.parametrize("invoke", ["roundrobin", "random", "first", "last", "load"])
def test_callees_that_agree_share_a_registration_and_its_id(play, invoke):
    alice, bob, _ = shared(play, invoke)
    alice > [UNREGISTER, 2, play.reg]
    alice < [UNREGISTERED, 2]
    bob > [UNREGISTER, 2, play.reg]
    bob < [UNREGISTERED, 2]
    served(play, 1, play.carol, 1)


@pytest.mark.spec("SHR-01", "FEA-02", "FEA-04")
def test_callees_that_did_not_announce_it_can_share_a_registration_as_well(play):
    for name in ("alice", "bob"):
        play.session(name, roles=BASIC)
    alice, bob = shared(play, "roundrobin", ("alice", "bob"))
    for call, callee, invocation in ((1, alice, 1), (2, bob, 1), (3, alice, 2)):
        served(play, call, callee, invocation)


@pytest.mark.spec("SHR-01", "AMB-26")
@pytest.mark.parametrize(
    "options",
    [
        {"invoke": "everybody"},
        {"invoke": ""},
        {"invoke": 1},
        {"invoke": None},
        {"concurrency": 0},
        {"concurrency": "2"},
        {"nkey": 1},
        {"force_reregister": 1},
    ],
    ids=str,
)
def test_unknown_policies_and_options_of_the_wrong_type_are_a_violation(play, options):
    play.callee > [REGISTER, 1, options, "com.app.add"]
    play.callee < violation


@pytest.mark.spec("SHR-02", "SHR-03", "AMB-26")
@pytest.mark.parametrize("second", [{}, {"invoke": "single"}, ROUNDROBIN, {"invoke": "first"}], ids=str)
@pytest.mark.parametrize("first", [{}, {"invoke": "single"}, {"invoke": "last"}], ids=str)
def test_the_first_callee_fixes_the_policy(play, first, second):
    play.alice > [REGISTER, 1, first, "com.app.add"]
    play.alice < [REGISTERED, 1, ANY.as_("reg")]
    play.bob > [REGISTER, 1, second, "com.app.add"]
    play.bob < [ERROR, REGISTER, 1, {}, ALREADY, [str]]
    served(play, 1, play.alice, 1)


@pytest.mark.spec("SHR-03")
def test_when_the_last_callee_has_gone_the_next_fixes_the_policy_anew(play):
    shared(play, "first", ("alice",))
    play.alice > [UNREGISTER, 2, play.reg]
    play.alice < [UNREGISTERED, 2]
    play.bob > [REGISTER, 1, {"invoke": "last"}, "com.app.add"]
    play.bob < [REGISTERED, 1, ANY.as_("another")]
    assert play.another != play.reg
    play.carol > [REGISTER, 1, {"invoke": "first"}, "com.app.add"]
    play.carol < [ERROR, REGISTER, 1, {}, ALREADY, [str]]


@pytest.mark.spec("SHR-04", "SHR-07")
def test_roundrobin_asks_one_after_the_other_in_the_order_of_registration(play):
    callees = shared(play, "roundrobin")
    for call in range(1, 8):
        served(play, call, callees[(call - 1) % 3], (call - 1) // 3 + 1)


@pytest.mark.spec("SHR-05")
def test_random_asks_all_equally_often(memory_play):
    play = memory_play
    callees = shared(play, "random")
    play.caller.say(*[[CALL, call, {}, "com.app.add"] for call in range(1, 3001)])
    counts = [len(callee.wire.waiting()) for callee in callees]
    assert sum(counts) == 3000
    # χ² with 2 degrees of freedom: 27.6 is exceeded once in a million.
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 27.6
    for callee, count in zip(callees, counts, strict=True):
        for number in range(1, count + 1):
            callee < [INVOCATION, number, play.reg, {}]


@pytest.mark.spec("SHR-06")
def test_first_asks_the_oldest_that_is_left(play):
    alice, bob, carol = shared(play, "first")
    served(play, 1, alice, 1)
    served(play, 2, alice, 2)
    alice > [UNREGISTER, 2, play.reg]
    alice < [UNREGISTERED, 2]
    served(play, 3, bob, 1)
    bob.drop()
    served(play, 4, carol, 1)


@pytest.mark.spec("SHR-06")
def test_last_asks_the_newest_that_is_left(play):
    alice, bob, carol = shared(play, "last")
    served(play, 1, carol, 1)
    carol > [UNREGISTER, 2, play.reg]
    carol < [UNREGISTERED, 2]
    served(play, 2, bob, 1)
    bob.drop()
    served(play, 3, alice, 1)
    play.dave > [REGISTER, 1, {"invoke": "last"}, "com.app.add"]
    play.dave < [REGISTERED, 1, ANY.as_("reg")]
    served(play, 4, play.dave, 1)


@pytest.mark.spec("SHR-08", "AMB-25")
@pytest.mark.parametrize("invoke", ["roundrobin", "random", "first", "last", "load"])
def test_a_session_is_no_callee_twice(play, invoke):
    (alice,) = shared(play, invoke, ("alice",))
    alice > [REGISTER, 2, {"invoke": invoke}, "com.app.add"]
    alice < [ERROR, REGISTER, 2, {}, ALREADY, [str]]
    served(play, 1, alice, 1)
    served(play, 2, alice, 2)


@pytest.mark.spec("SHR-09")
@LEAVING
@pytest.mark.parametrize(("leaver", "then"), [(0, [2, 1, 2]), (1, [2, 0, 2]), (2, [0, 1, 0])])
def test_the_turn_goes_on_when_a_callee_leaves(play, leave, leaver, then):
    callees = shared(play, "roundrobin")
    served(play, 1, callees[0], 1)
    served(play, 2, callees[1], 1)
    leave(callees[leaver])
    numbers = [2, 2, 1]
    for call, index in enumerate(then, 3):
        served(play, call, callees[index], numbers[index])
        numbers[index] += 1


@pytest.mark.spec("SHR-02", "RPC-05")
def test_nobody_can_unregister_a_shared_procedure_for_others(play):
    shared(play, "roundrobin", ("alice", "bob"))
    play.carol > [UNREGISTER, 1, play.reg]
    play.carol < [ERROR, UNREGISTER, 1, {}, "wamp.error.no_such_registration"]
    served(play, 1, play.alice, 1)
    served(play, 2, play.bob, 1)


@pytest.mark.spec("SHR-01", "PRG-07")
def test_each_match_policy_of_a_uri_is_shared_by_itself(play):
    shared(play, "first", ("alice",))
    play.bob > [REGISTER, 1, {"invoke": "last", "match": "prefix"}, "com.app.add"]
    play.bob < [REGISTERED, 1, ANY.as_("prefix")]
    play.carol > [REGISTER, 1, {"invoke": "last", "match": "prefix"}, "com.app.add"]
    play.carol < [REGISTERED, 1, ANY.as_("prefix")]
    served(play, 1, play.alice, 1)
    play.caller > [CALL, 2, {}, "com.app.add.up"]
    play.carol < [INVOCATION, 1, play.prefix, {"procedure": "com.app.add.up"}]
    play.bob < nothing


@pytest.mark.spec("CID-06", "SHR-07")
def test_each_callee_asks_for_itself_who_calls(play):
    play.alice > [REGISTER, 1, ROUNDROBIN, "com.app.add"]
    play.alice < [REGISTERED, 1, ANY.as_("reg")]
    play.bob > [REGISTER, 1, {**ROUNDROBIN, "disclose_caller": True}, "com.app.add"]
    play.bob < [REGISTERED, 1, ANY.as_("reg")]
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.alice < [INVOCATION, 1, play.reg, {}]
    play.caller > [CALL, 2, {}, "com.app.add"]
    play.bob < [INVOCATION, 1, play.reg, {"caller": play.caller.id, ...: ...}]


@pytest.mark.spec("SHR-02")
def test_an_ordinary_registration_is_as_it_ever_was(play):
    registered(play)
    served(play, 1, play.callee, 1)
