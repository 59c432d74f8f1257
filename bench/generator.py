"""Building the load generator and running it for one cell."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.cells import Cell
from bench.environments import BENCH, UnavailableError
from bench.processes import Running

SOURCE: Final = BENCH / "wampload.c"
BINARY: Final = BENCH / "wampload"
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
    """Compile the generator when its source is newer; ``UnavailableError`` when that cannot be."""
    if BINARY.exists() and BINARY.stat().st_mtime >= SOURCE.stat().st_mtime:
        return
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise UnavailableError("no C compiler: install gcc, or name one in CC")
    done = subprocess.run(
        [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(BINARY), str(SOURCE)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise UnavailableError(f"the load generator does not compile:\n{done.stderr}")


def arguments(cell: Cell, url: str, pid: int, load: Load) -> list[str]:
    """The generator's command line for `cell` against the router at `url` whose first process is `pid`."""
    return [
        *(str(BINARY), cell.shape.scenario, *cell.shape.arguments),
        *("--url", url, "--ser", cell.serializer, "--payload", str(cell.payload)),
        *("--dur", str(load.seconds), "--warm", str(load.warm), "--pid", str(pid)),
        *(("--pin", str(load.cpu)) if load.cpu is not None else ()),
    ]


def measure(cell: Cell, running: Running, load: Load) -> Outcome:
    """Put `cell` on a running router. Whatever goes wrong is an outcome too."""
    command = arguments(cell, running.urls[cell.transport], running.pid, load)
    patience = load.seconds * 3 + load.warm + SPARE_SECONDS[cell.shape.scenario]
    try:
        done = subprocess.run(
            command, cwd=Path(BINARY).parent, capture_output=True, text=True, check=False, timeout=patience
        )
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
