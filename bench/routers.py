"""The routers that are measured: how each is installed, started and reached, and what it can speak.

Each gets the configuration that suits it best, as its own documentation would have it: crossbar a dedicated listener
for each transport and its authorization cache on; xconn the event loop uvloop; fox-wamp its tracing off.
"""

import json
import os
import string
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bench import processes, toolchain
from bench.cells import TRANSPORTS, Cell
from bench.environments import (
    BENCH,
    CONFIGS,
    ENVIRONMENTS,
    ROOT,
    UnavailableError,
    node_environment,
    python_environment,
)
from bench.machine import python_versions, revision
from bench.processes import Running

_FLOOR: Final = BENCH / "floor.c"
LOGS: Final = ENVIRONMENTS / "logs"


class Router(Protocol):
    """What the runner asks of a router."""

    @property
    def name(self) -> str: ...
    def can_run(self, cell: Cell) -> bool:
        """Whether it speaks what `cell` needs."""

    def prepare(self) -> None:
        """Install what is needed; ``UnavailableError`` when that cannot be."""

    def versions(self) -> dict[str, str]:
        """What exactly is measured: names and versions."""

    def start(self, cpu: int | None) -> Running:
        """A new instance on ports of its own; ``processes.StartError`` when it does not come up."""


@dataclass(frozen=True, slots=True)
class Wampd:
    """wampd from a source tree, run by the interpreter that runs this harness."""

    name: str = "wampd"
    tree: Path = ROOT

    def can_run(self, cell: Cell) -> bool:
        """Everything."""
        return cell.transport in TRANSPORTS

    def prepare(self) -> None:
        """See that the interpreter would take the package of this tree and no other, and compile it as an installation does."""
        try:
            found = subprocess.run(
                [sys.executable, "-c", "import wampd; print(wampd.__file__)"],
                cwd=self.tree, env=self._environment(), capture_output=True, text=True, check=True,
            ).stdout.strip()  # fmt: skip
        except subprocess.CalledProcessError as error:
            raise UnavailableError(error.stderr.strip().splitlines()[-1]) from error
        if not Path(found).resolve().is_relative_to(self.tree.resolve()):
            raise UnavailableError("the interpreter finds another wampd than this tree's")
        # What was compiled at the start would be measured as part of it, in time and in memory.
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(self.tree / "wampd")], check=True)

    def versions(self) -> dict[str, str]:
        """The revision, and the libraries that carry the hot path."""
        libraries = python_versions(sys.executable, ["twisted", "msgspec", "websockets", "cbor2"])
        return {"wampd": revision(self.tree), "python": sys.version.split()[0], **libraries}

    def start(self, cpu: int | None) -> Running:
        """One port for both transports; the same configuration for all revisions that are compared."""
        port = processes.free_ports(1)[0]
        return processes.start(
            [sys.executable, "-m", "wampd", "run", str(ROOT / "bench" / "configs" / "wampd" / "config.yaml")],
            cwd=self.tree,
            environment={**self._environment(), "WAMPD_PORT": str(port)},
            urls={"ws": f"ws://127.0.0.1:{port}/ws", "rs": f"rs://127.0.0.1:{port}"},
            ports=[port],
            log=LOGS / f"{_file_name(self.name)}.log",
            cpu=cpu,
        )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.tree)}


@dataclass(frozen=True, slots=True)
class Crossbar:
    """Crossbar.io from PyPI: a controller process and one router worker."""

    name: str = "crossbar"

    def can_run(self, cell: Cell) -> bool:
        """Everything."""
        return cell.transport in TRANSPORTS

    def prepare(self) -> None:
        """Its virtual environment."""
        python_environment(self.name)

    def versions(self) -> dict[str, str]:
        """Its own and those of what carries its messages."""
        interpreter = str(python_environment(self.name))
        return python_versions(interpreter, ["crossbar", "autobahn", "twisted", "msgpack", "cbor2"]) | {
            "python": _python_of(interpreter)
        }

    def start(self, cpu: int | None) -> Running:
        """A node folder is written for the instance: crossbar keeps its keys and its lock there."""
        port, rawsocket_port = processes.free_ports(2)
        folder = ENVIRONMENTS / "nodes" / f"{self.name}-{port}"
        folder.mkdir(parents=True, exist_ok=True)
        template = string.Template((CONFIGS / self.name / "config.json").read_text())
        (folder / "config.json").write_text(template.substitute(port=port, rawsocket_port=rawsocket_port))
        command = Path(python_environment(self.name)).with_name("crossbar")
        return processes.start(
            [str(command), "start", "--cbdir", str(folder), "--loglevel", "warn"],
            cwd=folder,
            environment={**os.environ, "PYTHONPATH": ""},
            urls={"ws": f"ws://127.0.0.1:{port}/ws", "rs": f"rs://127.0.0.1:{rawsocket_port}"},
            ports=[port, rawsocket_port],
            log=LOGS / f"{self.name}.log",
            cpu=cpu,
        )


