"""A page of the dashboard with nobody behind it but the test: what the router says, and when, is the test's to decide.

Rules
-----
* No process, no port: the browser's requests and its WebSocket are answered here (`Page.route`, `Page.route_web_socket`).
* What is asked of the monitor is answered by `answers`, at once, or when the test says so, if it is `HELD` back.
"""

import json
import mimetypes
from collections import deque
from typing import Any, Final, Literal

from playwright.sync_api import Page, Route, WebSocketRoute

from wampd.router.http.dashboard.page import ASSETS

URL: Final = "http://router.example/dashboard/"
HELD: Final = object()
"""Not answered until the test says so."""
OWN: Final = 4711
"""The session of the page."""


class Refusal(Exception):
    """What is answered with an ERROR of this URI."""


def row(session: int, authid: str, **more: Any) -> dict[str, Any]:
    """A session, as the monitor tells of it."""
    named = {"realm": "realm1", "session": session, "authid": authid, "authrole": "guest", "authmethod": "anonymous"}
    figures = dict.fromkeys(("in", "out", "received", "sent", "queued", "dropped", "under_way"), 0)
    held = {"registrations": 0, "subscriptions": 0, "since": "2026-01-01T00:00:00.000Z"}
    place = {"authprovider": "static", "address": "127.0.0.1", "transport": "websocket", "protocol": "wamp.2.json"}
    return {**named, **place, **figures, **held, "agent": None, **more}


def sessions(*rows: dict[str, Any], may: tuple[str, ...] = ("kill",), found: int | None = None) -> dict[str, Any]:
    """An answer of the monitor."""
    count = len(rows) if found is None else found
    return {"total": count, "found": count, "sessions": list(rows), "may": list(may)}


def realm(name: str, **more: Any) -> dict[str, Any]:
    """What is told of a realm."""
    rates = dict.fromkeys(("calls", "publications", "events", "errors"), 0)
    return {"name": name, "sessions": 1, "under_way": 0, "registrations": 0, "subscriptions": 0, "rates": rates, **more}


def overview(*realms: dict[str, Any]) -> dict[str, Any]:
    """An answer of the monitor."""
    about = {"version": "1", "pid": 1, "started": "2026-01-01T00:00:00.000Z", "uptime": 1, "agent": "", "python": "3"}
    process = {"cpu": 0.1, "rss": 2**24, "fds": 7, "connections": 1}
    return {"router": about, "process": process, "realms": list(realms), "struck": {}}


class Pretender:
    """Plays the router for one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.answers: dict[str, Any] = {
            "wampd.monitor.overview": overview(realm("realm1")),
            "wampd.monitor.history": {"step": 10, "until": None, "series": {}},
        }
        """By procedure: a value, what makes one of the first argument, an exception, or `HELD`."""
        self.held: deque[int] = deque()
        """The requests that wait for an answer."""
        self.said: list[str] = []
        """What the page has said, as it came."""
        self.settings_status = 200
        self.door: Literal["open", "watched", "closed"] = "open"
        """Who comes is let in at once, or when the test says so, or never."""
        self.coming: list[WebSocketRoute] = []
        """Who waits to be let in."""
        self._socket: WebSocketRoute | None = None
        page.route(f"{URL}**", self._serve)
        page.route_web_socket("**/ws", self._connected)

    def open(self, view: str = "sessions") -> None:
        """Go to a view; the page is in when it is shown."""
        self.page.goto(f"{URL}#/{view}")
        self.page.locator("#title").wait_for()

    def look_again(self) -> None:
        """Let the page ask now what it asks from time to time."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def codes(self) -> list[int]:
        """The kinds of what the page has said."""
        return [json.loads(text)[0] for text in self.said]

    def say(self, *message: Any) -> None:
        """Send a message."""
        assert self._socket is not None
        self._socket.send(json.dumps(message))

    def say_text(self, text: str) -> None:
        """Send a text as it is."""
        assert self._socket is not None
        self._socket.send(text)

    def let_in(self, socket: WebSocketRoute, session: int = OWN) -> None:
        """Answer HELLO with WELCOME."""
        socket.send(
            json.dumps([2, session, {"authid": "olga", "authrole": "operator", "authmethod": "anonymous", "roles": {}}])
        )

    def hang_up(self) -> None:
        """Close the connection."""
        assert self._socket is not None
        self._socket.close()

    def _serve(self, route: Route) -> None:
        name = route.request.url.partition("#")[0].removeprefix(URL)
        if name == "settings.json":
            settings = {"title": "Pretended", "realm": "realm1", "websocket": "/ws", "methods": ["anonymous"]}
            route.fulfill(status=self.settings_status, json=settings)
        else:
            file = ASSETS / (name or "index.html")
            kind, _ = mimetypes.guess_type(file)
            route.fulfill(body=file.read_bytes(), content_type=kind or "text/html")

    def _connected(self, socket: WebSocketRoute) -> None:
        if self.door == "closed":
            socket.close()
            return
        self._socket = socket
        socket.on_message(self._heard)

    def _heard(self, text: str | bytes) -> None:
        self.said.append(str(text))
        match json.loads(text):
            case [1, *_]:
                assert self._socket is not None
                if self.door == "open":
                    self.let_in(self._socket)
                else:
                    self.coming.append(self._socket)
            case [32, request, *_]:
                self.say(33, request, 90)
            case [34, request, *_]:
                self.say(35, request)
            case [48, request, _, procedure, *payload]:
                self._called(request, procedure, payload[0] if payload else [])

    def _called(self, request: int, procedure: str, args: list[Any]) -> None:
        answer = self.answers.get(procedure, Refusal("wamp.error.no_such_procedure"))
        if answer is HELD:
            self.held.append(request)
        elif isinstance(answer, Refusal):
            self.say(8, 48, request, {}, str(answer))
        else:
            self.say(50, request, {}, [answer(*args) if callable(answer) else answer])
