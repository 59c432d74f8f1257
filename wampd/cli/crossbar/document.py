"""The configuration that is made: ordered tables and lists whose values remember what they came from, and may have a
comment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wampd.router.settings import KeyPath
from wampd.router.settings.problems import show

from .reading import Item


@dataclass(frozen=True, slots=True)
class Expanded:
    """A text in which ``${NAME}`` is a variable of the environment; in all others it is what it looks like."""

    text: str


@dataclass(slots=True)
class Entry:
    """One value."""

    value: "Value"
    origin: Item | None = None
    comment: tuple[str, ...] = ()


@dataclass(slots=True)
class Table:
    """A mapping."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def put(self, key: str, value: "Value", origin: Item | None = None, *comment: str) -> None:
        """Give a key its value, and say where that came from."""
        self.entries[key] = Entry(value, origin, comment)

    def put_item(self, key: str, item: Item | None) -> None:
        """The same of a value that is taken over as it is; nothing if there is none."""
        if item is not None:
            self.put(key, value_of(item), item)

    def table(self, key: str) -> "Table":
        """The table below a key, made if it is not there."""
        if key not in self.entries:
            self.entries[key] = Entry(Table())
        found = self.entries[key].value
        assert isinstance(found, Table)
        return found

    def rows(self, key: str) -> "Rows":
        """The list below a key, made if it is not there."""
        if key not in self.entries:
            self.entries[key] = Entry(Rows())
        found = self.entries[key].value
        assert isinstance(found, Rows)
        return found

    def get(self, key: str) -> "Value":
        """The value of a key; None if it is not there."""
        return self.entries[key].value if key in self.entries else None

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def __bool__(self) -> bool:
        return bool(self.entries)


@dataclass(slots=True)
class Rows:
    """A list; ``tail`` are lines of comment after its last member."""

    members: list[Entry] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)

    def add(self, value: "Value", origin: Item | None = None, *comment: str) -> None:
        """Append a member."""
        self.members.append(Entry(value, origin, comment))

    def __bool__(self) -> bool:
        return bool(self.members or self.tail)


Value = str | int | float | bool | None | Expanded | Table | Rows


def value_of(item: Item) -> Value:
    """A value as it is in the original."""
    if isinstance(item.value, dict):
        return Table({key: Entry(value_of(each), each) for key, each in item.value.items()})
    if isinstance(item.value, tuple):
        return Rows([Entry(value_of(each), each) for each in item.value])
    return item.value


def words(texts: Sequence[str]) -> Rows:
    """A list of texts."""
    return Rows([Entry(text) for text in texts])


def table(entries: Mapping[str, Value]) -> Table:
    """A table of plain entries."""
    return Table({key: Entry(value) for key, value in entries.items()})


def came_from(item: Item) -> str:
    """Say where something stood: the keys, and the line."""
    return f"{show(item.path)} (line {item.place.line})"


def origins(value: Value, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Item]]:
    """For every path of a document that has one: what it came from."""
    entries: Iterator[tuple[str | int, Entry]] = iter(())
    if isinstance(value, Table):
        entries = iter(value.entries.items())
    elif isinstance(value, Rows):
        entries = iter(enumerate(value.members))
    for key, entry in entries:
        if entry.origin is not None:
            yield (*path, key), entry.origin
        yield from origins(entry.value, (*path, key))
