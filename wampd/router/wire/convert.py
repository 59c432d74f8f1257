r"""Application payload from one serialization into another.

====================  ========================  =========================  ============================
value                 in JSON                   in MessagePack             in CBOR
====================  ========================  =========================  ============================
bytes                 ``"\\u0000"`` + base64     bin                        byte string
integer               digits, never rounded     64 bit, else Uncarriable   integer, beyond 64 bit bignum
float                 shortest exact digits     float 64                   float 64
NaN, ±Infinity        Uncarriable               float 64                   float 64
number beyond double  (JSON only)               Uncarriable                Uncarriable
timestamp             RFC 3339 string           timestamp                  tag 0
date, UUID            string                    string                     tags 1004/100, 37
undefined             null                      nil                        undefined
other simple value    Uncarriable               Uncarriable                simple value
other ext or tag      Uncarriable               Uncarriable                Uncarriable
map key               string; integers become   any scalar                 any scalar
                      decimal digits
====================  ========================  =========================  ============================

Rules
-----
* FlatBuffers hold payload in CBOR: there is nothing to convert between the two. UBJSON is as JSON where JSON has no type of its
  own (times, keys), and as CBOR for bytes, NaN and large integers; its numbers of high precision are integers, or floats of the
  very same digits.
* A payload that needs no conversion is never touched; these rules act only between two serializations.
* In JSON a string that starts with U+0000 and goes on with valid base64 is bytes; any other string is a string. Keys
  are never bytes: a map with binary keys, or with two keys that become the same string, cannot be carried to JSON.
* Of duplicate keys the last one counts. Timestamps are kept to the microsecond.
* What cannot be carried raises `Uncarriable`, whose text may go to the peer. Nothing is replaced.
* Time and size are bounded: the output is at most 12 times the input.

Sources: WAMP advanced profile, "Binary conversion of JSON strings"; RFC 8949 section 6 (CBOR and JSON); MessagePack
specification, "Timestamp extension type".
"""

from __future__ import annotations

import binascii
import datetime
import math
import uuid
from types import NoneType
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from wampd.realms.messages import EVENT, Event, Format
from wampd.router.wire.cbor_scan import FOREIGN, UNDEFINED, walk
from wampd.router.wire.codec import MalformedError, Uncarriable

if TYPE_CHECKING:
    from collections.abc import Callable


# Values that JSON writes as they are. Raw is JSON already.
_PLAIN = frozenset({str, int, bool, NoneType, Raw})
# Values that msgspec writes as strings in ISO form.
_TEXTUAL = frozenset({datetime.datetime, datetime.date, uuid.UUID})
_STRINGS = frozenset({str})


_NOT_CARRIED = (
    msgspec.MsgspecError,
    MalformedError,
    ValueError,
    OverflowError,
    TypeError,
    RecursionError,
)


def convert(payload: Raw | None, source: Format, target: Format) -> Raw | None:
    """The payload in another serialization. Raises `Uncarriable`."""
    if payload is None or source is target:
        return payload
    if (source is Format.FLATBUFFERS and target is Format.CBOR) or (
        source is Format.CBOR and target is Format.FLATBUFFERS
    ):
        return payload  # which is CBOR in both
    try:
        return Raw(_DUMP[target](_LOAD[source](payload)))
    except _NOT_CARRIED:
        raise Uncarriable(f"A value cannot be carried from {source.value} to {target.value}") from None


def convert_tail(message: tuple[Any, ...], source: Format, target: Format) -> tuple[Any, ...]:
    """The message with the undecoded payload in it converted. Raises `Uncarriable`."""
    return tuple(convert(part, source, target) if type(part) is Raw else part for part in message)


def event_message(event: Event, target: Format, no_args: Raw) -> tuple[Any, ...]:
    """An EVENT as a plain tuple, its payload converted, its empty trailing elements left out. Raises `Uncarriable`.

    ``no_args`` stands for empty arguments where keyword arguments follow.
    """
    args, kwargs = event.args, event.kwargs
    if event.format is not target and event.format is not Format.PLAIN:
        args, kwargs = convert(args, event.format, target), convert(kwargs, event.format, target)
    if kwargs is not None:
        args = no_args if args is None else args
        return EVENT, event.subscription, event.publication, event.details, args, kwargs
    if args is None:
        return EVENT, event.subscription, event.publication, event.details
    return EVENT, event.subscription, event.publication, event.details, args


# ------------------------------------------------------------------------------------------------------------- JSON


def load(payload: Raw, source: Format) -> Any:
    """The payload as plain values. Raises `ValueError` if it holds one that is foreign to WAMP."""
    try:
        return _LOAD[source](payload)
    except (Uncarriable, *_NOT_CARRIED):
        raise ValueError("A value of the payload cannot be read") from None


