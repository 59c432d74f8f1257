"""Plain values from and to UBJSON, in the dialect Binary JData, draft 3.

There are two dialects of what WAMP calls ``ubjson``. UBJSON draft 12 is big-endian and has no bytes; its libraries are
not kept any more. Binary JData is little-endian, has unsigned integers up to 64 bit and bytes, and is what autobahn speaks.
The two cannot be told apart by looking: only the second is spoken here.

Rules
-----
* What is loaded has been walked over (`ubjson_scan`): it is well formed, and nests no deeper than allowed.
* An array of bytes is bytes, any other typed array a list. A number of high precision is an integer, or a float if one has
  the very same shortest digits; it is never rounded.
* What is written has shortest integers, text of one ASCII character as a character, and no counts or types but those of
  bytes: octet for octet what the bjdata library writes.
* Times, dates and UUIDs are written as the strings that JSON has for them; integer keys as decimal digits.

Sources: UBJSON draft 12; Binary JData specification, draft 3.
"""

from __future__ import annotations

import datetime
import decimal
import struct
import uuid
from typing import Any, Final

import msgspec
from msgspec import Raw

from wampd.router.wire.ubjson_scan import (
    CLOSE_ARRAY,
    CLOSE_OBJECT,
    NOTHING,
    OPEN_ARRAY,
    OPEN_OBJECT,
    header_at,
    text_at,
)

_CONSTANTS: Final[dict[int, Any]] = {ord("Z"): None, ord("T"): True, ord("F"): False}
_NUMBERS: Final = {
    ord(marker): struct.Struct(f"<{code}")
    for marker, code in zip("iUBIuhlmdLMD", "bBBhHeiIfqQd", strict=True)  # Python's own letters
}
_BYTES = ord("B")
_TEXT, _HIGH, _CHARACTER = b"SHC"


def load(data: bytes) -> Any:
    """The value of well-formed UBJSON. Raises `ValueError` for a number that no other format has."""
    return _load(data, 0)[0]


def _load(data: bytes, position: int) -> tuple[Any, int]:
    """The value at ``position``, and where it ends."""
    marker = data[position]
    if marker in _CONSTANTS:
        return _CONSTANTS[marker], position + 1
    if marker in _NUMBERS:
        number = _NUMBERS[marker]
        return number.unpack_from(data, position + 1)[0], position + 1 + number.size
    if marker == _TEXT:
        return _load_text(data, position + 1)
    if marker == _CHARACTER:
        return chr(data[position + 1]), position + 2
    if marker == _HIGH:
        text, position = _load_text(data, position + 1)
        return _high(text), position
    return _load_array(data, position) if marker == OPEN_ARRAY else _load_object(data, position)


def _load_text(data: bytes, position: int) -> tuple[str, int]:
    start, end = text_at(data, position)
    return data[start:end].decode(), end


def _load_array(data: bytes, position: int) -> tuple[Any, int]:
    position, count, marker = header_at(data, position)
    if marker:
        number = _NUMBERS.get(marker)
        end = position + count * (number.size if number is not None else 1)
        if marker == _BYTES:
            return data[position:end], end
        if number is None:
            return list(data[position:end].decode()), end
        return list(struct.unpack(f"<{count}{number.format[1:]}", data[position:end])), end
    values: list[Any] = []
    while True:
        if len(values) == count:
            return values, position
        marker = data[position]
        if marker == NOTHING:
            position += 1
        elif marker == CLOSE_ARRAY:
            return values, position + 1
        elif marker in _CONSTANTS:
            values.append(_CONSTANTS[marker])
            position += 1
        else:
            value, position = _load(data, position)
            values.append(value)


def _load_object(data: bytes, position: int) -> tuple[dict[str, Any], int]:
    position, count, marker = header_at(data, position)
    values: dict[str, Any] = {}
    left = count
    while left:
        first = data[position]
        if first == NOTHING:
            position += 1
            continue
        if first == CLOSE_OBJECT:
            return values, position + 1
        key, position = _load_text(data, position)
        if marker:
            number = _NUMBERS.get(marker)
            if number is None:
                values[key], position = chr(data[position]), position + 1
            else:
                values[key], position = number.unpack_from(data, position)[0], position + number.size
        else:
            while data[position] == NOTHING:
                position += 1
            values[key], position = _load(data, position)
        left -= 1
    return values, position


