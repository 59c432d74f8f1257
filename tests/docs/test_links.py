"""Every page is found from README, and every link leads somewhere: to a file, and to a heading of it.

Headings get the anchors that GitHub gives them: small letters, no punctuation, ``-`` for a space, ``-1`` for a second one.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.process import ROOT

README = ROOT / "README.md"
FOLDERS = (".", ".github", "bench", "contrib", "dashboard", "docs", "docs/decisions", "examples", "soak")
_BLOCK = re.compile(r"^[ ]*```.*?^[ ]*```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_NAMED = re.compile(r"\bdocs/[\w./-]*\w\.md(?:#[\w-]+)?")
"""A page as messages and comments of programs name it."""


class Link(NamedTuple):
    """Where a link leads."""

    written: str
    file: Path
    anchor: str


def every_page() -> list[Path]:
    found = [page for folder in FOLDERS for page in (ROOT / folder).glob("*.md")]
    return sorted(found + list((ROOT / "examples").glob("*/README.md")))


def text_of(page: Path) -> str:
    """A page without its code blocks, in which `#` and brackets mean something else."""
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    found: set[str] = set()
    before: Counter[str] = Counter()
    for heading in _HEADING.findall(text_of(page)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{slug}-{before[slug]}" if before[slug] else slug)
        before[slug] += 1
    return found


def links(page: Path) -> Iterator[Link]:
    """The links to files of the project."""
    for written in _LINK.findall(text_of(page)):
        if not re.match(r"[a-z][a-z0-9+.-]*:", written):
            name, _, anchor = written.partition("#")
            yield Link(written, (page.parent / name).resolve() if name else page, anchor)


def reached(link: Link) -> list[Path]:
    """The pages that a link leads to: for a folder, which is shown as a list, all in it."""
    return sorted(link.file.glob("*.md")) if link.file.is_dir() else [link.file]


def wrong(link: Link) -> bool:
    return not link.file.exists() or (link.anchor != "" and link.anchor not in anchors(link.file))


@pytest.mark.parametrize("page", every_page(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    assert [link.written for link in links(page) if wrong(link)] == []


def test_every_page_is_found_from_readme():
    found, waiting = {README}, [README]
    while waiting:
        for link in links(waiting.pop()):
            new = [page for page in reached(link) if page.suffix == ".md" and page.is_file() and page not in found]
            found.update(new)
            waiting += new
    assert [page.relative_to(ROOT).as_posix() for page in every_page() if page not in found] == []


def test_every_guide_is_in_the_list_of_readme():
    named = {page for link in links(README) for page in reached(link)}
    assert [page.name for page in sorted((ROOT / "docs").glob("*.md")) if page not in named] == []


def test_pages_that_programs_and_configurations_name_are_there():
    kinds = {".py", ".yaml", ".j2", ".service", ".sh", ".toml"}
    places = [ROOT / name for name in ("wampd", "examples", "contrib", "docker")]
    files = [
        file
        for place in places
        for file in place.rglob("*")
        if file.suffix in kinds and "node_modules" not in file.parts
    ]
    named = {(file, name) for file in files for name in _NAMED.findall(file.read_text(encoding="utf-8"))}
    assert named
    for file, name in sorted(named):
        page, _, anchor = name.partition("#")
        assert not wrong(Link(name, ROOT / page, anchor)), f"{file.relative_to(ROOT)} names {name}"


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("# Which router, and as whom", "which-router-and-as-whom"),
        ("## `reload` and diff", "reload-and-diff"),
        ("## Coming from Crossbar.io", "coming-from-crossbario"),
        ("### [A link](x.md) – here", "a-link--here"),
        ("# Twice\n\n# Twice", "twice-1"),
    ],
)
def test_anchors_are_those_of_github(tmp_path, heading, anchor):
    page = tmp_path / "page.md"
    page.write_text(f"{heading}\n\n```sh\n# no heading\n```\n")
    assert anchor in anchors(page)
    assert "no-heading" not in anchors(page)


def test_a_link_to_nowhere_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](#here) [b](#there) [c](none.md) [d](page.md#here) [e](https://example.com/none)\n")
    assert [link.written for link in links(page) if wrong(link)] == ["#there", "none.md"]
