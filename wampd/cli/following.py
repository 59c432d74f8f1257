"""What components print, at a terminal: the lines that the router has kept, and those that come.

Events are asked for before the lines that are kept, so that none is missed in between; those that are in both are shown once.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from wampd.client import ConnectionLost, Event, Session

from .showing import printable

MOST = 1000


class Names:
    """What the instances of a component are called: by the component's name if it is the only one."""

    def __init__(self, listed: list[Mapping[str, Any]]) -> None:
        self._ids = {(each["name"], each["instance"]): str(each["id"]) for each in listed}
        self._names = {each["id"]: each for each in listed}

    def component(self, wanted: str) -> tuple[str, int | None]:
        """The component that is meant by its name, or by that of one of its instances."""
        each = self._names.get(wanted)
        return (wanted, None) if each is None or each["name"] == wanted else (each["name"], each["instance"])

    def shown(self, component: str, instance: int) -> str:
        """What an instance is called."""
        return self._ids.get((component, instance), f"{component}.{instance}")


async def names_of(session: Session) -> Names:
    """Ask the router for them."""
    return Names((await session.call("wampd.component.list", timeout=10)).value)


async def show_lines(session: Session, name: str, lines: int, names: Names | None = None) -> list[Mapping[str, Any]]:
    """Show the last lines; return them."""
    names = names or await names_of(session)
    answer = await session.call("wampd.component.logs", [name], {"lines": min(max(lines, 1), MOST)}, timeout=10)
    told: list[Mapping[str, Any]] = list(answer.value)[-lines:] if lines else []
    for each in told:
        _show(each, names.shown(names.component(name)[0], each["instance"]))
    return told


async def follow_lines(session: Session, name: str, lines: int) -> None:
    """Show the last lines, and those that come."""
    names = await names_of(session)
    component, instance = names.component(name)
    coming: asyncio.Queue[Event] = asyncio.Queue()
    await session.subscribe(f"wampd.component.{component}.log", coming.put_nowait)
    shown = Counter(map(_key, await show_lines(session, name, lines, names)))
    over = asyncio.ensure_future(session.over())
    while True:
        getting = asyncio.ensure_future(coming.get())
        await asyncio.wait({getting, over}, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            raise ConnectionLost("the router has ended")
        each = getting.result().args[0]
        if instance not in (None, each["instance"]):
            continue
        if shown[_key(each)]:
            shown[_key(each)] -= 1
        else:
            _show(each, names.shown(component, each["instance"]))


def _key(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return line["time"], line["instance"], line["stream"], line["text"]


def _show(line: Mapping[str, Any], name: str) -> None:
    print(f"{line['time']} {name} {printable(line['text'])}", flush=True)
