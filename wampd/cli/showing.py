"""What commands show: tables and facts, in colours where a person looks, as plain text in a pipe.

The rules:

* without a terminal every line is plain text, and nothing is cut;
* at a terminal rich lays out and colours; it obeys ``NO_COLOR``, and is imported there alone;
* what clients and components may have named is shown so that it steers no terminal.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Self

_STEERING = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
GOOD, BAD, DIM, BOLD = "green", "red", "dim", "bold"


class Styled(str):
    """A text with a style for terminals."""

    __slots__ = ("style",)

    style: str

    def __new__(cls, text: object, style: str) -> Self:
        """Give a text a style."""
        made = super().__new__(cls, printable(text))
        made.style = style
        return made


def printable(text: object) -> str:
    """A text without what steers terminals."""
    shown = str(text)
    return (
        shown if shown.isprintable() else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in shown)
    )


def is_terminal() -> bool:
    """Whether a person looks."""
    return sys.stdout.isatty()


def facts(rows: Iterable[tuple[str, str]]) -> None:
    """Print labels with what is to be said of them."""
    listed = list(rows)
    if is_terminal():
        _grid([[Styled(label, DIM), text] for label, text in listed])
        return
    width = max((len(label) for label, _ in listed), default=0)
    for label, text in listed:
        print(f"{label.ljust(width)}  {printable(text)}")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table with a head."""
    head = [each.upper() for each in columns]
    listed = [list(row) for row in rows]
    if is_terminal():
        _grid([[Styled(each, DIM) for each in head], *listed])
        return
    shown = [head, *([printable(text) for text in row] for row in listed)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def line(text: str) -> None:
    """Print one line."""
    if is_terminal() and isinstance(text, Styled):
        _grid([[text]])
    else:
        print(printable(text))


def as_json(value: Any) -> None:
    """Print one JSON object: indented for people, in one line for programs."""
    text = json.dumps(value, indent=2 if is_terminal() else None, ensure_ascii=not is_terminal())
    print(escaped(text))


def escaped(text: str) -> str:
    """JSON with escapes for what steers terminals, or turns the direction of text; of this JSON has only C0 by itself."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _grid(rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        grid.add_row(*(Text(printable(text), style=getattr(text, "style", ""), overflow="fold") for text in row))
    Console(highlight=False).print(grid)


def size(octets: float | None) -> str:
    """So many bytes."""
    if octets is None:
        return "-"
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if octets >= factor:
            return f"{octets / factor:.1f} {unit}" if octets < 10 * factor else f"{octets / factor:.0f} {unit}"
    return f"{octets:.0f} B"


def duration(seconds: float | None) -> str:
    """So long, in its two greatest units."""
    if seconds is None:
        return "-"
    left = int(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def percent(share: float | None) -> str:
    """A share of one."""
    return "-" if share is None else f"{100 * share:.0f} %"


def count(number: int, one: str, many: str | None = None) -> str:
    """So many of something."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
