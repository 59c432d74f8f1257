"""Whatever bytes arrive, a decoder gives a message or raises ProtocolViolation, quickly (spec MSG-03, MSG-14)."""

import random
import time

import cbor2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.samples import CODECS, MESSAGES, NAMES, pack, refusal

every_codec = pytest.mark.parametrize("name", NAMES)


@every_codec
@pytest.mark.spec("MSG-03", "PV-07")
@given(data=st.binary(max_size=200))
@settings(deadline=None)
def test_random_bytes(name: str, data: bytes) -> None:
    refusal(CODECS[name], data)


@every_codec
@pytest.mark.spec("MSG-03", "PV-07")
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: f"{message[0]}-{len(message)}")
def test_a_message_cut_short_anywhere_is_refused(name: str, message: list[object]) -> None:
    payload = pack(name, message)
    for length in range(len(payload)):
        assert refusal(CODECS[name], payload[:length]), payload[:length]


@every_codec
@pytest.mark.spec("MSG-03", "PV-07")
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: f"{message[0]}-{len(message)}")
def test_a_message_with_something_after_it_is_refused(name: str, message: list[object]) -> None:
    payload = pack(name, message)
    for rest in (payload, b"\x00", b"]", b"\xff", b"x"):
        assert refusal(CODECS[name], payload + rest)


@every_codec
@pytest.mark.spec("MSG-03", "MSG-14")
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: f"{message[0]}-{len(message)}")
def test_a_message_with_any_bit_flipped_is_read_or_refused(name: str, message: list[object]) -> None:
    payload = bytearray(pack(name, message))
    for position in range(len(payload)):
        for bit in range(8):
            payload[position] ^= 1 << bit
            refusal(CODECS[name], bytes(payload))
            payload[position] ^= 1 << bit


@every_codec
@pytest.mark.spec("MSG-03", "MSG-14")
@given(seed=st.integers(0, 2**32), message=st.sampled_from(MESSAGES), changes=st.integers(1, 12))
@settings(deadline=None, max_examples=300)
def test_a_message_with_bytes_changed_inserted_or_lost(
    name: str, seed: int, message: list[object], changes: int
) -> None:
    chance = random.Random(seed)
    payload = bytearray(pack(name, message))
    for _ in range(changes):
        position = chance.randrange(len(payload)) if payload else 0
        what = chance.randrange(3)
        if what == 0:
            payload[position : position + 1] = [chance.randrange(256)]
        elif what == 1:
            payload.insert(
                position, chance.choice(b'[]{}",\\0\x80\x81\x9f\xa0\xa1\xbf\xc0\xc1\xdd\xdf\xff\xf7\x5f\x7f')
            )
        else:
            del payload[position : position + 1]
    refusal(CODECS[name], bytes(payload))


HEAD = {
    "json": b'[16,1,{},"a",',
    "msgpack": b"\x95\x10\x01\x80\xa1a",
    "cbor": b"\x85\x10\x01\xa0\x61a",
    "ubjson": b"[U\x10U\x01{}Ca",
}


