"""Payload from one serialization into another (spec SER-03, SER-05, SER-09, MSG-09)."""

import base64
import contextlib
import datetime
import itertools
import json
import time
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from tests.wire.samples import NAMES, pack, unpack
from wampd.realms.messages import Format
from wampd.router.wire.codec import Uncarriable
from wampd.router.wire.convert import convert, convert_tail, load

PAIRS = [pair for pair in itertools.product(NAMES, NAMES) if pair[0] != pair[1]]
every_pair = pytest.mark.parametrize(("source", "target"), PAIRS, ids=lambda name: name)


def carry(source: str, target: str, payload: bytes) -> Any:
    """What a receiver reads of a payload in ``source``."""
    converted = convert(Raw(payload), Format(source), Format(target))
    assert converted is not None
    return unpack(target, converted)


def for_json(value: Any) -> Any:
    """A value as a client writes it in JSON."""
    if isinstance(value, bytes):
        return "\0" + base64.b64encode(value).decode()
    if isinstance(value, list):
        return [for_json(item) for item in value]
    return {key: for_json(item) for key, item in value.items()} if isinstance(value, dict) else value


def write(name: str, value: Any) -> bytes:
    return pack(name, for_json(value) if name == "json" else value)


def seen(name: str, value: Any) -> Any:
    return for_json(value) if name == "json" else value


def _is_binary_in_disguise(text: str) -> bool:
    return text.startswith("\0")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: not _is_binary_in_disguise(text))
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=5)
    ),
    max_leaves=20,
)


@every_pair
@pytest.mark.spec("SER-01", "SER-05", "SER-09", "MSG-09")
@given(args=st.lists(values, max_size=5))
@settings(deadline=None, max_examples=60)
def test_a_value_arrives_as_it_was_sent(source: str, target: str, args: list[Any]) -> None:
    # repr tells 1 from 1.0 and from True, and 0.0 from -0.0.
    assert repr(carry(source, target, write(source, args))) == repr(seen(target, args))


@every_pair
@pytest.mark.spec("SER-05", "SER-09")
@given(kwargs=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values, max_size=5))
@settings(deadline=None, max_examples=60)
def test_there_and_back_again_nothing_has_changed(source: str, target: str, kwargs: dict[str, Any]) -> None:
    there = convert(Raw(write(source, kwargs)), Format(source), Format(target))
    back = convert(there, Format(target), Format(source))
    assert repr(unpack(source, back)) == repr(seen(source, kwargs))


@every_pair
@given(integer=st.integers(-(2**63), 2**64 - 1))
@pytest.mark.spec("SER-09")
@settings(deadline=None)
def test_integers_of_64_bits_are_never_rounded(source: str, target: str, integer: int) -> None:
    assert carry(source, target, pack(source, [integer])) == [integer]


@pytest.mark.spec("SER-09")
@pytest.mark.parametrize("integer", [2**64, -(2**63) - 1, 10**100, -(10**100)])
def test_larger_integers_are_exact_or_not_carried(integer: int) -> None:
    exact = ("json", "cbor", "ubjson")
    for source, target in itertools.permutations(exact, 2):
        assert carry(source, target, pack(source, [integer])) == [integer]
    for source in exact:
        with pytest.raises(Uncarriable):
            carry(source, "msgpack", pack(source, [integer]))


@pytest.mark.spec("SER-09")
def test_a_json_number_beyond_every_other_is_not_carried() -> None:
    for number in (b"1e400", b"-1e400", b"9" * 5000):
        for target in ("msgpack", "cbor", "ubjson"):
            with pytest.raises(Uncarriable):
                carry("json", target, b"[" + number + b"]")


@every_pair
@pytest.mark.spec("SER-09")
def test_floats_stay_floats(source: str, target: str) -> None:
    numbers = [1.0, -0.0, 0.1, 1e16, 1e22, 5e-324, 1.7976931348623157e308, 2.0**53]
    assert repr(carry(source, target, pack(source, numbers))) == repr(numbers)


