"""What is good for one use, and was used: remembered as long as it would be good, within a bound."""

from __future__ import annotations

import heapq
from typing import Final

MOST_USED: Final = 100_000


class Used:
    """Names of what was used, each until it is good no more."""

    __slots__ = ("_by_end", "_ids", "_most")

    def __init__(self, most: int = MOST_USED) -> None:
        self._most = most
        self._ids: set[str] = set()
        self._by_end: list[tuple[float, str]] = []

    def __contains__(self, name: str) -> bool:
        return name in self._ids

    def add(self, name: str, end: float, now: float) -> bool:
        """Remember one until its end; whether there is room."""
        while self._by_end and self._by_end[0][0] <= now:
            self._ids.discard(heapq.heappop(self._by_end)[1])
        if len(self._ids) >= self._most:
            return False
        self._ids.add(name)
        heapq.heappush(self._by_end, (end, name))
        return True
