"""The format of messages (basic profile, "Messages")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE, registered, subscribed
from tests.support.play import ANY, BASIC, nothing, violation
from tests.support.values import DUMP
from wampd.realms.messages import (
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    HELLO,
    INVOCATION,
    MESSAGES,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
    Sender,
)

ROUTERS = [row for row in MESSAGES.values() if row.sender is Sender.ROUTER]
"""What only a router sends."""


@pytest.mark.spec("MSG-01", "PV-06")
@pytest.mark.parametrize(
    "message",
    [[], {}, 5, "text", None, True, ["32", 1, {}, "a"], [32.5, 1, {}, "a.b"], [None], [[32]], [True, 1, {}, "a.b"]],
    ids=repr,
)
def test_a_message_is_a_list_that_starts_with_its_type(play, message):
    play.alice > message
    play.alice < violation


@pytest.mark.spec("MSG-01", "MSG-11", "PV-06")
@pytest.mark.parametrize("code", [-1, 0, 7, 9, 18, 37, 51, 71, 255, 256, 300, 336, 338, 999, 1023, 1024, 2**31, 2**53])
def test_an_unknown_message_type_is_a_violation(play, code):
    play.alice > [code, 1]
    play.alice < violation("unknown message type")


@pytest.mark.spec("MSG-02")
@pytest.mark.parametrize(
    "message",
    [
        [SUBSCRIBE],
        [SUBSCRIBE, 1],
        [SUBSCRIBE, 1, {}],
        [SUBSCRIBE, 1, [], "a.b"],
        [SUBSCRIBE, 1, None, "a.b"],
        [SUBSCRIBE, 1, {}, "a.b", []],
        [SUBSCRIBE, {}, 1, "a.b"],
        [UNSUBSCRIBE, 1],
        [UNSUBSCRIBE, 1, 1, {}],
        [PUBLISH, 1, {}],
        [PUBLISH, 1, {}, "a.b", "x"],
        [PUBLISH, 1, {}, "a.b", {}],
        [PUBLISH, 1, {}, "a.b", None],
        [PUBLISH, 1, {}, "a.b", [], []],
        [PUBLISH, 1, {}, "a.b", [], None],
        [PUBLISH, 1, {}, "a.b", [], {}, []],
        [CALL, 1, {}],
        [CALL, 1, {}, "a.b", {}],
        [CALL, 1, {}, "a.b", 1],
        [CALL, 1, {}, "a.b", [], []],
        [CALL, 1, {}, "a.b", [], {}, {}],
        [CANCEL, 1],
        [CANCEL, 1, {}, {}],
        [CANCEL, 1, []],
        [REGISTER, 1, {}],
        [REGISTER, 1, {}, "a.b", []],
        [UNREGISTER, 1],
        [UNREGISTER, 1, 1, 1],
        [YIELD, 1],
        [YIELD, 1, {}, {}],
        [YIELD, 1, {}, [], []],
        [ERROR, INVOCATION, 1, {}],
        [ERROR, INVOCATION, 1, "a.b", {}],
        [ERROR, INVOCATION, 1, {}, "a.b", {}],
        [ERROR, INVOCATION, 1, {}, "a.b", [], {}, 1],
    ],
    ids=str,
)
def test_the_number_and_the_types_of_a_messages_elements_are_fixed(play, message):
    play.alice > message
    play.alice < violation


@pytest.mark.spec("MSG-03", "PV-07", "SER-02")
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{[",
        b"[32,1,{},'a.b']",
        b'[32,1,{},"a.b"',
        b'[32,1,{},"a.b"]]',
        b'[32,1,{},"a.b"] [32,2,{},"a.b"]',
        b'[32,1,{},"a.\xff"]',
        b'[32,1,{},"\xc3("]',
        b'[32,1,{},"\xed\xa0\x80"]',
        b'[16,1,{},"a.b",["\xfe"]]',
        b'[16,1,{},"a.b",[],{"\xfe":1}]',
        b'\xef\xbb\xbf[32,1,{},"a.b"]',
        b'[16,1,{},"a.b",[NaN]]',
        b'[16,1,{},"a.b",[-Infinity]]',
        b'[16,1,{},"a.b",[01]]',
        b'[16,1,{},"a.b",[1,]]',
        b'[16,1,{},"a.b",[],{1:2}]',
        b'[16,1,{},"a.b",["\x01"]]',
        '[32,1,{},"a.b"]'.encode("utf-16-le"),
    ],
    ids=repr,
)
def test_what_is_no_json_is_a_violation(memory_play, text):
    memory_play.alice > text
    memory_play.alice < violation


JUNK = {
    "json": [b"{[", b"\x00", b"[32,1,{},", b'"', b"nul"],
    "msgpack": [
        b"\xc1",
        b"\x94\x20",
        b"\x94\x20\x01\x80\xa3a.",
        b"\x94\x20\x01\x80\xa1\xff",
        b"\xdd\xff\xff\xff\xff\x20",
        b"\x90\x90",
    ],
    "cbor": [
        b"\xff",
        b"\x1c",
        b"\x84\x18\x20\x01",
        b"\x84\x18\x20\x01\xa0\x61\xff",
        b"\x9b" + b"\xff" * 8,
        b"\x9f\x18\x20",
    ],
    "ubjson": [
        b"N",
        b"\xff",
        b"[U\x20U\x01{}SU\x01\xff]",
        b"[U\x20U\x01{}",
        b"[#m\xff\xff\xff\xff",
        b"[U\x20U\x01[$Z#m\xff\xff\xff\xffCa]",
    ],
}


@pytest.mark.spec("MSG-03", "PV-07")
def test_bytes_that_no_message_is_written_in_are_a_violation(play):
    for number, junk in enumerate(JUNK[play.stage.serializer]):
        actor = play.session(f"guest {number}")
        actor > junk
        actor < violation


@pytest.mark.spec("MSG-04", "MSG-07")
@pytest.mark.parametrize("value", [0, 1, "true", None, 1.0, []], ids=repr)
def test_a_boolean_option_is_a_boolean(play, value):
    play.alice > [PUBLISH, 1, {"acknowledge": value}, "a.b"]
    play.alice < violation("acknowledge")


WRONG = [
    (PUBLISH, "acknowledge", 1),
    (PUBLISH, "exclude_me", "no"),
    (PUBLISH, "disclose_me", 0),
    (PUBLISH, "exclude", "x"),
    (PUBLISH, "exclude", ["x"]),
    (PUBLISH, "exclude", [0]),
    (PUBLISH, "exclude", 7),
    (PUBLISH, "exclude_authid", [1]),
    (PUBLISH, "exclude_authid", "joe"),
    (PUBLISH, "exclude_authrole", [None]),
    (PUBLISH, "eligible", {}),
    (PUBLISH, "eligible", [1.5]),
    (PUBLISH, "eligible_authid", [["joe"]]),
    (PUBLISH, "eligible_authrole", True),
    (PUBLISH, "retain", "yes"),
    (PUBLISH, "transaction_hash", 1),
    (PUBLISH, "forward_for", {}),
    (PUBLISH, "forward_for", [1]),
    (PUBLISH, "enc_algo", 5),
    (SUBSCRIBE, "match", "foo"),
    (SUBSCRIBE, "match", 1),
    (SUBSCRIBE, "match", "Prefix"),
    (SUBSCRIBE, "get_retained", 1),
    (SUBSCRIBE, "forward_for", "x"),
    (REGISTER, "match", "foo"),
    (REGISTER, "match", None),
    (REGISTER, "disclose_caller", 1),
    (CALL, "disclose_me", "true"),
    (CALL, "receive_progress", 1),
    (CALL, "timeout", -1),
    (CALL, "timeout", "1"),
    (CALL, "timeout", 1.5),
    (CALL, "transaction_hash", []),
    (CALL, "forward_for", [None]),
]


@pytest.mark.spec("MSG-07", "PSUB-01", "PRG-01", "BWL-05")
@pytest.mark.parametrize(
    ("kind", "option", "value"), WRONG, ids=[f"{kind}-{key}-{value!r}" for kind, key, value in WRONG]
)
def test_a_known_option_of_the_wrong_type_is_a_violation_that_names_it(play, kind, option, value):
    play.alice > [kind, 1, {option: value}, "a.b"]
    play.alice < violation(option)


@pytest.mark.spec("MSG-05")
@pytest.mark.parametrize("key", [1, None, 1.5, b"match"], ids=repr)
def test_the_keys_of_options_are_strings(play, key):
    if play.stage.serializer == "json":
        play.alice > b'[32,1,{1:true},"a.b"]'
    elif play.stage.serializer == "ubjson":  # which has no other keys: a value in their place is malformed
        play.alice > b"[U\x20U\x01{" + DUMP["ubjson"](None if key is None else [key]) + b"TSU\x03a.b]"
    else:
        play.alice > [SUBSCRIBE, 1, {key: True}, "a.b"]
    play.alice < violation


@pytest.mark.spec("MSG-05")
def test_of_a_key_that_comes_twice_the_last_one_counts(json_play):
    json_play.alice > b'[16,1,{"acknowledge":false,"acknowledge":true},"a.b"]'
    json_play.alice < [PUBLISHED, 1, int]


@pytest.mark.spec("MSG-06")
def test_unknown_options_are_ignored_whatever_their_type(play):
    strange = {"foo_bar": 7, "_my_key": {"a": [1]}, "x": None, "Acknowledge": 1, "": 0}
    play.alice > [SUBSCRIBE, 1, strange, "com.a"]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.bob > [PUBLISH, 1, {**strange, **ACKNOWLEDGE}, "com.a"]
    play.bob < [PUBLISHED, 1, int]
    play.alice < [EVENT, play.sub, int, {}]
    play.bob > [REGISTER, 2, strange, "com.a"]
    play.bob < [REGISTERED, 2, ANY.as_("reg")]
    play.alice > [CALL, 2, strange, "com.a"]
    play.bob < [INVOCATION, 1, play.reg, {}]
    play.bob > [YIELD, 1, strange]
    play.alice < [RESULT, 2, {}]
    play.alice > [CALL, 3, strange, "com.a"]
    play.bob < [INVOCATION, 2, play.reg, {}]
    play.alice > [CANCEL, 3, {**strange, "mode": "skip"}]
    play.alice < [ERROR, CALL, 3, {}, "wamp.error.canceled", ...]
    play.bob > [ERROR, INVOCATION, 2, strange, "com.err"]


@pytest.mark.spec("MSG-08", "PS-12")
@pytest.mark.parametrize(
    ("sent", "received"),
    [([], []), ([[]], []), ([[], {}], []), ([[1], {}], [[1]]), ([[], {"k": 1}], [[], {"k": 1}])],
    ids=str,
)
def test_empty_arguments_are_not_sent_unless_keyword_arguments_follow(play, sent, received):
    subscribed(play)
    play.bob > [PUBLISH, 1, {}, "com.topic", *sent]
    play.subscriber < [EVENT, play.sub, int, {}, *received]


VALUES = [
    0,
    -1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
    0.1,
    -1.5e300,
    5e-324,
    1.0,
    None,
    True,
    False,
    "",
    "ä☃🎉\u0000\u2028\\\"'/",
    "x" * 70000,
    [],
    {},
    [[[[[[]]]]]],
    {"a": {"b": [{"c": None}]}, "": 0, "ä": [1, "2", 3.5]},
    list(range(300)),
    {str(number): number for number in range(300)},
]


@pytest.mark.spec("MSG-09", "SER-09", "PS-12", "SEC-04")
def test_a_payload_is_forwarded_without_change(play):
    registered(play)
    play.callee > [SUBSCRIBE, 2, {}, "com.topic"]
    play.callee < [SUBSCRIBED, 2, ANY.as_("sub")]
    values = VALUES if play.stage.serializer == "json" else [*VALUES, b"", bytes(range(256)), {"raw": [b"\x00\xff"]}]
    for number, value in enumerate(values, 1):
        payload = [[value, value], {"value": value}]
        play.caller > [CALL, number, {}, "com.app.add", *payload]
        play.callee < [INVOCATION, number, play.reg, {}, *payload]
        play.callee > [YIELD, number, {}, *payload]
        play.caller < [RESULT, number, {}, *payload]
        play.caller > [PUBLISH, 1000 + number, {}, "com.topic", *payload]
        play.callee < [EVENT, play.sub, int, {}, *payload]


@pytest.mark.spec("MSG-09", "SER-09", "SEC-04")
def test_json_numbers_keep_all_their_digits(json_play):
    digits = b"123456789012345678901234567890,0.1000000000000000000001,1E400,-0"
    registered(json_play)
    json_play.caller > b'[48,1,{},"com.app.add",[' + digits + b"]]"
    assert digits in json_play.callee.wire.receive()
    json_play.callee > b"[70,1,{},[" + digits + b"]]"
    assert digits in json_play.caller.wire.receive()


@pytest.mark.spec("MSG-10", "PV-01", "PV-10")
@pytest.mark.parametrize("row", ROUTERS, ids=[row.name for row in ROUTERS])
def test_what_only_routers_send_is_a_violation_when_a_client_sends_it(play, row):
    play.alice > [row.code, 1, 2, {}]
    play.alice < violation(f"{row.name} is not for clients to send")


@pytest.mark.spec("MSG-12", "PV-03")
@pytest.mark.parametrize(
    "kind", [CALL, SUBSCRIBE, PUBLISH, REGISTER, UNREGISTER, HELLO, YIELD, 0, -68, 999, "68", None]
)
def test_an_error_from_a_client_answers_an_invocation_and_nothing_else(play, kind):
    play.alice > [ERROR, kind, 1, {}, "a.b"]
    play.alice < violation


@pytest.mark.spec("MSG-13")
@pytest.mark.parametrize(
    ("role", "messages"),
    [
        ("publisher", [[PUBLISH, 1, {}, "a.b"]]),
        ("subscriber", [[SUBSCRIBE, 1, {}, "a.b"], [UNSUBSCRIBE, 1, 1]]),
        ("caller", [[CALL, 1, {}, "a.b"], [CANCEL, 1, {}]]),
        ("callee", [[REGISTER, 1, {}, "a.b"], [UNREGISTER, 1, 1], [YIELD, 1, {}], [ERROR, INVOCATION, 1, {}, "a.b"]]),
    ],
)
def test_a_message_of_a_role_that_the_client_did_not_announce_is_a_violation(play, role, messages):
    others = {name: features for name, features in BASIC.items() if name != role}
    for number, message in enumerate(messages):
        actor = play.session(f"guest {number}", roles=others)
        actor > message
        actor < violation(role)


@pytest.mark.spec("MSG-14")
@pytest.mark.parametrize(
    "where", [b"%s", b'[16,1,{"x_y":%s},"a.b"]', b'[16,1,{},"a.b",[%s]]', b'[16,1,{},"a.b",[],{"k":%s}]']
)
@pytest.mark.parametrize("depth", [65, 100_000])
def test_nesting_without_end_is_a_violation(json_play, where, depth):
    json_play.alice > where % (b"[" * depth + b"]" * depth)
    json_play.alice < violation


@pytest.mark.spec("MSG-14")
def test_a_message_may_nest_64_deep(json_play):
    subscribed(json_play)
    nested = b"[" * 63 + b"]" * 63
    json_play.alice > b'[16,1,{},"com.topic",' + nested + b"]"
    assert json_play.subscriber.wire.receive().endswith(b"," + nested + b"]")


@pytest.mark.spec("MSG-14")
@pytest.mark.parametrize("number", [b"1" + b"0" * 100_000, b"-" + b"9" * 5000, b"1e999999999"], ids=len)
def test_a_huge_number_is_no_id_and_no_option_and_harms_nobody(json_play, number):
    for name, message in {
        "bob": b'[32,%s,{},"a.b"]',
        "carol": b'[48,1,{"timeout":%s},"a.b"]',
        "dave": b"[%s,1]",
    }.items():
        getattr(json_play, name) > message % number
        getattr(json_play, name) < violation
    json_play.alice > b'[16,1,{"x_y":%s,"acknowledge":true},"a.b",[%s]]' % (number, number)
    json_play.alice < [PUBLISHED, 1, int]
    json_play.alice < nothing


@pytest.mark.spec("MSG-14")
def test_a_lone_surrogate_is_forwarded_or_refused_and_harms_nobody(json_play):
    subscribed(json_play)
    json_play.alice > b'[16,1,{"acknowledge":true},"com.topic",["\\ud800"]]'
    json_play.alice < violation
    json_play.subscriber < nothing
