"""``wampd component``: the components that a router runs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from .completing import component_names
from .words import EXIT_INTERRUPTED, Failure, Group, option, router_options

COMPONENT = """\
List the components that a router runs; start, stop and restart them; show what they print.

NAME is that of a component in the configuration, or NAME.2 for the second of its instances alone.
"""
LONGEST = 180.0
"""Seconds that a component may take to stop and to become ready again."""
LINES = 100
FAILED = "wampd.error.component_failed"
LOGS = "wampd component logs hello --lines 20\nwampd component logs hello --follow"


@click.group("component", cls=Group, help=COMPONENT)
def component() -> None:
    """All that is done with components."""


_name = click.argument(
    "name", metavar="NAME", shell_complete=component_names, help="the component, or one of its instances"
)


@component.command(
    "list", short_help="list the components", examples="wampd component list\nwampd component list --json"
)
@router_options
@option("--json", "as_json", is_flag=True, help="print JSON")
def list_(file: str | None, socket: str | None, as_json: bool) -> int:
    """List the components, and how each of their instances is."""
    from . import showing
    from .routers import Meant, ask

    async def work(session: Any, _router: Any) -> Any:
        return (await session.call("wampd.component.list", timeout=10)).value

    listed = ask(Meant(file, socket), work)
    if as_json:
        showing.as_json(listed)
    elif listed:
        show_components(listed)
    else:
        click.echo("the configuration names no components", err=True)
    return 0


def _change(name: str, summary: str, done: str) -> None:
    """Add one of the commands that change what runs."""
    examples = f"wampd component {name} hello\nwampd component {name} hello.2   # the second of its instances"

    @component.command(name, help=f"{summary[0].upper()}{summary[1:]}.", short_help=summary, examples=examples)
    @_name
    @router_options
    def change(**words: Any) -> int:
        from wampd.client import WampError

        from .routers import Meant, ask, said

        async def work(session: Any, _router: Any) -> None:
            try:
                await session.call(f"wampd.component.{name}", [words["name"]], timeout=LONGEST)
            except WampError as error:
                if error.uri != FAILED:
                    raise
                raise Failure(f"{said(error)}; what it has printed: wampd component logs {words['name']}") from None

        ask(Meant(words["file"], words["socket"]), work)
        print(f"{words['name']} {done}")
        return 0


_change("start", "start a component, and wait until it is ready", "is ready")
_change("stop", "stop a component, and wait until it has ended; it stays so until it is started", "has ended")
_change("restart", "stop a component and start it again, and wait until it is ready", "is ready again")


@component.command("logs", short_help="show what a component has printed", examples=LOGS)
@_name
@option(
    "-n",
    "--lines",
    type=click.IntRange(0),
    metavar="N",
    default=LINES,
    help=f"at most so many lines  [default: {LINES}]",
)
@option("-f", "--follow", is_flag=True, help="go on with what it prints from now on, until Ctrl-C")
@router_options
def logs(name: str, lines: int, follow: bool, file: str | None, socket: str | None) -> int:
    """Show the last lines that a component has printed, on both its outputs; the router keeps a thousand of each instance."""
    from .following import follow_lines, show_lines
    from .routers import Meant, ask

    async def work(session: Any, _router: Any) -> None:
        await (follow_lines if follow else show_lines)(session, name, lines)

    try:
        ask(Meant(file, socket), work)
    except KeyboardInterrupt:
        if not follow:
            raise
        return EXIT_INTERRUPTED  # which is how following ends
    return 0


def show_components(listed: Sequence[dict[str, Any]]) -> None:
    """Show what the router tells of components."""
    from . import showing
    from .showing import BAD, GOOD, Styled

    def row(each: dict[str, Any]) -> list[str]:
        style = GOOD if each["ready"] else BAD
        return [
            each["id"],
            str(each["type"]),
            Styled(each["state"], style),
            str(each["pid"] or "-"),
            _ago(each["since"]),
            str(each["restarts"]),
            showing.size(each.get("memory")),
            "-" if each.get("cpu") is None else f"{each['cpu']:.1f} s",
            each.get("why") or "",
        ]

    columns = ("component", "type", "state", "pid", "for", "restarts", "memory", "cpu", "")
    showing.table(columns, [row(each) for each in listed])


def _ago(since: str) -> str:
    from . import showing

    return showing.duration(max(0.0, (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()))
