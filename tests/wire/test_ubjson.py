"""UBJSON as the dialect Binary JData, draft 3 (spec SER-06, SER-08)."""

import pytest
from hypothesis import given, settings
from msgspec import Raw

from tests.support import ubjson
from tests.wire.samples import CODECS, elements, refusal
from tests.wire.test_convert import carry, values
from wampd.realms.messages import Call, Event, Format, Publish
from wampd.router.wire.codec import Uncarriable
from wampd.router.wire.convert import convert
from wampd.router.wire.serializers import codecs
from wampd.router.wire.ubjson_scan import walk
from wampd.router.wire.ubjson_values import dump, load

CODEC = CODECS["ubjson"]
HEAD = b"[U\x10U\x01{}Ca"

# What bjdata 0.6.6 (the library that autobahn uses) writes for each value.
BJDATA = [
    (None, b"Z"),
    (True, b"T"),
    (False, b"F"),
    (0, b"U\x00"),
    (200, b"U\xc8"),
    (300, b"u,\x01"),
    (70000, b"mp\x11\x01\x00"),
    (2**31, b"m\x00\x00\x00\x80"),
    (2**40, b"M\x00\x00\x00\x00\x00\x01\x00\x00"),
    (2**64 - 1, b"M\xff\xff\xff\xff\xff\xff\xff\xff"),
    (2**64, b"HU\x1418446744073709551616"),
    (-1, b"i\xff"),
    (-200, b"I8\xff"),
    (-(2**40), b"L\x00\x00\x00\x00\x00\xff\xff\xff"),
    (-(2**70), b"HU\x17-1180591620717411303424"),
    (1.5, b"D\x00\x00\x00\x00\x00\x00\xf8?"),
    (0.1, b"D\x9a\x99\x99\x99\x99\x99\xb9?"),
    ("", b"SU\x00"),
    ("x", b"Cx"),
    ("é", b"SU\x02\xc3\xa9"),
    ("x" * 300, b"Su,\x01" + b"x" * 300),
    (b"", b"[$B#U\x00"),
    (b"abc", b"[$B#U\x03abc"),
    ([], b"[]"),
    ([None], b"[Z]"),
    ([1, "realm1", {"a": 1}], b"[U\x01SU\x06realm1{U\x01aU\x01}]"),
    ({}, b"{}"),
    ({"k": b"x"}, b"{U\x01k[$B#U\x01x}"),
]


@pytest.mark.spec("SER-06", "SER-08")
@pytest.mark.parametrize(("value", "octets"), BJDATA, ids=lambda value: repr(value)[:30])
def test_values_are_written_and_read_octet_for_octet_as_by_the_library_of_clients(value, octets):
    assert dump(value) == octets
    assert load(octets) == value
    assert type(load(octets)) is type(value)
    assert walk(octets, 0, 8) == len(octets)


@pytest.mark.spec("SER-06")
@given(values)
@settings(deadline=None)
def test_what_is_written_is_read_by_another_reader_and_the_other_way_round(value):
    assert repr(ubjson.loads(dump(value))) == repr(value)
    assert dump(value) == ubjson.dumps(value)
    assert walk(dump(value), 0, 64) == len(dump(value))
    assert repr(load(ubjson.dumps(value))) == repr(value)


OTHER_FORMS = [
    (b"i\x05", 5),
    (b"l\x05\0\0\0", 5),
    (b"B\x05", 5),
    (b"h\x00\x3e", 1.5),
    (b"d\x00\x00\xc0\x3f", 1.5),
    (b"HU\x051.5e3", 1500.0),
    (b"HU\x030.1", 0.1),
    (b"HU\x02-0", 0),
    (b"[NU\x01NNU\x02N]", [1, 2]),
    (b"[#U\x02U\x01U\x02", [1, 2]),
    (b"[#U\x00", []),
    (b"[$U#U\x03\x01\x02\x03", [1, 2, 3]),
    (b"[$I#U\x02\xff\xff\x01\x00", [-1, 1]),
    (b"[$D#i\x01\x00\x00\x00\x00\x00\x00\xf8\x3f", [1.5]),
    (b"[$C#U\x02ab", ["a", "b"]),
    (b"{#U\x01U\x01aZ", {"a": None}),
    (b"{NU\x01aNU\x01N}", {"a": 1}),
    (b"{$i#U\x02U\x01a\x05U\x01b\xff", {"a": 5, "b": -1}),
    (b"{$C#U\x01U\x01ax", {"a": "x"}),
    (b"SI\x01\x00x", "x"),
    (b"[[][#U\x01{}[$U#U\x01\x00]", [[], [{}], [0]]),
]


@pytest.mark.spec("SER-06")
@pytest.mark.parametrize(("octets", "value"), OTHER_FORMS, ids=repr)
def test_every_other_form_of_the_format_is_read_too(octets, value):
    assert load(octets) == value
    assert type(load(octets)) is type(value)
    assert walk(octets, 0, 8) == len(octets)
    whole = HEAD + b"[" + octets + b"]]"
    message = CODEC.decode(whole)
    assert bytes(message.args) == b"[" + octets + b"]"
    assert carry("ubjson", "cbor", message.args) == [value]


