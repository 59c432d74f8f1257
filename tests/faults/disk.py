"""A disk that fails: under SQLite, as a file system of its own (a VFS shim), so that the program above is what runs otherwise.

Rules
-----
* It can be told to be full, to fail at every sync, to fail at every write, or to be slow: to sync when it is let.
* It remembers what was written and what was synced. When the power is lost, what was synced is there; of what was written
  since, some is, some is not, and some is there in part: whole sectors of it (torn).

Sources: https://www.sqlite.org/vfs.html, https://www.sqlite.org/atomiccommit.html section 2 ("hardware assumptions").
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import apsw

SECTOR = 512


@dataclass
class Kept:
    """One file: what is on the disk for sure, and what was done to it since, in order."""

    synced: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Offset and bytes; no bytes: it was cut off there."""


def apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class FailingDisk(apsw.VFS):
    """The file system of SQLite's own, with a will."""

    def __init__(self) -> None:
        super().__init__("failing", "unix", makedefault=True)
        self.full = self.no_sync = self.no_write = False
        self.syncs = 0
        self.begun, self.lets = Event(), Event()
        """A sync has begun; and may come to its end."""
        self.lets.set()
        self.files: dict[str, Kept] = {}

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return File(self, name, flags)

    def xDelete(self, name: str, sync_directory: bool) -> None:
        self.files.pop(name, None)
        super().xDelete(name, sync_directory)

    def lose_power(self, directory: Path, chance: random.Random) -> None:
        """Write what is left into another directory."""
        for name, file in self.files.items():
            content = bytearray(file.synced)
            for offset, data in file.since:
                fate = chance.random()
                if fate < 0.4:
                    apply(content, offset, data)
                elif fate < 0.8 and data is not None:
                    for begin in range(0, len(data), SECTOR):
                        if chance.random() < 0.5:
                            apply(content, offset + begin, data[begin : begin + SECTOR])
            kept = directory / Path(name).name
            kept.touch(mode=0o600)
            kept.write_bytes(content)


class File(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._kept = disk.files.setdefault(str(path), Kept()) if path else Kept()

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._disk.full:
            raise apsw.FullError("no room")
        if self._disk.no_write:
            raise apsw.IOError("it was not written")
        self._kept.since.append((offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._kept.since.append((size, None))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._disk.syncs += 1
        if self._disk.no_sync:
            raise apsw.IOError("it is not on the disk")
        self._disk.begun.set()
        assert self._disk.lets.wait(20)
        for offset, data in self._kept.since:
            apply(self._kept.synced, offset, data)
        self._kept.since.clear()
        super().xSync(flags)


@contextmanager
def failing_disk() -> Iterator[FailingDisk]:
    """All databases opened in the block are on this disk."""
    disk = FailingDisk()
    try:
        yield disk
    finally:
        disk.unregister()
