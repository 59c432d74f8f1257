"""What is to happen when time is up, as data: a heap that somebody else looks at.

Rules
-----
* One heap entry for each thing that waits. To put a deadline off, its ``due`` is moved, and the entry stays where it is until
  it comes up; stopping a deadline leaves the entry, too.
* Entries of stopped deadlines never outnumber the others by more than `SLACK`: then the heap is made anew.
* `Deadlines.next` may be earlier than anything really due (something was put off); it is never later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")

SLACK = 64


class Deadline(Generic[T]):
    """When something that waits is over, unless it is put off or stopped before."""

    __slots__ = ("due", "thing")

    def __init__(self, due: float, thing: T) -> None:
        self.due = due
        """Monotonic seconds; may be moved to a later time."""
        self.thing: T | None = thing
        """What waits; `None`: the deadline was stopped."""


class Deadlines(Generic[T]):
    """The deadlines of one realm."""

    __slots__ = ("_alarm", "_heap", "_numbers", "_stopped")

    def __init__(self, alarm: Callable[[], object]) -> None:
        """``alarm`` is called when `next` has become earlier."""
        self._alarm = alarm
        self._heap: list[tuple[float, int, Deadline[T]]] = []
        self._numbers = count()
        self._stopped = 0

    def __len__(self) -> int:
        return len(self._heap) - self._stopped

    def start(self, thing: T, due: float) -> Deadline[T]:
        """Wait for ``due`` (monotonic seconds)."""
        deadline = Deadline(due, thing)
        heap = self._heap
        heappush(heap, (due, next(self._numbers), deadline))
        if heap[0][2] is deadline:
            self._alarm()
        return deadline

    def stop(self, deadline: Deadline[T]) -> None:
        """Wait no more; doing it twice does no harm."""
        if deadline.thing is not None:
            deadline.thing = None
            self._stopped += 1
            if self._stopped > len(self._heap) // 2 + SLACK:
                self._heap = [entry for entry in self._heap if entry[2].thing is not None]
                heapify(self._heap)
                self._stopped = 0

    def expired(self, now: float) -> Iterator[T]:
        """Take out what is due, in the order in which it is."""
        while self._heap and self._heap[0][0] <= now:
            _, number, deadline = heappop(self._heap)
            thing = deadline.thing
            if thing is None:
                self._stopped -= 1
            elif deadline.due > now:
                heappush(self._heap, (deadline.due, number, deadline))
            else:
                deadline.thing = None
                yield thing

    @property
    def next(self) -> float | None:
        """When to look again (monotonic seconds)."""
        while self._heap and self._heap[0][2].thing is None:
            heappop(self._heap)
            self._stopped -= 1
        return self._heap[0][0] if self._heap else None
