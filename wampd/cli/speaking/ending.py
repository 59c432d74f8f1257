"""How a command that speaks WAMP runs and ends.

======  ==========================================================================
status  meaning
======  ==========================================================================
0       done
1       the router or the callee answered with an ERROR
2       the command line, or the file of profiles, is wrong
3       no session: nobody there, not let in, or the connection was lost
4       no answer in time
130     Ctrl-C; 143: SIGTERM
141     who read the output went away
======  ==========================================================================

Rules
-----
* What went wrong is one line on standard error; a WAMP error may be JSON there.
* A session that is open when a signal comes says goodbye.
"""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Coroutine
from typing import Any, Final, TextIO

import click

from wampd.cli.output import PIPE_CLOSED, nobody_reads
from wampd.cli.speaking.values import json_line
from wampd.cli.words import complain
from wampd.client.errors import CannotConnect, ClientError, ConnectionLost, TimeOver, WampError, one_line
from wampd.client.speech import CannotSay

DONE: Final = 0
WAMP_ERROR: Final = 1
WRONG_WORDS: Final = 2
NO_SESSION: Final = 3
TIME_OVER: Final = 4
INTERRUPTED: Final = 130
TERMINATED: Final = 143

NOT_AUTHORIZED: Final = "wamp.error.not_authorized"
TIMEOUT_URIS: Final = frozenset({"wamp.error.timeout", "wamp.error.timed_out"})


def run(what: Coroutine[Any, Any, int | None], *, as_json: bool = False) -> int:
    """Run a command's coroutine; return the exit status. ``as_json``: WAMP errors are told as JSON."""
    try:
        return asyncio.run(_until_signal(what)) or DONE
    except ClientError as error:
        return tell(error, as_json=as_json)
    except CannotSay as why:
        complain(str(why))
        return WRONG_WORDS
    except BrokenPipeError:
        return nobody_reads()
    except KeyboardInterrupt:
        return INTERRUPTED


async def _until_signal(what: Coroutine[Any, Any, int | None]) -> int | None:
    """The coroutine, cancelled in good order by SIGTERM (asyncio does the same for SIGINT), or when nobody reads any more."""
    task = asyncio.ensure_future(what)
    loop = asyncio.get_running_loop()
    status: int | None = None

    def end(with_status: int) -> None:
        nonlocal status
        status = with_status
        task.cancel()

    def pipe_closed() -> None:
        loop.remove_reader(sys.stdout)
        end(PIPE_CLOSED)

    loop.add_signal_handler(signal.SIGTERM, end, TERMINATED)
    if _is_pipe(sys.stdout):
        loop.add_reader(sys.stdout, pipe_closed)  # nothing comes from there but that its other end is closed
    try:
        return await task
    except asyncio.CancelledError:
        if status is None:
            task.cancel()
            raise
        return nobody_reads() if status == PIPE_CLOSED else status


def _is_pipe(stream: TextIO) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except OSError:  # it is closed, or none of the system's
        return False


def tell(error: ClientError, *, as_json: bool = False) -> int:
    """Say what went wrong; return the status for it."""
    status, line = told(error)
    if as_json and isinstance(error, WampError):
        shown = {"error": error.uri, "args": error.arguments, "kwargs": error.kwargs}
        click.echo(json_line(shown), err=True)
    else:
        complain(line)
    return status


def told(error: ClientError) -> tuple[int, str]:
    """The status for an error, and what is to be said of it."""
    match error:
        case WampError():
            return TIME_OVER if error.uri in TIMEOUT_URIS else WAMP_ERROR, error_line(error) + _who(error)
        case TimeOver():
            return TIME_OVER, str(error)
        case CannotConnect() | ConnectionLost():
            return NO_SESSION, str(error)
    raise error


def error_line(error: WampError) -> str:
    """A WAMP error as one line: its URI, and what came with it."""
    shown = [_shown(value, alone=len(error.arguments) == 1) for value in error.arguments]
    shown += [f"{name}={json_line(value)}" for name, value in error.kwargs.items()]
    line = one_line(error.uri)
    return f"{line}: {one_line(' '.join(shown), 2000)}" if shown else line


def _who(error: WampError) -> str:
    """Of what is refused: what it was, to whom, and where to look: wampd has rules that can be asked, and a limit is none."""
    role, realm, agent = (error.session.get(key) for key in ("authrole", "realm", "agent"))
    if error.uri != NOT_AUTHORIZED or not error.asked or not (isinstance(role, str) and isinstance(realm, str)):
        return ""
    is_of_rules = str(agent).startswith("wampd") and any("may not" in str(each) for each in error.arguments[:1])
    hint = "; wampd auth explain tells why" if is_of_rules else ""
    return f" ({one_line(error.asked, 200)}, as {one_line(role, 80)} in {one_line(realm, 80)}{hint})"


def _shown(value: object, *, alone: bool) -> str:
    return value if alone and isinstance(value, str) else json_line(value)
