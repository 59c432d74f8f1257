"""Calls of the callee that a resource belongs to, and of all callees (advanced profile, "Sharded Registration").

The specification only sketches this; docs/callees.md says what is done here. Somewhat long, since both are one sketch.
"""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING
from tests.support.play import ALL, ANY, BASIC, nothing, violation
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
from wampd.realms.sharding import rendezvous

CANCELED = "wamp.error.canceled"
P = "com.app.add"
PARTITION = {"runmode": "partition"}
GATHER = {"runon": "all", "runmode": "gather"}
FLOWER = ("alice", "bob", "carol")


def shared(play, names=FLOWER, invoke="roundrobin", nkeys=True, **options):
    """Register a procedure for several, each with its name as node key; its registration is ``play.reg``."""
    for name in names:
        nkey = {"nkey": name} if nkeys else {}
        getattr(play, name) > [REGISTER, 1, {"invoke": invoke, **nkey, **options}, P]
        getattr(play, name) < [REGISTERED, 1, ANY.as_("reg")]
    return [getattr(play, name) for name in names]


def asked(play, callees, invocation=1, number=1, args=("in",), **options):
    """Call all; each callee hears of it."""
    play.caller > [CALL, number, options or GATHER, P, [*args]]
    for callee in callees:
        callee < [INVOCATION, invocation, play.reg, {}, [*args]]


# ---------------------------------------------------------------------------------------------------------- partitions


@pytest.mark.spec("SHD-01")
@pytest.mark.parametrize("invoke", ["roundrobin", "random", "first", "last", "load"])
@pytest.mark.parametrize("options", [PARTITION, {"runon": "partition"}, {}], ids=str)
def test_calls_with_the_same_key_go_to_the_same_callee(play, invoke, options):
    shared(play, invoke=invoke)
    numbers = dict.fromkeys(FLOWER, 0)
    for number, rkey in enumerate(["k1", "k2", "k3", "k4", "k1", "k2", "k3", "k4"], 1):
        name = rendezvous(rkey, FLOWER)
        numbers[name] += 1
        play.caller > [CALL, number, {"rkey": rkey, **options}, P, [rkey]]
        getattr(play, name) < [INVOCATION, numbers[name], play.reg, {}, [rkey]]
    assert sum(map(bool, numbers.values())) > 1, "not a good choice of keys"


@pytest.mark.spec("SHD-01", "FEA-02", "FEA-04")
def test_callees_without_a_node_key_have_their_session_for_one_and_nobody_needs_announce_it(play):
    for name in ("caller", "alice", "bob"):
        play.session(name, roles=BASIC)
    callees = shared(play, ("alice", "bob"), nkeys=False)
    owner = rendezvous("k1", [str(callee.id) for callee in callees])
    (callee,) = [callee for callee in callees if str(callee.id) == owner]
    for number in (1, 2, 3):
        play.caller > [CALL, number, {"rkey": "k1"}, P]
        callee < [INVOCATION, number, play.reg, {}]


