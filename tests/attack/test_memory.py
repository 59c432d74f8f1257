"""A router over its memory ceiling takes in nobody, serves those who are in, and recovers."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.attack.client import joined, memory, singing
from tests.attack.conftest import Attacked

MIB = 2**20
TEXT = "x" * 1_000_000


def checks(router: Attacked) -> dict[str, str]:
    """What is wrong, by what is looked at."""
    try:
        with urlopen(f"http://127.0.0.1:{router.port}/health/ready", timeout=60) as answer:
            told: dict[str, str] = json.load(answer)["checks"]
    except HTTPError as refused:
        with refused:
            told = json.load(refused)["checks"]
    return told


def test_over_the_ceiling_nobody_is_let_in_until_there_is_memory_again(start: Callable[..., Attacked]) -> None:
    router = start(
        process={"memory": 110 * MIB},
        session={"retained_size": 512 * MIB},
        http={"/health": {"type": "health"}},
        realm={"retention": {"empty_clears": True}},
    )
    assert memory(router.pid) < 80 * MIB
    with singing(router.port, router.pid) as canary:
        keepers = [joined(router.port) for _ in range(20)]
        kept = 0
        while "of memory are used" not in router.log():
            assert kept < 10
            kept += 1
            for number, keeper in enumerate(keepers):
                keeper.send([16, kept, {"retain": True}, f"com.k{number}.t{kept}", [TEXT]])
            canary.measure(0.5)
        with pytest.raises(AssertionError):
            joined(router.port)
        with pytest.raises(AssertionError):
            joined(router.port, "websocket")
        router.process.wait_until(lambda: checks(router)["memory"] != "ok", "it is not ready")
        assert canary.measure(0.2) < 1.0
        for number, keeper in enumerate(keepers):  # they are slowed down, and do what they want to all the same
            keeper.send(*[[16, kept + each, {"retain": True}, f"com.k{number}.t{each}"] for each in range(1, kept + 1)])
        router.process.wait_for_log("there is memory again")
        joined(router.port).close()
        assert set(checks(router).values()) == {"ok"}
        assert all(keeper.ask(48, {}, "com.nobody")[0] == 8 for keeper in keepers)
