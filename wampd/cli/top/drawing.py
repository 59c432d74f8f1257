"""`wampd top` as lines: from a state to what `rich` draws.

Rules
-----
* What comes from clients is text: no control characters, no markup, cut to its column.
* It fits the screen that it is given, whatever its size; so many rows are shown as there is room for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wampd.cli.top.state import HELP, TEXT_COLUMNS, VIEWS, State
from wampd.client.errors import one_line

HEAD: Final = 5
"""Lines round the list."""
LONGEST: Final = 80
_WIDE: Final = frozenset({"uri", "procedure", "error"})
_SIZES: Final = frozenset({"queued"})
_TIMES: Final = frozenset({"since", "at"})
_NAMES: Final = {
    "under_way": "open",
    "session": "id",
    "authrole": "role",
    "subscribers": "subs",
    "latency": "latency ms",
}


def rows_for(height: int) -> int:
    """How many rows of the list a screen of this height has room for."""
    return max(1, height - HEAD)


def draw(state: State, width: int, height: int) -> RenderableType:
    """The whole screen."""
    if state.has_help:
        return _help(height)
    rows = rows_for(height)
    lines: list[RenderableType] = [_title(state), _process(state), _rates(state), _tabs(state)]
    lines.append(_body(state, width, rows))
    lines.append(_foot(state))
    return Group(*lines)


def _line(*parts: str | Text) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    for part in parts:
        text.append_text(part) if isinstance(part, Text) else text.append(part)
    return text


def _title(state: State) -> Text:
    status = Text()
    if state.not_connected:
        status = Text(f"  not connected: {one_line(state.not_connected)}", style="bold red")
    elif state.is_paused:
        status = Text("  paused", style="bold yellow")
    router = _of(state, "router")
    if not router:
        return _line(Text("wampd top", style="bold"), status)
    told = f"  pid {router.get('pid')}, up {duration(router.get('uptime'))}"
    return _line(Text(f"wampd {one_line(str(router.get('version', '')), 20)}", style="bold"), told, status)


def _process(state: State) -> Text:
    process = _of(state, "process")
    realms = _realms(state)
    sessions = sum(int(realm.get("sessions") or 0) for realm in realms)
    cpu = process.get("cpu")
    return _line(
        f"cpu {'-' if cpu is None else f'{cpu * 100:.0f}%'}  mem {size(process.get('rss'))}",
        f"  connections {number(process.get('connections'))}  sessions {sessions}  realms {len(realms)}",
        f"  open calls {sum(int(realm.get('under_way') or 0) for realm in realms)}",
    )


def _rates(state: State) -> Text:
    totals = {
        name: sum(float((realm.get("rates") or {}).get(name) or 0) for realm in _realms(state))
        for name in ("calls", "publications", "events", "errors")
    }
    parts: list[str | Text] = []
    for name, rate in totals.items():
        style = "red" if name == "errors" and rate else "cyan"
        parts += [f"{name}/s ", Text(number(rate), style=style), "  "]
    struck = {what: count for what, count in _of(state, "struck").items() if isinstance(count, int) and count}
    if struck:
        worst = sorted(struck.items(), key=lambda each: -each[1])[:3]
        told = ", ".join(f"{one_line(str(what), 40)} {count}" for what, count in worst)
        parts.append(Text(f"limits: {told}", style="yellow"))
    return _line(*parts)


def _tabs(state: State) -> Text:
    text = _line()
    for position, view in enumerate(VIEWS):
        style = "reverse bold" if position == state.view else "dim"
        text.append(f" {position + 1} {view.title} ", style=style)
    return text


def _body(state: State, width: int, rows: int) -> RenderableType:
    view, snapshot = state.shown, state.snapshot
    if snapshot is not None and snapshot.trouble:
        return _filled(_line(Text(snapshot.trouble, style="red")), rows)
    table = Table(box=None, expand=True, pad_edge=False, show_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    columns = fitting(view.columns, width)
    for column in columns:
        mark = ("▼" if state.descending else "▲") if column == state.sort else ""
        is_text = column in TEXT_COLUMNS or column in _TIMES
        table.add_column(
            _NAMES.get(column, column) + mark,
            justify="left" if is_text else "right",
            ratio=4 if column in _WIDE else 2 if is_text else None,
            no_wrap=True,
            overflow="ellipsis",
        )
    shown = state.visible(rows - 1)
    for row in shown:
        table.add_row(*(Text(cell(column, row.get(column))) for column in columns))
    for _ in range(rows - 1 - len(shown)):
        table.add_row(*([""] * len(columns)))
    return table


def fitting(columns: tuple[str, ...], width: int) -> tuple[str, ...]:
    """The columns that there is room for, the first ones first."""
    room = width
    fit: list[str] = []
    for column in columns:
        room -= 20 if column in _WIDE else 11
        if room < 0 and fit:
            break
        fit.append(column)
    return tuple(fit)


def _filled(text: Text, rows: int) -> RenderableType:
    return Group(text, *(Text("") for _ in range(rows - 1)))


def _foot(state: State) -> Text:
    if state.typing is not None:
        return _line(Text("/" + state.typing, style="bold"), "█")
    found = state.snapshot.found if state.snapshot else 0
    searched = f"  search {one_line(state.search)!r}" if state.search else ""
    keys = "q quit  ←→ lists  ↑↓ scroll  s order  / search  p pause  ? help"
    return _line(Text(f"{found} rows{searched}   {keys}", style="dim"))


def _help(height: int) -> RenderableType:
    table = Table(box=None, show_header=False)
    for keys, what in HELP[: max(1, height - 2)]:
        table.add_row(Text(keys, style="bold"), what)
    return Group(Text("Keys (any key goes back)", style="bold"), table)


# ------------------------------------------------------------------------------------------------------------- values


def _of(state: State, name: str) -> Mapping[str, Any]:
    found = state.snapshot.overview.get(name) if state.snapshot else None
    return found if isinstance(found, dict) else {}


def _realms(state: State) -> list[Mapping[str, Any]]:
    found = state.snapshot.overview.get("realms") if state.snapshot else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def cell(column: str, value: Any) -> str:
    """A value as its column has it."""
    if value is None:
        return "-"
    if column == "latency" and isinstance(value, int | float):
        return f"{value * 1000:.1f}"
    if column == "age":
        return duration(value)
    if column in _SIZES:
        return size(value)
    if column in _TIMES and isinstance(value, str):
        return one_line(value[11:19], 20)
    if column in ("session", "caller", "callee") or isinstance(value, bool):
        return one_line(str(value), 20)
    return number(value) if isinstance(value, int | float) else one_line(str(value), LONGEST)


def number(value: Any) -> str:
    """A number in few characters."""
    if not isinstance(value, int | float):
        return "-"
    for unit, least in (("G", 1e10), ("M", 1e7), ("k", 1e4)):
        if abs(value) >= least:
            return f"{value / (least / 10):.1f}{unit}"
    return f"{value:.1f}" if isinstance(value, float) and not value.is_integer() else f"{value:.0f}"


def size(value: Any) -> str:
    """Bytes in few characters."""
    if not isinstance(value, int | float):
        return "-"
    for unit, least in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= least:
            return f"{value / least:.1f} {unit}"
    return f"{value:.0f} B"


def duration(value: Any) -> str:
    """Seconds in few characters."""
    if not isinstance(value, int | float):
        return "-"
    seconds = int(value)
    if seconds < 60:
        return f"{value:.1f} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60:02d} min" if hours else f"{minutes} min {seconds % 60:02d} s"
