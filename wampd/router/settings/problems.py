"""What is wrong with a configuration, and where: every problem has a file, a line, a column and the path of its key."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from .other_names import OTHER_NAMES

KeyPath = tuple[str | int, ...]
"""The way to a value from the root of the configuration: names of keys and indexes of lists."""

MOST: Final = 1000
"""Problems that are looked for: more than anybody reads at once."""
MOST_KNOWN: Final = 500
"""Known words that another is compared with, and that are listed."""
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Place(NamedTuple):
    """A position in a file; lines and columns count from 1."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """One thing that is wrong."""

    place: Place
    path: KeyPath
    message: str

    def __str__(self) -> str:
        key = show(self.path)
        return f"{self.place}: {key}: {self.message}" if key else f"{self.place}: {self.message}"


class SettingsError(Exception):
    """The configuration cannot be used; ``problems`` says all the reasons, in the order of the files and lines."""

    def __init__(self, problems: Iterable[Problem], *, has_more: bool = False) -> None:
        """``has_more``: these are so many that no more were looked for."""
        found = list(dict.fromkeys(problems))
        files = {file: order for order, file in enumerate(dict.fromkeys(problem.place.file for problem in found))}
        self.problems = tuple(sorted(found, key=lambda it: (files[it.place.file], it.place.line, it.place.column)))
        self.has_more = has_more
        super().__init__(self.problems)

    def __str__(self) -> str:
        shown = [*map(str, self.problems)]
        if self.has_more:
            shown.append(f"these are {len(shown)} problems; there may be more, which were not looked for")
        return "\n".join(shown)


class _EnoughError(Exception):
    """So much is wrong that nothing more is looked for."""


class _Gathered(list[Problem]):
    def append(self, problem: Problem) -> None:
        super().append(problem)
        if len(self) >= MOST:
            raise _EnoughError


@contextmanager
def gathering() -> Iterator[list[Problem]]:
    """Gather what is wrong with a configuration; raise `SettingsError` with it at the end, or as soon as it is `MOST`."""
    problems = _Gathered()
    with suppress(_EnoughError):
        yield problems
    if problems:
        raise SettingsError(problems, has_more=len(problems) >= MOST)


def show(path: KeyPath) -> str:
    """Write a path as people do: ``realms[0].auth``, ``listeners[0].websocket["/ws"]``."""
    shown = ""
    for key in path:
        if isinstance(key, int):
            shown += f"[{key}]"
        elif _PLAIN_KEY.fullmatch(key):
            shown += f".{key}" if shown else key
        else:
            shown += f"[{quote(key)}]"
    return shown


def quote(text: str) -> str:
    """Put a text that somebody wrote into a message: in quotes, on one line, and cut when it is long."""
    return _in_quotes(text if len(text) <= 60 else text[:59] + "…")


def quote_file(file: Path) -> str:
    """Put the name of a file into a message, uncut."""
    return _in_quotes(str(file))


def _in_quotes(text: str) -> str:
    import json  # only needed when something is wrong

    return json.dumps(text, ensure_ascii=False)


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is another name for this one, or looks like it, if there is one."""
    import difflib  # only needed when something is wrong

    lowered = {candidate.lower(): candidate for candidate in islice(known, MOST_KNOWN)}
    meant = word.lower().replace("-", "_")
    close = [
        *(name for name in OTHER_NAMES.get(meant, ()) if name in lowered),
        *(part for part in meant.split("_") if part in lowered),
    ] or difflib.get_close_matches(meant, lowered, n=1)
    return lowered[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint to append to a message: the known word that looks like this one, or else all known words."""
    candidates = list(known)
    close = closest(word, candidates)
    if close:
        return f"; did you mean {quote(close)}?"
    more = ", …" if len(candidates) > MOST_KNOWN else ""
    return f"; known here: {', '.join(candidates[:MOST_KNOWN])}{more}" if candidates else ""
