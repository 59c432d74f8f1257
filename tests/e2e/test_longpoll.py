"""autobahn-js over HTTP long-poll: in Node.js, and in a browser on pages of the router and of another origin."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page

from tests.support.probe import probing
from tests.support.process import Child, free_port, running_wampd

from .conftest import HELLO, Router, config_without_components, need_packages_of

pytestmark = pytest.mark.spec("LP-01", "LP-02", "LP-03", "LP-04")

JOIN = """
([url]) => new Promise((resolve, reject) => {
    const connection = new autobahn.Connection({
        transports: [{type: "longpoll", url}], realm: "realm1", max_retries: 0,
    });
    connection.onopen = async session => {
        const heard = new Promise(hear => session.subscribe("com.example.news", args => hear(args[0])));
        await session.register("com.example.reverse", args => [...args[0]].reverse().join(""));
        await session.publish("com.example.there", [], {}, {acknowledge: true});
        const news = await heard;
        const reversed = await session.call("com.example.reverse", [news]);
        connection.close();
        resolve([session.id > 0, news, reversed]);
    };
    connection.onclose = (reason, details) => { reject(new Error(`${reason}: ${details.reason}`)); return true; };
    connection.open();
})
"""

OPEN = """
url => fetch(url, {method: "POST", body: JSON.stringify({protocols: ["wamp.2.cbor"]}), credentials: "omit"})
    .then(answer => answer.json()).then(opened => opened.protocol, error => error.name)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Router]]:
    """Starts routers with the demo page and a long-poll path of these settings."""
    with ExitStack() as running:

        def start(**path: Any) -> Router:
            config = config_without_components(tmp_path)
            settings = yaml.safe_load(config.read_text())
            settings["listeners"][0]["http"]["/lp"] = {"type": "longpoll", "no_content": True, **path}
            port = free_port()
            config = tmp_path / f"{port}.yaml"
            config.write_text(yaml.safe_dump(settings))
            return Router(*running.enter_context(running_wampd(config, tmp_path / f"{port}.log", port=port)))

        yield start


@pytest.mark.needs("node")
def test_autobahn_js_in_node_joins_calls_is_called_and_hears_events(
    start: Callable[..., Router], tmp_path: Path
) -> None:
    need_packages_of("node")
    router = start()
    client = Child(["node", Path(__file__).parent / "longpoll.js", f"{router.page}lp"], tmp_path / "node.log")
    try:
        with probing(router.port) as probe:
            client.wait_for_log("ready")
            assert "joined by longpoll" in client.log()
            probe.publish("com.example.news", ["olleh ☃"])
            client.wait_for_log("reversed ☃ hello")
            assert probe.call("com.example.reverse", "äöü") == "üöä"
            probe.publish("com.example.news", ["bye"])
            assert client.wait() == 0, client.described()
            assert "closed: closed" in client.log()
        router.process.wait_for_log("left realm1: said goodbye")
    finally:
        client.kill()


@pytest.mark.needs("chromium", "libatomic.so.1")
def test_a_page_joins_by_long_poll(start: Callable[..., Router], page: Page) -> None:
    router = start()
    page.goto(router.page)
    assert speak(page, router, f"{router.page}lp") == [True, "hello", "olleh"]


@pytest.mark.needs("chromium", "libatomic.so.1")
@pytest.mark.trap(12)
def test_a_page_of_another_origin_joins_if_it_is_named_and_not_otherwise(
    start: Callable[..., Router], page: Page
) -> None:
    other = start()
    page.goto(other.page)
    named = start(origins=[other.page.rstrip("/")])
    assert speak(page, named, f"{named.page}lp") == [True, "hello", "olleh"]
    foreign, open_to_all = start(), start(origins=["*"])
    for router in (foreign, open_to_all):  # autobahn-js sends credentials, which are never for any origin
        failed = page.evaluate(f"args => ({JOIN})(args).catch(error => error.message)", [f"{router.page}lp"])
        assert failed.startswith("unreachable")
        assert " joined " not in router.process.log()
    assert page.evaluate(OPEN, f"{open_to_all.page}lp/open") == "wamp.2.cbor"
    assert page.evaluate(OPEN, f"{foreign.page}lp/open") == "TypeError"


def speak(page: Page, router: Router, url: str) -> Any:
    """What comes of a conversation of the page with the router at ``url``."""
    if not page.evaluate("typeof autobahn === 'object'"):
        page.add_script_tag(path=HELLO / "web" / "vendor" / "autobahn.min.js")
    with probing(router.port) as probe:
        probe.subscribe("com.example.there")
        page.evaluate(f"args => {{ window.said = ({JOIN})(args); }}", [url])
        probe.next_event("com.example.there")
        probe.publish("com.example.news", ["hello"])
        return page.evaluate("window.said")
