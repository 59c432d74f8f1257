"""The router is killed and started again, and everybody comes back at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from soak.report import MEBI, Report, Scale
from soak.router import TICKET, Router, running
from soak.swarm import Conversation, Outcome, Swarm, affordable, rawsocket, staying, websocket

CLIENTS: Final = 5_000
SECONDS: Final = 30.0
WAVES: Final = 4
"""How often they come and go then. The first of these is no measure yet: a router that is just being started takes them in
one after another, one that runs all at once, with more half-made sessions beside each other."""
GROWTH: Final = 0.05


def clients(number: int) -> Iterator[tuple[Conversation, bool]]:
    """Half of them anonymous, half by ticket; three of four by WebSocket."""
    for each in range(number):
        by_websocket = each % 4 != 3
        ticket = TICKET if each // 4 % 2 else None
        yield staying(websocket if by_websocket else rawsocket, ticket, f"user{each % 10}"), by_websocket


def run(_scale: Scale, directory: Path, report: Report) -> None:
    """They join, lose the router, and join again; the time until the last has its WELCOME."""
    number = affordable(CLIENTS)
    report.tell("size", f"{number:,} clients of {CLIENTS:,}")
    with running(directory) as router:
        first = Swarm(router.port).run(clients(number), 500, 120)
        report.is_so("joined at first", (first.done, dict(first.refused)), (number, {}))
        router.kill()
        first.release()
        begun = time.monotonic()
        router.launch()
        again = Swarm(router.port, insists=True).run(clients(number), number, 120)
        report.is_so("joined again", (again.done, dict(again.refused)), (number, {}))
        report.at_most("from kill -9 to the last WELCOME", time.monotonic() - begun, SECONDS, "s")
        report.tell("CPU of the router for it", f"{router.cpu():.1f} s")
        levels = [_after(router, again)]
        for _ in range(WAVES):
            levels.append(_after(router, Swarm(router.port).run(clients(number), number, 120)))
        report.tell("RSS each time when all have gone, MiB", " ".join(f"{level / MEBI:.1f}" for level in levels))
        report.at_most("RSS grown while they come and go", levels[-1] / levels[1] - 1, GROWTH, "%")


def _after(router: Router, outcome: Outcome) -> int:
    """Memory when they have gone. What was freed stays with the process for those who come next."""
    outcome.release()
    router.is_left()
    return router.memory()