@pytest.mark.spec("MSG-03", "PV-07")
@pytest.mark.parametrize(
    "value",
    [
        b"x",
        b"\x00",
        b"C\x80",
        b"SU\x01\xff",
        b"SU\x03\xed\xa0\x80",
        b"Si\xff",
        b"SSU\x01a",
        b"SD\x00\x00\x00\x00\x00\x00\x00\x00",
        b"HU\x01x",
        b"HU\x00",
        b"HU\x0201",
        b"HU\x03NaN",
        b"HU\x08Infinity",
        b"HU\x02\xc2\xb2",
        b"]",
        b"}",
        b"[}",
        b"{]",
        b"{U\x01a}",
        b"{U\x01\xffZ}",
        b"{SU\x01aZ}",
        b"{ZZ}",
        b"[$Z#U\x02",
        b"[$T#U\x02",
        b"[$N#U\x02",
        b"[$[#U\x01]",
        b"[${#U\x01}",
        b"[$S#U\x01U\x01a",
        b"[$H#U\x01U\x011",
        b"[$U\x01",
        b"[$C#U\x01\x80",
        b"[$U#[U\x01U\x01]\x00",
        b"[$U#i\xff",
        b"[#Z",
        b"[#U\x02U\x01",
        b"{$C#U\x01U\x01a\x80",
        b"{$Z#U\x01U\x01a",
        b"{#U\x01Z",
    ],
    ids=repr,
)
def test_what_is_not_accepted_anywhere(value):
    assert refusal(CODEC, HEAD + b"[" + value + b"]]")
    assert refusal(CODEC, HEAD + b"[]{U\x01k" + value + b"}]")
    assert refusal(CODEC, b"[U\x20U\x01{U\x01k" + value + b"}Ca]")
    assert refusal(CODEC, b"[U\x20" + value + b"{}Ca]")


@pytest.mark.spec("MSG-03")
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"U\x01",
        b"{}",
        b"[]",
        b"[#U\x00",
        b"[$U#U\x02\x06\x01",
        b"[$B#U\x01\x06",
        b"[Z]",
        b"[SU\x01a]",
        b"[T]",
        b"N[U\x06{}Ca]",
    ],
    ids=repr,
)
def test_what_is_no_message(payload):
    assert refusal(CODEC, payload)


@pytest.mark.spec("SER-06", "MSG-08")
@pytest.mark.parametrize("empty", [b"[]", b"[#U\x00", b"[$U#U\x00", b"[NN]"])
def test_empty_arguments_of_any_form_are_dropped(empty):
    assert CODEC.decode(HEAD + empty + b"]").args is None
    assert CODEC.decode(HEAD + empty + b"{#i\x00]") == CODEC.decode(HEAD + b"]")


@pytest.mark.spec("SER-06")
@pytest.mark.parametrize("wrong", [b"[$B#U\x01x", b"{}", b"Z", b"U\x01"])
def test_arguments_are_an_array_and_bytes_are_none(wrong):
    assert "array" in refusal(CODEC, HEAD + wrong + b"]")
    assert "object" in refusal(CODEC, HEAD + b"[]" + b"[Z]" + b"]")


@pytest.mark.spec("SER-06", "MSG-03")
def test_a_message_may_have_a_count_and_no_ops():
    message = CODEC.decode(b"[#U\x05NU\x30NU\x07{N}Ca[$U#U\x02\x01\x02")
    assert type(message) is Call
    assert elements("ubjson", Publish(1, CODEC.decode(HEAD + b"]").options, "a")) == [16, 1, {}, "a"]
    assert load(bytes(message.args)) == [1, 2]


@pytest.mark.spec("SER-09")
@pytest.mark.parametrize("text", ["1e400", "-1e400", "0.30000000000000000000001", "1e-400", "9" * 5000, "1e9999999999"])
def test_a_number_that_would_have_to_be_rounded_is_not_carried(text):
    payload = b"[H" + dump(len(text)) + text.encode() + b"]"
    for target in (Format.JSON, Format.MSGPACK, Format.CBOR):
        with pytest.raises(Uncarriable):
            convert(Raw(payload), Format.UBJSON, target)


@pytest.mark.spec("MSG-14")
def test_what_may_nest_deeper_than_python_likes_is_passed_on_or_refused_where_it_must_be_read():
    codec = codecs(512, ["ubjson"])["ubjson"]
    nested = b"[" * 500 + b"]" * 500
    message = codec.decode(HEAD + nested + b"]")
    assert bytes(message.args) == nested
    assert nested in codec.encode_event(Event(1, 2, {}, message.args, None, Format.UBJSON))
    with pytest.raises(Uncarriable):
        convert(message.args, Format.UBJSON, Format.JSON)
    assert "nested" in refusal(codec, b"[U\x20U\x01{U\x01x" + nested + b"}Ca]")


@pytest.mark.spec("MSG-14", "SER-06")
@pytest.mark.trap(1)
def test_numbers_of_high_precision_are_bounded_as_they_cost_much_to_read():
    def publish(count):
        return HEAD + b"[" + b"HU\x011" * count + b"]]"

    assert not refusal(CODEC, publish(10_000))
    assert "more than 100000" in refusal(CODEC, publish(20_000))
