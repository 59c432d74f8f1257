"""The dashboard's login, by each method that proves something without sending it, and by two methods in a row."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.process import running_wampd
from wampd.auth.keys import SigningKey

from .conftest import House, is_in
from .pretender import URL, Pretender

pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")

SEED = b"hunter2 hunter2 hunter2 hunter2!".hex()
OTHER_SEED = b"hunter2 hunter2 hunter2 another!".hex()
REALM = """\
  - name: {realm}
    monitor: {{}}
    roles: [{{name: operator, permissions: [{{uri: wampd.monitor., match: prefix, allow: [call, subscribe]}}]}}]
    auth:
      ticket: {{}}
      wampcra: {{iterations: 1000}}
      scram: {scram}
      cryptosign: {{}}
      principals:
        - {{authid: otto, role: operator, password: "hunter2 p\u00e4ssword"}}
        - {{authid: kim, role: operator, keys: [{key}]}}
        - {{authid: both, role: operator, ticket: hunter2-ticket, keys: [{other_key}], factors: [ticket, cryptosign]}}
        - {{authid: twice, role: operator, password: hunter2-password, keys: [{third_key}], factors: [cryptosign, scram]}}
"""
LISTENERS = """\
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
    http:
      /dashboard: {type: dashboard, realm: realm1}
      /pbkdf2: {type: dashboard, realm: realm2}
    limits: {join_timeout: 60 s}
"""
"""Deriving keys as the page does it takes a second of a processor, of which a busy machine may give little."""
THIRD_SEED = b"hunter2 hunter2 hunter2 a third!".hex()


def public(seed: str) -> str:
    return SigningKey(bytes.fromhex(seed)).public.hex()


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("login")
    keys = {"key": public(SEED), "other_key": public(OTHER_SEED), "third_key": public(THIRD_SEED)}
    realms = REALM.format(realm="realm1", scram="{}", **keys) + REALM.format(
        realm="realm2", scram="{kdf: pbkdf2, iterations: 10000}", **keys
    )
    config = directory / "config.yaml"
    config.write_text(f"realms:\n{realms}{LISTENERS}")
    with ExitStack() as running:
        yield House(*running.enter_context(running_wampd(config, directory / "wampd.log")))


@pytest.fixture
def page(router: House, new_page: Callable[..., Page]) -> Page:
    page = new_page()
    page.goto(router.url)
    return page


def fill(page: Page, method: str, authid: str, **fields: str) -> None:
    """Fill the form in; ``fields`` by the words that their labels end with."""
    page.get_by_label("Method").select_option(method)
    page.get_by_label("Name (authid)").fill(authid)
    for label, text in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(text)


def second(page: Page, method: str, label: str, text: str) -> None:
    page.get_by_role("combobox", name="Second factor").select_option(method)
    page.get_by_label(f"Second factor: {label}", exact=True).fill(text)


def log_in(page: Page) -> None:
    page.get_by_role("button", name="Log in").click()


def remembered(page: Page) -> str:
    """All that the browser keeps, and the fields of the page."""
    return str(page.evaluate("JSON.stringify(localStorage) + document.body.innerHTML"))


@pytest.mark.parametrize("path", ["dashboard", "pbkdf2"])
def test_a_password_is_proved_by_scram(router: House, page: Page, path: str) -> None:
    page.goto(router.url.replace("dashboard", path))
    fill(page, "scram", "otto", Secret="hunter2 wrong")
    log_in(page)
    expect(page.get_by_role("alert")).to_contain_text("did not accept this")
    fill(page, "scram", "otto", Secret="hunter2 pa\u0308ssword")  # as another keyboard types it
    log_in(page)
    is_in(page)
    assert "hunter2" not in remembered(page)


def test_a_key_that_is_typed_lets_in_and_tells_who_it_is(page: Page) -> None:
    fill(page, "cryptosign", "", Private_key=OTHER_SEED)  # of one who needs two factors
    log_in(page)
    expect(page.get_by_role("alert").first).to_contain_text("wamp.error.")
    fill(page, "cryptosign", "", Private_key=SEED)
    log_in(page)
    is_in(page)
    expect(page.locator("body")).to_contain_text("kim")
    assert SEED not in remembered(page)


def test_a_key_may_be_in_a_file(page: Page, tmp_path: Path) -> None:
    key, other = tmp_path / "key", tmp_path / "other"
    key.write_text(f"{SEED}\n")
    other.write_text("hunter2")
    page.get_by_label("Method").select_option("cryptosign")
    page.get_by_label("Key from a file").set_input_files(other)
    expect(page.get_by_role("alert").last).to_contain_text("no private key")
    page.get_by_label("Key from a file").set_input_files(key)
    expect(page.get_by_label("Private key", exact=True)).to_have_value(SEED)
    log_in(page)
    is_in(page)


def test_who_has_two_factors_shows_both(page: Page) -> None:
    fill(page, "ticket", "both", Secret="hunter2-ticket")
    log_in(page)
    expect(page.get_by_role("alert")).to_contain_text("wamp.error.")
    fill(page, "ticket", "both", Secret="hunter2-ticket")
    second(page, "cryptosign", "Private key", SEED)
    log_in(page)
    expect(page.get_by_role("alert").first).to_contain_text("did not accept this")
    fill(page, "ticket", "both", Secret="hunter2-ticket")
    second(page, "cryptosign", "Private key", OTHER_SEED)
    log_in(page)
    is_in(page)
    assert OTHER_SEED not in remembered(page)


def test_factors_may_come_in_any_order_and_are_asked_for_again_the_next_time(page: Page) -> None:
    fill(page, "scram", "twice", Secret="hunter2-password")
    second(page, "cryptosign", "Private key", THIRD_SEED)
    log_in(page)
    is_in(page)
    page.reload()
    expect(page.get_by_label("Method")).to_have_value("scram")
    expect(page.get_by_role("combobox", name="Second factor")).to_have_value("cryptosign")
    expect(page.get_by_label("Second factor: Private key", exact=True)).to_have_value("")
    fill(page, "scram", "twice", Secret="hunter2-password")
    page.get_by_label("Second factor: Private key", exact=True).fill(THIRD_SEED)
    log_in(page)
    is_in(page)


def test_a_secret_of_one_method_is_not_shown_to_another(page: Page) -> None:
    fill(page, "cryptosign", "kim", Private_key=SEED)
    page.get_by_label("Method").select_option("ticket")
    expect(page.get_by_label("Secret", exact=True)).to_have_value("")


def test_who_waits_for_a_router_that_is_away_can_stop(new_page: Callable[..., Page]) -> None:
    page = new_page()
    Pretender(page).door = "closed"
    page.goto(URL)
    expect(page.get_by_text("The router cannot be reached.")).to_be_visible()
    page.get_by_role("button", name="Stop trying").click()
    expect(page.get_by_role("button", name="Log in")).to_be_enabled()
    expect(page.get_by_text("The router cannot be reached.")).to_have_count(0)
