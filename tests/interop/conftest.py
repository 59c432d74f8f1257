"""A router, and the clients of others that meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.needs import unavailable
from tests.support.process import ROOT, START_TIMEOUT, Child, environment, running_wampd

CONFIGURATION = ROOT / "tests" / "configs" / "interop.yaml"
HERE = Path(__file__).parent
PATIENCE = 2 * START_TIMEOUT
"""Seconds that a scenario may take, from the start of its client: some wait for others who start beside them. Most need one."""


@dataclass(frozen=True)
class Client:
    """A client library as the tests run it."""

    name: str
    command: tuple[str, ...]
    transport: str
    serializer: str

    def __str__(self) -> str:
        return f"{self.name}-{self.transport}-{self.serializer}"


def python(framework: str, transport: str, serializer: str) -> Client:
    """autobahn-python on ``twisted`` or ``asyncio``."""
    return Client(framework, (sys.executable, str(HERE / "python" / "client.py"), framework), transport, serializer)


def node(name: str, serializer: str) -> Client:
    """``autobahn`` or ``wampy`` in Node.js."""
    return Client(name, ("node", str(HERE / "node" / f"{name}_client.js")), "websocket", serializer)


def need(*clients: Client) -> None:
    """Go on only if the libraries of all these clients are there."""
    for client in clients:
        if client.command[0] == "node" and not (HERE / "node" / "node_modules" / client.name).is_dir():
            unavailable("the npm packages of tests/interop/node are missing; run: tools/setup node")


class Field:
    """Where scenarios are held: one router, and the procedures of the host."""

    def __init__(self, port: int, router: Child) -> None:
        self.port = port
        self.router = router

    def variables(self, client: Client, **more: str) -> dict[str, str]:
        """The environment that tells a client where to go."""
        url = {"websocket": f"ws://127.0.0.1:{self.port}/ws", "rawsocket": f"rs://127.0.0.1:{self.port}"}
        return environment(WAMP_URL=url[client.transport], WAMP_SERIALIZER=client.serializer, **more)

    def hold(self, client: Client, scenario: str, **variables: str) -> dict[str, Any]:
        """Let a client hold a scenario, with ``variables`` in its environment; the facts that it reports."""
        need(client)
        done = subprocess.run(
            [*client.command, scenario],
            env=self.variables(client, **variables),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        told = f"{client}: {scenario}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, told
        lines = [line for line in done.stdout.splitlines() if line.startswith("facts: ")]
        assert len(lines) == 1, told
        facts: dict[str, Any] = json.loads(lines[0].removeprefix("facts: "))
        return facts


@pytest.fixture(scope="session")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """A running router, which must not have found a bug of its own, nor a client that breaks the protocol."""
    folder = tmp_path_factory.mktemp("interop")
    with running_wampd(CONFIGURATION, folder / "wampd.log") as (wampd, port):
        yield Field(port, wampd)
        said = wampd.log()
    assert "a bug in wampd" not in said, said
    assert "Traceback" not in said, said
    assert "protocol violation" not in said, said


@pytest.fixture(scope="session")
def host(field: Field, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What serves the procedures that clients of other kinds call."""
    client = python("twisted", "websocket", "json")
    log = tmp_path_factory.mktemp("host") / "host.log"
    with Child([*client.command, "host"], log, env=field.variables(client)) as child:
        child.wait_for_log("serving")
        yield
