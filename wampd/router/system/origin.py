"""What the process was given by whoever started it, and how it was started.

Rules
-----
* It is looked at before anything else: Twisted takes a part of it out of the environment when it is imported.
* What is for this process alone is not in the environment afterwards, so that nothing that it starts can
  mistake it for its own.

* Nor does anything that it starts inherit a descriptor. (One above the limit of files, which is lower than when it was opened,
  could not even be closed for it: posix_spawn_file_actions_addclose(3) would fail.)

Sources: sd_listen_fds(3), sd_watchdog_enabled(3).
"""

import contextlib
import os
import resource
import signal
import sys
from collections.abc import MutableMapping
from typing import Final

from msgspec import Struct

FIRST: Final = 3
"""The first descriptor that a service manager passes on."""
PREDECESSOR: Final = "WAMPD_PREDECESSOR"
"""The variable with the descriptor by which a predecessor is spoken with."""

LATER: Final = frozenset({signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2})
"""Signals that would end a process which does not listen to them yet: they wait until the router does."""


class Origin(Struct, frozen=True):
    """Where the process comes from."""

    sockets: tuple[tuple[int, str], ...] = ()
    """Descriptors that the service manager has passed on, and their names."""
    predecessor: int | None = None
    """The descriptor by which the router is reached whose place this one is to take."""
    command: tuple[str, ...] = ()
    """What it was started as; the first is the program."""
    directory: str = ""
    """Where it was started."""
    files: int = 0
    """How many files it might open then (the soft limit); 0: it is not known."""


def origin_of(environ: MutableMapping[str, str], *, pid: int | None = None) -> Origin:
    """Where this process comes from; ``environ`` is its environment, which is changed."""
    predecessor = environ.pop(PREDECESSOR, "")
    return Origin(
        tuple(_passed_on(environ, os.getpid() if pid is None else pid)),
        int(predecessor) if predecessor.isdecimal() else None,
        (sys.executable, *sys.orig_argv[1:]),
        _directory(),
        resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )


def keep_descriptors() -> None:
    """Let no process that is started from now on inherit what whoever started this one has left open."""
    with contextlib.suppress(OSError):  # there is no such directory
        for name in os.listdir("/dev/fd"):
            with contextlib.suppress(OSError):
                if int(name) >= FIRST:
                    os.set_inheritable(int(name), False)


def _passed_on(environ: MutableMapping[str, str], pid: int) -> list[tuple[int, str]]:
    meant = environ.pop("LISTEN_PID", "") == str(pid)
    count, names = environ.pop("LISTEN_FDS", ""), environ.pop("LISTEN_FDNAMES", "").split(":")
    if not meant or not count.isdecimal():
        return []
    return [(FIRST + index, names[index] if index < len(names) else "") for index in range(int(count))]


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return "/"
