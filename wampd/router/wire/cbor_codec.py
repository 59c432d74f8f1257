"""WAMP over CBOR (RFC 8949).

Rules
-----
* CALL, PUBLISH and YIELD, as a plain encoder writes them, are read by a header parser of our own. Whatever else is well
  formed is read a slower way: cbor2 reads the elements, msgspec checks their types and says what is wrong.
* The payload is walked over once (`cbor_scan`), never decoded.
* Options and details hold what the other serializations could write, too: no tags, no simple values but undefined, which is
  as good as nothing.
* What the router itself writes has definite lengths and shortest integers; forwarded payload stays as it is.

Sources: WAMP basic profile, "Serializers"; RFC 8949.
"""

from __future__ import annotations

import struct
from typing import Any, TypeAlias

import cbor2
import msgspec
from msgspec import Raw

from wampd.realms.messages import (
    ABORT,
    CALL,
    ERROR,
    EVENT,
    INVOCATION,
    PUBLISH,
    RESULT,
    YIELD,
    Call,
    ClientMessage,
    Event,
    Foreign,
    Format,
    Message,
    Publish,
    Yield,
)
from wampd.realms.options import MAX_ID, CallOptions, Options, PublishOptions, YieldOptions
from wampd.realms.session import ProtocolViolation
from wampd.router.wire.cbor_scan import UNDEFINED, flat_array_end, walk
from wampd.router.wire.codec import (
    MAX_DEPTH,
    UNREADABLE,
    Uncarriable,
    plain,
    replaces_arguments,
    understood,
    unreadable,
)
from wampd.router.wire.convert import convert_tail, event_message

_NO_ARGS = Raw(b"\x80")
_SELF_DESCRIBED = b"\xd9\xd9\xf7"

# Where the payload of each type that has one starts: how many elements stand before it.
_HEAD = {CALL: 4, PUBLISH: 4, YIELD: 3, ERROR: 5, ABORT: 3}

# Frozen, so that all messages without options can share one.
_OPTIONS: dict[int, tuple[type[Options], Any, int]] = {
    CALL: (CallOptions, CallOptions(), _HEAD[CALL]),
    PUBLISH: (PublishOptions, PublishOptions(), _HEAD[PUBLISH]),
    YIELD: (YieldOptions, YieldOptions(), _HEAD[YIELD]),
}


_Hot: TypeAlias = Call | Publish | Yield


