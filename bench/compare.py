"""What got slower: this tree against another revision in one run, and against the recorded baseline.

The side by side run is the judge: both revisions are measured in turn, round by round, so the machine's moods meet
both. The recorded baseline is judged only on the machine class that it was recorded on, and even there it is the
weaker witness. A figure is called slower when its ratio is beyond the threshold and beyond what the scatter of the
rounds explains.
"""

import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from bench.environments import BENCH, ENVIRONMENTS, ROOT
from bench.figures import CPU, Figures, Ratio
from bench.machine import git
from bench.report import NOTHING, number_text, table

BASELINE: Final = BENCH / "baseline.json"
NEW: Final = "wampd"

THRESHOLD: Final = 0.10
"""From 10 % on a change is worth a word; less is not told from chance on an ordinary machine."""
SIGMAS: Final = 2.0
"""So many standard errors must a ratio be away from 1."""

# Of the closed loops with many in flight, CPU per operation says it all; latency counts where it is not the queue's.
METRICS: Final[dict[str, tuple[str, ...]]] = {
    "rpc-1": (CPU, "p50_us", "p99_us"),
    "rpc-1-shared": (CPU, "p50_us", "p99_us"),
    "sessions": (CPU, "rss_per_session"),
    "start": ("start_ms", "rss_start"),
}
_UNITS: Final = {CPU: "µs CPU", "p50_us": "µs p50", "p99_us": "µs p99", "rss_per_session": "B RSS each",
                 "start_ms": "ms to start", "rss_start": "B RSS at start"}  # fmt: skip
_NOISY: Final = {"p99_us": 0.30, "start_ms": 0.20}
"""Metrics whose threshold is higher, as they scatter more."""

Finding = Literal["slower", "faster", "same", "not measured"]


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one cell, compared."""

    cell: str
    metric: str
    old: float | None
    new: float | None
    ratio: float | None
    noise: float
    """Standard error of the ratio: 0.02 is 2 %."""
    finding: Finding


def metrics_of(cell: str) -> tuple[str, ...]:
    """What counts in `cell`."""
    return METRICS.get(cell.partition("/")[0], (CPU,))


def find(ratio: float, noise: float, threshold: float) -> Finding:
    """Whether new over old is a change: beyond the threshold and beyond the noise."""
    margin = max(threshold, SIGMAS * noise)
    if ratio > 1 + margin:
        return "slower"
    return "faster" if ratio < 1 / (1 + margin) else "same"


def standard_error(ratio: Ratio) -> float:
    """How far the median of the rounds' ratios may be off. (A median's error is 1.25 times that of a mean.)"""
    return 1.25 * ratio.spread / math.sqrt(ratio.rounds)


def side_by_side(figures: Figures, cells: Sequence[str], old: str, threshold: float = THRESHOLD) -> list[Line]:
    """The new revision against the router called `old`, from one interleaved run."""
    lines = []
    for cell in cells:
        for metric in metrics_of(cell):
            ratio = figures.ratio(cell, NEW, old, metric)
            before, after = figures.median(cell, old, metric), figures.median(cell, NEW, metric)
            if ratio is None:
                lines.append(Line(cell, metric, before, after, None, 0.0, "not measured"))
                continue
            noise = standard_error(ratio)
            finding = find(ratio.value, noise, max(threshold, _NOISY.get(metric, 0.0)))
            lines.append(Line(cell, metric, before, after, ratio.value, noise, finding))
    return lines


def against_baseline(
    figures: Figures, baseline: Mapping[str, Any], cells: Sequence[str], threshold: float = THRESHOLD
) -> list[Line]:
    """The new revision against recorded medians; the scatter of both counts as noise."""
    lines = []
    summary = figures.summary()
    for cell in cells:
        for metric in metrics_of(cell):
            then = baseline["figures"].get(cell, {}).get(metric)
            now = summary.get(cell, {}).get(NEW, {}).get(metric)
            if then is None or now is None or not then["median"]:
                old, new = (entry["median"] if entry else None for entry in (then, now))
                lines.append(Line(cell, metric, old, new, None, 0.0, "not measured"))
                continue
            ratio = now["median"] / then["median"]
            noise = 1.25 * math.hypot(*(entry["spread"] / math.sqrt(entry["rounds"]) for entry in (then, now)))
            finding = find(ratio, noise, max(threshold, _NOISY.get(metric, 0.0)))
            lines.append(Line(cell, metric, then["median"], now["median"], ratio, noise, finding))
    return lines


def as_table(lines: Sequence[Line], old: str) -> str:
    """The comparison for a terminal or a file."""
    rows = [
        (
            line.cell,
            _UNITS.get(line.metric, line.metric),
            *(NOTHING if value is None else number_text(value) for value in (line.old, line.new)),
            NOTHING if line.ratio is None else f"{line.ratio:.2f} ± {line.noise:.2f}",
            line.finding if line.finding in ("same", "not measured") else line.finding.upper(),
        )
        for line in lines
    ]
    return "\n".join(table(("cell", "figure", old, "now", "now / then", "finding"), rows))


def is_slower(lines: Sequence[Line]) -> bool:
    """Whether anything got slower."""
    return any(line.finding == "slower" for line in lines)


def verdict(lines: Sequence[Line]) -> str:
    """One sentence."""
    slower = [
        f"{line.cell} ({_UNITS.get(line.metric, line.metric)} × {line.ratio:.2f})"
        for line in lines
        if line.finding == "slower" and line.ratio is not None
    ]
    if slower:
        return f"slower: {', '.join(slower)}"
    missing = sum(line.finding == "not measured" for line in lines)
    return "nothing got slower" + (f", but {missing} figures could not be compared" if missing else "")


def baseline_from(results: Mapping[str, Any], revision: str) -> dict[str, Any]:
    """What of a run of wampd alone is kept as the baseline."""
    return {
        "format": 1,
        "revision": revision,
        "date": results["date"],
        "machine": results["machine"],
        "rounds": results["rounds"],
        "seconds": results["seconds"],
        "versions": results["routers"][NEW]["versions"],
        "figures": {cell: routers[NEW] for cell, routers in results["figures"].items() if NEW in routers},
    }


def load_baseline(path: Path = BASELINE) -> dict[str, Any] | None:
    """The recorded baseline; None when none was recorded."""
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@contextmanager
def checked_out(rev: str, repository: Path = ROOT) -> Iterator[Path]:
    """A git worktree of `rev` for a while, under ``bench/.envs``; ``RuntimeError`` when git knows no such revision."""
    try:
        commit = git(repository, "rev-parse", "--verify", "--end-of-options", f"{rev}^{{commit}}")
    except RuntimeError as error:
        raise RuntimeError(f"no revision to compare with: git knows no {rev!r} here") from error
    place = ENVIRONMENTS / "trees" / commit[:12]
    # What an interrupted run may have left behind.
    shutil.rmtree(place, ignore_errors=True)
    git(repository, "worktree", "prune")
    place.parent.mkdir(parents=True, exist_ok=True)
    git(repository, "worktree", "add", "--quiet", "--detach", str(place), commit)
    try:
        yield place
    finally:
        git(repository, "worktree", "remove", "--force", str(place))
