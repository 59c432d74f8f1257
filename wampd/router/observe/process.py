"""What the process uses: processor, memory, file descriptors.

Rules
-----
* Looking costs microseconds, however many connections there are. What cannot be told cheaply is looked at rarely.

Sources: Linux, ``proc(5)``: ``/proc/self/statm``, and the size of ``/proc/self/fd``, which is the number of descriptors
since Linux 6.2.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from wampd.router.memory import resident

SHORTEST: Final = 0.5
"""Seconds over which the use of the processor is measured, at least."""
DESCRIPTORS: Final = 10.0
"""Seconds between two countings of descriptors, where that means going through all of them."""
_FD = Path("/proc/self/fd")


class Use(Struct, frozen=True):
    """What the process uses now."""

    cpu: float
    """Share of one core, 0 to 1, of late."""
    rss: int
    """Bytes of memory."""
    fds: int
    connections: int


class Process:
    """Looks at the process."""

    def __init__(self, clock: Any, connections: Callable[[], int]) -> None:
        """``clock`` is an ``IReactorTime``; ``connections`` tells how many there are."""
        self._clock = clock
        self.connections = connections
        """How many there are."""
        self._looked = clock.seconds()
        self._spent = time.process_time()
        self._cpu = 0.0
        self._fds = 0
        self._counted = float("-inf")

    def use(self) -> Use:
        """What is used now."""
        now = self._clock.seconds()
        passed = now - self._looked
        if passed >= SHORTEST:
            spent = time.process_time()
            self._cpu = min(1.0, (spent - self._spent) / passed)
            self._looked, self._spent = now, spent
        return Use(self._cpu, self.rss(), self._descriptors(now), self.connections())

    def rss(self) -> int:
        """Bytes of memory that the process has."""
        return resident()

    def _descriptors(self, now: float) -> int:
        try:
            told = _FD.stat().st_size
            if told:
                return told
            if now >= self._counted + DESCRIPTORS:
                self._fds, self._counted = len(os.listdir(_FD)), now
        except OSError:  # not Linux; or there is none left to look with
            return self.connections()
        return self._fds
