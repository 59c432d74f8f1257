"""Whether an instance that has ended is started again, and when.

Rules
-----
* The first restart comes soon, each further one after twice the time, up to the longest; a good run makes it soon again. Times
  are drawn from the upper half of what they may be: those that fell together do not come back together, and none is earlier
  than the one before.
* What cannot be imported waits the longest time at once: nothing gets better by itself.
* Too many restarts in a row, and it is given up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from wampd.router.hosting.runs import Ending
from wampd.router.settings.components import Component, Policy

LOOPS: Final = 5
"""Restarts in a row after which it is said that an instance keeps failing."""


def policy_of(component: Component) -> Policy:
    """When it is started again, if nobody has written that down: what is to be done once is not repeated."""
    return component.restart.policy or ("on-failure" if component.ready == "exited" else "always")


class Restarts:
    """Counts the restarts of one instance. ``chance`` draws from 0 to 1."""

    def __init__(self, component: Component, chance: Callable[[], float]) -> None:
        self._rule = component.restart
        self._policy = policy_of(component)
        self._chance = chance
        self.in_row = 0
        """Restarts since the last good run."""
        self.total = 0

    def wanted(self, ending: Ending) -> bool:
        """Whether a run that ended like this is followed by another."""
        return self._policy == "always" or (self._policy == "on-failure" and not ending.is_well)

    def lasted(self, ready_for: float | None) -> None:
        """A run has ended; ``ready_for`` are the seconds since its start if it was ready."""
        if ready_for is not None and ready_for >= self._rule.lasted:
            self.in_row = 0

    def next(self, ending: Ending) -> float | None:
        """The seconds until the next restart, which counts; `None`: there were too many."""
        if self._rule.most is not None and self.in_row >= self._rule.most:
            return None
        longest = self._rule.longest
        # 2.0 ** 1024 would not be a float any more
        delay = longest if ending.is_hopeless else min(self._rule.first * 2.0 ** min(self.in_row, 64), longest)
        self.in_row += 1
        self.total += 1
        return delay * (1.0 - self._chance() / 2)

    def forget(self) -> None:
        """Begin anew: somebody has looked at it."""
        self.in_row = 0
