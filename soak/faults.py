"""Faults to live through: a router that stands still, peers that misbehave, descriptors, a log and a clock gone wrong.

What is tried elsewhere, in the tests: a store whose disk is full, torn or damaged (tests/router/test_store.py,
tests/faults), the memory ceiling (tests/attack/test_memory.py), peers that never answer a ping (tests/attack/test_sockets.py).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final

from soak.report import Report, Scale
from soak.router import ALL, Router, SoakError, running, settings
from soak.surviving import surviving, warm_up
from soak.swarm import Conversation, Swarm, rawsocket, staying, visiting, websocket
from wampd.client import ConnectionLost, TimeOver, WampError, connect

FEW: Final = 300
"""Descriptors of a router that is to run out of them."""
CORRUPT: Final = 5_000
"""Connections with flipped bits."""
WORKER: Final = """
import os


async def serve(session):
    await session.register(lambda number: number, "com.soak.{name}", **{{"options": {options}}})
"""
BACK: Final = 1.0
"""Seconds until a killed component is started again."""


def run(scale: Scale, directory: Path, report: Report) -> None:
    """One fault after the other."""
    with running(directory / "open", settings()) as router:
        warm_up(router)
        for seconds in (1.0, 20.0):
            _frozen(router, seconds, report)
        _clock(router, report)
        _corrupting(router, scale.of(CORRUPT, 500), report)
        _vanishing(router, scale.of(2_000, 200), report)
    with running(directory / "few", settings(), descriptors=FEW) as router:
        warm_up(router)
        _descriptors(router, report)
    _deaf_log(directory / "log", report)
    _component(directory / "component", report)


def _frozen(router: Router, seconds: float, report: Report) -> None:
    with surviving(router, report, f"stopped for {seconds:.0f} s", seconds + 2):
        router.signal(signal.SIGSTOP)
        time.sleep(seconds)
        router.signal(signal.SIGCONT)


def _clock(router: Router, report: Report) -> None:
    with surviving(router, report, "clock set +1 h and −2 h", 3):
        for number in (signal.SIGRTMIN + 1, signal.SIGRTMIN + 2):
            os.kill(router.pid, number)
            time.sleep(1)
    os.kill(router.pid, signal.SIGRTMIN + 1)  # it is an hour early: right again


def _corrupting(router: Router, number: int, report: Report) -> None:
    chance = random.Random(7)

    def corrupted() -> Iterator[tuple[Conversation, bool]]:
        for each in range(number):
            by_websocket = bool(each % 2)
            say = websocket if by_websocket else rawsocket
            yield flipping(visiting(say, each, "goodbye"), chance), by_websocket

    with surviving(router, report, f"flipped bits on {number:,} connections", number / 400 + 8):
        # Who waits for the rest of a frame that is longer than it was leaves in the end.
        outcome = Swarm(router.port).run(corrupted(), 200, number / 400 + 8)
    ends = ", ".join(f"{count} {how}" for how, count in outcome.refused.most_common(5))
    report.tell("what became of the corrupted", f"{outcome.done} served; {ends}")


def flipping(conversation: Conversation, chance: random.Random) -> Conversation:
    """The same with a bit of every third message wrong."""
    said = next(conversation)
    try:
        while True:
            heard = yield (_flipped(said, chance) if said and chance.random() < 0.34 else said)
            said = conversation.send(heard)
    except (ValueError, LookupError):
        return "close"  # what came back made no sense to it either
    except StopIteration as ended:
        return str(ended.value)


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _vanishing(router: Router, number: int, report: Report) -> None:
    """Connections that are reset at every moment, or say half of something and wait until they are cut off."""
    waiting: list[socket.socket] = []
    with surviving(router, report, f"{number:,} resets and {number // 4:,} that stall", 12):
        hello = b"\x7f\xf1\0\0" + rawsocket([1, "realm1", {"roles": {"caller": {}}}])
        for each in range(number):
            peer = socket.create_connection(("127.0.0.1", router.port), 10)
            peer.sendall(hello[: each % len(hello)])
            if each % 4:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                peer.close()
            else:
                waiting.append(peer)
    for peer in waiting:
        peer.close()


def _descriptors(router: Router, report: Report) -> None:
    """More connections than the router can have, then as many as it can."""

    def crowd(number: int) -> Iterator[tuple[Conversation, bool]]:
        return ((staying(rawsocket), False) for _ in range(number))

    with surviving(router, report, f"{2 * FEW} connections, {FEW} descriptors", 6):
        outcome = Swarm(router.port).run(crowd(2 * FEW), 2 * FEW, 20)
        report.at_least("let in", outcome.done, FEW - 80)
        report.tell("refused", dict(outcome.refused))
        outcome.release()
        router.wait_until(lambda: router.files() < FEW // 3, "those who were let in have gone", 30)
        again = Swarm(router.port).run(crowd(FEW // 2), FEW // 2, 20)
        report.is_so("let in when there is room again", (again.done, dict(again.refused)), (FEW // 2, {}))
        again.release()


def _deaf_log(directory: Path, report: Report) -> None:
    """What reads the log stops reading; the router says everything that it can say."""
    reader, writer = os.pipe()
    router = Router(directory, settings(log={"level": "debug"}), output=writer)
    try:
        router.launch()
        os.close(writer)
        router.wait_until(lambda: _is_open(router.port), "somebody listens", 30)
        warm_up(router)
        with surviving(router, report, "nobody reads the log", 8):
            outcome = Swarm(router.port).run(
                ((visiting(rawsocket, number, "goodbye"), False) for number in range(3_000)), 50, 60
            )
        report.is_so("sessions refused meanwhile", dict(outcome.refused), {})
        router.signal(signal.SIGTERM)
        os.set_blocking(reader, True)
        said = b"".join(iter(lambda: os.read(reader, 65536), b""))
        report.is_so("exit status", router.wait(), 0)
        whole = b" stopped; " in said or b"dropped" in said
        report.is_so("the log ends in order, and holds no traceback", whole and b"Traceback" not in said, True)
    finally:
        with suppress(SoakError):
            router.kill()
        os.close(reader)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# -------------------------------------------------------------------------------------------------- a hosted component


def _component(directory: Path, report: Report) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "alone.py").write_text(WORKER.format(name="alone", options=None))
    (directory / "shared.py").write_text(
        "from autobahn.wamp.types import RegisterOptions\n"
        + WORKER.format(name="shared", options='RegisterOptions(invoke="roundrobin")')
    )
    made = settings()
    made["realms"][0]["roles"].append(
        {"name": "worker", "permissions": [{"uri": "com.soak.", "match": "prefix", "allow": ALL}]}
    )
    made["components"] = [
        {
            "name": name,
            "type": "python",
            "run": f"{name}:serve",
            "realm": "realm1",
            "role": "worker",
            "instances": number,
        }
        for name, number in (("alone", 1), ("shared", 2))
    ]
    with running(directory, made) as router:
        router.wait_until(lambda: router.log().count(" joined realm1") >= 3, "the components are there", 60)
        warm_up(router)
        with surviving(router, report, "components killed", 12):
            books = asyncio.run(_killed(router, report))
        for name, book in books.items():
            report.tell(f"calls of {name}", ", ".join(f"{count:,} {how}" for how, count in book.most_common()))
            report.is_so(f"calls of {name}: without an answer, or a wrong one", book["no answer"] + book["wrong"], 0)
        report.is_so("calls of shared: no callee", books["shared"]["wamp.error.no_such_procedure"], 0)


async def _killed(router: Router, report: Report) -> dict[str, Counter[str]]:
    """Call all the time while the components are killed, the one instance and one of the two."""
    books: dict[str, Counter[str]] = {"alone": Counter(), "shared": Counter()}
    enough = asyncio.Event()

    async def call(session: Any, name: str) -> None:
        number = 0
        while not enough.is_set():
            number += 1
            try:
                result = await session.call(f"com.soak.{name}", [number], timeout=20)
                books[name]["result" if result.value == number else "wrong"] += 1
            except WampError as error:
                books[name][error.uri] += 1
                await asyncio.sleep(0.01)
            except (ConnectionLost, TimeOver):
                books[name]["no answer"] += 1

    async with AsyncExitStack() as stack:
        url = f"rs://127.0.0.1:{router.port}"
        sessions = [await stack.enter_async_context(connect(url, "realm1")) for _ in range(4)]
        calls = [asyncio.create_task(call(session, name)) for session in sessions for name in books for _ in range(5)]
        await asyncio.sleep(1)
        for name in ("alone", "shared.1"):
            await _kill(router, name, report)
        served = books["alone"]["result"]
        deadline = time.monotonic() + 15
        while books["alone"]["result"] == served and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        report.at_least("calls of alone that succeed again", books["alone"]["result"] - served, 1)
        enough.set()
        await asyncio.wait_for(asyncio.gather(*calls), 30)
    return books


async def _kill(router: Router, name: str, report: Report) -> None:
    pid, number = _process(router, name)
    os.kill(pid, signal.SIGKILL)
    begun = time.monotonic()
    while _process(router, name)[1] == number and time.monotonic() < begun + 10:
        await asyncio.sleep(0.01)
    report.below(f"{name}: from kill -9 to the next process", time.monotonic() - begun, BACK, "s")


def _process(router: Router, name: str) -> tuple[int, int]:
    """The last process of a component, and how many there were."""
    mark = f"component {name} started, process "
    lines = [line for line in router.log().splitlines() if mark in line]
    if not lines:
        raise SoakError(f"component {name} was never started{router.end_of_log()}")
    return int(lines[-1].partition(mark)[2].split()[0].rstrip(",;")), len(lines)
