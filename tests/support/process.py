"""wampd and other programs as child processes: started, waited for, their log at hand, stopped and checked."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.leaks import see_log
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

START_TIMEOUT = 60.0
"""Seconds a program may take to start, or to do what is waited for. wampd needs less than one; with many tests at once on two
cores more than 20 were seen. It costs nobody anything but those whose program hangs."""

STOP_TIMEOUT = 35.0
"""Seconds from SIGTERM to the end; the daemon's own hard stop is at 30."""


def is_open(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def is_alive(pid: int) -> bool:
    """Whether a process runs; the dead that nobody has fetched yet do not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def environment(**changes: str) -> dict[str, str]:
    """Our environment with `changes`, and with the running interpreter first on the PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", **changes}


class Child:
    """A child process. As a context manager it is stopped with SIGTERM at the end and must then exit with status 0."""

    def __init__(
        self, command: Sequence[str | Path], log: Path, *, env: Mapping[str, str] | None = None, cwd: Path = ROOT
    ) -> None:
        self.command = [str(word) for word in command]
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment() if env is None else env),
                cwd=cwd,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def log(self) -> str:
        """All that it wrote so far, on both outputs."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, condition: Callable[[], bool], what: str, timeout: float = START_TIMEOUT) -> None:
        """Wait for `condition`; AssertionError with the log if it does not come, or if the process ends first."""
        deadline = time.monotonic() + timeout
        while True:
            runs = self.is_running  # asked first: what it does last may be what is waited for
            if condition():
                return
            assert runs, f"ended with status {self._process.returncode} before: {what}\n{self.described()}"
            assert time.monotonic() < deadline, f"not within {timeout} s: {what}\n{self.described()}"
            time.sleep(0.02)

    def wait_for_port(self, port: int, timeout: float = START_TIMEOUT) -> None:
        """Wait until `port` of 127.0.0.1 accepts connections."""
        self.wait_until(lambda: is_open(port), f"port {port} is open", timeout)

    def wait_for_log(self, text: str, timeout: float = START_TIMEOUT) -> None:
        """Wait until `text` is in the log."""
        self.wait_until(lambda: text in self.log(), f"log says {text!r}", timeout)

    def wait(self, timeout: float = STOP_TIMEOUT) -> int:
        """Wait for its end by itself; returns the exit status."""
        status = self._process.wait(timeout)
        see_log(self._log)
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this very process."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, whatever its state; no complaint if it has ended."""
        self._process.kill()
        self.wait()

    def stop(self, timeout: float = STOP_TIMEOUT) -> int:
        """SIGTERM; returns the exit status. If it does not end in time it is killed and AssertionError raised."""
        if self.is_running:
            self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end within {timeout} s of SIGTERM\n{self.described()}") from None

    def described(self) -> str:
        """The command and the end of its log, for messages."""
        lines = self.log().splitlines()[-40:]
        return "\n".join([f"$ {' '.join(self.command)}", *(f"  | {line}" for line in lines)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self.kill()
            error.add_note(self.described())
            return
        status = self.stop()
        assert status == 0, f"exit status {status}\n{self.described()}"


def wampd_command(*arguments: str | Path) -> list[str | Path]:
    """The command line of the wampd of this interpreter; -P keeps the current directory off the module path."""
    return [sys.executable, "-P", "-m", "wampd", *arguments]


@contextmanager
def running_wampd(
    config: Path, log: Path, *, port: int | None = None, env: Mapping[str, str] | None = None
) -> Iterator[tuple[Child, int]]:
    """``wampd run CONFIG`` with ``WAMPD_PORT`` set, from open port to clean exit; yields the process and its port."""
    port = free_port() if port is None else port
    variables = {**environment(WAMPD_PORT=str(port)), **(env or {})}
    with Child(wampd_command("run", config), log, env=variables) as wampd:
        wampd.wait_for_port(port)
        yield wampd, port