@pytest.mark.spec("SHD-01")
def test_callees_with_the_same_node_key_share_its_calls_by_the_policy(play):
    alice, bob = shared(play, ("alice", "bob"), nkeys=False, nkey="n1")
    for number, callee in ((1, alice), (2, bob), (3, alice)):
        play.caller > [CALL, number, {"rkey": "k1"}, P, [number]]
        callee < [INVOCATION, (number + 1) // 2, play.reg, {}, [number]]


@pytest.mark.spec("SHD-01")
def test_only_what_belonged_to_a_callee_that_left_goes_elsewhere(play):
    callees = dict(zip(FLOWER, shared(play), strict=True))
    keys = [f"k{number}" for number in range(12)]
    before = {rkey: rendezvous(rkey, FLOWER) for rkey in keys}
    callees.pop("bob").drop()
    numbers = dict.fromkeys(callees, 0)
    for number, rkey in enumerate(keys, 1):
        name = rendezvous(rkey, callees)
        assert before[rkey] in (name, "bob")
        numbers[name] += 1
        play.caller > [CALL, number, {"rkey": rkey}, P, [rkey]]
        callees[name] < [INVOCATION, numbers[name], play.reg, {}, [rkey]]


@pytest.mark.spec("SHD-01")
def test_with_runon_any_the_key_does_not_matter(play):
    alice, bob, carol = shared(play)
    for number, callee in enumerate((alice, bob, carol), 1):
        play.caller > [CALL, number, {"rkey": "k1", "runon": "any"}, P]
        callee < [INVOCATION, 1, play.reg, {}]


@pytest.mark.spec("SHD-01", "SHR-10")
def test_a_call_waits_for_the_callee_that_its_key_belongs_to_and_others_overtake_it(play):
    callees = dict(zip(FLOWER, shared(play, concurrency=1), strict=True))
    owner = rendezvous("k1", FLOWER)
    for number in (1, 2):
        play.caller > [CALL, number, {"rkey": "k1"}, P, [number]]
    callees[owner] < [INVOCATION, 1, play.reg, {}, [1]]
    others = [name for name in FLOWER if name != owner]
    for number in (3, 4, 5):
        play.caller > [CALL, number, {}, P, [number]]
    heard = sorted([callees[name].hear() for name in others])
    assert heard == [[INVOCATION, 1, play.reg, {}, [3]], [INVOCATION, 1, play.reg, {}, [4]]]
    callees[owner] > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    callees[owner] < [INVOCATION, 2, play.reg, {}, [2]]
    callees[owner] > [YIELD, 2, {}]
    play.caller < [RESULT, 2, {}]
    callees[owner] < [INVOCATION, 3, play.reg, {}, [5]]


@pytest.mark.spec("SHD-01", "SHR-10", "RPC-16")
def test_who_waits_for_a_callee_that_leaves_waits_for_whoever_has_its_keys_then(play):
    callees = dict(zip(FLOWER, shared(play, concurrency=1), strict=True))
    owner = rendezvous("k1", FLOWER)
    heir = rendezvous("k1", [name for name in FLOWER if name != owner])
    for number in (1, 2):
        play.caller > [CALL, number, {"rkey": "k1"}, P, [number]]
    callees[owner] < [INVOCATION, 1, play.reg, {}, [1]]
    callees[owner].drop()
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    callees[heir] < [INVOCATION, 1, play.reg, {}, [2]]


@pytest.mark.spec("SHD-01", "SHR-10")
def test_who_waits_for_a_callee_goes_to_a_new_one_that_its_key_belongs_to(play):
    rkey = next(f"k{number}" for number in range(99) if rendezvous(f"k{number}", ["alice", "bob"]) == "bob")
    (alice,) = shared(play, ("alice",), concurrency=1)
    for number in (1, 2):
        play.caller > [CALL, number, {"rkey": rkey}, P, [number]]
    alice < [INVOCATION, 1, play.reg, {}, [1]]
    (bob,) = shared(play, ("bob",), concurrency=1)
    bob < [INVOCATION, 1, play.reg, {}, [2]]


@pytest.mark.spec("SHD-01")
@pytest.mark.parametrize("invoke", ["single", "roundrobin"])
@pytest.mark.parametrize(
    "options",
    [
        PARTITION,
        {"runon": "partition"},
        {"runon": "all", "runmode": "partition", "rkey": "k"},
        {"runon": "any", "runmode": "gather"},
        {"runon": "partition", "runmode": "progressive", "rkey": "k"},
    ],
    ids=str,
)
def test_options_that_miss_something_or_contradict_each_other_are_refused(play, options, invoke):
    (alice,) = shared(play, ("alice",), invoke)
    play.caller > [CALL, 1, options, P]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.invalid_argument", [str]]
    alice < nothing


@pytest.mark.spec("SHD-01", "MSG-07")
@pytest.mark.parametrize(
    "options", [{"rkey": 1}, {"rkey": ["k"]}, {"runon": "some"}, {"runmode": "fast"}, {"runmode": 1}], ids=str
)
def test_options_of_the_wrong_type_are_a_violation(play, options):
    play.caller > [CALL, 1, options, P]
    play.caller < violation


@pytest.mark.spec("SHD-01")
def test_an_ordinary_registration_is_its_own_only_partition(play):
    (alice,) = shared(play, ("alice",), "single")
    for number, rkey in enumerate(["k1", "k2"], 1):
        play.caller > [CALL, number, {"rkey": rkey, **PARTITION}, P]
        alice < [INVOCATION, number, play.reg, {}]


# ---------------------------------------------------------------------------------------------------------- all callees


@pytest.mark.spec("SHD-01")
@pytest.mark.parametrize("options", [GATHER, {"runon": "all"}, {"runmode": "gather"}], ids=str)
@pytest.mark.parametrize("invoke", ["roundrobin", "random", "first", "last", "load"])
def test_the_results_of_all_callees_are_gathered_in_the_order_of_registration(play, options, invoke):
    alice, bob, carol = shared(play, invoke=invoke)
    asked(play, (alice, bob, carol), **options)
    carol > [YIELD, 1, {}, ["c", 3]]
    alice > [YIELD, 1, {}]
    play.caller < nothing
    bob > [YIELD, 1, {}, ["b"], {"k": [None, {"deep": 1.5}]}]
    expected = [{}, {"args": ["b"], "kwargs": {"k": [None, {"deep": 1.5}]}}, {"args": ["c", 3]}]
    play.caller < [RESULT, 1, {}, [expected]]
    asked(play, (alice, bob, carol), 2, 2, **options)


@pytest.mark.spec("SHD-01", "FEA-02", "FEA-04")
def test_it_works_for_those_who_did_not_announce_it(play):
    for name in ("caller", "alice", "bob"):
        play.session(name, roles=BASIC)
    callees = shared(play, ("alice", "bob"))
    asked(play, callees)
    for callee in callees:
        callee > [YIELD, 1, {}, [callee.name]]
    play.caller < [RESULT, 1, {}, [[{"args": ["alice"]}, {"args": ["bob"]}]]]


@pytest.mark.spec("SHD-01", "PCR-02", "PCR-03")
@pytest.mark.parametrize("runon", [{}, {"runon": "all"}], ids=str)
def test_the_results_of_all_callees_are_passed_on_as_they_come(play, runon):
    alice, bob, carol = shared(play)
    asked(play, (alice, bob, carol), runmode="progressive", **runon)
    bob > [YIELD, 1, {}, ["b"], {"k": 1}]
    play.caller < [RESULT, 1, {"progress": True}, ["b"], {"k": 1}]
    carol > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {"progress": True}]
    alice > [YIELD, 1, {}, ["a"]]
    play.caller < [RESULT, 1, {"progress": True}, ["a"]]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("SHD-01")
