"""What a process and all that it has started take of the machine, from ``/proc``; nothing where there is none.

Source: proc(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

MOST: Final = 1000
"""Processes that are looked at, at the most."""
UTIME, STIME, RSS = 11, 12, 21
"""Fields of ``/proc/pid/stat`` from the third on: proc(5) has them as (14), (15) and (24)."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Usage(Struct, frozen=True):
    """What processes take."""

    memory: int
    """Bytes that are resident; what several share counts for each."""
    cpu: float
    """Seconds of processors, of those processes that still run."""
    processes: int


def usage_of(pid: int) -> Usage | None:
    """What the process takes, with all that descends from it; `None`: it is gone, or the system does not tell."""
    memory, ticks, count = 0, 0, 0
    for each in _family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except (OSError, UnicodeDecodeError):
            continue
        ticks += int(fields[UTIME]) + int(fields[STIME])
        memory += int(fields[RSS]) * _PAGE
        count += 1
    return Usage(memory, ticks / _TICKS, count) if count else None


def _family(pid: int) -> Iterator[int]:
    """The process and its descendants."""
    waiting, seen = [pid], 0
    while waiting and seen < MOST:
        each = waiting.pop()
        seen += 1
        yield each
        try:
            for thread in os.scandir(f"/proc/{each}/task"):
                waiting += map(int, Path(thread.path, "children").read_text().split())
        except OSError:  # it has ended, or the kernel was built without this
            continue
