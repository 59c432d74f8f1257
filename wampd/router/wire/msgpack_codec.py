"""WAMP over MessagePack.

Rules
-----
* msgspec reads the message by its type and skips over the payload. Strings in skipped payload may hold anything, and a
  receiver's decoder would choke on bad UTF-8: so the payload is decoded once and thrown away (50 ns when small).
* A message with many arrays or maps is walked over first (`msgpack_scan`): that bounds depth exactly, and keeps tables
  with colliding keys away from the decoder.

Sources: WAMP basic profile, "Serializers"; MessagePack specification.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

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
    msgpack_decoder,
)
from wampd.realms.session import ProtocolViolation
from wampd.router.wire.codec import (
    MAX_DEPTH,
    WITH_PAYLOAD,
    MalformedError,
    Uncarriable,
    plain,
    replaces_arguments,
    unreadable,
    violation,
)
from wampd.router.wire.convert import convert_tail, event_message
from wampd.router.wire.msgpack_scan import BUDGET, LARGE, may_exceed, scan

_NO_ARGS = Raw(b"\x90")
_NO_KWARGS = Raw(b"\x80")


class MsgpackCodec:
    """The MessagePack serialization."""

    format = Format.MSGPACK

    def __init__(self, depth: int = MAX_DEPTH) -> None:
        self.depth = depth
        self._decode = msgpack_decoder(_refuse_extension).decode
        self._parts = msgspec.msgpack.Decoder(list[Raw]).decode
        self._any = msgspec.msgpack.Decoder().decode
        self._encode = msgspec.msgpack.Encoder().encode

    def decode(self, payload: bytes, *, strict: bool = False) -> ClientMessage:
        """Read one message. Raises `ProtocolViolation`."""
        walked = len(payload) > self.depth and self._walk_if_needed(payload)
        try:
            message = self._decode(payload)
        except msgspec.ValidationError as error:
            message = self._again(payload, error, strict)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise violation(error) from None
        if type(message) in WITH_PAYLOAD and message.args is not None:  # type: ignore[union-attr]
            if walked or message.kwargs is not None:  # type: ignore[union-attr]
                self._check_payload(message, walked)  # type: ignore[arg-type]
                return message
            # Mostly there are positional arguments only.
            try:
                args = self._any(message.args)  # type: ignore[union-attr]
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._check_payload(message, walked)  # type: ignore[arg-type]
            else:
                if type(args) is not list:
                    if type(args) in (str, bytes) and replaces_arguments(message):
                        return message
                    raise ProtocolViolation("Arguments must be an array")
                if not args:
                    message.args = None  # type: ignore[union-attr]
        return message

    def _walk_if_needed(self, payload: bytes) -> bool:
        """Walk over a message that could nest too deep or hold many arrays; return whether that was done."""
        if len(payload) > LARGE and self._walk(payload, BUDGET):
            return True
        return may_exceed(payload, self.depth) and self._walk(payload)

    def _walk(self, data: bytes, budget: int = sys.maxsize) -> bool:
        try:
            return scan(data, self.depth, budget)
        except (MalformedError, UnicodeDecodeError) as error:
            raise unreadable(error, self.depth, len(data)) from None

    def _check_payload(self, message: Call | Publish | Yield | Error | Abort, walked: bool) -> None:
        """See that arguments are a well-formed array and map, and drop them where they are empty."""
        args, kwargs = message.args, message.kwargs
        if kwargs is not None:
            first = memoryview(kwargs)[0]
            if first & 0xF0 != 0x80 and first != 0xDE and first != 0xDF:
                raise ProtocolViolation("ArgumentsKw must be a map")
            if kwargs == _NO_KWARGS:
                message.kwargs = kwargs = None
            elif not walked:
                self._check(kwargs)
        if args is not None:
            first = memoryview(args)[0]
            if first & 0xF0 != 0x90 and first != 0xDC and first != 0xDD:
                is_text = first & 0xE0 == 0xA0 or first in b"\xd9\xda\xdb\xc4\xc5\xc6"
                if not (is_text and replaces_arguments(message)):
                    raise ProtocolViolation("Arguments must be an array")
            if kwargs is None and args == _NO_ARGS:
                message.args = None
            elif not walked:
                self._check(args)

    def _check(self, part: Raw) -> None:
        try:
            self._any(part)
        except UnicodeDecodeError as error:
            raise violation(error) from None
        except (msgspec.DecodeError, RecursionError):
            # A value that is well formed but none of Python's, such as a timestamp in the year 10000; or malformed.
            self._walk(bytes(part))

    def _again(self, payload: bytes, error: msgspec.ValidationError, strict: bool) -> ClientMessage:
        """Read a message that the fast decoder refused as it was meant: `plain`."""
        text = str(error)
        if "got `ext` - at `$[" not in text and (strict or "got `float` - at `$[" not in text):
            raise violation(error)
        try:
            parts = self._parts(payload)
            parts[1:4] = [_plain(part, strict) for part in parts[1:4]]
            return self._decode(self._encode(parts))
        except (msgspec.DecodeError, UnicodeDecodeError) as again:
            raise violation(again) from None

    def encode(self, message: tuple[Any, ...]) -> bytes:
        """Write one message; undecoded payload in it is MessagePack. Raises `Uncarriable`."""
        try:
            return self._encode(message)
        except (TypeError, ValueError, OverflowError):
            raise Uncarriable("MessagePack cannot carry a value of this message") from None

    def encode_event(self, event: Event) -> bytes:
        """Write an event, whatever serialization its payload is in. Raises `Uncarriable`."""
        return self.encode(event_message(event, self.format, _NO_ARGS))

    def encode_foreign(self, foreign: Foreign) -> bytes:
        """Write a message whose payload is in another serialization. Raises `Uncarriable`."""
        return self.encode(convert_tail(foreign.message, foreign.format, self.format))


def _refuse_extension(code: int, _data: memoryview) -> NoReturn:
    """Options hold what the other serializations could write, too."""
    raise ProtocolViolation(f"Only Arguments and ArgumentsKw may hold extension values (type {code})")


def _undefined(code: int, data: memoryview) -> object:
    """What JavaScript's libraries write for a value that is not there: type 0, one zero octet."""
    return msgspec.UNSET if code == 0 and bytes(data) == b"\0" else _refuse_extension(code, data)


def _plain(part: Raw, strict: bool) -> Raw:
    """A number or a map as it was meant; anything else as it is."""
    first = memoryview(part)[0]
    if first not in b"\xca\xcb\xde\xdf" and first & 0xF0 != 0x80:
        return part
    value = msgspec.msgpack.decode(part, ext_hook=_undefined)
    return Raw(msgspec.msgpack.encode(plain(value, msgspec.UNSET, strict)))
