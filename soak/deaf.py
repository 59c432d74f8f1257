"""Clients that never read: what they cost the others, and the router.

Rules
-----
* Rounds with and without the deaf subscriber alternate; what is compared is the median of the rounds' ratios.
* A short run has fewer rounds; where these say that it costs too much, more are held, up to `MOST`, before that counts: on a
  busy machine single rounds differ by more than what is asked for.
* Publications per second are what counts. Where others used the machine meanwhile they say little; then the CPU time of the
  router for each is judged, and the table says so.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from soak.load import BUSY, measured, others, troubles
from soak.report import MEBI, Report, Scale, median_ratio
from soak.router import Router, running
from soak.swarm import ROLES, rawsocket
from wampd.client import ConnectionLost, Invocation, WampError, connect

COST: Final = 0.05
QUEUE: Final = 16 * MEBI
"""What may wait for a client: the default of ``listeners[].limits.send_queue``."""
SLACK: Final = 8 * MEBI
"""What a message more than the bound, the encoder and the allocator take."""
ALL: Final = 100
"""Subscribers; the deaf one takes the place of one that reads."""
ROUNDS: Final = 15
"""With and without; fewer in a short run."""
MOST: Final = 45
"""How many there are at most, if fewer do not decide it."""
Pair: TypeAlias = tuple[dict[str, Any], dict[str, Any]]
"""What was measured without the deaf subscriber, and with it."""
TEXT: Final = "x" * 60_000
LARGE: Final = 600
"""Messages of 60 kB: twice what may wait."""


class Deaf:
    """A session that speaks, and reads nothing after what it was greeted with."""

    def __init__(self, port: int, *requests: list[Any]) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(b"\x7f\xf1\0\0")
        self._read(4)
        self.send([1, "realm1", {"roles": ROLES}])
        self.hear()
        for request in requests:
            self.send(request)
            self.hear()

    def send(self, *messages: list[Any]) -> None:
        """Say something."""
        self.socket.sendall(b"".join(map(rawsocket, messages)))

    def hear(self) -> list[Any]:
        """The next message, as long as it is not deaf yet."""
        message: list[Any] = json.loads(self._read(int.from_bytes(self._read(4)[1:], "big")))
        return message

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self.socket.recv(size - len(data))
        return data

    def close(self) -> None:
        """Go."""
        self.socket.close()


class Highest:
    """The highest memory of a router for the time of a block."""

    def __init__(self, router: Router) -> None:
        self.before = self.highest = router.memory()

    @property
    def grown(self) -> int:
        """By so many bytes."""
        return self.highest - self.before


@contextmanager
def weighing(router: Router) -> Iterator[Highest]:
    """Look at the memory every 10 ms."""
    found, enough = Highest(router), threading.Event()

    def look() -> None:
        while not enough.wait(0.01):
            found.highest = max(found.highest, router.memory())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        enough.set()
        looking.join()


def run(scale: Scale, directory: Path, report: Report) -> None:
    """A deaf subscriber among 100, then a deaf caller and a deaf callee."""
    rounds, seconds = scale.of(ROUNDS, 5), max(1.0, 3 * scale.share)
    report.tell("size", f"{rounds} rounds of {ROUNDS}, {seconds:.1f} s each, of 3 s")
    with running(directory / "subscriber") as router:
        _throughput(router, rounds, seconds, report)
        _subscriber(router, report)
    with running(directory / "caller") as router:
        asyncio.run(_caller(router, report))
    with running(directory / "callee") as router:
        asyncio.run(_callee(router, report))


def _throughput(router: Router, rounds: int, seconds: float, report: Report) -> None:
    pairs: list[Pair] = []
    while len(pairs) < rounds or (len(pairs) < MOST and _judged(pairs) >= COST):
        number = len(pairs)
        found: dict[bool, dict[str, Any]] = {}
        for with_deaf in (number % 2 == 0, number % 2 == 1):
            deaf = Deaf(router.port, [32, 1, {}, "bench.topic.0"]) if with_deaf else None
            found[with_deaf] = _per_publication(measured(router, fan(ALL - with_deaf), seconds), ALL - with_deaf)
            if deaf is not None:
                deaf.close()
        pairs.append((found[False], found[True]))
    wrong = {troubles(each) for pair in pairs for each in pair}
    report.is_so("events to 99 subscribers beside a deaf one: wrong", ", ".join(wrong), "nothing")
    lost, cost, used = _lost(pairs), _cost(pairs), _others(pairs)
    report.tell("rounds held", len(pairs))
    texts = "throughput lost by the other 99", "CPU of the router for a publication: more by"
    if used > BUSY:
        report.tell(f"{texts[0]} (others used {used:.1f} cores)", f"{lost:.1%}")
        report.below(texts[1], cost, COST, "%")
    else:
        report.below(texts[0], lost, COST, "%")
        report.tell(texts[1], f"{cost:.1%}")


def _others(pairs: list[Pair]) -> float:
    """Cores that others used meanwhile."""
    return statistics.median(others(each) for pair in pairs for each in pair)


def _judged(pairs: list[Pair]) -> float:
    """What counts of the rounds held so far."""
    return _cost(pairs) if _others(pairs) > BUSY else _lost(pairs)


def _lost(pairs: list[Pair]) -> float:
    """By how much fewer publications came through."""
    return 1 - median_ratio((without["each_s"], having["each_s"]) for without, having in pairs)


def _cost(pairs: list[Pair]) -> float:
    """By how much more CPU time of the router each of them took."""
    return median_ratio((without["cpu_us"], having["cpu_us"]) for without, having in pairs) - 1


def fan(subscribers: int) -> tuple[str, ...]:
    """Publications to so many."""
    return ("pubsub", "--pubs", "1", "--subs", str(subscribers), "--topics", "1", "--inflight", "8")


def _per_publication(outcome: dict[str, Any], subscribers: int) -> dict[str, Any]:
    """With what is counted for each delivery as counted for each publication."""
    each, cost = outcome["ops_s"] / subscribers, outcome["router_cpu_us_per_op"] * subscribers
    return {**outcome, "each_s": each, "cpu_us": cost}


def _subscriber(router: Router, report: Report) -> None:
    """Events of 4 KiB, so that the bound is reached; the deaf one is sent away then."""
    deaf = Deaf(router.port, [32, 1, {}, "bench.topic.0"])
    with weighing(router) as found:
        outcome = measured(router, fan(ALL - 1), 3.0, payload=4096)
    report.is_so("events of 4 KiB to the others: wrong", troubles(outcome), "nothing")
    report.at_most("memory taken by a deaf subscriber and its 99 neighbours", found.grown, QUEUE + SLACK, "MiB")
    router.wait_until(lambda: "slow consumer" in router.log(), "the deaf subscriber is sent away", 60)
    deaf.close()


async def _caller(router: Router, report: Report) -> None:
    """It calls for 60 kB again and again, and takes no result; the callee and others are served."""

    async def large(_: Invocation) -> str:
        return TEXT

    url = f"rs://127.0.0.1:{router.port}"
    async with connect(url, "realm1") as callee, connect(url, "realm1") as other:
        await callee.register("com.large", large)
        await other.call("com.large")
        deaf = Deaf(router.port)
        with weighing(router) as found:
            deaf.send(*([48, number, {}, "com.large"] for number in range(1, LARGE + 1)))
            answered = [(await other.call("com.large")).value == TEXT for _ in range(50)]
            await _sent_away(router)
        report.is_so("calls of another beside a deaf caller: answered", sum(answered), 50)
        report.at_most("memory taken by a deaf caller", found.grown, QUEUE + SLACK, "MiB")
        deaf.close()


async def _callee(router: Router, report: Report) -> None:
    """It is called with 60 kB again and again, and reads no invocation; each call has an answer."""
    url = f"rs://127.0.0.1:{router.port}"
    answers: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(connect(url, "realm1")) for _ in range(10)]
        deaf = Deaf(router.port, [64, 1, {}, "com.deaf"])

        async def call(number: int) -> None:
            try:
                await callers[number % len(callers)].call("com.deaf", [TEXT], timeout=60)
                answers["result"] += 1
            except WampError as error:
                answers[error.uri] += 1
            except ConnectionLost:
                answers["no answer"] += 1

        with weighing(router) as found:
            await asyncio.gather(*(call(number) for number in range(LARGE)))
        report.tell("answers to calls of a deaf callee", ", ".join(f"{n} {how}" for how, n in answers.items()))
        report.is_so(
            "calls of a deaf callee without an answer", LARGE - sum(answers.values()) + answers["no answer"], 0
        )
        report.at_most("memory taken by a deaf callee", found.grown, QUEUE + SLACK, "MiB")
        deaf.close()


async def _sent_away(router: Router) -> None:
    deadline = time.monotonic() + 60
    while "slow consumer" not in router.log() and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
