"""Room on the disk: what makes the store larger is refused while there is still enough for what makes it smaller.

Rules
-----
* Below a share of the disk, or a number of bytes, that are free to the router's user, the disk counts as full.
* It is looked at before each such piece of work, in the thread that does it.

Source: statvfs(3): ``f_bavail``, free blocks for unprivileged users; ``f_frsize``, their size.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from wampd.router.stores.sqlite import StoreError

MIB: Final = 2**20


class NoRoom(StoreError):
    """The disk is nearly full."""


class Room:
    """The disk that a file is on."""

    def __init__(self, file: Path, spare: int, share: float, look: Callable[[Path], Any] = os.statvfs) -> None:
        """``spare`` bytes, and this ``share`` of the disk (0 to 1), are to stay free; 0: that does not count."""
        self._directory = file.parent
        self._file = file
        self._spare = spare
        self._share = share
        self._look = look

    def see(self) -> None:
        """Raise `NoRoom` if there is none."""
        try:
            disk = self._look(self._directory)
        except OSError:  # whatever is wrong with it, the work itself will tell
            return
        free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
        if free < max(self._spare, size * self._share):
            raise NoRoom(
                f"the disk of the store {self._file} is nearly full: {free // MIB:,} of {size // MIB:,} MiB are free"
            )
