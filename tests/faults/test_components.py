"""Hosted components that are killed under load: every call has one answer, and they are back at once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections import Counter
from pathlib import Path

from tests.support.loops import run
from tests.support.process import Child, running_wampd
from wampd.client import WampError, connect

CONFIG = """
realms:
  - name: realm1
    roles:
      - {name: anonymous, permissions: [{uri: com., match: prefix, allow: [call]}]}
      - {name: worker, permissions: [{uri: com., match: prefix, allow: [register]}]}
    auth: {anonymous: {}}
listeners: [{endpoint: "tcp:${WAMPD_PORT}:interface=127.0.0.1", rawsocket: {}}]
components: [{name: worker, type: python, run: "worker:serve", realm: realm1, role: worker, instances: 2}]
limits: {drain: 2 s}
"""
WORKER = """
import asyncio
from autobahn.wamp.types import RegisterOptions


async def double(number):
    await asyncio.sleep(0.02)
    return number * 2


async def serve(session):
    await session.register(double, "com.double", options=RegisterOptions(invoke="roundrobin"))
"""
STARTED = r"component worker\.1 started, process (\d+)"


async def calling(port: int, victim: int, router: Child) -> tuple[Counter[str], int]:
    """What became of the calls, and how many were made."""
    answers: Counter[str] = Counter()
    made = 0
    enough = asyncio.Event()

    async def call() -> None:
        nonlocal made
        while not enough.is_set():
            made += 1
            number = made
            try:
                result = await session.call("com.double", [number], timeout=60)
                answers["result" if result.value == number * 2 else "wrong"] += 1
            except WampError as error:
                answers[error.uri] += 1

    async with connect(f"rs://127.0.0.1:{port}", "realm1") as session:
        calls = [asyncio.create_task(call()) for _ in range(20)]
        while answers["result"] < 50:
            await asyncio.sleep(0.01)
        os.kill(victim, signal.SIGKILL)
        while len(re.findall(STARTED, router.log())) < 2:
            await asyncio.sleep(0.01)
        served = answers["result"]
        while answers["result"] < served + 50:
            await asyncio.sleep(0.01)
        enough.set()
        await asyncio.wait_for(asyncio.gather(*calls), 60)
    return answers, made


def test_of_two_instances_one_is_killed_under_load_and_no_call_is_without_an_answer(tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "config.yaml").write_text(CONFIG)
    with running_wampd(tmp_path / "config.yaml", tmp_path / "log") as (router, port):
        router.wait_until(lambda: router.log().count(", worker, ") == 2, "both are there")
        [victim] = re.findall(STARTED, router.log())
        answers, made = run(calling(port, int(victim), router))
        assert sum(answers.values()) == made
        assert set(answers) <= {"result", "wamp.error.canceled"}
        assert answers["wamp.error.canceled"] <= 20  # those that were under way
        [pause] = re.findall(r"component worker\.1 starts again in (\S+) s", router.log())
        assert float(pause) <= 0.5
    assert "Traceback" not in router.log()
