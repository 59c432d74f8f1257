"""JSON (RFC 8259) → items. The standard library's parser knows no lines; this one knows them, and says where it
cannot go on.
"""

import json
import re
from bisect import bisect_right
from math import isfinite
from pathlib import Path

from wampd.router.settings import KeyPath, Place

from .reading import MOST_DIGITS, Budget, Item, UnreadableError, sound_text

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,400})(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")
_WORDS = {"true": True, "false": False, "null": None}
_WORD = re.compile("|".join(_WORDS))


def read_json(text: str, file: Path) -> Item:
    """Return the one value of a text. Raise `UnreadableError`."""
    parser = _Parser(text, file)
    item = parser.value((), 0)
    parser.end()
    return item


class _Parser:
    def __init__(self, text: str, file: Path) -> None:
        self._text, self._file = text, file
        self._at = 0
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._budget = Budget()

    def value(self, path: KeyPath, depth: int) -> Item:
        place = self._skip()
        self._budget.take(place, depth)
        if self._take("{"):
            return Item(place, path, self._members(path, depth))
        if self._take("["):
            return Item(place, path, self._elements(path, depth))
        if self._text.startswith('"', self._at):
            return Item(place, path, self._string(place))
        if found := _WORD.match(self._text, self._at):
            self._at = found.end()
            return Item(place, path, _WORDS[found[0]])
        if found := _NUMBER.match(self._text, self._at):
            self._at = found.end()
            return Item(place, path, _number(found, place))
        raise self._unexpected("a value")

    def end(self) -> None:
        self._skip()
        if self._at < len(self._text):
            raise self._unexpected("the end of the file")

    def _members(self, path: KeyPath, depth: int) -> dict[str, Item]:
        members: dict[str, Item] = {}
        while not self._closed("}", first=not members):
            place = self._skip()
            if not self._text.startswith('"', self._at):
                raise self._unexpected("a key in double quotes")
            key = self._string(place)
            if key in members:
                raise UnreadableError(place, f"the key {json.dumps(key)} is here twice")
            self._skip()
            if not self._take(":"):
                raise self._unexpected('":"')
            members[key] = self.value((*path, key), depth + 1)
        return members

    def _elements(self, path: KeyPath, depth: int) -> tuple[Item, ...]:
        elements: list[Item] = []
        while not self._closed("]", first=not elements):
            elements.append(self.value((*path, len(elements)), depth + 1))
        return tuple(elements)

    def _closed(self, bracket: str, *, first: bool) -> bool:
        """Go on to the next one; whether there is none."""
        self._skip()
        if self._take(bracket):
            return True
        if first:
            return False
        if not self._take(","):
            raise self._unexpected(f'"," or "{bracket}"')
        self._skip()
        if self._text.startswith(bracket, self._at):
            raise self._unexpected("another one after the comma")
        return False

    def _string(self, place: Place) -> str:
        found = _STRING.match(self._text, self._at)
        if found is None:
            raise UnreadableError(place, "not valid JSON: the text in quotes does not end on its line")
        self._at = found.end()
        try:
            return sound_text(json.loads(found[0]), place)
        except ValueError:
            raise UnreadableError(place, "not valid JSON: there is no such escape sequence") from None

    def _skip(self) -> Place:
        found = _SPACE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return self._place()

    def _take(self, bracket: str) -> bool:
        taken = self._text.startswith(bracket, self._at)
        self._at += len(bracket) if taken else 0
        return taken

    def _place(self) -> Place:
        line = bisect_right(self._lines, self._at)
        return Place(self._file, line, self._at - self._lines[line - 1] + 1)

    def _unexpected(self, wanted: str) -> UnreadableError:
        there = json.dumps(self._text[self._at], ensure_ascii=False) if self._at < len(self._text) else "the end"
        return UnreadableError(self._place(), f"not valid JSON: expected {wanted}, but found {there}")


def _number(found: re.Match[str], place: Place) -> int | float:
    if not found[1] and not found[2]:
        if len(found[0].lstrip("-")) > MOST_DIGITS:
            raise UnreadableError(place, f"a whole number has at most {MOST_DIGITS} digits")
        return int(found[0])
    number = float(found[0])
    if not isfinite(number):
        raise UnreadableError(place, f"the number {found[0]} is too large")
    return number
