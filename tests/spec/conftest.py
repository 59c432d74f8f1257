"""The plays of the conformance tests: every conversation in memory in each serialization, and over the socket transports.

Which transports and serializations
-----------------------------------
* Every conversation is held on the wires of `EVERYWHERE`: each transport and each serialization is among them; and on those of
  `SOCKETS`, WebSocket and RawSocket in each serialization.
* The chapters in `THOROUGH`, which between them use every type of message with a payload, are held on each transport in each
  serialization, FlatBuffers included.
* What is not in `EVERYWHERE` carries the mark ``thorough``: ``-m "not thorough"`` leaves it out.
* FlatBuffers over sockets is for `THOROUGH` and `CARRIED_BY_FLATBUFFERS`: its schema has no field for many an option that the
  other chapters are about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.play import Play
from tests.support.process import running_wampd
from tests.support.stages import CONFIGURATION, MemoryStage, SocketStage
from tests.support.wires import wire_names

EVERYWHERE = (
    "memory-json",
    "memory-msgpack",
    "memory-cbor",
    "memory-ubjson",
    "websocket-json",
    "websocket-cbor",
    "batched-json",
    "rawsocket-msgpack",
    "longpoll-json",
)
SOCKETS = tuple(wire for wire in wire_names("websocket", "rawsocket") if not wire.endswith("-flatbuffers"))
THOROUGH = ("test_rpc", "test_pubsub", "test_ordering")
CARRIED_BY_FLATBUFFERS = (
    "test_killing",
    "test_listing",
    "test_meta_registrations",
    "test_meta_sessions",
    "test_meta_subscriptions",
    "test_patterns",
    "test_progressive_results",
    "test_realms_on_demand",
    "test_registration_revocation",
)
ALL_WIRES = wire_names("memory", "websocket", "batched", "rawsocket", "longpoll")
JSON = ("memory-json", "websocket-json", "rawsocket-json")
IN_MEMORY = ("memory-json",)


@pytest.fixture(scope="session")
def router_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a running router; in the end it must stop cleanly, and must not have found a bug of its own."""
    log = tmp_path_factory.mktemp("wampd") / "wampd.log"
    with running_wampd(CONFIGURATION, log) as (wampd, port):
        yield port
        said = wampd.log()
    assert "a bug in wampd" not in said, said
    assert "Traceback" not in said, said


def _play(request: pytest.FixtureRequest) -> Iterator[Play]:
    transport, _, serializer = request.param.partition("-")
    if transport == "memory":
        play = Play(MemoryStage(serializer))
    else:
        play = Play(SocketStage(transport, serializer, request.getfixturevalue("router_port")))
    yield play
    try:
        if not request.node.stash.get(FAILED, False):
            play.end()
    finally:
        play.leave()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.when == "call" and call.excinfo is not None:
        item.stash[FAILED] = True
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "play" in metafunc.fixturenames:
        chapter = metafunc.module.__name__.rpartition(".")[2]
        more = ALL_WIRES if chapter in THOROUGH else SOCKETS
        if chapter in CARRIED_BY_FLATBUFFERS:
            more += ("websocket-flatbuffers", "rawsocket-flatbuffers")
        wires: list[Any] = list(EVERYWHERE)
        wires += [pytest.param(wire, marks=pytest.mark.thorough) for wire in more if wire not in EVERYWHERE]
        metafunc.parametrize("play", wires, indirect=True)


@pytest.fixture
def play(request: pytest.FixtureRequest) -> Iterator[Play]:
    """A conversation that is the same over every transport and in every serialization."""
    yield from _play(request)


@pytest.fixture(params=JSON)
def json_play(request: pytest.FixtureRequest) -> Iterator[Play]:
    """A conversation about JSON, over every transport."""
    yield from _play(request)


@pytest.fixture(params=IN_MEMORY)
def memory_play(request: pytest.FixtureRequest) -> Iterator[Play]:
    """A conversation that needs the clock or the router itself at hand: ``play.stage``."""
    yield from _play(request)
