"""``wampd stop``: asks a router to end, as SIGTERM does."""

import os
import select
import signal
import socket as sockets
import struct
from typing import Any

from .words import EXIT_FAILED, Failure, command, option, router_argument

WAIT = 60.0
"""Seconds: twice as long as a router may take to stop."""


@command()
@router_argument
@option("--wait", is_flag=True, help="return when it has ended, not before")
def stop(file: str | None, socket: str | None, wait: bool) -> int:
    """Stop a router that runs: it takes no more clients, says goodbye, finishes the calls under way, and ends.

    Exit status 0: it was asked to end, or has ended with --wait; 1: it cannot be asked, or does not end; 3: none runs.
    """
    from .routers import Meant, ask

    async def work(_session: Any, router: Any) -> tuple[str, int]:
        return str(router.socket), router.pid

    path, pid = ask(Meant(file, socket), work)
    process = _process(path, pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        if wait and not _ends(process):
            raise Failure(f"process {pid} has not ended within {WAIT:g} s; a second stop ends it at once", EXIT_FAILED)
    except ProcessLookupError:
        pass  # it has ended meanwhile, which is what was asked for
    except PermissionError:
        raise Failure(f"you may not stop process {pid}; it belongs to another user") from None
    finally:
        os.close(process)
    print(f"process {pid} {'has ended' if wait else 'was asked to end'}")
    return 0


def _process(path: str, pid: int) -> int:
    """A handle of the process, which stays that of this one whatever numbers are given anew. Raise `Failure`.

    The number that a router tells may be one of another namespace (a container's), and would be somebody else's here: the
    system says whose the socket is, in numbers of ours (SO_PEERCRED, unix(7)).
    """
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as line:
        try:
            line.settimeout(3)
            line.connect(path)
            seen = struct.unpack("3i", line.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, 12))[0]
            if seen != pid:
                raise Failure(f"process {pid} cannot be reached from here; stop it where it was started")
            return os.pidfd_open(pid)
        except OSError as error:
            raise Failure(f"process {pid} cannot be asked to end: {error.strerror or 'it does not answer'}") from None


def _ends(process: int) -> bool:
    """Wait for the end of a process (pidfd_open(2): it is readable then)."""
    return bool(select.select([process], [], [], WAIT)[0])
