"""What is kept per URI, authid or address is bounded, whatever clients send (limits and trust, trap 16)."""

from __future__ import annotations

import gc
import random
import time
import tracemalloc
import weakref

import pytest

from tests.attack.inside import ALL, EVERY_ROLE, Core, House, frame, websocket_request
from wampd.auth.roles import Role, Rule
from wampd.realms.grants import Grants
from wampd.realms.limits import Limits
from wampd.realms.messages import Call, Publish, Register, Subscribe, Unsubscribe
from wampd.realms.options import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions
from wampd.realms.uris import UriMap
from wampd.router.line import Patience
from wampd.router.reception import Lobby, Reception
from wampd.router.shells import RealmShell

pytestmark = pytest.mark.trap(16)

WILDCARD = SubscribeOptions(match="wildcard")


def test_texts_that_are_no_uris_are_not_kept_with_the_decisions() -> None:
    core = Core()
    client = core.join()
    tracemalloc.start()
    try:
        for number in range(200):
            core.realm.handle(client, Publish(2 * number + 1, PublishOptions(), f"{number} " + "x" * 100_000))
            core.realm.handle(client, Call(2 * number + 2, CallOptions(), f"{number} " + "x" * 100_000))
            core.taken(client)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 1_000_000
    assert not core.grants.publications
    assert not core.grants.calls


def test_decisions_about_many_uris_are_forgotten_again() -> None:
    core = Core()
    client = core.join()
    for number in range(20_000):
        core.realm.handle(client, Publish(2 * number + 1, PublishOptions(), f"com.example.{number}"))
        core.realm.handle(client, Call(2 * number + 2, CallOptions(), f"com.example.{number}"))
    assert len(core.grants.publications) <= Grants.REMEMBERED
    assert len(core.grants.calls) <= Grants.REMEMBERED


def test_a_denied_uri_is_remembered_within_the_same_bound() -> None:
    grants = Grants(Role("nobody"))
    for number in range(10_000):
        assert grants.call(f"com.example.{number}").refusal == "wamp.error.not_authorized"
    assert len(grants.calls) <= Grants.REMEMBERED


def test_matches_of_many_uris_are_forgotten_again() -> None:
    kept: UriMap[int] = UriMap()
    kept.add("com.", "prefix", 1)
    for number in range(20_000):
        assert kept.matching(f"com.example.{number}") == (1,)
    assert len(kept._memo) <= UriMap.MEMO


def test_many_matches_of_many_uris_do_not_multiply_in_memory() -> None:
    kept: UriMap[int] = UriMap()
    for number in range(1, 400):
        kept.add("x" * number, "prefix", number)
    for number in range(2_000):
        assert len(kept.matching("x" * 400 + str(number))) == 399
    assert sum(map(len, kept._memo.values())) <= UriMap.MEMO_VALUES + 399


def test_100_000_topics_come_and_go_without_a_trace() -> None:
    core = Core()
    client = core.join()
    for number in range(1, 100_001):
        core.realm.handle(client, Subscribe(number, SubscribeOptions(), f"com.example.{number}"))
        ((_, _, subscription),) = core.taken(client)
        core.realm.handle(client, Unsubscribe(number, subscription))
        core.taken(client)
    assert not core.realm.broker.subscriptions
    assert not client.subscriptions


def test_many_sessions_come_and_go_without_a_trace() -> None:
    core = Core()
    for number in range(1, 10_001):
        client = core.join()
        core.realm.handle(client, Subscribe(1, SubscribeOptions(), f"com.example.{number}"))
        core.realm.handle(client, Register(2, RegisterOptions(), f"com.example.{number}"))
        core.realm.leave(client)
        core.taken(client)
    core.touched.clear()
    assert not core.realm.sessions
    assert not core.realm.has_leavers
    assert not core.realm.broker.subscriptions
    assert not core.realm.dealer.registrations


def test_addresses_are_counted_only_while_somebody_is_connected_from_there() -> None:
    house = House()
    for number in range(2_000):
        wire = house.connect(f"10.0.{number // 250}.{number % 250}")
        if number % 2:
            wire.join()
        else:
            wire.send(b"\x7f\x00")
        wire.transport.lose()
    assert house.lobby.open == 0
    assert not house.lobby.connections
    assert not house.realm.sessions
    assert not house.reception._by_address


def test_an_address_refused_leaves_no_count() -> None:
    house = House()
    reception = Reception(Lobby(10, house.clock.seconds), house.realms, house.codecs, Patience(), most_per_address=1)
    assert reception.admit("192.0.2.1")
    assert not reception.admit("192.0.2.1")
    reception.release("192.0.2.1")
    assert not reception._by_address


