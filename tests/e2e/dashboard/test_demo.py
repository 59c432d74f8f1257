"""The dashboard of the demonstration: everybody on this machine may watch, and nobody may send others away."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Router
from tests.support.probe import probing

from .conftest import go_to, is_in

pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")


def test_the_demo_can_be_watched_without_logging_in(router: Router, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(f"{router.page}dashboard")
    is_in(page)
    expect(page.locator(".tile").filter(has_text="Sessions").locator("dd")).to_have_text("1")
    with probing(router.port):
        expect(page.locator(".tile").filter(has_text="Sessions").locator("dd")).to_have_text("2")
        go_to(page, "Sessions")
        expect(page.get_by_role("row")).to_have_count(3)
        expect(page.get_by_role("button", name="Kill")).to_have_count(0)
        page.get_by_role("row").nth(1).get_by_role("button").click()
        expect(page.get_by_role("dialog")).to_contain_text("Your role may not send sessions away.")
        expect(page.get_by_role("button", name="Kill")).to_have_count(0)
