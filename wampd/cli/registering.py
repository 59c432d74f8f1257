"""``wampd register``: serve a procedure from the command line, by a program that is run for each call.

Rules
-----
* The program gets one JSON object on standard input: procedure, args, kwargs, details. What it prints is the result: JSON if it
  can be read as JSON, else text. What it writes to standard error goes to ours.
* A status other than 0 is an ERROR: the one that it prints, as ``{"error": uri, "args": […], "kwargs": {…}}``, or else
  `COMMAND_FAILED`. Nothing else of it is told to the caller.
* Nothing of a caller's is ever part of a command line or of the environment.
* A call that is cancelled, and our own end, end the program: SIGTERM to its process group, SIGKILL after `GRACE` seconds.
* As many run at once as ``--concurrency`` says; the router keeps the others waiting, and so do we, some.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from typing import Any, Final

import click
from msgspec import Struct

from wampd.cli.speaking.ending import run
from wampd.cli.speaking.options import Target, speaks_wamp
from wampd.cli.speaking.values import json_line, read_json, read_pairs
from wampd.cli.words import Seconds, command, complain, option
from wampd.client.errors import ConnectionLost, WampError
from wampd.client.vocabulary import Invocation, Procedure, Result

COMMAND_FAILED: Final = "wampd.error.command_failed"
TIMED_OUT: Final = "wamp.error.timeout"
UNAVAILABLE: Final = "wamp.error.unavailable"
GRACE: Final = 3.0
LONGEST_OUTPUT: Final = 2**24
"""Bytes of what a program may print for one call."""
CHUNK: Final = 2**16
MOST_WAITING: Final = 1000
"""Calls that wait here, where the router does not keep them waiting."""


class Program(Struct, frozen=True):
    """What is run for each call."""

    shell: str
    """A command line of the shell."""
    timeout: float | None
    progress: bool
    """Each line but the last is a part of the result."""


EXAMPLES = """\
wampd register com.example.time --command 'date +%T'
wampd register com.example.resize --command ./resize.sh --concurrency 2 --timeout 60 --invoke roundrobin
wampd register com.example.version --result '"1.4.0"'
"""


@command(examples=EXAMPLES)
@click.argument("uri", help="the procedure, or a pattern with --match")
@option("--command", "shell", metavar="COMMAND", help="run this in a shell for each call")
@option("--echo", is_flag=True, help="return what was called with")
@option("--result", metavar="JSON", help="return this value")
@option(
    "--concurrency", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="how many calls at once"
)
@option("--timeout", type=Seconds(0, min_open=True), metavar="SECONDS", help="how long the program may run")
@option("--progress", is_flag=True, help="every line that the program prints is a part of the result")
@option(
    "--match",
    type=click.Choice(["exact", "prefix", "wildcard"]),
    default="exact",
    show_default=True,
    help="how URI is to match",
)
@option(
    "--invoke",
    type=click.Choice(["single", "first", "last", "roundrobin", "random"]),
    default="single",
    show_default=True,
    help="who has a call if others register the same",
)
@option("--count", type=click.IntRange(1), metavar="N", help="end after so many calls")
@option("--option", "options", multiple=True, metavar="NAME=VALUE", help="another option of REGISTER")
@option("--json", "as_json", is_flag=True, help="tell a WAMP error as JSON, on standard error")
@speaks_wamp
def register(
    uri: str,
    shell: str | None,
    echo: bool,
    result: str | None,
    concurrency: int,
    timeout: float | None,
    progress: bool,
    match: str,
    invoke: str,
    count: int | None,
    options: tuple[str, ...],
    as_json: bool,
    target: Target,
) -> int:
    """Serve a procedure until it is stopped: by a program, or with one answer.

    The program reads {"procedure": …, "args": […], "kwargs": {…}, "details": {…}} and prints the result: JSON, or
    text. If it ends with another status than 0, the caller gets the error that it prints ({"error": uri, "args": […]}),
    or wampd.error.command_failed.
    """
    if (shell is not None) + echo + (result is not None) != 1:
        raise click.UsageError("say what to answer with: one of --command, --echo, --result")
    if shell is None and (progress or timeout is not None):
        raise click.UsageError("--progress and --timeout are for --command")
    given: dict[str, Any] = {"match": match, "invoke": invoke, "concurrency": concurrency}
    given = {name: value for name, value in given.items() if value not in ("exact", "single")}
    given |= read_pairs(options, "--option")
    serve = _serving(shell, result, timeout, progress)
    return run(_register(target, uri, serve, given, Room(concurrency, count)), as_json=as_json)


def _serving(shell: str | None, result: str | None, timeout: float | None, progress: bool) -> Procedure:
    """What answers each call. Raise `click.BadParameter`."""
    if shell is not None:
        program = Program(shell, timeout, progress)
        return lambda invocation: run_program(program, invocation)
    if result is None:
        return _echo
    try:
        value = read_json(result)
    except ValueError as why:
        raise click.BadParameter(f"not JSON: {why}", param_hint="--result") from None

    async def answer(_invocation: Invocation) -> Result:
        return Result([value])

    return answer


async def _echo(invocation: Invocation) -> Result:
    return Result(invocation.args, invocation.kwargs)


class Room:
    """How many calls are served at once, and how many there will be in all."""

    def __init__(self, most: int, count: int | None) -> None:
        self._semaphore = asyncio.Semaphore(most)
        self._waiting = 0
        self._left = count
        self.done = asyncio.Event()

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Serve one call, when there is room. Raise `WampError` if too many wait."""
        if self._waiting >= MOST_WAITING:
            raise WampError(UNAVAILABLE, ["too many calls wait"])
        self._waiting += 1
        try:
            await self._semaphore.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._semaphore.release()
            if self._left is not None:
                self._left -= 1
                if self._left == 0:
                    self.done.set()


