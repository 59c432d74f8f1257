"""Floods of realms' names, and of calls and publications over the rate: others are served, and nothing is left."""

from __future__ import annotations

import gc
import itertools
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.attack.client import Client, joined, memory, singing
from tests.attack.conftest import ALL, Attacked
from tests.attack.inside import EVERY_ROLE
from tests.support.stages import MemoryStage
from tests.support.values import DUMP, LOAD

MIB = 2**20
OPEN = [{"uri": "", "match": "prefix", "allow": ALL}]
PRINCIPALS = [{"authid": "joe", "role": "hasty", "ticket": "joe's hunter2"}]
HASTY = {
    "roles": [
        {"name": "anonymous", "permissions": OPEN},
        {
            "name": "hasty",
            "permissions": OPEN,
            "limits": {
                "call_rate": {"per_second": 10, "burst": 20},
                "publication_rate": {"per_second": 10, "burst": 20},
            },
        },
    ],
    "auth": {"anonymous": {"role": "anonymous"}, "ticket": {}, "principals": PRINCIPALS},
}
"""A realm whose role ``hasty`` may call and publish ten times a second."""


def hasty(port: int) -> Client:
    """A session of the role ``hasty``."""
    client = Client(port)
    client.shake_hands()
    client.send([1, "realm1", {"roles": EVERY_ROLE, "authmethods": ["ticket"], "authid": "joe"}])
    assert client.receive()[0] == 4
    client.send([5, "joe's hunter2", {}])
    assert client.receive()[0] == 2
    return client


@contextmanager
def measured() -> Iterator[Callable[[], int]]:
    """How many bytes more are in use now."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        yield lambda: tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def say(stage: MemoryStage, wire: Any, *message: Any) -> list[Any]:
    """Say something, and return the answer."""
    wire.send([DUMP["json"](list(message))])
    stage.clock.advance(0)
    answer: list[Any] = LOAD["json"](wire.receive())
    return answer


# --- names of realms ---


@pytest.mark.trap(16)
@pytest.mark.parametrize("details", [{}, {"authmethods": ["ticket"], "authid": "joe"}], ids=["nobody", "guesses"])
def test_names_of_realms_from_clients_that_are_not_let_in_leave_nothing(details: dict[str, Any]) -> None:
    stage = MemoryStage("json")
    realms = len(stage.realms.all())

    def knock(number: int) -> None:
        wire = stage.connect("json")
        answer = say(stage, wire, 1, f"com.locked.{number:x<400}", {"roles": EVERY_ROLE, **details})
        if details:
            assert answer[0] == 4
            answer = say(stage, wire, 5, "a guess", {})
        assert answer[0] == 3
        wire.drop()
        stage.wires.clear()
        stage.clock.advance(10)

    for number in range(50):
        knock(number)
    with measured() as grown:
        for number in range(50, 1050):
            knock(number)
        gc.collect()
        assert grown() < 300_000  # the names are 400 kB; Twisted keeps what is logged while nobody takes it
    assert len(stage.realms.all()) == realms


@pytest.mark.trap(16)
def test_realms_that_come_and_go_leave_nothing() -> None:
    stage = MemoryStage("json")
    realms = len(stage.realms.all())

    def visit(number: int) -> None:
        wire = stage.connect("json")
        assert say(stage, wire, 1, f"com.tenant.{number:x<400}", {"roles": EVERY_ROLE})[0] == 2
        for request in range(1, 4):
            assert say(stage, wire, 32, request, {}, f"com.{request}")[0] == 33
        assert say(stage, wire, 48, 4, {}, "com.nobody")[0] == 8
        assert len(stage.realms.all()) == realms + 1
        wire.drop()
        stage.wires.clear()
        stage.clock.advance(10)

    for number in range(20):
        visit(number)
    with measured() as grown:
        for number in range(20, 320):
            visit(number)
        gc.collect()
        assert grown() < 300_000  # a tenth of so many realms
    assert len(stage.realms.all()) == realms


@pytest.mark.trap(16)
def test_a_running_router_opens_as_many_realms_as_the_template_says(start: Callable[..., Attacked]) -> None:
    router = start(realm={"name": "com.tenant.", "match": "prefix", "on_demand": {"realms": 50}})

    def knock(name: str) -> tuple[Client, list[Any]]:
        client = Client(router.port)
        client.shake_hands()
        client.send([1, name, {"roles": EVERY_ROLE}])
        return client, client.receive()

    def rush(times: int) -> list[list[Any]]:
        clients = [knock(f"com.tenant.{number}.{'x' * 300}") for number in range(times)]
        for client, _ in clients:
            client.close()
        return [answer for _, answer in clients]

    answers = rush(150)
    assert [answer[0] for answer in answers] == [2] * 50 + [3] * 100
    assert answers[-1][1:] == [{"message": "no more than 50 realms at once (limit: realms)"}, "wamp.error.unavailable"]
    router.process.wait_until(lambda: router.log().count(" is closed") >= 50, "all realms are closed again")
    before = memory(router.pid)
    for _ in range(4):
        assert rush(40)[-1][0] == 2
    assert memory(router.pid) - before < 4 * MIB


# --- rates ---


def test_a_flood_of_calls_over_the_rate_is_answered_and_harms_nobody(start: Callable[..., Attacked]) -> None:
    router = start(realm=HASTY)
    with singing(router.port, router.pid) as canary:
        flooder = hasty(router.port)
        started = time.monotonic()
        served = refused = 0
        ids = itertools.count(1)
        for _ in range(100):
            flooder.send(*([48, next(ids), {}, "com.nobody"] for _ in range(100)))
            for _ in range(100):
                error = flooder.receive()[4]
                served += error == "wamp.error.no_such_procedure"
                refused += error == "wamp.error.unavailable"
        elapsed = time.monotonic() - started
        assert served + refused == 10_000
        assert 20 <= served <= 20 + 10 * elapsed + 1
        assert canary.worst < 1.0


def test_a_flood_of_publications_over_the_rate_reaches_no_more_than_the_rate(start: Callable[..., Attacked]) -> None:
    router = start(realm=HASTY)
    with singing(router.port, router.pid) as canary:
        subscriber, flooder = joined(router.port), hasty(router.port)
        subscriber.ask(32, {}, "com.flood")
        before = memory(router.pid)
        started = time.monotonic()
        message = flooder.framed(flooder.encode([16, 1, {}, "com.flood", ["x" * 200]]))
        for _ in range(100):
            flooder.socket.sendall(message * 500)
        assert flooder.ask(32, {}, "com.done")[0] == 33  # all of it is served
        elapsed = time.monotonic() - started
        assert joined(router.port).ask(16, {"acknowledge": True}, "com.flood", ["last"])[0] == 17
        events = 0
        while subscriber.receive()[4] != ["last"]:
            events += 1
        assert 20 <= events <= 20 + 10 * elapsed + 1
        assert canary.worst < 1.0
        assert memory(router.pid) - before < 8 * MIB
