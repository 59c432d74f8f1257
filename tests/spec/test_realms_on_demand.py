"""Realms of templates: opened for the first who is let in, closed behind the last (basic profile, "Realms")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING, goodbye, joined_as, registered, subscribed
from tests.support.play import ANY, BASIC, closed, nothing
from wampd.realms.messages import (
    ABORT,
    AUTHENTICATE,
    CALL,
    CHALLENGE,
    ERROR,
    EVENT,
    GOODBYE,
    PUBLISH,
    PUBLISHED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    WELCOME,
)

NO_SUCH_REALM = "wamp.error.no_such_realm"
UNAVAILABLE = "wamp.error.unavailable"


def refused(play, name, realm, uri, *, text=""):
    """Somebody who is not let into a realm."""
    actor = play.newcomer(name)
    actor.hello(realm)
    actor < [ABORT, {"message": str}, uri]
    assert text in str(play)
    actor < closed


def is_open(play, realm):
    return any(shell.core.name == realm for shell in play.stage.realms.all())


@pytest.mark.spec("SES-06")
@pytest.mark.parametrize("roles", [BASIC, {"caller": {}}], ids=str)
def test_a_realm_of_a_template_is_there_for_the_first_who_joins(play, roles):
    alice = play.session("alice", "com.tenant.one", roles)
    assert alice.details["realm"] == "com.tenant.one"
    assert alice.details["authrole"] == "visitor"
    play.session("bob", "com.tenant.one")
    registered(play, "bob")
    alice > [CALL, 1, {}, "com.app.add"]
    assert play.bob.hear()[0] == 68


@pytest.mark.spec("SES-06")
def test_realms_of_one_template_never_meet(play):
    play.session("alice", "com.tenant.one")
    play.session("bob", "com.tenant.two")
    play.session("carol", "com.tenant.two")
    subscribed(play, "alice", "com.topic")
    subscribed(play, "carol", "com.topic", sub="carols")
    registered(play, "alice", "com.app.add", request=2)
    play.bob > [PUBLISH, 1, {}, "com.topic"]
    play.carol < [EVENT, play.carols, int, {}]
    play.alice < nothing
    play.bob > [CALL, 2, {}, "com.app.add"]
    play.bob < [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", [str]]


@pytest.mark.spec("SES-06")
@pytest.mark.parametrize(
    "realm", ["com.tenan", "com.tenant", "com.tenants.x", "a.b.c.guests", "b.guests", "com.tenant.club.Not-Strict"]
)
def test_what_no_template_matches_is_no_realm(play, realm):
    refused(play, "alice", realm, NO_SUCH_REALM)


@pytest.mark.spec("SES-06", "URI-08")
@pytest.mark.parametrize("realm", ["com.tenant.", "com.tenant..x", "com.tenant.a b", "com.tenant." + "x" * 600])
def test_a_name_that_is_no_uri_is_none_because_a_template_matches_it(play, realm):
    refused(play, "alice", realm, "wamp.error.invalid_uri")


@pytest.mark.spec("SES-06")
@pytest.mark.parametrize(
    ("realm", "role"),
    [
        ("com.tenant.fixed", "fixed"),
        ("com.tenant.fixed.not", "visitor"),
        ("com.tenant.guests", "visitor"),
        ("org.any.guests", "anonymous"),
    ],
)
def test_an_exact_name_wins_over_templates_and_a_prefix_over_a_wildcard(play, realm, role):
    assert play.session("alice", realm).details["authrole"] == role


@pytest.mark.spec("SES-06")
def test_the_longest_prefix_decides_who_may_open_a_realm(play):
    refused(play, "alice", "com.tenant.club.tennis", NO_SUCH_REALM)
    joined_as(play, "bob", "joe", "com.tenant.club.tennis")
    play.session("carol", "com.tenant.club.tennis")
    goodbye(play.bob)
    play.session("dave", "com.tenant.club.tennis")  # carol keeps it open
    goodbye(play.carol)
    goodbye(play.dave)
    refused(play, "erin", "com.tenant.club.tennis", NO_SUCH_REALM)


@pytest.mark.spec("SES-06")
@LEAVING
def test_a_realm_is_gone_when_the_last_has_left_whatever_the_way(memory_play, leave):
    play = memory_play
    first, second = play.session("alice", "com.tenant.one"), play.session("bob", "com.tenant.one")
    subscribed(play, "alice")
    registered(play, "alice", request=2)
    leave(first)
    play.fence()
    assert is_open(play, "com.tenant.one")
    leave(second)
    play.fence()
    assert not is_open(play, "com.tenant.one")
    assert is_open(play, "realm1")
    play.session("carol", "com.tenant.one")  # opens it again, with nothing in it
    play.carol > [CALL, 1, {}, "com.app.add"]
    play.carol < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", [str]]


@pytest.mark.spec("SES-06", "SEC-05")
def test_a_template_has_so_many_realms_at_once_and_no_more(play):
    for name in ("one", "two", "three"):
        play.session(name, f"com.tenant.{name}")
    refused(play, "alice", "com.tenant.four", UNAVAILABLE, text="no more than 3 realms at once (limit: realms)")
    play.session("bob", "com.tenant.three")  # is open
    goodbye(play.one)
    play.session("dave", "com.tenant.four")
    play.one < nothing


@pytest.mark.spec("SES-06")
def test_who_is_not_let_in_opens_no_realm_and_learns_of_none(memory_play):
    play = memory_play

    def guess(name, realm):
        actor = play.newcomer(name)
        actor.hello(realm, authmethods=["ticket"], authid="joe")
        actor < [CHALLENGE, "ticket", {}]
        assert not is_open(play, "com.locked.shut")
        actor > [AUTHENTICATE, "a guess", {}]
        answer = actor.hear()
        actor < closed
        return answer

    joined_as(play, "alice", "joe", "com.locked.open")
    assert guess("bob", "com.locked.shut") == guess("carol", "com.locked.open")
    assert not is_open(play, "com.locked.shut")
    play.newcomer("dave").hello("com.locked.shut")
    play.dave < [ABORT, {"message": str}, "wamp.error.authentication_required"]
    play.dave < closed
    assert not is_open(play, "com.locked.shut")


@pytest.mark.spec("SES-06")
def test_a_realm_that_keeps_something_stays_until_that_is_gone(memory_play):
    play = memory_play
    play.session("alice", "com.tenant.one")
    shell = play.stage.realms["com.tenant.one"]
    kept = ["an event"]
    shell.core.kept.append(kept)
    goodbye(play.alice)
    play.stage.clock.advance(3000)
    assert is_open(play, "com.tenant.one")
    play.session("bob", "com.tenant.one")  # is the same realm, and its time begins anew
    play.stage.clock.advance(20)
    goodbye(play.bob)
    play.stage.clock.advance(3000)
    assert play.stage.realms["com.tenant.one"] is shell
    kept.clear()
    play.stage.clock.advance(60)
    assert not is_open(play, "com.tenant.one")


@pytest.mark.spec("SES-06")
def test_retained_events_keep_their_realm(memory_play):
    play = memory_play
    play.session("alice", "com.tenant.one")
    play.alice > [PUBLISH, 1, {"retain": True, "acknowledge": True}, "com.news", ["old"]]
    play.alice < [PUBLISHED, 1, int]
    goodbye(play.alice)
    play.stage.clock.advance(600)
    play.session("bob", "com.tenant.one")
    play.bob > [SUBSCRIBE, 1, {"get_retained": True}, "com.news"]
    play.bob < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.bob < [EVENT, play.sub, int, {"retained": True}, ["old"]]
    goodbye(play.bob)
    for _ in range(360):
        play.stage.clock.advance(10)
    assert not is_open(play, "com.tenant.one")
    play.session("carol", "com.tenant.one")
    play.carol > [SUBSCRIBE, 1, {"get_retained": True}, "com.news"]
    play.carol < [SUBSCRIBED, 1, int]
    play.carol < nothing


@pytest.mark.spec("SES-06")
def test_a_realm_that_nobody_joins_is_closed_after_a_time_whatever_it_keeps(memory_play):
    play = memory_play
    play.session("alice", "com.tenant.one")
    play.stage.realms["com.tenant.one"].core.kept.append(["an event"])
    play.alice.drop()
    for _ in range(359):
        play.stage.clock.advance(10)
    assert is_open(play, "com.tenant.one")
    play.stage.clock.advance(10)
    assert not is_open(play, "com.tenant.one")


@pytest.mark.spec("SES-06")
def test_one_connection_joins_one_realm_after_the_other(play):
    alice = play.session("alice", "com.tenant.one")
    goodbye(alice)
    alice.join("com.tenant.two")
    assert alice.details["realm"] == "com.tenant.two"
    goodbye(alice)
    alice.hello("com.tenant.one")
    alice < [WELCOME, int, dict]


@pytest.mark.spec("SES-06", "META-S-08")
def test_who_is_sent_away_is_told_though_the_one_who_asked_for_it_has_left_first(memory_play):
    play = memory_play
    visitors = [play.session(name, "com.tenant.one") for name in "xyz"]
    joe = joined_as(play, "joe", "joe", "com.tenant.one")
    play.stage.realms["com.tenant.one"].core.SLICE = 10  # one in a turn
    joe.say([CALL, 1, {}, "wamp.session.kill_by_authrole", ["visitor"]], [GOODBYE, {}, "wamp.close.close_realm"])
    joe < [RESULT, 1, {}, [3]]
    joe < [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    play.stage.clock.advance(0)
    play.stage.realms.end_of_turn()
    for visitor in visitors:
        visitor < [GOODBYE, {}, "wamp.close.killed"]
        assert is_open(play, "com.tenant.one")
        visitor > [GOODBYE, {}, "wamp.close.goodbye_and_out"]
        visitor < closed
    assert not is_open(play, "com.tenant.one")
