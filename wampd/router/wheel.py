"""One timer for the clocks of very many connections.

Rules
-----
* Time is monotonic seconds. What is watched is asked at least as often as it says itself, never earlier than it said,
  and late by at most one slot.
* When the wheel itself was late (the process was stopped, a message took long), those asked in that round are told, so
  that nobody is cut off for answers that could not be read.
* One turn asks a bounded number; the rest is asked in the next turn of the reactor, so that nobody else waits for long.
* What is forgotten is let go at once. What raises is logged and not asked again; the wheel goes on.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from twisted.logger import Logger

log = Logger()

SLOT: Final = 0.25
AFTER_A_BUG: Final = 30.0
LATE: Final = 1.0
AT_ONCE: Final = 500
FORGOTTEN: Final = -1


class Watched(Protocol):
    """Something with deadlines. It is hashable by identity."""

    slot: int
    """The wheel's own mark; 0 while the wheel does not know it."""

    def tick(self, now: float, stalled: bool) -> float:
        """See what is due; return the time of the next deadline."""
        ...


class Wheel:
    """Deadlines in slots of a quarter of a second."""

    def __init__(self, clock: Any) -> None:
        """``clock`` is an ``IReactorTime``: the reactor, or ``twisted.internet.task.Clock`` in tests."""
        self._clock = clock
        self._slots: dict[int, dict[Watched, None]] = {}
        self._turned = 0  # the slot of the last turn
        self._timer: Any = None

    def now(self) -> float:
        """Monotonic seconds."""
        now: float = self._clock.seconds()
        return now

    def watch(self, item: Watched, delay: float) -> None:
        """Ask ``item`` in ``delay`` seconds, whatever was said before."""
        self.forget(item)
        item.slot = 0
        self.wake(item, self.now() + delay)

    def wake(self, item: Watched, at: float) -> None:
        """Ask ``item`` at ``at``, if it would not be asked earlier. What was forgotten stays so."""
        slot = int(at / SLOT) + 1
        if item.slot:
            if item.slot <= slot:
                return
            self._take_out(item)
        item.slot = slot
        self._slots.setdefault(slot, {})[item] = None
        if self._timer is None:
            self._turned = int(self.now() / SLOT)
            self._timer = self._clock.callLater(SLOT, self._turn)

    def forget(self, item: Watched) -> None:
        """Ask ``item`` no more."""
        if item.slot > 0:
            self._take_out(item)
        item.slot = FORGOTTEN

    def _take_out(self, item: Watched) -> None:
        members = self._slots.get(item.slot)
        if members is not None:
            members.pop(item, None)
            if not members:
                del self._slots[item.slot]

    def _turn(self, stalled: bool = False) -> None:
        now = self.now()
        current = int(now / SLOT)
        stalled = stalled or current - self._turned > LATE / SLOT
        self._turned = current
        left = AT_ONCE
        for slot in sorted(slot for slot in self._slots if slot <= current):
            while left and slot in self._slots:
                item = next(reversed(self._slots[slot]))
                self._take_out(item)
                self._ask(item, now, stalled)
                left -= 1
        if not left:
            self._timer = self._clock.callLater(0, self._turn, stalled)
        else:
            self._timer = self._clock.callLater(SLOT, self._turn) if self._slots else None

    def _ask(self, item: Watched, now: float, stalled: bool) -> None:
        item.slot = 0
        try:
            at = item.tick(now, stalled)
        except Exception:  # noqa: BLE001 - logged; one of many must not stop the clocks of all
            log.failure("a deadline could not be kept: a bug in wampd")
            at = now + AFTER_A_BUG
        if item.slot != FORGOTTEN:
            self.wake(item, max(at, now + SLOT))
