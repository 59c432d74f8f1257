"""What a shell is told for the values of arguments: names that a router or a file knows.

Whoever presses Tab waits for it, and wants no line of trouble in between: what is not there at once is not completed.
"""

from typing import Any

import click
from click.shell_completion import CompletionItem

from .words import Failure

SOON = 0.5
"""Seconds that a router may take to tell names for a shell that waits."""


def component_names(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Of the components of the router that runs, and of their instances."""
    from .routers import Meant, ask

    async def work(session: Any, _router: Any) -> Any:
        return (await session.call("wampd.component.list", timeout=SOON)).value

    try:
        listed = ask(Meant(ctx.params.get("file"), ctx.params.get("socket")), work, probe=SOON)
    except Failure:
        return []
    return _beginning([each[key] for key in ("name", "id") for each in listed], incomplete)


def profile_names(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Of the profiles in the user's file."""
    from wampd.cli.speaking.profiles import WrongProfiles, read_profiles

    try:
        return _beginning(list(read_profiles().profiles), incomplete)
    except WrongProfiles:
        return []


def levels(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Subsystems of the log, each with every level that it can have."""
    from wampd.router.subsystems import SUBSYSTEMS

    from .log import CONFIGURED, LEVELS

    return _beginning([f"{each}={level}" for each in SUBSYSTEMS for level in (*LEVELS, CONFIGURED)], incomplete)


def _beginning(names: list[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]