@dataclass(frozen=True, slots=True)
class Xconn:
    """xconn from PyPI: a Python router on asyncio and aiohttp; it has no RawSocket listener."""

    name: str = "xconn"

    def can_run(self, cell: Cell) -> bool:
        """WebSocket alone; it takes a pattern for an exact URI."""
        return cell.transport == "ws" and cell.shape.key != "patterns"

    def prepare(self) -> None:
        """Its virtual environment."""
        python_environment(self.name)

    def versions(self) -> dict[str, str]:
        """Its own and those of what carries its messages."""
        interpreter = str(python_environment(self.name))
        return python_versions(interpreter, ["xconn", "wampproto", "aiohttp", "uvloop", "msgpack", "cbor2"]) | {
            "python": _python_of(interpreter)
        }

    def start(self, cpu: int | None) -> Running:
        """The few lines of ``configs/xconn/router.py``."""
        port = processes.free_ports(1)[0]
        return processes.start(
            [str(python_environment(self.name)), str(CONFIGS / self.name / "router.py"), str(port)],
            cwd=CONFIGS / self.name,
            environment={**os.environ, "PYTHONPATH": ""},
            urls={"ws": f"ws://127.0.0.1:{port}/ws"},
            ports=[port],
            log=LOGS / f"{self.name}.log",
            cpu=cpu,
        )


@dataclass(frozen=True, slots=True)
class FoxWamp:
    """fox-wamp from npm: a router on Node; it speaks JSON over WebSocket alone."""

    name: str = "fox-wamp"

    def can_run(self, cell: Cell) -> bool:
        """JSON over WebSocket."""
        return (cell.transport, cell.serializer) == ("ws", "json")

    def prepare(self) -> None:
        """Its ``node_modules``."""
        node_environment(self.name)

    def versions(self) -> dict[str, str]:
        """Its own, ws's and Node's."""
        modules = node_environment(self.name)
        found = {name: _node_version(modules / name) for name in ("fox-wamp", "ws")}
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
        return {**found, "node": node.removeprefix("v")}

    def start(self, cpu: int | None) -> Running:
        """The few lines of ``configs/fox-wamp/router.js``."""
        port = processes.free_ports(1)[0]
        running = processes.start(
            ["node", str(CONFIGS / self.name / "router.js"), str(port)],
            cwd=CONFIGS / self.name,
            environment={**os.environ, "NODE_PATH": str(node_environment(self.name))},
            urls={"ws": f"ws://127.0.0.1:{port}/ws"},
            ports=[port],
            log=LOGS / f"{self.name}.log",
            cpu=cpu,
        )
        running.patterns = "fox"
        return running


@dataclass(frozen=True, slots=True)
class Floor:
    """No router: a C program that copies frames of its own kind from one connection to another, and nothing else.

    It stands where WebSocket with JSON stands, and tells what the kernel and the machine take of a figure.
    """

    name: str = "floor"

    def can_run(self, cell: Cell) -> bool:
        """Traffic; it knows no sessions, no registrations, and one topic only."""
        traffic = cell.shape.scenario in ("rpc", "pubsub") and cell.shape.key != "topics-50"
        return traffic and (cell.transport, cell.serializer) == ("ws", "json")

    def prepare(self) -> None:
        """Compile it."""
        toolchain.compiled(_FLOOR)

    def versions(self) -> dict[str, str]:
        """It has none: it is in this tree."""
        return {"floor": "floor.c"}

    def start(self, cpu: int | None) -> Running:
        """The compiled program."""
        port = processes.free_ports(1)[0]
        return processes.start(
            [str(toolchain.compiled(_FLOOR)), str(port)],
            cwd=ENVIRONMENTS,
            environment=dict(os.environ),
            urls={"ws": f"fwd://127.0.0.1:{port}"},
            ports=[port],
            log=LOGS / f"{self.name}.log",
            cpu=cpu,
        )


def _python_of(interpreter: str) -> str:
    script = "import platform; print(platform.python_version())"
    return subprocess.run([interpreter, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def _node_version(package: Path) -> str:
    return str(json.loads((package / "package.json").read_text())["version"])


def _file_name(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-." else "-" for char in name)


_ALL: Final[tuple[Router, ...]] = (Wampd(), Crossbar(), Xconn(), FoxWamp(), Floor())
ROUTERS: Final = {router.name: router for router in _ALL}
