"""From raw runs to figures: which runs count, medians over rounds, ratios within rounds, and how far they scatter."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

Run = Mapping[str, Any]
"""One measurement: ``router``, ``cell``, ``round``, and what the generator said (or ``start_ms``, ``rss_start``)."""

CPU: Final = "router_cpu_us_per_op"
THROUGHPUT: Final = "ops_s"

_MUST_BE_ZERO: Final = ("errors", "lost", "dups", "bad", "dead", "load_errors", "hit_lost", "hit_errors", "other_lost",
                        "other_errors", "base_lost", "base_errors")  # fmt: skip
_MUST_BE_TRUE: Final = ("complete", "load_complete")

GENERATOR_BOUND: Final = 0.95
"""From this share of its core on, the generator and not the router may be what bounds the throughput."""
BUSY: Final = 0.25
"""So many cores' worth of other work make a run suspect."""

MAD_TO_SIGMA: Final = 1.4826
"""What the median absolute deviation of a normal distribution is multiplied by to give its standard deviation."""


def problem(run: Run) -> str | None:
    """Why a run does not count: a figure reached while messages were lost or refused is none. None when it does."""
    if "error" in run:
        return str(run["error"])
    wrong = [f"{name} {run[name]}" for name in _MUST_BE_ZERO if run.get(name, 0)]
    wrong += [f"not {name}" for name in _MUST_BE_TRUE if not run.get(name, True)]
    if not wrong:
        return None
    return ", ".join(wrong) + (f" ({run['last_error']})" if run.get("last_error") else "")


def spread(values: Sequence[float]) -> float:
    """A robust relative standard deviation: 0.03 says that single runs scatter by about 3 %. 0 for fewer than two."""
    middle = median(values) if values else 0.0
    if len(values) < 2 or middle == 0:
        return 0.0
    return MAD_TO_SIGMA * median(abs(value - middle) for value in values) / abs(middle)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How one router compares to another: the median of the ratios of each round, and how far those scatter."""

    value: float
    spread: float
    rounds: int


class Figures:
    """The runs that count, by cell, router and metric."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._values: dict[tuple[str, str, str], dict[int, float]] = defaultdict(dict)
        self.problems: list[tuple[str, str, str]] = []
        """(router, cell, why) of the runs that do not count, each once."""
        for run in runs:
            why = problem(run)
            if why is not None:
                entry = (str(run["router"]), str(run["cell"]), why)
                if entry not in self.problems:
                    self.problems.append(entry)
                continue
            for metric, value in run.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    self._values[run["cell"], run["router"], metric][run["round"]] = float(value)

    def values(self, cell: str, router: str, metric: str) -> list[float]:
        """The figure of each round that counts."""
        return list(self._values.get((cell, router, metric), {}).values())

    def median(self, cell: str, router: str, metric: str) -> float | None:
        """The median over the rounds; None when nothing was measured."""
        values = self.values(cell, router, metric)
        return median(values) if values else None

    def ratio(self, cell: str, router: str, to: str, metric: str) -> Ratio | None:
        """`router`'s figure over that of `to`, paired by round, as those ran within a minute; None without a pair."""
        ours = self._values.get((cell, router, metric), {})
        theirs = self._values.get((cell, to, metric), {})
        pairs = [ours[number] / theirs[number] for number in ours if theirs.get(number)]
        return Ratio(median(pairs), spread(pairs), len(pairs)) if pairs else None

    def cells(self, metric: str) -> set[str]:
        """The cells for which any router has this metric."""
        return {cell for cell, _, name in self._values if name == metric}

    def summary(self) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
        """Cell → router → metric → median and spread, for the results file."""
        tree: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
        for (cell, router, metric), rounds in self._values.items():
            if metric in _NOT_FIGURES:
                continue
            values = list(rounds.values())
            entry = {"median": round(median(values), 3), "spread": round(spread(values), 4), "rounds": len(values)}
            tree.setdefault(cell, {}).setdefault(router, {})[metric] = entry
        return tree


# What the generator repeats of its own arguments, and the counters that are zero in every run that counts.
_NOT_FIGURES: Final = {"round", "payload", "callers", "callees", "inflight", "pubs", "subs", "topics", "ack",
                       "sessions", "concurrency", "count", "holders", "coalesce", "unix_time",
                       *_MUST_BE_ZERO}  # fmt: skip
