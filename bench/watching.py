"""``python -m bench.watching``: what it costs the router to be watched, with very many sessions and as many messages as it serves.

How it measures
---------------
* One router with a monitor, and idle sessions; a client that asks as the dashboard does: the tick, and a page of sessions sorted by
  their rate every two seconds, slow calls and slow consumers and errors every three, overview and history every ten.
* The router's CPU time as a share of one core, with that client and without, in turn: while nothing else goes on, and while a
  generator makes 12,500 calls a second, which are 50,000 messages. Figures are medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import resource
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import generator, processes, toolchain
from bench.environments import BENCH
from bench.processes import Running

CONFIG: Final = BENCH / "configs" / "wampd" / "watched.yaml"
CALLS: Final = 12_500
"""How many a second; each is four messages."""
LOAD: Final = ("rpc", "--callers", "8", "--inflight", "32", "--ser", "json", "--payload", "16", "--warm", "1")
HELLO: Final = [1, "realm1", {"roles": {"caller": {}, "subscriber": {}}}]
RAWSOCKET: Final = b"\x7f\xf1\x00\x00"
EVERY: Final[Sequence[tuple[float, str, dict[str, Any]]]] = (
    (2.0, "sessions", {"sort": "in", "descending": True, "limit": 50}),
    (3.0, "slow_calls", {}),
    (3.0, "slow_consumers", {}),
    (3.0, "errors", {}),
    (10.0, "overview", {}),
    (10.0, "history", {}),
)
"""What the client asks, and after how many seconds again."""


class Session:
    """A session over RawSocket, in JSON."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.sendall(RAWSOCKET)
        self._read(4)
        self.send(HELLO)
        assert self.receive()[0] == 2

    def send(self, message: list[Any]) -> None:
        """Send a message."""
        payload = json.dumps(message).encode()
        self._socket.sendall(struct.pack(">I", len(payload)) + payload)

    def receive(self) -> list[Any]:
        """The next message; pings are passed over."""
        while True:
            (head,) = struct.unpack(">I", self._read(4))
            payload = self._read(head & 0xFFFFFF)
            if head >> 24 == 0:
                message: list[Any] = json.loads(payload)
                return message

    def close(self) -> None:
        """Be gone."""
        self._socket.close()

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += (more := self._socket.recv(size - len(data)))
            if not more:
                raise EOFError("the router has closed the connection")
        return data


class Watcher(threading.Thread):
    """A client that asks as the dashboard does, until it is told to stop."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._session = Session(port)
        self._over = threading.Event()
        self.answers = 0
        self.ticks = 0

    def run(self) -> None:
        """Ask, a look at the time with every tick."""
        session, number = self._session, 1
        session.send([32, number, {}, "wampd.monitor.tick"])
        due = [0.0] * len(EVERY)
        while not self._over.is_set():
            message = session.receive()
            if message[0] == 8:
                raise RuntimeError(f"the router refuses: {message}")
            self.answers += message[0] == 50
            self.ticks += message[0] == 36
            for index, (interval, procedure, given) in enumerate(EVERY):
                if time.monotonic() >= due[index]:
                    due[index] = time.monotonic() + interval - 0.1
                    number += 1
                    session.send([48, number, {}, f"wampd.monitor.{procedure}", [], given])

    def stop(self) -> None:
        """Ask no more; see that there were answers."""
        self._over.set()
        self.join(10)
        self._session.close()
        if not self.answers or not self.ticks:
            raise RuntimeError("the client that watches got no answers")


@contextmanager
def watched(port: int, *, really: bool) -> Iterator[None]:
    """While this lasts, somebody watches; or nobody."""
    if not really:
        yield
        return
    watcher = Watcher(port)
    watcher.start()
    try:
        yield
    finally:
        watcher.stop()


def cpu(pid: int) -> float:
    """Seconds that the threads of a process have had a processor."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU without the client that watches, and with it, of each round."""

    without: list[float]
    having: list[float]

    @property
    def medians(self) -> tuple[float, float]:
        """Of the rounds."""
        return statistics.median(self.without), statistics.median(self.having)


def idle(running: Running, port: int, seconds: float, rounds: int) -> Measured:
    """The share of a core while nothing else goes on."""
    shares: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for really in (False, True):
            with watched(port, really=really):
                time.sleep(1.5)
                before, begun = cpu(running.pid), time.monotonic()
                time.sleep(seconds)
                shares[really].append((cpu(running.pid) - before) / (time.monotonic() - begun))
    return Measured(shares[False], shares[True])


def busy(running: Running, port: int, seconds: float, rounds: int) -> Measured:
    """The share of a core while calls are made."""
    shares: dict[bool, list[float]] = {False: [], True: []}
    command = [str(toolchain.compiled(generator.SOURCE)), *LOAD, "--rate", str(CALLS), "--dur", str(seconds)]
    command += ["--url", f"ws://127.0.0.1:{port}/ws", "--pid", str(running.pid)]
    for _ in range(rounds):
        for really in (False, True):
            with watched(port, really=really):
                done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
            outcome = generator.read_outcome(done.stdout, done.stderr)
            if outcome["errors"] or outcome["ops_s"] < 0.95 * CALLS:
                raise RuntimeError(f"the load was not carried: {outcome}")
            shares[really].append(float(outcome["router_cpu_util"]))
    return Measured(shares[False], shares[True])


def main() -> int:
    """Measure, and print a row of the table."""
    parser = argparse.ArgumentParser(description="What it costs the router to be watched.")
    parser.add_argument("--sessions", type=int, default=9_500, help="idle sessions")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    port = processes.free_ports(1)[0]
    with tempfile.TemporaryDirectory() as directory:
        running = processes.start(
            [sys.executable, "-m", "wampd", "run", str(CONFIG)],
            cwd=BENCH.parent,
            environment={**processes.os.environ, "PYTHONPATH": str(BENCH.parent), "WAMPD_PORT": str(port)},
            urls={},
            ports=[port],
            log=Path(directory) / "log",
            cpu=0,
        )
        try:
            with processes.pinned(1):
                sessions = [Session(port) for _ in range(given.sessions)]
                alone = idle(running, port, given.seconds, given.rounds)
                loaded = busy(running, port, given.seconds, given.rounds)
                report(len(sessions), alone, loaded)
        finally:
            processes.stop(running)
    return 0


def report(sessions: int, alone: Measured, loaded: Measured) -> None:
    """Print what was measured."""
    for name, measured in (("idle", alone), (f"{4 * CALLS:,} messages/s", loaded)):
        without, having = measured.medians
        print(f"{sessions:,} sessions, {name}: {without:.2%} unwatched, {having:.2%} watched: {having - without:.2%} of a core")
        print(f"  rounds: {[round(each, 4) for each in measured.without]} {[round(each, 4) for each in measured.having]}")


if __name__ == "__main__":
    sys.exit(main())
