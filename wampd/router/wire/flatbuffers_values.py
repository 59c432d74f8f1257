"""Tables of FlatBuffers to dictionaries and back, by the rows of `flatbuffers_schema`.

Rules
-----
* Every offset is checked before it is followed, and every text and vector before it is read. Nothing is followed in circles:
  how deep tables nest is said by the schema.
* A buffer may refer to the same text many times. What is read of it is bounded all the same: four times its size.
* Written are a table, and after it what it refers to, each at its alignment; no two tables share anything.

Source: FlatBuffers, "Internals" (format of tables, vectors and strings).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from wampd.router.wire.codec import MalformedError
from wampd.router.wire.flatbuffers_schema import ENUMS, METHODS, PASSTHRU, TABLES, TRANSPARENCY, Field

_BUDGET: Final = 4
_READ_COST: Final = 16
"""What reading a table or a short text counts, in bytes."""

_u8, _u16, _i32, _u32, _u64 = (struct.Struct(f"<{code}") for code in "BHiIQ")
_SCALARS: Final = {"bool": _u8, "u16": _u16, "u32": _u32, "u64": _u64, **dict.fromkeys(ENUMS, _u8)}


class Reader:
    """One buffer that is read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _BUDGET * len(data) + 1024

    def root(self) -> tuple[int, int]:
        """The type of the union in the root table, and where its table is (0: nowhere)."""
        table = self._follow(0)
        kind, message = self._place(table, 0), self._place(table, 1)
        if not kind or not message:
            return 0, 0
        return self._scalar(_u8, kind), self._follow(message)

    def table(self, position: int, fields: tuple[Field, ...]) -> dict[str, Any]:
        """The fields of a table that are there, and the enumerations that are not, with their defaults."""
        self._spend(_READ_COST)
        values: dict[str, Any] = {}
        for slot, (name, kind, default) in enumerate(fields):
            if kind == "-":
                continue
            place = self._place(position, slot)
            if kind in ENUMS:
                number = self._scalar(_u8, place) if place else default
                if number >= len(ENUMS[kind]):
                    raise MalformedError(f"FlatBuffers data is malformed: no {name} has number {number}")
                values[name] = ENUMS[kind][number]
            elif place:
                values[name] = self._value(kind, place)
        return values

    def _value(self, kind: str, place: int) -> Any:
        if kind == "bool":
            return self._scalar(_u8, place) != 0
        if kind in _SCALARS:
            return self._scalar(_SCALARS[kind], place)
        place = self._follow(place)
        if kind == "text":
            return self._text(place)
        if kind == "bytes":
            return self._vector(place, 1)
        if kind == "ids":
            data = self._vector(place, 8)
            return list(struct.unpack(f"<{len(data) // 8}Q", data))
        if kind == "methods":
            return [METHODS[number] if number < len(METHODS) else "" for number in self._vector(place, 1)]
        if kind == "texts":
            count = len(self._vector(place, 4)) // 4
            return [self._text(self._follow(place + 4 + 4 * index)) for index in range(count)]
        values = self.table(place, TABLES[kind])
        if kind == "map":
            return {values["key"]: values["value"]} if len(values) == 2 else {}
        if kind.endswith("features"):
            if values.get(TRANSPARENCY):
                values[PASSTHRU] = True
            return {"features": values}
        return values

    def _place(self, table: int, slot: int) -> int:
        """Where the field in this slot of a table is; 0: it is not there."""
        vtable = table - self._scalar(_i32, table)
        if vtable < 0:
            raise MalformedError("FlatBuffers data is malformed: an offset out of range")
        size = self._scalar(_u16, vtable)
        offset = self._scalar(_u16, vtable + 4 + 2 * slot) if size >= 6 + 2 * slot else 0
        return table + offset if offset else 0

    def _follow(self, place: int) -> int:
        offset = self._scalar(_u32, place)
        if offset == 0 or place + offset >= len(self._data):
            raise MalformedError("FlatBuffers data is malformed: an offset out of range")
        return place + offset

    def _scalar(self, form: struct.Struct, place: int) -> int:
        if place + form.size > len(self._data):
            raise MalformedError("FlatBuffers data is malformed: truncated")
        number: int = form.unpack_from(self._data, place)[0]
        return number

    def _vector(self, place: int, width: int) -> bytes:
        """The bytes of a vector of values of so many bytes each."""
        begin = place + 4
        end = begin + self._scalar(_u32, place) * width
        if end > len(self._data):
            raise MalformedError("FlatBuffers data is malformed: truncated")
        self._spend(end - begin)
        return self._data[begin:end]

    def _text(self, place: int) -> str:
        self._spend(_READ_COST)
        return self._vector(place, 1).decode()

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise MalformedError("The message refers to the same bytes too often")


