"""A walk over MessagePack that builds nothing: is it well formed, and how deep does it nest?

Rules
-----
* Linear in the input, without recursion, whatever lengths are declared.
* Strings are UTF-8. Map keys are not containers or extensions: those cannot be keys in most receivers' languages, and a
  table of them can be made to collide.

Source: MessagePack specification, "Formats".
"""

from __future__ import annotations


class Malformed(Exception):
    """The bytes are no MessagePack. The text is for the peer."""


class TooDeep(Malformed):
    """The bytes nest deeper than allowed."""


# For each first byte: the size of the whole item if that is known (1 to 18), else one of these.
_STR, _BIN, _ARRAY, _MAP, _EXT, _BAD = 32, 64, 96, 128, 160, 255
# The kinds carry in their low bits the number of length bytes (0: in the first byte itself).


def _widths() -> bytes:
    table = [_BAD] * 256
    table[0x00:0x80] = [1] * 0x80
    table[0x80:0x90] = [_MAP] * 0x10
    table[0x90:0xA0] = [_ARRAY] * 0x10
    table[0xA0:0xC0] = [_STR] * 0x20
    table[0xE0:0x100] = [1] * 0x20
    table[0xC0] = table[0xC2] = table[0xC3] = 1
    for first, kind, sizes in (
        (0xC4, _BIN, (1, 2, 4)),
        (0xC7, _EXT, (1, 2, 4)),
        (0xD9, _STR, (1, 2, 4)),
        (0xDC, _ARRAY, (2, 4)),
        (0xDE, _MAP, (2, 4)),
    ):
        table[first : first + len(sizes)] = [kind + size for size in sizes]
    table[0xCA], table[0xCB] = 5, 9
    table[0xCC:0xD0] = [2, 3, 5, 9]
    table[0xD0:0xD4] = [2, 3, 5, 9]
    table[0xD4:0xD9] = [3, 4, 6, 10, 18]  # fixext: type byte and 1 to 16 bytes of data
    return bytes(table)


_WIDTHS = _widths()
_CONTAINERS = bytes([*range(0x80, 0xA0), *range(0xDC, 0xE0)])
_NOT_CONTAINERS = bytes(byte for byte in range(256) if byte not in _CONTAINERS)


def may_exceed(payload: bytes, count: int) -> bool:
    """Whether more than ``count`` bytes could open an array or map. Quick; false means that nothing nests that deep."""
    return len(payload) > count and len(payload.translate(None, _NOT_CONTAINERS)) > count


def scan(data: bytes, limit: int) -> int:
    """See that ``data`` is one well-formed item, and return how deep it nests. Raises `Malformed` beyond ``limit``."""
    try:
        end, depth = _walk(data, limit)
    except IndexError:
        raise Malformed("Input data was truncated") from None
    if end != len(data):
        raise Malformed(
            "Input data was truncated" if end > len(data) else "MessagePack data is malformed: trailing bytes"
        )
    return depth


def _walk(data: bytes, limit: int) -> tuple[int, int]:
    widths = _WIDTHS
    position = deepest = 0
    left = 1  # items left in the innermost container; for a map keys count, too
    is_map = False
    outer: list[tuple[int, bool]] = []
    while True:
        while not left:
            if not outer:
                return position, deepest
            left, is_map = outer.pop()
        left -= 1
        first = data[position]
        width = widths[first]
        if width < _STR:
            if is_map and left & 1 and (0xD4 <= first <= 0xD8):
                raise Malformed("Map keys must not be extension values")
            position += width
            continue
        if width == _BAD:
            raise Malformed("MessagePack data is malformed: invalid opcode")
        length_size = width & 31
        position += 1
        if length_size:
            length = int.from_bytes(data[position : position + length_size], "big")
            position += length_size  # beyond the end when the length itself is truncated
        else:
            length = first & (31 if width == _STR else 15)
        kind = width & 0xE0
        if kind == _STR:
            text = data[position : position + length]
            position += length
            if not text.isascii():
                text.decode()
            continue
        if kind == _BIN:
            position += length
            continue
        if is_map and left & 1:
            raise Malformed("Map keys must not be containers or extension values")
        if kind == _EXT:
            position += length + 1
            continue
        if len(outer) >= limit:
            raise TooDeep
        outer.append((left, is_map))
        deepest = max(deepest, len(outer))
        is_map = kind == _MAP
        left = 2 * length if is_map else length
