"""Testaments (advanced profile, "Testaments")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING, denied, joined_as, subscribed, told_by
from tests.support.play import ALL, ANY, BASIC, nothing
from wampd.auth.roles import Role, Rule
from wampd.realms.grants import Grants
from wampd.realms.messages import CALL, ERROR, EVENT, RESULT, SUBSCRIBE, SUBSCRIBED

ADD = "wamp.session.add_testament"
FLUSH = "wamp.session.flush_testaments"


@LEAVING
@pytest.mark.spec("TST-01", "TST-02", "TST-05", "FEA-02")
def test_a_testament_is_published_whatever_way_its_session_ends(play, leave):
    subscribed(play, "bob")
    play.alice > [CALL, 1, {}, ADD, ["com.topic", ["bye"], {"from": "alice"}]]
    play.alice < [RESULT, 1, {}]
    play.bob < nothing
    leave(play.alice)
    play.bob < [EVENT, play.sub, int, {}, ["bye"], {"from": "alice"}]


@pytest.mark.spec("TST-05")
def test_a_testament_is_published_when_the_router_sends_its_session_away(memory_play):
    play = memory_play
    subscribed(play, "bob")
    told_by(play.alice, ADD, "com.topic", ["bye"], {})
    play.stage.realms["realm1"].core.sessions[play.alice.id].outlet.dismiss("wamp.close.killed")
    play.stage.realms.end_of_turn()
    play.fence()
    play.alice < [6, {}, "wamp.close.killed"]
    play.bob < [EVENT, play.sub, int, {}, ["bye"]]
    play.alice.drop()


@pytest.mark.spec("TST-05", "AMB-31")
def test_no_testament_is_published_when_all_are_killed(memory_play):
    play = memory_play
    play.session("alice", "remembering")
    play.session("bob", "remembering")
    subscribed(play, "bob")
    told_by(play.alice, ADD, "com.topic", ["bye"], {})
    play.bob > [CALL, 2, {}, "wamp.session.kill_all"]
    play.bob < [RESULT, 2, {}, [int]]
    play.alice < [6, {...: ...}, str]
    play.alice.drop()
    play.bob < nothing


@pytest.mark.spec("TST-05")
def test_a_testament_is_published_when_its_session_is_killed(play):
    subscribed(play, "bob")
    told_by(play.alice, ADD, "com.topic", ["bye"], {})
    play.bob > [CALL, 2, {}, "wamp.session.kill", [play.alice.id]]
    play.alice < [6, {...: ...}, "wamp.close.killed"]
    assert sorted((play.bob.hear()[0], play.bob.hear()[0])) == [EVENT, RESULT]
    play.alice.drop()


@pytest.mark.spec("TST-02", "TST-03")
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["announced", "not announced"])
def test_testaments_come_in_order_first_those_of_the_detached_session(play, roles):
    play.session("alice", roles=roles)
    subscribed(play, "bob")
    for request, (number, scope) in enumerate(
        [(3, {}), (1, {"scope": "detached"}), (4, {"scope": "destroyed"}), (2, {"scope": "detached"}), (5, {})], 1
    ):
        told_by(play.alice, ADD, "com.topic", [number], {}, request=request, **scope)
    play.alice.drop()
    for number in (1, 2, 3, 4, 5):
        play.bob < [EVENT, play.sub, int, {}, [number]]


@pytest.mark.spec("TST-04")
@pytest.mark.parametrize(("scope", "left"), [({}, "detached"), ({"scope": "detached"}, "destroyed")], ids=str)
def test_flushing_forgets_the_testaments_of_one_scope(play, scope, left):
    subscribed(play, "bob")
    for request, name in enumerate(("destroyed", "detached"), 1):
        told_by(play.alice, ADD, "com.topic", [name], {}, request=request, scope=name)
    play.alice > [CALL, 3, {}, FLUSH, [], scope]
    play.alice < [RESULT, 3, {}]
    play.alice.drop()
    play.bob < [EVENT, play.sub, int, {}, [left]]
    play.bob < nothing


@pytest.mark.spec("TST-04")
def test_nobody_flushes_the_testaments_of_another(play):
    subscribed(play, "bob")
    told_by(play.alice, ADD, "com.topic", [1], {})
    told_by(play.carol, FLUSH)
    play.alice.drop()
    play.bob < [EVENT, play.sub, int, {}, [1]]


@pytest.mark.spec("TST-06")
@pytest.mark.parametrize(
    ("given", "named", "error"),
    [
        (["com..topic", [], {}], {}, "wamp.error.invalid_uri"),
        (["com.a b", [], {}], {}, "wamp.error.invalid_uri"),
        (["wamp.topic", [], {}], {}, "wamp.error.invalid_uri"),
        (["com.topic", [], {}], {"scope": "resumed"}, "wamp.error.invalid_argument"),
        (["com.topic", [], {}], {"scope": 7}, "wamp.error.invalid_argument"),
        (["com.topic", [], {}], {"publish_options": {"exclude": "x"}}, "wamp.error.invalid_argument"),
        (["com.topic", [], {}], {"publish_options": {"eligible": [0]}}, "wamp.error.invalid_argument"),
        (["com.topic", [], {}], {"publish_options": []}, "wamp.error.invalid_argument"),
        (["com.topic", {}, {}], {}, "wamp.error.invalid_argument"),
        (["com.topic", [], []], {}, "wamp.error.invalid_argument"),
        (["com.topic"], {}, "wamp.error.invalid_argument"),
        ([7, [], {}], {}, "wamp.error.invalid_argument"),
        ([], {}, "wamp.error.invalid_argument"),
        (["com.topic", [], {}], {"color": "red"}, "wamp.error.invalid_argument"),
    ],
    ids=str,
)
def test_a_testament_that_makes_no_sense_is_refused(play, given, named, error):
    subscribed(play, "bob")
    denied(play.alice, ADD, *given, error=error, **named)
    play.alice.drop()
    play.bob < nothing


@pytest.mark.spec("TST-06")
def test_a_bad_scope_to_flush_is_refused(play):
    denied(play.alice, FLUSH, scope="all", error="wamp.error.invalid_argument")


@pytest.mark.spec("TST-06", "AZ-01")
def test_a_session_leaves_no_testament_where_it_may_not_publish(play):
    play.session("alice", "remembering")
    denied(play.alice, ADD, "org.topic", [], {}, error="wamp.error.not_authorized")
    disclosed = {"disclose_me": True}
    error = "wamp.error.option_disallowed.disclose_me"
    denied(play.alice, ADD, "com.hidden.topic", [], {}, request=2, publish_options=disclosed, error=error)


@pytest.mark.spec("TST-06")
def test_a_testament_that_is_no_more_allowed_at_the_end_is_not_published(memory_play):
    play = memory_play
    subscribed(play, "bob")
    subscribed(play, "bob", "com.other", request=2, sub="other")
    told_by(play.alice, ADD, "com.topic", ["no more"], {})
    told_by(play.alice, ADD, "com.other", ["as before"], {}, request=2)
    session = play.stage.realms["realm1"].core.sessions[play.alice.id]
    session.grants = Grants(Role("less", [Rule("com.other", "exact", frozenset({"publish"}))]))
    play.alice.drop()
    play.bob < [EVENT, play.other, int, {}, ["as before"]]
    play.bob < nothing


@pytest.mark.spec("TST-07", "BWL-06")
def test_the_options_of_a_testament_are_those_of_a_publication(play):
    joined_as(play, "joe", "joe", "remembering")
    play.session("bob", "remembering")
    joined_as(play, "ann", "ann", "remembering")
    for actor in (play.bob, play.ann):
        actor > [SUBSCRIBE, 1, {}, "com.testament"]
        actor < [SUBSCRIBED, 1, ANY.as_("sub")]
    options = {"eligible_authrole": ["visitor"], "disclose_me": True, "acknowledge": True}
    told_by(play.joe, ADD, "com.testament", [1], {}, publish_options=options)
    joe = play.joe.id
    play.joe.drop()
    about = {"publisher": joe, "publisher_authid": "joe", "publisher_authrole": "member", "trustlevel": 3}
    play.bob < [EVENT, play.sub, int, about, [1]]
    play.ann < nothing


@pytest.mark.spec("TST-07", "RET-01")
def test_a_testament_can_be_retained(memory_play):
    play = memory_play
    told_by(play.alice, ADD, "com.topic", ["last will"], {}, publish_options={"retain": True})
    play.alice.drop()
    play.bob > [SUBSCRIBE, 1, {"get_retained": True}, "com.topic"]
    play.bob < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.bob < [EVENT, play.sub, int, {"retained": True}, ["last will"]]


@pytest.mark.spec("TST-01")
def test_a_session_has_only_so_many_testaments(play):
    play.session("alice", "remembering")
    for request in (1, 2, 3):
        told_by(play.alice, ADD, "com.topic", [request], {}, request=request)
    play.alice > [CALL, 4, {}, ADD, ["com.topic", [], {}]]
    reason = "no more than 3 testaments in one session (limit: testaments)"
    play.alice < [ERROR, CALL, 4, {}, "wamp.error.not_authorized", [reason]]
    told_by(play.alice, FLUSH, request=5)
    told_by(play.alice, ADD, "com.topic", [], {}, request=6)


@pytest.mark.trap(2)
@pytest.mark.spec("TST-02")
def test_a_testament_that_one_subscriber_cannot_carry_reaches_the_others(memory_play):
    play = memory_play
    play.session("alice", serializer="cbor")
    play.session("bob", serializer="json")
    play.session("carol", serializer="msgpack")
    subscribed(play, "bob")
    subscribed(play, "carol")
    told_by(play.alice, ADD, "com.topic", [float("inf")], {})
    told_by(play.alice, ADD, "com.topic", [2], {}, request=2)
    play.alice.drop()
    play.carol < [EVENT, play.sub, int, {}, [float("inf")]]
    play.carol < [EVENT, play.sub, int, {}, [2]]
    play.bob < [EVENT, play.sub, int, {}, [2]]


@pytest.mark.trap(16)
@pytest.mark.spec("TST-01")
def test_what_a_session_leaves_is_bounded_by_what_it_takes_in_memory(play):
    play.session("alice", "remembering")
    reason = "no more than 32768 bytes of testaments in one session (limit: testaments_size)"
    for request, large in enumerate((["x" * 33_000], [[]] * 500), 1):
        play.alice > [CALL, request, {}, ADD, ["com.topic", large, {}]]
        play.alice < [ERROR, CALL, request, {}, "wamp.error.not_authorized", [reason]]
    told_by(play.alice, ADD, "com.topic", ["x" * 20_000], {}, request=3)
    play.alice > [CALL, 4, {}, ADD, ["com.topic", ["x" * 20_000], {}]]
    play.alice < [ERROR, CALL, 4, {}, "wamp.error.not_authorized", [reason]]
