"""``python -m bench.watching``: what it costs the router to be watched, with very many sessions and messages.

How it measures
---------------
* One router with a monitor, and idle sessions. A client asks what the dashboard asks, each thing alone and some time after
  the one before; what the router's CPU time (the system's own count, in nanoseconds) grows by is the cost. The median
  counts, for a neighbour on the machine makes single ones dearer.
* The tick is what seconds cost with somebody subscribed to it, less what they cost with nobody.
* A dashboard shows one view at a time; here all of them are asked for, each as often as its view does.
* ``--load``: the CPU time while a generator makes 12,500 calls a second (50,000 messages), with a client that asks all that and
  without, in turn. What counts is the difference of neighbouring measurements: on a machine with neighbours they scatter by
  more than watching costs, so many short pairs tell more than a few long ones. A pair in which the calls were not all made,
  since a neighbour had the processors, is left out and counted; with more of those than of the others nothing is told.
* Router and client are processes of their own, each with a descriptor a session: 10,000 of them fit a limit of 20,000.
"""

from __future__ import annotations

import argparse
import json
import os
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
PAUSE: Final = 1.1
"""Seconds between two requests: rates are over a second at least, so that those are the dearest."""
SECONDS: Final = 3.0
"""Of each measurement under load."""
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
        """The next message; there are no pings."""
        (size,) = struct.unpack(">I", self._read(4))
        message: list[Any] = json.loads(self._read(size))
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


def cost(running: Running, session: Session, procedure: str, given: dict[str, Any], times: int) -> float:
    """Seconds of CPU time that one answer takes."""
    costs = []
    for number in range(times):
        time.sleep(PAUSE)
        before = cpu(running.pid)
        session.send([48, number + 1, {}, f"wampd.monitor.{procedure}", [], given])
        if session.receive()[0] != 50:
            raise RuntimeError(f"the router refuses {procedure}")
        time.sleep(0.02)
        costs.append(cpu(running.pid) - before)
    return statistics.median(costs)


def tick(running: Running, port: int, times: int) -> float:
    """Seconds of CPU time that a second takes more when somebody hears the tick."""
    costs: dict[bool, list[float]] = {False: [], True: []}
    session = Session(port)
    for number in range(times):
        session.send([32, 2 * number + 1, {}, "wampd.monitor.tick"])
        subscription = session.receive()[2]
        for hears in (True, False):
            session.receive() if hears else None
            before = cpu(running.pid)
            session.receive() if hears else time.sleep(1.0)
            costs[hears].append(cpu(running.pid) - before)
            if hears:
                session.send([34, 2 * number + 2, subscription])
                while session.receive()[0] != 35:
                    pass
    session.close()
    return max(0.0, statistics.median(costs[True]) - statistics.median(costs[False]))


def busy(running: Running, port: int, seconds: float, rounds: int) -> list[tuple[float, float]]:
    """Pairs of shares of a core while calls are made, with nobody who watches and with somebody.

    Raise `RuntimeError` if the calls were mostly not made.
    """
    pairs: list[tuple[float, float]] = []
    left_out = 0
    command = [str(toolchain.compiled(generator.SOURCE)), *LOAD, "--rate", str(CALLS), "--dur", str(seconds)]
    command += ["--url", f"ws://127.0.0.1:{port}/ws", "--pid", str(running.pid)]
    while len(pairs) < rounds:
        outcomes = []
        for really in (False, True):
            with watched(port, really=really):
                done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
            outcomes.append(generator.read_outcome(done.stdout, done.stderr))
        if all(carried(outcome) for outcome in outcomes):
            unwatched, looked_at = (float(outcome["router_cpu_util"]) for outcome in outcomes)
            pairs.append((unwatched, looked_at))
        elif (left_out := left_out + 1) > rounds:
            raise RuntimeError(f"the load was mostly not carried, the last time: {outcomes}")
    print(f"{left_out} pairs left out, in which the load was not carried")
    return pairs


def carried(outcome: dict[str, Any]) -> bool:
    """Whether the calls were made that were to be made."""
    return not outcome["errors"] and bool(outcome["ops_s"] >= 0.95 * CALLS)


def main() -> int:
    """Measure, and print a row of the table."""
    parser = argparse.ArgumentParser(description="What it costs the router to be watched.")
    parser.add_argument("--sessions", type=int, default=10_000, help="idle sessions")
    parser.add_argument("--times", type=int, default=20, help="how often each thing is asked for")
    parser.add_argument("--load", type=int, default=0, metavar="ROUNDS", help="measure under load, too")
    given = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    port = processes.free_ports(1)[0]
    with tempfile.TemporaryDirectory() as directory:
        running = processes.start(
            [sys.executable, "-m", "wampd", "run", str(CONFIG)],
            cwd=BENCH.parent,
            environment={**os.environ, "PYTHONPATH": str(BENCH.parent), "WAMPD_PORT": str(port)},
            urls={},
            ports=[port],
            log=Path(directory) / "log",
            cpu=0,
        )
        try:
            with processes.pinned(1):
                sessions = [Session(port) for _ in range(given.sessions)]
                report(running, port, len(sessions), given.times)
                if given.load:
                    pairs = busy(running, port, SECONDS, given.load)
                    compare([unwatched for unwatched, _ in pairs], [looked_at for _, looked_at in pairs])
        finally:
            processes.stop(running)
    return 0


def compare(unwatched: Sequence[float], watched: Sequence[float]) -> None:
    """Print what watching costs under load: the median of the differences, and what its mean is good for."""
    differences = [more - less for less, more in zip(unwatched, watched, strict=True)]
    scatter = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else float("inf")
    medians = f"{statistics.median(unwatched):.1%} of a core unwatched, {statistics.median(watched):.1%} watched"
    print(f"{4 * CALLS:,} messages/s, {len(differences)} pairs of {SECONDS:g} s: {medians} (medians)")
    print(f"difference: {statistics.median(differences):+.2%} of a core, standard error {scatter:.2%}")


def report(running: Running, port: int, sessions: int, times: int) -> None:
    """Measure each thing, and print the rows of a table."""
    print(f"| with {sessions:,} sessions | CPU each | every | of a core |")
    print("|---|---:|---:|---:|")
    seconds = tick(running, port, times)
    total = seconds
    print(f"| tick | {seconds * 1e3:.2f} ms | 1 s | {seconds:.3%} |")
    session = Session(port)
    for every, procedure, given in EVERY:
        seconds = cost(running, session, procedure, given, times)
        total += seconds / every
        print(f"| {procedure} | {seconds * 1e3:.2f} ms | {every:g} s | {seconds / every:.3%} |")
    session.close()
    print(f"| together | | | {total:.2%} |")


if __name__ == "__main__":
    sys.exit(main())