async def _register(target: Target, uri: str, serve: Procedure, options: dict[str, Any], room: Room) -> int | None:
    async def guarded(invocation: Invocation) -> Any:
        async with room.one():
            return await serve(invocation)

    async with target.connect() as session:
        session.on_withdrawn = lambda _uri: room.done.set()
        registration = await session.register(uri, guarded, options=options)
        complain(f"serving {uri}; Ctrl-C ends it")
        over, done = asyncio.ensure_future(session.over()), asyncio.ensure_future(room.done.wait())
        try:
            both: set[asyncio.Future[Any]] = {over, done}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            done.cancel()
        if session.is_over:
            raise session.loss()
        try:
            await session.unregister(registration)
        except WampError:
            raise ConnectionLost("the router took the registration away") from None
    return None


# -------------------------------------------------------------------------------------------------------- the program


async def run_program(program: Program, invocation: Invocation) -> Result:
    """Run the program for one call. Raise `WampError`."""
    process = await asyncio.create_subprocess_shell(
        program.shell,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=LONGEST_OUTPUT,
    )
    try:
        async with asyncio.timeout(program.timeout):
            return await _conversation(program, invocation, process)
    except TimeoutError:
        raise WampError(TIMED_OUT, [f"the program took longer than {program.timeout:g} s"]) from None
    finally:
        await _end(process)


async def _conversation(program: Program, invocation: Invocation, process: asyncio.subprocess.Process) -> Result:
    assert process.stdin is not None
    feeding = asyncio.ensure_future(_feed(process.stdin, invocation))
    try:
        printed = await _printed(program, invocation, process)
        status = await process.wait()
    finally:
        feeding.cancel()
    if status != 0:
        raise _failure(status, printed)
    return Result([] if not printed else [_meant(printed)])


async def _feed(stream: asyncio.StreamWriter, invocation: Invocation) -> None:
    """Write the call to the program, which need not read it."""
    told = {
        "procedure": invocation.procedure,
        "args": invocation.args,
        "kwargs": invocation.kwargs,
        "details": invocation.details,
    }
    with contextlib.suppress(ConnectionError):
        stream.write(json_line(told).encode() + b"\n")
        await stream.drain()
    stream.close()


async def _printed(program: Program, invocation: Invocation, process: asyncio.subprocess.Process) -> bytes:
    """What the program prints; with ``progress`` its last line, the others having been sent. Raise `WampError`."""
    assert process.stdout is not None
    parts: list[bytes] = []
    size = 0
    by_line = program.progress and invocation.takes_progress
    try:
        while line := await (process.stdout.readline() if by_line else process.stdout.read(CHUNK)):
            if by_line and parts:
                invocation.progress(_meant(parts.pop()))
                size = 0
            parts.append(line)
            size += len(line)
            if size > LONGEST_OUTPUT:
                raise ValueError
    except ValueError:  # a line that is too long, too
        raise WampError(COMMAND_FAILED, ["the program prints too much"]) from None
    return b"".join(parts)


def _failure(status: int, printed: bytes) -> WampError:
    """The ERROR for a status that is not 0."""
    try:
        told = read_json(printed)
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("error"), str):
        args, kwargs = told.get("args", []), told.get("kwargs", {})
        if isinstance(args, list) and isinstance(kwargs, dict):
            return WampError(told["error"], args, kwargs)
    how = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
    return WampError(COMMAND_FAILED, [f"the program {how}"])


def _meant(printed: bytes) -> Any:
    """What was printed: JSON, or text without the newline at its end."""
    try:
        return read_json(printed)
    except ValueError:
        return printed.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")


async def _end(process: asyncio.subprocess.Process) -> None:
    """See that nothing of the program is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        if process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), GRACE)
