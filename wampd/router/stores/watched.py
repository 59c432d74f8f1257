"""Files that are read again when they change.

Rules
-----
* Every `INTERVAL` it is looked, in a thread of its own, whether a file is another one: by device, inode, size and the times of
  change. It is read when it has been the same for one interval, so that a file which is being written is left alone until
  it is complete, whether it is written in place or put there by a rename; and it counts if it was the same before and after.
* New content that cannot be used, a file that has vanished or that cannot be read: the old content stays, the log has an ERROR
  once, and the tally counts it.
* Reading happens in that thread too; what is told of a change is told in the reactor's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Generic, TypeAlias, TypeVar

from twisted.logger import Logger

log = Logger()

INTERVAL: Final = 0.5
"""Seconds."""

Content = TypeVar("Content")

_Mark: TypeAlias = tuple[int, ...] | None


class Unusable(Exception):
    """A file cannot be used; its text says where and why, for the log, on as many lines as there are problems."""


class Watched(Generic[Content]):
    """The content of a file, as of the last time that it could be used."""

    def __init__(self, file: Path, read: Callable[[Path], Content]) -> None:
        """Read the file; ``read`` raises `Unusable` or `OSError`, and so does this."""
        self.file = file
        self._read = read
        self._mark = _mark(file)
        """Of what was read last, be it usable or not."""
        self._seen = self._mark
        self.content = read(file)

    def look(self) -> Content | None:
        """What is in the file by now; `None`: nothing new, or not yet. Raise `Unusable` once for what cannot be used."""
        mark = _mark(self.file)
        before, self._seen = self._seen, mark
        if mark == self._mark or mark != before:
            return None
        self._mark = mark
        if mark is None:
            raise Unusable(f"{self.file}: the file is gone")
        try:
            content = self._read(self.file)
        except OSError as trouble:
            raise Unusable(f"{self.file}: {trouble.strerror or trouble}") from trouble
        if _mark(self.file) != mark:
            self._mark = ()  # it was changed meanwhile: what was read is of no file, and it is read again
            return None
        return content


class Watch:
    """Looks after files, in a thread of its own, which lives as long as the reactor."""

    def __init__(self, reactor: Any, spoiled: Callable[[], None]) -> None:
        """``spoiled`` is called when a file has become one that cannot be used."""
        self._reactor = reactor
        self._spoiled = spoiled
        self._files: list[tuple[Watched[Any], Callable[[Any, Any], None]]] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, watched: Watched[Content], changed: Callable[[Content, Content], None]) -> None:
        """Look after a file, too; ``changed`` is told of the old and the new content when `Watched.content` is new."""
        self._files.append((watched, changed))

    def clear(self) -> None:
        """Look after no file any more."""
        self._files = []

    def start(self) -> None:
        """Look from now on, if there is anything to look after."""
        if self._files and self._thread is None:
            self._reactor.addSystemEventTrigger("before", "shutdown", self.stop)
            self._thread = threading.Thread(target=self._run, name="files", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def look(self) -> None:
        """Look once at all files."""
        for watched, changed in self._files:
            try:
                content = watched.look()
            except Unusable as why:
                self._reactor.callFromThread(self._cannot, watched.file, str(why))
            except Exception as bug:  # noqa: BLE001 - whatever it is: the old content stays, and it is said
                self._reactor.callFromThread(self._cannot, watched.file, f"{type(bug).__name__}: {bug}")
            else:
                if content is not None:
                    self._reactor.callFromThread(_replace, watched, content, changed)

    def _run(self) -> None:
        while not self._over.wait(INTERVAL):
            self.look()

    def _cannot(self, file: Path, why: str) -> None:
        self._spoiled()
        why = why.replace("\n", "; ")
        log.error("{file} cannot be used, what was read before stays: {why}", file=str(file), why=why)


def _replace(watched: Watched[Content], content: Content, changed: Callable[[Content, Content], None]) -> None:
    old, watched.content = watched.content, content
    log.info("{file} was read again", file=str(watched.file))
    changed(old, content)


def _mark(file: Path) -> _Mark:
    """What tells a file from what it was before; `None`: it is not there, or out of reach."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
