"""The dashboard as it looks: on every screen, in both themes, by keyboard alone, and to those who do not see it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.needs import unavailable
from tests.support.probe import RefusedError, probing
from tests.support.process import ROOT

from .conftest import House, go_to, is_in, log_in, working

pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")

AXE = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ["Overview", "Sessions", "Registrations", "Subscriptions", "Trouble", "Console", "Live tail"]
SCREENS = {"phone": (360, 740), "desktop": (1280, 800)}


@pytest.fixture
def offences() -> Callable[[Page], list[str]]:
    """What axe-core finds wrong with a page as it is now."""
    if not AXE.is_file():
        unavailable("the npm packages of dashboard are missing; run: tools/setup node")
    script = AXE.read_text(encoding="utf-8")

    def found(page: Page) -> list[str]:
        page.evaluate(script)
        violations: list[dict[str, Any]] = page.evaluate("axe.run().then(({ violations }) => violations)")
        return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in violations]

    return found


def is_too_wide(page: Page) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return wide


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_every_view_fits_the_screen_and_can_be_used_by_everybody(
    house: House, new_page: Callable[..., Page], offences: Callable[[Page], list[str]], screen: str, theme: str
) -> None:
    width, height = SCREENS[screen]
    page = new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    page.goto(house.url)
    expect(page.get_by_label("Secret")).to_be_visible()
    found = {"login": offences(page)}
    page.get_by_role("combobox", name="Second factor").select_option("cryptosign")
    page.get_by_label("Key from a file").set_input_files({"name": "key", "mimeType": "", "buffer": b"none"})
    expect(page.get_by_role("alert").last).to_contain_text("no private key")
    found["two factors"] = offences(page)
    assert not is_too_wide(page)
    page.get_by_role("combobox", name="Second factor").select_option("")
    log_in(page, secret="hunter2-wrong")
    expect(page.get_by_role("alert")).to_contain_text("did not accept")
    found["refused"] = offences(page)
    log_in(page)
    is_in(page)
    with working(house.port):
        for view in VIEWS:
            go_to(page, view)
            if view == "Console":
                page.get_by_role("combobox", name="Procedure").fill("com.example.fail")
                page.get_by_role("button", name="Call", exact=True).click()
                page.get_by_label("Options JSON").fill("{")
            elif view == "Live tail":
                page.get_by_label("Topic").fill("com.example.a")
                page.get_by_role("button", name="Listen").click()
            elif view == "Sessions":
                page.locator("tbody tr").first.get_by_role("button").first.click()
                expect(page.get_by_role("dialog", name="Session ")).to_be_visible()
                found["details"] = offences(page)
                page.keyboard.press("Escape")
                page.get_by_role("button", name="Kill session").first.click()
                found["dialog"] = offences(page)
                page.keyboard.press("Escape")
            expect(page.get_by_text("Asking the router")).to_have_count(0)
            found[view] = offences(page)
            assert not is_too_wide(page), view
        if screen == "phone":
            page.get_by_role("button", name="Menu").click()
            found["menu"] = offences(page)
    assert {what: wrong for what, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_the_screen_whatever_is_in_it(house: House, operator: Page, view: str) -> None:
    go_to(operator, view)
    with working(house.port, "com.example." + "long" * 40), probing(house.port) as probe:
        with pytest.raises(RefusedError):
            probe.call("com.example." + "x" * 200)
        expect(operator.get_by_text("Asking the router")).to_have_count(0)
        for width in (320, 360, 768, 1024, 1153, 1280, 1920):
            operator.set_viewport_size({"width": width, "height": 800})
            assert not is_too_wide(operator), width


def test_what_a_role_may_not_see_is_readable_too(guest: Page, offences: Callable[[Page], list[str]]) -> None:
    for view in ("Overview", "Sessions", "Trouble"):
        go_to(guest, view)
        expect(guest.locator(".notice").first).to_contain_text("may not see this")
        assert offences(guest) == []


def test_the_theme_is_the_system_s_until_one_chooses(operator: Page) -> None:
    def ground() -> str:
        colour: str = operator.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    operator.emulate_media(color_scheme="light")
    light = ground()
    operator.emulate_media(color_scheme="dark")
    dark = ground()
    assert light != dark
    button = operator.get_by_role("button", name="Theme")
    button.click()
    assert ground() == light
    button.click()
    operator.emulate_media(color_scheme="light")
    assert ground() == dark
    operator.reload()
    is_in(operator)
    assert ground() == dark


def test_the_keyboard_alone_is_enough(operator: Page) -> None:
    operator.keyboard.press("Tab")
    expect(operator.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(operator.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    operator.keyboard.press("Enter")
    expect(operator.get_by_role("heading", level=1)).to_be_focused()
    operator.keyboard.press("2")
    expect(operator.get_by_role("heading", level=1)).to_have_text("Sessions")
    expect(operator).to_have_title("Sessions · Example Operations")
    operator.keyboard.press("/")
    expect(operator.get_by_role("searchbox")).to_be_focused()
    operator.keyboard.type("7?olga")  # in a field, keys are text
    expect(operator.get_by_role("heading", level=1)).to_have_text("Sessions")
    expect(operator.get_by_role("searchbox")).to_have_value("7?olga")


def test_a_menu_is_closed_by_esc(operator: Page) -> None:
    operator.set_viewport_size({"width": 360, "height": 740})
    operator.get_by_role("button", name="Menu").click()
    operator.get_by_role("link", name="Sessions").focus()
    operator.keyboard.press("Escape")
    expect(operator.get_by_role("navigation", name="Views")).to_be_hidden()
    expect(operator.get_by_role("button", name="Menu")).to_be_focused()


def test_shortcuts_are_explained_and_can_be_turned_off(operator: Page) -> None:
    operator.keyboard.press("?")
    help_ = operator.get_by_role("dialog", name="Shortcuts")
    expect(help_).to_be_visible()
    help_.get_by_label("Single keys are shortcuts").uncheck()
    operator.keyboard.press("Escape")
    expect(help_).to_have_count(0)
    operator.keyboard.press("2")
    operator.keyboard.press("?")
    expect(operator.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(help_).to_have_count(0)


def test_shortcuts_work_as_soon_as_the_page_is_there(house: House, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.add_init_script("""new MutationObserver((_, observer) => {
        if (!document.getElementById("title")) return;
        observer.disconnect();
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
    }).observe(document, { childList: true, subtree: true })""")
    page.goto(house.url)
    log_in(page)
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()


def test_rows_stay_what_they_are_while_figures_change(house: House, operator: Page) -> None:
    go_to(operator, "Registrations")
    with working(house.port), probing(house.port) as probe:
        row = operator.get_by_role("row").filter(has_text="com.example.echo")
        expect(row).to_be_visible()
        row.evaluate("element => { element.dataset.seen = 'before'; }")
        probe.call("com.example.echo", 1)
        expect(row.locator('td[data-label="Calls"]')).to_have_text("1")
        expect(row).to_have_attribute("data-seen", "before")


def test_nothing_moves_for_those_who_do_not_want_it(operator: Page) -> None:
    moving = """() => [...document.querySelectorAll("*")].filter((element) => {
        const { transitionDuration, animationName } = getComputedStyle(element);
        return animationName !== "none" || transitionDuration.split(",").some((time) => parseFloat(time) > 0);
    }).length"""
    operator.emulate_media(reduced_motion="no-preference")
    assert operator.evaluate(moving) > 0
    operator.emulate_media(reduced_motion="reduce")
    assert operator.evaluate(moving) == 0
