"""Lines to a file, written by a thread of its own, so that a slow disk holds nobody up.

Rules
-----
* What waits to be written is bounded in bytes; what is beyond it is dropped, counted, and said in the log once in a while.
* The file is looked at before lines are written: if it was renamed or removed, it is opened anew, as those want who rotate
  logs.
* Lines are written whole, at the end of the file. One that a full disk took only a part of counts as dropped, and is ended
  before the next one, which thus stays whole.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from pathlib import Path
from typing import Final

from twisted.logger import Logger

log = Logger()

MOST_WAITING: Final = 2**20
"""Bytes."""
MODE: Final = 0o640
PATIENCE: Final = 2.0
"""Seconds that the last lines have at the end of the process."""


class LogFile:
    """A file that lines are appended to. It can be written to before its thread starts, which it does at the first line."""

    def __init__(self, path: Path) -> None:
        """The file is opened at the first line."""
        self._path = path
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._descriptor = -1
        self._in_trouble = False
        self._torn = False
        self.dropped = 0
        """How many lines were dropped so far."""

    def write(self, line: bytes) -> None:
        """Take a line; never wait."""
        with self._lock:
            if self._closing or self._size + len(line) > MOST_WAITING:
                self.dropped += 1
                return
            self._size += len(line)
            self._waiting.append(line)
            first = len(self._waiting) == 1
        if first:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"log {self._path.name}", daemon=True)
                self._thread.start()
            self._wake.set()

    def close(self) -> None:
        """Write what waits, and close the file; a disk that is too slow for that is not waited for."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        told = 0
        while True:
            self._wake.wait()
            self._wake.clear()
            closing = self._closing
            self._write_all()
            if self.dropped != told and not self._waiting:
                log.warn("{file}: {count} lines were dropped", file=str(self._path), count=self.dropped - told)
                told = self.dropped
            if closing:
                self._close()
                return

    def _write_all(self) -> None:
        """Write all that waits."""
        while True:
            with self._lock:
                if not self._waiting:
                    return
                lines = b"".join(self._waiting)
                self._waiting.clear()
            try:
                self._put(lines)
                self._in_trouble = False
            except OSError as error:
                if not self._in_trouble:
                    log.error("cannot write {file}: {why}", file=str(self._path), why=error.strerror)
                self._in_trouble = True
                self._close()
            with self._lock:
                self._size -= len(lines)

    def _put(self, lines: bytes) -> None:
        """Append these lines; those that are not written whole are counted."""
        rest = memoryview(lines)
        try:
            self._open()
            if self._torn:
                os.write(self._descriptor, b"\n")
                self._torn = False
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            written = len(lines) - len(rest)
            self._torn = self._torn or (written > 0 and not lines[:written].endswith(b"\n"))
            with self._lock:
                self.dropped += lines.count(b"\n", written)
            raise

    def _open(self) -> None:
        """See that the file that is written to is the one of this name."""
        if self._descriptor >= 0 and not self._is_still_there():
            self._close()
        if self._descriptor < 0:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY
            self._descriptor = os.open(self._path, flags, MODE)

    def _is_still_there(self) -> bool:
        try:
            there = os.stat(self._path)
        except OSError:
            return False
        ours = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
