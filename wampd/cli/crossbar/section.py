"""A mapping of the original, taken apart key by key, so that none is passed over in silence.

The rules: what is asked for is *taken*; a value of the wrong kind is reported as wrong input and counts as not there;
at the `end` every key that nobody has taken is reported as lost. So a key of a Crossbar.io that this module does not
know comes out in the report.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from .reading import Item
from .report import Report

T = TypeVar("T", bound=str | int | float | bool)

_NAMES: dict[type, str] = {
    dict: "a mapping",
    tuple: "a list",
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}

_TALK = frozenset({"debug", "debug_transport_id", "$schema"})
"""Keys that decide how much Crossbar.io logs; that is no matter of these places here."""

FOREIGN = "wampd has nothing for this key; it is left out"


def kind_of(value: object) -> str:
    """Name the kind of a value, for people."""
    return "nothing" if value is None else _NAMES[type(value)]


class Section:
    """A mapping, and what has been taken of it."""

    def __init__(self, item: Item, report: Report) -> None:
        self.item, self.report = item, report
        self._taken: set[str] = set()
        self._entries: dict[str, Item] = item.value if isinstance(item.value, dict) else {}
        if not isinstance(item.value, dict):
            report.wrong(item, f"expected a mapping, not {kind_of(item.value)}")

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def take(self, key: str) -> Item | None:
        """The value of a key, of whatever kind."""
        self._taken.add(key)
        return self._entries.get(key)

    def need(self, key: str) -> Item | None:
        """The same of a key that must be there."""
        item = self.take(key)
        if item is None and isinstance(self.item.value, dict):
            self.report.wrong(self.item, f'the key "{key}" is missing')
        return item

    def text(self, key: str) -> Item | None:
        """A text."""
        return self._of_kind(self.take(key), str)

    def need_text(self, key: str) -> Item | None:
        """A text that must be there."""
        return self._of_kind(self.need(key), str)

    def string(self, key: str, default: str = "") -> str:
        """What a text says."""
        item = self.text(key)
        return item.value if item is not None and isinstance(item.value, str) else default

    def number(self, key: str) -> Item | None:
        """A whole number."""
        return self._of_kind(self.take(key), int)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false."""
        item = self._of_kind(self.take(key), bool)
        return default if item is None else bool(item.value)

    def members(self, key: str) -> tuple[Item, ...]:
        """The members of a list, none if it is not there."""
        item = self._of_kind(self.take(key), tuple)
        return item.value if item is not None and isinstance(item.value, tuple) else ()

    def texts(self, key: str) -> list[Item]:
        """The members of a list of texts."""
        return [item for item in self.members(key) if self._of_kind(item, str) is not None]

    def table(self, key: str) -> "Section | None":
        """A mapping."""
        item = self._of_kind(self.take(key), dict)
        return None if item is None else Section(item, self.report)

    def tables(self, key: str) -> "list[Section]":
        """The members of a list of mappings."""
        found = [self._of_kind(item, dict) for item in self.members(key)]
        return [Section(item, self.report) for item in found if item is not None]

    def named(self, key: str) -> "Iterator[tuple[str, Section]]":
        """The entries of a mapping of mappings."""
        item = self._of_kind(self.take(key), dict)
        for name, value in item.items() if item is not None else ():
            if (found := self._of_kind(value, dict)) is not None:
                yield name, Section(found, self.report)

    def entries(self) -> "Iterator[tuple[str, Section]]":
        """All entries of this mapping, which are mappings."""
        for key in self._entries:
            if (found := self.table(key)) is not None:
                yield key, found

    def pass_over(self, *keys: str) -> None:
        """Take keys that mean nothing for the result, and about which there is nothing to say."""
        self._taken.update(keys)

    def lost(self, message: str, *keys: str) -> None:
        """Take keys, and report those that are there as lost."""
        self._tell(self.report.lost, message, keys)

    def note(self, message: str, *keys: str) -> None:
        """Take keys, and report those that are there."""
        self._tell(self.report.note, message, keys)

    def end(self) -> None:
        """Report what nobody has taken."""
        for key, item in self._entries.items():
            if key not in self._taken and key not in _TALK:
                self.report.lost(item, FOREIGN)

    def _tell(self, say: Callable[[Item, str], None], message: str, keys: tuple[str, ...]) -> None:
        for key in keys:
            if (item := self.take(key)) is not None:
                say(item, message)

    def _of_kind(self, item: Item | None, kind: type) -> Item | None:
        if item is None:
            return None
        fits = isinstance(item.value, kind) and not (kind is int and isinstance(item.value, bool))
        if not fits:
            self.report.wrong(item, f"expected {_NAMES[kind]}, not {kind_of(item.value)}")
        return item if fits else None


def choice(item: Item | None, known: tuple[str, ...], report: Report) -> str | None:
    """What a text says, if it is one of these; else that is reported as wrong."""
    if item is None or item.value in known:
        return None if item is None else str(item.value)
    report.wrong(item, f"{item.value!r} is none of {', '.join(known)}")
    return None
