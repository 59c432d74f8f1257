"""What `wampd top` shows, and what keys do to that: no terminal, no clock, no router.

Rules
-----
* There is one list at a time; each has its columns, and an order that it begins with.
* Long lists are ordered, searched and cut by the router; short ones (slow calls, slow consumers, errors) here.
* While it is paused nothing new is shown, but keys still change the view of what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct, field

PAGE: Final = 200
"""Rows that the router gives at once (`wampd.router.observe.rows`)."""
LONGEST_SEARCH: Final = 100


class View(Struct, frozen=True):
    """One list."""

    title: str
    procedure: str
    rows: str
    """Where in the answer the rows are."""
    columns: tuple[str, ...]
    sort: str = ""
    """The column that it begins ordered by; empty: as the router gives it."""
    by_router: bool = True
    """The router orders, searches and cuts."""


VIEWS: Final = (
    View(
        "Procedures",
        "wampd.monitor.registrations",
        "registrations",
        ("uri", "realm", "rate", "calls", "errors", "under_way", "waiting", "latency", "callees", "match"),
        "rate",
    ),
    View(
        "Sessions",
        "wampd.monitor.sessions",
        "sessions",
        (
            "session",
            "authid",
            "authrole",
            "realm",
            "address",
            "transport",
            "in",
            "out",
            "queued",
            "dropped",
            "under_way",
        ),
        "in",
    ),
    View(
        "Topics",
        "wampd.monitor.subscriptions",
        "subscriptions",
        ("uri", "realm", "rate", "events", "subscribers", "match"),
        "rate",
    ),
    View(
        "Slow calls",
        "wampd.monitor.slow_calls",
        "calls",
        ("procedure", "realm", "age", "since", "ended", "caller", "callee"),
        by_router=False,
    ),
    View(
        "Slow consumers",
        "wampd.monitor.slow_consumers",
        "sessions",
        ("session", "authid", "realm", "queued", "dropped", "since"),
        by_router=False,
    ),
    View(
        "Errors",
        "wampd.monitor.errors",
        "errors",
        ("at", "error", "uri", "count", "session", "authid", "realm"),
        by_router=False,
    ),
)
TEXT_COLUMNS: Final = frozenset(
    {"uri", "realm", "match", "authid", "authrole", "address", "transport", "procedure", "error"}
)
"""Ordered from A to Z at first; all others from the greatest down."""


class Snapshot(Struct, frozen=True):
    """What the router said last."""

    overview: Mapping[str, Any]
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    found: int = 0
    """Rows that there are in all."""
    trouble: str = ""
    """Why there are no rows."""


class State(Struct):
    """All that is shown."""

    view: int = 0
    sort: str = ""
    descending: bool = True
    offset: int = 0
    search: str = ""
    typing: str | None = None
    """What is typed of a search; `None`: nothing is typed now."""
    is_paused: bool = False
    has_help: bool = False
    is_over: bool = False
    not_connected: str = ""
    """Why there is no session; empty: there is one."""
    snapshot: Snapshot | None = None

    def __post_init__(self) -> None:
        """Begin with the order of the view."""
        self.look_at(self.view)

    @property
    def shown(self) -> View:
        """The list that is looked at."""
        return VIEWS[self.view]

    def look_at(self, view: int) -> None:
        """Change to another list."""
        self.view = view % len(VIEWS)
        self.order_by(self.shown.sort)
        self.offset = 0

    def order_by(self, column: str) -> None:
        """Order the list by a column, in the direction that suits it."""
        self.sort, self.descending = column, column not in TEXT_COLUMNS
        self.offset = 0

    def question(self, rows: int) -> dict[str, Any]:
        """The arguments for so many rows of the list."""
        if not self.shown.by_router:
            return {"limit": PAGE}
        asked: dict[str, Any] = {"limit": max(1, min(PAGE, rows)), "offset": self.offset}
        if self.search:
            asked["search"] = self.search
        if self.sort:
            asked |= {"sort": self.sort, "descending": self.descending}
        return asked

    def visible(self, rows: int) -> list[Mapping[str, Any]]:
        """The rows to be drawn."""
        if self.snapshot is None:
            return []
        if self.shown.by_router:
            return self.snapshot.rows[:rows]
        found = [row for row in self.snapshot.rows if self._matches(row)]
        if self.sort:
            found.sort(key=lambda row: _rank(row.get(self.sort)), reverse=self.descending)
        return found[self.offset : self.offset + rows]

    def _matches(self, row: Mapping[str, Any]) -> bool:
        wanted = self.search.lower()
        return not wanted or any(wanted in str(value).lower() for value in row.values())

    # ------------------------------------------------------------------------------------------------------------ keys

    def press(self, key: str, rows: int) -> bool:
        """Take a key; ``rows`` are those of a page. Return whether the router is to be asked again."""
        before = (self.view, self.sort, self.descending, self.offset, self.search)
        if self.typing is not None:
            self._type(key)
        elif self.has_help:
            self.has_help = False
            self.is_over = key in ("q", "ctrl-c")
        else:
            self._command(key, rows)
        return before != (self.view, self.sort, self.descending, self.offset, self.search)

    def _type(self, key: str) -> None:
        """Write a search, which counts as it grows."""
        assert self.typing is not None
        match key:
            case "enter":
                self.typing = None
                return
            case "escape" | "ctrl-c":
                self.typing, self.search = None, ""
                return
            case "backspace":
                self.typing = self.typing[:-1]
            case _ if len(key) == 1 and len(self.typing) < LONGEST_SEARCH:
                self.typing += key
        self.search, self.offset = self.typing, 0

    def _command(self, key: str, rows: int) -> None:
        command = _COMMANDS.get(key)
        if command is not None:
            command(self)
        elif key in ("down", "pagedown", "j"):
            self._scroll(1 if key != "pagedown" else rows)
        elif key in ("up", "pageup", "k"):
            self._scroll(-1 if key != "pageup" else -rows)
        elif len(key) == 1 and key.isdecimal() and 1 <= int(key) <= len(VIEWS):
            self.look_at(int(key) - 1)

    def _scroll(self, by: int) -> None:
        last = max(0, (self.snapshot.found if self.snapshot else 0) - 1)
        self.offset = min(max(0, self.offset + by), last)

    def _next_order(self, by: int) -> None:
        columns = self.shown.columns
        here = columns.index(self.sort) if self.sort in columns else min(-by, 0)
        self.order_by(columns[(here + by) % len(columns)])

    def _quit(self) -> None:
        self.is_over = True

    def _pause(self) -> None:
        self.is_paused = not self.is_paused

    def _search(self) -> None:
        self.typing = self.search

    def _forget_search(self) -> None:
        self.search, self.offset = "", 0

    def _help(self) -> None:
        self.has_help = True

    def _reverse(self) -> None:
        self.descending, self.offset = not self.descending, 0


def _rank(value: Any) -> tuple[int, Any]:
    """What rows of several types are ordered by: nothing, numbers, texts."""
    if value is None:
        return 0, 0
    return (1, value) if isinstance(value, int | float) else (2, str(value))


_COMMANDS: Final[Mapping[str, Callable[[State], None]]] = {
    "q": State._quit,
    "ctrl-c": State._quit,
    "p": State._pause,
    " ": State._pause,
    "/": State._search,
    "escape": State._forget_search,
    "?": State._help,
    "h": State._help,
    "r": State._reverse,
    "s": lambda state: state._next_order(1),
    "S": lambda state: state._next_order(-1),
    "tab": lambda state: state.look_at(state.view + 1),
    "right": lambda state: state.look_at(state.view + 1),
    "left": lambda state: state.look_at(state.view - 1),
    "home": lambda state: state._scroll(-(2**53)),
}

HELP: Final = (
    ("q", "quit"),
    ("← → Tab 1…6", "another list"),
    ("↑ ↓ PgUp PgDn", "scroll"),
    ("s S", "order by the next column, by the one before"),
    ("r", "the other way round"),
    ("/", "search; Enter keeps it, Esc forgets it"),
    ("p", "pause, go on"),
    ("?", "this"),
)
"""What keys do, for people."""
