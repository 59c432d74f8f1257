"""Templates of Jinja2: what may be in them, and where they are.

Rules
-----
* Everything is escaped for HTML, whatever the file is called, unless the template itself says ``|safe``. What a procedure
  returns is data: numbers, texts, lists and mappings, with no methods but theirs (sandbox).
* What a template names and nobody gave is an error, not nothing; ``|default`` says what to do then.
* A template is compiled once, and again when its file has changed.
* A page is rendered piece by piece, a slice of time after the other, so that a large one keeps nobody else waiting. In all it
  takes `LONGEST` and has `LARGEST` characters at most. What a template does without writing anything is one piece.
* What goes wrong in one is a `Faulty` with its name and line, for the log alone.

Source: the documentation of Jinja2 3.1, "Sandbox" and "API".
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

MOST_TEMPLATES: Final = 400
"""Kept compiled."""
LONGEST: Final = 2.0
"""Seconds of work on one page."""
LARGEST: Final = 16 * 2**20
"""Characters of one page."""
SLICE: Final = 0.01
"""Seconds of work until others have a turn."""


Later = Callable[..., object]


class Faulty(Exception):
    """A template could not be rendered; the text says where and why."""


class Templates:
    """The templates of one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(directory),
            autoescape=True,
            auto_reload=True,
            cache_size=MOST_TEMPLATES,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def pieces(self, name: str, values: Mapping[str, Any]) -> Iterator[str]:
        """The page that a template makes of these values, in pieces. Raise `Faulty`."""
        spent, size, begin = 0.0, 0, monotonic()
        try:
            for piece in self._environment.get_template(name).generate(values):
                spent += monotonic() - begin
                size += len(piece)
                if spent > LONGEST or size > LARGEST:
                    raise Faulty(f"{name}: it {'takes too long' if spent > LONGEST else 'is too large'}")
                yield piece
                begin = monotonic()
        except Faulty:
            raise
        except TemplateNotFound as why:
            raise Faulty(f"there is no template {why.name}") from None
        except TemplateSyntaxError as why:
            raise Faulty(f"{why.name}, line {why.lineno}: {why.message}") from None
        except Exception as why:  # noqa: BLE001 - whatever the template does with what it is given
            raise Faulty(f"{self._place(why) or name}: {type(why).__name__}: {why}"[:300]) from None

    def _place(self, why: BaseException) -> str:
        """The line of the template that raised this: Jinja2 gives it a frame of its own."""
        for frame in reversed(traceback.extract_tb(why.__traceback__)):
            if Path(frame.filename).is_relative_to(self._directory):
                return f"{Path(frame.filename).relative_to(self._directory)}, line {frame.lineno}"
        return ""


class Turns:
    """Sees to it that of all pages that are not done yet one has a slice at a time, and then others have a turn."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def add(self, go_on: Callable[[], None], later: Later) -> None:
        """Call this when it is its turn."""
        self._waiting.append(go_on)
        if len(self._waiting) == 1:
            later(0, self._next, later)

    def _next(self, later: Later) -> None:
        try:
            self._waiting[0]()
        finally:  # a bug in one page must not keep all others waiting
            self._waiting.popleft()
            if self._waiting:
                later(0, self._next, later)


class Slices:
    """A page on its way: made of its pieces, a slice of time after the other."""

    def __init__(self, pieces: Iterator[str], turns: Turns, later: Later) -> None:
        """``later`` is ``callLater``."""
        self._pieces = pieces
        self._turns = turns
        self._later = later
        self._parts: list[str] = []
        self._left = False
        self._done: Deferred[bytes] = Deferred(self._leave)

    def page(self) -> Deferred[bytes]:
        """Begin; the Deferred has the page, or fails with what went wrong. It may be cancelled."""
        self._go_on()
        return self._done

    def _leave(self, _: object) -> None:
        self._left = True

    def _go_on(self) -> None:
        if self._left:
            return
        until = monotonic() + SLICE
        try:
            for piece in self._pieces:
                self._parts.append(piece)
                if monotonic() > until:
                    self._turns.add(self._go_on, self._later)
                    return
        except Exception:  # noqa: BLE001 - told to whoever waits
            self._done.errback(Failure())
            return
        self._done.callback("".join(self._parts).encode("utf-8", "replace"))  # halves of surrogate pairs have no UTF-8
