"""Templates of Jinja2: what may be in them, and where they are.

Rules
-----
* Everything is escaped for HTML, whatever the file is called, unless the template itself says ``|safe``. What a procedure
  returns is data: numbers, texts, lists and mappings, with no methods but theirs (sandbox).
* What a template names and nobody gave is an error, not nothing; ``|default`` says what to do then.
* A template is compiled once, and again when its file has changed.
* What goes wrong in one is a `Faulty` with its name and line, for the log alone.

Source: the documentation of Jinja2 3.1, "Sandbox" and "API".
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_TEMPLATES: Final = 400
"""Kept compiled."""


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

    def render(self, name: str, values: Mapping[str, Any]) -> bytes:
        """The page that a template makes of these values. Raise `Faulty`."""
        try:
            return self._environment.get_template(name).render(values).encode()
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
