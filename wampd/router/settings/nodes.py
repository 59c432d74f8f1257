"""What a file is read into: a tree whose every node knows its place, before any meaning is given to it."""

from dataclasses import dataclass

from .problems import Place


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. Its text has no type yet: the key that it belongs to says what it should be."""

    place: Place
    text: str
    source: str
    """As it is in the file, before variables were expanded; safe to show."""
    plain: bool
    """Written without quotes: it may be a number, a boolean or null."""
    expanded: bool
    """Holds the value of a variable: it may be secret, and is what it looks like, quoted or not."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; no two entries have the same key."""

    place: Place
    entries: tuple[tuple[Scalar, "Node"], ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that could not be read; the problem is reported already."""

    place: Place


Node = Scalar | Sequence | Table | Broken
