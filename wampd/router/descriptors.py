"""File descriptors: how many there are, which of them clients may have, and what to do when there are none.

Rules
-----
* The highest numbers are kept from clients. The system gives the lowest that is free, so a connection that gets one of those
  tells that all below are in use, whoever uses them: clients, backends, requests that go out, files. Looking costs nothing.
* Who is over is told so, and closed. When even of those that are kept half are in use, nothing is accepted for a while: clients
  wait in the system's queue, and what the router itself needs is there.

Source: open(2): "The file descriptor returned by a successful call will be the lowest-numbered file descriptor not currently
open for the process"; so with accept(2).
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import Any, Final

from twisted.logger import Logger

log = Logger()

PAUSE: Final = 1.0
"""Seconds for which nothing is accepted."""


def raise_limit(connections: int, spare: int) -> int:
    """Let the process have as many descriptors as it is to have, if it may; return how many it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + spare
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


class Descriptors:
    """The descriptors of the process."""

    def __init__(self, most: int, spare: int) -> None:
        """There are ``most``; connections leave ``spare`` of them free."""
        self._limit = most - spare
        self._emergency = most - spare // 2

    def are_spare(self, number: int) -> bool:
        """Whether a descriptor is one of those that clients may have."""
        return number < self._limit

    def are_gone(self, number: int) -> bool:
        """Whether the router is about to have none for itself."""
        return number >= self._emergency


class Accepting:
    """Lets ports accept, or pause."""

    def __init__(self, clock: Any, rest: Callable[[bool], object]) -> None:
        """``clock`` is an ``IReactorTime``; ``rest`` lets the ports that are open rest, or accept again."""
        self._clock = clock
        self._rest = rest
        self._timer: Any = None
        self.pauses = 0
        """How many there were so far."""

    def pause(self) -> None:
        """Accept nothing for a while."""
        if self._timer is not None:
            return
        self.pauses += 1
        log.warn("there are no file descriptors left: nothing is accepted for {seconds:g} s", seconds=PAUSE)
        self._rest(True)
        self._timer = self._clock.callLater(PAUSE, self._go_on)

    def _go_on(self) -> None:
        self._timer = None
        self._rest(False)
