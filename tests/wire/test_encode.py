"""What the router sends, in every serialization (spec MSG-08, SER-04, SER-05)."""

import datetime
from time import process_time
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from tests.wire.samples import CODECS, NAMES, pack, unpack
from wampd.realms.messages import Event, Foreign, Format
from wampd.router.wire.codec import Uncarriable

every_codec = pytest.mark.parametrize("name", NAMES)

SENT: list[tuple[Any, ...]] = [
    (2, 2**53, {"roles": {"broker": {"features": {"x": True}}, "dealer": {}}, "authid": "ä"}),
    (3, {"message": "no"}, "wamp.error.protocol_violation"),
    (4, "ticket", {}),
    (6, {}, "wamp.close.goodbye_and_out"),
    (8, 48, 1, {}, "a.b", ["text", 1.5, None, True]),
    (8, 48, 2**32, {}, "a.b"),
    (17, 23, 24),
    (17, 255, 256),
    (17, 65535, 65536),
    (17, 2**32 - 1, 2**32),
    (33, 1, 2**53),
    (35, 1),
    (35, 0, {"subscription": 5, "reason": "x"}),
    (50, 1, {"progress": True}, [1], {"a": [2]}),
    (65, 1, 2),
    (67, 1),
    (69, 1, {"mode": "kill"}),
]


@every_codec
@pytest.mark.parametrize("message", SENT, ids=lambda message: f"{message[0]}-{len(message)}")
@pytest.mark.spec("SER-01", "SER-04", "SER-08")
def test_every_message_of_the_router_is_written(name: str, message: tuple[Any, ...]) -> None:
    written = CODECS[name].encode(message)
    assert unpack(name, written) == list(message)
    assert written == pack(name, list(message)).replace(b", ", b",").replace(b": ", b":") or name != "cbor"


@every_codec
@given(integer=st.integers(0, 2**64 - 1))
@settings(deadline=None)
def test_integers_are_written_exactly(name: str, integer: int) -> None:
    assert unpack(name, CODECS[name].encode((17, integer, 1))) == [17, integer, 1]


@every_codec
@pytest.mark.spec("MSG-09")
def test_undecoded_payload_is_written_as_it_is(name: str) -> None:
    args, kwargs = pack(name, [1, "ä", 2.0]), pack(name, {"k": None})
    written = CODECS[name].encode((68, 1, 2, {"caller": 3}, Raw(args), Raw(kwargs)))
    assert args in written
    assert kwargs in written
    assert unpack(name, written) == [68, 1, 2, {"caller": 3}, [1, "ä", 2.0], {"k": None}]


@every_codec
@pytest.mark.spec("SER-05")
def test_bytes_made_by_the_router_are_written_in_each_serializations_way(name: str) -> None:
    written = unpack(name, CODECS[name].encode((50, 1, {}, [b"a", {"k": b""}, [b"b"]], {"x": b"c"})))
    if name == "json":
        assert written == [50, 1, {}, ["\0YQ==", {"k": "\0"}, ["\0Yg=="]], {"x": "\0Yw=="}]
    else:
        assert written == [50, 1, {}, [b"a", {"k": b""}, [b"b"]], {"x": b"c"}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in NAMES for value in ("\ud800", {"\udfff": 1}, object())),
        ("json", 10**5000),
        ("msgpack", 2**64),
    ],
    ids=lambda value: value if value in NAMES else type(value).__name__,
)
def test_what_cannot_be_written_is_said_so(name: str, value: Any) -> None:
    with pytest.raises(Uncarriable):
        CODECS[name].encode((50, 1, {}, [value]))
    with pytest.raises(Uncarriable):
        CODECS[name].encode((50, 1, {"a": value}, Raw(pack(name, []))))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_never_holds_nan(number: float) -> None:
    with pytest.raises(Uncarriable):
        CODECS["json"].encode((50, 1, {}, [number]))


