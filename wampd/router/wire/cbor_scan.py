"""A walk over CBOR that builds nothing: where does an item end, is it well formed, and what is in it?

Rules
-----
* Linear in the input, without recursion, whatever lengths are declared.
* Text is UTF-8. Indefinite lengths and integers longer than need be are accepted; reserved codes are not.
* Map keys are plain values: containers and tagged values cannot be keys in most receivers' languages, and a table of
  them can be made to collide.
* Refused are shared values and string references (tags 28, 29, 25, 256): a few bytes of them expand to any size. Times
  and bignums (tags 0 to 3) must hold what they say, because receivers' decoders die of others.

Source: RFC 8949 section 3 and appendix C.
"""

from __future__ import annotations

from wampd.router.wire.codec import MalformedError, TooDeepError, TooManyError, most_containers

# What an item holds, as flags.
TAGGED = 1
"""A tagged value of a kind that has a counterpart elsewhere (`PORTABLE_TAGS`)."""
FOREIGN = 2
"""A tagged or simple value that only CBOR knows."""
UNDEFINED = 4

PORTABLE_TAGS = frozenset({0, 1, 2, 3, 37, 100, 1004, 55799})
"""Time as text, time as number, bignums, UUID, two dates, and "this is CBOR"."""
_EXPANDING_TAGS = frozenset({25, 28, 29, 256})
_CONTENT = {0: (3,), 1: (0, 1, 7), 2: (2,), 3: (2,), 37: (2,), 100: (0, 1), 1004: (3,)}
"""Of which major type the content of a tag must be."""

# For each first byte: below 64 the size of the whole item; from 64 on a short text, 64 more than its length; from 128 on
# one of the kinds below, whose low bits hold the number of length bytes (none: the length is in the first byte).
_SHORT_TEXT = 0x40
_BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE, _INDEFINITE, _BAD = 0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0, 0xF0


def _table() -> bytes:
    table = [_BAD] * 256
    for major in (0, 1):
        table[major << 5 : (major << 5) + 28] = [1] * 24 + [2, 3, 5, 9]
    table[0x40:0x58] = [1 + length for length in range(24)]
    table[0x60:0x78] = [_SHORT_TEXT + length for length in range(24)]
    for major, kind in ((2, _BYTES), (3, _TEXT), (4, _ARRAY), (5, _MAP), (6, _TAG)):
        table[(major << 5) + 24 : (major << 5) + 28] = [kind + size for size in (1, 2, 4, 8)]
        if kind >= _ARRAY:
            table[major << 5 : (major << 5) + 24] = [kind] * 24
        if kind < _TAG:
            table[(major << 5) + 31] = _INDEFINITE
    table[0xE0:0xF4] = [_SIMPLE] * 20
    table[0xF4:0xF7] = [1] * 3  # false, true, null
    table[0xF7] = _SIMPLE
    table[0xF8] = _SIMPLE + 1
    table[0xF9:0xFC] = [3, 5, 9]
    table[0xFF] = _INDEFINITE  # the break that ends one
    return bytes(table)


_TABLE = _table()
_OPEN = 1 << 70
"""Items left in a container of indefinite length: even, and more than any definite one can declare."""
_OPEN_AT_LEAST = 1 << 69


def flat_array_end(data: bytes, position: int) -> int:
    """Where a short, not empty array of numbers, booleans, nulls and short ASCII texts ends; 0 for any other item.

    What most arguments are, at a fraction of what `walk` costs. Raises `IndexError` when ``data`` is truncated; or,
    truncated within an item, the array ends beyond the end of ``data``.
    """
    left = data[position] - 0x80
    if not 0 < left < 0x18:
        return 0
    position += 1
    table = _TABLE
    while left:
        left -= 1
        kind = table[data[position]]
        if kind < _SHORT_TEXT:
            position += kind
        elif kind < _BYTES:
            start = position + 1
            position += kind - _SHORT_TEXT + 1
            if not data[start:position].isascii():
                return 0
        else:
            return 0
    return position


