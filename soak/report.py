"""What a run found: figures, each with what it must not exceed, as a table."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.report import table

MEBI: Final = 2**20


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything: `share` of the full size, 1 from twenty minutes on."""

    minutes: float

    @property
    def share(self) -> float:
        """Of the full size."""
        return min(1.0, self.minutes / 20)

    def of(self, full: int, least: int = 1) -> int:
        """So many of `full`."""
        return max(least, round(full * self.share))


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `met` is None where nothing is asserted."""

    scenario: str
    what: str
    value: str
    bound: str
    met: bool | None


@dataclass(slots=True)
class Report:
    """All figures, in their order."""

    scenario: str = ""
    figures: list[Figure] = field(default_factory=list)

    def tell(self, what: str, value: object) -> None:
        """A figure that is only told."""
        self._add(what, str(value), "", None)

    def at_most(self, what: str, value: float, bound: float, unit: str = "") -> bool:
        """A figure that must not be larger."""
        return self._add(what, _text(value, unit), f"≤ {_text(bound, unit)}", value <= bound)

    def below(self, what: str, value: float, bound: float, unit: str = "") -> bool:
        """A figure that must be smaller."""
        return self._add(what, _text(value, unit), f"< {_text(bound, unit)}", value < bound)

    def at_least(self, what: str, value: float, bound: float, unit: str = "") -> bool:
        """A figure that must not be smaller."""
        return self._add(what, _text(value, unit), f"≥ {_text(bound, unit)}", value >= bound)

    def is_so(self, what: str, value: object, wanted: object) -> bool:
        """Something that must be just so."""
        return self._add(what, str(value), f"= {wanted}", value == wanted)

    def failed(self, why: str) -> None:
        """The scenario could not be carried out."""
        self._add("it could not be carried out", why.splitlines()[0][:120], "", False)
        print(why, file=sys.stderr)

    def _add(self, what: str, value: str, bound: str, met: bool | None) -> bool:
        figure = Figure(self.scenario, what, value, bound, met)
        self.figures.append(figure)
        mark = {True: "ok  ", False: "FAIL", None: "    "}[met]
        print(f"{mark} {self.scenario}: {what}: {value} {bound}".rstrip(), flush=True)
        return met is not False

    @property
    def missed(self) -> list[Figure]:
        """Those that are not met."""
        return [figure for figure in self.figures if figure.met is False]

    def rendered(self) -> str:
        """The table, as Markdown."""
        rows = [
            [
                figure.scenario,
                figure.what,
                figure.value,
                figure.bound,
                {True: "met", False: "**missed**", None: ""}[figure.met],
            ]
            for figure in self.figures
        ]
        lines = table(["scenario", "figure", "value", "bound", ""], rows)
        lines[1] = "|---|---|---:|---|---|"
        return "\n".join(lines)


def _text(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value * 100:.1f} %"
    if unit == "MiB":
        return f"{value / MEBI:.1f} MiB"
    number = f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
    return f"{number} {unit}".rstrip()


def median_ratio(pairs: Iterable[Sequence[float]]) -> float:
    """The median of the ratios of what was measured in turn: second by first."""
    return statistics.median(second / first for first, second in pairs)
