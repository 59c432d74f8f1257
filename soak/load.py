"""The load generator of the benchmark, put on a router; it checks that every answer and event comes once and in order."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from bench.generator import SOURCE, read_outcome
from bench.toolchain import compiled
from soak.router import Router, SoakError

TROUBLES: Final = ("errors", "lost", "undelivered_at_end", "late", "dups", "bad", "dead")
RPC: Final = ("rpc", "--callers", "8", "--inflight", "32")
FAN: Final = ("pubsub", "--pubs", "1", "--subs", "10", "--topics", "1", "--inflight", "8")
CALM: Final = ("rpc", "--callers", "4", "--inflight", "4", "--rate", "200")
"""Not many calls, evenly: what others notice."""
SPARE: Final = 60.0
BUSY: Final = 0.15
"""Cores that others use: from here on throughput and times say little of the router."""
PATIENCE: Final = 20.0
"""Seconds after which an answer counts as lost: more than a busy machine stands still. Nobody waits for it otherwise."""


@dataclass(slots=True)
class Load:
    """A load that runs, and then what came of it."""

    process: subprocess.Popen[str]
    patience: float

    def outcome(self) -> dict[str, Any]:
        """Wait for its end; what it measured. `SoakError` if it could not."""
        try:
            output, complaints = self.process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise SoakError(f"the load generator did not end within {self.patience:.0f} s") from None
        outcome = read_outcome(output, complaints)
        if "error" in outcome:
            raise SoakError(f"load: {outcome['error']}")
        return outcome


def troubles(outcome: dict[str, Any]) -> str:
    """What was not as it must be; ``nothing`` if all was."""
    found = [f"{outcome[name]} {name}" for name in TROUBLES if outcome.get(name)]
    return ", ".join(found) if found else "nothing"


def others(outcome: dict[str, Any]) -> float:
    """Cores that others used, on this machine or beside it (steal)."""
    return float(outcome["other_cpu"] + outcome["steal"])


@contextmanager
def loading(
    router: Router,
    shape: tuple[str, ...],
    seconds: float,
    *,
    transport: str = "ws",
    serializer: str = "json",
    payload: int = 16,
    warm: float = 0.3,
    patience: float = PATIENCE,
) -> Iterator[Load]:
    """A load for so many seconds; an answer may take up to `patience`."""
    url = f"ws://127.0.0.1:{router.port}/ws" if transport == "ws" else f"rs://127.0.0.1:{router.port}"
    command = [str(compiled(SOURCE)), *shape, "--url", url, "--ser", serializer, "--payload", str(payload)]
    command += ["--dur", str(seconds), "--warm", str(warm), "--timeout", str(patience), "--pid", str(router.pid)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield Load(process, seconds + warm + patience + SPARE)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def measured(router: Router, shape: tuple[str, ...], seconds: float, **options: Any) -> dict[str, Any]:
    """The same, waited for."""
    with loading(router, shape, seconds, **options) as load:
        return load.outcome()
