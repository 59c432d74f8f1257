"""Which lines are logged: a level for each subsystem, from the configuration and by hand.

Rules
-----
* A subsystem has its own level, else that of all others; what libraries tell of themselves as ``info`` is only logged where
  their level was given, or everything is for debugging.
* What is set by hand goes before the configuration: for a time, or until the configuration of levels changes, or the end.
* Asking costs two look-ups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from twisted.logger import LogLevel

from wampd.router.subsystems import SUBSYSTEMS, subsystem_of

LEVELS: Final[Mapping[str, Any]] = {
    "debug": LogLevel.debug,
    "info": LogLevel.info,
    "warn": LogLevel.warn,
    "error": LogLevel.error,
    "critical": LogLevel.critical,
}
_RANK: Final = {level: rank for rank, level in enumerate(LEVELS.values())}
LONGEST: Final = 86_400.0
"""Seconds for which a level can be set."""


class ByHand(Struct):
    """A level that somebody has set."""

    level: str
    until: float | None
    """Monotonic seconds; `None`: it stays."""
    timer: Any = None


class Levels:
    """The levels in force."""

    def __init__(self, clock: Any = None) -> None:
        """``clock`` is an ``IReactorTime``; without one nothing can be set for a time."""
        self._clock = clock
        self._default = "info"
        self._configured: Mapping[str, str] = {}
        self._by_hand: dict[str, ByHand] = {}
        self._least: dict[str, int] = {}
        self._settle()

    def configure(self, default: str, levels: Mapping[str, str]) -> None:
        """Levels as configured; if they are others than before, what was set by hand does not count any more."""
        if (default, levels) != (self._default, self._configured):
            for set_ in self._by_hand.values():
                _cancel(set_)
            self._by_hand.clear()
            self._default, self._configured = default, dict(levels)
            self._settle()

    def set(self, subsystem: str, level: str | None, seconds: float | None = None) -> None:
        """Set the level of a subsystem, for so long; `None`: what is configured. Raise `KeyError`: there is no such thing."""
        if subsystem not in SUBSYSTEMS:
            raise KeyError(subsystem)
        before = self._by_hand.pop(subsystem, None)
        if before is not None:
            _cancel(before)
        if level is not None:
            LEVELS[level]
            chosen = self._by_hand[subsystem] = ByHand(level, None)
            if seconds is not None:
                seconds = min(seconds, LONGEST)
                chosen.until = self._clock.seconds() + seconds
                chosen.timer = self._clock.callLater(seconds, self.set, subsystem, None)
        self._settle()

    def level(self, subsystem: str) -> str:
        """The level of a subsystem now."""
        by_hand = self._by_hand.get(subsystem)
        return self.configured(subsystem) if by_hand is None else by_hand.level

    def configured(self, subsystem: str) -> str:
        """The level that the configuration gives it."""
        given = self._configured.get(subsystem)
        if given is not None:
            return given
        return "warn" if subsystem == "twisted" and self._default == "info" else self._default

    def tell(self) -> dict[str, dict[str, Any]]:
        """By subsystem: its ``level``, what is ``configured``, and for how many ``seconds`` still (`None`: for good)."""
        told: dict[str, dict[str, Any]] = {}
        for name in SUBSYSTEMS:
            by_hand = self._by_hand.get(name)
            left = None
            if by_hand is not None and by_hand.until is not None:
                left = round(max(0.0, by_hand.until - self._clock.seconds()), 3)
            told[name] = {"level": self.level(name), "configured": self.configured(name), "seconds": left}
        return told

    def let_through(self, event: Mapping[str, Any]) -> bool:
        """Whether an event is logged."""
        subsystem = subsystem_of(event.get("log_namespace", ""))
        return _RANK.get(event.get("log_level", LogLevel.info), 1) >= self._least[subsystem]

    def debugs(self, subsystem: str) -> bool:
        """Whether what a subsystem says at level ``debug`` is logged."""
        return self._least[subsystem] == 0

    def _settle(self) -> None:
        self._least = {name: _RANK[LEVELS[self.level(name)]] for name in SUBSYSTEMS}


def _cancel(set_: ByHand) -> None:
    if set_.timer is not None and set_.timer.active():
        set_.timer.cancel()