def test_the_only_callee_of_an_ordinary_registration_is_all_there_are(play):
    (alice,) = shared(play, ("alice",), "single")
    asked(play, (alice,))
    alice > [YIELD, 1, {}, ["a"]]
    play.caller < [RESULT, 1, {}, [[{"args": ["a"]}]]]


@pytest.mark.spec("SHD-01")
def test_each_speaks_its_own_serialization(memory_play):
    play = memory_play
    for name, serializer in (("alice", "cbor"), ("bob", "msgpack"), ("caller", "json")):
        play.session(name, serializer=serializer)
    alice, bob = shared(play, ("alice", "bob"))
    asked(play, (alice, bob), runmode="gather")
    alice > [YIELD, 1, {}, [b"bytes", 1.5]]
    bob > [YIELD, 1, {}, [[b"more"]]]
    play.caller < [RESULT, 1, {}, [[{"args": ["\0Ynl0ZXM=", 1.5]}, {"args": [["\0bW9yZQ=="]]}]]]
    asked(play, (alice, bob), 2, 2, runmode="progressive")
    alice > [YIELD, 2, {}, [b"bytes", 1.5]]
    play.caller < [RESULT, 2, {"progress": True}, ["\0Ynl0ZXM=", 1.5]]
    bob > [YIELD, 2, {}, [[b"more"]]]
    play.caller < [RESULT, 2, {"progress": True}, [["\0bW9yZQ=="]]]
    play.caller < [RESULT, 2, {}]


@pytest.mark.spec("SHD-01")
@pytest.mark.trap(2)
def test_a_result_that_cannot_be_read_or_carried_ends_the_call_of_all_with_an_error(memory_play):
    play = memory_play
    for name, serializer in (("alice", "cbor"), ("bob", "cbor"), ("caller", "json")):
        play.session(name, serializer=serializer)
    alice, bob = shared(play, ("alice", "bob"))
    for number, mode in ((1, "gather"), (2, "progressive")):
        asked(play, (alice, bob), number, number, runmode=mode)
        alice > [YIELD, number, {}, [float("nan")]]
        if mode == "gather":
            bob > [YIELD, number, {}, ["b"]]
        play.caller < [ERROR, CALL, number, {}, "wamp.error.invalid_argument", ...]
    bob < [INTERRUPT, 2, {"mode": "killnowait", "reason": "wamp.error.invalid_argument"}]


@pytest.mark.spec("SHD-01", "RPC-08", "RPC-18")
@pytest.mark.parametrize("mode", ["gather", "progressive"])
@pytest.mark.parametrize("able", [True, False], ids=["announced", "not announced"])
def test_the_first_error_is_the_answer_and_the_others_are_interrupted(play, mode, able):
    play.session("carol", roles=ALL if able else BASIC)
    alice, bob, carol = shared(play)
    asked(play, (alice, bob, carol), runmode=mode)
    alice > [YIELD, 1, {}, ["a"]]
    if mode == "progressive":
        play.caller < [RESULT, 1, {"progress": True}, ["a"]]
    bob > [ERROR, INVOCATION, 1, {}, "com.err", ["why"], {"k": 1}]
    play.caller < [ERROR, CALL, 1, {}, "com.err", ["why"], {"k": 1}]
    if able:
        carol < [INTERRUPT, 1, {"mode": "killnowait", "reason": CANCELED}]
    carol > [YIELD, 1, {}, ["late"]]
    play.caller < nothing
    asked(play, (alice, bob, carol), 2, 2)


