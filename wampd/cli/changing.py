"""``wampd reload`` and ``wampd diff``: a configuration that was changed, and the router that runs."""

from typing import Any

import click

from .words import EXIT_FAILED, EXIT_USAGE, Failure, command, option, router_argument

BAD_CONFIGURATION = "wampd.error.bad_configuration"
RELOAD, DIFF = "wampd.node.reload", "wampd.node.diff"
LONGEST = 120.0
"""Seconds that a reload may take: certificates are read, passwords are derived, ports are bound."""
SAME, DIFFERENT = 0, 1


@command(examples="wampd diff && echo the same\nwampd reload\nwampd reload /etc/wampd/config.yaml")
@router_argument
@option("--json", "as_json", is_flag=True, help="print one JSON object")
def reload(file: str | None, socket: str | None, as_json: bool) -> int:
    """Make a router that runs follow its configuration, and print what changed.

    It reads its file again, and does all of it or, if anything is wrong or cannot be changed in a router that runs, nothing.
    Connections that a change does not concern stay. Exit status 0: done; 1: it cannot be asked; 2: nothing was changed, and
    what is wrong is printed; 3: none runs.
    """
    return _ask(RELOAD, file, socket, as_json)[1]


@command(examples="wampd diff\nwampd diff /etc/wampd/config.yaml --json")
@router_argument
@option("--json", "as_json", is_flag=True, help="print one JSON object")
def diff(file: str | None, socket: str | None, as_json: bool) -> int:
    """Print what a reload would change in a router that runs. Nothing is changed.

    Exit status 0: nothing would change; 1: something would; 2: the configuration is wrong, or the router cannot be asked; 3:
    none runs.
    """
    try:
        changes, status = _ask(DIFF, file, socket, as_json)
    except Failure as failure:
        if failure.exit_code == DIFFERENT:
            raise Failure(failure.message, EXIT_USAGE) from None  # as diff(1) has it: trouble is no difference
        raise
    if status:
        return EXIT_USAGE
    return DIFFERENT if changes else SAME


def _ask(procedure: str, file: str | None, socket: str | None, as_json: bool) -> tuple[list[str], int]:
    """The changes, and the exit status."""
    from wampd.client import WampError

    from . import showing
    from .routers import Meant, ask, said

    async def work(session: Any, _router: Any) -> list[str] | WampError:
        try:
            answer = await session.call(procedure, timeout=LONGEST)
        except WampError as error:
            if not error.uri.startswith("wampd.error."):
                raise
            return error
        return list(answer.value["changes"])

    changes = ask(Meant(file, socket), work)
    if isinstance(changes, WampError):
        where = click.get_current_context().command_path
        if as_json:
            showing.as_json({"error": changes.uri, "problems": said(changes).splitlines()})
        else:
            for each in said(changes).splitlines():
                click.echo(showing.printable(each), err=True)
        if procedure == RELOAD:
            click.echo(f"{where}: nothing was changed", err=True)
        return [], EXIT_USAGE if changes.uri == BAD_CONFIGURATION else EXIT_FAILED
    if as_json:
        showing.as_json({"changes": changes})
    for each in () if as_json else changes:
        print(showing.printable(each))
    if not changes and not as_json:
        click.echo("nothing has changed" if procedure == RELOAD else "nothing would change", err=True)
    return changes, 0
