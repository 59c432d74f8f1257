"""Charts of the last hour: one point every ten seconds, kept in a ring of bounded size.

Rules
-----
* A chart takes four bytes a point, whether it was there all the time or not; what is not known is not a number.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from math import isnan, nan
from typing import Final

STEP: Final = 10
"""Seconds between two points."""
POINTS: Final = 360

SERIES: Final = ("sessions", "calls", "publications", "events", "errors", "latency")
"""What is charted of a realm; of the router ``cpu`` and ``rss``, too."""


class Charts:
    """The last hour of several series, which all get their points at the same times."""

    __slots__ = ("_at", "_rings")

    def __init__(self, names: tuple[str, ...]) -> None:
        self._rings = {name: array("f", [nan]) * POINTS for name in names}
        self._at = 0

    def add(self, values: Mapping[str, float]) -> None:
        """Add a point to each; what is not among the values is not known."""
        for name, ring in self._rings.items():
            ring[self._at] = values.get(name, nan)
        self._at = (self._at + 1) % POINTS

    def series(self) -> dict[str, list[float | None]]:
        """Every point, the oldest first; `None`: not known."""
        at = self._at
        return {
            name: [None if isnan(value) else value for value in (*ring[at:], *ring[:at])]
            for name, ring in self._rings.items()
        }