def carry(payload: Any, source: Format, target: Format) -> Any:
    """The payload as plain values that ``target`` can write. Raises `ValueError` if there is one that it cannot."""
    value = payload if source is Format.PLAIN else load(payload, source)
    if source is not target:
        try:
            _DUMP[target](value)
        except (Uncarriable, *_NOT_CARRIED):
            raise ValueError(f"A value of the payload cannot be carried to {target.value}") from None
    return value


def to_json(value: Any) -> Any:
    """A value as JSON can carry it. Raises `Uncarriable`."""
    kind = type(value)
    if kind in _PLAIN or kind in _TEXTUAL:
        return value
    if kind is list or kind is tuple:
        return value if _PLAIN.issuperset(map(type, value)) else [to_json(item) for item in value]
    if kind is dict:
        if not _STRINGS.issuperset(map(type, value)):
            value = _string_keys(value)
        if _PLAIN.issuperset(map(type, value.values())):
            return value
        return {key: to_json(item) for key, item in value.items()}
    if kind is float:
        if not math.isfinite(value):
            raise Uncarriable("JSON has no NaN and no Infinity")
        return value
    if kind is bytes:
        return "\0" + binascii.b2a_base64(value, newline=False).decode()
    raise Uncarriable(f"JSON cannot carry a value of type {kind.__name__}")


def _string_keys(mapping: dict[Any, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in mapping.items():
        if type(key) is not str and type(key) is not int:
            raise Uncarriable("JSON object keys are strings")
        result[str(key)] = value
    if len(result) != len(mapping):
        raise Uncarriable("Two map keys become the same JSON object key")
    return result


def from_json(value: Any) -> Any:
    """A value out of JSON with the strings that stand for bytes made bytes."""
    if type(value) is str:
        return _binary(value) if value[:1] == "\0" else value
    if type(value) is list:
        return [from_json(item) for item in value]
    if type(value) is dict:
        return {key: from_json(item) for key, item in value.items()}
    return value


def _binary(text: str) -> bytes | str:
    try:
        return binascii.a2b_base64(text[1:], strict_mode=True)
    except ValueError:
        return text


def read_float(text: str) -> float:
    """A JSON number that is no integer. msgspec's own reader takes 7 µs for some, which in a large payload is a stall."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("Number out of range")
    return value


_json_load = msgspec.json.Decoder(float_hook=read_float).decode
_json_dump = msgspec.json.Encoder().encode


def _load_json(payload: Raw) -> Any:
    value = _json_load(payload)
    # JSON can write U+0000 in this one way only.
    return from_json(value) if b"\\u0000" in bytes(payload) else value


def _dump_json(value: Any) -> bytes:
    return _json_dump(to_json(value))


# ------------------------------------------------------------------------------------------------------ MessagePack

_load_msgpack: Callable[[Raw], Any] = msgspec.msgpack.Decoder().decode
_dump_msgpack: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode


# ------------------------------------------------------------------------------------------------------------- CBOR


def _load_cbor(payload: Raw) -> Any:
    data = bytes(payload)
    _, found = walk(data, 0, len(data))  # how deep it may nest was seen when it came
    if found & FOREIGN:
        raise Uncarriable("Only CBOR can carry this tagged or simple value")
    import cbor2  # a router whose clients speak no CBOR is smaller without

    try:
        value = cbor2.loads(data)
    except cbor2.CBORError:
        raise MalformedError("CBOR data is malformed") from None
    return _without(cbor2.undefined, value) if found & UNDEFINED else value


def _without(undefined: Any, value: Any) -> Any:
    if value is undefined:
        return None
    if type(value) is list:
        return [_without(undefined, item) for item in value]
    if type(value) is dict:
        return {key: _without(undefined, item) for key, item in value.items()}
    return value


def _dump_cbor(value: Any) -> bytes:
    import cbor2

    try:
        return cbor2.dumps(value)
    except cbor2.CBORError:
        raise MalformedError("CBOR cannot carry the value") from None


_LOAD: dict[Format, Callable[[Raw], Any]] = {
    Format.JSON: _load_json,
    Format.MSGPACK: _load_msgpack,
    Format.CBOR: _load_cbor,
    Format.FLATBUFFERS: _load_cbor,
}
_DUMP: dict[Format, Callable[[Any], bytes]] = {
    Format.JSON: _dump_json,
    Format.MSGPACK: _dump_msgpack,
    Format.CBOR: _dump_cbor,
    Format.FLATBUFFERS: _dump_cbor,
}


def teach(source: Format, load_payload: Callable[[Raw], Any], dump_value: Callable[[Any], bytes]) -> None:
    """Learn of one more format, whose codec few routers need; errors are those of `_NOT_CARRIED`."""
    _LOAD[source] = load_payload
    _DUMP[source] = dump_value
