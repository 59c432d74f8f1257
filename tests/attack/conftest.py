"""Routers to attack: real processes, each with what its tests need set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.attack.client import OPENED
from tests.support.process import Child, running_wampd

ALL = ["call", "register", "publish", "subscribe"]


class Attacked:
    """A running router."""

    def __init__(self, process: Child, port: int) -> None:
        self.process = process
        self.port = port

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        return self.process.log()


def settings(
    *,
    limits: dict[str, Any] | None = None,
    session: dict[str, Any] | None = None,
    process: dict[str, Any] | None = None,
    websocket: dict[str, Any] | None = None,
    http: dict[str, Any] | None = None,
    realm: dict[str, Any] | None = None,
    log: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A configuration: everything open, with these limits of the listener, of a session and of the process."""
    return {
        "realms": [
            {
                "name": "realm1",
                "roles": [
                    {
                        "name": "anonymous",
                        "permissions": [
                            {"uri": "", "match": "prefix", "allow": ALL},
                            {"uri": "wamp.", "match": "prefix", "allow": ALL},
                        ],
                    }
                ],
                "auth": {"anonymous": {"role": "anonymous"}},
                "limits": session or {},
                **(realm or {}),
            }
        ],
        "listeners": [
            {
                "endpoint": "tcp:${WAMPD_PORT}:interface=127.0.0.1",
                "websocket": {"/ws": {"type": "wamp", **(websocket or {})}, "/echo": {"type": "echo"}},
                "rawsocket": {"serializers": ["json", "msgpack", "cbor", "ubjson", "flatbuffers"]},
                "http": http or {},
                "limits": limits or {},
            }
        ],
        "limits": {"drain": 1.0, "stop": 5.0, **(process or {})},
        "log": log or {},
    }


def hang_up() -> None:
    """Close all connections of the present test."""
    while OPENED:
        OPENED.pop().close()


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """Close the connections that a test leaves open."""
    yield
    hang_up()


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A router with the default limits, shared by the tests of a file. In the end its log holds no traceback."""
    directory = tmp_path_factory.mktemp("router")
    with running(settings(), directory) as attacked:
        yield attacked


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Attacked]]:
    """Start a router with settings of its own; the keyword ``env`` adds to its environment."""
    with ExitStack() as stack:
        yield lambda env=None, **parts: stack.enter_context(running(settings(**parts), tmp_path, env))
        hang_up()  # so that the router need not wait for them


@contextmanager
def running(config: dict[str, Any], directory: Path, env: dict[str, str] | None = None) -> Iterator[Attacked]:
    """A router with this configuration; in the end its log holds no traceback."""
    path = directory / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    with running_wampd(path, directory / "log", env=env) as (process, port):
        attacked = Attacked(process, port)
        yield attacked
        assert "Traceback" not in attacked.log(), process.described()
