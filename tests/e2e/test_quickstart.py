"""docs/quickstart.md as a new user follows it: its commands and files as they stand, then its pages in a browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.docs.running import followed
from tests.support.process import ROOT

pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")


def test_the_quick_start_leads_from_nothing_to_components_that_a_browser_calls(tmp_path: Path, page: Page) -> None:
    with followed(ROOT / "docs" / "quickstart.md", tmp_path) as run:
        page.goto(run.here("http://127.0.0.1:8080/"))
        expect(page.locator("#status")).to_have_text("connected")
        page.get_by_role("button").click()
        expect(page.locator("#answer")).to_have_text("Hello World!")
        page.goto(run.here("http://127.0.0.1:8080/dice.html"))
        page.get_by_role("button", name="Roll").click()
        expect(page.locator("output")).to_have_text(re.compile(r"^[1-6]$"))
        expect(page.locator("span")).to_contain_text(page.locator("output").inner_text())
