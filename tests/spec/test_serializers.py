"""Serializers (basic profile, "Serializers"; advanced profile, "Binary conversion of JSON strings")."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.spec.scenes import registered, subscribed
from tests.support.play import ANY, nothing
from tests.support.values import SERIALIZERS
from wampd.realms.messages import CALL, ERROR, EVENT, INVOCATION, PUBLISH, REGISTER, REGISTERED, RESULT, YIELD

PAIRS = list(permutations(SERIALIZERS, 2))
BYTES = bytes.fromhex("10e3ff9053075c526f5fc06d4fe37cdb")
TEXT = "\0EOP/kFMHXFJvX8BtT+N82w=="
"""The example of the specification: these bytes, as a JSON string."""

CARRIED = [
    0,
    -1,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
    0.1,
    -1.5e300,
    5e-324,
    None,
    True,
    "",
    "ä☃🎉\u2028\\\"'/",
    "\0not base64!",
    "x" * 5000,
    [],
    {},
    {"a": {"b": [{"c": None}]}, "": 0, "ä": [1, "2", 3.5]},
    list(range(100)),
]
"""What every serialization can carry as it is."""


@pytest.mark.spec("SER-01", "MSG-09", "SER-09")
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_calls_and_events_pass_between_any_two_serializations(play, one, other):
    play.session("callee", serializer=other)
    play.session("caller", serializer=one)
    registered(play)
    subscribed(play, "callee", request=2)
    for number, value in enumerate(CARRIED, 1):
        payload = [[value, [value]], {"value": value}]
        play.caller > [CALL, number, {}, "com.app.add", *payload]
        play.callee < [INVOCATION, number, play.reg, {}, *payload]
        play.callee > [YIELD, number, {}, *payload]
        play.caller < [RESULT, number, {}, *payload]
        play.caller > [PUBLISH, 1000 + number, {}, "com.topic", *payload]
        play.callee < [EVENT, play.sub, int, {}, *payload]
    play.caller > [CALL, 999, {}, "com.app.add", [], {"k": 1}]
    play.callee < [INVOCATION, len(CARRIED) + 1, play.reg, {}, [], {"k": 1}]
    play.callee > [ERROR, INVOCATION, len(CARRIED) + 1, {}, "com.err", [1], {"k": [2]}]
    play.caller < [ERROR, CALL, 999, {}, "com.err", [1], {"k": [2]}]


@pytest.mark.spec("SER-01", "ORD-05", "PS-12")
def test_one_publication_reaches_subscribers_in_every_serialization(play):
    for name in SERIALIZERS:
        play.session(name, serializer=name)
        subscribed(play, name)
    for publisher in SERIALIZERS:
        play.names.pop("publication", None)
        getattr(play, publisher) > [PUBLISH, 2, {"exclude_me": False}, "com.topic", [publisher, 1.5], {"k": None}]
        for name in SERIALIZERS:
            getattr(play, name) < [EVENT, play.sub, ANY.as_("publication"), {}, [publisher, 1.5], {"k": None}]


@pytest.mark.spec("SER-03", "SER-04")
@pytest.mark.parametrize(("one", "other"), [(a, b) for a in ("msgpack", "cbor") for b in ("msgpack", "cbor")])
def test_bytes_and_text_stay_what_they_are_between_binary_serializations(play, one, other):
    play.session("publisher", serializer=one)
    play.session("subscriber", serializer=other)
    subscribed(play)
    payload = [[b"", b"abc", "abc", BYTES, [BYTES, {"b": b"\xff", "t": "ÿ"}]], {"b": BYTES, "t": TEXT}]
    play.publisher > [PUBLISH, 1, {}, "com.topic", *payload]
    play.subscriber < [EVENT, play.sub, int, {}, *payload]


@pytest.mark.spec("SER-05")
@pytest.mark.parametrize("binary", ["msgpack", "cbor"])
def test_bytes_become_a_marked_string_in_json_and_back(play, binary):
    play.session("alice", serializer=binary)
    play.session("bob", serializer="json")
    for actor in (play.alice, play.bob):
        subscribed(play, actor.name)
    play.alice > [PUBLISH, 2, {}, "com.topic", [BYTES, [{"deep": [BYTES]}]], {"kw": b""}]
    play.bob < [EVENT, play.sub, int, {}, [TEXT, [{"deep": [TEXT]}]], {"kw": "\0"}]
    play.bob > [PUBLISH, 2, {}, "com.topic", [TEXT, [{"deep": [TEXT]}]], {"kw": "\0AA=="}]
    play.alice < [EVENT, play.sub, int, {}, [BYTES, [{"deep": [BYTES]}]], {"kw": b"\x00"}]


@pytest.mark.spec("SER-05")
@pytest.mark.parametrize("binary", ["msgpack", "cbor"])
def test_a_marked_string_that_is_no_base64_stays_a_string(play, binary):
    play.session("publisher", serializer="json")
    play.session("subscriber", serializer=binary)
    subscribed(play)
    strings = ["\0!", "\0AA", "\0AA=", "\0AA==\n", "\0 AA==", "a\0AA==", "\0AA==x"]
    play.publisher > [PUBLISH, 1, {}, "com.topic", strings]
    play.subscriber < [EVENT, play.sub, int, {}, strings]


@pytest.mark.spec("SER-05")
def test_marked_strings_are_not_touched_between_two_json_clients(json_play):
    subscribed(json_play)
    json_play.publisher > [PUBLISH, 1, {}, "com.topic", [TEXT, "\0!"]]
    json_play.subscriber < [EVENT, json_play.sub, int, {}, [TEXT, "\0!"]]


@pytest.mark.spec("SER-04", "MSG-03")
def test_cbor_may_be_written_in_other_than_the_shortest_form(memory_play):
    play = memory_play
    play.session("alice", serializer="cbor")
    play.session("bob", serializer="cbor")
    subscribed(play, "bob")
    topic = b"\x69com.topic"
    # The integer 16 in eight bytes; then a list, a map, and strings of indefinite length.
    play.alice > b"\x85" + b"\x1b" + (16).to_bytes(8, "big") + b"\x18\x01" + b"\xa0" + topic + b"\x81\x01"
    play.bob < [EVENT, play.sub, int, {}, [1]]
    play.alice > b"\x9f\x10\x02\xbf\xff" + b"\x7f\x64com.\x65topic\xff" + b"\x9f\x01\x02\xff\xff"
    play.bob < [EVENT, play.sub, int, {}, [1, 2]]
    play.alice > b"\x9f\x10\x03\xbf\x6backnowledge\xf5\xff" + topic + b"\x9f\xff\xbf\x61k\x5f\x41a\x41b\xff\xff\xff"
    play.alice < [17, 3, int]
    play.bob < [EVENT, play.sub, int, {}, [], {"k": b"ab"}]


@pytest.mark.spec("SER-09", "MSG-09")
@pytest.mark.parametrize("other", ["json", "cbor"])
def test_integers_beyond_64_bits_are_never_rounded(play, other):
    play.session("callee", serializer="json")
    play.session("caller", serializer=other)
    registered(play)
    for number, value in enumerate([2**63, 2**64, 2**70, -(2**63) - 1, -(10**30)], 1):
        play.caller > [CALL, number, {}, "com.app.add", [value]]
        play.callee < [INVOCATION, number, play.reg, {}, [value]]
        play.callee > [YIELD, number, {}, [value]]
        play.caller < [RESULT, number, {}, [value]]


@pytest.mark.spec("SER-09", "RPC-18", "SES-18", "ID-07")
def test_what_the_receiver_cannot_carry_ends_that_call_or_that_event_and_nothing_else(play):
    play.session("caller", serializer="msgpack")
    play.session("callee", serializer="json")
    play.session("bob", serializer="msgpack")
    registered(play)
    subscribed(play, "callee", request=2)
    subscribed(play, "bob")
    infinity = float("inf")
    play.caller > [CALL, 1, {}, "com.app.add", [infinity]]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.invalid_argument", ...]
    play.callee < nothing
    play.caller > [PUBLISH, 2, {}, "com.topic", [infinity]]
    play.bob < [EVENT, play.sub, int, {}, [infinity]]
    play.callee < nothing
    play.callee > [REGISTER, 3, {}, "com.app.big"]
    play.callee < [REGISTERED, 3, ANY.as_("big")]
    play.caller > [CALL, 3, {}, "com.app.big"]
    play.callee < [INVOCATION, 1, play.big, {}]
    play.callee > [YIELD, 1, {}, [2**70]]
    play.caller < [ERROR, CALL, 3, {}, "wamp.error.invalid_argument", ...]
    play.caller > [CALL, 4, {}, "com.app.big"]
    play.callee < [INVOCATION, 2, play.big, {}]
    play.callee > [ERROR, INVOCATION, 2, {}, "com.err", [2**70]]
    play.caller < [ERROR, CALL, 4, {}, str, ...]
    play.caller < nothing
