"""A file of Crossbar.io → values that know their place: line, column, and the way to them by keys.

The rules, of Crossbar.io's own loader (``check_config_file``): ``.yaml`` and ``.yml`` are YAML 1.1 as
``yaml.safe_load`` reads it, with merge keys, where ``yes`` is true; everything else is JSON. Of a key that is there
twice the last one counts in both; here that is an error, as it is nobody's intention.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wampd.router.settings import KeyPath, Place, Problem, SettingsError

MAX_FILE_SIZE = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_ITEMS = 200_000
MOST_DIGITS = 20
"""Of a whole number, as in wampd's own files."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Item:
    """A value, and where it is."""

    place: Place
    path: KeyPath
    value: "Scalar | tuple[Item, ...] | dict[str, Item]"

    def items(self) -> "Iterator[tuple[str, Item]]":
        """The entries of a mapping; nothing of what is none."""
        return iter(self.value.items() if isinstance(self.value, dict) else ())

    def plain(self) -> object:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return [item.plain() for item in self.value] if isinstance(self.value, tuple) else self.value


class UnreadableError(Exception):
    """The file cannot be read any further: why, and where."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message


class Budget:
    """How much more there may be of a file; it counts for both formats."""

    def __init__(self) -> None:
        self._left = MAX_ITEMS

    def take(self, place: Place, depth: int) -> None:
        """Count one value. Raise `UnreadableError` if it is one too many, or nested too deeply."""
        self._left -= 1
        if self._left < 0:
            raise UnreadableError(place, f"the file has more than {MAX_ITEMS} values")
        if depth > MAX_DEPTH:
            raise UnreadableError(place, f"nested deeper than {MAX_DEPTH} levels")


def read(file: Path) -> Item:
    """Return what is in a file. Raise `SettingsError` with the place if it is not to be understood."""
    try:
        return _read(file)
    except UnreadableError as why:
        raise SettingsError([Problem(why.place, (), why.message)]) from None


def _read(file: Path) -> Item:
    start = Place(file, 1, 1)
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_SIZE + 1)
    except OSError as trouble:
        raise UnreadableError(start, f"cannot read the file: {trouble.strerror}") from None
    if len(data) > MAX_FILE_SIZE:
        raise UnreadableError(start, f"the file is larger than {MAX_FILE_SIZE} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        raise UnreadableError(Place(file, data[: trouble.start].count(b"\n") + 1, 1), "the file is not UTF-8") from None
    if file.suffix in (".yaml", ".yml"):
        from .reading_yaml import read_yaml

        return read_yaml(text, file)
    from .reading_json import read_json

    return read_json(text, file)


def sound_text(text: str, place: Place) -> str:
    """Return a text that any YAML file can hold. Raise `UnreadableError` for what no text of a configuration has."""
    if "\0" in text:
        raise UnreadableError(place, "a text holds the character U+0000")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise UnreadableError(place, "a text holds half of a surrogate pair")
    return text
