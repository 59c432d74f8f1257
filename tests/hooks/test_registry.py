"""Registrations and dead letters: who has which, when they end, and how many there may be."""

import math

import pytest
from msgspec import structs

from wampd.router.hooks.ledger import DeadLetter, Ledger
from wampd.router.hooks.registry import Bounds, Hook, Registry, TooMany, is_key


def hook(hook_id="h1", key="orders", url="https://www.example.com/", owner="joe", expires=100.0):
    return Hook(hook_id, key, url, "www.example.com:443", b"hunter2", owner, {}, 0.0, expires)


def test_registrations_are_found_by_id_key_and_place():
    registry = Registry(Bounds())
    one, two = hook("h1"), hook("h2", key="news")
    registry.put(one)
    registry.put(two)
    assert (registry.get("h1"), registry.under("news"), len(registry)) == (one, [two], 2)
    assert registry.at("joe", "orders", one.url) is one
    assert registry.at("ann", "orders", one.url) is None
    assert registry.remove("h1") is one
    assert registry.remove("h1") is None
    assert (registry.under("orders"), registry.at("joe", "orders", one.url)) == ([], None)


def test_its_secret_is_not_shown():
    assert "hunter2" not in repr(hook())


def test_there_are_only_so_many():
    registry = Registry(Bounds(in_all=3, per_key=2, per_owner=2))
    registry.put(hook("h1", url="https://a.example/"))
    registry.put(hook("h2", url="https://b.example/"))
    with pytest.raises(TooMany, match="the key"):
        registry.check_room("ann", "orders")
    with pytest.raises(TooMany, match="the principal"):
        registry.check_room("joe", "news")
    registry.put(hook("h3", key="news", owner="ann"))
    with pytest.raises(TooMany, match="the realm"):
        registry.check_room("bob", "more")
    registry.remove("h1")
    registry.check_room("joe", "orders")


def test_their_time_is_up_unless_they_are_renewed():
    registry = Registry(Bounds())
    one, two = hook("h1", expires=10.0), hook("h2", url="https://b.example/", expires=10.0)
    registry.put(one)
    registry.put(two)
    registry.put(structs.replace(two, expires=20.0))
    assert registry.expired(9.9, 10) == []
    assert registry.next_end() == 10.0
    assert registry.expired(10.0, 10) == [one]
    assert registry.next_end() == 20.0
    registry.remove("h1")
    assert [each.id for each in registry.expired(30.0, 10)] == ["h2"]
    assert registry.next_end() == math.inf


def test_renewing_for_ever_costs_nothing():
    registry = Registry(Bounds())
    one = hook()
    for number in range(5_000):
        one = structs.replace(one, expires=float(number))
        registry.put(one)
    assert len(registry._ends) <= 1_002
    assert registry.expired(5_000.0, 10) == [one]


@pytest.mark.parametrize("key", ["a", "A-1_b", "a.b.c", "x" * 128])
def test_keys(key):
    assert is_key(key)


@pytest.mark.parametrize("key", ["", ".", "a.", ".a", "a..b", "a b", "a/b", "ä", "a\n", "a#", "x" * 129])
def test_what_is_no_key(key):
    assert not is_key(key)


def letter(event, hook_id="h1"):
    return DeadLetter(event, hook_id, 1, 3, "404", 0.0)


def test_events_are_kept_as_long_as_somebody_needs_them():
    ledger = Ledger(100, 10)
    ledger.keep("e1", 60, 2)
    assert ledger.has_room(40)
    assert not ledger.has_room(41)
    assert not ledger.let_go("e1")
    assert ledger.let_go("e1")
    assert (ledger.size, ledger.has_room(100)) == (0, True)


def test_the_oldest_dead_letters_make_room():
    ledger = Ledger(100, 2)
    assert ledger.bury(letter("e1")) == []
    assert ledger.bury(letter("e2", "h2")) == []
    assert [each.event for each in ledger.bury(letter("e3"))] == ["e1"]
    assert [each.event for each in ledger.dead_of(["h1", "h2", "h3"])] == ["e3", "e2"]
    assert ledger.raise_up("e3-h1") == letter("e3")
    assert ledger.raise_up("e3-h1") is None
    assert (ledger.dead("e3-h1"), ledger.dead("e2-h2"), ledger.count_dead()) == (None, letter("e2", "h2"), 1)
