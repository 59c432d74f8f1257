"""``wampd log``: the levels of the log of a router that runs."""

from typing import Any

import click

from .completing import levels as levels_known
from .words import EXIT_USAGE, Failure, Group, Seconds, option, router_options

LEVELS = ("debug", "info", "warn", "error", "critical")
CONFIGURED = "configured"

LOG = """\
Show and change how much a router that runs writes into its log, for each of its subsystems.
"""
LEVEL = """\
wampd log level sessions=debug http=warn
wampd log level auth=debug --for 600        # for ten minutes
wampd log level auth=configured             # as the configuration says
"""
INVALID = "wamp.error.invalid_argument"


@click.group("log", cls=Group, help=LOG)
def log() -> None:
    """All that is done with levels."""


@log.command("show", short_help="show the level of each subsystem", examples="wampd log show\nwampd log show --json")
@router_options
@option("--json", "as_json", is_flag=True, help="print one JSON object")
def show(file: str | None, socket: str | None, as_json: bool) -> int:
    """Show the level of each subsystem, and which were set by hand."""
    from . import showing
    from .routers import Meant, ask

    async def work(session: Any, _router: Any) -> Any:
        return (await session.call("wampd.log.levels", timeout=10)).value

    levels = ask(Meant(file, socket), work)
    if as_json:
        showing.as_json(levels)
    else:
        _show(levels)
    return 0


def _set_levels(ctx: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> list[tuple[str, str | None]]:
    return [_level_of(word, ctx, parameter) for word in words]


def _level_of(word: str, ctx: click.Context, parameter: click.Parameter) -> tuple[str, str | None]:
    subsystem, _, level = word.partition("=")
    if not subsystem or level not in (*LEVELS, CONFIGURED):
        raise click.BadParameter(
            f"{word!r} is not SUBSYSTEM=LEVEL, where the level is one of {', '.join((*LEVELS, CONFIGURED))}",
            ctx,
            parameter,
        )
    return subsystem, None if level == CONFIGURED else level


@log.command("level", short_help="set the level of subsystems", examples=LEVEL)
@click.argument(
    "levels",
    nargs=-1,
    required=True,
    metavar="SUBSYSTEM=LEVEL...",
    callback=_set_levels,
    shell_complete=levels_known,
    help=f"the level: {', '.join(LEVELS)}; or configured, what the configuration says",
)
@option(
    "--for",
    "seconds",
    type=Seconds(0, 86400, min_open=True),
    metavar="SECONDS",
    help="not longer than so long",
)
@router_options
def level(levels: list[tuple[str, str | None]], seconds: float | None, file: str | None, socket: str | None) -> int:
    """Set the level of subsystems until it is set again, the configuration changes it, or the router is started anew."""
    from wampd.client import WampError

    from .routers import Meant, ask, said

    async def work(session: Any, _router: Any) -> Any:
        shown: Any = {}
        for subsystem, chosen in levels:
            named = {"subsystem": subsystem, "level": chosen, "for_seconds": seconds}
            try:
                shown = (await session.call("wampd.log.set", [], named, timeout=10)).value
            except WampError as error:
                if error.uri != INVALID:
                    raise
                raise Failure(f"{subsystem}: {said(error)}", EXIT_USAGE) from None
        return shown

    shown = ask(Meant(file, socket), work)
    _show({name: shown[name] for name, _ in levels})
    return 0


def _show(levels: dict[str, dict[str, Any]]) -> None:
    from . import showing
    from .showing import BOLD, Styled

    def row(name: str, told: dict[str, Any]) -> list[str]:
        is_changed = told["level"] != told["configured"]
        seconds = told.get("seconds")
        left = f"for {showing.duration(seconds)} more" if seconds is not None else ""
        return [name, Styled(told["level"], BOLD) if is_changed else told["level"], told["configured"], left]

    showing.table(("subsystem", "level", "configured", ""), [row(*each) for each in levels.items()])
