"""Who is here, and sending sessions away (advanced profile, "Session Meta API").

In a play the canary has joined before everybody else.
"""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING, asked, goodbye, joined_as, no_result, refused, subscribed
from tests.support.play import ANY, BASIC, closed, nothing
from wampd.realms.messages import (
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    PUBLISH,
    REGISTER,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
)

ON_JOIN = "wamp.session.on_join"
ON_LEAVE = "wamp.session.on_leave"
INVALID = "wamp.error.invalid_argument"
NO_SUCH_SESSION = "wamp.error.no_such_session"


def details_of(actor):
    """What the meta API tells of an actor: what WELCOME told it, and how it is connected."""
    return {
        "session": actor.id,
        **{key: actor.details[key] for key in ("authid", "authrole", "authmethod", "authprovider")},
        "transport": dict,
    }


def on_leave(actor):
    return [actor.id, actor.details["authid"], actor.details["authrole"]]


# -------------------------------------------------------------------------------------------------- joining, leaving


@pytest.mark.spec("META-S-01")
def test_who_joins_is_told_of(play):
    subscribed(play, "alice", ON_JOIN, sub="joins")
    bob = play.bob
    play.alice < [EVENT, play.joins, int, {}, [details_of(bob)]]


@pytest.mark.spec("META-S-02")
@LEAVING
def test_who_leaves_is_told_of_whatever_the_way(play, leave):
    subscribed(play, "alice", ON_LEAVE, sub="leaves")
    bob = play.bob
    leave(bob)
    play.alice < [EVENT, play.leaves, int, {}, on_leave(bob)]


