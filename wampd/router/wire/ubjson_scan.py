"""A walk over UBJSON that builds nothing: where does an item end, and is it well formed?

The dialect is Binary JData, draft 3 (`ubjson_values` says why).

Rules
-----
* Linear in the input, without recursion, whatever lengths and counts are declared.
* Text is UTF-8, characters are ASCII, numbers of high precision are what JSON calls a number.
* A number of high precision counts as eight arrays: reading it takes as long.
* A typed container (``$``) holds numbers, characters or bytes: values that take room. Ten bytes of a type that takes none
  (null, true, false, no-op) would be gigabytes for a receiver's decoder. Arrays of several dimensions and structures of
  arrays are not accepted.

Sources: UBJSON draft 12; Binary JData specification, draft 3, "Type summary" and "Container types".
"""

from __future__ import annotations

import re
from typing import Final

from wampd.router.wire.codec import MalformedError, TooDeepError, TooManyError, most_containers

SIZES: Final[dict[int, int]] = {
    **dict.fromkeys(b"iUBC", 1),
    **dict.fromkeys(b"Iuh", 2),
    **dict.fromkeys(b"lmd", 4),
    **dict.fromkeys(b"LMD", 8),
}
"""Bytes of the values that typed containers may hold, by their marker."""
LENGTHS: Final[dict[int, int]] = {marker: SIZES[marker] for marker in b"iUIulmLM"}
"""Bytes of the integers that lengths and counts may be, by their marker."""
_SIGNED: Final = frozenset(b"iIlL")

NOTHING, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT, TYPED, COUNTED = b"N[]{}$#"
_TEXT, _HIGH, _CHARACTER, _SHORT = b"SHCU"
_HIGH_COST: Final = 8
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

# For each first byte the size of the whole item, or one of these.
_BAD, _SPECIAL = 0x80, 0x81


def _table() -> bytes:
    table = [_BAD] * 256
    for marker, size in SIZES.items():
        table[marker] = 1 + size
    for marker in b"ZTF":
        table[marker] = 1
    for marker in b"N[]{}SHC":
        table[marker] = _SPECIAL
    return bytes(table)


_TABLE: Final = _table()
_BEYOND_ASCII: Final = "UBJSON data is malformed: a character beyond ASCII"
_OPEN: Final = 1 << 70
"""Items left in a container that has no count: even, and more than any count says."""
_OPEN_AT_LEAST: Final = 1 << 69


def walk(data: bytes, position: int, limit: int) -> int:
    """Where the item at ``position`` ends. It may nest ``limit`` deep.

    Raises `MalformedError`, `UnicodeDecodeError` for text that is not UTF-8, and `IndexError` when ``data`` is truncated.
    """
    table = _TABLE
    left = 1  # items left in the innermost container, keys included
    is_object = False
    outer: list[tuple[int, bool]] = []
    begin = position
    most = containers = most_containers(len(data))
    while True:
        while not left:
            if not outer:
                if position > len(data):
                    raise IndexError
                if most - containers > most_containers(position - begin):
                    raise TooManyError
                return position
            left, is_object = outer.pop()
        first = data[position]
        if is_object and not left & 1 and first != NOTHING and first != CLOSE_OBJECT:
            position = _text_end(data, position)
            left -= 1
            continue
        kind = table[first]
        if kind < _BAD:
            left -= 1
            position += kind
        elif kind == _BAD:
            raise MalformedError("UBJSON data is malformed: unknown marker")
        elif first == NOTHING:
            if not outer:
                raise MalformedError("UBJSON data is malformed: no-op where a value was expected")
            position += 1
        elif first == _TEXT:
            left -= 1
            position = _text_end(data, position + 1)
        elif first == _HIGH:
            left -= 1
            containers -= _HIGH_COST
            if containers < 0:
                raise TooManyError
            start, size = length_at(data, position + 1)
            position = start + size
            if position <= len(data) and _NUMBER.fullmatch(data, start, position) is None:
                raise MalformedError("UBJSON data is malformed: a number of high precision that is none")
        elif first == _CHARACTER:
            left -= 1
            if data[position + 1] > 0x7F:
                raise MalformedError(_BEYOND_ASCII)
            position += 2
        elif first in (CLOSE_ARRAY, CLOSE_OBJECT):
            if left < _OPEN_AT_LEAST or is_object is not (first == CLOSE_OBJECT) or (is_object and left & 1):
                raise MalformedError("UBJSON data is malformed: an end where a value was expected")
            left, is_object = outer.pop()
            position += 1
        elif len(outer) >= limit:
            raise TooDeepError
        else:
            left -= 1
            containers -= 1
            if containers < 0:
                raise TooManyError
            position, count, marker = header_at(data, position)
            if marker:
                position = _typed(data, position, count, marker, first == OPEN_OBJECT)
            elif count:
                outer.append((left, is_object))
                is_object = first == OPEN_OBJECT
                left = _OPEN if count < 0 else 2 * count if is_object else count


def length_at(data: bytes, position: int) -> tuple[int, int]:
    """The end of the length or count at ``position``, and its value. Raises `MalformedError` and `IndexError`."""
    marker = data[position]
    size = LENGTHS.get(marker, 0)
    if not size:
        raise MalformedError("UBJSON data is malformed: a length that is no integer")
    position += 1
    value = int.from_bytes(data[position : position + size], "little", signed=marker in _SIGNED)
    if value < 0:
        raise MalformedError("UBJSON data is malformed: a negative length")
    return position + size, value


def header_at(data: bytes, position: int) -> tuple[int, int, int]:
    """The end of the header of a container, how many values it has (-1: it has an end), and their marker (0: each its own)."""
    position += 1
    marker = 0
    if data[position] == TYPED:
        marker = data[position + 1]
        if marker not in SIZES:
            raise MalformedError("UBJSON containers of this type are not accepted")
        position += 2
        if data[position] != COUNTED:
            raise MalformedError("UBJSON data is malformed: a typed container without a count")
    if data[position] != COUNTED:
        return position, -1, 0
    position, count = length_at(data, position + 1)
    if count > len(data) - position:
        raise IndexError
    return position, count, marker


def _typed(data: bytes, position: int, count: int, marker: int, is_object: bool) -> int:
    """Where a container ends whose values have no markers of their own, from the end of its header on."""
    size = SIZES[marker]
    values = bytearray()
    if not is_object:
        end = position + count * size
        if marker == _CHARACTER:
            values += data[position:end]
        position = end
    else:
        for _ in range(count):
            position = _text_end(data, position)
            values += data[position : position + size]
            position += size
    if marker == _CHARACTER and not values.isascii():
        raise MalformedError(_BEYOND_ASCII)
    return position


def text_at(data: bytes, position: int) -> tuple[int, int]:
    """Where a text starts and ends whose length is at ``position``. Raises `MalformedError` and `IndexError`."""
    if data[position] == _SHORT:  # nearly always
        start = position + 2
        return start, start + data[position + 1]
    start, size = length_at(data, position)
    return start, start + size


def _text_end(data: bytes, position: int) -> int:
    """Where a text ends whose length is at ``position``."""
    start, end = text_at(data, position)
    text = data[start:end]
    if not text.isascii():
        text.decode()
    return end
