"""Sessions that come and go and very many messages leave the router as large as it was after the first tenth of them."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from soak.load import FAN, RPC, measured, troubles
from soak.report import Report, Scale
from soak.router import Router, SoakError, running
from soak.swarm import Conversation, Swarm, rawsocket, visiting, websocket

CYCLES: Final = 100_000
MESSAGES: Final = 10_000_000
GROWTH: Final = 0.05
ENDINGS: Final = ("goodbye", "close", "reset", "early", "pending", "canceled", "stranger", "testament")
AT_ONCE: Final = 50
SETTLE: Final = 0.5
LOADS: Final = tuple(itertools.product((RPC, FAN), ("ws", "rs"), ("json", "msgpack", "cbor")))


def run(scale: Scale, directory: Path, report: Report) -> None:
    """Ten times a tenth of everything; weighed after each."""
    cycles, messages = scale.of(CYCLES, 1_000), scale.of(MESSAGES, 100_000)
    report.tell("size", f"{cycles:,} cycles of {CYCLES:,}, {messages:,} messages of {MESSAGES:,}")
    begun = time.monotonic()
    with running(directory) as router:
        sent, refused, found = 0, Counter[str](), Counter[str]()
        levels: list[int] = []
        early: Counter[str] = Counter()
        for tenth in range(10):
            visits = visitors(range(tenth * cycles // 10, (tenth + 1) * cycles // 10))
            refused += Swarm(router.port).run(visits, AT_ONCE, 600).refused
            sent += _messages(router, messages // 10, tenth, found)
            time.sleep(SETTLE)
            levels.append(router.memory())
            if tenth == 0:
                early = router.objects()
        report.is_so("cycles refused", sum(refused.values()), 0)
        report.is_so("wrong with messages", ", ".join(found) or "nothing", "nothing")
        report.tell("messages", f"{sent:,} in {time.monotonic() - begun:.0f} s with the cycles")
        report.tell("RSS after each tenth, MiB", " ".join(f"{level / 2**20:.1f}" for level in levels))
        if not report.at_most("RSS grown since the first tenth", levels[-1] / levels[0] - 1, GROWTH, "%"):
            grown = (router.objects() - early).most_common(8)
            report.tell("objects that became more", ", ".join(f"{name} +{number}" for name, number in grown))
        _all_gone(router, report)


def visitors(numbers: range) -> Iterator[tuple[Conversation, bool]]:
    """Visits of every kind in turn."""
    for number in numbers:
        by_websocket = bool(number // len(ENDINGS) % 2)
        say = websocket if by_websocket else rawsocket
        yield visiting(say, number, ENDINGS[number % len(ENDINGS)]), by_websocket


def _messages(router: Router, number: int, turn: int, found: Counter[str]) -> int:
    """So many messages at the least, in several kinds of traffic."""
    sent = 0
    for shape, transport, serializer in itertools.cycle(LOADS[turn:] + LOADS[:turn]):
        if sent >= number:
            break
        outcome = measured(router, shape, 1.0, transport=transport, serializer=serializer)
        if (wrong := troubles(outcome)) != "nothing":
            found[wrong] += 1
        # A call is four messages; of a publication to ten the deliveries are counted.
        sent += int(outcome["ops"]) * 4 if shape is RPC else int(outcome["ops"]) * 11 // 10
        if not outcome["ops"]:
            raise SoakError("no message came through")
    return sent


def _all_gone(router: Router, report: Report) -> None:
    router.is_left()
    report.at_most("descriptors left open", router.files(), 20)
