"""What the fuzzers drive: bytes to a whole router in memory. Each target raises if the router does what it must not.

The first byte of an input chooses how the rest is meant; the second how it is cut into reads. So one input is one
conversation, and small changes of it are small changes of the conversation.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import cbor2
import msgspec
from twisted.logger import LogLevel

from tests.attack.inside import EVERY_ROLE, House, Wire, frame, masked, websocket_request
from tests.fuzz import records
from tests.support.overheard import overheard
from wampd.router.transports.upgrade import Deflate
from wampd.router.wire.framing import FrameLimits
from wampd.router.wire.rawsocket import RawSocketFraming
from wampd.router.wire.websocket import WebSocketFraming

ENCODERS: dict[str, Any] = {"json": msgspec.json.encode, "msgpack": msgspec.msgpack.encode, "cbor": cbor2.dumps}
NUMBERS = {"json": 1, "msgpack": 2, "cbor": 3}
CODECS = tuple(ENCODERS)

HELLO = [1, "realm1", {"roles": EVERY_ROLE}]
CONVERSATION: tuple[list[Any], ...] = (
    HELLO,
    [32, 1, {"match": "prefix"}, "com."],
    [64, 2, {"match": "wildcard"}, "com..add"],
    [48, 3, {"disclose_me": True}, "com.a.add", [1, "x"], {"k": None}],
    [70, 1, {}, [3]],
    [16, 4, {"acknowledge": True, "exclude_me": False, "eligible": [1]}, "com.topic", [b"\x00\xff".decode("latin-1")]],
    [48, 5, {}, "com.b.add"],
    [49, 5, {"mode": "kill"}],
    [8, 68, 2, {}, "com.error", ["no"]],
    [34, 6, 1],
    [66, 7, 1],
    [6, {}, "wamp.close.close_realm"],
)


class BugError(AssertionError):
    """The router logged an error of its own."""


@contextlib.contextmanager
def no_bugs() -> Iterator[None]:
    """Fail if the router logs an error of its own."""
    with overheard(lambda event: event if event["log_level"] >= LogLevel.error else None) as failures:
        yield
    if failures:
        failure = failures[0].get("log_failure")
        raise BugError(failures[0].get("log_format")) from (failure.value if failure is not None else None)


class Beside:
    """A session beside the one that is attacked: it must go on working."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.wire = house.connect()
        self.wire.join()
        assert self.wire.say([64, 1, {}, "org.beside"])[0][0] == 65
        self._count = 1

    def check(self) -> None:
        """Call and be called; and see that the realm's records agree."""
        self.wire.taken()
        self._count += 1
        call = self._count
        *_, invocation = self.wire.say([48, call, {}, "org.beside", [call]])
        assert invocation[0] == 68, invocation
        *_, result = self.wire.say([70, invocation[1], {}, [call]])
        assert result == [50, call, {}, [call]], result
        records.check(self.house.realm)

    def let_go(self, wire: Wire) -> None:
        """The other client goes away; nothing is left of it."""
        wire.transport.lose()
        self.house.realms.end_of_turn()
        self.house.clock.advance(0)
        assert self.house.lobby.open == 1
        assert len(self.house.realm.sessions) == 1
        assert len(self.house.lobby.connections) == 1


def reads(data: bytes, cut: int) -> Iterator[bytes]:
    """The stream as it may come: whole, or in pieces of one size."""
    size = cut or len(data) or 1
    for position in range(0, len(data), size):
        yield data[position : position + size]


def session(data: bytes) -> None:
    """A RawSocket connection in one of the serializations, from after its HELLO on; frames are given by the input."""
    if len(data) < 2:
        return
    codec = CODECS[data[0] % 3]
    house = House()
    beside = Beside(house)
    wire = house.connect()
    with no_bugs():
        wire.send(bytes((0x7F, 0xF0 | NUMBERS[codec], 0, 0)))
        wire.send(frame(bytes(ENCODERS[codec](HELLO))))
        # A message is a length of one byte and so many bytes; so that a cut or a slip stays in one message.
        position = 2
        while position < len(data):
            size = data[position]
            wire.send(frame(data[position + 1 : position + 1 + size]))
            position += 1 + size
        beside.check()
        beside.let_go(wire)


