"""The dashboard when things come late, at once, twice or not at all, and when what is shown is not what it seems."""

import json
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PATIENCE_MS

from .conftest import go_to, is_in
from .pretender import HELD, OWN, URL, Pretender, Refusal, overview, realm, row, sessions

pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")

LIST = "wampd.monitor.sessions"
KILL = "wampd.monitor.kill"
HIDE = "hidden => Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })"


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture
def router(page: Page) -> Pretender:
    """Tells of three sessions, all of which may be killed."""
    router = Pretender(page)
    router.answers[LIST] = sessions(*[row(number, f"user{number}") for number in (1, 2, 3)])
    return router


def kill_button(page: Page, session: int):
    return page.get_by_role("button", name=f"Kill session {session} ")


def until(page: Page, condition: Callable[[], bool]) -> None:
    """Let the page go on until something has come of it."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(10)


# ------------------------------------------------------------------------------------------------------------ the focus


def test_the_focus_stays_on_a_row_that_goes_elsewhere(router: Pretender, page: Page) -> None:
    page.add_init_script("delete Element.prototype.moveBefore")  # which keeps it, but not every browser has it
    router.open()
    for focused in (1, 2, 3):
        kill_button(page, focused).focus()
        for order in ((3, 2, 1), (2, 3, 1), (3, 1, 2), (1, 2, 3)):
            router.answers[LIST] = sessions(*[row(number, f"user{number}") for number in order])
            router.look_again()
            expect(page.locator("tbody tr")).to_contain_text([f"user{number}" for number in order])
            expect(kill_button(page, focused)).to_be_focused()


def test_the_focus_of_a_row_that_is_gone_is_on_the_table(router: Pretender, page: Page) -> None:
    router.open()
    kill_button(page, 2).focus()
    router.answers[LIST] = sessions(row(1, "user1"), row(3, "user3"))
    router.look_again()
    expect(kill_button(page, 2)).to_have_count(0)
    expect(page.get_by_role("table")).to_be_focused()
    kill_button(page, 1).focus()
    router.answers[LIST] = sessions()
    router.look_again()
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_a_view_s_title_has_the_focus_once_it_says_where_one_is(router: Pretender, page: Page) -> None:
    router.open("overview")
    page.evaluate("addEventListener('focusin', event => { window.heard = event.target.textContent; })")
    go_to(page, "Sessions")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert page.evaluate("window.heard") == "Sessions"


def test_the_last_page_keeps_the_focus_on_what_leads_no_further(router: Pretender, page: Page) -> None:
    router.answers[LIST] = sessions(*[row(number, "user") for number in range(1, 51)], found=100)
    router.open()
    further = page.get_by_role("button", name="Next")
    further.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    expect(further).to_be_focused()
    expect(further).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()


def test_what_cannot_be_sent_is_shown_by_the_focus(router: Pretender, page: Page) -> None:
    router.open("console")
    page.get_by_role("combobox", name="Procedure").fill("com.example.echo")
    page.get_by_label("Options JSON").fill("{")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_label("Options JSON")).to_be_focused()


def test_an_arrow_without_history_is_left_to_the_browser_which_has_suggestions(router: Pretender, page: Page) -> None:
    router.open("console")
    field = page.get_by_role("combobox", name="Procedure")
    press = """field => ["ArrowUp", "ArrowDown"].map(key => {
        const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
        field.dispatchEvent(event);
        return event.defaultPrevented;
    })"""
    assert field.evaluate(press) == [False, False]


# ---------------------------------------------------------------------------------------------------------- the dialogs


def test_who_goes_back_finds_no_dialog_when_coming_again(router: Pretender, page: Page) -> None:
    router.open("overview")
    go_to(page, "Sessions")
    kill_button(page, 1).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.go_forward()
    expect(kill_button(page, 1)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_late_answer_closes_no_dialog_but_its_own(router: Pretender, page: Page) -> None:
    router.answers[KILL] = HELD
    router.open()
    kill_button(page, 1).click()
    page.get_by_role("button", name="Kill session", exact=True).click()
    page.keyboard.press("Escape")
    kill_button(page, 2).click()
    expect(page.get_by_role("dialog")).to_contain_text("user2")
    router.say(50, router.held.popleft(), {}, [True])
    expect(page.get_by_role("status").filter(has_text="Session 1 of user1 was sent away.")).to_be_attached()
    expect(page.get_by_role("dialog")).to_contain_text("user2")


def test_who_was_sent_away_is_gone_from_the_list_at_once(router: Pretender, page: Page) -> None:
    page.add_init_script("const wait = setTimeout; window.setTimeout = (work, ms) => ms === 2000 ? 0 : wait(work, ms)")
    router.answers[KILL] = HELD
    router.open()
    kill_button(page, 1).click()
    page.get_by_role("button", name="Kill session", exact=True).click()
    expect(page.get_by_role("button", name="Kill session", exact=True)).to_be_disabled()
    router.answers[LIST] = sessions(row(2, "user2"))
    router.say(50, router.held.popleft(), {}, [True])
    expect(kill_button(page, 1)).to_have_count(0)


def test_a_text_that_is_selected_beyond_the_dialog_does_not_close_it(router: Pretender, page: Page) -> None:
    router.open()
    kill_button(page, 1).click()
    field = page.get_by_label("Message to the client")
    field.fill("typed with care")
    box = field.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(5, 5)
    page.mouse.up()
    expect(field).to_have_value("typed with care")
    page.mouse.click(5, 5)  # that is outside
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_dialog_that_the_browser_has_closed_can_be_opened_again(router: Pretender, page: Page) -> None:
    router.open()
    for _ in range(2):
        kill_button(page, 1).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.get_by_role("dialog").evaluate("dialog => dialog.close()")
        expect(page.locator("dialog")).to_have_count(0)


def test_details_go_with_the_session_and_say_when_it_has_ended(router: Pretender, page: Page) -> None:
    router.open()
    page.get_by_role("button", name="1", exact=True).click()
    dialog = page.get_by_role("dialog", name="Session 1")
    router.answers[LIST] = sessions(row(1, "user1", received=1234))
    router.look_again()
    expect(dialog).to_contain_text("1\u202f234 messages")
    router.answers[LIST] = sessions(row(2, "user2"))
    router.look_again()
    expect(dialog.get_by_role("status")).to_contain_text("This session has ended.")
    expect(dialog.get_by_role("button", name="Kill")).to_have_count(0)


def test_names_of_any_length_fit_the_screen(router: Pretender, page: Page) -> None:
    long = row(9007199254740991, "a-very-long-authid-" * 8, address="[2001:db8:85a3:8d3:1319:8a2e:370:7348]:65535")
    router.answers[LIST] = sessions(long, row(OWN, "olga"))
    router.open()
    expect(page.get_by_role("row")).to_have_count(3)
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        page.get_by_role("button", name="9007199254740991", exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        assert page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth"), width
        page.keyboard.press("Escape")


# ---------------------------------------------------------------------------------------------------------- the rights


@pytest.mark.parametrize("may", [[], None, ["something else"]])
def test_who_may_not_kill_is_offered_nothing(router: Pretender, page: Page, may: list[str] | None) -> None:
    router.answers[LIST] = {**sessions(row(1, "user1")), "may": may}
    router.open()
    page.get_by_role("button", name="1", exact=True).click()
    expect(page.get_by_text("Your role may not send sessions away.")).to_be_visible()
    expect(page.get_by_role("button", name="Kill")).to_have_count(0)


def test_a_right_that_is_lost_meanwhile_is_said(router: Pretender, page: Page) -> None:
    router.open()
    kill_button(page, 1).click()
    router.answers[LIST] = sessions(row(1, "user1"), may=())
    router.look_again()
    expect(page.get_by_text("Your role may not send sessions away any more.")).to_be_visible()
    expect(page.get_by_role("button", name="Kill session", exact=True)).to_be_disabled()


def test_what_one_may_not_see_any_more_is_not_shown_any_more(router: Pretender, page: Page) -> None:
    router.open()
    expect(kill_button(page, 1)).to_be_visible()
    router.answers[LIST] = Refusal("wamp.error.not_authorized")
    router.look_again()
    expect(page.get_by_text("may not see this")).to_be_visible()
    expect(page.get_by_role("table")).to_have_count(0)


def test_an_act_is_asked_for_again_however_often_it_was_refused(router: Pretender, page: Page) -> None:
    router.answers[KILL] = Refusal("wamp.error.not_authorized")
    router.open()
    kill_button(page, 1).click()
    page.get_by_role("button", name="Kill session", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("may not do this")
    router.answers[KILL] = True
    page.get_by_role("button", name="Kill session", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_subscription_that_is_taken_away_is_said(router: Pretender, page: Page) -> None:
    router.open("tail")
    page.get_by_label("Topic").fill("com.example.news")
    page.get_by_role("button", name="Listen").click()
    expect(page.get_by_text("Nothing was published yet.")).to_be_visible()
    router.say(35, 0, {"subscription": 90, "reason": "wampd.revoked.not_allowed"})
    expect(page.get_by_text("Your role may not subscribe to com.example.news in this way.")).to_be_visible()
    expect(page.get_by_role("button", name="Listen")).to_be_visible()


# --------------------------------------------------------------------------------------------------- lists and figures


def test_a_list_that_became_shorter_shows_its_last_page(router: Pretender, page: Page) -> None:
    router.answers[LIST] = sessions(*[row(number, "user") for number in range(1, 51)], found=150)
    router.open()
    for number in (2, 3):
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text(f"Page {number} of 3")).to_be_visible()
    router.answers[LIST] = lambda given: sessions(*([] if given["offset"] else [row(7, "user7")]), found=1)
    router.look_again()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(kill_button(page, 7)).to_be_visible()


def test_realms_that_a_tick_leaves_out_are_counted_all_the_same(router: Pretender, page: Page) -> None:
    names = [f"r{number:03}" for number in range(150)]
    router.answers["wampd.monitor.overview"] = overview(*[realm(name) for name in names])
    router.open("overview")
    tile = page.locator(".tile").filter(has_text="Sessions").locator("dd")
    expect(tile).to_have_text("150")
    process = {"cpu": 0.5, "rss": 2**24, "fds": 7, "connections": 1}
    ticked = [realm(name, sessions=2) for name in names[:100]]
    router.say(36, 90, 1, {}, [{"at": "2026-01-01T00:00:00.000Z", "process": process, "realms": ticked}])
    expect(tile).to_have_text("250")
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(101)
    expect(page.get_by_text("The 100 of 150 realms with most sessions are listed")).to_be_visible()
    page.get_by_role("combobox", name="Realm").select_option("r149")
    expect(tile).to_have_text("1")


def test_nothing_is_heard_while_nobody_looks(router: Pretender, page: Page) -> None:
    router.open("overview")
    expect(page.locator(".tile").first).to_be_visible()
    page.evaluate(HIDE, True)
    router.look_again()
    until(page, lambda: router.codes()[-1] == 34)
    page.evaluate(HIDE, False)
    router.look_again()
    until(page, lambda: 32 in router.codes()[router.codes().index(34) :])


def test_a_step_of_the_clock_changes_no_pause(router: Pretender, page: Page) -> None:
    router.open()
    page.evaluate("const now = Date.now; let hours = 0; Date.now = () => now() - 3_600_000 * ++hours")  # back each time
    router.door = "closed"
    router.hang_up()
    expect(
        page.get_by_text(re.compile(r"The connection to the router is lost\..* Next attempt in \d\d? s\."))
    ).to_be_visible()


def test_of_several_attempts_to_come_back_one_session_is_left(router: Pretender, page: Page) -> None:
    router.open()
    router.door = "watched"
    router.hang_up()
    again = page.get_by_role("button", name="Try now")
    for _ in range(2):
        count = len(router.coming)
        again.click()
        until(page, lambda count=count: len(router.coming) > count)
    others = len(router.coming) - 1
    for number, socket in enumerate(router.coming):
        router.let_in(socket, 5000 + number)
    is_in(page)
    until(page, lambda: router.codes().count(6) >= others)  # who say goodbye
    expect(page.locator(".who dd").nth(3)).to_have_text(str(5000 + others))
    expect(page.get_by_role("heading", level=1)).to_be_focused()  # the button is gone
    is_in(page)


# ------------------------------------------------------------------------------------------------- what is not as usual


def test_a_page_that_cannot_be_set_up_says_so_and_tries_again(router: Pretender, page: Page) -> None:
    router.settings_status = 503
    page.goto(URL)
    expect(page.get_by_role("alert")).to_contain_text("settings.json: 503")
    router.settings_status = 200
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


@pytest.mark.parametrize(
    ("name", "remembered"), [("history", [1, None, {"kind": "call"}]), ("login", None), ("theme", 7), ("shortcuts", {})]
)
def test_what_is_strange_in_the_browser_s_storage_is_left_alone(
    router: Pretender, page: Page, name: str, remembered: object
) -> None:
    page.add_init_script(
        f"localStorage.setItem('wampd-dashboard /dashboard/ {name}', {json.dumps(json.dumps(remembered))})"
    )
    router.open("console")
    page.get_by_role("combobox", name="Procedure").press("ArrowUp")
    expect(page.get_by_role("combobox", name="Procedure")).to_have_value("")
    expect(page.get_by_label("Single keys")).to_have_count(0)


def test_names_that_turn_text_round_are_seen_for_what_they_are(router: Pretender, page: Page) -> None:
    router.answers[LIST] = sessions(row(1, "olga\u202e)rotarepo(\u200b"), row(OWN, "olga"))
    router.open()
    expect(page.locator("tbody")).to_contain_text("olga\\u202e)rotarepo(\\u200b")
    kill_button(page, 1).click()
    expect(page.get_by_role("dialog")).to_contain_text("olga\\u202e)rotarepo(\\u200b")
    assert "\u202e" not in page.locator("body").inner_text()


def test_numbers_are_sent_and_shown_to_the_last_digit(router: Pretender, page: Page) -> None:
    router.answers["com.example.echo"] = HELD
    router.open("console")
    page.get_by_role("combobox", name="Procedure").fill("com.example.echo")
    page.get_by_label("Arguments JSON", exact=True).fill("[12345678901234567890]")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator(".state")).to_have_text("waiting …")
    assert router.said[-1].endswith("[12345678901234567890]]")
    router.say_text(f"[50, {router.held.popleft()}, {{}}, [98765432109876543210]]")
    expect(page.locator(".transcript pre")).to_have_text("98765432109876543210")
    expect(page.get_by_role("status").filter(has_text="call com.example.echo: done")).to_be_attached()


# ----------------------------------------------------------------------------------------------------- on other surfaces


def test_what_is_printed_is_dark_on_white(router: Pretender, page: Page) -> None:
    page.emulate_media(color_scheme="dark", media="print")
    router.open()
    for _ in ("as the system", "light", "dark"):
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 26, 36)"
        page.evaluate("document.querySelector('[aria-label^=Theme]').click()")
    expect(page.get_by_role("navigation", name="Views")).to_be_hidden()


def test_with_forced_colours_one_sees_where_one_is_and_whether_one_is_connected(router: Pretender, page: Page) -> None:
    page.emulate_media(forced_colors="active")
    router.open()
    current = page.get_by_role("navigation", name="Views").locator("[aria-current]")
    assert current.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    dot = "getComputedStyle(document.querySelector('.link'), '::before').backgroundColor"
    assert page.evaluate(dot) != page.evaluate("getComputedStyle(document.querySelector('.top')).backgroundColor")
