"""Retained events, by themselves."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from wampd.realms import retained
from wampd.realms.limits import Quota
from wampd.realms.messages import Format
from wampd.realms.publications import Audience, Publication
from wampd.realms.retained import VERSIONS, Retained, Retention, TopicIndex
from wampd.realms.uris import matches

TOPICS = st.lists(st.sampled_from(["", "a", "b", "ab"]), min_size=1, max_size=4).map(".".join)


class Shelf:
    """Retained events, and a clock."""

    def __init__(self, quota=Quota(), **rules):  # noqa: B008 - frozen
        self.now = 0.0
        self.retained = Retained(Retention(**rules), quota, lambda: self.now)
        self.last = 0

    def keep(self, topic="com.topic", args=(1,), excluded=None, rkey=None, **lists):
        self.last += 1
        audience = Audience(**{name: frozenset(names) for name, names in lists.items()}) if lists else None
        args = list(args) or None
        publication = Publication(self.last, topic, {}, args, None, Format.PLAIN, excluded, audience, rkey)
        return self.retained.keep(publication)

    def replay(self, uri="com.topic", match="exact", admits=lambda _: True):
        return [publication.id for publication in self.retained.replay(uri, match, admits).events]

    def kept(self, topic="com.topic"):
        return [publication.id for publication in self.retained._topics.get(topic, [])]


@given(st.sets(TOPICS), st.sets(TOPICS), TOPICS, st.sampled_from(["prefix", "wildcard"]))
def test_the_index_of_topics_finds_what_matches(topics, removed, uri, match):
    index = TopicIndex()
    for topic in topics | removed:
        index.add(topic)
        index.add(topic)
    for topic in removed:
        index.remove(topic)
    assert index.matching(uri, match, 100) == sorted(it for it in topics - removed if matches(uri, match, it))
    for topic in topics - removed:
        index.remove(topic)
    assert (index._sorted, index._by_component) == ([], {})


def test_topics_of_very_many_components_are_found_too():
    index = TopicIndex()
    long = ".".join("abcdefghijklmnopqrstuvwxyz")
    for topic in (long, long.replace("z", "y")):
        index.add(topic)
    assert index.matching(long.replace("c", ""), "wildcard", 100) == [long]


@pytest.mark.spec("RET-06")
def test_a_pattern_does_not_look_at_all_topics():
    index = TopicIndex()
    for number in range(100_000):
        index.add(f"com.{number % 100}.sensor{number}.value")
    index.add("com.7.rare.value")
    begin = time.process_time()
    for _ in range(100):
        assert index.matching("com.7.rare", "prefix", 100) == ["com.7.rare.value"]
        assert index.matching("...value.x", "wildcard", 100) == []
        assert index.matching("com..rare.value", "wildcard", 100) == ["com.7.rare.value"]
    assert time.process_time() - begin < 1  # looking at all of them would take some ten seconds


@pytest.mark.spec("RET-04")
def test_what_nobody_can_get_any_more_is_not_kept():
    shelf = Shelf()
    shelf.keep()
    shelf.keep(eligible={7})
    shelf.keep(eligible={7})
    assert shelf.kept() == [3, 1]
    shelf.keep(excluded=5)
    assert shelf.kept() == [4, 3, 1]  # who is excluded looks further
    shelf.keep(excluded=5)
    assert shelf.kept() == [5, 3, 1]
    shelf.keep(excluded=6)
    assert shelf.kept() == [6, 5]
    shelf.keep(rkey="r")
    assert shelf.kept() == [7, 6, 5]
    shelf.keep()
    assert shelf.kept() == [8]
    assert len(shelf.retained) == 1


@pytest.mark.spec("RET-04", "RET-10")
def test_the_versions_of_a_topic_are_bounded_and_what_everybody_may_see_stays():
    shelf = Shelf()
    shelf.keep()
    for session in range(100):
        shelf.keep(eligible={session})
    assert len(shelf.kept()) == VERSIONS
    assert shelf.kept()[-1] == 1
    assert shelf.replay(admits=lambda it: it.audience is None) == [1]


@pytest.mark.spec("RET-10")
def test_number_and_size_are_bounded_and_what_goes_gives_its_room_back():
    shelf = Shelf(Quota(retained=2, retained_size=10_000))
    assert shelf.keep("a") is shelf.keep("b") is None
    assert shelf.keep("c") == "no more than 2 retained events (limit: retained)"
    assert shelf.keep("a") is None
    assert shelf.keep("a", ["x" * 10_000]) == "no more than 10000 bytes of retained events (limit: retained_size)"
    assert shelf.replay("a") == [4]
    for _ in range(10):
        assert shelf.keep("a", ["x" * 6_000]) is None
    assert len(shelf.retained) == 2


@pytest.mark.spec("RET-10")
def test_what_is_old_goes_by_itself():
    shelf = Shelf(age=10.0)
    shelf.keep("a")
    shelf.now = 5.0
    shelf.keep("b")
    shelf.now = 9.9
    assert len(shelf.retained) == 2
    shelf.now = 10.0
    assert (len(shelf.retained), shelf.replay("a"), shelf.replay("b")) == (1, [], [2])
    shelf.now = 15.0
    assert len(shelf.retained) == 0
    assert (shelf.retained._topics, shelf.retained._size, len(shelf.retained._index)) == ({}, 0, 0)


@pytest.mark.spec("RET-08")
def test_an_empty_publication_for_all_clears_the_topic_where_the_realm_says_so():
    shelf = Shelf(empty_clears=True)
    shelf.keep()
    shelf.keep(eligible={7})
    shelf.keep(args=(), eligible={8})  # hides what was there from the one who may see it
    assert shelf.kept() == [3, 2, 1]
    shelf.keep(args=(), excluded=9)
    assert shelf.kept() == []
    assert (len(shelf.retained), shelf.retained._size) == (0, 0)


@pytest.mark.spec("RET-06")
def test_of_more_than_one_subscriber_gets_at_once_it_is_the_newest(monkeypatch):
    monkeypatch.setattr(retained, "REPLAY", 3)
    shelf = Shelf()
    for number in (3, 1, 4, 5, 2):
        shelf.keep(f"t.{number}")
    assert shelf.replay("t.", "prefix") == [5, 3, 4]  # sorted by topic: t.2, t.4, t.5
    monkeypatch.setattr(retained, "REPLAY", 100)
    monkeypatch.setattr(retained, "REPLAY_SIZE", 600)
    assert len(shelf.replay("t.", "prefix")) == 2
    monkeypatch.setattr(retained, "REPLAY_SIZE", 1)
    assert shelf.replay("t.", "prefix") == [5]


@pytest.mark.spec("RET-10")
def test_what_is_old_is_not_told_though_it_is_cleared_away_bit_by_bit(monkeypatch):
    monkeypatch.setattr(retained, "SLICE", 3)
    shelf = Shelf(age=10.0)
    for number in range(10):
        shelf.keep(f"t.{number}")
    shelf.now = 5.0
    shelf.keep("t.young")
    shelf.now = 10.0
    assert shelf.replay("t.", "prefix") == [11]
    assert shelf.replay("t.9") == []
    assert len(shelf.retained._all) == 5  # twice three are gone
    shelf.now = 15.0
    assert shelf.replay("t.young") == []
    assert len(shelf.retained) == 0
    assert shelf.retained._all == {}


@pytest.mark.spec("RET-04", "RET-10")
def test_who_may_not_see_the_newest_gets_none_that_is_too_old(monkeypatch):
    monkeypatch.setattr(retained, "SLICE", 0)
    shelf = Shelf(age=10.0)
    shelf.keep()
    shelf.now = 5.0
    shelf.keep(eligible={7})
    everybody = {"admits": lambda it: it.audience is None}
    assert shelf.replay(**everybody) == [1]
    shelf.now = 10.0
    assert shelf.replay(**everybody) == []


@pytest.mark.spec("RET-06")
def test_of_a_pattern_that_matches_very_many_topics_the_newest_are_looked_at(monkeypatch):
    monkeypatch.setattr(retained, "LOOK", 6)
    shelf = Shelf(age=10.0)
    for number in (3, 9, 1, 7, 4, 5, 8):
        shelf.keep(f"t.{number}.x")
    shelf.keep("other")
    shelf.keep("t.5.x", eligible={7})
    for uri, match in (("t.", "prefix"), ("t..x", "wildcard")):
        # Looked at are 9, 8, 7, 6, 5, 4: that for some of t.5, other, t.8, t.5, t.4, t.7.
        assert shelf.replay(uri, match, lambda it: it.audience is None) == [5, 6, 4, 7]
        assert shelf.replay(uri, match) == [5, 9, 4, 7]
    monkeypatch.setattr(retained, "SLICE", 0)
    shelf.now = 10.0
    assert shelf.replay("t.", "prefix") == []


@pytest.mark.spec("RET-05", "SHS-01")
def test_what_is_looked_at_is_bounded_and_told_and_resources_cost_their_nodes(monkeypatch):
    monkeypatch.setattr(retained, "LOOK", 10)
    shelf = Shelf()
    for number in range(5):
        for session in (1, 2):
            shelf.keep(f"t.{number}", eligible={session})
    asked = []

    def admits(publication):
        asked.append(publication.id)
        return False

    replay = shelf.retained.replay("t.", "prefix", admits)
    assert (replay.events, replay.looked) == ([], 10)
    assert len(asked) == 10
    shelf.keep("of.resource", rkey="r")
    assert shelf.retained.replay("of.resource", "exact", admits, nodes=50).looked == 51
    shelf.keep("t.5", rkey="r")
    for number in range(6, 9):
        shelf.keep(f"t.{number}")
    asked.clear()
    assert shelf.retained.replay("t.", "prefix", admits, nodes=50).looked == 61
    assert 16 not in asked  # the last of them


@pytest.mark.spec("RET-10")
def test_very_much_that_gets_old_at_once_keeps_nobody_waiting():
    shelf = Shelf(Quota(retained=30_000, retained_size=2**30), age=10.0)
    for number in range(30_000):
        shelf.keep(f"com.t{number}.x")
    shelf.now = 10.0
    begin = time.process_time()
    assert shelf.keep("com.new") is None
    assert time.process_time() - begin < 0.25  # clearing all away at once would take some 400 ms


def test_what_is_retained_holds_on_to_nothing_else_of_its_message():
    shelf = Shelf()
    args = msgspec.json.decode(b'["much more", [1]]', type=tuple[Raw, Raw])[1]  # a view of all of it
    shelf.retained.keep(Publication(1, "com.topic", {}, args, None, Format.JSON))
    (kept,) = shelf.retained._topics["com.topic"]
    assert kept.args is not args
    assert bytes(kept.args) == b"[1]"


@pytest.mark.spec("RET-04", "SHS-01")
def test_events_of_several_resources_of_a_topic_are_kept_beside_each_other():
    shelf = Shelf()
    for rkey in ("r1", "r2", "r1"):
        shelf.keep(rkey=rkey)
    assert shelf.kept() == [3, 2]
    assert shelf.replay(admits=lambda it: it.rkey == "r2") == [2]


def test_resources_cost_their_nodes_where_a_pattern_matches_very_many_topics_too(monkeypatch):
    monkeypatch.setattr(retained, "LOOK", 10)
    shelf = Shelf()
    for number in range(20):
        shelf.keep(f"t.{number}", rkey="r")
    replay = shelf.retained.replay("t.", "prefix", lambda _: True, nodes=4)
    assert ([it.id for it in replay.events], replay.looked) == ([19, 20], 15)