@pytest.mark.spec("SER-05")
def test_bytes_in_json_are_a_string_with_a_nul_and_base64() -> None:
    data = bytes.fromhex("10e3ff9053075c526f5fc06d4fe37cdb")
    for source in ("msgpack", "cbor", "ubjson"):
        assert carry(source, "json", pack(source, [data])) == ["\0EOP/kFMHXFJvX8BtT+N82w=="]
        assert carry("json", source, b'["\\u0000EOP/kFMHXFJvX8BtT+N82w=="]') == [data]
        assert carry(source, "json", pack(source, [{"deep": [[b""]]}])) == [{"deep": [["\0"]]}]
        assert carry("json", source, b'[{"deep":[["\\u0000"]]}]') == [{"deep": [[b""]]}]


@pytest.mark.spec("SER-05")
@pytest.mark.parametrize(
    "text", ["\0!", "\0a", "\0ab", "\0abc", "\0YQ", "\0YQ==x", "\0YQ= =", "\0é", "a\0YQ==", "\0 YQ=="]
)
def test_a_string_that_only_starts_with_nul_stays_a_string(text: str) -> None:
    for target in ("msgpack", "cbor", "ubjson"):
        assert carry("json", target, pack("json", [text, {"k": text}])) == [text, {"k": text}]


@pytest.mark.spec("SER-05")
def test_keys_are_never_bytes() -> None:
    for target in ("msgpack", "cbor", "ubjson"):
        assert carry("json", target, b'{"\\u0000YQ==":"\\u0000YQ=="}') == {"\0YQ==": b"a"}


