"""The memory of the process: how much it has, how much it may have, and what happens above that.

Rules
-----
* Memory is looked at every second; that costs microseconds. The ceiling is soft: what comes within a second is not stopped.
* Above it, until there is a tenth less: no new sessions, and who publishes is read from so slowly that what waits for
  subscribers can be sent meanwhile: one publication a second. Nobody is sent away, and operators get in.
* Unless it is configured, the ceiling is a share of what the process may have at all: the least that its control groups leave
  it, else the memory of the machine.
* What was freed is given back to the system while the ceiling is passed; else memory that is not used any more would count.

Sources: proc(5), ``/proc/self/statm`` and ``/proc/self/cgroup``; Linux, "Control Group v2", ``memory.high`` and ``memory.max``,
and cgroup v1, ``memory.limit_in_bytes``; malloc_trim(3).
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

log = Logger()

SHARE: Final = 0.8
"""How much of what there is the process may take unless it is configured."""
LOW_WATER: Final = 0.9
"""Below how much of the ceiling all is as before."""
INTERVAL: Final = 1.0
TRIM: Final = 10.0
"""Seconds between two times that freed memory is given back."""
UNLIMITED: Final = 2**60
"""What control groups of version 1 say when there is no limit is near 2^63."""
MIB: Final = 2**20
_STATM: Final = Path("/proc/self/statm")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes of memory that the process has."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE
    except OSError:  # not Linux: the most that it ever had
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def available(root: Path = Path("/")) -> int:
    """Bytes that the process may have: the least that its control groups leave it, or what the machine has."""
    machine = os.sysconf("SC_PHYS_PAGES") * _PAGE
    return min([machine, *_limits(root)])


def ceiling_of(configured: int | None, root: Path = Path("/")) -> int:
    """The ceiling in bytes; 0: there is none. `None` as configuration means `SHARE` of what there is."""
    return int(available(root) * SHARE) if configured is None else configured


def _limits(root: Path) -> Iterator[int]:
    """What the control groups of the process say, from its own up to the root."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _limits_above(root / "sys/fs/cgroup", path, ("memory.high", "memory.max"))
        elif "memory" in controllers.split(","):
            yield from _limits_above(root / "sys/fs/cgroup/memory", path, ("memory.limit_in_bytes",))


def _limits_above(mount: Path, path: str, files: tuple[str, ...]) -> Iterator[int]:
    group = PurePosixPath(path)
    for each in (group, *group.parents):
        for name in files:
            try:
                text = (mount / each.relative_to("/") / name).read_text().strip()
            except (OSError, ValueError):  # the root has no such file; in a container it may be all that is seen
                continue
            if text.isdecimal() and 0 < int(text) < UNLIMITED:
                yield int(text)


class Ceiling:
    """Watches the memory; a `wampd.router.duties.Duty`."""

    def __init__(
        self,
        clock: Any,
        ceiling: int,
        changed: Callable[[bool], object],
        second: Callable[[], object],
        rss: Callable[[], int] = resident,
        trim: Callable[[], object] | None = None,
    ) -> None:
        """``clock`` is an ``IReactorTime``, ``ceiling`` is in bytes (0: none).

        ``changed`` is told when it is passed (true), and when there is enough again; ``second`` is called every second
        meanwhile. ``trim`` gives freed memory back.
        """
        self.ceiling = ceiling
        self.is_passed = False
        self.passed = 0
        """How often it was passed."""
        self._clock = clock
        self._changed = changed
        self._second = second
        self._rss = rss
        self._trim = trim or _give_back
        self._trimmed = float("-inf")
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock

    def start(self) -> None:
        """Watch from now on."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Watch no more; nobody is held back any more."""
        if self._loop.running:
            self._loop.stop()
        self._set(False, 0)

    def problem(self) -> str:
        """What is wrong, for who asks whether the router is ready; ``""``: nothing."""
        return f"more memory is used than {_size(self.ceiling)}" if self.is_passed else ""

    def look(self) -> None:
        """See how much memory there is now."""
        if not self.ceiling:
            self._set(False, 0)
            return
        rss = self._rss()
        if self.is_passed or rss > self.ceiling:
            now = self._clock.seconds()
            if now >= self._trimmed + TRIM:
                self._trimmed = now
                self._trim()
                rss = self._rss()
        self._set(rss > self.ceiling * (LOW_WATER if self.is_passed else 1.0), rss)
        if self.is_passed:
            self._second()

    def _set(self, is_passed: bool, rss: int) -> None:
        if is_passed is self.is_passed:
            return
        self.is_passed = is_passed
        if is_passed:
            self.passed += 1
            log.warn(
                "{rss} of memory are used, the ceiling is {ceiling}: no new sessions, and slow publishers",
                rss=_size(rss),
                ceiling=_size(self.ceiling),
            )
        else:
            log.info("there is memory again: sessions and publications are taken as before")
        self._changed(is_passed)


def _size(size: int) -> str:
    return f"{size / MIB:,.0f} MiB"


def _give_back() -> None:
    """Let the C library give back to the system what was freed."""
    import ctypes  # only who is in need of memory needs it

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    if trim is not None:
        trim(0)
