"""A page that logs in once: loaded again, it is in by its cookie, until it logs out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page

from tests.support.process import free_port, running_wampd

from .conftest import HELLO, Router, config_without_components

pytestmark = [pytest.mark.spec("TLA-01"), pytest.mark.needs("chromium", "libatomic.so.1")]

TICKET = "the page's hunter2"

JOIN = """
([transport, ticket]) => new Promise((resolve, reject) => {
    let asked = 0;
    window.connection = new autobahn.Connection({
        transports: [transport], realm: "closed", max_retries: 0,
        authmethods: ["cookie", "ticket"], authid: "joe",
        onchallenge: () => { asked += 1; return ticket; },
    });
    connection.onopen = (_, details) => resolve([details.authid, details.authmethod, asked]);
    connection.onclose = (reason, details) => { resolve([reason, details.reason, asked]); return true; };
    connection.open();
})
"""
CLOSE = """
reason => new Promise(resolve => { connection.onclose = () => { resolve(); return true; }; connection.close(reason); })
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Router]]:
    """Starts routers with the demo page, whose paths give cookies; what they keep, they share."""
    with ExitStack() as running:

        def start(port: int | None = None) -> Router:
            config = config_without_components(tmp_path)
            settings = yaml.safe_load(config.read_text())
            listener = settings["listeners"][0]
            listener["websocket"]["/ws"]["cookie"] = {}
            listener["http"]["/lp"] = {"type": "longpoll", "no_content": True, "cookie": {}}
            settings["realms"].append(
                {
                    "name": "closed",
                    "roles": [{"name": "user"}],
                    "auth": {
                        "principals": [{"authid": "joe", "role": "user", "ticket": TICKET}],
                        "ticket": {},
                        "cookie": {},
                    },
                }
            )
            settings["store"] = {"file": str(tmp_path / "wampd.sqlite")}
            port = port or free_port()
            config = tmp_path / f"{port}.yaml"
            config.write_text(yaml.safe_dump(settings))
            config.chmod(0o600)
            return Router(*running.enter_context(running_wampd(config, tmp_path / f"{port}.log", port=port)))

        yield start


def join(page: Page, router: Router, ticket: str = "wrong", kind: str = "websocket") -> Any:
    """What becomes of a page that is loaded anew and wants in: who it is, how it came in, how often it was asked."""
    page.goto(router.page)
    if not page.evaluate("typeof autobahn === 'object'"):
        page.add_script_tag(path=HELLO / "web" / "vendor" / "autobahn.min.js")
    url = router.url("websocket") if kind == "websocket" else f"{router.page}lp"
    return page.evaluate(JOIN, [{"type": kind, "url": url}, ticket])


def test_a_page_that_logged_in_once_is_in_when_it_is_loaded_again_until_it_logs_out(
    start: Callable[..., Router], page: Page
) -> None:
    router = start()
    assert join(page, router)[1:] == ["wamp.error.authentication_denied", 1]
    assert join(page, router, TICKET) == ["joe", "ticket", 1]
    for _ in range(3):
        assert join(page, router) == ["joe", "cookie", 0]
    assert page.evaluate("document.cookie") == ""
    assert join(page, router, kind="longpoll") == ["joe", "cookie", 0]
    tab = page.context.new_page()
    assert join(tab, router) == ["joe", "cookie", 0]
    tab.evaluate(CLOSE, "wamp.close.logout")
    page.wait_for_function("connection.isOpen === false")
    assert join(page, router)[1:] == ["wamp.error.authentication_denied", 1]
    assert "hunter2" not in router.process.log()


def test_a_page_is_in_after_a_restart_of_the_router(start: Callable[..., Router], page: Page) -> None:
    first = start()
    assert join(page, first, TICKET) == ["joe", "ticket", 1]
    assert join(page, first) == ["joe", "cookie", 0]
    first.process.stop()
    assert join(page, start(first.port)) == ["joe", "cookie", 0]


def test_a_page_of_another_origin_is_not_let_in_by_the_cookie(start: Callable[..., Router], page: Page) -> None:
    router, other = start(), start()
    assert join(page, router, TICKET) == ["joe", "ticket", 1]
    page.goto(other.page)
    page.add_script_tag(path=HELLO / "web" / "vendor" / "autobahn.min.js")
    reason, _, asked = page.evaluate(JOIN, [{"type": "websocket", "url": router.url("websocket")}, TICKET])
    assert (reason, asked) == ("unreachable", 0)
    router.process.wait_for_log("may not connect here")