def test_a_session_does_not_keep_all_that_its_hello_said() -> None:
    house = House()
    wire = house.connect()
    wire.send(b"\x7f\xf1\x00\x00")
    features = {f"feature_{number}": {} for number in range(20_000)}
    tracemalloc.start()
    try:
        wire.say([1, "realm1", {"roles": {**EVERY_ROLE, "caller": {"features": features}}, "authextra": features}])
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    (session,) = house.realm.sessions.values()
    assert session.roles.callee is not None
    assert session.roles.callee.has("call_canceling")
    assert size < 200_000


# --- work, not memory ---


def test_patterns_with_ever_other_wildcards_cost_no_more_the_more_there_are() -> None:
    chance = random.Random(1)
    core = Core(limits=Limits(subscriptions=100_000))
    client = core.join()
    patterns = {"." * 60} | {".".join(chance.choice(("a", "")) for _ in range(60)) for _ in range(5_000)}
    started = time.process_time()
    for number, pattern in enumerate(patterns, 1):
        core.realm.handle(client, Subscribe(number, WILDCARD, pattern))
        core.taken(client)
    subscribed = time.process_time()
    assert len(core.realm.broker.subscriptions.wildcard) == len(patterns)
    core.realm.leave(client)
    while core.realm.has_leavers:
        core.realm.tidy()
    left = time.process_time()
    assert subscribed - started < 2.0
    assert left - subscribed < 2.0
    assert not core.realm.broker.subscriptions.wildcard


def test_a_session_with_100_000_subscriptions_leaves_in_slices() -> None:
    core = Core(limits=Limits(subscriptions=200_000, registrations=200_000))
    client, other = core.join(), core.join()
    for number in range(1, 100_001):
        match = ("exact", "prefix", "wildcard")[number % 3]
        uri = f"com.{number}." if match == "wildcard" else f"com.{number}.x"
        core.realm.handle(client, Subscribe(number, SubscribeOptions(match=match), uri))
        core.taken(client)
    core.realm.handle(other, Subscribe(1, SubscribeOptions(), "com.3.x"))
    core.taken(other)
    slices = []
    step = core.realm.leave
    while True:
        started = time.process_time()
        step(client) if step == core.realm.leave else core.realm.tidy()
        slices.append(time.process_time() - started)
        if not core.realm.has_leavers:
            break
        step = None  # type: ignore[assignment]
        core.realm.handle(other, Publish(2, PublishOptions(), "com.3.x"))  # others are served in between
    assert len(slices) >= 50
    assert sorted(slices)[-3] < 0.05  # the machine may be busy once or twice
    assert len(core.realm.broker.subscriptions) == 1
    assert not core.taken(client)


def test_a_shell_tidies_after_a_session_turn_by_turn() -> None:
    house = House(limits=Limits(subscriptions=20_000))
    wire = house.connect()
    wire.join()
    wire.send(b"".join(frame(b'[32,%d,{},"com.%d"]' % (number, number)) for number in range(1, 10_001)))
    while house.realms.turns._resting:
        house.clock.advance(0)
    assert len(house.realm.broker.subscriptions) == 10_000
    wire.transport.lose()
    assert 0 < len(house.realm.broker.subscriptions) < 10_000
    for _ in range(10):
        house.clock.advance(0)
    assert not house.realm.broker.subscriptions
    assert isinstance(house.realms["realm1"], RealmShell)


def test_rules_are_checked_at_once_however_many_there_are() -> None:
    role = Role("many", [Rule(f"com.{number}.", "prefix", ALL) for number in range(2_000)])
    started = time.process_time()
    for number in range(200):
        assert role.decide("subscribe", f"com.{number}.x.", "prefix").refusal is None
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    "begin", [b"", b"\x7f\xf1\0\0", websocket_request(), b"\x7f\xf9\0\0", b"GET / HTTP/1.1\r\n\r\n"]
)
def test_what_served_a_connection_is_gone_with_it_not_when_the_collector_comes(begin: bytes) -> None:
    house = House()
    house.connect().join()
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            wire = house.connect()
            if begin:
                wire.send(begin)
            if begin[:2] == b"\x7f\xf1":
                wire.say([1, "realm1", {"roles": EVERY_ROLE}], [32, 1, {}, "com.a"], [64, 2, {}, "com.a"])
            protocol = wire.transport.protocol
            wire.transport.lose()
            house.realms.end_of_turn()
            # Twisted's own transport forgets its protocol and producer by itself.
            wire.transport.protocol = wire.transport.producer = None
            left = [weakref.ref(protocol), weakref.ref(wire.transport)]
            del protocol, wire
            assert [each() for each in left] == [None, None]
    finally:
        gc.enable()
