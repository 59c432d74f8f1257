"""FlatBuffers in autobahn's schema (spec SER-07, SER-08)."""

import itertools
import re
import struct
import time
from pathlib import Path

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from tests.support import flatbuffers
from tests.support.flatbuffers import LIBRARY, RoleCallerFeatures, theirs
from tests.wire.samples import MESSAGES, elements, refusal
from tests.wire.test_convert import values
from tests.wire.test_encode import SENT
from wampd.realms import messages as m
from wampd.realms.messages import Event, Foreign, Format
from wampd.router.wire import flatbuffers_schema as schema
from wampd.router.wire.codec import Uncarriable
from wampd.router.wire.convert import convert
from wampd.router.wire.flatbuffers_values import Writer
from wampd.router.wire.serializers import codecs

CODEC = codecs(names=["flatbuffers"])["flatbuffers"]


# ------------------------------------------------------------------------------------------------------- the schema


def slots(table):
    """The fields of a table in the generated code, by their slots."""
    code = Path(flatbuffers.generated(table).__file__).read_text()
    found = re.findall(rf"def {table}Add(\w+)\(.*?Slot\(\s*(\d+),", code, re.DOTALL)
    return {int(slot): name for name, slot in found}


@pytest.mark.spec("SER-07")
@pytest.mark.parametrize(
    ("table", "fields"),
    [(m.MESSAGES[code].name.capitalize(), fields) for code, fields in schema.MESSAGES.items()]
    + [(flatbuffers.camel(name), fields) for name, fields in schema.TABLES.items()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_field_is_in_its_slot_of_the_generated_code(table, fields):
    assert {slot: flatbuffers.camel(field.name) for slot, field in enumerate(fields)} == slots(table)


@pytest.mark.spec("SER-07")
def test_every_message_has_a_table_and_a_shape():
    # 337 is no code for a union, whose types are bytes; nor has autobahn a table for it.
    assert schema.MESSAGES.keys() == schema.SHAPES.keys() == m.MESSAGES.keys() - {m.EVENT_RECEIVED}


# ------------------------------------------------------------------------------------------------ messages of clients


FROM_AUTOBAHN = [
    (theirs.Call(7, "a.b", args=[1, "ä"], kwargs={"k": b"x"}, timeout=500, receive_progress=True), None),
    (theirs.Call(9, "a.b"), None),
    (theirs.Publish(8, "a.b", args=[1], acknowledge=True, exclude_me=False), None),
    (theirs.Publish(8, "a.b", exclude=[3, 4], exclude_authid=["a", "b"], exclude_authrole=["r"]), None),
    (theirs.Publish(8, "a.b", eligible_authid=["a"], eligible_authrole=["r"], retain=True), None),
    (theirs.Subscribe(1, "a.", match="prefix", get_retained=True), None),
    (theirs.Subscribe(1, "a..b", match="wildcard"), None),
    (theirs.Register(3, "x.y", match="prefix", invoke="roundrobin", concurrency=5), None),
    (theirs.Unsubscribe(1, 2**53), None),
    (theirs.Unregister(1, 2), None),
    (theirs.Yield(4, args=[5], kwargs={"a": None}), None),
    (theirs.Yield(4, args=[5], progress=True), None),
    (theirs.Error(68, 5, "com.err", args=["x"]), None),
    (theirs.Cancel(6, mode="kill"), None),
    (theirs.Cancel(6, mode="skip"), None),
    (theirs.Goodbye("wamp.close.x", "bye"), None),
    (theirs.Abort("wamp.x", "m"), None),
    (theirs.Authenticate("sig"), [5, "sig", {}]),
    (
        theirs.Call(9, "a.b", payload=b"xx", enc_algo="mqtt", enc_serializer="cbor"),
        [48, 9, {"ppt_scheme": "mqtt"}, "a.b", [b"xx"]],
    ),
    (
        theirs.Hello("realm1", {"caller": RoleCallerFeatures(call_timeout=True)}, authid="joe"),
        [1, "realm1", {"roles": {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}, "authid": "joe"}],
    ),
]


@pytest.mark.filterwarnings("ignore:numElems is deprecated")  # autobahn's own
@pytest.mark.spec("SER-07", "SER-08")
@pytest.mark.parametrize(("message", "expected"), FROM_AUTOBAHN, ids=lambda value: type(value).__name__)
def test_what_autobahn_writes_is_read_like_the_same_message_in_cbor(message, expected):
    payload, binary = LIBRARY.serialize(message)
    assert binary
    same = CODEC.decode(payload)
    other = codecs()["cbor"].decode(cbor2.dumps(message.marshal() if expected is None else expected))
    if expected is None:
        assert elements("cbor", same) == elements("cbor", other)
    else:
        for part, wanted in zip(elements("cbor", same), expected, strict=True):
            assert part == wanted or {key: part[key] for key in wanted} == wanted


@pytest.mark.spec("SER-07", "SER-01")
@pytest.mark.parametrize(
    "message",
    [message for message in MESSAGES if message[0] != m.EVENT_RECEIVED],
    ids=lambda message: f"{message[0]}-{len(message)}",
)
def test_messages_of_clients_are_read_as_in_every_other_serialization(message):
    same = elements("cbor", CODEC.decode(flatbuffers.dumps(message)))
    other = elements("cbor", codecs()["cbor"].decode(cbor2.dumps(message)))
    if message[0] == m.HELLO:  # the schema has no fields for features that it does not know
        other[2] = {**other[2], "roles": {role: {} for role in other[2]["roles"]}}
    if message[0] == m.AUTHENTICATE:
        assert other[2] == same[2]
    assert same == other


@pytest.mark.spec("SER-07", "SER-01")
@given(
    args=st.lists(values, max_size=4),
    kwargs=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values, max_size=3),
)
@settings(deadline=None)
def test_arguments_go_through_as_they_came(args, kwargs):
    message = CODEC.decode(flatbuffers.dumps([16, 1, {}, "a.b", args, kwargs]))
    if kwargs:
        assert (bytes(message.args), bytes(message.kwargs)) == (cbor2.dumps(args), cbor2.dumps(kwargs))
    written = CODEC.encode_event(Event(1, 2, {}, message.args, message.kwargs, Format.FLATBUFFERS))
    assert repr(flatbuffers.loads(written)[4:]) == repr([args, kwargs] if kwargs else [args] if args else [])


@pytest.mark.spec("SER-07")
def test_features_are_those_that_the_client_has():
    roles = {"caller": {"features": {"call_timeout": True, "call_canceling": False}}, "subscriber": {}}
    hello = CODEC.decode(flatbuffers.dumps([1, "realm1", {"roles": roles, "authmethods": ["ticket", "cryptosign"]}]))
    assert hello.details.roles.caller.has("call_timeout")
    assert not hello.details.roles.caller.has("call_canceling")
    assert hello.details.roles.subscriber is not None
    assert hello.details.roles.callee is None
    assert hello.details.authmethods == ["ticket", "cryptosign"]


# ------------------------------------------------------------------------------------------------ messages of routers


@pytest.mark.spec("SER-07", "SER-08")
@pytest.mark.parametrize(
    "message", [*SENT, (4, "wampcra", {"challenge": "{}"})], ids=lambda message: f"{message[0]}-{len(message)}"
)
def test_messages_of_the_router_are_read_by_the_generated_code(message):
    expected = list(message)
    if message[0] == m.WELCOME:
        expected[2] = {
            "authid": "ä",
            "roles": {"broker": {"features": {}}, "dealer": {"features": {}}},
            "authmethod": "anonymous",
        }
    read = flatbuffers.loads(CODEC.encode(message))
    assert read == expected
    assert len(CODEC.encode(message)) < 2 * len(cbor2.dumps(message)) + 100


@pytest.mark.spec("SER-07")
def test_the_library_of_clients_reads_what_the_router_writes():
    def read(*message):
        [one] = LIBRARY.unserialize(CODEC.encode(message))
        return one

    def cbor(value):
        return Raw(cbor2.dumps(value))

    welcome = read(2, 2**53, {"realm": "realm1", "authid": "x", "authrole": "y", "roles": {"broker": {}, "dealer": {}}})
    assert (welcome.session, welcome.realm, welcome.authid, welcome.authrole) == (2**53, "realm1", "x", "y")
    event = read(36, 1, 2, {"publisher": 9, "topic": "a", "retained": True}, cbor([1, b"x"]), cbor({"a": 1}))
    assert event.marshal() == [36, 1, 2, {"publisher": 9, "topic": "a", "retained": True}, [1, b"x"], {"a": 1}]
    invocation = read(68, 1, 2, {"caller": 3, "caller_authid": "q", "procedure": "a.b", "timeout": 3}, cbor([1]))
    assert invocation.marshal() == [
        68,
        1,
        2,
        {"caller": 3, "caller_authid": "q", "procedure": "a.b", "timeout": 3},
        [1],
    ]
    result = read(50, 1, {"progress": True}, cbor([1]), cbor({"a": 2}))
    assert result.marshal() == [50, 1, {"progress": True}, [1], {"a": 2}]
    assert read(17, 1, 2**53).marshal() == [17, 1, 2**53]
    assert read(3, {"message": "no"}, "a.b").marshal() == [3, {"message": "no"}, "a.b"]
    passthru = read(68, 1, 2, {"ppt_scheme": "mqtt", "ppt_serializer": "cbor"}, cbor([b"zz"]))
    assert (passthru.enc_algo, passthru.enc_serializer, bytes(passthru.payload)) == ("mqtt", "cbor", b"zz")


@pytest.mark.spec("SER-07")
def test_numbers_are_aligned_and_what_is_zero_takes_no_room():
    for length in range(9):
        written = CODEC.encode((36, 2**53, 2**52, {"topic": "x" * length, "publisher": 7}, Raw(b"\x81\x01")))
        assert written.index(struct.pack("<Q", 2**53)) % 8 == 0
        assert written.index(struct.pack("<Q", 7)) % 8 == 0
    assert len(CODEC.encode((67, 0))) < len(CODEC.encode((67, 1)))


@pytest.mark.spec("SER-07", "FEA-02")
def test_details_that_the_schema_has_not_or_has_otherwise_are_left_out():
    plain = CODEC.encode((68, 1, 2, {"caller": 3}))
    assert (
        CODEC.encode((68, 1, 2, {"caller": 3, "trustlevel": 5, "caller_authid": 7, "timeout": -1, "x": [1]})) == plain
    )
    assert CODEC.encode((68, 1, 2, {"caller": 3, "args": b"no", "payload": b"no", "timeout": 2**40})) == plain
    assert flatbuffers.loads(CODEC.encode((4, "other", {"n": 1, "challenge": "x"})))[2] == {"challenge": "x"}


@pytest.mark.spec("SER-07")
@pytest.mark.parametrize("name", ["ppt_scheme", "ppt_serializer", "ppt_cipher"])
def test_a_passthru_payload_that_the_schema_cannot_name_is_not_carried(name):
    details = {"ppt_scheme": "mqtt", name: "x_custom"}
    with pytest.raises(Uncarriable):
        CODEC.encode_event(Event(1, 2, details, Raw(cbor2.dumps([b"x"])), None, Format.CBOR))
    with pytest.raises(Uncarriable):
        CODEC.encode_foreign(Foreign((50, 1, details, Raw(cbor2.dumps([b"x"]))), Format.CBOR))


@pytest.mark.spec("SER-01", "SER-05", "SER-07")
def test_payload_is_converted_like_that_of_cbor_and_not_at_all_between_the_two():
    payload = Raw(cbor2.dumps([b"\x01", {"k": 2**70}]))
    assert convert(payload, Format.FLATBUFFERS, Format.CBOR) is payload
    assert convert(payload, Format.CBOR, Format.FLATBUFFERS) is payload
    assert bytes(convert(payload, Format.FLATBUFFERS, Format.JSON)) == b'["\\u0000AQ==",{"k":1180591620717411303424}]'
    assert bytes(convert(Raw(b'["\\u0000AQ=="]'), Format.JSON, Format.FLATBUFFERS)) == cbor2.dumps([b"\x01"])
    for value in (float("nan"), 2**70):
        with pytest.raises(Uncarriable):
            convert(Raw(cbor2.dumps([value])), Format.FLATBUFFERS, Format.JSON if value != value else Format.MSGPACK)
    event = Event(1, 2, {}, Raw(b"[NaN]"), None, Format.JSON)
    with pytest.raises(Uncarriable):
        CODEC.encode_event(event)


@pytest.mark.parametrize("value", ["\ud800", object()], ids=["surrogate", "object"])
def test_what_cannot_be_written_is_said_so(value):
    with pytest.raises(Uncarriable):
        CODEC.encode((50, 1, {}, [value]))
    with pytest.raises(Uncarriable):
        CODEC.encode((8, 48, 1, {}, "\ud800"))


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.spec("MSG-03", "PV-07")
@given(data=st.binary(max_size=200))
@settings(deadline=None)
def test_random_bytes(data):
    refusal(CODEC, data)


ALL = [*MESSAGES, [16, 1, {"exclude_authid": ["a", "bc"], "eligible": [5]}, "a.b", [1], {"k": 2}]]


@pytest.mark.spec("MSG-03", "PV-07")
@pytest.mark.parametrize("message", ALL, ids=lambda message: f"{message[0]}-{len(message)}")
def test_a_message_cut_short_is_read_or_refused(message):
    payload = flatbuffers.dumps(message)
    for length in range(len(payload)):
        refusal(CODEC, payload[:length])
    assert all(refusal(CODEC, payload[:length]) for length in range(12))


@pytest.mark.spec("MSG-03", "MSG-14")
@pytest.mark.parametrize("message", ALL, ids=lambda message: f"{message[0]}-{len(message)}")
def test_a_message_with_any_bit_flipped_is_read_or_refused(message):
    payload = bytearray(flatbuffers.dumps(message))
    for position, bit in itertools.product(range(len(payload)), range(8)):
        payload[position] ^= 1 << bit
        refusal(CODEC, bytes(payload))
        payload[position] ^= 1 << bit


@pytest.mark.spec("MSG-03")
@given(
    st.sampled_from(ALL),
    st.lists(st.tuples(st.integers(0, 400), st.integers(-4, 4) | st.sampled_from([255, 2**31 - 1, 2**32 - 1]))),
)
@settings(deadline=None, max_examples=300)
def test_offsets_that_point_elsewhere_are_followed_or_refused(message, changes):
    payload = bytearray(flatbuffers.dumps(message))
    for place, by in changes:
        at = place % (len(payload) - 3)
        struct.pack_into("<I", payload, at, (struct.unpack_from("<I", payload, at)[0] + by) % 2**32)
    refusal(CODEC, bytes(payload))


@pytest.mark.spec("MSG-03")
@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"args": b"\x01"}, "array"),
        ({"kwargs": b"\x80"}, "map"),
        ({"args": b"\x81"}, "truncated"),
        ({"args": b"\x80\x80"}, "trailing"),
        ({"args": b"\x81\x61\xff"}, "UTF-8"),
        ({"args": b"\x81" * 70 + b"\x01"}, "levels deep"),
        ({"args": b"\x81\xd8\x1c\x01"}, "shared"),
        ({"payload": b"x"}, "ppt_scheme"),
        ({"payload": b"x", "ppt_scheme": "mqtt", "args": b"\x81\x01"}, "payload stands alone"),
        ({"request": 0}, "int"),
        ({"request": 2**53 + 1}, "int"),
        ({"topic": None}, "str"),
    ],
    ids=repr,
)
def test_what_is_wrong_in_a_message_is_said(fields, why):
    values = {"request": 1, "topic": "a.b", **fields}
    assert why in refusal(CODEC, Writer().message(16, schema.MESSAGES[16], values))


