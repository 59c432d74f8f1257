"""UBJSON (Binary JData, draft 3) as a client writes and reads it: short, slow, and not the router's."""

from __future__ import annotations

import struct
from typing import Any

_NUMBERS = {"i": "b", "U": "B", "I": "<h", "u": "<H", "l": "<i", "m": "<I", "L": "<q", "M": "<Q", "d": "<f", "D": "<d"}


def dumps(value: Any) -> bytes:
    """A value in its shortest form."""
    if value is None or isinstance(value, bool):
        return {None: b"Z", True: b"T", False: b"F"}[value]
    if isinstance(value, int):
        for marker in "UiuImlML":
            try:
                return marker.encode() + struct.pack(_NUMBERS[marker], value)
            except struct.error:
                continue
        return b"H" + _sized(str(value).encode())
    if isinstance(value, float):
        return b"D" + struct.pack("<d", value)
    if isinstance(value, str):
        encoded = value.encode()
        return b"C" + encoded if len(encoded) == 1 else b"S" + _sized(encoded)
    if isinstance(value, bytes):
        return b"[$B#" + _sized(value)
    if isinstance(value, dict):
        return b"{" + b"".join(_sized(key.encode()) + dumps(item) for key, item in value.items()) + b"}"
    assert isinstance(value, list | tuple), f"UBJSON cannot carry {value!r}"
    return b"[" + b"".join(map(dumps, value)) + b"]"


def _sized(data: bytes) -> bytes:
    return dumps(len(data)) + data


def loads(data: bytes) -> Any:
    """The one value that ``data`` is. Raises `ValueError` for forms that the router passes on, but never writes."""
    reader = _Reader(bytes(data))
    value = reader.value()
    assert reader.rest == b"", f"left over: {reader.rest!r}"
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, count: int) -> bytes:
        assert len(self.rest) >= count, "UBJSON is cut off"
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def value(self) -> Any:
        marker = self.take(1).decode()
        if marker in _NUMBERS:
            return self.number(marker)
        if marker in "ZTF":
            return {"Z": None, "T": True, "F": False}[marker]
        if marker == "C":
            return self.take(1).decode()
        if marker == "S":
            return self.text()
        if marker == "H":
            return int(self.text())
        if marker == "{":
            return self.object()
        if marker != "[" or self.rest[:1] == b"#" or self.rest[:2] in (b"$U", b"$C"):
            raise ValueError(f"a form that is not read here: {marker!r}")
        if self.rest[:2] == b"$B":
            self.take(2)
            assert self.take(1) == b"#"
            return self.take(self.value())
        items = []
        while self.rest[:1] != b"]":
            items.append(self.value())
        self.take(1)
        return items

    def object(self) -> dict[str, Any]:
        items = {}
        while self.rest[:1] != b"}":
            key = self.text()
            items[key] = self.value()
        self.take(1)
        return items

    def number(self, marker: str) -> Any:
        code = _NUMBERS[marker]
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def text(self) -> str:
        return self.take(self.value()).decode()
