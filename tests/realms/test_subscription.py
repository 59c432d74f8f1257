"""One subscription, and how its events are divided among nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.realms.house import House
from wampd.realms.messages import PUBLISH, SUBSCRIBE
from wampd.realms.sharding import rendezvous
from wampd.realms.subscription import Shards, Subscription

STEPS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["n1", "n2", "n3", None])), max_size=12)


@pytest.mark.spec("SHS-01")
@given(STEPS, st.lists(st.text(max_size=3), max_size=5))
def test_who_gets_a_resource_is_what_the_definition_says(steps, rkeys):
    house = House()
    sessions = [house.join().session for _ in range(4)]
    subscription = Subscription(1, "com.topic", "exact")
    subscription.subscribers.update(dict.fromkeys(sessions))
    nkeys = dict.fromkeys(sessions)
    for who, nkey in steps:
        subscription.place(sessions[who], nkey)
        nkeys[sessions[who]] = nkey
        for rkey in rkeys:
            nodes = {key for key in nkeys.values() if key is not None}
            expected = [it for it in sessions if nkeys[it] is None or nkeys[it] == rendezvous(rkey, nodes)]
            found = list(subscription.of_shard(rkey))
            assert len(found) == len(expected)
            assert set(found) == set(expected)
            assert [it for it in sessions if subscription.is_of_shard(it, rkey)] == expected
    for session in sessions:
        subscription.displace(session)
    assert subscription.shards is None


def test_what_is_remembered_of_resources_is_bounded(monkeypatch):
    monkeypatch.setattr(Shards, "REMEMBERED", 10)
    shards = Shards()
    shards.place(House().join().session, "n1")
    for number in range(100):
        assert shards.winner(f"r{number}") == "n1"
    assert len(shards._winners) <= 10


def test_a_node_that_leaves_the_realm_has_no_share_any_more():
    house = House()
    members = [house.join() for _ in range(2)]
    for number, member in enumerate(members):
        member.say([SUBSCRIBE, 1, {"nkey": f"n{number}"}, "com.topic"])
        member.heard()
    members[0].leave()
    for number in range(1, 20):
        house.join().say([PUBLISH, 1, {"rkey": f"r{number}"}, "com.topic"])
    assert len(members[1].heard()) == 19
    members[1].leave()
    for member in house.members:
        member.leave()
    assert house.is_empty()


@pytest.mark.spec("SHS-01", "TST-07")
def test_a_node_that_has_left_owns_nothing_though_it_is_still_to_be_taken_off():
    house = House()
    members = {nkey: house.join() for nkey in ("n1", "n2")}
    for nkey, member in members.items():
        member.say([SUBSCRIBE, 1, {"nkey": nkey}, "com.topic"])
    rkey = next(f"r{number}" for number in range(100) if rendezvous(f"r{number}", members) == "n1")
    gone, left = members["n1"], members["n2"]
    publisher = house.join()
    publisher.say([PUBLISH, 1, {"rkey": rkey, "retain": True}, "com.topic", ["before"]])
    left.heard()
    house.realm._retire(gone.session)  # as if very many had left before
    left.say([SUBSCRIBE, 2, {"nkey": "n2", "get_retained": True}, "com.topic"])
    assert [message[-1] for message in left.heard()][1:] == [["before"]]
    publisher.say([PUBLISH, 2, {"rkey": rkey}, "com.topic", ["after"]])
    assert [event[-1] for event in left.heard()] == [["after"]]
    assert not house.realm.struck


@pytest.mark.spec("SHS-01")
def test_a_node_that_has_left_gets_no_event_and_the_others_its_share():
    house = House()
    members = {nkey: house.join() for nkey in ("n1", "n2")}
    for nkey, member in members.items():
        member.say([SUBSCRIBE, 1, {"nkey": nkey}, "com.topic"])
    members["n2"].heard()
    house.realm._retire(members["n1"].session)
    publisher = house.join()
    publisher.say(*[[PUBLISH, n, {"rkey": f"r{n}"}, "com.topic", [n]] for n in range(1, 21)])
    assert [event[-1] for event in members["n2"].heard()] == [[n] for n in range(1, 21)]
    assert not house.realm.struck


@pytest.mark.spec("SHS-01")
def test_of_very_many_nodes_only_the_one_that_a_resource_belongs_to_is_looked_at():
    class Crowd(dict):
        def __iter__(self):
            raise AssertionError("everybody was looked at")

    house = House()
    subscription = Subscription(1, "com.topic", "exact")
    subscription.subscribers = Crowd()
    for number in range(20):
        session = house.join().session
        subscription.subscribers[session] = None
        subscription.place(session, f"n{number}")
    (owner,) = subscription.of_shard("r")
    assert subscription.is_of_shard(owner, "r")
