"""What is to be said about an import: line by line, each with its place in the original.

Three kinds, which decide the exit status: *wrong* is the input (2: nothing is written), *lost* has no counterpart (1:
somebody has to do something), a *note* is translated, or needs no counterpart, but differs in a way that is good to
know (0).
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from wampd.router.settings import KeyPath, Place
from wampd.router.settings.problems import show

from .reading import Item

Kind = Literal["wrong", "lost", "note"]

WORDS = {"wrong": "", "lost": "not translated: ", "note": "note: "}


def printable(text: str) -> str:
    """A text as one line that neither a terminal nor YAML takes for more than it is."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


class Finding(NamedTuple):
    """One thing that is to be said."""

    place: Place
    path: KeyPath
    kind: Kind
    message: str

    def __str__(self) -> str:
        key = show(self.path)
        return printable(f"{self.place}: {key}{': ' if key else ''}{WORDS[self.kind]}{self.message}")


@dataclass
class Report:
    """All that is to be said of one import."""

    findings: list[Finding] = field(default_factory=list)

    def wrong(self, item: Item, message: str, *keys: str | int) -> None:
        """Say that the input cannot be understood."""
        self._say(item, "wrong", message, keys)

    def lost(self, item: Item, message: str, *keys: str | int) -> None:
        """Say that something has no counterpart, and what to do instead."""
        self._say(item, "lost", message, keys)

    def note(self, item: Item, message: str, *keys: str | int) -> None:
        """Say how something differs."""
        self._say(item, "note", message, keys)

    def of(self, kind: Kind) -> list[Finding]:
        """Everything of one kind, in the order of the lines, each once."""
        found = dict.fromkeys(finding for finding in self.findings if finding.kind == kind)
        return sorted(found, key=lambda it: (it.place.line, it.place.column))

    def _say(self, item: Item, kind: Kind, message: str, keys: tuple[str | int, ...]) -> None:
        self.findings.append(Finding(item.place, (*item.path, *keys), kind, message))
