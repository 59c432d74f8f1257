"""The breaker of one host, and how much is asked of it at once. No I/O; time comes in as seconds of a monotonic clock.

Rules
-----
* Closed: ``concurrency`` attempts at once. After ``failures`` in a row that show no life it opens.
* Open: nothing is sent for ``pause``, twice as long each time that it opens again without a success between, at most
  ``longest``.
* Then half open: one attempt. Success closes it, failure opens it again.
* What was begun before it opened and ends later counts only if it succeeds.

Source: Michael Nygard, Release It!, "Circuit Breaker".
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class HostRules(Struct, frozen=True):
    """When a host is left alone."""

    concurrency: int = 4
    failures: int = 5
    pause: float = 10.0
    """Seconds."""
    longest: float = 600.0
    """Seconds."""


class Breaker:
    """One host."""

    def __init__(self, rules: HostRules) -> None:
        self.running = 0
        """How many attempts are under way."""
        self._rules = rules
        self._failures = 0
        self._opened = 0
        """How often it has opened since the last success."""
        self._until = 0.0

    @property
    def state(self) -> Literal["closed", "open"]:
        """An open one is half open from `opens_at` on."""
        return "open" if self._opened else "closed"

    @property
    def opens_at(self) -> float:
        """When an open one lets the next attempt through; a time past if it is not open."""
        return self._until

    @property
    def room(self) -> int:
        """How many attempts may begin, if it is time."""
        return (1 if self._opened else self._rules.concurrency) - self.running

    def may_begin(self, now: float) -> bool:
        """Whether one more attempt may begin."""
        return self.room > 0 and now >= self._until

    def begin(self) -> None:
        """An attempt begins."""
        self.running += 1

    def end(self, shows_life: bool, now: float) -> None:
        """An attempt has ended."""
        self.running -= 1
        if shows_life:
            self._failures, self._opened, self._until = 0, 0, 0.0
            return
        self._failures += 1
        if self._failures >= self._rules.failures and now >= self._until:
            self._until = now + min(self._rules.longest, self._rules.pause * 2.0 ** min(self._opened, 60))
            self._opened += 1

    def cancel(self) -> None:
        """An attempt was given up by us: it tells nothing of the host."""
        self.running -= 1