class CborCodec:
    """The CBOR serialization."""

    format = Format.CBOR

    def __init__(self, depth: int = MAX_DEPTH) -> None:
        self.depth = depth

    def decode(self, payload: bytes, *, strict: bool = False) -> ClientMessage:
        """Read one message. Raises `ProtocolViolation`."""
        try:
            return self._fast(payload) or self._slow(payload, strict)
        except UNREADABLE as error:
            raise unreadable(error, self.depth, len(payload)) from None
        except cbor2.CBORError:
            raise ProtocolViolation("CBOR data is malformed") from None

    def _fast(self, payload: bytes) -> _Hot | None:
        """Read a message of the hot kinds in its plain form; `None` if it is anything else."""
        if len(payload) < 4:
            return None
        code = payload[1]
        position = 2
        if code == 0x18:
            code = payload[2]
            position = 3
        if code not in _OPTIONS:
            return None
        kind, options, elements = _OPTIONS[code]
        count = payload[0] - 0x80 - elements
        if not 0 <= count <= 2:
            return None
        # Next comes the id, mostly of up to four bytes; one of eight takes longer than all the rest of them.
        request = payload[position]
        if request == 0x19:
            request = payload[position + 1] << 8 | payload[position + 2]
            position += 3
        elif request == 0x1A:
            request = payload[position + 1] << 24 | payload[position + 2] << 16
            request |= payload[position + 3] << 8 | payload[position + 4]
            position += 5
        elif request < 0x18:
            position += 1
        elif request == 0x18:
            request = payload[position + 1]
            position += 2
        elif request == 0x1B:
            end = position + 9
            request = int.from_bytes(payload[position + 1 : end], "big")
            position = end
        else:
            return None
        if not 1 <= request <= MAX_ID:
            return None
        if payload[position] == 0xA0:
            position += 1
        else:
            given = self._options(payload, position, kind)
            if given is None:
                return None
            options, position = given
        uri = ""
        if code != YIELD:
            length = payload[position] - 0x60
            position += 1
            if length == 0x18:
                length = payload[position]
                position += 1
            elif not 0 <= length < 0x18:
                return None
            end = position + length
            uri = payload[position:end].decode()
            position = end
        # Mostly there are short positional arguments only, which need no second look.
        is_flat = count == 1 and flat_array_end(payload, position) == len(payload)
        args = Raw(payload[position:]) if is_flat else None
        message: _Hot
        if code == CALL:
            message = Call(request, options, uri, args)
        elif code == PUBLISH:
            message = Publish(request, options, uri, args)
        else:
            message = Yield(request, options, args)
        return message if is_flat else self._with_payload(message, payload, position, count)

    def _options(self, data: bytes, position: int, kind: type[Options]) -> tuple[Any, int] | None:
        """The options at ``position``, and where they end; `None` if there is anything wrong with them."""
        end, found = walk(data, position, self.depth - 1)
        if found:
            return None
        try:
            return msgspec.convert(cbor2.loads(data[position:end]), kind), end
        except msgspec.ValidationError:
            return None

    def _with_payload(self, message: _Hot, data: bytes, position: int, count: int) -> _Hot:
        """Read ``count`` (0 to 2) elements, arguments and keyword arguments, with which ``data`` ends."""
        if count:
            end, _ = walk(data, position, self.depth - 1)
            message.args = Raw(data[position:end])
            if count == 2:
                position = end
                end, _ = walk(data, position, self.depth - 1)
                message.kwargs = Raw(data[position:end])
            position = end
        if position != len(data):
            raise _wrong_end(position, data)
        message.args, message.kwargs = checked(message.args, message.kwargs, message)
        return message

    def _slow(self, payload: bytes, strict: bool) -> ClientMessage:
        """Read any message, in any well-formed form."""
        code, parts = self._elements(payload)
        payload_at = _HEAD.get(code, len(parts))
        elements: list[Any] = [code]
        for index, (part, found) in enumerate(parts[1:], 1):
            if index >= payload_at:
                elements.append(Raw(part))
            elif found & ~UNDEFINED:
                raise ProtocolViolation("Only Arguments and ArgumentsKw may hold tags and simple values")
            else:
                element = cbor2.loads(part)
                elements.append(plain(element, cbor2.undefined, strict=True) if found else element)
        message = understood(elements, strict)
        if len(parts) > payload_at:
            message.args, message.kwargs = checked(  # type: ignore[union-attr]
                message.args,  # type: ignore[union-attr]
                message.kwargs,  # type: ignore[union-attr]
                message,
            )
        return message

    def _elements(self, data: bytes) -> tuple[int, list[tuple[bytes, int]]]:
        """The message's first element, and all as they are in ``data`` with what is in them."""
        position = 3 if data.startswith(_SELF_DESCRIBED) else 0
        first = data[position]
        count = first - 0x80
        position += 1
        if 0x98 <= first <= 0x9B:
            size = 1 << (first - 0x98)
            count = int.from_bytes(data[position : position + size], "big")
            position += size
        elif first == 0x9F:
            count = -1
        elif not 0 <= count < 0x18:
            raise ProtocolViolation("A message must be an array")
        parts: list[tuple[bytes, int]] = []
        while len(parts) != count and (count >= 0 or data[position] != 0xFF):
            if len(parts) == _MOST_ELEMENTS:
                raise ProtocolViolation("The message has too many elements")
            end, found = walk(data, position, self.depth - 1)
            parts.append((data[position:end], found))
            position = end
        if count < 0:
            position += 1
        if position != len(data):
            raise _wrong_end(position, data)
        if not parts or parts[0][0][0] > 0x3B:
            raise ProtocolViolation("A message must start with its type, an integer")
        return cbor2.loads(parts[0][0]), parts

    def encode(self, message: tuple[Any, ...]) -> bytes:
        """Write one message; undecoded payload in it is CBOR. Raises `Uncarriable`."""
        code, count = message[0], len(message)
        if count == 5 and code in _PASSED_ON and not message[3] and type(message[4]) is Raw:
            return b"".join((_PASSED_ON[code], _unsigned(message[1]), _unsigned(message[2]), b"\xa0", message[4]))
        if count == 4 and code == RESULT and not message[2] and type(message[3]) is Raw:
            return b"".join((b"\x84\x18\x32", _unsigned(message[1]), b"\xa0", message[3]))
        parts: list[Any] = [_ARRAY_HEADS[len(message)]]
        for item in message:
            kind = type(item)
            if kind is int:
                parts.append(_unsigned(item) if item >= 0 else _dump(item))
            elif kind is Raw:
                parts.append(item)
            elif kind is dict and not item:
                parts.append(b"\xa0")
            else:
                try:
                    parts.append(_dump(item))
                except (cbor2.CBORError, TypeError, ValueError):
                    raise Uncarriable("CBOR cannot carry a value of this message") from None
        return b"".join(parts)

    def encode_event(self, event: Event) -> bytes:
        """Write an event, whatever serialization its payload is in. Raises `Uncarriable`."""
        return self.encode(event_message(event, self.format, _NO_ARGS))

    def encode_foreign(self, foreign: Foreign) -> bytes:
        """Write a message whose payload is in another serialization. Raises `Uncarriable`."""
        return self.encode(convert_tail(foreign.message, foreign.format, self.format))


