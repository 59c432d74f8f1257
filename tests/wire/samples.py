"""What the tests of the serializers share: reference encoders and decoders, and one sample of each message of a client."""

import json
from typing import Any

import msgspec

from tests.support.values import DUMP, LOAD
from wampd.realms.messages import ClientMessage
from wampd.realms.session import ProtocolViolation
from wampd.router.wire.codec import Codec
from wampd.router.wire.serializers import codecs

CODECS = codecs(names=["json", "msgpack", "cbor", "ubjson"])
NAMES = list(CODECS)

HELLO = [1, "realm1", {"roles": {"publisher": {"features": {"x": True}}, "caller": {}}, "authid": "joe"}]
MESSAGES: list[list[Any]] = [
    HELLO,
    [3, {"message": "enough"}, "wamp.close.normal"],
    [5, "signature", {"nonce": "x"}],
    [6, {}, "wamp.close.close_realm"],
    [8, 68, 7, {}, "com.example.error", ["bad", 1], {"line": 3}],
    [16, 1, {}, "com.example.topic"],
    [16, 2, {"acknowledge": True, "exclude": [3, 4]}, "com.example.topic", ["Grüße", 1.5, None], {"a": [1, [2]]}],
    [32, 3, {"match": "prefix"}, "com.example."],
    [34, 4, 9007199254740992],
    [337, 9007199254740992],
    [48, 300, {}, "com.example.add", [2, 3]],
    [48, 70000, {"timeout": 500}, "com.example.add", [], {"a": 1}],
    [48, 5000000000, {"receive_progress": True}, "com.example.a.procedure.with.a.long.name", [True, "x" * 300]],
    [49, 6, {"mode": "kill"}],
    [64, 7, {}, "com.example.add"],
    [66, 8, 12],
    [70, 9, {}, [5]],
    [70, 10, {"progress": True}],
]


def pack(name: str, value: Any) -> bytes:
    """A value as an encoder that is not ours writes it."""
    if name == "json":
        return json.dumps(value, ensure_ascii=False).encode()
    return DUMP[name](value)


def unpack(name: str, payload: Any) -> Any:
    """What a decoder that is not ours reads."""
    if name == "json":
        return json.loads(bytes(payload), parse_constant=_no_constants)
    return LOAD[name](bytes(payload))


def _no_constants(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def elements(name: str, message: ClientMessage) -> list[Any]:
    """A decoded message as plain values again; defaults of options that were not given are left out."""
    result: list[Any] = [message.__struct_config__.tag]
    for field in message.__struct_fields__:
        value = getattr(message, field)
        if isinstance(value, msgspec.Raw):
            value = unpack(name, value)
        elif isinstance(value, msgspec.Struct):
            value = _given(value)
        elif value is None:
            continue
        result.append(value)
    return result


def _given(options: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.structs.fields(type(options))
    pairs = [(field, getattr(options, field.name)) for field in fields]
    return {
        field.name: _given(value) if isinstance(value, msgspec.Struct) else value
        for field, value in pairs
        if field.required or value != (field.default if field.default is not msgspec.NODEFAULT else {})
    }


def refusal(codec: Codec, payload: bytes) -> str:
    """What the peer is told about a message that is refused; empty if it is accepted."""
    text = ""
    try:
        codec.decode(payload)
    except ProtocolViolation as error:
        text = str(error) or "(a refusal that does not say why)"
    assert len(text) <= 200
    assert text != "(a refusal that does not say why)"
    return text
