"""What JSON can say, as YAML: block style, with keys and text in quotes, so that nothing is taken for something else.

A document that is large is one line of JSON, which is YAML, too: lines cost time.

Sources: YAML 1.2.2, sections 1.3 (JSON is a subset), 5.1 (characters), 7.4.2 (keys on one line have at most 1024 characters).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

LARGE: Final = 256 * 1024
"""Bytes of JSON from which on a document is not laid out."""
LONGEST_KEY: Final = 1000
"""Bytes of a key that is written before a colon."""
_NOT_PRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_encode = msgspec.json.Encoder().encode


def to_yaml(value: Any) -> bytes:
    """A value as a YAML document."""
    whole = _scalar(value)
    if not isinstance(value, dict | list) or not value or len(whole) > LARGE:
        return whole + b"\n"
    return b"".join(_lines(value, b"\n"))[1:] + b"\n"


def _lines(value: Any, indent: bytes) -> Iterator[bytes]:
    deeper = indent + b"  "
    items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for key, item in items:
        yield indent + (b"-" if key is None else _key(_scalar(key), indent))
        if isinstance(item, dict | list) and item:
            yield from _lines(item, deeper)
        else:
            yield b" " + _scalar(item)


def _key(key: bytes, indent: bytes) -> bytes:
    return key + b":" if len(key) < LONGEST_KEY else b"? " + key + indent + b":"


def _scalar(value: Any) -> bytes:
    text = _encode(value)
    if text.isascii() and b"\x7f" not in text:
        return text
    return _NOT_PRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text.decode()).encode()
