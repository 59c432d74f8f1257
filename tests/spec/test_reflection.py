"""What there is, and what is said of it (advanced profile, "Interface Reflection")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING, asked, joined_as, refused, registered, subscribed
from tests.support.play import ALL, BASIC, nothing
from wampd.realms.messages import CALL, ERROR, EVENT, GOODBYE, RESULT, SUBSCRIBE, SUBSCRIBED

DEFINE, UNDEFINE, DESCRIBE = "wamp.reflect.define", "wamp.reflect.undefine", "wamp.reflect.describe"
ADD = {"type": "procedure", "title": "Addition", "args": [{"type": "integer"}, {"type": "integer"}]}
NEWS = {"type": "topic", "title": "News", "args": [], "kwargs": {"headline": {"type": "string", "max": 80.5}}}
FULL = {"type": "error", "title": "There is no more room", "is_final": True, "since": None}
SPELLINGS = pytest.mark.parametrize("spelling", ["wamp.reflection", "wamp.reflect"])


@pytest.mark.spec("RFL-01", "AMB-22")
def test_reflection_is_announced_in_both_places(play):
    for role in ("broker", "dealer"):
        announced = play.alice.details["roles"][role]
        assert announced["reflection"] is True
        assert announced["features"]["reflection"] is True


# ------------------------------------------------------------------------------------------------------------ lists


@pytest.mark.spec("RFL-01")
def test_procedures_are_listed_those_of_the_router_too(play):
    registered(play, "bob", "com.app.add")
    play.bob > [64, 2, {"match": "prefix"}, "com.app.many."]
    play.bob < [65, 2, int]
    play.alice > [CALL, 1, {}, "wamp.reflection.procedure.list"]
    (uris,) = play.alice.hear()[3]
    assert uris == sorted(uris)
    assert {"com.app.add", "wamp.session.count", "wamp.reflection.procedure.list"} <= set(uris)
    assert not any(uri.endswith(".") for uri in uris)


@pytest.mark.spec("RFL-01")
def test_topics_are_listed_that_are_subscribed_to_or_defined(play):
    subscribed(play, "bob", "com.app.news")
    asked(play.bob, 2, DEFINE, ["com.app.other", NEWS], answer=True)
    asked(play.alice, 1, "wamp.reflection.topic.list", answer=["com.app.news", "com.app.other"])


@pytest.mark.spec("RFL-01")
def test_errors_are_listed_that_are_defined(play):
    asked(play.alice, 1, "wamp.reflection.error.list", answer=[])
    asked(play.bob, 1, DEFINE, ["com.app.full", FULL], answer=True)
    asked(play.alice, 2, "wamp.reflection.error.list", answer=["com.app.full"])


@pytest.mark.spec("RFL-01")
def test_long_lists_come_in_pages(play):
    uris = [f"com.t{number}" for number in range(7)]
    for number, uri in enumerate(uris, 1):
        subscribed(play, "bob", uri, number, uri)
    topics = "wamp.reflection.topic.list"
    play.alice > [CALL, 1, {}, topics, ["", 3]]
    play.alice < [RESULT, 1, {}, [uris[:3]], {"next": uris[2]}]
    play.alice > [CALL, 2, {}, topics, [], {"after": uris[2], "limit": 3}]
    play.alice < [RESULT, 2, {}, [uris[3:6]], {"next": uris[5]}]
    asked(play.alice, 3, topics, [uris[5]], answer=uris[6:])
    for number, wrong in enumerate([["", 0], ["", 1001], [5], ["", 1, 2]], 4):
        refused(play.alice, number, topics, wrong)


# ------------------------------------------------------------------------------------------------------ definitions


@pytest.mark.spec("RFL-02")
@SPELLINGS
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["features", "basic"])
def test_what_is_defined_is_described(play, spelling, roles):
    bob = play.session("bob", roles=roles)
    definitions = {"procedure": ("com.app.add", ADD), "topic": ("com.app.news", NEWS), "error": ("com.app.full", FULL)}
    for number, (kind, (uri, definition)) in enumerate(definitions.items()):
        asked(bob, 2 * number + 1, f"{spelling}.define", [uri, definition], answer=True)
        asked(play.alice, 3 * number + 1, f"{spelling}.describe", [uri], answer=definition)
        asked(play.alice, 3 * number + 2, f"wamp.reflection.{kind}.describe", [uri], answer=definition)
        asked(bob, 2 * number + 2, f"wamp.reflection.{kind}.describe", ["com.app.other"], answer=None)


@pytest.mark.spec("RFL-02")
def test_one_uri_can_be_a_procedure_and_a_topic(play):
    asked(play.bob, 1, DEFINE, ["com.app.x", NEWS], answer=True)
    asked(play.bob, 2, DEFINE, ["com.app.x", {"title": "x"}], {"kind": "procedure"}, answer=True)
    asked(play.alice, 1, "wamp.reflection.topic.describe", ["com.app.x"], answer=NEWS)
    asked(play.alice, 2, "wamp.reflection.procedure.describe", ["com.app.x"], answer={"title": "x"})
    asked(play.alice, 3, DESCRIBE, ["com.app.x"], answer={"title": "x"})
    asked(play.alice, 4, "wamp.reflection.error.describe", ["com.app.x"], answer=None)
    asked(play.bob, 3, UNDEFINE, ["com.app.x", "procedure"], answer=True)
    asked(play.alice, 5, DESCRIBE, ["com.app.x"], answer=NEWS)


@pytest.mark.spec("RFL-01")
def test_what_the_router_serves_itself_is_described(play):
    play.alice > [CALL, 1, {}, "wamp.reflection.procedure.describe", ["wamp.session.count"]]
    play.alice < [RESULT, 1, {}, [{"type": "procedure", "description": str}]]
    asked(play.alice, 2, "wamp.reflection.topic.describe", ["wamp.session.count"], answer=None)


@pytest.mark.spec("RFL-02", "AMB-22")
@SPELLINGS
def test_defining_and_undefining_is_told(play, spelling):
    alice = subscribed(play, "alice", f"{spelling}.on_define", 1, "on_define")
    subscribed(play, "alice", f"{spelling}.on_undefine", 2, "on_undefine")
    bob = play.bob
    asked(bob, 1, DEFINE, ["com.app.add", ADD], answer=True)
    alice < [EVENT, play.on_define, int, {}, ["com.app.add", ADD, True, "procedure"]]
    asked(bob, 2, DEFINE, ["com.app.add", ADD], answer=None)
    changed = {**ADD, "title": "Sum"}
    asked(bob, 3, DEFINE, ["com.app.add", changed], answer=False)
    alice < [EVENT, play.on_define, int, {}, ["com.app.add", changed, False, "procedure"]]
    asked(bob, 4, UNDEFINE, ["com.app.add"], answer=True)
    alice < [EVENT, play.on_undefine, int, {}, ["com.app.add", "procedure"]]
    asked(bob, 5, UNDEFINE, ["com.app.add"], answer=None)
    asked(bob, 6, DEFINE, ["com.app.add", ADD], answer=True)
    alice < [EVENT, play.on_define, int, {}, ["com.app.add", ADD, True, "procedure"]]
    asked(bob, 7, DEFINE, ["com.app.add", None], answer=True)
    alice < [EVENT, play.on_undefine, int, {}, ["com.app.add", "procedure"]]
    alice < nothing


@pytest.mark.spec("RFL-02")
@LEAVING
def test_a_definition_goes_with_the_last_who_made_it(play, leave):
    alice = subscribed(play, "alice", "wamp.reflect.on_undefine", 1, "on_undefine")
    asked(play.bob, 1, DEFINE, ["com.app.add", ADD], answer=True)
    asked(play.carol, 1, DEFINE, ["com.app.add", ADD], answer=None)
    leave(play.bob)
    asked(alice, 2, DESCRIBE, ["com.app.add"], answer=ADD)
    asked(alice, 3, UNDEFINE, ["com.app.add"], answer=None)
    leave(play.carol)
    alice < [EVENT, play.on_undefine, int, {}, ["com.app.add", "procedure"]]
    asked(alice, 4, DESCRIBE, ["com.app.add"], answer=None)


@pytest.mark.spec("RFL-02")
def test_who_lets_go_of_what_others_hold_leaves_it_to_them(play):
    asked(play.bob, 1, DEFINE, ["com.app.add", ADD], answer=True)
    asked(play.carol, 1, DEFINE, ["com.app.add", ADD], answer=None)
    asked(play.bob, 2, UNDEFINE, ["com.app.add"], answer=False)
    asked(play.alice, 1, DESCRIBE, ["com.app.add"], answer=ADD)
    asked(play.carol, 2, UNDEFINE, ["com.app.add"], answer=True)
    asked(play.alice, 2, DESCRIBE, ["com.app.add"], answer=None)


@pytest.mark.spec("RFL-02", "META-S-09")
def test_what_a_killed_session_defined_is_gone_and_quietly_so_if_all_are_killed(memory_play):
    play = memory_play
    alice = subscribed(play, "alice", "wamp.reflect.on_undefine", 1, "on_undefine")
    asked(play.bob, 1, DEFINE, ["com.app.add", ADD], answer=True)
    asked(alice, 2, "wamp.session.kill_all", answer=2)
    play.bob < [GOODBYE, {}, "wamp.close.killed"]
    play._canary < [GOODBYE, {}, "wamp.close.killed"]
    asked(alice, 3, DESCRIBE, ["com.app.add"], answer=None)
    alice < nothing
    play._canary = play.session("the next canary")


@pytest.mark.spec("RFL-02")
@pytest.mark.parametrize(
    "args",
    [
        [],
        ["com.app.x"],
        ["com.app.x", "a string"],
        ["com.app.x", {"title": "of no type"}],
        ["com.app.x", {"type": "number"}],
        ["com.app.x", {"type": ["procedure"]}],
        ["com.app.x", ADD, "number"],
        ["com.app.x", ADD, "procedure", 1],
        [5, ADD],
    ],
    ids=str,
)
def test_what_is_no_definition_is_refused(memory_play, args):
    refused(memory_play.alice, 1, DEFINE, args)
    asked(memory_play.alice, 2, DESCRIBE, ["com.app.x"], answer=None)


@pytest.mark.spec("RFL-02")
@pytest.mark.parametrize("uri", ["", "a..b", "a.b.", "not a uri", "wamp.session.count", "x" * 513])
def test_only_what_can_be_registered_or_published_to_can_be_defined(memory_play, uri):
    refused(memory_play.alice, 1, DEFINE, [uri, ADD], error="wamp.error.invalid_uri")


# ------------------------------------------------------------------------------------------------------ permissions


@pytest.mark.spec("RFL-01", "RFL-02", "AZ-06")
def test_everybody_defines_what_it_may_serve_and_sees_what_it_may_use(play):
    """A reader may call one procedure and subscribe to one topic, and use reflection; a member may do all under ``com``."""
    member, reader = joined_as(play, "w", "joe"), joined_as(play, "x", "eve")
    for number, uri in enumerate(["com.fixed.procedure", "com.secret.procedure"]):
        registered(play, "w", uri, 10 * number + 1, uri)
        asked(member, 10 * number + 2, DEFINE, [uri, ADD], answer=True)
    for number, uri in enumerate(["com.fixed.topic", "com.secret.topic"]):
        asked(member, 10 * number + 23, DEFINE, [uri, NEWS], answer=True)
        asked(member, 10 * number + 24, DEFINE, [uri, FULL], answer=True)

    play.x > [CALL, 1, {}, "wamp.reflection.procedure.list"]
    (uris,) = play.x.hear()[3]
    assert [uri for uri in uris if not uri.startswith("wamp.reflect")] == ["com.fixed.procedure"]
    asked(reader, 2, "wamp.reflection.topic.list", answer=["com.fixed.topic"])
    asked(reader, 3, "wamp.reflection.error.list", answer=["com.fixed.topic"])
    asked(reader, 4, DESCRIBE, ["com.fixed.procedure"], answer=ADD)
    asked(reader, 5, DESCRIBE, ["com.secret.procedure"], answer=None)
    asked(reader, 6, DESCRIBE, ["com.secret.topic"], answer=None)
    asked(reader, 7, DESCRIBE, ["com.secret.nowhere"], answer=None)
    asked(reader, 8, DESCRIBE, ["wamp.session.count"], answer=None)

    denied = "wamp.error.not_authorized"
    for number, (uri, definition) in enumerate(
        [("com.fixed.procedure", ADD), ("com.fixed.topic", NEWS), ("com.fixed.topic", FULL), ("com.mine", ADD)], 9
    ):
        refused(reader, number, DEFINE, [uri, definition], error=denied)
    asked(reader, 20, UNDEFINE, ["com.fixed.procedure"], answer=None)
    asked(member, 50, DESCRIBE, ["com.fixed.procedure"], answer=ADD)


@pytest.mark.spec("RFL-01", "AZ-06")
def test_who_may_not_use_reflection_does_not(play):
    visitor = play.session("visitor", realm="guarded")
    for number, procedure in enumerate(["wamp.reflection.topic.list", DESCRIBE, DEFINE], 1):
        refused(visitor, number, procedure, ["com.open.x"], error="wamp.error.not_authorized")
    visitor > [SUBSCRIBE, 4, {}, "wamp.reflect.on_define"]
    visitor < [ERROR, SUBSCRIBE, 4, {}, "wamp.error.not_authorized", ...]
    visitor > [SUBSCRIBE, 5, {}, "com.open.x"]
    visitor < [SUBSCRIBED, 5, int]
