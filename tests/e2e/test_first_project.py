"""The page that ``wampd init`` writes, in a browser: it joins, calls, hears, and comes back."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.interop.test_first_project import project

pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")


def test_the_page_calls_the_component_and_hears_what_it_tells(tmp_path: Path, page: Page) -> None:
    with project(tmp_path) as it:
        page.goto(f"http://127.0.0.1:{it.port}/")
        expect(page.locator("#status")).to_have_text("connected")
        page.locator("#name").fill("<b>Ann</b>")
        page.get_by_role("button").click()
        expect(page.locator("#answer")).to_have_text("Hello <b>Ann</b>!")
        expect(page.locator("#heard li")).to_have_text("1: <b>Ann</b>")
        it.wampd("component", "stop", "hello")
        page.get_by_role("button").click()
        expect(page.locator("#answer")).to_have_text("Nobody offers com.example.hello right now.")
        it.wampd("component", "start", "hello")
        it.wait_for_component(again=1)
        page.get_by_role("button").click()
        expect(page.locator("#answer")).to_have_text("Hello <b>Ann</b>!")


@pytest.mark.parametrize("auth", ["ticket", "wampcra"])
def test_visitors_log_in_with_the_password(tmp_path: Path, page: Page, auth: str) -> None:
    with project(tmp_path, "--auth", auth) as it:
        page.goto(f"http://127.0.0.1:{it.port}/")
        expect(page.locator("#status")).to_have_text("not logged in")
        page.locator("#password").fill("hunter2")
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#status")).to_contain_text("wamp.error.")
        page.locator("#password").fill(it.secret("visitor"))
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#status")).to_have_text("connected")
        page.get_by_role("button", name="Call").click()
        expect(page.locator("#answer")).to_have_text("Hello World!")
