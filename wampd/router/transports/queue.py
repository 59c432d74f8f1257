"""Bytes that wait for a socket that takes no more.

Rules
-----
* What was written in one piece is one unit, and ends where a frame ends. Units are handed on in order, in chunks: small ones
  together, large ones in slices.
* `cut` drops every unit that the socket has seen nothing of, so that a last word can follow where a frame ends.
"""

from __future__ import annotations

from collections import deque
from typing import Final

CHUNK: Final = 2**18


class SendQueue:
    """The queue of one connection, which has one only while it needs one."""

    __slots__ = ("_begun", "_units", "passed", "progress", "seen", "since", "size")

    def __init__(self, now: float) -> None:
        """``now``: monotonic seconds."""
        self._units: deque[bytes] = deque()
        self._begun = 0  # how much of the first unit has been handed on
        self.size = 0
        """Bytes that wait."""
        self.passed = 0
        """Bytes handed on so far."""
        self.seen = 0
        """How many of them had left when that was last looked at."""
        self.since = now
        """When it began."""
        self.progress = now
        """When that was last more than before."""

    def append(self, unit: bytes, begun: int = 0) -> None:
        """Take a unit, the first ``begun`` bytes of which have been sent already (if it is the first)."""
        if begun:
            self._begun = begun
        self._units.append(unit)
        self.size += len(unit) - begun

    def take(self) -> bytes:
        """The next chunk; nothing if nothing waits."""
        units, begun = self._units, self._begun
        if not units:
            return b""
        first = units[0]
        if len(first) - begun > CHUNK:
            chunk = first[begun : begun + CHUNK]
            self._begun = begun + CHUNK
        else:
            pieces = [units.popleft()[begun:]]
            self._begun = 0
            room = CHUNK - len(pieces[0])
            while units and len(units[0]) <= room:
                room -= len(units[0])
                pieces.append(units.popleft())
            chunk = b"".join(pieces)
        self.size -= len(chunk)
        self.passed += len(chunk)
        return chunk

    def cut(self) -> None:
        """Drop every unit that is not begun."""
        rest = self._units[0] if self._begun else None
        self._units.clear()
        self.size = 0
        if rest is not None:
            self._units.append(rest)
            self.size = len(rest) - self._begun
