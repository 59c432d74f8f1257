"""A file that is written while its content comes, in threads, so that a slow disk keeps nobody else waiting.

Rules
-----
* It is written under a name that begins with a dot, and has its own name only when all of it is there and on the disk (fsync of
  the file, then of the directory). Whoever looks into the directory sees no half file; what a crash leaves is removed later.
* Its name is taken only if nobody has it, in one step (link), unless it may be overwritten.
* What is not written yet is bounded by whoever writes: `Spool.waiting` says how much that is.
* There is always some room left on the disk: `NoRoom` is raised before it is used up. And there are always some descriptors
  left for the router's own needs, which are those with the highest numbers: EMFILE is raised before they are used.
"""

from __future__ import annotations

import errno
import os
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()

PREFIX: Final = ".wampd-upload-"
KEPT: Final = 16
"""Descriptors that no upload gets; see `wampd.router.descriptors`."""
STALE: Final = 86_400.0
"""Seconds without a change after which a half file is nobody's."""


class NoRoom(Exception):
    """The disk has no more room than has to be left."""


class Disk(Protocol):
    """Where files are written: in threads."""

    def run(self, work: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """Do this in a thread."""
        ...


class Room(Struct, frozen=True):
    """What is needed of a disk."""

    keep_free: int = 0
    """Bytes that are left for others."""
    announced: int = 0
    """Bytes that the file is to have, as far as that is known."""
    name: str | None = None
    """A name that nobody must have; so it need not be found out at the end."""


class Spool:
    """One file that is being written."""

    def __init__(
        self, disk: Disk, directory: Path, key: str, room: Room, moved: Callable[[Failure | None], None]
    ) -> None:
        """``moved`` is told each time that something was written: with `None`, or with the failure."""
        self._disk = disk
        self._directory = directory
        self._half = directory / f"{PREFIX}{key}"
        self._room = room
        self._moved = moved
        self._parts: list[bytes] = []
        self._file: int | None = None
        self._written = 0
        self._begun = False
        self._busy = False
        self._stuck = False
        """Whether something went wrong: it can only be thrown away then."""
        self._gone = False
        self._thrown_away = False
        self._closing: Deferred[None] | None = None
        self.waiting = 0
        """Bytes that are not written yet."""
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append this, soon."""
        self._parts.append(data)
        self.waiting += len(data)
        self.size += len(data)
        self._go_on()

    def close(self) -> Deferred[None]:
        """The Deferred fires when all is on the disk, under the half name."""
        closing = self._closing = Deferred()
        self._go_on()
        return closing

    def discard(self) -> None:
        """Throw it away."""
        self._thrown_away = True
        self._parts.clear()
        self._go_on()

    def keep_as(self, name: str, overwrite: bool) -> None:
        """Give it its name; in a thread. Raise `FileExistsError`."""
        if overwrite:
            os.replace(self._half, self._directory / name)
        else:
            os.link(self._half, self._directory / name)
            self._half.unlink()

    def _go_on(self) -> None:
        if self._busy or self._gone:
            return
        if self._thrown_away:
            self._gone = True
            self._do(self._remove, lambda _: None)
        elif self._stuck:
            return
        elif self._parts or not self._begun:
            self._begun = True
            parts, self._parts = self._parts, []
            self._do(partial(self._write, parts), self._wrote)
        elif self._closing is not None:
            closing, self._closing = self._closing, None
            self._do(self._close, closing.callback)

    def _do(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._busy = True
        self._disk.run(work).addCallbacks(self._done, self._broken, callbackArgs=(then,))

    def _done(self, result: Any, then: Callable[[Any], None]) -> None:
        self._busy = False
        if not self._thrown_away or self._gone:
            then(result)
        self._go_on()

    def _wrote(self, octets: int) -> None:
        self.waiting -= octets
        self._moved(None)

    def _broken(self, why: Failure) -> None:
        self._busy, self._stuck = False, True
        if self._gone:
            log.failure("half an upload cannot be removed", why)
        elif not self._thrown_away:
            self._moved(why)
        self._go_on()

    # ----------------------------------------------------------------------------------------------- in a thread

    def _write(self, parts: list[bytes]) -> int:
        if self._file is None:
            if self._room.name is not None and os.path.lexists(self._directory / self._room.name):
                raise FileExistsError
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self._half, flags, 0o666)
            if self._file >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] - KEPT:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        data = b"".join(parts)
        if free(self._directory) - max(len(data), self._room.announced - self._written) < self._room.keep_free:
            raise NoRoom
        self._written += len(data)
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]
        return len(data)

    def _close(self) -> None:
        assert self._file is not None
        file, self._file = self._file, None
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def _remove(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._half.unlink(missing_ok=True)


def free(directory: Path) -> int:
    """Bytes that are free on the disk of a directory."""
    there = os.statvfs(directory)
    return there.f_bavail * there.f_frsize


def sync(directory: Path) -> None:
    """See that the names in a directory are on the disk."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def sweep(directory: Path) -> int:
    """Remove what uploads have left that a crash has ended; how many there were."""
    removed = 0
    for half in directory.glob(f"{PREFIX}*"):
        if time.time() - half.lstat().st_mtime > STALE:
            half.unlink(missing_ok=True)
            removed += 1
    return removed
