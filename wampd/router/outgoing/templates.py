"""URLs and headers with places for values, of which none can change anything but its own place.

Rules
-----
* A URL template is a URL whose path may hold ``{name}``, and which may end with ``{?name,list*}``, or with ``{&name}`` after a
  query of its own: levels 1 and 3 of RFC 6570, in these places alone. Scheme, host and port are fixed.
* A value in a path is one segment or a part of one. It is not empty, holds no slash, backslash or control character, for
  servers differ in what they make of those percent-encoded; and no segment becomes ``.`` or ``..``.
* Text, numbers and booleans are values; in a query lists of them are, too: joined by commas, or with ``*`` one parameter each.
  What is missing or null is left out of a query; everywhere else it is needed.
* A header's value is visible ASCII and spaces, whatever is put into it.

Sources: RFC 6570 (URI templates); RFC 3986 (URIs); RFC 9110, section 5.5 (field values).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

_PLACE: Final = re.compile(r"\{([?&]?)([^{}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_ORIGIN: Final = re.compile(r"https?://[^/?#{}\s\\@]+(?=[/?{]|$)")
_LITERAL: Final = re.compile(r"[!$&'()*+,;=:@/?%\-._~\[\]A-Za-z0-9]*")
_NOT_IN_A_PATH: Final = re.compile(r"[\x00-\x1f\x7f/\\]")
_HEADER: Final = re.compile(r"[!-~]([ !-~]*[!-~])?|")


class TemplateError(ValueError):
    """A template is wrong."""


class UnfitError(ValueError):
    """A value does not fit its place; the text names it and says why, and does not show the value."""


class UrlTemplate:
    """A URL whose path and query have places."""

    def __init__(self, text: str) -> None:
        """Raise `TemplateError`."""
        origin = _ORIGIN.match(text)
        if origin is None:
            raise TemplateError("write it like https://api.example.com/users/{id}{?page}; scheme and host are fixed")
        self.origin = origin[0]
        rest = text[origin.end() :]
        found = list(_PLACE.finditer(rest))
        self._path, self._query = _split(rest, found)
        self._parameters = [
            (name.removesuffix("*"), name.endswith("*")) for each in found if each[1] for name in each[2].split(",")
        ]
        _check(self._path, self._query, [name for name, _ in self._parameters])
        self._pieces = _PLACE.split(self._path)[::3]
        self._names = _PLACE.split(self._path)[2::3]

    @property
    def names(self) -> Iterator[str]:
        """The names of all places."""
        yield from self._names
        yield from (name for name, _ in self._parameters)

    def expand(self, values: Mapping[str, Any], query: Sequence[tuple[str, Any]] = ()) -> str:
        """The URL with these values, and with more parameters. Raise `UnfitError`."""
        path = self._pieces[0]
        for name, piece in zip(self._names, self._pieces[1:], strict=True):
            path += _in_path(name, values.get(name)) + piece
        if any(segment in (".", "..") for segment in path.split("/")):
            raise UnfitError("a value would lead to another path")
        pairs = [self._query] if self._query else []
        for name, exploded in self._parameters:
            pairs += _pairs(name, values.get(name), exploded)
        for name, value in query:
            pairs += _pairs(name, value, True)
        return self.origin + (path or "/") + ("?" + "&".join(pairs) if pairs else "")


class TextTemplate:
    """A text with places, as the value of a header or of a parameter."""

    def __init__(self, text: str) -> None:
        """Raise `TemplateError`."""
        parts = _PLACE.split(text)
        self._pieces, self.names = parts[::3], parts[2::3]
        if any(parts[1::3]) or any("{" in piece or "}" in piece for piece in self._pieces):
            raise TemplateError("a place is written {name}")
        for name in self.names:
            _check_name(name)

    def value(self, values: Mapping[str, Any]) -> Any:
        """What it stands for: of a place alone the value itself, which may be a list or missing; else text."""
        if self.names and self._pieces == ["", ""]:
            return values.get(self.names[0])
        text = self._pieces[0]
        for name, piece in zip(self.names, self._pieces[1:], strict=True):
            text += as_text(name, values.get(name)) + piece
        return text

    def header(self, name: str, values: Mapping[str, Any]) -> str | None:
        """The value of a header; `None`: it is left out. Raise `UnfitError`."""
        value = self.value(values)
        if value is None:
            return None
        return header_value(name, value)


def header_value(name: str, value: Any) -> str:
    """A value as that of a header. Raise `UnfitError`."""
    text = as_text(name, value)
    if not _HEADER.fullmatch(text):
        raise UnfitError(f"the value for the header {name} is not visible ASCII")
    return text


def as_text(name: str, value: Any) -> str:
    """A value as text. Raise `UnfitError`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UnfitError(f"{name} is not Unicode") from None
        return value
    raise UnfitError(f"{name} is missing" if value is None else f"{name} is not text, a number or a boolean")


def _split(rest: str, found: Sequence[re.Match[str]]) -> tuple[str, str]:
    """The path and the fixed query. Raise `TemplateError`."""
    expressions = [each for each in found if each[1]]
    if len(expressions) > 1 or (expressions and expressions[0].end() != len(rest)):
        raise TemplateError("{?name} or {&name} comes once, at the end")
    fixed = rest[: expressions[0].start()] if expressions else rest
    path, mark, query = fixed.partition("?")
    if expressions and (expressions[0][1] == "&") != bool(mark):
        raise TemplateError("it is {&name} after a query, and {?name} else")
    return path, query


def _check(path: str, query: str, parameters: Sequence[str]) -> None:
    places = _PLACE.findall(path)
    for name in [name for _, name in places] + list(parameters):
        _check_name(name)
    literal = _PLACE.sub("", path)
    if "{" in query or "}" in query:
        raise TemplateError("a place in a query is written {?name} or {&name}, at the end")
    if not _LITERAL.fullmatch(literal) or not _LITERAL.fullmatch(query) or "?" in literal:
        raise TemplateError("it holds characters that a URL has not; percent-encode them")
    if path and not path.startswith("/"):
        raise TemplateError("no place before the path: scheme, host and port are fixed")
    if any(segment in (".", "..") for segment in path.split("/")):
        raise TemplateError('no "." or ".." in its path')


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise TemplateError(f"{{{name}}} names nothing: letters, digits and _ do")


def _in_path(name: str, value: Any) -> str:
    text = as_text(name, value)
    if not text or _NOT_IN_A_PATH.search(text):
        raise UnfitError(f"{name} is empty, or holds what a part of a path cannot")
    return quote(text, safe="")


def _pairs(name: str, value: Any, exploded: bool) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, list):
        yield f"{quote(name, safe='')}={quote(as_text(name, value), safe='')}"
    elif exploded:
        for item in value:
            yield f"{quote(name, safe='')}={quote(as_text(name, item), safe='')}"
    elif value:
        yield f"{quote(name, safe='')}={','.join(quote(as_text(name, item), safe='') for item in value)}"
