"""Which procedures are registered, and by whom (advanced profile, "Registration Meta API")."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.spec.scenes import LEAVING, asked, joined_as, no_result, refused, registered, subscribed
from tests.support.play import ALL, ANY, BASIC, Play, nothing
from tests.support.process import ROOT
from tests.support.stages import MemoryStage
from wampd.realms.messages import (
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    INVOCATION,
    REGISTER,
    REGISTERED,
    RESULT,
    UNREGISTER,
    UNREGISTERED,
    YIELD,
)

ON = {name: f"wamp.registration.on_{name}" for name in ("create", "register", "unregister", "delete")}
NO_SUCH_REGISTRATION = "wamp.error.no_such_registration"
ISO8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def listening(play, name="alice", kinds=("create", "register", "unregister", "delete")):
    """Subscribe to what is told of registrations; the subscriptions are ``play.on_create`` and so on."""
    for number, kind in enumerate(kinds, 1):
        subscribed(play, name, ON[kind], number, f"on_{kind}")
    return getattr(play, name)


def told(play, registration, uri, match="exact", invoke="single"):
    """The details of a registration; its time of creation must be one."""
    return {"id": registration, "created": ANY.as_("created"), "uri": uri, "match": match, "invoke": invoke}


# --------------------------------------------------------------------------------------------------------- events


@pytest.mark.spec("META-R-01")
@pytest.mark.parametrize("match", ["exact", "prefix", "wildcard"])
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["features", "basic"])
def test_a_new_registration_is_told_of_and_then_its_callee(play, match, roles):
    alice = listening(play)
    bob = play.session("bob", roles=roles)
    bob > [REGISTER, 1, {"match": match}, "com.p"]
    bob < [REGISTERED, 1, ANY.as_("reg")]
    alice < [EVENT, play.on_create, int, {}, [bob.id, told(play, play.reg, "com.p", match)]]
    alice < [EVENT, play.on_register, int, {}, [bob.id, play.reg]]
    assert ISO8601.fullmatch(play.created)


@pytest.mark.spec("META-R-01")
def test_the_time_of_creation_is_that_of_the_clock_on_the_wall(play):
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    registered(play, "bob", "com.p")
    asked(play.alice, 1, "wamp.registration.get", [play.reg], answer=told(play, play.reg, "com.p"))
    assert before <= datetime.fromisoformat(play.created) <= datetime.now(UTC)


@pytest.mark.spec("META-R-02")
def test_the_end_of_a_registration_is_told_of_after_that_of_its_last_callee(play):
    bob = registered(play, "bob", "com.p")
    alice = listening(play)
    bob > [UNREGISTER, 2, play.reg]
    bob < [UNREGISTERED, 2]
    alice < [EVENT, play.on_unregister, int, {}, [bob.id, play.reg]]
    alice < [EVENT, play.on_delete, int, {}, [bob.id, play.reg]]


@pytest.mark.spec("META-R-02")
@LEAVING
def test_the_end_of_a_registration_is_told_of_when_its_callee_leaves(play, leave):
    bob = registered(play, "bob", "com.p")
    alice = listening(play)
    leave(bob)
    alice < [EVENT, play.on_unregister, int, {}, [bob.id, play.reg]]
    alice < [EVENT, play.on_delete, int, {}, [bob.id, play.reg]]
    refused(alice, 9, "wamp.registration.get", [play.reg], error=NO_SUCH_REGISTRATION)


@pytest.mark.spec("META-R-02", "META-S-06")
def test_the_end_of_a_registration_is_told_of_when_its_callee_is_killed(play):
    bob = registered(play, "bob", "com.p")
    alice = listening(play)
    asked(play.carol, 1, "wamp.session.kill", [bob.id], answer=no_result)
    bob < [GOODBYE, {}, "wamp.close.killed"]
    alice < [EVENT, play.on_unregister, int, {}, [bob.id, play.reg]]
    alice < [EVENT, play.on_delete, int, {}, [bob.id, play.reg]]


@pytest.mark.spec("META-R-01")
def test_a_refused_registration_is_not_told_of(play):
    registered(play, "bob", "com.p")
    alice = listening(play)
    play.carol > [REGISTER, 1, {}, "com.p"]
    play.carol < [ERROR, REGISTER, 1, {}, "wamp.error.procedure_already_exists", ...]
    alice < nothing


# -------------------------------------------------------------------------------------------------------- asking


@pytest.mark.spec("META-R-03", "META-R-08")
def test_where_nothing_is_registered_the_lists_are_empty(memory_play):
    asked(memory_play.alice, 1, "wamp.registration.list", answer={"exact": [], "prefix": [], "wildcard": []})


@pytest.mark.spec("META-R-03", "META-R-08")
def test_registrations_are_listed_by_match_policy_and_those_of_the_router_are_not(memory_play):
    play = memory_play
    ids = {}
    for number, (uri, match) in enumerate(
        [("com.p", "exact"), ("com.q", "exact"), ("com.p", "prefix"), ("com..q", "wildcard")], 1
    ):
        play.bob > [REGISTER, number, {"match": match}, uri]
        play.bob < [REGISTERED, number, ANY.as_(f"{uri} {match}")]
        ids.setdefault(match, []).append(play.names[f"{uri} {match}"])
    asked(play.alice, 1, "wamp.registration.list", answer=ids)


@pytest.mark.spec("META-R-04", "AMB-36")
def test_a_registration_is_looked_up_by_its_uri_and_match_policy(play):
    bob = play.bob
    for number, match in enumerate(["exact", "prefix", "wildcard"], 1):
        bob > [REGISTER, number, {"match": match}, "com.p"]
        bob < [REGISTERED, number, ANY.as_(match)]
    lookup = "wamp.registration.lookup"
    asked(play.alice, 1, lookup, ["com.p"], answer=play.exact)
    for number, match in enumerate(["exact", "prefix", "wildcard"], 2):
        asked(play.alice, number, lookup, ["com.p", {"match": match}], answer=play.names[match])
    asked(play.alice, 5, lookup, ["com.p", {}], answer=play.exact)
    asked(play.alice, 6, lookup, ["com.p"], {"options": {"match": "prefix"}}, answer=play.prefix)
    asked(play.alice, 7, lookup, ["com.p.q"], answer=None)
    asked(play.alice, 8, lookup, ["com.", {"match": "prefix"}], answer=None)


@pytest.mark.spec("META-R-04", "AMB-36", "PRG-02")
def test_match_tells_what_a_call_reaches(play):
    rpcs = [("com.a.b", "exact"), ("com.", "prefix"), ("com.a.", "prefix"), ("org..b", "wildcard")]
    for number, (uri, match) in enumerate(rpcs, 1):
        play.callee > [REGISTER, number, {"match": match}, uri]
        play.callee < [REGISTERED, number, ANY.as_(uri)]
    cases = [("com.a.b", "com.a.b"), ("com.a.b.c", "com.a."), ("com.x", "com."), ("org.a.b", "org..b")]
    for number, (uri, expected) in enumerate(cases):
        asked(play.caller, 2 * number + 1, "wamp.registration.match", [uri], answer=play.names[expected])
        play.caller > [CALL, 2 * number + 2, {}, uri]
        play.callee < [INVOCATION, number + 1, play.names[expected], dict]
        play.callee > [YIELD, number + 1, {}]
        play.caller < [RESULT, 2 * number + 2, {}]
    for number, uri in enumerate(["org.a", "net.x", "not a uri", ""], 20):
        asked(play.caller, number, "wamp.registration.match", [uri], answer=None)


@pytest.mark.spec("META-R-08", "AMB-36")
@pytest.mark.trap(6)
def test_procedures_of_the_router_are_nobodys_registrations():
    play = Play(MemoryStage("json", ROOT / "tests" / "configs" / "open.yaml"))
    for number, match in enumerate(["prefix", "wildcard"], 1):
        play.bob > [REGISTER, number, {"match": match}, "" if match == "prefix" else ".."]
        play.bob < [REGISTERED, number, int]
    for number, uri in enumerate(["wamp.session.count", "wampd.any.thing", "wamp.no.such"], 1):
        asked(play.alice, number, "wamp.registration.match", [uri], answer=None)
        asked(play.alice, number + 10, "wamp.registration.lookup", [uri], answer=None)
    asked(play.alice, 20, "wamp.session.count", answer=3)
    play.bob < nothing


@pytest.mark.spec("META-R-05")
def test_what_a_registration_is_can_be_asked(play):
    for number, match in enumerate(["exact", "prefix", "wildcard"], 1):
        play.bob > [REGISTER, number, {"match": match}, "com.p"]
        play.bob < [REGISTERED, number, ANY.as_("reg")]
        asked(play.alice, number, "wamp.registration.get", [play.reg], answer=told(play, play.reg, "com.p", match))
        del play.names["reg"], play.names["created"]


@pytest.mark.spec("META-R-06")
def test_the_callees_of_a_registration_are_listed_and_counted(play):
    bob = registered(play, "bob", "com.p")
    asked(play.alice, 1, "wamp.registration.list_callees", [play.reg], answer=[bob.id])
    asked(play.alice, 2, "wamp.registration.count_callees", [play.reg], answer=1)


@pytest.mark.spec("META-R-05", "META-R-06")
def test_what_is_not_there_is_no_such_registration(play):
    bob = registered(play, "bob", "com.p")
    bob > [UNREGISTER, 2, play.reg]
    bob < [UNREGISTERED, 2]
    for number, procedure in enumerate(["get", "list_callees", "count_callees"]):
        for step, gone in enumerate([play.reg, 2**53]):
            request = 2 * number + step + 1
            refused(play.alice, request, f"wamp.registration.{procedure}", [gone], error=NO_SUCH_REGISTRATION)


@pytest.mark.spec("META-S-10")
@pytest.mark.parametrize(
    ("procedure", "args", "kwargs"),
    [
        ("list", [1], {}),
        ("lookup", [], {}),
        ("lookup", [5], {}),
        ("lookup", ["a", "prefix"], {}),
        ("lookup", ["a", {"match": "regex"}], {}),
        ("lookup", ["a"], {"match": "prefix"}),
        ("match", [None], {}),
        ("match", ["a", {}], {}),
        ("get", ["x"], {}),
        ("get", [-1], {}),
        ("list_callees", [], {}),
        ("count_callees", [{}], {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["registration", "subscription"])
def test_arguments_that_do_not_fit_are_refused(memory_play, kind, procedure, args, kwargs):
    if kind == "subscription":
        procedure = procedure.replace("callees", "subscribers")
    refused(memory_play.alice, 1, f"wamp.{kind}.{procedure}", args, kwargs)


@pytest.mark.spec("META-S-12", "AZ-06")
def test_what_is_registered_is_told_only_to_who_may_ask(play):
    joined_as(play, "w", "joe")
    registered(play, "w", "com.p")
    visitor = play.session("visitor", realm="guarded")
    for number, (procedure, args) in enumerate({"list": [], "match": ["com.p"], "get": [play.reg]}.items(), 1):
        refused(visitor, number, f"wamp.registration.{procedure}", args, error="wamp.error.not_authorized")


# ------------------------------------------------------------------------------------------------- shared, and revoked


@pytest.mark.spec("META-R-01", "META-R-02", "META-R-06", "SHR-07")
def test_of_a_shared_registration_every_callee_is_told_of_and_the_registration_once(play):
    alice = listening(play)
    for callee in (play.bob, play.carol):
        callee > [REGISTER, 1, {"invoke": "roundrobin"}, "com.p"]
        callee < [REGISTERED, 1, ANY.as_("reg")]
    alice < [EVENT, play.on_create, int, {}, [play.bob.id, told(play, play.reg, "com.p", invoke="roundrobin")]]
    alice < [EVENT, play.on_register, int, {}, [play.bob.id, play.reg]]
    alice < [EVENT, play.on_register, int, {}, [play.carol.id, play.reg]]
    asked(alice, 11, "wamp.registration.list_callees", [play.reg], answer=[play.bob.id, play.carol.id])
    asked(alice, 12, "wamp.registration.count_callees", [play.reg], answer=2)
    for callee, is_last in ((play.bob, False), (play.carol, True)):
        callee > [UNREGISTER, 2, play.reg]
        callee < [UNREGISTERED, 2]
        alice < [EVENT, play.on_unregister, int, {}, [callee.id, play.reg]]
        if is_last:
            alice < [EVENT, play.on_delete, int, {}, [callee.id, play.reg]]


@pytest.mark.spec("META-R-07", "RRV-01", "FEA-02")
@pytest.mark.parametrize("reason", [None, "maintenance"])
@pytest.mark.parametrize("able", [True, False], ids=["announced", "basic"])
def test_a_callee_is_taken_off_and_told_if_it_understands(play, able, reason):
    roles = {"callee": {"features": {"registration_revocation": True}}} if able else BASIC
    bob = play.session("bob", roles=roles)
    registered(play, "bob", "com.p")
    alice = listening(play)
    arguments = [play.reg, bob.id] + ([] if reason is None else [reason])
    asked(play.carol, 1, "wamp.registration.remove_callee", arguments, answer=no_result)
    if able:
        bob < [UNREGISTERED, 0, {"registration": play.reg, "reason": reason or str}]
    bob < nothing
    alice < [EVENT, play.on_unregister, int, {}, [bob.id, play.reg]]
    alice < [EVENT, play.on_delete, int, {}, [bob.id, play.reg]]
    refused(play.carol, 2, "com.p", error="wamp.error.no_such_procedure")
    bob > [UNREGISTER, 2, play.reg]
    bob < [ERROR, UNREGISTER, 2, {}, NO_SUCH_REGISTRATION, ...]


@pytest.mark.spec("META-R-07")
def test_who_is_no_callee_cannot_be_taken_off(play):
    bob, carol = registered(play, "bob", "com.p"), play.carol
    remove = "wamp.registration.remove_callee"
    refused(play.alice, 1, remove, [play.reg, carol.id], error="wamp.error.no_such_session")
    refused(play.alice, 2, remove, [play.reg, 2**53], error="wamp.error.no_such_session")
    refused(play.alice, 3, remove, [2**53, bob.id], error=NO_SUCH_REGISTRATION)
    for number, wrong in enumerate([[play.reg], [play.reg, "x"], [play.reg, bob.id, 5]], 4):
        refused(play.alice, number, remove, wrong)
    asked(play.alice, 9, "wamp.registration.list_callees", [play.reg], answer=[bob.id])
    bob < nothing


@pytest.mark.spec("META-R-07", "RPC-17")
def test_a_callee_that_is_taken_off_goes_on_with_what_it_serves(play):
    bob = registered(play, "bob", "com.p")
    play.carol > [CALL, 1, {}, "com.p"]
    bob < [INVOCATION, 1, play.reg, {}]
    asked(play.alice, 1, "wamp.registration.remove_callee", [play.reg, bob.id], answer=no_result)
    bob < [UNREGISTERED, 0, {"registration": play.reg, "reason": str}]
    bob > [YIELD, 1, {}, ["done"]]
    play.carol < [RESULT, 1, {}, ["done"]]