@pytest.mark.spec("SHD-01", "RPC-16", "RPC-18")
@LEAVING
def test_when_a_callee_leaves_the_call_of_all_fails(play, leave):
    alice, bob, carol = shared(play)
    asked(play, (alice, bob, carol))
    leave(bob)
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ["the callee left"]]
    for callee in (alice, carol):
        callee < [INTERRUPT, 1, {"mode": "killnowait", "reason": CANCELED}]
        callee > [ERROR, INVOCATION, 1, {}, CANCELED]
    asked(play, (alice, carol), 2, 2)
    alice > [YIELD, 2, {}, ["a"]]
    carol > [YIELD, 2, {}, ["c"]]
    play.caller < [RESULT, 2, {}, [[{"args": ["a"]}, {"args": ["c"]}]]]


@pytest.mark.spec("SHD-01", "RPC-14")
@LEAVING
def test_when_the_caller_leaves_all_callees_are_interrupted(play, leave):
    callees = shared(play)
    asked(play, callees)
    leave(play.caller)
    for callee in callees:
        callee < [INTERRUPT, 1, {"mode": "killnowait", "reason": CANCELED}]
        callee > [YIELD, 1, {}]


@pytest.mark.spec("SHD-01", "CAN-02", "CAN-03", "CAN-04")
@pytest.mark.parametrize("mode", ["skip", "kill", "killnowait"])
def test_cancelling_a_call_of_all_cancels_it_with_each_callee(play, mode):
    alice, bob = shared(play, ("alice", "bob"))
    asked(play, (alice, bob))
    play.caller > [CANCEL, 1, {"mode": mode}]
    if mode != "skip":
        for callee in (alice, bob):
            callee < [INTERRUPT, 1, {"mode": mode, "reason": CANCELED}]
    if mode != "kill":
        play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    alice > [YIELD, 1, {}, ["a"]]
    bob > [YIELD, 1, {}, ["b"]]
    if mode == "kill":
        play.caller < [RESULT, 1, {}, [[{"args": ["a"]}, {"args": ["b"]}]]]
    asked(play, (alice, bob), 2, 2)


@pytest.mark.spec("SHD-01", "RER-01")
def test_the_part_of_a_callee_that_is_not_available_goes_to_no_other(play):
    alice, bob = shared(play, ("alice", "bob"))
    asked(play, (alice, bob))
    alice > [ERROR, INVOCATION, 1, {}, "wamp.error.unavailable"]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.unavailable"]
    bob < [INTERRUPT, 1, {...: ...}]


@pytest.mark.spec("SHD-01", "CAN-02", "RPC-18")
def test_nothing_follows_the_end_of_a_call_of_all(play):
    alice, bob = shared(play, ("alice", "bob"))
    asked(play, (alice, bob), runmode="progressive")
    play.caller > [CANCEL, 1, {"mode": "skip"}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    alice > [YIELD, 1, {}, ["a"]]
    bob > [ERROR, INVOCATION, 1, {}, "com.err"]
    play.caller < nothing


@pytest.mark.spec("SHD-01", "CAN-03", "CAN-05")
def test_killing_a_call_of_all_waits_for_nobody_who_cannot_be_interrupted(play):
    play.session("bob", roles=BASIC)
    alice, bob = shared(play, ("alice", "bob"))
    asked(play, (alice, bob))
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    alice < [INTERRUPT, 1, {"mode": "kill", "reason": CANCELED}]
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]


@pytest.mark.spec("SHD-01", "TMO-03", "TMO-07")
def test_a_call_of_all_has_its_timeout(memory_play):
    play = memory_play
    alice, bob = shared(play, ("alice", "bob"))
    asked(play, (alice, bob), runmode="progressive", timeout=300)
    play.stage.clock.advance(0.2)
    alice > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {"progress": True}]
    play.stage.clock.advance(0.2)
    play.caller < nothing
    play.stage.clock.advance(0.2)
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.timeout", ...]
    play.fence()
    bob < [INTERRUPT, 1, {"mode": "killnowait", "reason": "wamp.error.timeout"}]


