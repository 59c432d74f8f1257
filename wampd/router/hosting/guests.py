"""Guests: programs that the router starts, starts again when they end, and stops.

Rules
-----
* A guest is any executable, in a process of its own. What it prints goes into the router's log, line by line, with its name;
  so many lines a second and no more.
* One that ends is started again: soon at first, then ever later, up to a cap; a run that lasted makes it soon again. What it
  has started itself is stopped before.
* Stopping is SIGTERM to the guest and what it has started, then SIGKILL after a grace time. If the router is killed, its guests
  get a SIGTERM from the kernel (`leash`).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger

from wampd.router.hosting.leash import NOT_RUN

log = Logger()

LEASH: Final = str(Path(__file__).with_name("leash.py"))
MAX_LINE: Final = 8192
"""Bytes; what is longer is cut into several lines."""
LINES_PER_SECOND: Final = 500


class Guest(Struct, frozen=True):
    """A program to run."""

    name: str
    command: tuple[str, ...]
    directory: str
    environment: Mapping[str, str]


class Backoff(Struct, frozen=True):
    """When a guest that ended is started again; seconds."""

    first: float = 0.5
    most: float = 30.0
    lasted: float = 10.0
    """A run of this length counts as good: the next restart is soon again."""


class Output:
    """Lines of the log out of chunks of bytes, bounded in length and number."""

    def __init__(self, name: str, stream: str, clock: Any) -> None:
        """``clock`` is an ``IReactorTime``."""
        self._name = name
        self._stream = stream
        self._clock = clock
        self._rest = b""
        self._second = 0
        self._lines = 0

    def feed(self, data: bytes) -> None:
        """Take what was printed."""
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            for begin in range(0, len(line), MAX_LINE):
                self._tell(line[begin : begin + MAX_LINE])
        while len(rest) > MAX_LINE:
            self._tell(rest[:MAX_LINE])
            rest = rest[MAX_LINE:]
        self._rest = rest

    def end(self) -> None:
        """Nothing more will be printed."""
        self._tell(self._rest)
        self._rest = b""
        self._turn(-1)

    def _tell(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        if not text:
            return
        self._turn(int(self._clock.seconds()))
        self._lines += 1
        if self._lines <= LINES_PER_SECOND:
            log.info("{component}: {line}", component=self._name, stream=self._stream, line=text)

    def _turn(self, second: int) -> None:
        """Begin a new second; tell what the last one has cost."""
        if second != self._second:
            dropped = self._lines - LINES_PER_SECOND
            if dropped > 0:
                log.warn("{component}: {dropped} more lines were not logged", component=self._name, dropped=dropped)
            self._second = second
            self._lines = 0


class _Process(ProcessProtocol):
    """One run of a guest."""

    def __init__(self, supervisor: Supervisor, name: str, clock: Any) -> None:
        self._supervisor = supervisor
        self._out = Output(name, "stdout", clock)
        self._err = Output(name, "stderr", clock)

    def outReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._out.feed(data)

    def errReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._err.feed(data)

    def processExited(self, _reason: Any) -> None:  # noqa: N802 - Twisted's name
        self._supervisor.exited()

    def processEnded(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        """The guest has exited, and all that it printed was read."""
        self._out.end()
        self._err.end()
        self._supervisor.ended(reason)


class Supervisor:
    """Keeps one guest running."""

    def __init__(self, reactor: Any, guest: Guest, environ: Mapping[str, str], backoff: Backoff) -> None:
        """``environ`` is what the guest gets beside its own environment."""
        self._reactor = reactor
        self._guest = guest
        self._environ = {"PYTHONUNBUFFERED": "1", **environ, **guest.environment}
        self._backoff = backoff
        self._delay = backoff.first
        self._started = 0.0
        self._process: Any = None
        self._group = 0
        self._timer: Any = None
        self._held = False
        self._stopped: Deferred[None] | None = None

    @property
    def name(self) -> str:
        """The guest's."""
        return self._guest.name

    @property
    def is_up(self) -> bool:
        """Whether the guest is running."""
        return self._process is not None

    def start(self) -> None:
        """Run the guest."""
        if self._held:
            return
        guest = self._guest
        self._timer = None
        self._started = self._reactor.seconds()
        arguments = (sys.executable, "-I", "-S", LEASH, str(os.getpid()), guest.directory, *guest.command)
        try:
            process = _Process(self, guest.name, self._reactor)
            self._process = self._reactor.spawnProcess(process, sys.executable, arguments, self._environ)
        except OSError as error:  # no more processes, or no more memory
            log.error("component {component} cannot be started: {error}", component=guest.name, error=str(error))
            self._again()
            return
        self._group = self._process.pid
        log.info("component {component} started, process {pid}", component=guest.name, pid=self._group)

    def hold(self) -> None:
        """Do not start the guest again when it ends."""
        self._held = True
        self._cancel()

    def stop(self, grace: float) -> Deferred[None]:
        """End the guest, within ``grace`` seconds; fires when it has ended."""
        self.hold()
        if self._process is None:
            return succeed(None)
        self._stopped = Deferred()
        self._signal(signal.SIGTERM)
        self._timer = self._reactor.callLater(grace, self.kill)
        return self._stopped

    def kill(self) -> None:
        """End the guest at once."""
        self.hold()
        self._signal(signal.SIGKILL)

    def exited(self) -> None:
        """The process has ended; what it has started may not have, and may hold its outputs open."""
        self._signal(signal.SIGKILL)
        self._group = 0

    def ended(self, reason: Any) -> None:
        """The process and all that it has started have ended."""
        self._process = None
        self._group = 0
        if self._held:
            self._cancel()
            log.info("component {component} has ended", component=self._guest.name)
            if self._stopped is not None:
                self._stopped.callback(None)
            return
        if reason.check(ProcessDone):
            how = "ended"
        elif reason.value.exitCode == NOT_RUN:
            how = "cannot be started"
        else:
            how = f"failed ({reason.getErrorMessage()})"
        log.warn("component {component} {how}", component=self._guest.name, how=how)
        self._again()

    def _again(self) -> None:
        if self._held:
            return
        if self._reactor.seconds() - self._started >= self._backoff.lasted:
            self._delay = self._backoff.first
        log.info("component {component} starts again in {delay} s", component=self._guest.name, delay=self._delay)
        self._timer = self._reactor.callLater(self._delay, self.start)
        self._delay = min(self._delay * 2, self._backoff.most)

    def _signal(self, number: signal.Signals) -> None:
        """Signal the guest's whole group; the guest alone while it does not lead one yet."""
        for send in (os.killpg, os.kill):
            if self._group:
                try:
                    send(self._group, number)
                except (ProcessLookupError, PermissionError):
                    continue
                return

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None


class Hosting:
    """All guests of the router."""

    def __init__(
        self, reactor: Any, guests: Sequence[Guest], environ: Mapping[str, str], backoff: Backoff | None = None
    ) -> None:
        self._supervisors = [Supervisor(reactor, guest, environ, backoff or Backoff()) for guest in guests]

    @property
    def names(self) -> list[str]:
        """Of all guests."""
        return [supervisor.name for supervisor in self._supervisors]

    def down(self) -> list[str]:
        """The names of those that are not running."""
        return [supervisor.name for supervisor in self._supervisors if not supervisor.is_up]

    def start(self) -> None:
        """Run them all."""
        for supervisor in self._supervisors:
            supervisor.start()

    def hold(self) -> None:
        """Let those that end from now on be."""
        for supervisor in self._supervisors:
            supervisor.hold()

    def stop(self, grace: float) -> Any:
        """End them all, within ``grace`` seconds; fires when they have ended."""
        return DeferredList([supervisor.stop(grace) for supervisor in self._supervisors])

    def kill(self) -> None:
        """End them all at once."""
        for supervisor in self._supervisors:
            supervisor.kill()
