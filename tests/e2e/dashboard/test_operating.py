"""The dashboard as operators use it: they look at what there is, send somebody away, call, publish and listen."""

import json
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PATIENCE_MS
from tests.support.probe import probing

from .conftest import House, go_to, is_in, log_in, token, wait_for_subscriber, working

pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")

EVIL = "com.example.<img/src=x/onerror=alert(1)>"


def row_of(page: Page, text: str):
    return page.get_by_role("row").filter(has_text=text)


def cell_of(row, label: str):
    return row.locator(f'td[data-label="{label}"]')


def call(page: Page, procedure: str, args: str = "", kwargs: str = "", options: str = "") -> None:
    page.get_by_role("combobox", name="Procedure").fill(procedure)
    page.get_by_label("Arguments JSON", exact=True).fill(args)
    page.get_by_label("Keyword arguments JSON").fill(kwargs)
    page.get_by_label("Options JSON").fill(options)
    page.get_by_role("button", name="Call", exact=True).click()


def answer(page: Page):
    """The newest answer in the console."""
    return page.locator(".transcript > li").first


# ------------------------------------------------------------------------------------------------------- who is here


def test_a_session_is_found_its_rate_moves_it_is_killed_and_its_page_says_so(
    house: House, operator: Page, guest: Page
) -> None:
    go_to(guest, "Live tail")
    guest.get_by_label("Topic").fill("com.example.news")
    guest.get_by_role("button", name="Listen").click()
    victim = guest.locator(".who dd").nth(3).inner_text()
    go_to(operator, "Sessions")
    operator.get_by_role("searchbox").fill(victim)
    row = row_of(operator, victim)
    expect(row).to_have_count(1)
    expect(operator.get_by_text("1 of 2 sessions")).to_be_visible()
    expect(row).to_contain_text("127.0.0.1")
    expect(cell_of(row, "Out/s")).to_have_text("0")
    with probing(house.port) as probe:
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while cell_of(row, "Out/s").inner_text() == "0":
            assert time.monotonic() < deadline
            probe.publish("com.example.news", ["hot"])
            operator.wait_for_timeout(20)

    row.get_by_role("button", name="Kill").click()
    dialog = operator.get_by_role("dialog")
    expect(dialog).to_contain_text(victim)
    dialog.get_by_label("Message to the client").fill("maintenance <b>now</b>")
    dialog.get_by_role("button", name="Kill session").click()
    expect(dialog).to_have_count(0)
    expect(guest.get_by_role("alert")).to_contain_text("wamp.close.killed: maintenance <b>now</b>")
    expect(guest.get_by_role("button", name="Log in")).to_be_enabled()
    expect(row).to_have_count(0)


