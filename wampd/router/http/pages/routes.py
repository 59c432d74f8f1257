"""From the path and the query of a request to a procedure and its arguments. No I/O.

Rules
-----
* Of several routes, the first one whose path fits decides. A variable is one whole segment, never empty, and of its kind.
* Of the query, what the route names is taken, once each, and the rest is not looked at. What is not there is not given.
* Arguments are keyword arguments by their names, except those that the route names as positional ones, in their order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from msgspec import Struct

Kind = Literal["text", "int", "number", "bool"]
_VARIABLE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::(text|int|number|bool))?\}")
_INT: Final = re.compile(r"-?[0-9]{1,15}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?")
_BOOLS: Final[Mapping[str, bool]] = {"true": True, "false": False, "1": True, "0": False}
MOST_FIELDS: Final = 100
"""Of a query."""


class Unfit(Exception):
    """A value that is not of the kind that is wanted; the text says which one."""


class Variable(Struct, frozen=True):
    """A segment of a path that is an argument."""

    name: str
    kind: Kind = "text"


class Route(Struct, frozen=True):
    """One page."""

    segments: tuple[str | Variable, ...]
    procedure: str
    template: str
    query: Mapping[str, Kind] = {}
    args: tuple[str, ...] = ()
    """The names of the positional arguments."""

    def arguments(self, path: Sequence[str]) -> dict[str, Any] | None:
        """The arguments in a path; `None`: it is another one's."""
        if len(path) != len(self.segments):
            return None
        values: dict[str, Any] = {}
        for here, segment in zip(path, self.segments, strict=True):
            if isinstance(segment, str):
                if here != segment:
                    return None
                continue
            try:
                values[segment.name] = value_of(here, segment.kind)
            except Unfit:
                return None
        return values

    def more(self, query: bytes) -> dict[str, Any]:
        """The arguments in a query. Raise `Unfit`."""
        values: dict[str, Any] = {}
        for name, text in _fields(query) if self.query else ():
            kind = self.query.get(name)
            if kind is None:
                continue
            if name in values:
                raise Unfit(f"{name} is there twice")
            try:
                values[name] = value_of(text, kind)
            except Unfit:
                raise Unfit(f"{name} is not of the kind {kind}") from None
        return values

    def call(self, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The positional and the keyword arguments of a call. A positional one that is not there is null."""
        return (
            [values.get(name) for name in self.args],
            {name: value for name, value in values.items() if name not in self.args},
        )


def read_path(path: str) -> tuple[str | Variable, ...] | str:
    """The segments of the path of a route, as ``/people/{id:int}``; or what is wrong with it."""
    if not path.startswith("/"):
        return "a path begins with /"
    segments: list[str | Variable] = []
    for part in path[1:].split("/") if path != "/" else ():
        found = _VARIABLE.fullmatch(part)
        if found is not None:
            kind: Any = found[2] or "text"
            segments.append(Variable(found[1], kind))
        elif not part or "{" in part or "}" in part:
            return "a segment is a text, or a variable as {name}, {name:int}, {name:number} or {name:bool}"
        else:
            segments.append(part)
    names = [each.name for each in segments if isinstance(each, Variable)]
    return "a variable is in it twice" if len(set(names)) < len(names) else tuple(segments)


def path_of(segments: Sequence[bytes]) -> list[str] | None:
    """The decoded segments of a request's path as text; `None`: it is none. The page of a path is also that with ``/``."""
    if len(segments) == 1 and segments[0] == b"":
        return []
    try:
        return [segment.decode() for segment in segments]
    except UnicodeDecodeError:
        return None


def value_of(text: str, kind: Kind) -> Any:
    """What a text says. Raise `Unfit`."""
    return _KINDS[kind](text)


def _text(text: str) -> str:
    if not text:
        raise Unfit("nothing")
    return text


def _int(text: str) -> int:
    if not _INT.fullmatch(text):
        raise Unfit(text)
    return int(text)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise Unfit(text)
    return float(text)


def _bool(text: str) -> bool:
    value = _BOOLS.get(text)
    if value is None:
        raise Unfit(text)
    return value


_KINDS: Final[Mapping[Kind, Callable[[str], Any]]] = {"text": _text, "int": _int, "number": _number, "bool": _bool}


def _fields(query: bytes) -> list[tuple[str, str]]:
    """The fields of a query that have a value."""
    try:
        return parse_qsl(query.decode("ascii"), errors="strict", max_num_fields=MOST_FIELDS)
    except (UnicodeDecodeError, ValueError):
        raise Unfit("the query is malformed") from None
