"""The table of messages, and how clients' messages are read by it."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from wampd.realms.messages import (
    MESSAGES,
    Abort,
    Authenticate,
    Call,
    Cancel,
    Error,
    Event,
    Format,
    Goodbye,
    Hello,
    Message,
    Publish,
    Register,
    Sender,
    Subscribe,
    Unregister,
    Unsubscribe,
    Yield,
    json_decoder,
)
from wampd.realms.options import ClientRole, ClientRoles

decode = json_decoder().decode

CODES = {
    "HELLO": (1, "client"),
    "WELCOME": (2, "router"),
    "ABORT": (3, "both"),
    "CHALLENGE": (4, "router"),
    "AUTHENTICATE": (5, "client"),
    "GOODBYE": (6, "both"),
    "ERROR": (8, "both"),
    "PUBLISH": (16, "client"),
    "PUBLISHED": (17, "router"),
    "SUBSCRIBE": (32, "client"),
    "SUBSCRIBED": (33, "router"),
    "UNSUBSCRIBE": (34, "client"),
    "UNSUBSCRIBED": (35, "router"),
    "EVENT": (36, "router"),
    "CALL": (48, "client"),
    "CANCEL": (49, "client"),
    "RESULT": (50, "router"),
    "REGISTER": (64, "client"),
    "REGISTERED": (65, "router"),
    "UNREGISTER": (66, "client"),
    "UNREGISTERED": (67, "router"),
    "INVOCATION": (68, "router"),
    "INTERRUPT": (69, "router"),
    "YIELD": (70, "client"),
    "EVENT_RECEIVED": (337, "client"),
}
"""The specification's table: code, and who sends it to whom; and an extension of its test suite."""


@pytest.mark.spec("MSG-10")
def test_the_table_is_the_specifications():
    assert {row.name: (row.code, (row.sender.name or "").lower()) for row in MESSAGES.values()} == CODES
    assert list(MESSAGES) == sorted(MESSAGES)


@pytest.mark.spec("MSG-10")
def test_what_clients_send_can_be_read_and_nothing_else():
    for row in MESSAGES.values():
        assert (row.struct is not None) is bool(row.sender & Sender.CLIENT)
        if row.struct is not None:
            assert row.struct.__struct_config__.tag == row.code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'[1,"r",{"roles":{"caller":{}}}]', Hello),
        (b'[3,{},"a.b"]', Abort),
        (b'[5,"s",{}]', Authenticate),
        (b'[6,{},"a.b"]', Goodbye),
        (b'[8,68,1,{},"a.b",[1],{"k":2}]', Error),
        (b'[16,1,{},"a.b",[1],{"k":2}]', Publish),
        (b'[32,1,{},"a.b"]', Subscribe),
        (b"[34,1,2]", Unsubscribe),
        (b'[48,1,{},"a.b",[1],{"k":2}]', Call),
        (b"[49,1,{}]", Cancel),
        (b'[64,1,{},"a.b"]', Register),
        (b"[66,1,2]", Unregister),
        (b'[70,1,{},[1],{"k":2}]', Yield),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_each_message_is_read_into_its_own_struct_with_its_payload_undecoded(text: bytes, message: type[Message]):
    read = decode(text)
    assert type(read) is message
    if "args" in message.__struct_fields__ and message is not Abort:
        assert isinstance(read.args, Raw)
        assert bytes(read.args) == b"[1]"
        assert bytes(read.kwargs) == b'{"k":2}'


def test_what_is_not_there_of_a_payload_is_none():
    assert decode(b'[48,1,{},"a.b"]').args is None
    assert decode(b'[48,1,{},"a.b",[1]]').kwargs is None


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ({}, {"acknowledge": False, "exclude_me": True, "disclose_me": False, "eligible": None, "exclude": None}),
        ({"acknowledge": True, "x_unknown": [1]}, {"acknowledge": True}),
        ({"eligible": [], "exclude_authid": ["joe"]}, {"eligible": [], "exclude_authid": ["joe"]}),
    ],
    ids=str,
)
def test_options_are_parsed_into_known_values(options, known):
    parsed = decode(msgspec.json.encode([16, 1, options, "a.b"])).options
    assert {name: getattr(parsed, name) for name in known} == known


def test_options_cannot_be_changed():
    options = decode(b'[16,1,{},"a.b"]').options
    with pytest.raises(AttributeError):
        options.acknowledge = True


def test_secrets_are_not_shown():
    assert "geheim" not in repr(decode(b'[5,"geheim",{"pin":"geheim"}]'))
    assert "geheim" not in repr(decode(b'[1,"r",{"roles":{"caller":{}},"authextra":{"token":"geheim"}}]'))


def test_every_event_has_frames_of_its_own():
    one, other = (Event(1, 2, {}, None, None, Format.JSON) for _ in range(2))
    one.frames["a"] = b"x"
    assert other.frames == {}


def test_a_feature_is_there_if_it_is_true():
    role = ClientRole({"a": True, "b": False, "c": 1, "d": "true"})
    assert [role.has(feature) for feature in "abcde"] == [True, False, False, False, False]
    assert ClientRoles().caller is None
