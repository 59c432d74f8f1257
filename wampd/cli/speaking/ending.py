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
import sys
from collections.abc import Coroutine
from typing import Any, Final

import click

from wampd.cli.speaking.values import json_line
from wampd.client.errors import CannotConnect, ClientError, ConnectionLost, TimeOver, WampError, one_line
from wampd.client.speech import CannotSay

DONE: Final = 0
WAMP_ERROR: Final = 1
WRONG_WORDS: Final = 2
NO_SESSION: Final = 3
TIME_OVER: Final = 4
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
TERMINATED: Final = 143

TIMEOUT_URIS: Final = frozenset({"wamp.error.timeout", "wamp.error.timed_out"})


def run(what: Coroutine[Any, Any, int | None], *, as_json: bool = False) -> None:
    """Run a command's coroutine; end the process with its status. ``as_json``: WAMP errors are told as JSON."""
    try:
        status = asyncio.run(_until_signal(what)) or DONE
    except ClientError as error:
        status = tell(error, as_json=as_json)
    except CannotSay as why:
        complain(str(why))
        status = WRONG_WORDS
    except BrokenPipeError:
        status = _nobody_reads()
    except KeyboardInterrupt:
        status = INTERRUPTED
    click.get_current_context().exit(status)


async def _until_signal(what: Coroutine[Any, Any, int | None]) -> int | None:
    """The coroutine, cancelled in good order by SIGTERM (asyncio does the same for SIGINT)."""
    task = asyncio.ensure_future(what)
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await task
    except asyncio.CancelledError:
        if terminated:
            return TERMINATED
        task.cancel()
        raise


def _nobody_reads() -> int:
    """Let the interpreter's own flush at the end go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def tell(error: ClientError, *, as_json: bool = False) -> int:
    """Say what went wrong; return the status for it."""
    match error:
        case WampError():
            if as_json:
                shown = {"error": error.uri, "args": error.arguments, "kwargs": error.kwargs}
                click.echo(json_line(shown), err=True)
            else:
                complain(error_line(error))
            return TIME_OVER if error.uri in TIMEOUT_URIS else WAMP_ERROR
        case TimeOver():
            complain(str(error))
            return TIME_OVER
        case CannotConnect() | ConnectionLost():
            complain(str(error))
            return NO_SESSION
    raise error


def error_line(error: WampError) -> str:
    """A WAMP error as one line: its URI, and what came with it."""
    shown = [_shown(value, alone=len(error.arguments) == 1) for value in error.arguments]
    shown += [f"{name}={json_line(value)}" for name, value in error.kwargs.items()]
    line = one_line(error.uri)
    return f"{line}: {one_line(' '.join(shown), 2000)}" if shown else line


def _shown(value: object, *, alone: bool) -> str:
    return value if alone and isinstance(value, str) else json_line(value)


def complain(text: str) -> None:
    """One line on standard error, in the name of the command."""
    context = click.get_current_context(silent=True)
    name = "wampd" if context is None else context.command_path
    click.echo(f"{name}: {text}", err=True)
