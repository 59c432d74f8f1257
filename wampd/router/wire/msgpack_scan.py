"""A walk over MessagePack that builds nothing: is it well formed, and does it nest too deep?

Rules
-----
* Linear in the input, without recursion, whatever lengths are declared.
* Strings are UTF-8. Map keys are not containers or extensions: those cannot be keys in most receivers' languages, and a
  table of them can be made to collide.

Source: MessagePack specification, "Formats".
"""

from __future__ import annotations

import sys

from wampd.router.wire.codec import MalformedError, TooDeepError, TooManyError, most_containers

# For each first byte: below 64 the size of the whole item; from 64 on a short string, 64 more than its length; from 128
# on one of the kinds below, whose low bits hold the number of length bytes (none: the length is in the first byte).
_SHORT_STR = 0x40
_STR, _BIN, _ARRAY, _MAP, _EXT, _FIXEXT, _BAD = 0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0

_TIMESTAMP = 0xFF
"""The type of the timestamp extension, -1."""


def _table() -> bytes:
    table = [_BAD] * 256
    table[0x00:0x80] = [1] * 0x80
    table[0x80:0x90] = [_MAP] * 0x10
    table[0x90:0xA0] = [_ARRAY] * 0x10
    table[0xA0:0xC0] = [_SHORT_STR + length for length in range(0x20)]
    table[0xC0] = table[0xC2] = table[0xC3] = 1
    table[0xC4:0xC7] = [_BIN + 1, _BIN + 2, _BIN + 4]
    table[0xC7:0xCA] = [_EXT + 1, _EXT + 2, _EXT + 4]
    table[0xCA:0xCC] = [5, 9]
    table[0xCC:0xD4] = [2, 3, 5, 9, 2, 3, 5, 9]
    table[0xD4:0xD9] = [_FIXEXT] * 5
    table[0xD9:0xDC] = [_STR + 1, _STR + 2, _STR + 4]
    table[0xDC:0xDE] = [_ARRAY + 2, _ARRAY + 4]
    table[0xDE:0xE0] = [_MAP + 2, _MAP + 4]
    table[0xE0:] = [1] * 0x20
    return bytes(table)


_TABLE = _table()
_NOT_CONTAINERS = bytes(byte for byte in range(256) if not (_ARRAY <= _TABLE[byte] < _EXT))

LARGE = 4096
BUDGET = 64
"""A message larger than `LARGE` is often one large value: a walk of so many items finds out, cheaper than all else."""


def may_exceed(payload: bytes, count: int) -> bool:
    """Whether more than ``count`` bytes could open an array or map. Quick; false means that nothing nests that deep."""
    return len(payload.translate(None, _NOT_CONTAINERS)) > count


def scan(data: bytes, limit: int, budget: int = sys.maxsize) -> bool:
    """See that ``data`` is one well-formed item that nests at most ``limit`` deep.

    Returns False when it has more than ``budget`` values. Raises `MalformedError`, or
    `UnicodeDecodeError` for a string that is not UTF-8.
    """
    try:
        end = _walk(data, limit, budget)
    except IndexError:
        raise MalformedError("Input data was truncated") from None
    if end > len(data):
        raise MalformedError("Input data was truncated")
    if 0 <= end < len(data):
        raise MalformedError("MessagePack data is malformed: trailing characters")
    return end >= 0


def _walk(data: bytes, limit: int, budget: int) -> int:
    """Where the first item of ``data`` ends; beyond its end when it is truncated there; -1 when the budget is spent."""
    table = _TABLE
    position = 0
    left = 1  # items left in the innermost container, keys included
    is_map = False
    outer: list[tuple[int, bool]] = []
    containers = most_containers(len(data))
    while True:
        while not left:
            if not outer:
                return position
            left, is_map = outer.pop()
        left -= 1
        first = data[position]
        kind = table[first]
        position += 1
        if kind < _SHORT_STR:
            position += kind - 1
            continue
        if kind < _STR:
            text = data[position : position + kind - _SHORT_STR]
            position += kind - _SHORT_STR
            if not text.isascii():
                text.decode()
            continue
        size = kind & 0x0F
        kind &= 0xF0
        length = int.from_bytes(data[position : position + size], "big") if size else first & 0x0F
        position += size  # beyond the end if it is the length that is truncated
        if kind == _STR:
            text = data[position : position + length]
            position += length
            if not text.isascii():
                text.decode()
            continue
        if kind == _BIN:
            position += length
            continue
        if kind == _BAD:
            raise MalformedError("MessagePack data is malformed: invalid opcode")
        if is_map and left & 1:
            raise MalformedError("Map keys must not be containers or extension values")
        if kind in (_EXT, _FIXEXT):
            if kind == _FIXEXT:
                length = 1 << (first - 0xD4)
            if data[position] == _TIMESTAMP and length not in (4, 8, 12):
                raise MalformedError("MessagePack data is malformed: timestamp of a wrong size")
            position += 1 + length
        elif len(outer) >= limit:
            raise TooDeepError
        else:
            containers -= 1
            if containers < 0:
                raise TooManyError
            if length:
                outer.append((left, is_map))
                is_map = kind == _MAP
                left = 2 * length if is_map else length
                budget -= left
                if budget < 0:
                    return -1
