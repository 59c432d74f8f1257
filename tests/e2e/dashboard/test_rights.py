"""What the dashboard shows and offers of what its role may, and may not; also when that changes."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.probe import probing

from .conftest import House, go_to, is_in, wait_for_subscriber

pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")

KILLING = "          - {uri: wampd.monitor.kill, allow: [call]}\n"


@pytest.mark.parametrize("view", ["Overview", "Sessions", "Registrations", "Subscriptions", "Trouble"])
def test_what_a_role_may_not_see_is_said(guest: Page, view: str) -> None:
    go_to(guest, view)
    notice = guest.locator(".notice").first
    expect(notice).to_contain_text(
        re.compile("Your role guest may not see this: it has no permission for wampd.monitor.")
    )
    expect(guest.locator("table")).to_have_count(0)


def test_what_a_role_may_not_do_is_asked_once(house: House, guest: Page) -> None:
    for view in ("Sessions", "Trouble", "Sessions", "Overview", "Sessions"):
        go_to(guest, view)
        expect(guest.locator(".notice").first).to_contain_text("may not see this")
    go_to(guest, "Live tail")
    guest.get_by_label("Topic").fill("com.secret.topic")
    guest.get_by_role("button", name="Listen").click()
    expect(guest.locator(".notice")).to_have_text("Your role may not subscribe to com.secret.topic in this way.")
    assert house.process.log().count("call wampd.monitor.sessions:") <= 1


def test_what_a_role_may_do_is_seen_at_once_when_it_changes(
    house: House, operator: Page, guest: Page, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    before = config.read_text()
    victim = guest.locator(".who dd").nth(3).inner_text()
    go_to(operator, "Sessions")
    button = operator.get_by_role("button", name=f"Kill session {victim}")
    expect(button).to_be_visible()
    for text, count in ((before.replace(KILLING, ""), 0), (before, 1)):
        config.write_text(text)
        house.process.signal(signal.SIGHUP)
        expect(button).to_have_count(count)
    button.click()
    operator.get_by_role("dialog").get_by_role("button", name="Kill session").click()
    expect(guest.get_by_role("alert")).to_contain_text("wamp.close.killed")


def test_a_tail_says_that_it_may_not_go_on(house: House, operator: Page, tmp_path: Path) -> None:
    go_to(operator, "Live tail")
    operator.get_by_label("Topic").fill("com.example.news")
    operator.get_by_role("button", name="Listen").click()
    config = tmp_path / "config.yaml"
    with probing(house.port) as probe:
        wait_for_subscriber(probe, "com.example.news")
    config.write_text(config.read_text().replace("allow: [call, publish, subscribe]}", "allow: [call, publish]}"))
    house.process.signal(signal.SIGHUP)
    expect(operator.locator(".notice")).to_have_text("Your role may not subscribe to com.example.news in this way.")
    is_in(operator)
