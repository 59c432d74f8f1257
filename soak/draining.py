"""SIGTERM under load: every call under way is answered, and the process ends in time with status 0."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from soak.report import Report, Scale
from soak.router import Router, running, settings
from wampd.client import ConnectionLost, Invocation, Session, TimeOver, WampError, connect

CALLERS: Final = 20
CALLEES: Final = 4
AT_ONCE: Final = 20
NEVER: Final = 200
"""Calls that are never answered by their callee."""
RUNNING: Final = 1.5
"""Seconds before the signal."""
DRAIN: Final = 10.0
"""Seconds that a router may take that is told nothing else."""


@dataclass(slots=True)
class Answers:
    """What became of calls: those made before the signal, and those made while the router drained."""

    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    told: bool = False
    made: int = 0
    unanswered: set[tuple[Any, ...]] = field(default_factory=set)
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    """Calls that their callee was asked to serve, and those without an answer: what is in both was lost."""

    async def call(self, session: Session, procedure: str) -> bool:
        """Call, and note how it ended; whether more can be called."""
        book = self.after if self.told else self.before
        self.made += 1
        call = (procedure, self.made)
        try:
            result = await session.call(procedure, [self.made], timeout=None)
        except WampError as error:
            book[error.uri] += 1
        except (ConnectionLost, TimeOver):
            book["no answer"] += 1
            self.unanswered.add(call)
            return False
        else:
            book["result" if result.value == call[1] else "wrong result"] += 1
        return True

    async def keep_calling(self, session: Session, chance: random.Random) -> None:
        """One call after the other until the session is over."""
        while await self.call(session, f"com.work.{chance.randrange(CALLEES)}"):
            if session.is_over:
                return


def run(scale: Scale, directory: Path, report: Report) -> None:
    """Again and again, with work that takes up to 50 ms, and with calls that nobody answers."""
    rounds = scale.of(8, 2)
    report.tell("size", f"{rounds} rounds of 8; {CALLERS * AT_ONCE} calls at once")
    for number in range(rounds):
        with running(directory / str(number), settings()) as router:
            answers, seconds, status = asyncio.run(_drained(router, number))
        for name, book in (("before", answers.before), ("after", answers.after)):
            report.tell(
                f"calls made {name} SIGTERM", ", ".join(f"{count:,} {how}" for how, count in book.most_common())
            )
        report.is_so("of those before without an answer, or a wrong one", _unanswered(answers.before), 0)
        report.is_so("without an answer though they reached a callee", len(answers.unanswered & answers.seen), 0)
        report.is_so("exit status", status, 0)
        report.at_most("from SIGTERM to the end", seconds, DRAIN + 2, "s")


def _unanswered(book: Counter[str]) -> int:
    return book["no answer"] + book["wrong result"]


async def _drained(router: Router, seed: int) -> tuple[Answers, float, int]:
    chance, answers = random.Random(seed), Answers()
    url = f"rs://127.0.0.1:{router.port}"

    async def work(invocation: Invocation) -> Any:
        answers.seen.add((invocation.procedure, invocation.args[0]))
        await asyncio.sleep(chance.random() * 0.05)
        return invocation.args[0]

    async def never(_: Invocation) -> None:
        await asyncio.sleep(3600)

    async with AsyncExitStack() as stack:
        callees = [await stack.enter_async_context(connect(url, "realm1")) for _ in range(CALLEES)]
        for number, callee in enumerate(callees):
            await callee.register(f"com.work.{number}", work)
        await callees[0].register("com.never", never)
        callers = [await stack.enter_async_context(connect(url, "realm1")) for _ in range(CALLERS)]
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(answers.keep_calling(caller, chance)) for caller in callers for _ in range(AT_ONCE)
        ]
        tasks += [asyncio.create_task(answers.call(callers[number % CALLERS], "com.never")) for number in range(NEVER)]
        await asyncio.sleep(RUNNING)
        answers.told = True
        begun = time.monotonic()
        router.signal(signal.SIGTERM)
        status = await asyncio.to_thread(router.wait)
        seconds = time.monotonic() - begun
        await asyncio.wait_for(asyncio.gather(*tasks), 30)
    return answers, seconds, status
