"""Patterns (advanced profile, "Pattern-based Subscriptions" and "Pattern-based Registrations")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE
from tests.support.play import ANY, BASIC, Play, nothing
from tests.support.process import ROOT
from tests.support.stages import MemoryStage
from wampd.realms.messages import (
    CALL,
    ERROR,
    EVENT,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNREGISTERED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    YIELD,
)


def subscribe(actor, request, uri, match, name):
    actor > [SUBSCRIBE, request, {"match": match}, uri]
    actor < [SUBSCRIBED, request, ANY.as_(name)]


def register(actor, request, uri, match, name):
    actor > [REGISTER, request, {"match": match}, uri]
    actor < [REGISTERED, request, ANY.as_(name)]


# ----------------------------------------------------------------------------------------------------- subscriptions


@pytest.mark.spec("PSUB-02", "PSUB-06")
def test_a_prefix_matches_whatever_begins_with_it_component_or_not(play):
    subscribe(play.subscriber, 1, "com.a.emergency", "prefix", "sub")
    matching = [
        "com.a.emergency",
        "com.a.emergency-low",
        "com.a.emergency.11",
        "com.a.emergency.1.2.3",
        "com.a.emergencyx",
    ]
    others = ["com.a.emergenc", "com.a", "com.b.emergency", "x.com.a.emergency", "Com.a.emergency"]
    for number, uri in enumerate([*matching, *others], 1):
        play.publisher > [PUBLISH, number, {}, uri]
    for uri in matching:
        play.subscriber < [EVENT, play.sub, int, {"topic": uri}]
    play.subscriber < nothing


@pytest.mark.spec("PSUB-03", "PSUB-06")
def test_an_empty_component_of_a_wildcard_matches_exactly_one_component(play):
    subscribe(play.subscriber, 1, "com.myapp..userevent", "wildcard", "sub")
    matching = ["com.myapp.foo.userevent", "com.myapp.bar.userevent", "com.myapp.a2.userevent"]
    others = [
        "com.myapp.foo.userevent.bar",
        "com.myapp.foo.user",
        "com.myapp.userevent",
        "com.myapp2.foo.userevent",
        "com.myapp.foo.bar.userevent",
        "myapp.foo.userevent",
    ]
    for number, uri in enumerate([*matching, *others], 1):
        play.publisher > [PUBLISH, number, {}, uri]
    for uri in matching:
        play.subscriber < [EVENT, play.sub, int, {"topic": uri}]
    play.subscriber < nothing


@pytest.mark.spec("PSUB-04", "PSUB-05", "PSUB-06", "PSUB-09", "PS-12")
def test_every_matching_subscription_fires_once_with_the_same_publication(play):
    subscribe(play.subscriber, 1, "com.a.b.c", "exact", "exact")
    subscribe(play.subscriber, 2, "com.", "prefix", "short")
    subscribe(play.subscriber, 3, "com.a.b", "prefix", "long")
    subscribe(play.subscriber, 4, "com..b.c", "wildcard", "wildcard")
    subscribe(play.subscriber, 5, "com.a.b.c", "prefix", "whole")
    subscribe(play.subscriber, 6, "com.x", "prefix", "other")
    assert len({play.exact, play.short, play.long, play.wildcard, play.whole, play.other}) == 6
    play.publisher > [PUBLISH, 1, ACKNOWLEDGE, "com.a.b.c", [1]]
    play.publisher < [PUBLISHED, 1, ANY.as_("publication")]
    play.subscriber < [EVENT, play.exact, play.publication, {}, [1]]
    for subscription in (play.whole, play.long, play.short, play.wildcard):
        play.subscriber < [EVENT, subscription, play.publication, {"topic": "com.a.b.c"}, [1]]
    play.subscriber < nothing


@pytest.mark.spec("PSUB-05", "PS-02")
def test_the_same_uri_with_another_policy_is_another_subscription(play):
    for number, match in enumerate(["exact", "prefix", "wildcard"], 1):
        subscribe(play.subscriber, number, "com.a", match, match)
        subscribe(play.bob, number, "com.a", match, match)
    assert len({play.exact, play.prefix, play.wildcard}) == 3
    play.subscriber > [UNSUBSCRIBE, 4, play.exact]
    play.subscriber < [UNSUBSCRIBED, 4]
    play.publisher > [PUBLISH, 1, {}, "com.a"]
    play.subscriber < [EVENT, play.prefix, int, {"topic": "com.a"}]
    play.subscriber < [EVENT, play.wildcard, int, {"topic": "com.a"}]
    play.subscriber < nothing
    play.bob < [EVENT, play.exact, int, {}]
    play.bob < [EVENT, play.prefix, int, {"topic": "com.a"}]
    play.bob < [EVENT, play.wildcard, int, {"topic": "com.a"}]


@pytest.mark.spec("PSUB-02", "PSUB-03", "PSUB-06", "FEA-04")
def test_who_did_not_announce_patterns_can_subscribe_to_them_all_the_same(play):
    play.session("subscriber", roles=BASIC)
    subscribe(play.subscriber, 1, "com.a", "prefix", "prefix")
    subscribe(play.subscriber, 2, "com..b", "wildcard", "wildcard")
    play.publisher > [PUBLISH, 1, {}, "com.a.b", [1]]
    for name in ("prefix", "wildcard"):
        play.subscriber < [EVENT, play.names[name], int, {"topic": "com.a.b"}, [1]]


@pytest.mark.spec("PSUB-07")
def test_subscriptions_are_no_sets(play):
    subscribe(play.subscriber, 1, "com.a", "prefix", "prefix")
    subscribe(play.subscriber, 2, "com.a.b", "exact", "exact")
    play.subscriber > [UNSUBSCRIBE, 3, play.exact]
    play.subscriber < [UNSUBSCRIBED, 3]
    play.publisher > [PUBLISH, 1, {}, "com.a.b"]
    play.subscriber < [EVENT, play.prefix, int, {"topic": "com.a.b"}]


@pytest.mark.spec("PSUB-08")
def test_the_empty_prefix_matches_every_topic(play):
    publisher = play.publisher  # who joins later is news, too
    subscribe(play.subscriber, 1, "", "prefix", "sub")
    for number, uri in enumerate(["a", "com.x", "org.y.z"], 1):
        publisher > [PUBLISH, number, {}, uri]
        play.subscriber < [EVENT, play.sub, int, {"topic": uri}]
    # The canary's news of the end of the play are among them.
    play.subscriber > [UNSUBSCRIBE, 2, play.sub]
    play.subscriber < [UNSUBSCRIBED, 2]


@pytest.mark.spec("PSUB-08", "URI-03", "AMB-19")
@pytest.mark.parametrize("match", ["prefix", "wildcard"])
def test_who_may_do_everything_may_subscribe_to_everything(match):
    play = Play(MemoryStage("json", ROOT / "tests" / "configs" / "open.yaml"))
    subscribe(play.alice, 1, "", match, "sub")
    register(play.alice, 2, "", match, "reg")


@pytest.mark.spec("PSUB-08", "AMB-19")
def test_the_empty_prefix_matches_topics_of_the_router_too_where_a_rule_names_them(memory_play):
    play = memory_play
    subscribe(play.alice, 1, "", "prefix", "sub")
    play.session("bob")
    play.alice < [EVENT, play.sub, int, {"topic": "wamp.session.on_join"}, [{"session": play.bob.id, ...: ...}]]
    play.alice < [EVENT, play.sub, int, {"topic": "wampd.audit.joined"}, [{"session": play.bob.id, ...: ...}]]


@pytest.mark.trap(6)
@pytest.mark.spec("AMB-19")
def test_a_pattern_that_would_reach_topics_of_the_router_is_refused_where_no_rule_names_them(memory_play):
    play = memory_play
    play.session("alice", "remembering")
    for request, (uri, match) in enumerate(
        [("", "prefix"), ("w", "prefix"), ("wamp.", "prefix"), ("..", "wildcard")], 1
    ):
        play.alice > [SUBSCRIBE, request, {"match": match, "get_retained": True}, uri]
        play.alice < [ERROR, SUBSCRIBE, request, {}, "wamp.error.not_authorized", ...]


@pytest.mark.spec("PSUB-08")
def test_an_empty_prefix_needs_the_permission_for_everything(play):
    play.session("alice", realm="guarded")
    for number, (uri, match) in enumerate([("", "prefix"), ("com.", "prefix"), ("..", "wildcard")], 1):
        play.alice > [SUBSCRIBE, number, {"match": match}, uri]
        play.alice < [ERROR, SUBSCRIBE, number, {}, "wamp.error.not_authorized", ...]
    play.alice > [SUBSCRIBE, 4, {"match": "prefix"}, "com.open."]
    play.alice < [SUBSCRIBED, 4, int]


# ----------------------------------------------------------------------------------------------------- registrations


def best(play, number, uri, name):
    """A call of ``uri`` reaches the registration of this name, and no other."""
    details = {} if name in play.exact_ones else {"procedure": uri}
    play.caller > [CALL, number, {}, uri, [number]]
    play.callee < [INVOCATION, number, play.names[name], details, [number]]
    play.callee < nothing
    play.callee > [YIELD, number, {}]
    play.caller < [RESULT, number, {}]


@pytest.mark.spec("PRG-02", "PRG-03", "PRG-04", "PRG-06", "PRG-08", "AMB-06")
def test_the_example_of_the_specification(play):
    rpcs = {
        "1": ("a1.b2.c3.d4.e55", "exact"),
        "2": ("a1.b2.c3", "prefix"),
        "3": ("a1.b2.c3.d4", "prefix"),
        "4": ("a1.b2..d4.e5", "wildcard"),
        "5": ("a1.b2.c33..e5", "wildcard"),
        "6": ("a1.b2..d4.e5..g7", "wildcard"),
        "7": ("a1.b2..d4..f6.g7", "wildcard"),
    }
    for number, (name, (uri, match)) in enumerate(rpcs.items(), 1):
        register(play.callee, number, uri, match, name)
    play.names["exact_ones"] = {"1"}
    best(play, 1, "a1.b2.c3.d4.e55", "1")
    best(play, 2, "a1.b2.c3.d98.e74", "2")
    best(play, 3, "a1.b2.c3.d4.e325", "3")
    best(play, 4, "a1.b2.c55.d4.e5", "4")
    best(play, 5, "a1.b2.c88.d4.e5.f6.g7", "6")
    # It begins with "a1.b2.c3", so the prefix has it, whatever the example says of it; without the prefix the wildcard.
    best(play, 6, "a1.b2.c33.d4.e5", "2")
    play.callee > [UNREGISTER, 8, play.names["2"]]
    play.callee < [UNREGISTERED, 8]
    best(play, 7, "a1.b2.c33.d4.e5", "5")
    play.caller > [CALL, 8, {}, "a2.b2.c2.d2.e2"]
    play.caller < [ERROR, CALL, 8, {}, "wamp.error.no_such_procedure", ...]


@pytest.mark.spec("PRG-02", "PRG-07", "PRG-06")
def test_exact_comes_before_prefix_and_prefix_before_wildcard(play):
    for number, match in enumerate(["wildcard", "prefix", "exact"], 1):
        register(play.callee, number, "com.p", match, match)
    assert len({play.exact, play.prefix, play.wildcard}) == 3
    play.names["exact_ones"] = {"exact"}
    best(play, 1, "com.p", "exact")
    play.callee > [UNREGISTER, 4, play.exact]
    play.callee < [UNREGISTERED, 4]
    best(play, 2, "com.p", "prefix")
    play.callee > [UNREGISTER, 5, play.prefix]
    play.callee < [UNREGISTERED, 5]
    best(play, 3, "com.p", "wildcard")


@pytest.mark.spec("PRG-03")
def test_of_several_prefixes_the_longest_has_the_call(play):
    for number, uri in enumerate(["a1.b2", "a1.b2.c3", "a1.b2.c", ""], 1):
        register(play.callee, number, uri, "prefix", uri or "empty")
    play.names["exact_ones"] = set()
    best(play, 1, "a1.b2.c3.d4", "a1.b2.c3")
    best(play, 2, "a1.b2.c4", "a1.b2.c")
    best(play, 3, "a1.b2.d", "a1.b2")
    best(play, 4, "z", "empty")


@pytest.mark.spec("PRG-04")
def test_of_several_wildcards_the_one_with_the_longest_first_run_has_the_call(play):
    for number, uri in enumerate(["..c.d", "a...", "a.b..", "a..c.d", ".b.c.d", "..."], 1):
        register(play.callee, number, uri, "wildcard", uri)
    play.names["exact_ones"] = set()
    best(play, 1, "a.b.c.d", "a.b..")
    best(play, 2, "a.x.c.d", "a..c.d")
    best(play, 3, "a.x.y.d", "a...")
    best(play, 4, "x.b.c.d", ".b.c.d")
    best(play, 5, "x.y.c.d", "..c.d")
    best(play, 6, "x.y.z.d", "...")


@pytest.mark.spec("PRG-05")
def test_what_no_pattern_matches_is_no_procedure(play):
    register(play.callee, 1, "com.a", "prefix", "prefix")
    register(play.callee, 2, "com..b", "wildcard", "wildcard")
    for number, uri in enumerate(["com.b", "com.x.c", "com.x.b.c", "com", "x"], 1):
        play.caller > [CALL, number, {}, uri]
        play.caller < [ERROR, CALL, number, {}, "wamp.error.no_such_procedure", ...]


@pytest.mark.spec("PRG-07", "RPC-02")
@pytest.mark.parametrize("match", ["prefix", "wildcard"])
def test_a_pattern_is_registered_only_once(play, match):
    register(play.callee, 1, "com..a", match, "reg")
    for actor, number in ((play.callee, 2), (play.bob, 1)):
        actor > [REGISTER, number, {"match": match}, "com..a"]
        actor < [ERROR, REGISTER, number, {}, "wamp.error.procedure_already_exists", ...]


@pytest.mark.spec("PRG-09")
def test_an_error_of_the_best_match_is_final(play):
    register(play.callee, 1, "com.p", "exact", "exact")
    register(play.bob, 1, "com.", "prefix", "prefix")
    play.caller > [CALL, 1, {}, "com.p"]
    play.callee < [INVOCATION, 1, play.exact, {}]
    play.callee > [ERROR, INVOCATION, 1, {}, "com.err"]
    play.caller < [ERROR, CALL, 1, {}, "com.err"]
    play.bob < nothing


@pytest.mark.spec("PRG-01", "PRG-02", "PRG-06", "FEA-02", "FEA-04")
def test_callees_that_did_not_announce_patterns_can_register_them_as_well(play):
    play.session("callee", roles=BASIC)
    for number, (uri, match) in enumerate([("com.", "prefix"), ("org..p", "wildcard"), ("com.p", "exact")], 1):
        register(play.callee, number, uri, match, match)
    play.names["exact_ones"] = {"exact"}
    best(play, 1, "com.q", "prefix")
    best(play, 2, "org.q.p", "wildcard")
    best(play, 3, "com.p", "exact")


@pytest.mark.spec("PRG-02", "PRG-05", "AMB-06")
@pytest.mark.parametrize("uri", ["com", "com.a", "com.ab.c"])
def test_a_prefix_need_not_end_with_a_component(play, uri):
    register(play.callee, 1, "com", "prefix", "prefix")
    register(play.callee, 2, "com.a", "prefix", "longer")
    play.names["exact_ones"] = set()
    best(play, 1, uri, "prefix" if uri == "com" else "longer")
