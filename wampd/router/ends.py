"""What is to be ended: with the process, or before that, when what it belongs to is configured otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Ends:
    """The ends of one part of the router."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._all: list[tuple[Any, Callable[[], object]]] = []

    def add(self, end: Callable[[], object], phase: str | None = "before") -> None:
        """Call this at the end; if that is the end of the process, in this phase of it, `None`: not at all then.

        The phases are those of ``IReactorCore.addSystemEventTrigger``.
        """
        trigger = None if phase is None else self._reactor.addSystemEventTrigger(phase, "shutdown", end)
        self._all.append((trigger, end))

    def end(self) -> None:
        """End all, now."""
        ended, self._all = self._all, []
        for trigger, end in ended:
            if trigger is not None:
                self._reactor.removeSystemEventTrigger(trigger)
            end()
