"""docs/wamp-profile.md: which rows of the specification are proved by which tests.

    python -m tests.support.profile           writes it
    python -m tests.support.profile --check   exit status 1 if it is not what it should be, or if a row has no test

The rows come from docs/spec-rows.yaml; the tests are collected, and name the rows that they prove with the marker ``spec``.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROWS = ROOT / "docs" / "spec-rows.yaml"
PROFILE = ROOT / "docs" / "wamp-profile.md"

HEAD = """\
# WAMP profile

What a WAMP router must do, and the tests that show that wampd does it. Made by `python -m tests.support.profile` from
[spec-rows.yaml](spec-rows.yaml) and the tests; do not edit it.

*must*, *should* and *may* are the specification's; *decided* means that it is silent or unclear, and that this is our choice.
"""


@dataclass(frozen=True)
class Row:
    """One thing that the specification asks."""

    name: str
    level: str
    text: str
    missing: str | None
    """Why the router does not do it; `None`: it does."""


@dataclass(frozen=True)
class Section:
    """A chapter of the specification."""

    title: str
    source: str
    rows: list[Row]


class Collector:
    """A plugin of pytest that sees which test proves which rows."""

    def __init__(self) -> None:
        self.tests: dict[str, set[tuple[str, str]]] = defaultdict(set)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for marker in item.iter_markers("spec"):
                for row in marker.args:
                    name = getattr(item, "originalname", None) or item.name
                    self.tests[row].add((item.path.relative_to(ROOT).as_posix(), name))


def sections() -> list[Section]:
    """The rows of the specification, by chapter."""

    def row(name: str, level: str, text: str, more: dict[str, str] | None = None) -> Row:
        return Row(name, level, text, None if more is None else more["not yet"])

    return [
        Section(part["title"], part["source"], [row(name, *parts) for name, parts in part["rows"].items()])
        for part in yaml.safe_load(ROWS.read_text(encoding="utf-8"))
    ]


def collected() -> dict[str, set[tuple[str, str]]]:
    """Which tests (file, function) prove which row."""
    collector = Collector()
    options = ["--collect-only", "-qqq", "--import-mode=importlib", "-p", "no:cacheprovider"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # the test runner has imported its plugins already
    options += ["--ignore", str(ROOT / "tests" / "e2e")]  # they need a browser, and prove no rows
    with redirect_stdout(StringIO()) as output:
        status = pytest.main([*options, "--rootdir", str(ROOT), str(ROOT / "tests")], plugins=[collector])
    if status != pytest.ExitCode.OK:
        raise SystemExit(f"the tests cannot be collected: {status!r}\n{output.getvalue()}")
    return collector.tests


def page(parts: list[Section], tests: dict[str, set[tuple[str, str]]]) -> str:
    """The text of docs/wamp-profile.md."""
    rows = [row for part in parts for row in part.rows]
    shown = sum(1 for row in rows if tests.get(row.name) and row.missing is None)
    lines = [HEAD, f"{shown} of {len(rows)} rows are shown by tests."]
    for part in parts:
        lines += ["", f"## {part.title}", "", f"Source: {part.source}.", ""]
        lines += ["| row | level | what is asked | shown by |", "|---|---|---|---|"]
        lines += [
            f"| {row.name} | {row.level} | {row.text} | {_shown(row, tests.get(row.name, set()))} |"
            for row in part.rows
        ]
    return "\n".join(lines) + "\n"


def _shown(row: Row, tests: set[tuple[str, str]]) -> str:
    """The last cell of a row."""
    by_file: dict[str, list[str]] = defaultdict(list)
    for path, name in sorted(tests):
        by_file[path].append(name.removeprefix("test_").replace("_", " "))
    cells = [f"[{path.removeprefix('tests/')}](../{path}): {'; '.join(names)}" for path, names in by_file.items()]
    if row.missing is not None:
        cells.insert(0, f"**not yet**{': ' if row.missing else ''}{row.missing}")
    return "<br>".join(cells)


def complaints(parts: list[Section], tests: dict[str, set[tuple[str, str]]]) -> list[str]:
    """What is wrong: rows that nothing proves, and tests that prove rows which are not there."""
    rows = {row.name: row for part in parts for row in part.rows}
    unproved = [
        name for name, row in rows.items() if row.missing is None and row.level != "may" and not tests.get(name)
    ]
    return [
        *(f"no test proves {name}: {rows[name].text}" for name in unproved),
        *(f"{row} is proved by {min(tests[row])[1]}, but is not in {ROWS.name}" for row in sorted(tests.keys() - rows)),
    ]


def main() -> int:
    """Write the page, or check it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; complain if the page is not up to date")
    check = parser.parse_args().check
    parts, tests = sections(), collected()
    text = page(parts, tests)
    problems = complaints(parts, tests)
    if not check:
        PROFILE.write_text(text, encoding="utf-8")
    elif not PROFILE.exists() or PROFILE.read_text(encoding="utf-8") != text:
        problems.append(f"{PROFILE.relative_to(ROOT)} is not up to date: python -m tests.support.profile")
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
