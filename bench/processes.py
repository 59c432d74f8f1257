"""Starting a router pinned to a core, waiting for its port, weighing it, and ending it with all its children."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

START_SECONDS: Final = 60.0
"""How long a router may take until its port is open."""
SETTLE_SECONDS: Final = 1.0
"""From the open port until the memory is read, so that what follows the listening counts too."""
STOP_SECONDS: Final = 5.0


class StartError(Exception):
    """A router did not come up; the text says why, as far as its log tells."""


@dataclass(slots=True)
class Running:
    """A router that is up: how to reach it, and what its start cost."""

    process: subprocess.Popen[bytes]
    urls: dict[str, str]
    start_ms: float = 0.0
    rss_start: int = 0
    patterns: str = "wamp"
    """The notation of its patterns, as the generator calls it: ``wamp`` (``a..c``) or ``fox`` (``a.*.c``)."""

    @property
    def pid(self) -> int:
        """The process whose CPU time and memory count, with its descendants'."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None


def free_ports(count: int) -> list[int]:
    """`count` loopback ports that nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [server.getsockname()[1] for server in held]
    finally:
        for server in held:
            server.close()


@contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    """Children started inside inherit this one CPU (all of ours when `cpu` is None)."""
    before = os.sched_getaffinity(0)
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def start(
    command: list[str],
    *,
    cwd: Path,
    environment: dict[str, str],
    urls: dict[str, str],
    ports: list[int],
    log: Path,
    cpu: int | None,
) -> Running:
    """Run `command` until all its `ports` are open; ``StartError`` when it ends or lingers before that.

    It becomes the leader of a process group of its own, so that `stop` reaches whatever it spawns.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output, pinned(cpu):
        begun = time.monotonic()
        try:
            process = subprocess.Popen(
                command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise StartError(f"{command[0]}: {error.strerror}") from error
    running = Running(process, urls)
    try:
        for port in ports:
            _wait_for_port(running, port, begun + START_SECONDS, log)
        running.start_ms = (time.monotonic() - begun) * 1000
        time.sleep(SETTLE_SECONDS)
        running.rss_start = tree_rss(running.pid)
    except BaseException:
        stop(running)
        raise
    return running


def _wait_for_port(running: Running, port: int, deadline: float, log: Path) -> None:
    while True:
        if not running.alive:
            raise StartError(f"ended with status {running.process.returncode}: {last_words(log)}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise StartError(f"port not open after {START_SECONDS:.0f} s: {last_words(log)}")
        time.sleep(0.002)


def stop(running: Running) -> None:
    """End the router and its whole process group: politely, then not."""
    if running.alive:
        running.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            running.process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.process.wait()


def last_words(log: Path) -> str:
    """The last line of a log that says something, for a message of one line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][-200:] if lines else "it said nothing"


def tree_rss(pid: int) -> int:
    """Resident bytes of `pid` and its descendants; pages that they share count once for each."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for member in descendants(pid, _parents()):
        with suppress(OSError, IndexError):
            total += int(Path(f"/proc/{member}/statm").read_text().split()[1]) * page
    return total


def descendants(pid: int, parents: dict[int, int]) -> set[int]:
    """`pid` and everything below it in a map from process to parent."""
    family = {pid}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return family


def _parents() -> dict[int, int]:
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # The name of the program stands in parentheses and may hold anything, spaces and parentheses too.
            with suppress(OSError, IndexError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found
