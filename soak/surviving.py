"""What holds for every fault: who is connected stays and gets every answer, and afterwards all is as it was.

Rules
-----
* While the fault lasts, calls go on evenly over connections that were there before; not one may be lost, doubled or end with an
  error, however late its answer.
* Afterwards p99 of calls is below 250 ms, and memory and descriptors are back within 5 % in 60 s. Where others used the machine
  and calls took longer, what the router worked in all that time must be less: it cannot have kept anybody waiting for longer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from soak.load import BUSY, CALM, loading, measured, others, troubles
from soak.report import Report
from soak.router import Router
from soak.steady import AT_ONCE, visitors
from soak.swarm import Swarm

P99: Final = 250.0
"""Milliseconds."""
NEAR: Final = 0.05
BACK: Final = 60.0
"""Seconds until memory and descriptors are as before."""
AFTER: Final = 2.0
"""Seconds in which calls are measured after a fault."""
SESSIONS: Final = 5
"""Of `CALM`: four callers and a callee."""
WARM_SECONDS: Final = 0.3
WARM: Final = 500
"""Sessions that come and go before anything is weighed."""


def warm_up(router: Router) -> None:
    """Have everything done once that is done later."""
    Swarm(router.port).run(visitors(range(WARM)), AT_ONCE, 60)
    measured(router, CALM, 0.5)


@contextmanager
def surviving(router: Router, report: Report, fault: str, seconds: float) -> Iterator[None]:
    """A fault, in the block, of about so many seconds."""
    measured(router, CALM, 0.2)
    router.is_left()
    memory, files = router.memory(), router.files()
    with loading(router, CALM, seconds, patience=60, warm=WARM_SECONDS) as calls:
        router.wait_until(lambda: router.files() >= files + SESSIONS, "the callers are there", 30)
        time.sleep(WARM_SECONDS + 0.2)
        yield
        outcome = calls.outcome()
    report.is_so(f"{fault}: wrong with {outcome['ops']:,} calls meanwhile", troubles(outcome), "nothing")
    report.tell(f"{fault}: slowest call meanwhile", f"{outcome['max_us'] / 1000:.0f} ms")
    after = measured(router, CALM, AFTER)
    judge(report, fault, after)
    begun = time.monotonic()
    while not _is_near(router, memory, files) and time.monotonic() - begun < BACK:
        time.sleep(0.2)
    report.is_so(f"{fault}: memory and descriptors back within 5 %", _is_near(router, memory, files), True)
    now, then = router.memory() / 2**20, memory / 2**20
    report.tell(
        f"{fault}: before and after",
        f"{then:.1f}, {now:.1f} MiB; {files}, {router.files()} descriptors; {time.monotonic() - begun:.0f} s",
    )


def judge(report: Report, fault: str, after: dict[str, Any]) -> None:
    """How long calls took after a fault."""
    p99, what = after["p99_us"] / 1000, f"{fault}: p99 of calls afterwards"
    if p99 >= P99 and (used := others(after)) > BUSY:
        report.tell(f"{what} (others used {used:.1f} cores)", f"{p99:.0f} ms")
        worked = after["router_cpu_us_per_op"] * after["ops"] / 1000
        report.below(f"{fault}: work of the router for all {after['ops']:,} calls afterwards", worked, P99, "ms")
    else:
        report.below(what, p99, P99, "ms")


def _is_near(router: Router, memory: int, files: int) -> bool:
    return router.memory() <= memory * (1 + NEAR) and router.files() <= files * (1 + NEAR)
