"""A router with a dashboard, somebody who serves and publishes, and browsers for operators and others."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.e2e.conftest import PATIENCE_MS
from tests.support.probe import Probe
from tests.support.process import START_TIMEOUT, Child, running_wampd

CONFIGURATION = """\
realms:
  - name: realm1
    monitor: {}
    roles:
      - name: operator
        permissions:
          - {uri: wampd.monitor., match: prefix, allow: [call, subscribe]}
          - {uri: wampd.monitor.kill, allow: [call]}
          - {uri: com.example., match: prefix, allow: [call, publish, subscribe]}
      - name: guest
        permissions:
          - {uri: com.example., match: prefix, allow: [call, register, publish, subscribe]}
          - {uri: wamp.subscription.match, allow: [call]}
    auth:
      anonymous: {role: guest}
      ticket: {}
      wampcra: {iterations: 1000}
      cryptosign: {}
      cookie: {}
      jwt: {secret: "hunter2 hunter2 hunter2 hunter2 hunter2", role: {default: operator}}
      principals:
        - {authid: olga, role: operator, ticket: hunter2-ticket}
        - {authid: otto, role: operator, password: hunter2-password}
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket:
      /ws: {type: wamp, cookie: {}}
      /plain: {type: wamp}
    http:
      /dashboard: {type: dashboard, realm: realm1, title: Example Operations}
      /guarded: {type: dashboard, realm: realm1, access: {realm: realm1, basic: true, roles: [operator]}}
      /other: {type: dashboard, realm: realm1, websocket: /plain, methods: [anonymous]}
"""


@dataclass(frozen=True)
class House:
    """A running router."""

    process: Child
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dashboard/"

    @property
    def guarded(self) -> str:
        """A dashboard whose page is for those alone whom HTTP lets in."""
        return f"http://127.0.0.1:{self.port}/guarded/"

    @property
    def other(self) -> str:
        """A dashboard that lets in without asking, by a path without cookies."""
        return f"http://127.0.0.1:{self.port}/other/"


class Worker:
    """A callee: `echo` returns its arguments, `count` comes in parts, `wait` answers when it is interrupted, `fail` fails."""

    PROCEDURES = ("com.example.echo", "com.example.count", "com.example.wait", "com.example.fail")

    def __init__(self, connection: ClientConnection, *more: str) -> None:
        self._connection = connection
        self._send(
            1, "realm1", {"roles": {"callee": {"features": {"progressive_call_results": True, "call_canceling": True}}}}
        )
        self._receive()
        self._names: dict[int, str] = {}
        for request, name in zip(count(1), (*self.PROCEDURES, *more)):
            self._send(64, request, {}, name)
            self._names[self._receive()[2]] = name

    def _send(self, *message: object) -> None:
        self._connection.send(json.dumps(message))

    def _receive(self, timeout: float | None = START_TIMEOUT) -> list[Any]:
        message: list[Any] = json.loads(self._connection.recv(timeout))
        return message

    def serve(self) -> None:
        """Serve until the connection is closed."""
        try:
            while True:
                code, request, *more = self._receive(timeout=None)
                if code == 68:
                    self._answer(request, self._names[more[0]], more[2] if len(more) > 2 else [])
                elif code == 69:
                    self._send(8, 68, request, {}, "wamp.error.canceled")
        except ConnectionClosed:
            pass

    def _answer(self, request: int, name: str, args: list[Any]) -> None:
        if name.endswith("count"):
            for part in (1, 2, 3):
                self._send(70, request, {"progress": True}, [f"part {part}"])
            self._send(70, request, {}, ["all"])
        elif name.endswith("fail"):
            self._send(8, 68, request, {}, "com.example.error.<b>bad</b>", ["told <i>why</i>"])
        elif name.endswith("echo"):
            self._send(70, request, {}, args)


@contextmanager
def working(port: int, *more: str) -> Iterator[None]:
    """A worker at the router, which registers `more`, too."""
    with connect(
        f"ws://127.0.0.1:{port}/ws", subprotocols=[Subprotocol("wamp.2.json")], compression=None
    ) as connection:
        thread = threading.Thread(target=Worker(connection, *more).serve)
        thread.start()
        try:
            yield
        finally:
            connection.close()
            thread.join()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Starts routers with a dashboard."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIGURATION)
    with ExitStack() as running:
        yield lambda port=None: House(*running.enter_context(running_wampd(config, tmp_path / "wampd.log", port=port)))


@pytest.fixture
def house(start: Callable[..., House]) -> House:
    return start()


@pytest.fixture
def worker(house: House) -> Iterator[None]:
    with working(house.port):
        yield


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages, each in a browser of its own. Exceptions, refused scripts and dialogs of theirs fail the test."""
    with ExitStack() as opened:
        wrong: list[str] = []

        def make(**options: Any) -> Page:
            context = opened.enter_context(
                browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
            )
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
            page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
            return page

        yield make
    assert wrong == []


def token(subject: str) -> str:
    """What another site gives to those whom it vouches for."""
    return jwt.encode(
        {"sub": subject, "exp": time.time() + 600}, "hunter2 hunter2 hunter2 hunter2 hunter2", algorithm="HS256"
    )


def log_in(page: Page, method: str = "ticket", authid: str = "olga", secret: str = "hunter2-ticket") -> None:
    """Fill the form in, as somebody who is asked."""
    page.get_by_label("Method").select_option(method)
    if authid:
        page.get_by_label("Name (authid)").fill(authid)
        page.get_by_label("Secret").fill(secret)
    page.get_by_role("button", name="Log in").click()


def is_in(page: Page) -> None:
    """Wait until the page is connected."""
    expect(page.get_by_role("status").filter(has_text="connected")).to_be_attached()


@pytest.fixture
def operator(house: House, new_page: Callable[..., Page]) -> Page:
    """The page of an operator who is in."""
    page = new_page()
    page.goto(house.url)
    log_in(page)
    is_in(page)
    return page


@pytest.fixture
def guest(house: House, new_page: Callable[..., Page]) -> Page:
    """The page of somebody whose role may see nothing."""
    page = new_page()
    page.goto(house.other)
    is_in(page)
    return page


def wait_for_subscriber(probe: Probe, topic: str) -> None:
    """Wait until somebody would hear of what is published; a page says that it listens before the router says so."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while probe.call("wamp.subscription.match", topic) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def go_to(page: Page, view: str) -> None:
    """Choose a view in the menu."""
    link = page.get_by_role("navigation", name="Views").get_by_role("link", name=view)
    if not link.is_visible():
        page.get_by_role("button", name="Menu").click()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(view)
