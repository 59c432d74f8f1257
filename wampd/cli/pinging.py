"""``wampd ping``: how long it takes to get in, and how long an answer takes.

Rules
-----
* A round trip is a request that every router answers and nobody needs a right for: the end of a subscription that there is
  not. With ``--call`` it is a call; an ERROR of the callee is an answer, too.
* The first figure is the whole way in: connection, TLS, handshakes, WELCOME.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import click

from wampd.cli.speaking.ending import run
from wampd.cli.speaking.options import Target, speaks_wamp
from wampd.cli.speaking.values import Output, json_line, read_word
from wampd.cli.words import Seconds, command, option
from wampd.client.errors import WampError
from wampd.client.session import Session

NO_SUBSCRIPTION: Final = 2**53
"""An ID that routers draw with next to no chance."""
PATIENCE: Final = 10.0


EXAMPLES = """\
wampd ping
wampd ping --count 100 --interval 0 --quiet
wampd ping --call com.example.add --arg 2 --arg 3      # through a callee and back
"""


@command(examples=EXAMPLES)
@option(
    "-c",
    "--count",
    type=click.IntRange(1, 100_000),
    metavar="N",
    default=5,
    show_default=True,
    help="how many round trips",
)
@option(
    "-i",
    "--interval",
    type=Seconds(0),
    default=0.2,
    show_default=True,
    metavar="SECONDS",
    help="how long to wait between two",
)
@option("--call", "procedure", metavar="URI", help="let a round trip be a call of this procedure")
@option("--arg", "args", multiple=True, metavar="VALUE", help="an argument of the call")
@option("--json", "as_json", is_flag=True, help="print the figures as one JSON object (milliseconds)")
@option("-q", "--quiet", is_flag=True, help="print the figures alone, not each round trip")
@speaks_wamp
def ping(
    count: int,
    interval: float,
    procedure: str | None,
    args: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    target: Target,
) -> int:
    """Join a realm, and measure round trips through the router."""
    if args and procedure is None:
        raise click.UsageError("--arg is for --call")
    trip = _calling(procedure, [read_word(arg) for arg in args]) if procedure else _asking
    return run(_ping(target, trip, count, interval, as_json=as_json, quiet=quiet or as_json))


async def _ping(
    target: Target,
    trip: Callable[[Session], Awaitable[None]],
    count: int,
    interval: float,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    output = Output()
    begin = time.perf_counter()
    async with target.connect() as session:
        joined = time.perf_counter() - begin
        if not quiet:
            agent = session.details.get("agent", "a router that does not say which")
            output.line(f"joined {target.realm} at {target.url.text} in {joined * 1000:.2f} ms: {agent}")
        taken: list[float] = []
        for number in range(count):
            if number:
                await asyncio.sleep(interval)
            begin = time.perf_counter()
            await trip(session)
            taken.append(time.perf_counter() - begin)
            if not quiet:
                output.line(f"{number + 1}: {taken[-1] * 1000:.3f} ms")
    figures = {"joined": joined * 1000, "count": count, **summary(taken)}
    if as_json:
        output.line(json_line({name: round(value, 3) for name, value in figures.items()}))
    else:
        told = ", ".join(f"{name} {figures[name]:.3f}" for name in ("min", "avg", "p95", "max"))
        output.line(f"{count} round trips: {told} ms")


def summary(taken: Sequence[float]) -> dict[str, float]:
    """Least, mean, 95th percentile and most, in milliseconds."""
    ordered = sorted(each * 1000 for each in taken)
    p95 = ordered[min(len(ordered) - 1, -(-len(ordered) * 95 // 100) - 1)]
    return {"min": ordered[0], "avg": sum(ordered) / len(ordered), "p95": p95, "max": ordered[-1]}


async def _asking(session: Session) -> None:
    try:
        await session.unsubscribe(NO_SUBSCRIPTION)
    except WampError as error:
        if error.uri != "wamp.error.no_such_subscription":
            raise


def _calling(procedure: str, args: list[Any]) -> Callable[[Session], Awaitable[None]]:
    async def trip(session: Session) -> None:
        try:
            await session.call(procedure, args, timeout=PATIENCE)
        except WampError as error:
            if error.uri in ("wamp.error.timeout", "wamp.error.not_authorized", "wamp.error.no_such_procedure"):
                raise

    return trip