def _bombs() -> list[tuple[str, str, bytes]]:
    """(serialization, what it is, payload): about 1 MiB each, made to cost time, depth or memory."""
    size = 1 << 20
    json_head, msgpack_head, cbor_head, ubjson_head = HEAD.values()
    return [
        ("json", "only opening brackets", b"[" * size),
        ("json", "opening brackets in the payload", json_head + b"[" * size),
        ("json", "objects in objects", json_head + b'[{"a":' * (size // 6)),
        ("json", "empty arrays", json_head + b"[" + b"[]," * (size // 3) + b"1]]"),
        ("json", "strings of brackets", json_head + b"[" + b'"[","{",' * (size // 8) + b"1]]"),
        ("json", "strings of escapes", json_head + b'["' + b'\\\\\\"[' * (size // 5) + b'"]]'),
        ("json", "chains at the limit", json_head + b"[" + (b"[" * 62 + b"]" * 62 + b",") * (size // 125) + b"1]]"),
        ("json", "a huge integer", json_head + b"[" + b"9" * size + b"]]"),
        ("json", "a huge id", b"[16," + b"9" * size + b',{},"a"]'),
        ("json", "a huge type", b"[" + b"9" * size + b"]"),
        ("json", "a huge option", b'[32,1,{"match":"' + b"x" * size + b'"},"a"]'),
        (
            "json",
            "numbers that are hard to round",
            b'[1,"r",{"roles":{},"authextra":{"x":[' + b"123456789e290," * (size // 14) + b"1]}}]",
        ),
        ("json", "many elements", b"[16," + b"1," * (size // 2) + b"1]"),
        ("json", "an unending string", json_head + b'["' + b"x" * size),
        ("msgpack", "only arrays of one", b"\x91" * size),
        ("msgpack", "arrays of one in the payload", msgpack_head + b"\x91" * size),
        ("msgpack", "maps of one in the payload", msgpack_head + b"\x91" + b"\x81\x01" * (size // 2)),
        ("msgpack", "empty arrays", msgpack_head + b"\xdd" + size.to_bytes(4, "big") + b"\x90" * size),
        ("msgpack", "an array said to be huge", msgpack_head + b"\xdd\xff\xff\xff\xff"),
        ("msgpack", "a map said to be huge", msgpack_head + b"\x91\xdf\xff\xff\xff\xff\x01"),
        ("msgpack", "a string said to be huge", msgpack_head + b"\x91\xdb\xff\xff\xff\xff"),
        ("msgpack", "many elements", b"\xdd" + size.to_bytes(4, "big") + b"\x10" + b"\x01" * size),
        ("msgpack", "colliding keys", _colliding_keys(msgpack_head + b"\x91")),
        (
            "msgpack",
            "colliding keys in options",
            _colliding_keys(b"\x93\x01\xa1a\x82\xa5roles\x80\xa9authextra\x81\xa1x"),
        ),
        ("cbor", "only arrays of one", b"\x81" * size),
        ("cbor", "arrays of one in the payload", cbor_head + b"\x81" * size),
        ("cbor", "tags in tags", cbor_head + b"\x81" + b"\xc6" * size + b"\x01"),
        ("cbor", "open arrays", cbor_head + b"\x9f" * size),
        ("cbor", "empty arrays", cbor_head + b"\x9f" + b"\x80" * size + b"\xff"),
        ("cbor", "an array said to be huge", cbor_head + b"\x9b" + b"\xff" * 8),
        ("cbor", "a map said to be huge", cbor_head + b"\x81\xbb" + b"\xff" * 8),
        ("cbor", "a string said to be huge", cbor_head + b"\x81\x7b" + b"\xff" * 8),
        (
            "cbor",
            "an array of huge arrays",
            cbor_head + b"\x9b\x7f" + b"\xff" * 7 + b"\x9a\x00\xff\xff\xff" * (size // 5),
        ),
        ("cbor", "many elements", b"\x9f\x10" + b"\x01" * size + b"\xff"),
        ("cbor", "an unending string", cbor_head + b"\x81\x7f" + b"\x61x" * (size // 2)),
        ("cbor", "a string of empty chunks", cbor_head + b"\x81\x7f" + b"\x60" * size + b"\xff"),
        ("cbor", "a huge bignum as id", b"\x84\x10\xc2\x5a\x00\x0f\xff\xff" + b"\xff" * 0xFFFFF + b"\xa0\x61a"),
        (
            "cbor",
            "colliding keys",
            cbor_head + b"\x81\xbf" + b"".join(_bignum_key(number) for number in range(60_000)) + b"\xff",
        ),
        ("ubjson", "only opening brackets", b"[" * size),
        ("ubjson", "opening brackets in the payload", ubjson_head + b"[" * size),
        ("ubjson", "objects in objects", ubjson_head + b"[" + b"{U\x01a" * (size // 4)),
        ("ubjson", "empty arrays", ubjson_head + b"[" + b"[]" * (size // 2) + b"]]"),
        ("ubjson", "gigabytes of null in ten bytes", ubjson_head + b"[$Z#m\xff\xff\xff\xff]"),
        ("ubjson", "gigabytes of true in options", b"[U\x20U\x01{U\x01x[$T#m\xff\xff\xff\x7f}Ca]"),
        ("ubjson", "arrays of no-ops in ten bytes", ubjson_head + b"[$N#m\xff\xff\xff\xff]"),
        ("ubjson", "an array said to be huge", ubjson_head + b"[#M" + b"\xff" * 8),
        ("ubjson", "an array of numbers said to be huge", ubjson_head + b"[$D#M" + b"\xff" * 8),
        ("ubjson", "an object said to be huge", ubjson_head + b"[{$U#M" + b"\xff" * 8),
        ("ubjson", "a string said to be huge", ubjson_head + b"[SM" + b"\xff" * 8),
        ("ubjson", "an array of huge arrays", ubjson_head + b"[" + b"[#m\xff\xff\x0f\x00" * (size // 7)),
        ("ubjson", "an array of many dimensions", ubjson_head + b"[$U#[" + b"U\xff" * (size // 2) + b"]]"),
        ("ubjson", "many elements", b"[U\x10" + b"Z" * size + b"]"),
        ("ubjson", "nothing but no-ops", ubjson_head + b"[" + b"N" * size + b"]]"),
        ("ubjson", "no-ops as elements", b"[" + b"N" * size + b"]"),
        ("ubjson", "a huge number", ubjson_head + b"[Hm\x00\x00\x10\x00" + b"9" * size + b"]]"),
        ("ubjson", "a huge number as id", b"[U\x10Hm\x00\x00\x10\x00" + b"9" * size + b"{}Ca]"),
        (
            "ubjson",
            "a number of many digits as id",
            b"[U\x10Hm\x00\x00\x10\x00" + b".".join((b"1", b"9" * (size - 2))) + b"{}Ca]",
        ),
        ("ubjson", "a number that is hard to write down", b"[U\x10HU\x0c1e9999999999{}Ca]"),
        ("ubjson", "a small number that is hard to write down", b"[U\x10HU\x0d1e-9999999999{}Ca]"),
        ("ubjson", "a number that ends wrong", ubjson_head + b"[Hm\x00\x00\x10\x00" + b"1" * (size - 1) + b"x]]"),
    ]


def _colliding_keys(head: bytes) -> bytes:
    """A map of arrays of two numbers, chosen so that all of them have the same hash in CPython."""
    prime_1, prime_2, prime_5 = 11400714785074694791, 14029467366897019727, 2870177450012600261
    modulus = 2**64
    inverse = pow(prime_2, -1, modulus)
    keys: list[bytes] = []
    number = 0
    while len(keys) < 20_000:
        number += 1
        state = (prime_5 + number * prime_2) % modulus
        state = ((state << 31 | state >> 33) % modulus) * prime_1 % modulus
        second = (12345 - state) * inverse % modulus
        if second < 2**61 - 1:
            keys.append(msgspec.msgpack.encode([number, second]))
    assert len({hash(tuple(msgspec.msgpack.decode(key))) for key in keys}) == 1
    return head + b"\xdf" + len(keys).to_bytes(4, "big") + b"".join(key + b"\x00" for key in keys)


def _bignum_key(number: int) -> bytes:
    return cbor2.dumps(2**64 + number * (2**61 - 1)) + b"\x00"


@pytest.mark.spec("MSG-14")
@pytest.mark.parametrize(("name", "what", "payload"), _bombs(), ids=lambda value: value if type(value) is str else "")
def test_bombs_cost_no_more_than_their_size(name: str, what: str, payload: bytes) -> None:
    started = time.process_time()
    refusal(CODECS[name], payload)
    # About 0.2 s is the worst here; what is not linear takes minutes.
    assert time.process_time() - started < 2


@pytest.mark.spec("MSG-03")
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" ",
        b"{[",
        b'\xef\xbb\xbf[16,1,{},"a"]',
        '[16,1,{},"a"]'.encode("utf-16"),
        b'[16,1,{},"a",[NaN]]',
        b'[16,1,{},"a",[Infinity]]',
        b'[16,1,{},"a",[-Infinity]]',
        b'[16,1,{},"a",[01]]',
        b'[16,1,{},"a",[1.]]',
        b'[16,1,{},"a",[.5]]',
        b'[16,1,{},"a",[+1]]',
        b'[16,1,{},"a",[0x10]]',
        b'[16,1,{},"a",[1,]]',
        b'[16,1,{},"a",[1],]',
        b"[16,1,{},'a']",
        b'[16,1,{},"a",[/**/]]',
        b'[16,1,{},"a",["\x00"]]',
        b'[16,1,{},"a",["\\q"]]',
        b'[16,1,{},"a",["\\u12"]]',
        b'[16,1,{},"a",["\\ud800"]]',
        b'[16,1,{},"a",["\\udc00\\ud800"]]',
        b'[16,1,{},"a\\ud800"]',
        b'[16,1,{},"a",["\xff"]]',
        b'[16,1,{},"a",["\xed\xa0\x80"]]',
        b'[16,1,{},"a",["\xc0\xaf"]]',
        b'[16,1,{},"\xff"]',
        b'[16,1,{"\xff":1},"a"]',
        b'[16,1,{},"a",[],{"a"}]',
        b'[16,1,{},"a",[],{1:2}]',
        b'[16,1,{},"a",[1]]]',
        b"true",
    ],
)
def test_what_is_not_json(payload: bytes) -> None:
    assert refusal(CODECS["json"], payload)


@pytest.mark.spec("MSG-03")
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        HEAD["msgpack"] + b"\x91\xc1",
        HEAD["msgpack"] + b"\x91\xa1\xff",
        HEAD["msgpack"] + b"\x91\xa3\xed\xa0\x80",
        HEAD["msgpack"] + b"\x91\xd9\x02\xc0\xaf",
        HEAD["msgpack"] + b"\x91\x81\xa1\xff\x01",
        HEAD["msgpack"] + b"\x91" + b"\x91" * 62 + b"\xa1\xff",
        HEAD["msgpack"] + b"\xdc\x00\xff" + b"\x90" * 254 + b"\xa1\xff",
        HEAD["msgpack"] + b"\x91\xdb\x00\x00\x20\x00" + b"x" * 8191 + b"\xff",
        HEAD["msgpack"] + b"\x91\x81\x80\x01",
        HEAD["msgpack"] + b"\x91\x81\xd4\x05\x00\x01",
        HEAD["msgpack"] + b"\x91\xd4\xff\x00",
        HEAD["msgpack"] + b"\x91\xc7\x03\xff\x00\x00\x00",
        b"\x94\x10\x01\x80\xc4\x01a",
        b"\x94\x10\x01\x80\xa1\xff",
        b"\x94\x10\x01\x81\xab" + b"acknowledge" + b"\xd4\x01\x00\xa1a",
        b"\x94\x10\x01\x81\xab" + b"forward_for" + b"\x91\x81\xa1x\xd4\x01\x00\xa1a",
    ],
)
def test_what_is_not_messagepack(payload: bytes) -> None:
    assert refusal(CODECS["msgpack"], payload)


@pytest.mark.spec("MSG-03")
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"\x9f",
        b"\x80",
        b"\xa0",
        b"\xd9\xd9\xf7",
        b"\x9c\x10",
        *(
            HEAD["cbor"] + b"\x81" + part
            for part in (
                b"\x1c",
                b"\x3d",
                b"\x5e",
                b"\x7c",
                b"\x9d",
                b"\xbe",
                b"\xdf\x01",
                b"\xfc",
                b"\x1f",
                b"\x3f",
                b"\xff",
                b"\xf8\x14",
                b"\xf8\x1f",
                b"\x61\xff",
                b"\x63\xed\xa0\x80",
                b"\x78\x02\xc0\xaf",
                b"\x7f\x61\xc3\x61\xa4\xff",
                b"\x7f\x41\x61\xff",
                b"\x7f\x7f\x61\x61\xff\xff",
                b"\x5f\x61\x61\xff",
                b"\xbf\x61\x61\xff",
                b"\xa1\x61\x61\xff",
                b"\xa1\x80\x01",
                b"\xa1\x81\x01\x01",
                b"\xa1\xa0\x01",
                b"\xa1\xc2\x41\x01\x01",
                b"\xc0\xff",
                b"\xc0\x01",
                b"\xc1\x61\x31",
                b"\xc2\x01",
                b"\xc3\x61\x31",
                b"\xd8\x25\x01",
                b"\xd8\x1c\x81\x01",
                b"\xd8\x1d\x00",
                b"\xd8\x19\x00",
                b"\xd9\x01\x00\x81\x61\x61",
                b"\xd9\x00\x1c\x01",
                b"\xdb\x00\x00\x00\x00\x00\x00\x00\x1d\x00",
            )
        ),
        b"\x84\x10\x01\xf7\x61a",
        b"\x84\x10\xf7\xa0\x61a",
        b"\x84\x10\x01\xa1\x67exclude\x81\xf7\x61a",
        b"\x84\x10\x01\xa1\x61x\xc6\x01\x61a",
        b"\x84\x10\x01\xa1\x61x\xe0\x61a",
        b"\x84\x10\xc2\x41\x01\xa0\x61a",
        b"\x84\x10\x01\xa0\x41a",
        b"\x84\x10\x01\xa0\x61\xff",
        b"\x84\x10\x01\xa0\xc0\x61a",
        b"\x84\x18\x30\x01\xa0\x78\x02a",
    ],
)
def test_what_is_not_cbor_or_not_taken(payload: bytes) -> None:
    assert refusal(CODECS["cbor"], payload)


@pytest.mark.spec("MSG-14")
def test_shared_references_are_refused_by_name() -> None:
    payload = HEAD["cbor"] + b"\x81\xd8\x1c\x81\xd8\x1d\x00"
    assert refusal(CODECS["cbor"], payload) == "CBOR shared references that expand are not accepted"
