"""JSON schemas that components gave, made fit to stand in a document of ours.

Rules
-----
* What is not a keyword that is known here, or not of its type, is left out: a document is valid whatever was defined.
* No references: they would lead nowhere, or make readers fetch something from elsewhere.
* Depth and size are bounded.

Sources: JSON Schema 2020-12 (the dialect of OpenAPI 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

DEEPEST: Final = 8
LONGEST_PATTERN: Final = 100
_FLAGS: Final = re.compile(r"\(\?[^:=!<]")
TYPES: Final = frozenset({"null", "boolean", "object", "array", "number", "string", "integer"})
Schema = bool | dict[str, Any]


def clean(schema: Any, depth: int = 0) -> Schema:
    """The schema, as far as it can be used; `True`, which fits everything, for what is none."""
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return True
    cleaned = {}
    for keyword, value in schema.items():
        read = _KEYWORDS.get(keyword)
        good = None if read is None else read(value, depth + 1)
        if good is not None:
            cleaned[keyword] = good
    return cleaned


def arguments(given: Any) -> Schema:
    """The schema of positional arguments: ``given`` is one of an array, or a list of one for each."""
    if isinstance(given, list | tuple):
        each = [clean(one) for one in given]
        return {"type": "array", "prefixItems": each} if each else {"type": "array", "maxItems": 0}
    cleaned = clean(given)
    return cleaned if isinstance(cleaned, dict) and cleaned.get("type") == "array" else {"type": "array"}


def named_arguments(given: Any) -> Schema:
    """The schema of keyword arguments: ``given`` is one of an object, or one for each name."""
    if not isinstance(given, Mapping):
        return {"type": "object"}
    if given.get("type") == "object" or isinstance(given.get("properties"), Mapping):
        cleaned = clean(given)
        assert isinstance(cleaned, dict)  # it was made of a mapping
        return {**cleaned, "type": "object"}
    return {"type": "object", "properties": {name: clean(one) for name, one in given.items()}}


def text(value: Any, _depth: int = 0) -> str | None:
    """Text."""
    return value if isinstance(value, str) else None


def texts(value: Any, _depth: int = 0) -> list[str] | None:
    """A list of different texts."""
    good = isinstance(value, list) and all(isinstance(one, str) for one in value) and len(set(value)) == len(value)
    return list(value) if good else None


def _flag(value: Any, _depth: int) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Any, _depth: int) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: Any, _depth: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _step(value: Any, depth: int) -> float | None:
    number = _number(value, depth)
    return number if number is not None and number > 0 else None


def _type(value: Any, _depth: int) -> str | list[str] | None:
    if isinstance(value, str):
        return value if value in TYPES else None
    names = texts(value)
    return names if names and TYPES.issuperset(names) else None


def _values(value: Any, _depth: int) -> list[Any] | None:
    return value if isinstance(value, list) and value else None


def _pattern(value: Any, _depth: int) -> str | None:
    return value if isinstance(value, str) and len(value) <= LONGEST_PATTERN and _compiles(value) else None


@lru_cache(4096)
def _compiles(pattern: str) -> bool:
    """Whether a pattern is one. With flags in it, which JavaScript does not have, compiling may take milliseconds."""
    if _FLAGS.search(pattern):
        return False
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _several(value: Any, depth: int) -> list[Schema] | None:
    return [clean(one, depth) for one in value] if isinstance(value, list) and value else None


def _by_name(value: Any, depth: int) -> dict[str, Schema] | None:
    return {name: clean(one, depth) for name, one in value.items()} if isinstance(value, Mapping) else None


def _one(value: Any, depth: int) -> Schema | None:
    return clean(value, depth) if isinstance(value, Mapping | bool) else None


_KEYWORDS: Final[Mapping[str, Callable[[Any, int], Any]]] = {
    "type": _type,
    "title": text,
    "description": text,
    "format": text,
    "enum": _values,
    "const": lambda value, _: value,
    "default": lambda value, _: value,
    "examples": _values,
    "minimum": _number,
    "maximum": _number,
    "exclusiveMinimum": _number,
    "exclusiveMaximum": _number,
    "multipleOf": _step,
    "minLength": _count,
    "maxLength": _count,
    "pattern": _pattern,
    "items": _one,
    "prefixItems": _several,
    "minItems": _count,
    "maxItems": _count,
    "uniqueItems": _flag,
    "properties": _by_name,
    "required": texts,
    "additionalProperties": _one,
    "minProperties": _count,
    "maxProperties": _count,
    "anyOf": _several,
    "oneOf": _several,
    "allOf": _several,
    "not": _one,
    "deprecated": _flag,
    "readOnly": _flag,
    "writeOnly": _flag,
}