@every_codec
@pytest.mark.parametrize("source", NAMES)
@pytest.mark.spec("SER-01", "MSG-08")
def test_an_event_is_written_whatever_its_payload_is_in(name: str, source: str) -> None:
    def event(args: Any, kwargs: Any) -> Any:
        parts = [None if part is None else Raw(pack(source, part)) for part in (args, kwargs)]
        return unpack(name, CODECS[name].encode_event(Event(7, 2**53, {"publisher": 9}, *parts, Format(source))))

    head = [36, 7, 2**53, {"publisher": 9}]
    assert event(None, None) == head
    assert event(["x", 1.5], None) == [*head, ["x", 1.5]]
    assert event(["x"], {"k": [2]}) == [*head, ["x"], {"k": [2]}]
    assert event([], {"k": 1}) == [*head, [], {"k": 1}]
    assert event(None, {"k": 1}) == [*head, [], {"k": 1}]


@every_codec
@pytest.mark.parametrize("source", NAMES)
@pytest.mark.spec("SER-01")
def test_a_message_with_foreign_payload_is_converted(name: str, source: str) -> None:
    args, kwargs = Raw(pack(source, ["x", 2**60])), Raw(pack(source, {"k": None}))
    codec = CODECS[name]
    assert unpack(name, codec.encode_foreign(Foreign((50, 3, {}, args, kwargs), Format(source)))) == [
        50,
        3,
        {},
        ["x", 2**60],
        {"k": None},
    ]
    assert unpack(name, codec.encode_foreign(Foreign((8, 48, 3, {}, "a.b", args), Format(source)))) == [
        8,
        48,
        3,
        {},
        "a.b",
        ["x", 2**60],
    ]


@pytest.mark.parametrize(
    ("source", "payload", "target"),
    [
        ("msgpack", b"\x91\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "json"),
        ("cbor", b"\x81\xf9\x7e\x00", "json"),
        ("json", b"[1e999]", "msgpack"),
        ("json", b"[18446744073709551616]", "msgpack"),
        ("msgpack", b"\x91\xd4\x05\x00", "cbor"),
        ("cbor", b"\x81\xc6\x01", "msgpack"),
    ],
)
def test_poison_stops_at_the_receiver_that_cannot_carry_it(source: str, payload: bytes, target: str) -> None:
    event = Event(1, 2, {}, Raw(payload), None, Format(source))
    with pytest.raises(Uncarriable):
        CODECS[target].encode_event(event)
    with pytest.raises(Uncarriable):
        CODECS[target].encode_foreign(Foreign((50, 1, {}, Raw(payload)), Format(source)))
    assert payload in CODECS[source].encode_event(event)


@pytest.mark.spec("SER-04")
def test_cbor_is_written_with_definite_lengths_and_shortest_integers() -> None:
    written = CODECS["cbor"].encode((36, 23, 24, {"a": [1, "b"]}, ["c" * 24]))
    assert written == bytes.fromhex("851824171818a16161820161628178186363") + b"c" * 22


def test_a_moment_made_by_the_router_is_written() -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    assert unpack("json", CODECS["json"].encode((50, 1, {}, [moment]))) == [50, 1, {}, ["2026-01-02T03:04:05Z"]]
    assert cbor2.loads(CODECS["cbor"].encode((50, 1, {}, [moment])))[3] == [moment]


@pytest.mark.slow
@every_codec
@pytest.mark.spec("META-S-04")
def test_a_hundred_thousand_ids_are_written_without_stopping_the_router(name: str) -> None:
    ids = [2**53 - number * 7919 for number in range(100_000)]
    message = Foreign((50, 1, {}, [ids]), Format.PLAIN)
    begun = process_time()
    written = CODECS[name].encode_foreign(message)
    assert process_time() - begun < 0.1  # 0.025 s on a machine that has nothing else to do
    assert unpack(name, written)[3] == [ids]
