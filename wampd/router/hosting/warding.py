"""The router's side of the warden: it tells it which runs there are, and which have ended."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger

log = Logger()

WARDEN: Final = str(Path(__file__).with_name("warden.py"))
MAX_TEXT: Final = 4096
MOST_AT_ONCE: Final = 1000
"""Runs that a warden knows from its beginning; a variable has at most 128 KiB (execve(2))."""
AGAIN: Final = 1.0
"""Seconds until a warden that has ended is replaced."""


class Ward(Protocol):
    """Sees to it that nothing of a run is left behind."""

    def watch(self, mark: str, group: int, grace: float) -> None:
        """A run has begun, in this process group, with this mark. If the router goes it may have ``grace`` seconds to end."""
        ...

    def clear(self, mark: str) -> None:
        """The run has ended: kill what is left of it."""
        ...


class Warden(ProcessProtocol):
    """Runs the warden, from the first run on, and as long as the router lives."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._process: Any = None
        self._runs: dict[str, str] = {}
        self._told_why = False

    def watch(self, mark: str, group: int, grace: float) -> None:
        """Tell it of a run."""
        self._runs[mark] = f"+ {mark} {group} {grace}\n"
        if self._process is None:
            self._start()
        else:
            self._write(self._runs[mark])

    def clear(self, mark: str) -> None:
        """Tell it that a run has ended."""
        if self._runs.pop(mark, None) is not None:
            self._write(f"- {mark}\n")

    def _start(self) -> None:
        arguments = (sys.executable, "-I", "-S", WARDEN)
        known = {"WAMPD_RUNS": "".join(islice(self._runs.values(), MOST_AT_ONCE))}
        try:
            self._process = self._reactor.spawnProcess(
                self, sys.executable, arguments, known, childFDs={0: "w", 2: "r"}
            )
        except OSError as why:
            if not self._told_why:
                self._told_why = True
                log.error("nobody ends components if the router is killed: {why}", why=str(why))
            return
        for line in self._runs.values():
            self._write(line)

    def _write(self, line: str) -> None:
        if self._process is not None:
            self._process.write(line.encode())

    def errReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """It says nothing, unless there is a bug in it."""
        log.error("the warden of components: {text}", text=data[:MAX_TEXT].decode("utf-8", "replace"))

    def processEnded(self, _reason: Any) -> None:  # noqa: N802 - Twisted's name
        """Somebody has killed it: there is to be another."""
        self._process = None
        if self._runs:
            self._reactor.callLater(AGAIN, self._replace)

    def _replace(self) -> None:
        if self._process is None and self._runs:
            self._start()