@pytest.mark.spec("META-S-02", "META-S-06")
def test_who_is_killed_is_told_of_once(play):
    subscribed(play, "alice", ON_LEAVE, sub="leaves")
    bob = play.bob
    asked(play.carol, 1, "wamp.session.kill", [bob.id], answer=no_result)
    play.alice < [EVENT, play.leaves, int, {}, on_leave(bob)]
    bob < [GOODBYE, {}, "wamp.close.killed"]
    bob > [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    bob < closed
    play.alice < nothing


@pytest.mark.spec("META-S-11")
def test_nobody_is_told_of_its_own_joining_or_leaving(play):
    carol = play.carol
    play.newcomer("alice")
    play.alice.hello()
    play.alice.say([SUBSCRIBE, 1, {}, ON_JOIN], [SUBSCRIBE, 2, {}, ON_LEAVE])
    play.alice.welcome()
    play.alice < [SUBSCRIBED, 1, int]
    play.alice < [SUBSCRIBED, 2, int]
    play.alice < nothing
    subscribed(play, "carol", ON_LEAVE, sub="leaves")
    goodbye(play.alice)
    carol < [EVENT, play.leaves, int, {}, on_leave(play.alice)]


@pytest.mark.spec("META-S-11", "ORD-06")
def test_joining_is_told_before_anything_that_the_session_does(play):
    play.alice.say([SUBSCRIBE, 1, {"match": "prefix"}, ""])
    play.alice < [SUBSCRIBED, 1, ANY.as_("all")]
    play.newcomer("bob").hello()
    play.bob.say([PUBLISH, 1, {}, "com.first"])
    play.bob.welcome()
    play.alice < [EVENT, play.all, int, {"topic": ON_JOIN}, [details_of(play.bob)]]
    play.alice < [EVENT, play.all, int, {"topic": "wampd.audit.joined"}, [{"session": play.bob.id, ...: ...}]]
    play.alice < [EVENT, play.all, int, {"topic": "com.first"}]
    play.alice > [34, 2, play.all]
    play.alice < [35, 2]


# --------------------------------------------------------------------------------------------------------- asking


@pytest.mark.spec("META-S-03", "META-S-04")
def test_sessions_are_counted_and_listed_of_all_roles_or_of_some(memory_play):
    play = memory_play
    canary, alice, bob = play._canary, play.alice, play.bob
    asked(alice, 1, "wamp.session.count", answer=3)
    asked(alice, 2, "wamp.session.list", answer=[canary.id, alice.id, bob.id])
    for number, (roles, count) in enumerate([(["anonymous"], 3), (["nope"], 0), ([], 0), (["nope", "anonymous"], 3)]):
        asked(alice, 10 * number + 10, "wamp.session.count", [roles], answer=count)
        asked(alice, 10 * number + 11, "wamp.session.list", [roles], answer=[canary.id, alice.id, bob.id][:count])
    asked(alice, 100, "wamp.session.count", [None], answer=3)
    asked(alice, 101, "wamp.session.count", [], {"filter_authroles": ["nope"]}, answer=0)
    goodbye(bob)
    asked(alice, 102, "wamp.session.count", answer=2)
    asked(alice, 103, "wamp.session.list", answer=[canary.id, alice.id])


@pytest.mark.spec("META-S-03", "META-S-04")
def test_who_is_here_is_counted_and_listed(play):
    bob = play.bob
    play.alice > [CALL, 1, {}, "wamp.session.list"]
    heard = play.alice.hear()
    assert {play.alice.id, bob.id} <= set(heard[3][0])
    asked(play.alice, 2, "wamp.session.count", answer=len(heard[3][0]))


@pytest.mark.spec("META-S-05")
def test_what_is_known_of_a_session_is_told(play):
    bob = play.session("bob", roles=BASIC)
    asked(play.alice, 1, "wamp.session.get", [bob.id], answer=details_of(bob))
    asked(play.alice, 2, "wamp.session.get", [play.alice.id], answer=details_of(play.alice))


@pytest.mark.spec("META-S-05")
def test_who_is_not_here_is_no_such_session(play):
    bob = play.bob
    goodbye(bob)
    refused(play.alice, 1, "wamp.session.get", [bob.id], error=NO_SUCH_SESSION)
    refused(play.alice, 2, "wamp.session.get", [2**53], error=NO_SUCH_SESSION)


@pytest.mark.spec("META-S-10")
@pytest.mark.parametrize(
    ("procedure", "args", "kwargs"),
    [
        ("count", ["anonymous"], {}),
        ("count", [[1]], {}),
        ("count", [["a"], 1], {}),
        ("count", [["a"]], {"filter_authroles": ["b"]}),
        ("list", [], {"authrole": "a"}),
        ("get", [], {}),
        ("get", ["x"], {}),
        ("get", [0], {}),
        ("get", [2**53 + 1], {}),
        ("get", [1, 2], {}),
        ("get", [True], {}),
        ("get", [None], {}),
        ("kill", [], {}),
        ("kill", ["x"], {}),
        ("kill", [1], {"reason": 5}),
        ("kill", [1], {"message": []}),
        ("kill", [1], {"message": "x" * 1025}),
        ("kill", [1], {"mesage": "x"}),
        ("kill_by_authid", [], {}),
        ("kill_by_authid", [5], {}),
        ("kill_by_authrole", [[]], {}),
        ("kill_all", [], {"reason": 5}),
    ],
    ids=str,
)
def test_arguments_that_do_not_fit_are_refused_with_the_reason(memory_play, procedure, args, kwargs):
    memory_play.alice > [CALL, 1, {}, f"wamp.session.{procedure}", args, kwargs]
    memory_play.alice < [ERROR, CALL, 1, {}, INVALID, [ANY.as_("why")]]
    assert len(memory_play.why) > 20


@pytest.mark.spec("META-S-10", "AMB-34")
def test_an_id_may_be_written_as_a_float(play):
    """As JavaScript's MessagePack and CBOR do with large ones."""
    if play.stage.serializer != "json":
        asked(play.alice, 1, "wamp.session.get", [float(play.alice.id)], answer=details_of(play.alice))
    refused(play.alice, 2, "wamp.session.get", [1.5], error=INVALID)


# -------------------------------------------------------------------------------------------------- permissions


@pytest.mark.spec("META-S-12", "AZ-06")
def test_the_meta_api_is_granted_as_everything_else(play):
    """A member may do all under ``wamp.session``, a guest may not kill, a visitor may do nothing of it."""
    member, guest, visitor = joined_as(play, "w", "joe"), joined_as(play, "x", "bob"), play.session("y", "guarded")
    denied = "wamp.error.not_authorized"
    for number, procedure in enumerate(["count", "list", "get", "kill", "kill_by_authid", "kill_all"], 1):
        refused(visitor, number, f"wamp.session.{procedure}", [member.id], error=denied)
    for number, procedure in enumerate(["kill", "kill_by_authid", "kill_by_authrole", "kill_all"], 1):
        refused(guest, number, f"wamp.session.{procedure}", [member.id], error=denied)
    asked(guest, 9, "wamp.session.get", [member.id], answer=details_of(member))
    visitor > [SUBSCRIBE, 9, {}, ON_JOIN]
    visitor < [ERROR, SUBSCRIBE, 9, {}, denied, ...]
    asked(member, 1, "wamp.session.kill", [visitor.id], answer=no_result)
    visitor < [GOODBYE, {}, "wamp.close.killed"]


@pytest.mark.spec("META-S-12", "URI-05")
def test_nobody_can_pretend_to_be_the_meta_api(play):
    subscribed(play, "alice", ON_LEAVE, sub="leaves")
    play.bob > [PUBLISH, 1, {"acknowledge": True}, ON_LEAVE, [play.alice.id, "a", "b"]]
    play.bob < [ERROR, PUBLISH, 1, {}, "wamp.error.invalid_uri", ...]
    play.bob > [REGISTER, 2, {}, "wamp.session.count"]
    play.bob < [ERROR, REGISTER, 2, {}, "wamp.error.invalid_uri", ...]
    play.alice < nothing


def test_a_call_of_the_meta_api_can_be_made_by_who_announced_nothing(play):
    play.session("bob", roles=BASIC)
    play.bob > [CALL, 1, {}, "wamp.session.get", [play.bob.id]]
    play.bob < [RESULT, 1, {}, [details_of(play.bob)]]
