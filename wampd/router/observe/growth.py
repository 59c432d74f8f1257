"""How fast counts grow: the difference between now and a mark of the past.

Rules
-----
* Nothing is done while nobody looks: marks are set when somebody does, no more than once in `SPAN`.
* A rate is over the time since the last but one mark, which is at least `SPAN` ago; of what was not there then, over its
  life.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

SPAN: Final = 1.0
"""Seconds over which rates are, at least."""


class Pace:
    """How fast some totals grow."""

    __slots__ = ("_new", "_old")

    def __init__(self, now: float, totals: Sequence[float]) -> None:
        """``now`` is in monotonic seconds."""
        self._old = self._new = now, tuple(totals)

    def rates(self, now: float, totals: Sequence[float]) -> list[float]:
        """How much each grows a second."""
        if now - self._new[0] >= SPAN:
            self._old, self._new = self._new, (now, tuple(totals))
        at, before = self._old
        passed = max(now - at, SPAN)
        return [(total - was) / passed for total, was in zip(totals, before, strict=True)]


class Growth:
    """How fast the counts of very many things grow, each having an id."""

    __slots__ = ("_new", "_new_at", "_old", "_old_at")

    def __init__(self) -> None:
        self._old: Mapping[int, Sequence[int]] = {}
        self._new: Mapping[int, Sequence[int]] = {}
        self._old_at = self._new_at = float("-inf")

    def look(self, now: float, counts: Callable[[], Mapping[int, Sequence[int]]]) -> None:
        """Set a mark, if the last one is old enough; ``counts`` tells them all, by id."""
        if now - self._new_at >= SPAN:
            self._old, self._old_at = self._new, self._new_at
            self._new, self._new_at = counts(), now

    def forget(self, now: float, unused: float) -> None:
        """Let the marks go if nobody has looked for so many seconds."""
        if now - self._new_at > unused and self._new:
            self._old = self._new = {}
            self._old_at = self._new_at = float("-inf")

    def rate(self, entry: int, now: float, age: float, count: int, which: int = 0) -> float:
        """How much a count of something grows a second, that is there for ``age`` seconds; ``which`` of its counts it is."""
        before = self._old.get(entry)
        if before is None:
            return count / max(SPAN, age)
        return (count - before[which]) / max(SPAN, now - self._old_at)
