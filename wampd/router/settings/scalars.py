"""What a plain scalar means (YAML 1.2 core schema), and quantities with units.

YAML 1.1, which PyYAML implements, makes booleans of ``on``, ``off``, ``yes`` and ``no``, and numbers of ``12:30:45``,
``1_000`` and ``010`` (8); none of that happens here. So PyYAML only splits the file up, and the meaning is given here.
"""

import math
import re

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# Twenty digits are more than any setting needs; Python's int() is quadratic in the number of them.
_INTEGER = re.compile(r"[-+]?[0-9]{1,20}|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,20}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_QUANTITY = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?) ?(?P<unit>[A-Za-z]+)", re.ASCII)

SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86_400}
BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
UNITS: dict[str, dict[str, float] | dict[str, int]] = {"seconds": SECONDS, "bytes": BYTES}


def resolve(text: str) -> bool | int | float | str | None:
    """Return what a plain scalar means."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def quantity(text: str, unit: str) -> float | int | None:
    """Return the number of seconds or bytes that ``10 s`` or ``16 MiB`` is; None if the text is nothing of the sort."""
    found = _QUANTITY.fullmatch(text)
    if found is None or found["unit"] not in UNITS[unit]:
        return None
    value = float(found["number"]) * UNITS[unit][found["unit"]]
    if not math.isfinite(value):
        return None
    return round(value) if unit == "bytes" else value


def show_bytes(size: int) -> str:
    """Write a size as people do, if that is exact: ``16 MiB``, ``1000``."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % BYTES[unit] == 0:
            return f"{size // BYTES[unit]} {unit}"
    return str(size)