class Writer:
    """One buffer that is written."""

    def __init__(self) -> None:
        self._data = bytearray(4)

    def message(self, code: int, fields: tuple[Field, ...], values: dict[str, Any]) -> bytes:
        """A root table whose union is a table of these values. Values of the wrong type or out of range are left out."""
        place = self._table([(0, _u8, code), (1, None, lambda: self.table(fields, values))])
        _u32.pack_into(self._data, 0, place)
        return bytes(self._data)

    def table(self, fields: tuple[Field, ...], values: dict[str, Any]) -> int:
        """Write a table; return where it is."""
        slots: list[tuple[int, struct.Struct | None, Any]] = []
        for slot, (name, kind, default) in enumerate(fields):
            if kind == "-" or name not in values:
                continue
            value = values[name]
            if kind in _SCALARS:
                number = _number(kind, value)
                if number is not None and number != default:
                    slots.append((slot, _SCALARS[kind], number))
            else:
                write = self._reference(kind, value)
                if write is not None:
                    slots.append((slot, None, write))
        return self._table(slots)

    def _reference(self, kind: str, value: Any) -> Any:
        """What writes a value that is referred to; `None`: it is not of this kind."""
        if kind == "text":
            return (lambda: self._vector(value.encode(), 1, b"\0")) if type(value) is str else None
        if kind == "bytes":
            return lambda: self._vector(value, 1)
        if kind in _LISTS:
            return (lambda: _LISTS[kind](self, value)) if type(value) is list else None
        if type(value) is not dict:
            return None
        if kind == "map":
            pairs = [pair for pair in value.items() if type(pair[1]) is str]
            value = {"key": pairs[0][0], "value": pairs[0][1]} if pairs else None
        elif kind.endswith("features"):
            features = value.get("features", {})
            value = {**features, TRANSPARENCY: features.get(PASSTHRU)}
        return None if value is None else lambda: self.table(TABLES[kind], value)

    def _table(self, slots: list[tuple[int, struct.Struct | None, Any]]) -> int:
        """Write a table of numbers, and of references that are written by what is called for them; return where it is."""
        data = self._data
        vtable = len(data)
        count = slots[-1][0] + 1 if slots else 0
        data += bytes(4 + 2 * count)
        self._align(4)
        table = len(data)
        data += _i32.pack(table - vtable)
        references: list[tuple[int, Any]] = []
        for slot, form, value in sorted(slots, key=lambda each: -(each[1] or _u32).size):
            self._align((form or _u32).size)
            place = len(data)
            _u16.pack_into(data, vtable + 4 + 2 * slot, place - table)
            if form is None:
                references.append((place, value))
                data += bytes(4)
            else:
                data += form.pack(value)
        _u16.pack_into(data, vtable, 4 + 2 * count)
        _u16.pack_into(data, vtable + 2, len(data) - table)
        for place, write in references:
            _u32.pack_into(data, place, write() - place)
        return table

    def _vector(self, content: bytes, width: int, end: bytes = b"") -> int:
        self._align(4)
        place = len(self._data)
        self._data += _u32.pack(len(content) // width) + content + end
        return place

    def _ids(self, ids: list[int]) -> int:
        """Their elements are aligned to eight octets, so their count is not."""
        self._align(4)
        if len(self._data) % 8 == 0:
            self._data += bytes(4)
        return self._vector(struct.pack(f"<{len(ids)}Q", *ids), 8)

    def _methods(self, names: list[str]) -> int:
        """Those that have a number."""
        return self._vector(bytes(METHODS.index(name) for name in names if name in METHODS), 1)

    def _texts(self, texts: list[str]) -> int:
        self._align(4)
        place = len(self._data)
        self._data += _u32.pack(len(texts)) + bytes(4 * len(texts))
        for at, text in enumerate(texts):
            slot = place + 4 + 4 * at
            written = self._vector(text.encode(), 1, b"\0")
            _u32.pack_into(self._data, slot, written - slot)
        return place

    def _align(self, size: int) -> None:
        self._data += bytes(-len(self._data) % size)


_LISTS: Final[dict[str, Callable[[Writer, Any], int]]] = {
    "ids": Writer._ids,
    "methods": Writer._methods,
    "texts": Writer._texts,
}
"""What only clients say."""


def _number(kind: str, value: Any) -> int | None:
    """A value as the number that is written; `None`: it is not of this kind."""
    if kind in ENUMS:
        return ENUMS[kind].index(value) if value in ENUMS[kind] else None
    if kind == "bool":
        return value if type(value) is bool else None
    return value if type(value) is int and 0 <= value < 1 << 8 * _SCALARS[kind].size else None
