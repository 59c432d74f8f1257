"""What the documentation shows works: every block of every page is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import blocks_of, pages
from tests.docs.running import run_page
from tests.support.needs import require
from tests.support.process import ROOT

PAGES = [page for page in pages() if blocks_of(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_shows_works(page: Path, tmp_path: Path) -> None:
    require(*sorted(run_page(page, tmp_path)))