def stream(data: bytes) -> None:
    """A connection from its first byte on."""
    if len(data) < 2:
        return
    house = House(deflate=Deflate() if data[0] & 1 else None)
    beside = Beside(house)
    wire = house.connect()
    with no_bugs():
        for read in reads(data[2:], data[1]):
            wire.send(read)
        for _ in range(8):
            house.clock.advance(2)
        beside.wire.send(b"\x01\0\0\0")
        beside.check()
        beside.let_go(wire)


def rawsocket(data: bytes) -> None:
    """RawSocket frames: however the stream is cut, the same messages come out; and nothing longer than allowed."""
    if not data:
        return
    results = []
    for size in (len(data), data[0] % 16 + 1):
        framing = RawSocketFraming(2**24, 512)
        messages: list[bytes] = []
        replies: list[bytes] = []
        for read in reads(data[1:], size):
            messages += framing.feed(read)
            replies += framing.replies
            framing.replies.clear()
        results.append(([bytes(message) for message in messages], b"".join(replies), framing.ended, framing.failure))
    assert results[0] == results[1], results
    assert all(len(message) <= 512 for message in results[0][0])


def websocket(data: bytes) -> None:
    """WebSocket frames: however the stream is cut, the same messages come out; and nothing longer than allowed."""
    if len(data) < 2:
        return
    mode, cut = data[0], data[1] % 16 + 1
    results = []
    for size in (len(data), cut):
        framing = WebSocketFraming(
            binary=bool(mode & 1), limits=FrameLimits(message_size=300, fragments=4), both=bool(mode & 2)
        )
        messages: list[bytes] = []
        replies: list[bytes] = []
        for read in reads(data[2:], size):
            messages += framing.feed(read)
            replies += framing.replies
            framing.replies.clear()
        results.append(([bytes(message) for message in messages], _said(b"".join(replies)), framing.ended))
    assert results[0] == results[1], results
    assert all(len(message) <= 300 for message in results[0][0])


def _said(replies: bytes) -> list[tuple[int, bytes]]:
    """The control frames of a server; of a close frame the code alone, because of several faults any may be named."""
    frames = []
    while replies:
        size = replies[1]
        assert size < 126
        payload, replies_left = replies[2 : 2 + size], replies[2 + size :]
        frames.append((replies[0], payload[:2] if replies[0] == 0x88 else payload))
        replies = replies_left
    return frames


def _short(messages: tuple[list[Any], ...], codec: str) -> bytes:
    payloads = [bytes(ENCODERS[codec](message)) for message in messages]
    return b"".join(bytes((len(payload),)) + payload for payload in payloads)


def _streams() -> list[bytes]:
    seeds = []
    for codec, number in NUMBERS.items():
        payloads = [bytes(ENCODERS[codec](message)) for message in CONVERSATION]
        opening = bytes((0x7F, 0xF0 | number, 0, 0))
        seeds.append(b"\0\0" + opening + b"".join(map(frame, payloads)))
        first = 0x81 if codec == "json" else 0x82
        upgrade = websocket_request(
            protocol=f"wamp.2.{codec}", extra=b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
        )
        seeds.append(b"\1\0" + upgrade + b"".join(masked(payload, first) for payload in payloads))
    return seeds


SEEDS: dict[str, list[bytes]] = {
    "session": [bytes((number - 1, 0)) + _short(CONVERSATION[1:], codec) for codec, number in NUMBERS.items()],
    "stream": [
        *_streams(),
        b"\0\1" + websocket_request("/echo") + masked(b"hello"),
        b"\0\0GET /nothing HTTP/1.0\r\n\r\n",
    ],
    "rawsocket": [
        b"\3" + frame(json.dumps(HELLO).encode()) + b"\1\0\0\2hi" + b"\2\0\0\2hi" + frame(b""),
        b"\0" + b"\x08\0\0\0",
    ],
    "websocket": [
        b"\1\5" + masked(b"hello", 0x82) + masked(b"x" * 200, 0x82) + masked(b"\x03\xe8bye", 0x88),
        b"\0\1" + masked(b"h\xc3", 0x01) + masked(b"ping", 0x89) + masked(b"\xa9llo", 0x80) + masked(b"", 0x8A),
        b"\2\3" + masked(b"bin", 0x82) + masked(b"text") + masked(b"", 0x01) + masked(b"", 0x00) * 4,
    ],
}
TARGETS = {"session": session, "stream": stream, "rawsocket": rawsocket, "websocket": websocket}
