"""What wampd has set itself, and whether a run reached it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.figures import CPU, Figures

SUBJECT: Final = "wampd"
YARDSTICK: Final = "crossbar"
FLOOR: Final = "floor"
MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """At most `limit`: of the yardstick's figure in the same run when `relative`, else in the metric's own unit."""

    text: str
    cell: str
    metric: str
    limit: float
    relative: bool = True
    unit: str = ""
    scale: float = 1.0
    """What the metric is divided by to come into `unit`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target, what was measured, and what the floor took: beyond that no router gets. None where nothing is known."""

    target: Target
    measured: float | None
    floor: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None when it was not measured."""
        return None if self.measured is None else self.measured <= self.target.limit


TARGETS: Final = (
    Target("CPU per call, 8 × 32, JSON", "rpc-8x32/ws-json-16", CPU, 1 / 25),
    Target("CPU per call, 8 × 32, MessagePack", "rpc-8x32/ws-msgpack-16", CPU, 1 / 20),
    Target("CPU per call, 8 × 32, CBOR", "rpc-8x32/ws-cbor-16", CPU, 1 / 20),
    Target("CPU per delivery, fan-out 1→100, JSON", "fan-100/ws-json-16", CPU, 1 / 10),
    Target("CPU per call, 256 × 1, JSON", "rpc-256x1/ws-json-16", CPU, 1 / 8),
    Target("p50 with 1 call in flight, JSON", "rpc-1/ws-json-16", "p50_us", 1 / 3),
    Target("the same, all on one core", "rpc-1-shared/ws-json-16", "p50_us", 1 / 3),
    Target("RSS per idle session", "sessions/ws-json-16", "rss_per_session", 8, relative=False, unit="kB", scale=1000),
    Target("from start to open port", "start", "start_ms", 1000, relative=False, unit="ms"),
    Target("RSS at start", "start", "rss_start", 60, relative=False, unit="MB", scale=MB),
)


def judge(figures: Figures, targets: Sequence[Target] = TARGETS) -> list[Verdict]:
    """Every target against the run."""
    return [
        Verdict(target, _measured(figures, SUBJECT, target), _measured(figures, FLOOR, target)) for target in targets
    ]


def _measured(figures: Figures, router: str, target: Target) -> float | None:
    if target.relative:
        ratio = figures.ratio(target.cell, router, YARDSTICK, target.metric)
        return None if ratio is None else ratio.value
    value = figures.median(target.cell, router, target.metric)
    return None if value is None else value / target.scale
