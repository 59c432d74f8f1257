"""``wampd stop``: asks a router to end, as SIGTERM does."""

import os
import select
import signal
import socket as sockets
import struct
from pathlib import Path
from typing import Any

from .words import EXIT_FAILED, Failure, command, option, router_argument

WAIT = 60.0
"""Seconds: twice as long as a router may take to stop."""


@command(examples="wampd stop\nwampd stop --wait && echo it has ended")
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

    The number that a router tells is that of its own namespace (a container's), and may be somebody else's here. The system
    says in numbers of ours who listens at the socket (SO_PEERCRED, unix(7)), and what that one is called by itself (NSpid,
    proc(5)). A router that has taken a named socket over from another is not the one that is told: then it must be seen
    to be one.
    """
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as line:
        try:
            line.settimeout(3)
            line.connect(path)
            seen = struct.unpack("3i", line.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, 12))[0]
            if _own_number(seen) == pid:
                return os.pidfd_open(seen)
            if seen != 0 and _own_number(pid) == pid and b"wampd" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return os.pidfd_open(pid)
        except OSError as error:
            raise Failure(f"process {pid} cannot be asked to end: {error.strerror or 'it does not answer'}") from None
    raise Failure(f"process {pid} cannot be reached from here; stop it where it was started")


def _own_number(pid: int) -> int | None:
    """What a process is called in its own namespace; `None`: there is no such process to be seen."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return int(numbers[-1]) if numbers else pid


def _ends(process: int) -> bool:
    """Wait for the end of a process (pidfd_open(2): it is readable then)."""
    return bool(select.select([process], [], [], WAIT)[0])
