"""``wampd top``: the command, and its loop."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

import click
from click.core import ParameterSource

from wampd.cli.routers import Meant
from wampd.cli.speaking.ending import run
from wampd.cli.speaking.options import Target, speaks_wamp
from wampd.cli.speaking.values import Output, json_line
from wampd.cli.top.asking import Source, look, look_at_all, on_private_socket
from wampd.cli.top.state import VIEWS, State
from wampd.cli.words import Seconds, command, option, router_argument
from wampd.client.errors import ClientError
from wampd.client.session import Session

PAUSE: Final = 1.0
"""Seconds until a lost router is looked for again."""
PAGE_ONCE: Final = 20
WIDTH_ONCE: Final = 110

_TITLES: Final = tuple(view.title.lower().replace(" ", "-") for view in VIEWS)


EXAMPLES = """\
wampd top
wampd top --view sessions --interval 5
wampd top --once --json | jq .                         # for a script
wampd top --url wss://wamp.example.com/ws --realm realm1 --authid ann --ask
"""


@command(examples=EXAMPLES)
@router_argument
@option("--view", type=click.Choice(_TITLES), default=_TITLES[0], show_default=True, help="which list to begin with")
@option(
    "--interval",
    type=Seconds(0.2, 3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="how often to look",
)
@option("--once", is_flag=True, help="print it once, and end")
@option("--json", "as_json", is_flag=True, help="print everything, one JSON object a line")
@speaks_wamp
@click.pass_context
def top(
    context: click.Context,
    file: str | None,
    socket: str | None,
    view: str,
    interval: float,
    once: bool,
    as_json: bool,
    target: Target,
) -> int:
    """Watch a router live: rates, sessions, slow procedures, errors, slow consumers, CPU and memory.

    It looks by the private socket of a router on this machine; or, if a --url, --profile or --realm is named, as a client
    whose role may call wampd.monitor.* there.
    """
    source = _source(context, Meant(file, socket), target)
    state = State(_TITLES.index(view))
    if as_json:
        return run(_stream(source, interval, once=once))
    if once:
        return run(_print_once(source, state))
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        raise click.UsageError("this is no terminal to draw on; give --once or --json")
    return run(_live(source, state, interval))


def _source(context: click.Context, meant: Meant, target: Target) -> Source:
    """The router that is watched: what the command line says comes before the environment. Raise `click.UsageError`."""
    named = [name for name in ("url", "profile", "realm") if context.params.get(name)]
    if meant == Meant(None, None):
        return target.connect if named else on_private_socket(meant)
    if any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in named):
        raise click.UsageError("a router is named by --url and its like, or by its configuration or socket; not both")
    return on_private_socket(meant)


async def _stream(source: Source, interval: float, *, once: bool) -> None:
    output = Output()
    async with source() as session:
        while True:
            output.line(json_line(await look_at_all(session)))
            if once:
                return
            await asyncio.sleep(interval)


async def _print_once(source: Source, state: State) -> None:
    from rich.console import Console

    from wampd.cli.top.drawing import HEAD, draw

    async with source() as session:
        state.snapshot = await look(session, state, PAGE_ONCE)
    console = Console(width=None if sys.stdout.isatty() else WIDTH_ONCE)
    height = HEAD + 1 + len(state.visible(PAGE_ONCE))
    with console.capture() as drawn:
        console.print(draw(state, console.width, height))
    output = Output()
    for line in drawn.get().rstrip("\n").split("\n")[:-1]:  # the last one is of keys
        output.line(line.rstrip())


async def _live(source: Source, state: State, interval: float) -> None:
    """Draw until a key ends it."""
    from rich.console import Console
    from rich.live import Live

    from wampd.cli.top.drawing import draw, rows_for
    from wampd.cli.top.terminal import keyboard

    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)  # the terminal itself tells its size, and when it changes
    console = Console()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(source())
        state.snapshot = await look(first, state, rows_for(console.height))
        wake = asyncio.Event()
        with Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        ) as live:

            def redraw() -> None:
                live.update(draw(state, console.width, console.height), refresh=True)

            def pressed(key: str) -> None:
                if state.press(key, rows_for(console.height)) or state.is_over:
                    wake.set()
                redraw()

            with keyboard(sys.stdin.fileno(), pressed):
                redraw()
                watching = Watching(state, interval, wake, redraw, lambda: rows_for(console.height))
                await watching.follow(first)
                while not state.is_over:
                    await stack.aclose()
                    await watching.again(source)


class Watching:
    """Looks at the router every interval, and when a key asks for it."""

    def __init__(
        self,
        state: State,
        interval: float,
        wake: asyncio.Event,
        redraw: Callable[[], None],
        rows: Callable[[], int],
    ) -> None:
        self._state = state
        self._interval = interval
        self._wake = wake
        self._redraw = redraw
        self._rows = rows

    async def follow(self, session: Session) -> None:
        """Look until a key ends it, or the session does."""
        state = self._state
        while not state.is_over:
            if await self._waited(self._interval) or not state.is_paused or session.is_over:
                try:
                    seen = await look(session, state, self._rows())
                except ClientError as why:
                    state.not_connected = str(why)
                    self._redraw()
                    return
                state.snapshot, state.not_connected = seen, ""
            self._redraw()

    async def again(self, source: Source) -> None:
        """Try to come back, after a pause."""
        state = self._state
        await self._waited(PAUSE)
        if state.is_over:
            return
        try:
            async with source() as session:
                state.snapshot, state.not_connected = await look(session, state, self._rows()), ""
                self._redraw()
                await self.follow(session)
        except (ClientError, click.ClickException) as why:
            state.not_connected = why.format_message() if isinstance(why, click.ClickException) else str(why)
            self._redraw()

    async def _waited(self, seconds: float) -> bool:
        """Wait; whether it was a key that ended it."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True
