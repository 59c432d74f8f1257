"""``wampd call``: call a procedure, and print what it returns."""

from __future__ import annotations

from typing import Any

import click

from wampd.cli.speaking.ending import run
from wampd.cli.speaking.options import Target, speaks_wamp
from wampd.cli.speaking.values import Output, Payload, read_pairs, read_payload
from wampd.cli.words import Seconds, command, option
from wampd.client.vocabulary import Result

TIMEOUT = 30.0

EXAMPLES = """\
wampd call com.example.add 2 3
wampd call com.example.greet Ann -k title=Dr. --timeout 5
wampd call com.example.find '{"city": "Ulm"}' '"007"'   # JSON in quotes of the shell; "007" is text, 7 a number
wampd call com.example.add -- -1 2                     # numbers below zero come after --
wampd call com.example.import --raw-json - < arguments.json
"""


@command(examples=EXAMPLES)
@click.argument("uri", help="the procedure")
@click.argument("args", nargs=-1, help="the arguments: JSON, or else text")
@option("-k", "--kwarg", "pairs", multiple=True, metavar="NAME=VALUE", help="a keyword argument")
@option(
    "--raw-json", metavar="FILE", help='all arguments: a list, or {"args": […], "kwargs": {…}}; -: from standard input'
)
@option(
    "--timeout",
    type=Seconds(0),
    default=TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="how long it may take; 0: as long as it does",
)
@option("--progress", is_flag=True, help="ask for parts of the result, and print each")
@option("--option", "options", multiple=True, metavar="NAME=VALUE", help="an option of CALL, such as rkey=5")
@option("--full", is_flag=True, help='always print {"args": […], "kwargs": {…}, "details": {…}}')
@option("-r", "--raw", is_flag=True, help="print text without quotes")
@option("--json", "as_json", is_flag=True, help="tell a WAMP error as JSON, on standard error")
@speaks_wamp
def call(
    uri: str,
    args: tuple[str, ...],
    pairs: tuple[str, ...],
    raw_json: str | None,
    timeout: float,
    progress: bool,
    options: tuple[str, ...],
    full: bool,
    raw: bool,
    as_json: bool,
    target: Target,
) -> int:
    """Call a procedure, and print what it returns as JSON.

    ARGS are JSON where they can be read as JSON, else text. One value is printed as it is, several as a list, keyword
    results as an object with "args" and "kwargs".
    """
    payload = read_payload(args, pairs, raw_json)
    return run(
        _call(
            target,
            uri,
            payload,
            timeout=timeout or None,
            progress=progress,
            options=read_pairs(options, "--option"),
            shown=shown_in_full if full else shown,
            output=Output(raw=raw),
        ),
        as_json=as_json,
    )


async def _call(
    target: Target,
    uri: str,
    payload: Payload,
    *,
    timeout: float | None,
    progress: bool,
    options: dict[str, Any],
    shown: Any,
    output: Output,
) -> None:
    def part(result: Result) -> None:
        output.value(shown(result))

    async with target.connect() as session:
        result = await session.call(
            uri,
            payload.args,
            payload.kwargs,
            timeout=timeout,
            on_progress=part if progress else None,
            options=options,
        )
    if not progress or result.args or result.kwargs:  # after parts the end often has nothing to add
        output.value(shown(result))


def shown(result: Result) -> Any:
    """What is printed of a result."""
    if result.kwargs:
        return {"args": result.args, "kwargs": result.kwargs}
    return result.value if len(result.args) < 2 else result.args


def shown_in_full(result: Result) -> Any:
    """The whole result, whatever there is of it."""
    return {"args": result.args, "kwargs": result.kwargs, "details": result.details}
