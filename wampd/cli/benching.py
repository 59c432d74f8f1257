"""``wampd bench``: how many calls or events a second a router carries, and how long they take, seen from clients."""

from __future__ import annotations

import multiprocessing
import secrets
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Final, NoReturn

import click
from msgspec import Struct

from wampd.cli.benchers import ENDING, Failed, Job, Outcome, Part, callee, caller, publisher, subscriber, work
from wampd.cli.speaking.ending import INTERRUPTED, NO_SESSION, TERMINATED, WAMP_ERROR
from wampd.cli.speaking.options import Target, speaks_wamp
from wampd.cli.speaking.values import json_line
from wampd.cli.words import Failure, Seconds, command, complain, option

PREPARED: Final = 60.0
"""Seconds that processes may take to open their sessions."""
BUSY: Final = 0.85
"""Of one core: a client that uses more of it has no time left to measure the router."""


ACTIVE: Final = (caller, publisher)
"""Those that end by themselves; the others when they are told to."""
COUNTED: Final = (caller, subscriber)
"""Those whose figures are the result."""


class Terminated(BaseException):
    """Somebody wants the benchmark to end."""


def _terminated(_number: int, _frame: object) -> NoReturn:
    """End like on Ctrl-C: the processes would go on loading the router."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


class Worker(Struct):
    """A process and its pipe."""

    process: Any
    pipe: Connection
    part: Part


EXAMPLES = """\
wampd bench call --clients 8 --in-flight 16 --duration 10
wampd bench events --clients 100 --size 1024
"""


@command(examples=EXAMPLES)
@click.argument("kind", type=click.Choice(["call", "events"]), help="what to load it with")
@option(
    "--clients",
    type=click.IntRange(1, 10_000),
    metavar="N",
    default=4,
    show_default=True,
    help="how many callers, or subscribers",
)
@option(
    "--in-flight",
    type=click.IntRange(1, 10_000),
    metavar="N",
    default=8,
    show_default=True,
    help="how many calls or events of each are under way at once",
)
@option(
    "--processes",
    type=click.IntRange(1, 64),
    metavar="N",
    default=1,
    show_default=True,
    help="how many processes the clients are in",
)
@option(
    "--duration",
    type=Seconds(0.1, 3600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="how long to measure",
)
@option(
    "--warm-up",
    type=Seconds(0, 600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="how long to load it before that",
)
@option(
    "--size",
    type=click.IntRange(0, 2**20),
    metavar="N",
    default=16,
    show_default=True,
    help="how many characters of payload each has",
)
@option("--procedure", metavar="URI", help="call this one, which somebody else serves")
@option(
    "--prefix", metavar="URI", default="com.example.bench", show_default=True, help="where to register, or to publish"
)
@option("--json", "as_json", is_flag=True, help="print the figures as one JSON object")
@speaks_wamp
def bench(
    kind: str,
    clients: int,
    in_flight: int,
    processes: int,
    duration: float,
    warm_up: float,
    size: int,
    procedure: str | None,
    prefix: str,
    as_json: bool,
    target: Target,
) -> int:
    """Load a router, and print what it carried: a second, and how long each took.

    "call" serves a procedure and calls it; "events" publishes to one topic, which all clients are subscribed to. It says
    so if the clients were busier than a router can be measured by. Do not point it at a router that others need.
    """
    if procedure is not None and kind != "call":
        raise click.UsageError("--procedure is for the kind call")
    processes = min(processes, clients)
    uri = procedure or f"{prefix.rstrip('.')}.{secrets.token_hex(4)}"
    shares = [clients // processes + (number < clients % processes) for number in range(processes)]
    jobs = [Job(target, uri, share, in_flight, warm_up, duration, size) for share in shares]
    helper = Job(target, uri, 1, in_flight, warm_up, duration, size)
    parts: list[tuple[Part, Job]] = [(caller if kind == "call" else subscriber, job) for job in jobs]
    if kind == "events":
        parts.append((publisher, helper))
    elif procedure is None:
        parts.insert(0, (callee, helper))
    signal.signal(signal.SIGTERM, _terminated)
    try:
        with _forked(parts) as workers:
            outcomes = _measure(workers, warm_up + duration)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Terminated:
        return TERMINATED
    return _report(kind, workers, outcomes, target, as_json=as_json)


@contextmanager
def _forked(parts: Sequence[tuple[Part, Job]]) -> Iterator[list[Worker]]:
    """The processes, each ready before the next begins: a procedure is there before it is called."""
    context = multiprocessing.get_context("fork")
    workers: list[Worker] = []
    try:
        for part, job in parts:
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(part, job, theirs), daemon=True)
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # what handlers raise while a process is made may get lost
            try:
                process.start()
                workers.append(Worker(process, ours, part))
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            theirs.close()
            _heard(ours, PREPARED)
        yield workers
    finally:
        for worker in workers:
            worker.process.terminate()
            worker.process.join(5)
            worker.pipe.close()


def _heard(pipe: Connection, patience: float) -> Any:
    """What a process says. Raise `Failure` if it failed, or says nothing."""
    try:
        if pipe.poll(patience):
            said = pipe.recv()
            if isinstance(said, Failed):
                raise Failure(said.why, said.status)
            return said
    except EOFError:
        pass
    raise Failure("a process of the benchmark ended before its time", NO_SESSION)


def _measure(workers: list[Worker], seconds: float) -> list[Outcome]:
    """Let all begin, and gather what they have seen: first from those that end by themselves."""
    for worker in workers:
        worker.pipe.send("go")
    found: dict[Connection, Outcome] = {}
    for worker in sorted(workers, key=lambda each: each.part not in ACTIVE):
        if worker.part not in ACTIVE:
            worker.pipe.send("end")
        found[worker.pipe] = _heard(worker.pipe, seconds + PREPARED)
    return [found[worker.pipe] for worker in workers]


def _report(kind: str, workers: list[Worker], outcomes: list[Outcome], target: Target, *, as_json: bool) -> int:
    total = Outcome()
    for worker, outcome in zip(workers, outcomes, strict=True):
        if worker.part in COUNTED:
            total.add(outcome)
        else:
            total.errors += outcome.errors
    busiest = max((each.cpu / each.seconds for each in outcomes if each.seconds), default=0.0)
    figures = {
        "kind": kind,
        "url": target.url.text,
        "serializer": target.serializer,
        "count": total.count,
        "seconds": round(total.seconds, 3),
        "per_second": round(total.count / total.seconds, 1) if total.seconds else 0.0,
        "latency_ms": {
            **{f"p{percent}": round(total.percentile(percent) * 1000, 3) for percent in (50, 95, 99)},
            "max": round(total.longest * 1000, 3),
        },
        "errors": dict(total.errors),
        "busiest_client": round(busiest, 2),
    }
    if as_json:
        click.echo(json_line(figures))
    else:
        _for_people(figures, kind)
    if busiest > BUSY:
        complain(
            f"a client process used {busiest:.0%} of a core: the clients are the limit, not the router; try more --processes"
        )
    return WAMP_ERROR if total.errors else 0


def _for_people(figures: dict[str, Any], kind: str) -> None:
    latency = ", ".join(f"{name} {value:.3f}" for name, value in figures["latency_ms"].items())
    what = "calls" if kind == "call" else "events"
    click.echo(f"{figures['per_second']:,.0f} {what}/s ({figures['count']:,} in {figures['seconds']:.1f} s)")
    click.echo(f"latency ms: {latency}")
    for uri, count in figures["errors"].items():
        click.echo(f"errors: {count} × {uri}", file=sys.stderr)
