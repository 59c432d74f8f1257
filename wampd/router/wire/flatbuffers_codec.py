"""WAMP over FlatBuffers, in autobahn's schema (`flatbuffers_schema`).

Rules
-----
* A message is a table; its arguments are CBOR in slots of the table. So payload goes between CBOR and FlatBuffers as it is.
* A message is read into the elements that other serializations have for it. msgspec checks them and says what is wrong.
* The schema has no fields for many options and details; what it has no field for is left out. A payload in passthru mode
  whose scheme has no number there cannot be carried.
* Clients that leave out their roles (autobahn does) are taken to have all of them, with no feature.
Sources: autobahn-python 26, ``autobahn/wamp/flatbuffers``; WAMP advanced profile, "Payload Passthru Mode".
"""

from __future__ import annotations

from typing import Any, Final

import cbor2
import msgspec
from msgspec import Raw

from wampd.realms.messages import HELLO, ClientMessage, Event, Foreign, Format
from wampd.realms.session import ProtocolViolation
from wampd.router.wire import convert
from wampd.router.wire.cbor_codec import checked
from wampd.router.wire.cbor_scan import walk
from wampd.router.wire.codec import MAX_DEPTH, UNREADABLE, Uncarriable, unreadable, violation
from wampd.router.wire.flatbuffers_schema import ENUMS, MESSAGES, OPTIONS, SHAPES
from wampd.router.wire.flatbuffers_values import Reader, Writer

_NO_ARGS: Final = Raw(b"\x80")
_PPT: Final = ("ppt_scheme", "ppt_serializer", "ppt_cipher")
_PPT_KINDS: Final = ("scheme", "serializer", "cipher")
_EMPTY: Final = {"args": b"\x80", "kwargs": b"\xa0"}
_FOUR_ROLES: Final[dict[str, Any]] = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}


class FlatBuffersCodec:
    """The FlatBuffers serialization."""

    format = Format.FLATBUFFERS

    def __init__(self, depth: int = MAX_DEPTH) -> None:
        self.depth = depth

    def decode(self, payload: bytes, *, strict: bool = False) -> ClientMessage:
        """Read one message. Raises `ProtocolViolation`. IDs are integers here anyway, ``strict`` or not."""
        del strict
        try:
            code, values = self._fields(payload)
            args, kwargs = self._payload(values)
        except IndexError:
            raise ProtocolViolation("CBOR in the message is truncated") from None
        except UNREADABLE as error:
            raise unreadable(error, self.depth, len(payload)) from None
        elements: list[Any] = [code]
        shape = SHAPES.get(code, ())
        options = {name: value for name, value in values.items() if name not in shape}
        for name in shape:
            elements.append(options if name == OPTIONS else values.get(name, {} if name == "extra" else None))
        if kwargs is not None:
            elements += (_NO_ARGS if args is None else args, kwargs)
        elif args is not None:
            elements.append(args)
        try:
            message: ClientMessage = msgspec.convert(elements, ClientMessage)
        except msgspec.ValidationError as error:
            raise violation(error) from None
        return message

    def _fields(self, payload: bytes) -> tuple[int, dict[str, Any]]:
        """The code of a message, and what is in its table."""
        reader = Reader(payload)
        code, table = reader.root()
        values = reader.table(table, MESSAGES[code]) if code in MESSAGES else {}
        if code == HELLO:
            values.setdefault("roles", _FOUR_ROLES)
        for name in _PPT:
            if not values.get(name):
                values.pop(name, None)
        return code, values

    def _payload(self, values: dict[str, Any]) -> tuple[Raw | None, Raw | None]:
        """Take arguments and keyword arguments out of the values."""
        args, kwargs, payload = (values.pop(name, b"") for name in ("args", "kwargs", "payload"))
        if payload:
            if args or kwargs or "ppt_scheme" not in values:
                raise ProtocolViolation("A payload stands alone, and has a ppt_scheme")
            args = cbor2.dumps([payload])
        for part in (args, kwargs):
            if part and walk(part, 0, self.depth - 1)[0] != len(part):
                raise ProtocolViolation("CBOR in the message is malformed: trailing characters")
        return checked(Raw(args) if args else None, Raw(kwargs) if kwargs else None)

    def encode(self, message: tuple[Any, ...]) -> bytes:
        """Write one message; undecoded payload in it is CBOR. Raises `Uncarriable`."""
        code = message[0]
        shape = SHAPES[code]
        values: dict[str, Any] = {}
        if OPTIONS in shape and len(message) > shape.index(OPTIONS) + 1:
            values.update(message[shape.index(OPTIONS) + 1])
            for name, kind in zip(_PPT, _PPT_KINDS, strict=True):
                if values.get(name, "") not in ENUMS[kind]:
                    raise Uncarriable(f"FlatBuffers has no number for this {name}")
        values.update(pair for pair in zip(shape, message[1:], strict=False) if pair[0] != OPTIONS)
        try:
            parts = [_dump(part) for part in message[1 + len(shape) :]]
            if parts and parts[0][0] >> 5 != 4:
                raise Uncarriable("FlatBuffers has no place for an encrypted payload")
            _put_payload(values, parts)
            return Writer().message(code, MESSAGES[code], values)
        except (cbor2.CBORError, TypeError, ValueError, RecursionError):
            raise Uncarriable("FlatBuffers cannot carry a value of this message") from None

    def encode_event(self, event: Event) -> bytes:
        """Write an event, whatever serialization its payload is in. Raises `Uncarriable`."""
        return self.encode(convert.event_message(event, Format.FLATBUFFERS, _NO_ARGS))

    def encode_foreign(self, foreign: Foreign) -> bytes:
        """Write a message whose payload is in another serialization. Raises `Uncarriable`."""
        return self.encode(convert.convert_tail(foreign.message, foreign.format, Format.FLATBUFFERS))


def _dump(part: Any) -> bytes:
    return bytes(part) if type(part) is Raw else cbor2.dumps(part)


def _put_payload(values: dict[str, Any], parts: list[bytes]) -> None:
    """Put arguments and keyword arguments where they belong; a packed payload has a place of its own."""
    for name in ("args", "kwargs", "payload"):
        values.pop(name, None)  # of details
    if values.get("ppt_scheme") and len(parts) == 1:
        packed = cbor2.loads(parts[0])
        if len(packed) == 1 and type(packed[0]) is bytes:
            values["payload"] = packed[0]
            return
    values.update((name, part) for name, part in zip(("args", "kwargs"), parts, strict=False) if part != _EMPTY[name])
