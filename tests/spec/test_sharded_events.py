"""Sharded subscriptions (advanced profile, "Sharded Subscription"; how they are divided is our choice)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.spec.scenes import ACKNOWLEDGE, published, told_by
from tests.support.play import ALL, ANY, BASIC, nothing, violation
from wampd.realms.messages import EVENT, PUBLISH, PUBLISHED, SUBSCRIBE, SUBSCRIBED
from wampd.realms.sharding import rendezvous

NODES = {"alice": "n1", "bob": "n2", "carol": "n3"}


def sharded(play, roles=ALL, topic="com.topic", **options):
    """Three subscribers with a node key each, and one without."""
    for name, nkey in NODES.items():
        actor = play.session(name, roles=roles)
        actor > [SUBSCRIBE, 1, {"nkey": nkey, **options}, topic]
        actor < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.session("dave", roles=roles)
    play.dave > [SUBSCRIBE, 1, options, topic]
    play.dave < [SUBSCRIBED, 1, play.sub]
    return play


def owner(rkey, nodes=NODES):
    return next(name for name, nkey in nodes.items() if nkey == rendezvous(rkey, nodes.values()))


@pytest.mark.spec("SHS-01", "FEA-02", "AMB-20")
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["announced", "not announced"])
def test_events_of_one_resource_always_go_to_the_same_node(play, roles):
    sharded(play, roles)
    for number in range(1, 13):
        rkey = f"resource {number % 4}"
        published(play.publisher, "com.topic", [number], request=number, rkey=rkey)
        getattr(play, owner(rkey)) < [EVENT, play.sub, int, {}, [number]]
        play.dave < [EVENT, play.sub, int, {}, [number]]
    for name in NODES:
        getattr(play, name) < nothing


@pytest.mark.spec("SHS-01")
def test_an_event_without_a_resource_key_goes_to_every_node(play):
    sharded(play)
    play.publisher > [PUBLISH, 1, {}, "com.topic", [1]]
    for name in (*NODES, "dave"):
        getattr(play, name) < [EVENT, play.sub, int, {}, [1]]


@pytest.mark.spec("SHS-01")
def test_resources_are_spread_evenly_and_few_move_when_a_node_goes(memory_play):
    play = sharded(memory_play)
    heard = Counter()
    for number in range(1, 1001):
        play.publisher > [PUBLISH, number, {"rkey": f"r{number}"}, "com.topic"]
    play.publisher < nothing
    for name in NODES:
        actor = getattr(play, name)
        heard[name] = len([actor.hear() for _ in actor.wire.waiting()])
        assert heard[name] == sum(owner(f"r{number}") == name for number in range(1, 1001))
    assert sum(heard.values()) == 1000
    assert min(heard.values()) > 250
    for _ in range(1000):
        play.dave.hear()
    # Without carol her resources are divided, and those of the others stay.
    play.carol.drop()
    two = {"alice": "n1", "bob": "n2"}
    moved = [n for n in range(1, 1001) if owner(f"r{n}", two) != owner(f"r{n}")]
    assert len(moved) == heard["carol"]
    play.publisher > [PUBLISH, 1001, {"rkey": f"r{moved[0]}", **ACKNOWLEDGE}, "com.topic", ["moved"]]
    play.publisher < [PUBLISHED, 1001, int]
    getattr(play, owner(f"r{moved[0]}", two)) < [EVENT, play.sub, int, {}, ["moved"]]
    play.dave < [EVENT, play.sub, int, {}, ["moved"]]


@pytest.mark.spec("SHS-01")
def test_sessions_with_the_same_node_key_are_one_node(play):
    sharded(play)
    play.session("double")
    rkey = "anything"
    name = owner(rkey)
    play.double > [SUBSCRIBE, 1, {"nkey": NODES[name]}, "com.topic"]
    play.double < [SUBSCRIBED, 1, play.sub]
    play.publisher > [PUBLISH, 1, {"rkey": rkey}, "com.topic", [1]]
    for each in (name, "double", "dave"):
        getattr(play, each) < [EVENT, play.sub, int, {}, [1]]


@pytest.mark.spec("SHS-01", "PS-02")
def test_subscribing_again_with_another_node_key_or_none_counts(play):
    sharded(play)
    rkey = "r"
    name = owner(rkey)
    actor = getattr(play, name)
    other = next(each for each in NODES if each != name)
    loser = getattr(play, other)
    loser > [SUBSCRIBE, 2, {}, "com.topic"]
    loser < [SUBSCRIBED, 2, play.sub]
    play.publisher > [PUBLISH, 1, {"rkey": rkey}, "com.topic", [1]]
    for each in (actor, loser, play.dave):
        each < [EVENT, play.sub, int, {}, [1]]
    loser > [SUBSCRIBE, 3, {"nkey": NODES[other]}, "com.topic"]
    loser < [SUBSCRIBED, 3, play.sub]
    play.publisher > [PUBLISH, 2, {"rkey": rkey}, "com.topic", [2]]
    for each in (actor, play.dave):
        each < [EVENT, play.sub, int, {}, [2]]
    loser < nothing


@pytest.mark.spec("SHS-01", "EXC-01", "BWL-06")
def test_who_a_resource_belongs_to_does_not_depend_on_who_may_get_the_event(play):
    sharded(play)
    name = owner("r")
    getattr(play, name) > [PUBLISH, 2, {"rkey": "r"}, "com.topic", ["of my own"]]
    play.dave < [EVENT, play.sub, int, {}, ["of my own"]]
    play.publisher > [PUBLISH, 1, {"rkey": "r", "exclude": [getattr(play, name).id]}, "com.topic", [1]]
    play.dave < [EVENT, play.sub, int, {}, [1]]
    for each in NODES:
        getattr(play, each) < nothing


@pytest.mark.spec("SHS-01", "PSUB-02")
def test_pattern_subscriptions_are_sharded_too(play):
    sharded(play, topic="com.", match="prefix")
    play.publisher > [PUBLISH, 1, {"rkey": "r"}, "com.topic", [1]]
    for name in (owner("r"), "dave"):
        getattr(play, name) < [EVENT, play.sub, int, {"topic": "com.topic"}, [1]]


@pytest.mark.spec("SHS-01", "RET-05")
def test_a_retained_event_of_a_resource_goes_to_its_node_alone(memory_play):
    play = memory_play
    published(play.publisher, "com.topic", [1], retain=True, rkey="r")
    sharded(play)
    for name, nkey in NODES.items():
        actor = getattr(play, name)
        actor > [SUBSCRIBE, 2, {"nkey": nkey, "get_retained": True}, "com.topic"]
        actor < [SUBSCRIBED, 2, play.sub]
        if name == owner("r"):
            actor < [EVENT, play.sub, int, {"retained": True}, [1]]
        actor < nothing


@pytest.mark.spec("SHS-01", "MSG-07")
@pytest.mark.parametrize("key", [7, ["n1"], {}, True], ids=str)
def test_keys_that_are_no_strings_are_a_violation(play, key):
    play.alice > [SUBSCRIBE, 1, {"nkey": key}, "com.topic"]
    play.alice < violation("nkey")
    play.bob > [PUBLISH, 1, {"rkey": key}, "com.topic"]
    play.bob < violation("rkey")


@pytest.mark.trap(16)
@pytest.mark.spec("SHS-01", "MSG-07")
def test_keys_are_no_longer_than_uris(play):
    play.alice > [SUBSCRIBE, 1, {"nkey": "ä" * 512}, "com.topic"]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    published(play.publisher, "com.topic", [1], rkey="ö" * 512)
    play.alice < [EVENT, play.sub, int, {}, [1]]
    play.alice > [SUBSCRIBE, 2, {"nkey": "x" * 513}, "com.topic"]
    play.alice < violation("nkey")
    play.publisher > [PUBLISH, 2, {"rkey": "x" * 513}, "com.topic"]
    play.publisher < violation("rkey")


@pytest.mark.spec("AMB-20", "FEA-01")
def test_both_spellings_of_the_feature_are_announced(play):
    features = play.alice.details["roles"]["broker"]["features"]
    assert features["sharded_subscriptions"] is features["shareded_subscriptions"] is True


@pytest.mark.spec("SHS-01", "TST-07")
def test_a_testament_about_a_resource_of_the_node_that_ends_goes_to_the_next_node(play):
    sharded(play)
    name = owner("r")
    heir = owner("r", {each: nkey for each, nkey in NODES.items() if each != name})
    add = "wamp.session.add_testament"
    told_by(getattr(play, name), add, "com.topic", ["mine"], {}, request=2, publish_options={"rkey": "r"})
    getattr(play, name).drop()
    for each in (heir, "dave"):
        getattr(play, each) < [EVENT, play.sub, int, {}, ["mine"]]