@pytest.mark.spec("SER-03")
def test_text_and_bytes_are_told_apart_between_binary_serializations() -> None:
    for source, target in itertools.permutations(("msgpack", "cbor", "ubjson"), 2):
        assert carry(source, target, pack(source, ["a", b"a"])) == ["a", b"a"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("source", ["msgpack", "cbor", "ubjson"])
def test_numbers_that_json_has_not_are_not_carried_to_it(source: str, number: float) -> None:
    for value in ([number], [1, [number]], {"a": number}, [{"a": {"b": [number]}}], [1.5, number]):
        with pytest.raises(Uncarriable):
            carry(source, "json", pack(source, value))
    for other in {"msgpack", "cbor", "ubjson"} - {source}:
        assert repr(carry(source, other, pack(source, [number]))) == repr([number])


MOMENT = datetime.datetime(2026, 11, 21, 10, 20, 30, 400500, tzinfo=datetime.UTC)


@pytest.mark.parametrize("source", ["msgpack", "cbor"])
def test_a_timestamp_is_a_string_in_json_and_ubjson(source: str) -> None:
    for target in ("json", "ubjson"):
        assert carry(source, target, pack(source, [MOMENT])) == ["2026-11-21T10:20:30.400500Z"]


def test_a_timestamp_stays_one_between_binary_serializations() -> None:
    assert carry("msgpack", "cbor", pack("msgpack", [MOMENT])) == [MOMENT]
    assert carry("cbor", "msgpack", pack("cbor", [MOMENT])) == [MOMENT]
    seconds = cbor2.CBORTag(1, 1363896240)
    assert carry("cbor", "msgpack", cbor2.dumps([seconds])) == [
        datetime.datetime.fromtimestamp(1363896240, datetime.UTC)
    ]


@pytest.mark.parametrize(
    ("tag", "in_json"),
    [
        (cbor2.CBORTag(1, 1363896240), "2013-03-21T20:04:00Z"),
        (cbor2.CBORTag(0, "2013-03-21T20:04:00Z"), "2013-03-21T20:04:00Z"),
        (cbor2.CBORTag(2, b"\x01" + bytes(8)), 2**64),
        (cbor2.CBORTag(3, b"\x01" + bytes(8)), -1 - 2**64),
        (cbor2.CBORTag(37, bytes(range(16))), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        (cbor2.CBORTag(1004, "2026-11-21"), "2026-11-21"),
        (cbor2.CBORTag(100, 0), "1970-01-01"),
        (cbor2.CBORTag(55799, [1]), [1]),
        (cbor2.undefined, None),
    ],
    ids=repr,
)
def test_tagged_values_that_have_a_counterpart(tag: Any, in_json: Any) -> None:
    payload = cbor2.dumps([tag, {"a": tag}])
    assert carry("cbor", "json", payload) == [in_json, {"a": in_json}]
    if type(in_json) is not int:
        assert carry("cbor", "msgpack", payload)[0] in (
            in_json,
            datetime.datetime(2013, 3, 21, 20, 4, tzinfo=datetime.UTC),
        )


@pytest.mark.parametrize(
    "payload",
    [
        "d9010281 01",  # a set
        "c48221196ab3",  # a decimal fraction
        "d8236161",  # a regular expression
        "d81e820102",  # a fraction
        "d9ffff01",  # an unknown tag
        "e0",  # simple value 0
        "f8ff",  # simple value 255
        "c077323031332d30332d32315432303a30343a30305a787878",  # no time
        "c1fb7ff0000000000000",  # the end of time
        "c11b7fffffffffffffff",  # after the end of time
        "d8254101",  # a UUID of one byte
    ],
)
def test_what_only_cbor_has_is_not_carried(payload: str) -> None:
    for target in ("json", "msgpack", "ubjson"):
        with pytest.raises(Uncarriable):
            carry("cbor", target, b"\x81" + bytes.fromhex(payload))


@pytest.mark.parametrize(
    "value",
    [
        b"\xd4\x05\x00",  # an extension of the application
        b"\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff",  # a timestamp far in the future
    ],
)
def test_what_only_messagepack_has_is_not_carried(value: bytes) -> None:
    for target in ("json", "cbor", "ubjson"):
        with pytest.raises(Uncarriable):
            carry("msgpack", target, b"\x91" + value)


@pytest.mark.parametrize("source", ["msgpack", "cbor"])
def test_integer_keys_become_strings_in_json_and_ubjson(source: str) -> None:
    for target in ("json", "ubjson"):
        assert carry(source, target, pack(source, [{1: "a", -(2**60): "b", "x": 3}])) == [
            {"1": "a", "-1152921504606846976": "b", "x": 3}
        ]


@pytest.mark.parametrize("source", ["msgpack", "cbor"])
@pytest.mark.parametrize("mapping", [{1: 1, "1": 2}, {b"a": 1}, {1.5: 1}, {None: 1}, {True: 1}], ids=repr)
def test_keys_that_json_and_ubjson_have_not_are_not_carried_to_them(source: str, mapping: dict[Any, Any]) -> None:
    for target in ("json", "ubjson"):
        with pytest.raises(Uncarriable):
            carry(source, target, pack(source, [mapping]))
    other = "cbor" if source == "msgpack" else "msgpack"
    assert repr(carry(source, other, pack(source, [mapping]))) == repr([mapping])


def test_of_duplicate_keys_the_last_one_counts() -> None:
    assert carry("json", "cbor", b'{"a":1,"a":2}') == {"a": 2}
    assert carry("msgpack", "json", b"\x82\xa1a\x01\xa1a\x02") == {"a": 2}
    assert carry("cbor", "json", b"\xa2\x61a\x01\x61a\x02") == {"a": 2}


@pytest.mark.spec("SER-04")
def test_indefinite_lengths_become_definite() -> None:
    payload = bytes.fromhex("9f7f616161629fffff").replace(
        b"\x9f\xff\xff", b"\xff\x9f\xff\xbf\x61a\x5f\x41\x01\xff\xff\xff"
    )
    assert carry("cbor", "msgpack", payload) == ["ab", [], {"a": b"\x01"}]
    assert carry("cbor", "json", payload) == ["ab", [], {"a": "\0AQ=="}]


def test_what_goes_into_json_is_json() -> None:
    text = "".join(map(chr, [*range(0x100), 0x2028, 0x2029, 0xFFFF, 0x10FFFF]))
    for source in ("msgpack", "cbor", "ubjson"):
        assert carry(source, "json", pack(source, [text, {text: 1}])) == [text, {text: 1}]


def test_nothing_is_converted_that_need_not_be() -> None:
    raw = Raw(b"[ 1.0 ]")
    assert convert(raw, Format.JSON, Format.JSON) is raw
    assert convert(None, Format.JSON, Format.CBOR) is None
    message = (68, 1, 2, {"a": [1]}, raw)
    converted = convert_tail(message, Format.JSON, Format.MSGPACK)
    assert converted[:4] == message[:4]
    assert unpack("msgpack", converted[4]) == [1.0]


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        ("json", b"[" + b"1," * 400_000 + b"1]"),
        ("json", b"[" + b'"\\u0000",' * 80_000 + b"1]"),
        ("json", b"[" + b"[]," * 250_000 + b"1]"),
        ("json", b"[" + b"123456789e290," * 50_000 + b"1]"),
        ("msgpack", msgspec.msgpack.encode([[0]] * 400_000)),
        ("msgpack", msgspec.msgpack.encode([b""] * 400_000)),
        ("msgpack", msgspec.msgpack.encode(["\1" * 800_000])),
        ("cbor", b"\x9f" + b"\xc1\x00" * 400_000 + b"\xff"),
        ("cbor", b"\x9f" + b"\xf9\x00\x01" * 250_000 + b"\xff"),
        ("cbor", b"\x9f" + b"\xf7" * 400_000 + b"\xff"),
        ("cbor", b"\x81\xc2\x5a\x00\x0b\xff\xff" + b"\xff" * 0xBFFFF),
        ("cbor", b"\x9f" + b"\xc2\x4a" + b"\xff" * 10 + b"\xff"),
        ("ubjson", b"[" + b"Z" * 800_000 + b"]"),
        ("ubjson", b"[$U#m\x00\x00\x0c\x00" + b"\xff" * 0xC0000),
        ("ubjson", b"[$C#m\x00\x00\x0c\x00" + b"\x01" * 0xC0000),
        ("ubjson", b"[" + b"[$B#U\x00" * 130_000 + b"]"),
        ("ubjson", b"[" + b"[]" * 390_000 + b"]"),
        ("ubjson", b"[Hm\x00\x00\x0c\x00" + b"9" * 0xC0000 + b"]"),
        ("ubjson", b"[Hm\x00\x00\x0c\x001." + b"9" * 0xBFFFE + b"]"),
        ("ubjson", b"[" + b"HU\x0c1e9999999999" * 50_000 + b"]"),
        ("ubjson", b"[HU\x0d1e-9999999999]"),
        ("ubjson", b"[" + b"d\x01\x00\x00\x00" * 150_000 + b"]"),
    ],
    ids=[
        "ints",
        "bytes",
        "arrays",
        "floats",
        "arrays",
        "bytes",
        "escapes",
        "times",
        "floats",
        "undefined",
        "huge",
        "big",
        "nulls",
        "typed",
        "characters",
        "empty bytes",
        "empty arrays",
        "digits",
        "fractions",
        "exponents",
        "small exponent",
        "small floats",
    ],
)
def test_time_and_size_are_bounded(source: str, payload: bytes) -> None:
    for target in NAMES:
        started = time.process_time()
        converted = None
        with contextlib.suppress(Uncarriable):
            converted = convert(Raw(payload), Format(source), Format(target))
        # About 0.3 s is the worst here.
        assert time.process_time() - started < 3
        assert converted is None or len(converted) <= 12 * len(payload) + 2


def test_the_reference_encoder_of_these_tests_refuses_what_is_not_json() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        unpack("json", json.dumps([float("nan")]).encode())


@pytest.mark.trap(2)
def test_a_value_that_only_cbor_knows_cannot_be_read_for_the_routers_own_use() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        load(Raw(cbor2.dumps([cbor2.CBORTag(4711, "x")])), Format.CBOR)