def _high(text: str) -> int | float:
    """A number of high precision. Raises `ValueError` if it would have to be rounded."""
    if text.lstrip("-").isdigit():
        return int(text)
    value = float(text)
    try:
        if decimal.Decimal(text) == decimal.Decimal(repr(value)):
            return value
    except decimal.InvalidOperation:
        pass
    raise ValueError("a number of high precision that no float is")


# ----------------------------------------------------------------------------------------------------------- writing

_SMALL: Final = [b"U" + bytes((value,)) for value in range(1 << 8)]
_POSITIVE: Final = tuple(
    (1 << bits, struct.Struct(f"<c{code}").pack, marker)
    for bits, code, marker in ((16, "H", b"u"), (32, "I", b"m"), (64, "Q", b"M"))
)
_NEGATIVE: Final = tuple(
    (-(1 << bits), struct.Struct(f"<c{code}").pack, marker)
    for bits, code, marker in ((7, "b", b"i"), (15, "h", b"I"), (31, "i", b"l"), (63, "q", b"L"))
)
"""Up to what, how and as what integers are written."""
_long: Final = struct.Struct("<cQ").pack
_double: Final = _NUMBERS[ord("D")].pack
_TEXTUAL: Final = (datetime.datetime, datetime.date, uuid.UUID)


def dump(value: Any) -> bytes:
    """A value as UBJSON; `Raw` in it is UBJSON already. Raises `ValueError` or `TypeError` for what UBJSON has not."""
    parts: list[bytes] = []
    _dump(value, parts)
    return b"".join(parts)


def _dump(value: Any, parts: list[bytes]) -> None:
    kind = type(value)
    if kind is str:
        parts.append(_text(value))
    elif kind is int:
        parts.append(_integer(value))
    elif value is None or kind is bool:
        parts.append(b"Z" if value is None else b"T" if value else b"F")
    elif kind is float:
        parts.append(b"D" + _double(value))
    elif kind is list or kind is tuple:
        parts.append(b"[")
        for item in value:
            if type(item) is int:  # lists of ids may be very long
                parts.append(_integer(item))
            else:
                _dump(item, parts)
        parts.append(b"]")
    elif kind is dict:
        _dump_object(value, parts)
    elif kind is Raw:
        parts.append(bytes(value))
    elif kind is bytes:
        parts.append(b"[$B#" + _integer(len(value)) + value)
    elif kind in _TEXTUAL:
        parts.append(_text(msgspec.to_builtins(value)))
    else:
        raise TypeError(f"UBJSON cannot carry a value of type {kind.__name__}")


def _dump_object(mapping: dict[Any, Any], parts: list[bytes]) -> None:
    keys: set[str] = set()
    parts.append(b"{")
    for key, item in mapping.items():
        if type(key) is not str and type(key) is not int:
            raise TypeError("UBJSON object keys are strings")
        name = str(key)
        keys.add(name)
        encoded = name.encode()
        parts.append(_integer(len(encoded)) + encoded)
        _dump(item, parts)
    if len(keys) != len(mapping):
        raise ValueError("Two map keys become the same UBJSON object key")
    parts.append(b"}")


def _text(text: str) -> bytes:
    encoded = text.encode()
    return b"C" + encoded if len(encoded) == 1 else b"S" + _integer(len(encoded)) + encoded


def _integer(value: int) -> bytes:
    if 1 << 32 <= value < 1 << 64:
        return _long(b"M", value)
    if value >= 0:
        if value < 1 << 8:
            return _SMALL[value]
        for beyond, pack, marker in _POSITIVE:
            if value < beyond:
                return pack(marker, value)
    else:
        for least, pack, marker in _NEGATIVE:
            if value >= least:
                return pack(marker, value)
    digits = b"%d" % value
    return b"H" + _integer(len(digits)) + digits


def is_array(payload: bytes) -> bool:
    """Whether well-formed UBJSON is an array, and not bytes."""
    return payload[0] == OPEN_ARRAY and payload[:3] != b"[$B"


def is_object(payload: bytes) -> bool:
    """Whether well-formed UBJSON is an object."""
    return payload[0] == OPEN_OBJECT
