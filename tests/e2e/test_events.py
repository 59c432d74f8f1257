"""A page without a WAMP client: EventSource in a browser, on the router and of another origin, through lost connections.

docs/bridges.md shows such a page.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect

from tests.router.client import Session
from tests.support.process import running_wampd

from .conftest import Router

ROLE = {"name": "anonymous", "permissions": [{"uri": "com.", "match": "prefix", "allow": ["publish", "subscribe"]}]}
pytestmark = pytest.mark.needs("chromium", "libatomic.so.1")

EVENTS = {"type": "events", "realm": "realm1", "role": "anonymous", "insecure": True, "retry": "200 ms"}
FOLLOW = """
url => {
    window.told = [];
    window.source = new EventSource(url);
    const tell = event => window.told.push(`${event.type} ${JSON.stringify(JSON.parse(event.data).args ?? null)}`);
    for (const name of ["com.app.news", "com.shop.new", "wampd.lost", "wampd.over"]) source.addEventListener(name, tell);
    return new Promise((opened, failed) => { source.onopen = () => opened(true); });
}
"""


class Wire:
    """A connection from a port of its own to the router, which can be cut."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self.is_up = True
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self.is_up:
                    client.close()
                    continue
                router = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, router]
                for ends in ((client, router), (router, client)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Cut what there is, and let nobody through."""
        self.is_up = False
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def close(self) -> None:
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    """A router with a page and two streams of events, one of which is for pages of any origin."""
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>")
    config = {
        "realms": [
            {
                "name": "realm1",
                "roles": [ROLE],
                "auth": {"anonymous": {"role": "anonymous"}},
                "history": [{"uri": "com.app.news"}, {"uri": "com.shop.", "match": "prefix"}],
            }
        ],
        "listeners": [
            {
                "endpoint": "tcp:${WAMPD_PORT}:interface=127.0.0.1",
                "websocket": {"/ws": {"type": "wamp"}},
                "http": {
                    "/": {"type": "static", "directory": str(tmp_path)},
                    "/events": EVENTS,
                    "/open": {**EVENTS, "cors": {"origins": ["*"]}},
                },
            }
        ],
    }
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    with ExitStack() as running:
        yield Router(*running.enter_context(running_wampd(file, tmp_path / "wampd.log")))


@pytest.fixture
def wire(router: Router) -> Iterator[Wire]:
    wire = Wire(router.port)
    yield wire
    wire.close()


def publish(session: Session, topic: str, *args: object) -> None:
    session.send(16, 1, {"acknowledge": True}, topic, list(args))
    assert session.receive()[0] == 17


def wait_for(page: Page, told: list[str]) -> None:
    page.wait_for_function("count => window.told.length >= count", arg=len(told))
    assert page.evaluate("window.told") == told


def test_a_page_gets_what_it_missed_after_its_connection_was_lost(router: Router, wire: Wire, page: Page) -> None:
    publisher = Session(router.port)
    page.goto(f"http://127.0.0.1:{wire.port}/")
    expect(page).to_have_title("page")
    page.evaluate(FOLLOW, "/events?topic=com.app.news&topic=com.shop.&match=prefix")
    publish(publisher, "com.app.news", "one")
    wait_for(page, ['com.app.news ["one"]'])
    wire.cut()
    page.wait_for_function("window.source.readyState == EventSource.CONNECTING")
    publish(publisher, "com.shop.new", 2)
    publish(publisher, "com.app.news", "three")
    page.evaluate("window.source.onopen = () => window.again = true")
    wire.is_up = True
    page.wait_for_function("window.again")
    publish(publisher, "com.app.news", "four")
    told = ['com.app.news ["one"]', "com.shop.new [2]", 'com.app.news ["three"]', 'com.app.news ["four"]']
    wait_for(page, told)
    wire.cut()
    wire.is_up = True
    publish(publisher, "com.app.news", "five")
    wait_for(page, [*told, 'com.app.news ["five"]'])


def test_a_page_that_nothing_has_reached_yet_misses_nothing(router: Router, wire: Wire, page: Page) -> None:
    publisher = Session(router.port)
    page.goto(f"http://127.0.0.1:{wire.port}/")
    page.evaluate(FOLLOW, "/events?topic=com.app.news")
    wire.cut()
    publish(publisher, "com.app.news", "one")
    wire.is_up = True
    wait_for(page, ['com.app.news ["one"]'])


def test_pages_of_other_origins_follow_where_they_may(router: Router, wire: Wire, page: Page) -> None:
    publisher = Session(router.port)
    page.goto(f"http://127.0.0.1:{wire.port}/")
    other = f"http://127.0.0.1:{router.port}"
    page.evaluate(FOLLOW, f"{other}/open?topic=com.app.news")
    publish(publisher, "com.app.news", "one")
    wait_for(page, ['com.app.news ["one"]'])
    closed = "url => new Promise(end => { const it = new EventSource(url); it.onerror = () => end(it.readyState); })"
    assert page.evaluate(closed, f"{other}/events?topic=com.app.news") == 2
    assert page.evaluate(closed, "/events?topic=org.secret") == 2
