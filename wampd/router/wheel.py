"""One timer for the clocks of very many connections.

Rules
-----
* Time is monotonic seconds. What is watched is asked at least as often as it says itself, never earlier than it said,
  and late by at most one slot.
* When the wheel itself was late (the process was stopped, a message took long), those asked in that round are told, so
  that nobody is cut off for answers that could not be read.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

SLOT: Final = 0.25
LATE: Final = 1.0


class Watched(Protocol):
    """Something with deadlines."""

    slot: int
    """The wheel's own mark; 0 before the first use."""

    def tick(self, now: float, stalled: bool) -> float:
        """See what is due; return the time of the next deadline."""
        ...


class Wheel:
    """Deadlines in slots of a quarter of a second."""

    def __init__(self, clock: Any) -> None:
        """``clock`` is an ``IReactorTime``: the reactor, or ``twisted.internet.task.Clock`` in tests."""
        self._clock = clock
        self._slots: dict[int, list[Watched]] = {}
        self._turned = 0  # the last slot that was emptied
        self._timer: Any = None

    def now(self) -> float:
        """Monotonic seconds."""
        now: float = self._clock.seconds()
        return now

    def watch(self, item: Watched, delay: float) -> None:
        """Ask ``item`` in ``delay`` seconds, whatever was said before."""
        item.slot = 0
        self.wake(item, self.now() + delay)

    def wake(self, item: Watched, at: float) -> None:
        """Ask ``item`` at ``at``, if it would not be asked earlier."""
        slot = int(at / SLOT) + 1
        if item.slot and item.slot <= slot:
            return
        item.slot = slot
        self._slots.setdefault(slot, []).append(item)
        if self._timer is None:
            self._turned = int(self.now() / SLOT)
            self._timer = self._clock.callLater(SLOT, self._turn)

    def forget(self, item: Watched) -> None:
        """Ask ``item`` no more."""
        item.slot = -1

    def _turn(self) -> None:
        now = self.now()
        current = int(now / SLOT)
        stalled = current - self._turned > LATE / SLOT
        due = [slot for slot in self._slots if slot <= current]
        for slot in sorted(due):
            for item in self._slots.pop(slot):
                if item.slot == slot:
                    item.slot = 0
                    at = item.tick(now, stalled)
                    if item.slot != -1:
                        self.wake(item, max(at, now + SLOT))
        self._turned = current
        self._timer = self._clock.callLater(SLOT, self._turn) if self._slots else None
