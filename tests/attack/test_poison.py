"""Values that one serializer carries and another does not: they stop nobody else's messages (limits and trust, trap 2)."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.attack.inside import House
from tests.attack.member import ENCODERS, OPAQUE, Member
from wampd.router.wire.flatbuffers_schema import MESSAGES
from wampd.router.wire.flatbuffers_values import Writer

pytestmark = pytest.mark.trap(2)

NAN = struct.pack(">d", float("nan"))
INFINITY = struct.pack(">d", float("inf"))

# One value each, as it stands in the arguments.
POISON: dict[str, tuple[str, bytes]] = {
    "NaN from MessagePack": ("msgpack", b"\xcb" + NAN),
    "infinity from MessagePack": ("msgpack", b"\xca\x7f\x80\x00\x00"),
    "timestamp from MessagePack": ("msgpack", b"\xd6\xff\x65\x00\x00\x00"),
    "timestamp of the year 9999999 from MessagePack": ("msgpack", b"\xc7\x0c\xff\x00\x00\x00\x00\x7f" + b"\xff" * 7),
    "extension type from MessagePack": ("msgpack", b"\xd4\x05\x00"),
    "integer keys from MessagePack": ("msgpack", b"\x82\x01\xc0\xa11\xc0"),
    "null key from MessagePack": ("msgpack", b"\x81\xc0\x01"),
    "float key from MessagePack": ("msgpack", b"\x81\xcb" + NAN + b"\x01"),
    "bytes key from MessagePack": ("msgpack", b"\x81\xc4\x01\xff\x01"),
    "2^64-1 from MessagePack": ("msgpack", b"\xcf" + b"\xff" * 8),
    "text with NUL from MessagePack": ("msgpack", b"\xa3\x00AA"),
    "NaN from CBOR": ("cbor", b"\xf9\x7e\x00"),
    "minus infinity from CBOR": ("cbor", b"\xfb\xff\xf0" + bytes(6)),
    "date from CBOR": ("cbor", b"\xc0\x74" + b"2013-03-21T20:04:00Z"),
    "impossible date from CBOR": ("cbor", b"\xc0\x74" + b"2013-99-21T20:04:00Z"),
    "epoch of NaN from CBOR": ("cbor", b"\xc1\xfb" + NAN),
    "epoch far away from CBOR": ("cbor", b"\xc1\xfb\x7f\xe0" + bytes(6)),
    "bignum from CBOR": ("cbor", b"\xc2\x49\x01" + bytes(8)),
    "huge bignum from CBOR": ("cbor", b"\xc2\x59\x40\x00" + b"\xff" * 0x4000),
    "decimal fraction from CBOR": ("cbor", b"\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01"),
    "undefined from CBOR": ("cbor", b"\xf7"),
    "simple value from CBOR": ("cbor", b"\xf8\xff"),
    "unknown tag from CBOR": ("cbor", b"\xd9\xff\xff\x01"),
    "regular expression from CBOR": ("cbor", b"\xd8\x23\x62(["),
    "broken UUID from CBOR": ("cbor", b"\xd8\x25\x41\x00"),
    "network address from CBOR": ("cbor", b"\xd9\x01\x04\x44\x01\x02\x03\x04"),
    "integer keys from CBOR": ("cbor", b"\xa2\x01\xf6\x611\xf6"),
    "true and 1 as keys from CBOR": ("cbor", b"\xa2\x01\xf6\xf5\xf6"),
    "NaN from UBJSON": ("ubjson", b"D" + NAN[::-1]),
    "half infinity from UBJSON": ("ubjson", b"h\x00\x7c"),
    "2^70 from UBJSON": ("ubjson", b"HU\x161180591620717411303424"),
    "5000 digits from UBJSON": ("ubjson", b"Hu\x88\x13" + b"9" * 5000),
    "1e999 from UBJSON": ("ubjson", b"HU\x051e999"),
    "digits that no float has from UBJSON": ("ubjson", b"HU\x170.300000000000000000001"),
    "typed array from UBJSON": ("ubjson", b"[$U#U\x02\x01\x02"),
    "ten bytes that are gigabytes from UBJSON": ("ubjson", b"[$Z#m\xff\xff\xff\xff"),
    "keys that meet from UBJSON": ("ubjson", b"{U\x01aZU\x01aT}"),
    "NaN from FlatBuffers": ("flatbuffers", b"\xf9\x7e\x00"),
    "simple value from FlatBuffers": ("flatbuffers", b"\xf8\xff"),
    "regular expression from FlatBuffers": ("flatbuffers", b"\xd8\x23\x62(["),
    "bignum from FlatBuffers": ("flatbuffers", b"\xc2\x49\x01" + bytes(8)),
    "shared value from FlatBuffers": ("flatbuffers", b"\xd8\x1c\x01"),
    "2^70 from JSON": ("json", str(2**70).encode()),
    "5000 digits from JSON": ("json", b"9" * 5000),
    "1e999 from JSON": ("json", b"1e999"),
    "escaped NUL that is no base64 from JSON": ("json", b'"\\u0000?"'),
    "escaped NUL with base64 from JSON": ("json", b'"\\u0000AAEC"'),
    "keys that meet from JSON": ("json", b'{"a":1,"\\u0061":2}'),
    "the last code point from JSON": ("json", b'"\\udbff\\udfff"'),
}
HEADS = {
    "json": (b'[%d,%d,{},"com.poison",[', b"]]"),
    "msgpack": (b"\x95\xcc%c\xcc%c\x80\xaacom.poison\x91", b""),
    "cbor": (b"\x85\x18%c\x18%c\xa0\x6acom.poison\x81", b""),
    "ubjson": (b"[U%cU%c{}SU\x0acom.poison[", b"]]"),
}


def flat(code: int, value: bytes, **fields: Any) -> bytes:
    """A message in FlatBuffers with the value as its one argument."""
    return Writer().message(code, MESSAGES[code], {**fields, "args": b"\x81" + value})


def of(codec: str) -> str:
    """What payload is in: CBOR, within FlatBuffers, too, and passed on between the two as it came."""
    return "cbor" if codec == "flatbuffers" else codec


def message(codec: str, code: int, request: int, value: bytes) -> bytes:
    """A PUBLISH or CALL with the value as its one argument."""
    if codec == "flatbuffers":
        return flat(code, value, request=request, topic="com.poison", procedure="com.poison")
    head, tail = HEADS[codec]
    return head % (code, request) + value + tail


@pytest.mark.parametrize("name", POISON)
def test_an_event_reaches_those_who_can_take_it_and_harms_nobody(name: str) -> None:
    codec, value = POISON[name]
    house = House()
    receivers = [Member(house, each) for each in ENCODERS for _ in range(2)]
    for receiver in receivers:
        receiver.say([32, 1, {}, "com.poison"])
    sender = Member(house, codec)
    refused = sender.say(message(codec, 16, 30, value))
    poisoned = [receiver.heard() for receiver in receivers]
    if refused:  # what a serializer itself calls malformed ends its sender, and nobody else
        assert refused[0][0] == 3
        assert refused[0][2] == "wamp.error.protocol_violation"
        sender = Member(house, codec)
    for receiver, got in zip(receivers, poisoned, strict=True):
        assert of(receiver.codec) == of(codec) or [OPAQUE] not in got  # what was converted can be understood
        assert len(got) == (0 if refused else 1) or receiver.codec != codec
    sender.say([16, 31, {}, "com.poison", ["afterwards"]])
    for receiver in receivers:
        ((*_, args),) = receiver.heard()
        assert args == ["afterwards"]
    carried = sum(map(len, poisoned))
    assert house.realm.struck["events that a receiver cannot carry"] == (0 if refused else len(receivers) - carried)


@pytest.mark.parametrize("receiver", ENCODERS)
@pytest.mark.parametrize("name", POISON)
def test_a_call_that_cannot_be_carried_ends_with_an_error(name: str, receiver: str) -> None:
    codec, value = POISON[name]
    house = House()
    callee, caller = Member(house, receiver), Member(house, codec)
    callee.say([64, 1, {}, "com.poison"])
    answers = caller.say(message(codec, 48, 40, value))
    invocations = callee.heard()
    if answers and answers[0][0] == 3:
        assert answers[0][2] == "wamp.error.protocol_violation"
        assert not invocations
        caller = Member(house, codec)
    elif invocations:
        assert answers == []
        assert of(receiver) == of(codec) or invocations != [[OPAQUE]]
        callee.say([70, 1, {}])
        assert [answer[:2] for answer in caller.heard()] == [[50, 40]]
    else:
        assert receiver != codec
        assert [answer[:5] for answer in answers] == [[8, 48, 40, {}, "wamp.error.invalid_argument"]]
    assert caller.say([48, 41, {}, "com.poison", ["afterwards"]]) == []
    ((*_, args),) = callee.heard()
    assert args == ["afterwards"]


@pytest.mark.parametrize("name", POISON)
def test_the_router_reads_its_own_arguments_or_says_that_it_cannot(name: str) -> None:
    codec, value = POISON[name]
    house = House()
    house.realm.dealer.services.procedures["com.poison"] = lambda _caller, args, _kwargs: len(args)
    caller = Member(house, codec)
    ((kind, *answer),) = caller.say(message(codec, 48, 40, value))
    if kind == 3:
        assert answer[1] == "wamp.error.protocol_violation"
        assert answer[0]["message"] != "internal error"
    elif kind == 8:
        assert answer[:4] == [48, 40, {}, "wamp.error.invalid_argument"]
    else:
        assert [kind, *answer] == [50, 40, {}, [1]]


def result(codec: str, value: bytes) -> bytes:
    if codec == "flatbuffers":
        return flat(70, value, request=1)
    return {
        "json": b"[70,1,{},[%s]]",
        "msgpack": b"\x94\x46\x01\x80\x91%s",
        "cbor": b"\x84\x18\x46\x01\xa0\x81%s",
        "ubjson": b"[U\x46U\x01{}[%s]]",
    }[codec] % value


def error(codec: str, value: bytes) -> bytes:
    if codec == "flatbuffers":
        return flat(8, value, request_type=68, request=1, error="com.error")
    return {
        "json": b'[8,68,1,{},"com.error",[%s]]',
        "msgpack": b"\x96\x08\x44\x01\x80\xa9com.error\x91%s",
        "cbor": b"\x86\x08\x18\x44\x01\xa0\x69com.error\x81%s",
        "ubjson": b"[U\x08U\x44U\x01{}SU\x09com.error[%s]]",
    }[codec] % value


@pytest.mark.parametrize("answer", [result, error])
@pytest.mark.parametrize("receiver", ENCODERS)
@pytest.mark.parametrize("name", POISON)
def test_an_answer_that_cannot_be_carried_ends_the_call_with_an_error(name: str, receiver: str, answer: Any) -> None:
    codec, value = POISON[name]
    house = House()
    callee, caller = Member(house, codec), Member(house, receiver)
    callee.say([64, 1, {}, "com.poison"])
    assert caller.say([48, 1, {}, "com.poison"]) == []
    assert len(callee.heard()) == 1
    callee.say(answer(codec, value))
    (answered,) = caller.heard()
    if answered == [OPAQUE]:
        assert of(receiver) == of(codec)
    else:
        assert answered[:2] == [50, 1] or answered[:3] == [8, 48, 1]
    assert caller.say([48, 2, {}, "com.nobody"])[0][4] == "wamp.error.no_such_procedure"
    assert not house.realm.calls_under_way()
