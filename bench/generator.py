"""Building the load generator and running it for one cell."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any, Final

from bench import toolchain
from bench.cells import Cell
from bench.environments import BENCH
from bench.processes import Running

SOURCE: Final = BENCH / "wampload.c"
SPARE_SECONDS: Final = {"rpc": 60, "pubsub": 60, "conns": 120, "scale": 240}
"""How long one run of a scenario may take beyond its measured time: connecting, loading, taking down."""

Outcome = dict[str, Any]
"""One JSON object as the generator prints it, or ``{"error": why}``."""


@dataclass(frozen=True, slots=True)
class Load:
    """How long to measure (s), how long to warm up before (s), and the core of the generator."""

    seconds: float = 2.0
    warm: float = 0.7
    cpu: int | None = None


def build() -> None:
    """Have the generator compiled; ``UnavailableError`` when that cannot be."""
    toolchain.compiled(SOURCE)


def arguments(cell: Cell, running: Running, load: Load) -> list[str]:
    """The generator's command line for `cell` against a running router."""
    return [
        *(str(toolchain.compiled(SOURCE)), cell.shape.scenario, *cell.shape.arguments),
        *("--url", running.urls[cell.transport], "--ser", cell.serializer, "--payload", str(cell.payload)),
        *("--dur", str(load.seconds), "--warm", str(load.warm), "--pid", str(running.pid)),
        *(("--style", running.patterns) if cell.shape.scenario == "scale" else ()),
        *(("--pin", str(load.cpu)) if load.cpu is not None else ()),
    ]


def measure(cell: Cell, running: Running, load: Load) -> Outcome:
    """Put `cell` on a running router. Whatever goes wrong is an outcome too."""
    command = arguments(cell, running, load)
    patience = load.seconds * 3 + load.warm + SPARE_SECONDS[cell.shape.scenario]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience)
    except subprocess.TimeoutExpired:
        return {"error": f"the generator was not done after {patience:.0f} s"}
    return read_outcome(done.stdout, done.stderr)


def read_outcome(output: str, complaints: str) -> Outcome:
    """The generator's one line, or an error that says what came instead."""
    for line in output.splitlines():
        try:
            parsed = json.loads(line)
        except ValueError:
            continue
        if isinstance(parsed, dict):
            return parsed
    words = complaints.strip().splitlines()
    return {"error": f"the generator printed no result: {words[-1] if words else 'nothing'}"}
