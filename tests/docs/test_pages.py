"""What the documentation shows works: every block of every page is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks_of, pages
from tests.docs.running import RUNNERS, PageRun, examples_in
from tests.support.needs import require
from tests.support.process import ROOT

PAGES = [page for page in pages() if any(block.language for block in blocks_of(page))]


def _shown_elsewhere(block: Block) -> None:
    """See that the test that is said to run a block is there, and that it names the page or each program of the block."""
    test = ROOT / block.words["shown-by"]
    assert test.is_file(), f"{block}: there is no {test}"
    text = test.read_text(encoding="utf-8")
    page = block.page.relative_to(ROOT).as_posix()
    programs = re.findall(r"(?:make |examples/)([\w./]+)", block.text)
    named = page in text or (bool(programs) and all(Path(program).name in text for program in programs))
    assert named, f"{block}: {test} names neither the page nor {programs}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_shows_works(page: Path, tmp_path: Path) -> None:
    directory = tmp_path / "here"
    directory.mkdir()
    examples_in(directory)
    with PageRun(directory, tmp_path / "bin") as run:
        for block in blocks_of(page):
            if block.has("shown-by"):
                _shown_elsewhere(block)
                continue
            require(*[each for each in block.words.get("needs", "").split(",") if each])
            run.run(block)


def test_every_language_of_a_page_is_one_that_is_run() -> None:
    unknown = {
        str(block): block.language
        for page in PAGES
        for block in blocks_of(page)
        if block.language and block.language not in RUNNERS and not block.has("file") and not block.has("shown-by")
    }
    assert unknown == {}


def test_a_block_without_a_language_holds_no_command() -> None:
    found = [
        str(block)
        for page in pages()
        for block in blocks_of(page)
        if not block.language and re.search(r"^\s*\$ ", block.text, re.MULTILINE)
    ]
    assert found == []
