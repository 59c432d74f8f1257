"""Registrations that end without their callee's doing (advanced profile, "Registration Revocation")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import joined_as
from tests.support.play import ALL, ANY, BASIC, nothing
from wampd.realms.messages import (
    CALL,
    ERROR,
    INVOCATION,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    YIELD,
)

FORCE = {"force_reregister": True}
P = "com.app.add"


def arrive(play, name, authid="joe", roles=ALL):
    """Join ``guarded``, where members may take registrations over and guests may not."""
    return joined_as(play, name, authid, roles=roles)


def register(actor, request=1, uri=P, reg="reg", **options):
    actor > [REGISTER, request, options, uri]
    actor < [REGISTERED, request, ANY.as_(reg)]


def call(play, callee, number=1, invocation=1, reg="reg"):
    """A call reaches this callee."""
    play.someone > [CALL, number, {}, P]
    callee < [INVOCATION, invocation, play.names[reg], {}]
    callee > [YIELD, invocation, {}]
    play.someone < [RESULT, number, {}]


@pytest.mark.spec("RRV-01", "RRV-02", "AMB-30", "FEA-02")
@pytest.mark.parametrize("able", [True, False], ids=["announced", "not announced"])
def test_a_callee_whose_registration_is_taken_over_is_told_if_it_understands(play, able):
    arrive(play, "someone")
    old = arrive(play, "old", "bob", ALL if able else BASIC)
    register(old, reg="before")
    new = arrive(play, "new", roles=BASIC)
    register(new, **FORCE)
    if able:
        old < [67, 0, {"registration": play.before, "reason": "wampd.revoked.taken_over"}]
    assert play.before != play.reg
    call(play, new)
    old > [UNREGISTER, 2, play.before]
    old < [ERROR, UNREGISTER, 2, {}, "wamp.error.no_such_registration"]


@pytest.mark.spec("RRV-02")
@pytest.mark.parametrize("old", [{}, {"invoke": "roundrobin"}, {"invoke": "last"}], ids=str)
@pytest.mark.parametrize("new", [{}, {"invoke": "roundrobin"}], ids=str)
def test_all_callees_lose_it_whatever_its_policy_was(play, old, new):
    arrive(play, "someone")
    callees = [arrive(play, "old", "bob")]
    if old:
        callees.append(arrive(play, "older", "bob"))
    for callee in callees:
        register(callee, reg="before", **old)
    fresh = arrive(play, "new")
    register(fresh, **FORCE, **new)
    for callee in callees:
        callee < [67, 0, {"registration": play.before, "reason": str}]
    call(play, fresh)
    call(play, fresh, 2, 2)


@pytest.mark.spec("RRV-02")
def test_where_nobody_is_it_is_an_ordinary_registration_and_ones_own_is_made_anew(play):
    arrive(play, "someone")
    callee = arrive(play, "new")
    register(callee, reg="before", **FORCE)
    call(play, callee, reg="before")
    callee > [REGISTER, 2, FORCE, P]
    callee < [67, 0, {"registration": play.before, "reason": str}]
    callee < [REGISTERED, 2, ANY.as_("reg")]
    call(play, callee, 2, 2)


@pytest.mark.spec("RRV-02", "RPC-17")
def test_what_the_old_callee_is_serving_it_may_finish_and_what_waits_for_it_fails(play):
    arrive(play, "someone")
    old = arrive(play, "old", "bob")
    register(old, reg="before", concurrency=1)
    for number in (1, 2):
        play.someone > [CALL, number, {}, P, [number]]
    old < [INVOCATION, 1, play.before, {}, [1]]
    register(arrive(play, "new"), **FORCE)
    old < [67, 0, {...: ...}]
    play.someone < [ERROR, CALL, 2, {}, "wamp.error.canceled", [str]]
    old > [YIELD, 1, {}, ["done"]]
    play.someone < [RESULT, 1, {}, ["done"]]


@pytest.mark.spec("RRV-02", "AZ-01", "AZ-08")
@pytest.mark.trap(4)
@pytest.mark.parametrize("there", [True, False], ids=["somebody is there", "nobody is there"])
@pytest.mark.parametrize("match", ["exact", "prefix", "wildcard"])
def test_who_may_only_register_cannot_take_over(play, there, match):
    owner = arrive(play, "owner")
    if there:
        register(owner, match=match)
    thief = arrive(play, "thief", "bob")
    thief > [REGISTER, 1, {**FORCE, "match": match}, P]
    thief < [ERROR, REGISTER, 1, {}, "wamp.error.not_authorized", [str]]
    owner < nothing
    if there:
        joined_as(play, "caller", "ann") > [CALL, 1, {}, P]
        owner < [INVOCATION, 1, play.reg, {...: ...}]


@pytest.mark.spec("RRV-02")
@pytest.mark.trap(4)
def test_who_may_do_everything_else_cannot_take_over(play):
    register(play.callee)
    play.bob > [REGISTER, 1, FORCE, P]
    play.bob < [ERROR, REGISTER, 1, {}, "wamp.error.not_authorized", [str]]
    play.caller > [CALL, 1, {}, P]
    play.callee < [INVOCATION, 1, play.reg, {}]


@pytest.mark.spec("RRV-02", "PRG-07")
def test_only_the_registration_with_the_same_match_policy_is_taken_over(play):
    arrive(play, "someone")
    old = arrive(play, "old", "bob")
    register(old)
    register(arrive(play, "new"), reg="other", match="prefix", **FORCE)
    old < nothing
    call(play, old)


@pytest.mark.spec("RRV-01", "META-R-01", "META-R-02")
def test_those_who_watch_are_told(memory_play):
    play = memory_play
    watcher = play.session("watcher")
    for number, event in enumerate(("on_unregister", "on_delete", "on_create", "on_register"), 1):
        watcher > [SUBSCRIBE, number, {}, f"wamp.registration.{event}"]
        watcher < [SUBSCRIBED, number, ANY.as_(event)]
    realm = play.stage.realms["realm1"].core
    register(play.alice, invoke="roundrobin")
    watcher < [36, play.on_create, int, {}, [play.alice.id, {"id": play.reg, ...: ...}]]
    watcher < [36, play.on_register, int, {}, [play.alice.id, play.reg]]
    register(play.bob, invoke="roundrobin")
    watcher < [36, play.on_register, int, {}, [play.bob.id, play.reg]]
    registrations = realm.dealer.registrations
    registration = registrations.exact[P]
    assert registrations.revoke(registration, realm.sessions[play.alice.id], "moved")
    assert not registrations.revoke(registration, realm.sessions[play.alice.id], "again")
    play.stage.realms.end_of_turn()
    play.fence()
    play.alice < [67, 0, {"registration": play.reg, "reason": "moved"}]
    watcher < [36, play.on_unregister, int, {}, [play.alice.id, play.reg]]
    assert registrations.revoke(registration, realm.sessions[play.bob.id], "com.app.all_gone")
    play.stage.realms.end_of_turn()
    play.fence()
    play.bob < [67, 0, {"registration": play.reg, "reason": "com.app.all_gone"}]
    watcher < [36, play.on_unregister, int, {}, [play.bob.id, play.reg]]
    watcher < [36, play.on_delete, int, {}, [play.bob.id, play.reg]]