def test_a_dialog_asks_before_and_esc_closes_it(operator: Page, guest: Page) -> None:
    go_to(operator, "Sessions")
    button = operator.get_by_role("button", name="Kill session").first
    button.focus()
    operator.keyboard.press("Enter")
    expect(operator.get_by_role("dialog", name="Send this session away?")).to_be_visible()
    operator.keyboard.press("Escape")
    expect(operator.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()
    is_in(guest)


def test_nobody_can_kill_oneself(operator: Page) -> None:
    go_to(operator, "Sessions")
    mine = row_of(operator, "olga")
    expect(mine.get_by_text("you")).to_be_visible()
    expect(mine.get_by_role("button", name="Kill")).to_have_count(0)


def test_rows_are_sorted_by_a_click_on_their_head(operator: Page, guest: Page) -> None:
    go_to(operator, "Sessions")
    expect(operator.get_by_role("row")).to_have_count(3)
    for direction in ("ascending", "descending"):
        operator.get_by_role("columnheader", name="Who").get_by_role("button").click()
        expect(operator.get_by_role("columnheader", name="Who")).to_have_attribute("aria-sort", direction)
    expect(operator.get_by_role("row").nth(1)).to_contain_text("olga")


@pytest.mark.usefixtures("worker")
def test_registrations_and_subscriptions_are_listed_with_what_is_done(operator: Page) -> None:
    go_to(operator, "Console")
    for number in range(3):
        call(operator, "com.example.echo", f"[{number}]")
        expect(answer(operator).locator("pre")).to_have_text(str(number))
    go_to(operator, "Registrations")
    operator.get_by_role("searchbox").fill("echo")
    expect(operator.get_by_role("row")).to_have_count(2)
    expect(cell_of(row_of(operator, "com.example.echo"), "Calls")).to_have_text("3")
    go_to(operator, "Live tail")
    operator.get_by_label("Topic").fill(EVIL)
    operator.get_by_role("button", name="Listen").click()
    go_to(operator, "Subscriptions")
    expect(cell_of(row_of(operator, EVIL), "Subscribers")).to_have_text("1")


def test_the_overview_shows_figures_and_the_last_hour(operator: Page) -> None:
    expect(operator.locator(".tile").filter(has_text="Sessions").locator("dd")).to_have_text("1")
    expect(operator.get_by_role("img", name=re.compile("^Sessions, last"))).to_be_visible()
    expect(operator.locator("figure")).to_have_count(8)
    expect(operator.get_by_role("row").filter(has_text="realm1")).to_be_visible()


@pytest.mark.usefixtures("worker")
def test_errors_and_slow_calls_are_shown(operator: Page) -> None:
    go_to(operator, "Console")
    call(operator, "com.example.fail")
    expect(answer(operator).locator(".state")).to_have_text("failed")
    call(operator, "com.example.wait")
    go_to(operator, "Trouble")
    expect(row_of(operator, "com.example.error.<b>bad</b>")).to_contain_text("olga")
    expect(row_of(operator, "com.example.wait")).to_contain_text("under way")


# -------------------------------------------------------------------------------------------------------- the console


@pytest.mark.usefixtures("worker")
def test_a_call_shows_its_result_or_its_error_as_text(operator: Page) -> None:
    go_to(operator, "Console")
    call(operator, "com.example.echo", '[{"a": [1, 2]}]')
    expect(answer(operator).locator("pre")).to_have_text('{"a": [1, 2]}')
    expect(answer(operator).locator(".state")).to_have_text("done")
    call(operator, "com.example.fail")
    expect(answer(operator).locator("pre")).to_have_text('com.example.error.<b>bad</b>\n"told <i>why</i>"')


@pytest.mark.usefixtures("worker")
def test_parts_of_a_result_are_shown_as_they_come(operator: Page) -> None:
    go_to(operator, "Console")
    call(operator, "com.example.count")
    expect(answer(operator).locator("pre")).to_have_text(['"part 1"', '"part 2"', '"part 3"', '"all"'])


@pytest.mark.usefixtures("worker")
def test_a_call_can_be_canceled(operator: Page) -> None:
    go_to(operator, "Console")
    call(operator, "com.example.wait")
    expect(answer(operator).locator(".state")).to_have_text("waiting …")
    answer(operator).get_by_role("button", name="Cancel").click()
    expect(answer(operator).locator(".state")).to_have_text("canceled")
    expect(answer(operator)).to_be_focused()  # the button is gone


@pytest.mark.usefixtures("worker")
def test_options_are_sent(operator: Page) -> None:
    go_to(operator, "Console")
    call(operator, "com.example.wait", options='{"timeout": 100}')
    expect(answer(operator).locator("pre")).to_contain_text("wamp.error.timeout")


def test_what_is_not_json_is_not_sent(operator: Page) -> None:
    go_to(operator, "Console")
    call(operator, "com.example.echo", "[1,")
    expect(operator.get_by_text("not JSON")).to_be_visible()
    expect(operator.get_by_label("Arguments JSON", exact=True)).to_have_attribute("aria-invalid", "true")
    call(operator, "com.example.echo", "{}")
    expect(operator.get_by_text("expected a list")).to_be_visible()
    call(operator, "")
    expect(operator.get_by_text("which procedure?")).to_be_visible()
    expect(operator.locator(".transcript")).to_have_count(0)


@pytest.mark.usefixtures("worker")
def test_what_was_sent_is_recalled_by_the_arrow_keys_also_after_a_reload(operator: Page) -> None:
    go_to(operator, "Console")
    for number in (1, 2):
        call(operator, f"com.example.echo{number}", f"[{number}]", '{"password": "hunter2"}')
    operator.reload()
    is_in(operator)
    uri = operator.get_by_role("combobox", name="Procedure")
    uri.focus()
    for key, shown in (("ArrowUp", 2), ("ArrowUp", 1), ("ArrowDown", 2)):
        operator.keyboard.press(key)
        expect(uri).to_have_value(f"com.example.echo{shown}")
        expect(operator.get_by_label("Arguments JSON", exact=True)).to_have_value(f"[{shown}]")
    operator.keyboard.press("ArrowDown")
    expect(uri).to_have_value("")


def test_nothing_secret_is_kept_in_the_browser(operator: Page) -> None:
    go_to(operator, "Console")
    call(operator, "com.example.echo", "", '{"user": "joe", "password": "hunter2"}')
    expect(answer(operator).locator(".state")).to_have_text("failed")
    kept = operator.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert "olga" in kept
    assert "joe" in kept
    assert "hunter2" not in kept


def test_what_is_published_arrives(house: House, operator: Page) -> None:
    go_to(operator, "Console")
    with probing(house.port) as probe:
        probe.subscribe("com.example.news")
        operator.get_by_text("Publish", exact=True).click()
        operator.get_by_role("combobox", name="Topic").fill("com.example.news")
        operator.get_by_label("Keyword arguments JSON").fill('{"hot": true}')
        operator.keyboard.press("Control+Enter")
        assert probe.next_event("com.example.news") == ([], {"hot": True})
    expect(answer(operator).locator("pre")).to_contain_text("publication ")


# ----------------------------------------------------------------------------------------------------------- the tail


def test_a_topic_is_listened_to_filtered_paused_and_shown_as_text(house: House, operator: Page) -> None:
    go_to(operator, "Live tail")
    operator.get_by_label("Topic").fill("com.example.")
    operator.get_by_label("Match").select_option("prefix")
    operator.get_by_role("button", name="Listen").click()
    expect(operator.get_by_text("Nothing was published yet.")).to_be_visible()
    lines = operator.locator(".tail > li")
    with probing(house.port) as probe:
        wait_for_subscriber(probe, EVIL)
        probe.publish(EVIL, ["<script>alert(1)</script>"])
        expect(lines).to_have_count(1)
        expect(lines.first).to_contain_text(EVIL)
        expect(lines.first.locator("pre")).to_have_text('"<script>alert(1)</script>"')
        expect(operator.locator("main img")).to_have_count(0)
        operator.get_by_role("button", name="Pause").click()
        probe.publish("com.example.other", [2])
        expect(operator.get_by_text("2 received; paused, 1 new")).to_be_visible()
        expect(lines).to_have_count(1)
        operator.get_by_role("button", name="Go on").click()
        expect(lines).to_have_count(2)
        operator.get_by_role("searchbox").fill("OTHER")
        expect(lines).to_have_count(1)
        operator.get_by_role("button", name="Clear").click()
        expect(lines).to_have_count(0)
        operator.get_by_role("button", name="Stop").click()
        expect(operator.get_by_role("button", name="Listen")).to_be_visible()


def test_a_tail_that_gets_more_than_it_keeps_says_how_much(house: House, operator: Page) -> None:
    go_to(operator, "Live tail")
    operator.get_by_label("Topic").fill("com.example.flood")
    operator.get_by_role("button", name="Listen").click()
    expect(operator.get_by_text("Nothing was published yet.")).to_be_visible()
    with probing(house.port) as probe:
        wait_for_subscriber(probe, "com.example.flood")
        for number in range(1200):
            probe.publish("com.example.flood", [number])
    expect(operator.get_by_text(re.compile("1.200 received, 200 dropped"))).to_be_visible()
    expect(operator.locator(".tail > li")).to_have_count(200)


# ------------------------------------------------------------------------------------------------------------- the door


def test_a_wrong_secret_is_said_and_the_right_one_lets_in(house: House, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(house.url)
    log_in(page, secret="hunter2-wrong")
    expect(page.get_by_role("alert")).to_contain_text("The router did not accept this.")
    expect(page.get_by_role("button", name="Log in")).to_be_focused()
    expect(page.get_by_label("Secret")).to_have_value("")
    log_in(page, "wampcra", "otto", "hunter2-password")
    is_in(page)
    expect(page.locator(".who")).to_contain_text("otto")


def test_a_token_lets_in(house: House, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(house.url)
    page.get_by_label("Method").select_option("jwt")
    page.get_by_role("textbox", name="Token").fill(token("tilda"))
    page.get_by_role("button", name="Log in").click()
    is_in(page)
    expect(page.locator(".who")).to_contain_text("tilda")


def test_the_page_itself_can_be_for_some_alone(house: House, new_page: Callable[..., Page]) -> None:
    stranger = new_page()
    for path in ("", "settings.json"):
        assert stranger.request.get(house.guarded + path).status == 401
    page = new_page(http_credentials={"username": "olga", "password": "hunter2-ticket"})
    page.goto(house.guarded)
    log_in(page)
    is_in(page)
    expect(page.locator(".who")).to_contain_text("olga")


def test_a_cookie_brings_back_and_logging_out_ends_that(house: House, operator: Page) -> None:
    operator.reload()
    is_in(operator)
    expect(operator.locator(".who")).to_contain_text("olga")
    operator.get_by_role("button", name="Log out").click()
    expect(operator.get_by_role("button", name="Log in")).to_be_enabled()
    operator.reload()
    expect(operator.get_by_role("button", name="Log in")).to_be_enabled()
    expect(operator.get_by_label("Name (authid)")).to_have_value("olga")


def test_nothing_of_who_went_out_is_left_for_the_next(operator: Page) -> None:
    go_to(operator, "Console")
    call(operator, "com.example.private")
    expect(answer(operator).locator(".state")).to_have_text("failed")
    operator.get_by_role("button", name="Log out").click()
    log_in(operator, "anonymous", "")
    is_in(operator)
    expect(operator.get_by_text("Nothing was sent yet.")).to_be_visible()
    expect(operator.get_by_role("combobox", name="Procedure")).to_have_value("")


def test_a_lost_connection_is_said_and_comes_back(start: Callable[..., House], new_page: Callable[..., Page]) -> None:
    first = start()
    page = new_page()
    page.goto(first.url)
    log_in(page)
    is_in(page)
    go_to(page, "Sessions")
    expect(row_of(page, "olga")).to_be_visible()
    go_to(page, "Live tail")
    page.get_by_label("Topic").fill("com.example.news")
    page.get_by_role("button", name="Listen").click()
    assert first.process.stop() == 0
    expect(page.get_by_text("The connection to the router is lost.")).to_be_visible()
    again = page.get_by_role("button", name="Try now")
    expect(again).to_be_visible()
    second = start(first.port)
    again.evaluate_all("buttons => buttons.forEach(button => button.click())")  # the page may have come back by itself
    is_in(page)
    with probing(second.port) as probe:
        expect(page.get_by_text("The connection to the router is lost.")).to_have_count(0)
        wait_for_subscriber(probe, "com.example.news")
        probe.publish("com.example.news", ["again"])
    expect(page.locator(".tail > li")).to_have_count(1)


def test_the_page_is_told_how_to_connect_and_by_which_methods(house: House, new_page: Callable[..., Page]) -> None:
    page = new_page()
    told = json.loads(page.request.get(house.url + "settings.json").text())
    assert told["methods"] == ["cookie", "anonymous", "ticket", "wampcra", "cryptosign", "jwt"]
    assert told["websocket"] == "/ws"
    assert json.loads(page.request.get(house.other + "settings.json").text())["websocket"] == "/plain"


def test_a_worker_that_comes_later_is_seen(house: House, operator: Page) -> None:
    go_to(operator, "Registrations")
    expect(operator.get_by_text("There are no registrations.")).to_be_visible()
    with working(house.port):
        expect(row_of(operator, "com.example.echo")).to_be_visible()