@pytest.mark.spec("SHD-01", "SHR-10")
def test_a_call_of_all_waits_for_those_who_have_no_room(play):
    alice, bob = shared(play, ("alice", "bob"), concurrency=1)
    play.caller > [CALL, 1, {}, P, ["busy"]]
    alice < [INVOCATION, 1, play.reg, {}, ["busy"]]
    play.caller > [CALL, 2, GATHER, P]
    bob < [INVOCATION, 1, play.reg, {}]
    alice < nothing
    bob > [YIELD, 1, {}, ["b"]]
    alice > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    alice < [INVOCATION, 2, play.reg, {}]
    alice > [YIELD, 2, {}, ["a"]]
    play.caller < [RESULT, 2, {}, [[{"args": ["a"]}, {"args": ["b"]}]]]


@pytest.mark.spec("SHD-01", "SHR-10", "RPC-18")
@pytest.mark.parametrize("end", ["unregister", "cancel"])
def test_a_call_of_all_that_waits_for_one_ends_with_it(play, end):
    alice, bob = shared(play, ("alice", "bob"), concurrency=1)
    play.caller > [CALL, 1, {}, P, ["busy"]]
    alice < [INVOCATION, 1, play.reg, {}, ["busy"]]
    play.caller > [CALL, 2, GATHER, P]
    bob < [INVOCATION, 1, play.reg, {}]
    if end == "unregister":
        alice > [UNREGISTER, 2, play.reg]
        alice < [UNREGISTERED, 2]
    else:
        play.caller > [CANCEL, 2, {}]
    play.caller < [ERROR, CALL, 2, {}, CANCELED, ...]
    bob < [INTERRUPT, 1, {"mode": "killnowait", "reason": CANCELED}]
    alice > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    alice < nothing


@pytest.mark.spec("SHD-01", "CID-01", "CID-06", "PRG-06")
def test_each_callee_is_told_of_the_caller_and_the_procedure_as_ever(play):
    play.alice > [REGISTER, 1, {"invoke": "first", "match": "prefix"}, "com."]
    play.alice < [REGISTERED, 1, ANY.as_("reg")]
    play.bob > [REGISTER, 1, {"invoke": "first", "match": "prefix", "disclose_caller": True}, "com."]
    play.bob < [REGISTERED, 1, ANY.as_("reg")]
    play.caller > [CALL, 1, GATHER, P]
    play.alice < [INVOCATION, 1, play.reg, {"procedure": P}]
    play.bob < [INVOCATION, 1, play.reg, {"procedure": P, "caller": play.caller.id, ...: ...}]
    play.caller > [CALL, 2, {**GATHER, "disclose_me": True}, P]
    for callee in (play.alice, play.bob):
        callee < [INVOCATION, 2, play.reg, {"procedure": P, "caller": play.caller.id, ...: ...}]


@pytest.mark.spec("SHD-01", "PCI-04", "PPT-04")
@pytest.mark.parametrize("options", [{"progress": True}, {"ppt_scheme": "x_a"}], ids=str)
def test_what_cannot_be_had_of_all_at_once_is_refused(play, options):
    (alice,) = shared(play, ("alice",))
    play.caller > [CALL, 1, {**GATHER, **options}, P, ["packed"]]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.feature_not_supported", [str]]
    alice < nothing


@pytest.mark.spec("SHD-01", "RPC-10")
def test_a_callee_can_call_all_and_is_one_of_them(play):
    alice, bob = shared(play, ("alice", "bob"))
    alice > [CALL, 2, GATHER, P]
    alice < [INVOCATION, 1, play.reg, {}]
    bob < [INVOCATION, 1, play.reg, {}]
    bob > [YIELD, 1, {}, ["b"]]
    alice > [YIELD, 1, {}, ["a"]]
    alice < [RESULT, 2, {}, [[{"args": ["a"]}, {"args": ["b"]}]]]


@pytest.mark.spec("SHD-01")
def test_the_procedures_of_the_router_are_one_callee(play):
    for number, options in enumerate(({"rkey": "k"}, {"rkey": "k", **PARTITION}, {"runon": "any"}), 1):
        play.caller > [CALL, number, options, "wamp.session.list"]
        play.caller < [RESULT, number, {}, [list]]
    play.caller > [CALL, 4, PARTITION, "wamp.session.list"]
    play.caller < [ERROR, CALL, 4, {}, "wamp.error.invalid_argument", [str]]
    play.caller > [CALL, 5, GATHER, "wamp.session.list"]
    play.caller < [ERROR, CALL, 5, {}, "wamp.error.feature_not_supported", [str]]