def checked(args: Raw | None, kwargs: Raw | None, message: Message | None = None) -> tuple[Raw | None, Raw | None]:
    """See that arguments are an array and keyword arguments a map, as ``message`` wants it; those empty become `None`."""
    if kwargs is not None:
        if memoryview(kwargs)[0] >> 5 != 5:
            raise ProtocolViolation("ArgumentsKw must be a map")
        if _is_empty(kwargs):
            kwargs = None
    if args is not None:
        major = memoryview(args)[0] >> 5
        if major != 4 and not (major in (2, 3) and replaces_arguments(message)):
            raise ProtocolViolation("Arguments must be an array")
        if kwargs is None and _is_empty(args):
            args = None
    return args, kwargs


def _is_empty(container: Raw) -> bool:
    if len(container) > 9:
        return False
    data = bytes(container)
    # A length of zero, in the first byte or in those that follow; or a break at once.
    return data in _EMPTY or (data[0] & 0x1F > 23 and not any(data[1:]))


_EMPTY = frozenset({b"\x80", b"\xa0", b"\x9f\xff", b"\xbf\xff"})


def _wrong_end(position: int, data: bytes) -> ProtocolViolation:
    if position > len(data):
        return ProtocolViolation("Input data was truncated")
    return ProtocolViolation("CBOR data is malformed: trailing characters")


_MOST_ELEMENTS = 7
_ARRAY_HEADS = [bytes([0x80 + count]) for count in range(_MOST_ELEMENTS + 1)]
_PASSED_ON = {INVOCATION: b"\x85\x18\x44", EVENT: b"\x85\x18\x24"}
"""What messages begin with that pass positional arguments on, and say nothing more of them."""
_BYTE = [bytes([value]) if value < 24 else bytes([0x18, value]) for value in range(256)]
_pack_2 = struct.Struct(">BH").pack
_pack_4 = struct.Struct(">BI").pack
_pack_8 = struct.Struct(">BQ").pack


def _unsigned(value: int) -> bytes:
    if value < 256:
        return _BYTE[value]
    if value < 1 << 16:
        return _pack_2(0x19, value)
    if value < 1 << 32:
        return _pack_4(0x1A, value)
    return _pack_8(0x1B, value) if value < 1 << 64 else _dump(value)


def _dump(value: Any) -> bytes:
    try:
        return cbor2.dumps(value)
    except (cbor2.CBOREncodeError, ValueError, TypeError):
        raise Uncarriable("CBOR cannot carry a value of this message") from None
