"""The demonstration as a visitor has it: a browser, a page from the router, components in Python and Node.js."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.probe import probing
from tests.support.process import Child

from .conftest import Router

pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")  # the library is for Playwright's own driver

RunComponent = Callable[..., Child]


@pytest.fixture
def visit(page: Page, router: Router) -> Callable[..., Page]:
    """Opens the demo page and waits until it is in the realm."""

    def open_page(query: str = "") -> Page:
        page.goto(router.page + query)
        expect(page.locator("#status")).to_have_text("connected")
        return page

    return open_page


def wait_until_it_grows(page: Page, figure: str, by: int) -> None:
    """Wait for the number that `figure` shows to become greater by at least so much."""
    expect(page.locator(figure)).not_to_have_text("–")
    start = int(page.locator(figure).inner_text())
    shown = "([figure, enough]) => Number(document.querySelector(figure).textContent) >= enough"
    page.wait_for_function(shown, arg=[figure, start + by])


def test_events_published_in_python_appear_in_the_page(
    router: Router, run_component: RunComponent, visit: Callable[..., Page]
) -> None:
    run_component("twisted", router.url("websocket"))
    page = visit()
    wait_until_it_grows(page, "#tick", by=2)
    expect(page.locator("[data-component=twisted] .presence")).to_have_text("running")


def test_a_click_calls_a_python_procedure_and_shows_its_result(
    router: Router, run_component: RunComponent, visit: Callable[..., Page]
) -> None:
    run_component("twisted", router.url("websocket"))
    page = visit()
    expect(page.locator("#tick")).not_to_have_text("–")
    page.locator("#add-x").fill("20.5")
    page.locator("#add-y").fill("21.5")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#add-result")).to_contain_text("42")
    expect(page.locator("#add-result")).to_have_attribute("data-state", "done")


def test_the_keyboard_alone_is_enough_for_a_call(
    router: Router, run_component: RunComponent, visit: Callable[..., Page]
) -> None:
    component = run_component("asyncio", router.url("websocket"))
    component.wait_for_log("joined realm1")
    page = visit()
    page.locator("#upper-text").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("grüße")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#upper-result")).to_contain_text("GRÜSSE")


def test_one_python_component_calls_the_other_and_the_page_sees_what_comes_of_it(
    router: Router, run_component: RunComponent, visit: Callable[..., Page]
) -> None:
    run_component("twisted", router.url("websocket"))
    run_component("asyncio", router.url("rawsocket"), "cbor")
    page = visit()
    wait_until_it_grows(page, "#total", by=1)


@pytest.mark.needs("node")
def test_what_a_visitor_says_reaches_node_and_the_answer_comes_back(
    router: Router, run_component: RunComponent, visit: Callable[..., Page]
) -> None:
    run_component("node", router.url("websocket"))
    page = visit()
    expect(page.locator("#load")).not_to_have_text("–")
    page.locator("#chat-name").fill("Ada")
    page.locator("#chat-text").fill("<b>good</b> morning")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#chat")).to_contain_text("Ada <b>good</b> morning")
    expect(page.locator("#chat")).to_contain_text("Node.js I read 2 words, Ada.")
    page.get_by_role("button", name="Reverse").click()
    expect(page.locator("#reverse-result")).to_contain_text("desserts")


@pytest.mark.needs("node")
def test_a_later_visitor_reads_what_was_said_before(
    router: Router, run_component: RunComponent, visit: Callable[..., Page]
) -> None:
    run_component("node", router.url("websocket"))
    with probing(router.port) as probe:
        probe.call_when_there("com.example.history")
        probe.publish("com.example.chat", name="Grace", text="first!")
    page = visit()
    expect(page.locator("#chat")).to_contain_text("Grace first!")


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_the_page_speaks_every_serializer_of_autobahn_js(
    serializer: str, router: Router, run_component: RunComponent, visit: Callable[..., Page]
) -> None:
    run_component("twisted", router.url("websocket"))
    page = visit(f"?serializer={serializer}")
    expect(page.locator("#serializer")).to_have_value(serializer)
    expect(page.locator("#tick")).not_to_have_text("–")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#add-result")).to_contain_text("5")


def test_the_page_says_so_when_nobody_offers_a_procedure(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("button", name="Reverse").click()
    expect(page.locator("#reverse-result")).to_have_text("Nobody offers this right now.")


def test_the_page_shows_an_error_of_the_component(
    router: Router, run_component: RunComponent, visit: Callable[..., Page]
) -> None:
    run_component("twisted", router.url("websocket"))
    page = visit()
    expect(page.locator("#tick")).not_to_have_text("–")
    page.locator("#add-x").evaluate("field => { field.type = 'text'; field.value = 'two' }")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#add-result")).to_contain_text("com.example.error.not_a_number")


def test_the_page_comes_back_after_a_restart_of_the_router(
    page: Page, start_router: Callable[..., Router], run_component: RunComponent
) -> None:
    first = start_router()
    page.goto(first.page)
    expect(page.locator("#status")).to_have_text("connected")
    assert first.process.stop() == 0
    expect(page.locator("#status")).to_contain_text("trying again")
    second = start_router(port=first.port)
    expect(page.locator("#status")).to_have_text("connected")
    run_component("twisted", second.url("websocket"))
    expect(page.locator("#tick")).not_to_have_text("–")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_wider_than_the_screen(width: int, visit: Callable[..., Page]) -> None:
    page = visit()
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_shipped_configuration_runs_the_python_components_itself(
    page: Page, start_router: Callable[..., Router]
) -> None:
    router = start_router(with_components=True)
    page.goto(router.page)
    expect(page.locator("#total")).not_to_have_text("–")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#add-result")).to_contain_text("5")
    page.get_by_role("button", name="Shout").click()
    expect(page.locator("#upper-result")).to_contain_text("HELLO, WORLD")
