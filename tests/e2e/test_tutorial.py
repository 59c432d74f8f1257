"""docs/tutorial.md as a new user follows it: its commands and files as they stand, then what it has built in two browsers."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.docs.running import followed
from tests.support.process import ROOT, environment, wampd_command

pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")


def press(page: Page, dish: str) -> None:
    page.get_by_role("button", name=dish).click()


def test_the_tutorial_builds_a_live_vote(tmp_path: Path, page: Page, browser: Browser) -> None:
    with followed(ROOT / "docs" / "tutorial.md", tmp_path) as run:
        address = run.here("http://127.0.0.1:8080/")
        other = browser.new_page()
        for each in (page, other):
            each.goto(address)
            expect(each.locator("#status")).to_have_text("connected")
        press(page, "pizza")
        expect(other.locator("li")).to_have_text(["soup 0", "salad 0", "pizza 1"])
        press(other, "soup")
        press(page, "salad")
        for each in (page, other):
            expect(each.locator("li")).to_have_text(["soup 1", "salad 1", "pizza 0"])
        other.close()
        expect(page.locator("li")).to_have_text(["soup 0", "salad 1", "pizza 0"])
        who = ["--authid", "chair", "--secret-file", str(run.directory / "secrets" / "chair")]
        url = run.here("ws://127.0.0.1:8080/ws")
        subprocess.run(
            wampd_command("call", "com.example.votes.reset", "--url", url, *who),
            env=environment(),
            check=True,
            timeout=60,
        )
        expect(page.locator("li")).to_have_text(["soup 0", "salad 0", "pizza 0"])
