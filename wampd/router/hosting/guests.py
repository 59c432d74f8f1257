"""Guests: programs that the router starts, starts again when they end, and stops.

Rules
-----
* A guest is any executable, in a process of its own. What it prints goes into the router's log, line by line, with its name.
* One that ends is started again: soon at first, then ever later, up to a cap; a run that lasted makes it soon again.
* Stopping is SIGTERM, then SIGKILL after a grace time. No guest outlives the router.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger

log = Logger()

MAX_LINE = 8192


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


class _Output:
    """Lines out of chunks of bytes, bounded."""

    def __init__(self, name: str, stream: str) -> None:
        self._name = name
        self._stream = stream
        self._rest = b""

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._tell(line)
        if len(self._rest) > MAX_LINE:
            self.end()

    def end(self) -> None:
        if self._rest:
            self._tell(self._rest)
            self._rest = b""

    def _tell(self, line: bytes) -> None:
        text = line[:MAX_LINE].decode("utf-8", "replace").rstrip()
        if text:
            log.info("{component}: {line}", component=self._name, stream=self._stream, line=text)


class _Process(ProcessProtocol):
    """One run of a guest."""

    def __init__(self, supervisor: Supervisor, name: str) -> None:
        self._supervisor = supervisor
        self._out = _Output(name, "stdout")
        self._err = _Output(name, "stderr")

    def outReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._out.feed(data)

    def errReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._err.feed(data)

    def processEnded(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        self._out.end()
        self._err.end()
        self._supervisor.ended(reason)


class Supervisor:
    """Keeps one guest running."""

    def __init__(self, reactor: Any, guest: Guest, environ: Mapping[str, str], backoff: Backoff) -> None:
        """``environ`` is what the guest gets beside its own environment."""
        self._reactor = reactor
        self._guest = guest
        self._environ = {**environ, **guest.environment}
        self._backoff = backoff
        self._delay = backoff.first
        self._started = 0.0
        self._process: Any = None
        self._timers: list[Any] = []
        self._stopped: Deferred[None] | None = None

    def start(self) -> None:
        """Run the guest."""
        guest = self._guest
        self._started = self._reactor.seconds()
        try:
            self._process = self._reactor.spawnProcess(
                _Process(self, guest.name), guest.command[0], guest.command, self._environ, guest.directory
            )
        except OSError as error:
            log.error("component {component} cannot be started: {error}", component=guest.name, error=str(error))
            self._again()
            return
        log.info("component {component} started, process {pid}", component=guest.name, pid=self._process.pid)

    def stop(self, grace: float) -> Deferred[None]:
        """End the guest; fires when it has ended."""
        self._stopped = Deferred()
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        if self._process is None:
            self._stopped.callback(None)
        else:
            self._signal("TERM")
            self._timers = [self._reactor.callLater(grace, self._signal, "KILL")]
        return self._stopped

    def ended(self, reason: Any) -> None:
        """The process has ended."""
        self._process = None
        if self._stopped is not None:
            for timer in self._timers:
                if timer.active():
                    timer.cancel()
            self._stopped.callback(None)
            return
        how = "ended" if reason.check(ProcessDone) else f"failed ({reason.getErrorMessage()})"
        log.warn("component {component} {how}", component=self._guest.name, how=how)
        self._again()

    def _again(self) -> None:
        if self._reactor.seconds() - self._started >= self._backoff.lasted:
            self._delay = self._backoff.first
        log.info("component {component} starts again in {delay} s", component=self._guest.name, delay=self._delay)
        self._timers = [self._reactor.callLater(self._delay, self.start)]
        self._delay = min(self._delay * 2, self._backoff.most)

    def _signal(self, name: str) -> None:
        if self._process is not None:
            try:
                self._process.signalProcess(name)
            except ProcessExitedAlready:
                return


class Hosting:
    """All guests of the router."""

    def __init__(
        self, reactor: Any, guests: Sequence[Guest], environ: Mapping[str, str], backoff: Backoff | None = None
    ) -> None:
        self._supervisors = [Supervisor(reactor, guest, environ, backoff or Backoff()) for guest in guests]

    def start(self) -> None:
        """Run them all."""
        for supervisor in self._supervisors:
            supervisor.start()

    def stop(self, grace: float) -> Any:
        """End them all; fires when they have ended."""
        return DeferredList([supervisor.stop(grace) for supervisor in self._supervisors])
