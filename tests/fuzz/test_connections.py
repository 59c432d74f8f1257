"""Arbitrary bytes to a whole router in memory: every connection is answered or ended, and never by a bug of ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attack.inside import EVERY_ROLE, House, frame, masked, unframe, websocket_request
from tests.fuzz.connections import ENCODERS, NUMBERS, SEEDS, TARGETS, Beside, no_bugs
from wampd.router.transports.upgrade import Deflate

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

uris = st.sampled_from(("com.a", "com.b", "com.", "com..b", "wamp.x", "a b", "", "realm1"))
ids = st.one_of(st.integers(1, 4), st.sampled_from((0, -1, 2**53, 2**53 + 1, 1.0, 1.5, "1", None, True)))
options = st.one_of(
    st.just({}),
    st.dictionaries(
        st.sampled_from(
            ("acknowledge", "exclude_me", "match", "exclude", "eligible_authid", "disclose_me", "mode", "progress", "x")
        ),
        st.sampled_from((True, False, "prefix", "wildcard", "kill", [], [1], ["guest"], 1, None, {})),
        max_size=3,
    ),
    st.sampled_from((None, [], 1, {"roles": EVERY_ROLE}, {"roles": {}})),
)
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(),
        st.text(max_size=4),
        st.binary(max_size=4),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)
codes = st.sampled_from(
    (1, 2, 3, 4, 5, 6, 8, 16, 17, 32, 33, 34, 35, 36, 48, 49, 50, 64, 65, 66, 67, 68, 69, 70, 0, -1, 99)
)
plausible = st.one_of(
    st.tuples(st.sampled_from((16, 32, 48, 64)), ids, options, uris, st.lists(values, max_size=2)),
    st.tuples(st.sampled_from((16, 48)), ids, options, uris, st.lists(values, max_size=2), st.just({})),
    st.tuples(st.sampled_from((34, 66)), ids, ids),
    st.tuples(st.sampled_from((49, 70)), ids, options),
    st.tuples(st.just(8), st.just(68), ids, options, uris),
    st.tuples(st.just(6), options, uris),
    st.tuples(st.just(1), uris, options),
    st.tuples(codes, st.one_of(values, options), st.one_of(values, options)),
    st.lists(values, max_size=6),
)
mutations = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=3)


def mutated(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    """Some bytes changed, taken out, or cut off."""
    result = bytearray(data)
    for position, value in changes:
        if result:
            place = position % len(result)
            if value % 7 == 0:
                del result[place]
            elif value % 11 == 0:
                del result[place:]
            else:
                result[place] = value
    return bytes(result)


def encoded(codec: str, message: Any) -> bytes:
    try:
        return bytes(ENCODERS[codec](message))
    except (TypeError, ValueError, OverflowError):
        return b"\xff"


@pytest.mark.spec("SEC-06")
@SLOW
@given(st.lists(st.binary(max_size=64), max_size=6), st.sampled_from((b"", b"\x7f\xf1\0\0", b"GET /ws HTTP/1.1\r\n")))
def test_random_bytes(chunks: list[bytes], begin: bytes) -> None:
    house = House()
    beside = Beside(house)
    wire = house.connect()
    with no_bugs():
        for chunk in (begin, *chunks):
            if chunk:
                wire.send(chunk)
        house.clock.advance(6)
        house.clock.advance(6)
        beside.wire.send(b"\x01\0\0\0")
        beside.check()
        beside.let_go(wire)


HEADERS = (
    b"Origin: http://localhost", b"Origin: http://[", b"Origin: \xff", b"Origin: null", b"Host: a\x0bb", b"X: a\x85b",
    b"X\x1c: y", b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Upgrade: h2c", b"Sec-WebSocket-Version: 8",
    b"Sec-WebSocket-Key: \xff", b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99",
    b"Sec-WebSocket-Protocol: \x00", b"Sec-WebSocket-Protocol: wamp.2.json, wamp.2.cbor", b" folded", b": empty", b"nocolon",
)  # fmt: skip
PATHS = ("/ws", "/echo", "/", "//", "/%2e%2e", "http://x/ws", "*", "/ws?a=b", "/\xff", "/" + "x" * 300)


@pytest.mark.spec("SEC-06")
@SLOW
@given(
    st.sampled_from(PATHS),
    st.lists(st.sampled_from(HEADERS), max_size=3),
    mutations,
    st.integers(0, 400),
    st.booleans(),
)
def test_requests(path: str, headers: list[bytes], changes: list[tuple[int, int]], cut: int, mutate: bool) -> None:
    house = House(deflate=Deflate())
    beside = Beside(house)
    wire = house.connect()
    request = websocket_request("/ws").replace(b"/ws", path.encode("latin-1"), 1)
    request = request[:-2] + b"".join(header + b"\r\n" for header in headers) + b"\r\n"
    if mutate:
        request = mutated(request, changes)
    with no_bugs():
        answer = wire.send(request[:cut] or b"G")
        answer += wire.send(request[cut:] or b"\r\n\r\n")
        assert not answer or answer.startswith((b"HTTP/1.1 ", b"\x7f"))
        house.clock.advance(6)
        beside.wire.send(b"\x01\0\0\0")
        beside.check()
        beside.let_go(wire)


@pytest.mark.spec("SEC-06")
@SLOW
@given(
    st.sampled_from(list(ENCODERS)), st.booleans(), st.lists(st.tuples(plausible, mutations, st.booleans()), max_size=8)
)
def test_a_session_that_talks_nonsense(codec: str, websocket: bool, said: list[Any]) -> None:
    house = House()
    beside = Beside(house)
    wire = house.connect()
    if websocket:
        wire.send(websocket_request(protocol=f"wamp.2.{codec}"))
    else:
        wire.send(bytes((0x7F, 0xF0 | NUMBERS[codec], 0, 0)))

    def framed(payload: bytes) -> bytes:
        return masked(payload, 0x81 if codec == "json" else 0x82) if websocket else frame(payload)

    with no_bugs():
        assert wire.send(framed(encoded(codec, [1, "realm1", {"roles": EVERY_ROLE}])))
        for message, changes, whole in said:
            payload = encoded(codec, message)
            if whole:
                wire.send(mutated(framed(payload), changes))
            else:
                wire.send(framed(mutated(payload, changes)))
        beside.check()
        beside.let_go(wire)


FRAMED = (b"\x03\xe8", b"\x03\xe9bye", b"[1", b'[48,1,{},"a"]', b"x" * 126)


@pytest.mark.spec("SEC-06")
@SLOW
@given(
    st.booleans(),
    st.lists(
        st.tuples(
            st.sampled_from((0x01, 0x81, 0x00, 0x80, 0x02, 0x82, 0x88, 0x89, 0x8A, 0x83, 0xC1, 0x41, 0x09, 0x8B)),
            st.one_of(
                st.binary(max_size=20),
                st.sampled_from((b"\x03\xe8", b"\x03\xe9bye", b"[1", b'[48,1,{},"a"]', b"x" * 126)),
            ),
            mutations,
        ),
        max_size=8,
    ),
    st.sampled_from(("/ws", "/echo")),
)
def test_websocket_frames_of_all_sorts(deflate: bool, frames: list[Any], path: str) -> None:
    house = House(deflate=Deflate() if deflate else None)
    beside = Beside(house)
    wire = house.connect()
    offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    with no_bugs():
        assert wire.send(websocket_request(path, extra=offer)).startswith(b"HTTP/1.1 101 ")
        for first, payload, changes in frames:
            wire.send(mutated(masked(payload, first), changes) or b"\0")
        house.clock.advance(6)
        house.clock.advance(6)
        beside.wire.send(b"\x01\0\0\0")
        beside.check()
        beside.let_go(wire)


@SLOW
@given(st.lists(st.tuples(st.sampled_from(list(ENCODERS)), values), min_size=1, max_size=4))
def test_whatever_one_serializer_carries_reaches_some_or_nobody_and_a_call_ends(payloads: list[Any]) -> None:
    house = House()
    beside = Beside(house)
    subscribers = []
    for codec in ENCODERS:
        wire = house.connect()
        wire.send(bytes((0x7F, 0xF0 | NUMBERS[codec], 0, 0)))
        wire.send(frame(encoded(codec, [1, "realm1", {"roles": EVERY_ROLE}])))
        wire.send(frame(encoded(codec, [32, 1, {}, "com.topic"])))
        subscribers.append(wire)
    with no_bugs():
        for codec, value in payloads:
            try:
                payload = bytes(ENCODERS[codec]([16, 1, {}, "com.topic", [value]]))
                call = bytes(ENCODERS[codec]([48, 2, {}, "org.beside", [value]]))
            except (TypeError, ValueError, OverflowError):
                continue
            sender = house.connect()
            sender.send(bytes((0x7F, 0xF0 | NUMBERS[codec], 0, 0)))
            sender.send(frame(encoded(codec, [1, "realm1", {"roles": EVERY_ROLE}])))
            sender.send(frame(payload))
            for subscriber, theirs in zip(subscribers, ENCODERS, strict=True):
                heard = subscriber.taken()
                assert heard or theirs != codec
                assert not subscriber.transport.lost
            beside.wire.taken()
            answered = sender.send(frame(call))
            invocations = unframe(beside.wire.taken())
            assert bool(answered) != bool(invocations)
            for invocation in invocations:
                beside.wire.say([70, invocation[1], {}, invocation[4]])
                assert sender.taken()
            sender.transport.lose()
        beside.check()


@pytest.mark.spec("SEC-06")
@pytest.mark.parametrize("codec", list(ENCODERS))
def test_every_prefix_of_a_conversation_can_be_all_there_is(codec: str) -> None:
    conversation = bytes((0x7F, 0xF0 | NUMBERS[codec], 0, 0)) + b"".join(
        frame(encoded(codec, message))
        for message in (
            [1, "realm1", {"roles": EVERY_ROLE}],
            [32, 1, {}, "com.a"],
            [64, 2, {}, "com.a"],
            [48, 3, {}, "com.a", [1]],
            [6, {}, "wamp.close.normal"],
        )
    )
    house = House()
    beside = Beside(house)
    with no_bugs():
        for size in range(1, len(conversation)):
            wire = house.connect()
            wire.send(conversation[:size])
            beside.let_go(wire)
        beside.check()


# --- what the coverage-guided fuzzer drives, a little ---

FOUND: list[tuple[str, bytes]] = [
    # A frame with reserved bits, cut within its payload: what followed its header was read as frames.
    ("websocket", b"\xb9\x0f" + b"\xb9" * 10 + b"\x02\x03\x82\x83\0\0\0\0bin\x81\x84\xb9\xb9\xb9\0\0" + b"\xb9" * 40),
    ("websocket", b"\1\7" + masked(b"\x82\x83\0\0\0\0bin" * 14, 0x89)),
]


@pytest.mark.spec("SEC-06")
@pytest.mark.parametrize(("target", "data"), FOUND)
def test_what_was_found_stays_found(target: str, data: bytes) -> None:
    TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_are_sound(target: str) -> None:
    for seed in SEEDS[target]:
        TARGETS[target](seed)


@pytest.mark.spec("SEC-06")
@SLOW
@given(
    st.sampled_from([(name, seed) for name, seeds in SEEDS.items() for seed in seeds]), st.integers(0, 255), mutations
)
def test_mutations_of_the_seeds(seed: tuple[str, bytes], cut: int, changes: list[tuple[int, int]]) -> None:
    name, data = seed
    TARGETS[name](data[:1] + bytes((cut,)) + mutated(data[2:], changes))


@pytest.mark.spec("SEC-06")
@SLOW
@given(st.sampled_from(list(TARGETS)), st.binary(max_size=100))
def test_any_bytes(target: str, data: bytes) -> None:
    TARGETS[target](data)
