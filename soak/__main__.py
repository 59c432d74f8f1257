"""``python -m soak``: load and faults for a router, what it must stand, and the figures; status 1 if one is missed."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.environments import UnavailableError
from soak import deaf, draining, faults, reloading, returning, steady
from soak.report import Report, Scale
from soak.router import SoakError

Scenario = Callable[[Scale, Path, Report], None]
SCENARIOS: Final[Mapping[str, Scenario]] = {
    "steady": steady.run,
    "returning": returning.run,
    "deaf": deaf.run,
    "reloading": reloading.run,
    "draining": draining.run,
    "faults": faults.run,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; the exit status."""
    options = _parser().parse_args(arguments)
    scale = Scale(60 if options.full else options.minutes)
    report = Report()
    begun = time.monotonic()
    for name in options.scenarios or SCENARIOS:
        report.scenario = name
        directory = Path(tempfile.mkdtemp(prefix=f"soak-{name}-"))
        began = time.monotonic()
        try:
            SCENARIOS[name](scale, directory, report)
        except (SoakError, UnavailableError) as why:
            report.failed(f"{why} (see {directory})")
        report.tell("took", f"{time.monotonic() - began:.0f} s")
    print(f"\n{report.rendered()}\n")
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(
        f"{scale.share:.0%} of the full size, {time.monotonic() - begun:.0f} s, {cores} cores, load of the machine {load:.1f}"
    )
    for figure in report.missed:
        print(f"missed: {figure.scenario}: {figure.what}: {figure.value} {figure.bound}", file=sys.stderr)
    return 1 if report.missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m soak", description="Load and faults for a router, over loopback.")
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []], metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument(
        "--minutes", type=float, default=5.0, help="about how long; the full size from 20 on (default: 5)"
    )
    parser.add_argument("--full", action="store_true", help="the full size of everything")
    return parser


if __name__ == "__main__":
    sys.exit(main())
