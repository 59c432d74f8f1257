"""What components print, at a terminal: the lines that the router has kept, and those that come.

Events are asked for before the lines that are kept, so that none is missed in between; those that are in both are shown once.
"""

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wampd.client import ConnectionLost, Event, Session

from .showing import printable

MOST = 1000


async def show_lines(session: Session, name: str, lines: int) -> list[Mapping[str, Any]]:
    """Show the last lines; return them."""
    answer = await session.call("wampd.component.logs", [name], {"lines": min(lines, MOST)}, timeout=10)
    told: list[Mapping[str, Any]] = list(answer.value)
    for each in told:
        _show(each)
    return told


async def follow_lines(session: Session, name: str, lines: int) -> None:
    """Show the last lines, and those that come."""
    coming: asyncio.Queue[Event] = asyncio.Queue()
    await session.subscribe(f"wampd.component.{name.partition('.')[0]}.log", coming.put_nowait)
    shown = {_key(each) for each in await show_lines(session, name, lines)}
    over = asyncio.ensure_future(session.over())
    while True:
        getting = asyncio.ensure_future(coming.get())
        await asyncio.wait({getting, over}, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            raise ConnectionLost("the router has ended")
        each = getting.result().args[0]
        if not _is_of(each, name):
            continue
        if _key(each) in shown:
            shown.discard(_key(each))
        else:
            _show(each)


def _is_of(line: Mapping[str, Any], name: str) -> bool:
    wanted = name.partition(".")[2]
    return not wanted or str(line.get("instance")) == wanted


def _key(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return line.get("time"), line.get("instance"), line.get("stream"), line.get("text")


def _show(line: Mapping[str, Any]) -> None:
    at = datetime.fromtimestamp(line["time"]).astimezone().isoformat(timespec="milliseconds")
    print(f"{at} {printable(line.get('name', ''))} {printable(line['text'])}")
    sys.stdout.flush()
