r"""WAMP over JSON (RFC 8259).

Rules
-----
* msgspec reads the message by its type and skips over the payload, whose grammar it checks all the same. That the bytes
  are UTF-8 is checked here beforehand.
* What does not fit the fast way (an ID written ``1.0``) is read a second time, more slowly, and only then refused.
* What is sent is always valid JSON: no NaN, no Infinity, binary as ``"\\u0000"`` + base64 (`convert`).

Sources: WAMP basic profile, "Serializers"; advanced profile, "Binary conversion of JSON strings".
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import msgspec
from msgspec import Raw

from wampd.realms.messages import (
    Abort,
    Call,
    ClientMessage,
    Error,
    Event,
    Foreign,
    Format,
    Publish,
    Yield,
    json_decoder,
)
from wampd.realms.options import integral
from wampd.realms.session import ProtocolViolation
from wampd.router.wire.codec import (
    MAX_DEPTH,
    WITH_PAYLOAD,
    Uncarriable,
    most_containers,
    plain,
    replaces_arguments,
    too_deep,
    too_many,
    violation,
)
from wampd.router.wire.convert import convert_tail, event_message, read_float, to_json

_NO_ARGS = Raw(b"[]")

_BEFORE_NOTHING = frozenset(b"[ \t\n\r")
"""What may stand before the end of an empty array."""
_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'[]{}"\\')
_NOT_OPENING = bytes(byte for byte in range(256) if byte not in b"[{")
_BRACKETS = bytes.maketrans(b"{}", b"[]")
# Opening brackets as +1 and closing ones as -1, in two's complement.
_STEPS = bytes.maketrans(b"[]", b"\x01\xff")


def json_shape(payload: bytes) -> tuple[int, int]:
    """How deep a well-formed JSON text nests, and how many arrays and objects it holds. Linear, without recursion."""
    structure = payload.translate(_BRACKETS, _NOT_STRUCTURE)
    # Escaped backslashes first: what then still stands before a quote escapes it.
    structure = structure.replace(b"\\\\", b"").replace(b'\\"', b"").replace(b"\\", b"")
    # Two quotes in a row are an empty string, or the end of one and the start of the next: both can go.
    structure = b"".join(structure.replace(b'""', b"").split(b'"')[::2])
    # The innermost levels, which are most of it, go quickly; the rest is counted.
    containers = len(structure) // 2
    levels = 0
    while structure and levels < 4:
        structure = structure.replace(b"[]", b"")
        levels += 1
    depth = levels + max(accumulate(memoryview(structure.translate(_STEPS)).cast("b")), default=0)
    return depth, containers


def may_exceed(payload: bytes, depth: int) -> bool:
    """Whether there are more than ``depth`` opening brackets, those in strings included."""
    if len(payload) < 4096:
        return len(payload.translate(None, _NOT_OPENING)) > depth
    # In large payload brackets are often few, and ``find`` is ten times as fast as what looks at every byte.
    found = 0
    for bracket in b"[", b"{":
        position = payload.find(bracket)
        while position >= 0:
            found += 1
            if found > depth:
                return True
            position = payload.find(bracket, position + 1)
    return False


class JsonCodec:
    """The JSON serialization."""

    format = Format.JSON

    def __init__(self, depth: int = MAX_DEPTH) -> None:
        self.depth = depth
        self._shallow = 2 * depth  # each level takes two bytes at least
        self._decode = json_decoder(read_float).decode
        self._parts = msgspec.json.Decoder(list[Raw]).decode
        self._encode = msgspec.json.Encoder().encode

    def decode(self, payload: bytes, *, strict: bool = False) -> ClientMessage:
        """Read one message. Raises `ProtocolViolation`."""
        try:
            if not payload.isascii():
                payload.decode()
            message = self._decode(payload)
        except msgspec.ValidationError as error:
            message = self._again(payload, error, strict)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise violation(error) from None
        if len(payload) > self._shallow and may_exceed(payload, self.depth):
            depth, containers = json_shape(payload)
            if depth > self.depth:
                raise too_deep(self.depth)
            if containers > most_containers(len(payload)):
                raise too_many(len(payload))
        # Mostly there are positional arguments only: a text that ends in "]]" ends in an array, here one not empty.
        if (
            type(message) in WITH_PAYLOAD
            and message.args is not None  # type: ignore[union-attr]
            and (
                message.kwargs is not None  # type: ignore[union-attr]
                or payload[-1] != 0x5D
                or payload[-2] != 0x5D
                or payload[-3] in _BEFORE_NOTHING
            )
        ):
            _check_payload(message)  # type: ignore[arg-type]
        return message

    def _again(self, payload: bytes, error: msgspec.ValidationError, strict: bool) -> ClientMessage:
        """Read a message that the fast decoder refused with IDs that are integral floats made integers."""
        if strict or "got `float` - at `$[" not in str(error):
            raise violation(error)
        try:
            parts = self._parts(payload)
            parts[1:4] = [_meant(part) for part in parts[1:4]]
            return self._decode(b"[" + b",".join(map(bytes, parts)) + b"]")
        except (msgspec.DecodeError, RecursionError) as again:
            raise violation(again) from None

    def encode(self, message: tuple[Any, ...]) -> bytes:
        """Write one message; undecoded payload in it is JSON. Raises `Uncarriable`."""
        last = message[-1]
        kind = type(last)
        try:
            if (kind is list or kind is dict) and last:
                return self._encode(to_json(message))
            return self._encode(message)
        except (TypeError, ValueError):
            pass
        try:
            return self._encode(to_json(message))
        except ValueError:
            raise Uncarriable("JSON cannot carry this text or number") from None

    def encode_event(self, event: Event) -> bytes:
        """Write an event, whatever serialization its payload is in. Raises `Uncarriable`."""
        return self.encode(event_message(event, self.format, _NO_ARGS))

    def encode_foreign(self, foreign: Foreign) -> bytes:
        """Write a message whose payload is in another serialization. Raises `Uncarriable`."""
        return self.encode(convert_tail(foreign.message, foreign.format, self.format))


def _check_payload(message: Call | Publish | Yield | Error | Abort) -> None:
    """See that arguments are an array and keyword arguments an object, and drop them where they are empty."""
    args, kwargs = message.args, message.kwargs
    if kwargs is not None:
        view = memoryview(kwargs)
        if view[0] != 0x7B:
            raise ProtocolViolation("ArgumentsKw must be an object")
        if view[1] != 0x22 and _is_empty(kwargs):
            message.kwargs = kwargs = None
    if args is not None:
        view = memoryview(args)
        if view[0] != 0x5B:
            if view[0] == 0x22 and replaces_arguments(message):
                return
            raise ProtocolViolation("Arguments must be an array")
        if kwargs is None and view[1] in b"] \t\n\r" and _is_empty(args):
            message.args = None


def _is_empty(container: Raw) -> bool:
    return not bytes(container)[1:-1].strip(b" \t\n\r")


def _meant(part: Raw) -> Raw:
    """A JSON number without fraction as an integer, in options, too; anything else as it is."""
    text = bytes(part)
    if text[:1] == b"{":
        return Raw(msgspec.json.encode(plain(msgspec.json.decode(text), msgspec.UNSET, strict=False)))
    if not text[:1].isdigit() or len(text) > 32:
        return part
    value = integral(float(text))
    return Raw(b"%d" % value) if type(value) is int else part