@pytest.mark.spec("MSG-10")
@pytest.mark.parametrize("code", [2, 17, 33, 36, 50, 68, 0, 7, 37, 255])
def test_what_only_routers_send_and_what_nobody_sends_is_refused(code):
    fields = schema.MESSAGES.get(code, ())
    assert "not for clients" in refusal(CODEC, Writer().message(code, fields, {"request": 1})) or code not in m.MESSAGES
    assert refusal(CODEC, Writer().message(code, fields, {}))


@pytest.mark.spec("MSG-14")
@pytest.mark.trap(1)
@pytest.mark.parametrize(
    ("name", "size", "why"),
    [
        ("exclude_authid", 2**19, "too often"),
        ("exclude_authid", 0, "too often"),
        ("args", 2**19, "trailing"),
        ("exclude", 2**19, "truncated"),
    ],
)
def test_a_small_buffer_that_refers_to_the_same_bytes_very_often_costs_no_more_than_its_size(name, size, why):
    count = 2**17
    topic = b"\x00\x00\x00\x00"
    # Each element of the vector refers to the same text, which is half the message, or empty.
    if name == "exclude_authid":
        text = struct.pack("<I", size) + b"x" * size + b"\0"
        vector = struct.pack("<I", count) + b"".join(struct.pack("<I", 4 * (count - index)) for index in range(count))
    elif name == "args":
        text, vector = b"", struct.pack("<I", size) + b"\x80" * size
    else:
        text, vector = b"", struct.pack("<I", 2**28) + bytes(size)
    slot = {"exclude_authid": 13, "args": 3, "exclude": 12}[name]
    vtable = struct.pack("<HH", 4 + 2 * 14, 8) + b"".join(
        struct.pack("<H", 4 if each == slot else 0) for each in range(14)
    )
    table = struct.pack("<iI", len(vtable), 4) + vector + text + topic
    root = struct.pack("<HHHH", 8, 12, 8, 4) + struct.pack("<iI", 8, 8 + len(vtable)) + struct.pack("<I", 16)
    payload = struct.pack("<I", 12) + root + vtable + table
    started = time.process_time()
    assert why in refusal(CODEC, payload)
    assert time.process_time() - started < 2
