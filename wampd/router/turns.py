"""Turns, kept short: what one turn of the reactor leaves for the next.

Rules
-----
* Of very many sessions that something is to be sent to, so many are written to in a turn. Those touched last are among the
  first, so that an answer does not wait behind an event for thousands; those touched first are, too, so nobody waits for ever.
* While there is little memory (`halt`), whoever has one stays until a second is over (`release`).
* Who has a breather goes on when all that was said has been written; of several one in each turn, in the order in which they
  stopped. So what many ask for at once is no more work for one turn than what one asks for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")

WRITES: Final = 1_000
"""Sessions that are written to at once, about 8 ms of work: after the timers of a turn, and after its events."""


class Rests(Protocol):
    """What has a breather."""

    def go_on(self) -> None:
        """Others had their turn."""
        ...


class Turns:
    """What waits for later turns."""

    def __init__(self, clock: Any, touched: list[Any], end_of_turn: Callable[[], None]) -> None:
        """``clock`` is an ``IReactorTime``; ``touched`` are the sessions that something is to be sent to."""
        self._end_of_turn = end_of_turn
        self._clock = clock
        self._touched = touched
        self._resting: deque[Rests] = deque()
        self._timer: Any = None
        self._halted = False
        self._released = 0
        self.number = 0
        """How many turns there were in which something was sent."""
        self.breathers = 0
        """How many there were so far."""

    def add(self, resting: Rests) -> None:
        """Let somebody go on in a later turn."""
        self.breathers += 1
        self._resting.append(resting)
        self.come()

    def come(self) -> None:
        """There is to be another turn at once."""
        if self._timer is None:
            self._timer = self._clock.callLater(0, self._turn)

    def turn(self) -> int:
        """Which turn this is."""
        return self.number

    def halt(self, halted: bool) -> None:
        """Let nobody go on but those who are released, or everybody again."""
        self._halted = halted
        self._released = 0
        if self._resting:
            self.come()

    def release(self) -> None:
        """Let everybody go on who has a breather now."""
        self._released = len(self._resting)
        if self._released:
            self.come()

    def _turn(self) -> None:
        self._timer = None
        if self._goes_on() and not self._touched:
            self._released -= self._halted
            self._resting.popleft().go_on()
        self._end_of_turn()
        if self._goes_on():
            self.come()

    def _goes_on(self) -> bool:
        return bool(self._resting) and (self._released > 0 or not self._halted)


def part_of(touched: list[T]) -> list[T]:
    """Take out those that are to be written to in this turn, where they are many."""
    half = WRITES // 2
    part = touched[-half:] + touched[:half]
    del touched[-half:]
    del touched[:half]
    return part
