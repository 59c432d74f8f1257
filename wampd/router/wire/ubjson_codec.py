"""WAMP over UBJSON (`ubjson_values` says which).

Rules
-----
* The message is walked over once (`ubjson_scan`); its elements are cut out, and all but the payload read. msgspec checks
  their types and says what is wrong. There is no faster way: who wants one uses another serialization.
* Importing this module teaches `convert` the format.

Sources: WAMP basic profile, "Serializers"; UBJSON draft 12; Binary JData specification, draft 3.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Raw

from wampd.realms.messages import ABORT, CALL, ERROR, PUBLISH, YIELD, ClientMessage, Event, Foreign, Format
from wampd.realms.session import ProtocolViolation
from wampd.router.wire import convert
from wampd.router.wire.codec import (
    MAX_DEPTH,
    UNREADABLE,
    Uncarriable,
    replaces_arguments,
    understood,
    unreadable,
)
from wampd.router.wire.ubjson_scan import (
    CLOSE_ARRAY,
    NOTHING,
    OPEN_ARRAY,
    header_at,
    walk,
)
from wampd.router.wire.ubjson_values import dump, is_array, is_object, load

_NO_ARGS: Final = Raw(b"[]")
_HEAD: Final = {CALL: 4, PUBLISH: 4, YIELD: 3, ERROR: 5, ABORT: 3}
"""Where the payload of each type that has one starts: how many elements stand before it."""
_MOST_ELEMENTS: Final = 7
_SHORT: Final = 16
"""Bytes of the longest container that is looked into to see whether it is empty."""


class UbjsonCodec:
    """The UBJSON serialization."""

    format = Format.UBJSON

    def __init__(self, depth: int = MAX_DEPTH) -> None:
        self.depth = depth

    def decode(self, payload: bytes, *, strict: bool = False) -> ClientMessage:
        """Read one message. Raises `ProtocolViolation`."""
        try:
            elements = self._elements(payload)
        except UNREADABLE as error:
            raise unreadable(error, self.depth, len(payload)) from None
        message = understood(elements, strict)
        if len(elements) > _HEAD.get(elements[0], _MOST_ELEMENTS):
            _check_payload(message)
        return message

    def _elements(self, data: bytes) -> list[Any]:
        """The message's elements, its payload undecoded."""
        if data[0] != OPEN_ARRAY:
            raise ProtocolViolation("A message must be an array")
        position, count, marker = header_at(data, 0)
        if marker:
            raise ProtocolViolation("A message must not be an array of one type")
        elements: list[Any] = []
        payload_at = _MOST_ELEMENTS
        while len(elements) != count:
            first = data[position]
            if first == NOTHING:
                position += 1
                continue
            if first == CLOSE_ARRAY and count < 0:
                position += 1
                break
            if len(elements) == _MOST_ELEMENTS:
                raise ProtocolViolation("The message has too many elements")
            end = walk(data, position, self.depth - 1)
            part = data[position:end]
            elements.append(Raw(part) if len(elements) >= payload_at else _load(part))
            if len(elements) == 1:
                if type(elements[0]) is not int:
                    break
                payload_at = _HEAD.get(elements[0], _MOST_ELEMENTS)
            position = end
        if not elements or type(elements[0]) is not int:
            raise ProtocolViolation("A message must start with its type, an integer")
        if position != len(data):
            raise ProtocolViolation("UBJSON data is malformed: trailing characters")
        return elements

    def encode(self, message: tuple[Any, ...]) -> bytes:
        """Write one message; undecoded payload in it is UBJSON. Raises `Uncarriable`."""
        try:
            return dump(message)
        except (TypeError, ValueError, RecursionError):
            raise Uncarriable("UBJSON cannot carry a value of this message") from None

    def encode_event(self, event: Event) -> bytes:
        """Write an event, whatever serialization its payload is in. Raises `Uncarriable`."""
        return self.encode(convert.event_message(event, Format.UBJSON, _NO_ARGS))

    def encode_foreign(self, foreign: Foreign) -> bytes:
        """Write a message whose payload is in another serialization. Raises `Uncarriable`."""
        return self.encode(convert.convert_tail(foreign.message, foreign.format, Format.UBJSON))


def _load(part: bytes) -> Any:
    try:
        return load(part)
    except ValueError:
        raise ProtocolViolation("A number that is out of range") from None
    except RecursionError:
        raise ProtocolViolation("Options and details that are nested so deep cannot be read") from None


def _check_payload(message: Any) -> None:
    """See that arguments are an array and keyword arguments an object, and drop them where they are empty."""
    args, kwargs = message.args, message.kwargs
    if kwargs is not None:
        if not is_object(bytes(kwargs)):
            raise ProtocolViolation("ArgumentsKw must be an object")
        if _is_empty(kwargs):
            message.kwargs = kwargs = None
    if args is not None:
        if not is_array(bytes(args)):
            if bytes(args).startswith((b"S", b"[$B")) and replaces_arguments(message):
                return
            raise ProtocolViolation("Arguments must be an array")
        if kwargs is None and _is_empty(args):
            message.args = None


def _is_empty(container: Raw) -> bool:
    if len(container) > _SHORT:
        return False
    try:
        return not load(bytes(container))
    except (ValueError, RecursionError):
        return False  # there is something in it, though nothing that can be read


def _load_payload(payload: Raw) -> Any:
    return load(bytes(payload))


convert.teach(Format.UBJSON, _load_payload, dump)
