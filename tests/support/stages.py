"""Where plays are played: a router in memory, and a running one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from tests.support.longpoll import LongPollWire
from tests.support.process import ROOT
from tests.support.wires import MemoryWire, Wire, socket_wire
from wampd.router.daemon import Daemon
from wampd.router.realms import Realms
from wampd.router.settings import Settings, load

CONFIGURATION = ROOT / "tests" / "configs" / "conformance.yaml"


@cache
def _settings(configuration: Path) -> Settings:
    return load(configuration, {})


class MemoryStage:
    """A router of its own for one play, wired as the daemon wires it, on a clock that the play moves."""

    def __init__(self, serializer: str, configuration: Path = CONFIGURATION) -> None:
        self.serializer = serializer
        self.clock = Clock()
        self.realms: Realms = Daemon(self.clock, _settings(configuration)).realms
        self.wires: list[MemoryWire] = []

    def connect(self, serializer: str, **options: Any) -> Wire:
        wire = MemoryWire(self.realms, self.clock, serializer, **options)
        self.wires.append(wire)
        return wire


class SocketStage:
    """A router that runs in a process of its own, shared by many plays."""

    def __init__(self, transport: str, serializer: str, port: int) -> None:
        self.transport = transport
        self.serializer = serializer
        self.port = port

    def connect(self, serializer: str, **options: Any) -> Wire:
        if self.transport == "longpoll":
            return LongPollWire(self.port, serializer, **options)
        return socket_wire(self.transport, self.port, serializer, **options)