def walk(data: bytes, position: int, limit: int) -> tuple[int, int]:
    """Where the item at ``position`` ends, and what is in it. It may nest ``limit`` deep.

    Raises `MalformedError`, `UnicodeDecodeError` for text that is not UTF-8, and `IndexError` when ``data`` is truncated.
    """
    table = _TABLE
    found = 0
    left = 1  # items left in the innermost container, keys included
    is_map = False
    outer: list[tuple[int, bool]] = []
    begin = position
    most = left_to_open = 2 * most_containers(len(data))  # a tag counts half
    while True:
        while not left:
            if not outer:
                if position > len(data):
                    raise IndexError
                if most - left_to_open > 2 * most_containers(position - begin):
                    raise TooManyError
                return position, found
            left, is_map = outer.pop()
        left -= 1
        first = data[position]
        kind = table[first]
        if kind < _SHORT_TEXT:
            position += kind
            continue
        position += 1
        if kind < _BYTES:
            text = data[position : position + kind - _SHORT_TEXT]
            position += kind - _SHORT_TEXT
            if not text.isascii():
                text.decode()
            continue
        size = kind & 0x0F
        kind &= 0xF0
        value = int.from_bytes(data[position : position + size], "big") if size else first & 0x1F
        position += size  # beyond the end if it is the length that is truncated
        if kind == _BYTES:
            position += value
        elif kind == _TEXT:
            text = data[position : position + value]
            position += value
            if not text.isascii():
                text.decode()
        elif kind == _SIMPLE:
            if size and value < 32:
                raise MalformedError("CBOR data is malformed: simple value in two bytes")
            found |= UNDEFINED if value == 23 else FOREIGN
        elif kind == _BAD:
            raise MalformedError("CBOR data is malformed: reserved code")
        elif first == 0xFF:
            if left < _OPEN_AT_LEAST or (is_map and not left & 1):
                raise MalformedError("CBOR data is malformed: break where a value was expected")
            left, is_map = outer.pop()
        elif first == 0x5F or first == 0x7F:
            position = _chunks(data, position, first & 0xE0)
        elif is_map and left & 1:
            raise MalformedError("Map keys must not be containers or tagged values")
        elif len(outer) >= limit:
            raise TooDeepError
        elif kind == _TAG:
            left_to_open -= 1
            if left_to_open < 0:
                raise TooManyError
            found |= _tag(value, data[position])
            outer.append((left, is_map))
            left, is_map = 1, False
        else:
            left_to_open -= 2
            if left_to_open < 0:
                raise TooManyError
            if kind == _INDEFINITE:
                outer.append((left, is_map))
                left, is_map = _OPEN, first == 0xBF
            elif value > len(data):
                raise MalformedError("Input data was truncated")
            elif value:
                outer.append((left, is_map))
                is_map = kind == _MAP
                left = 2 * value if is_map else value


def _chunks(data: bytes, position: int, major: int) -> int:
    """Where a string of indefinite length ends."""
    while data[position] != 0xFF:
        first = data[position]
        info = first & 0x1F
        if first & 0xE0 != major or info > 27:
            raise MalformedError("CBOR data is malformed: wrong chunk in a string")
        size = 1 << (info - 24) if info > 23 else 0
        position += 1
        length = int.from_bytes(data[position : position + size], "big") if size else info
        position += size
        if major == 0x60:
            data[position : position + length].decode()
        position += length
    return position + 1


def _tag(tag: int, first: int) -> int:
    """See that a tag is accepted with content that starts with the byte ``first``."""
    if tag in _EXPANDING_TAGS:
        raise MalformedError("CBOR shared references that expand are not accepted")
    if tag in _CONTENT and first >> 5 not in _CONTENT[tag]:
        raise MalformedError(f"CBOR data is malformed: wrong content of tag {tag}")
    return TAGGED if tag in PORTABLE_TAGS else FOREIGN
