"""Payloads read: JSON text of clients to values.

Rules
-----
* The router takes payloads as they are, if they are JSON by their grammar. A few numbers of that grammar are no number here
  (``1e999``; integers of thousands of digits): whoever reads a payload expects `Unreadable`, which is the
  trouble of who sent it, and no bug.

Sources: RFC 8259, section 6 (implementations set limits on the range of numbers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw

from wampd.router.wire.convert import read_float

_any: Final = msgspec.json.Decoder(float_hook=read_float)
_list: Final = msgspec.json.Decoder(list[Any], float_hook=read_float)
_dict: Final = msgspec.json.Decoder(dict[str, Any], float_hook=read_float)


class Unreadable(ValueError):
    """A payload holds what cannot be read; the text may be shown."""


def value_of(text: Raw) -> Any:
    """The value of a JSON text. Raise `Unreadable`."""
    return _read(_any.decode, text)


def list_of(text: Raw | None) -> list[Any]:
    """Positional arguments. Raise `Unreadable`."""
    found: list[Any] = [] if text is None else _read(_list.decode, text)
    return found


def dict_of(text: Raw | None) -> dict[str, Any]:
    """Keyword arguments. Raise `Unreadable`."""
    found: dict[str, Any] = {} if text is None else _read(_dict.decode, text)
    return found


def _read(decode: Callable[[Raw], Any], text: Raw) -> Any:
    try:
        return decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise Unreadable("a value of the payload cannot be read") from None
