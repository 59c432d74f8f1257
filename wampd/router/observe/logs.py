"""Where the log goes, and which events get there.

Rules
-----
* An event passes the level of its subsystem (`levels`), then what keeps floods small (`sampling`), then becomes a line
  (`lines`).
* A reader that stops reading does not stop the router: what it does not take is dropped and counted, and the log says so.
* What is logged in another thread is written in the reactor's.
* All of it can be configured anew while the router runs.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.logger import ILogObserver, LogLevel, globalLogBeginner
from zope.interface import implementer

from wampd.router.observe.journal import SOCKET, JournalSocket, is_journal
from wampd.router.observe.levels import Levels
from wampd.router.observe.lines import coloured_line, journal_entry, json_line, prefixed_line, text_line
from wampd.router.observe.outlet import Outlet
from wampd.router.observe.sampling import Sampling
from wampd.router.settings.log import Log
from wampd.router.subsystems import SUBSYSTEMS

PATIENCE: Final = 0.5
"""Seconds that a slow reader gets at the end of the process."""
DROPPED: Final = "log lines dropped"
SUMMED_UP: Final = "log lines summed up"

Line = Callable[[dict[str, Any]], bytes]


class LineObserver:
    """Writes one line an event to an outlet."""

    def __init__(self, outlet: Outlet, line: Line) -> None:
        self._outlet = outlet
        self._line = line
        self._told = 0

    @property
    def dropped(self) -> int:
        """How many lines were dropped so far."""
        return self._outlet.dropped

    def __call__(self, event: dict[str, Any]) -> None:
        """Write one event."""
        outlet = self._outlet
        untold = outlet.dropped - self._told
        if untold and outlet.has_room:
            self._told = outlet.dropped
            outlet.write(self._line(_dropped(untold, event)))
        outlet.write(self._line(event))

    def finish(self) -> None:
        """Write what still waits: nothing follows."""
        self._outlet.finish(PATIENCE)
        self._outlet.close()


@implementer(ILogObserver)
class RouterLog:
    """The log of the process, an ``ILogObserver``."""

    def __init__(
        self, settings: Log, descriptor: int, clock: Any, environ: Mapping[str, str], journal: str = SOCKET
    ) -> None:
        """Lines go to a file descriptor, or to the journal whose socket is there; ``clock`` is the reactor."""
        self._descriptor = descriptor
        self._clock = clock
        self._environ = environ
        self._journal = journal
        self._thread: int | None = threading.get_ident()
        self._past = 0  # lines dropped by outlets that are not used any more
        self.levels = Levels(clock)
        self._format = settings.format
        self._observer = self._open(settings.format)
        self._sampling = Sampling(clock, lambda event: self._observer(event))
        self.configure(settings)

    def __call__(self, event: dict[str, Any]) -> None:
        """Take an event."""
        if self._thread is not None and threading.get_ident() != self._thread:
            self._clock.callFromThread(self, event)
        elif self.levels.let_through(event):
            self._sampling(event)

    def configure(self, settings: Log) -> None:
        """Log as these settings say, from now on."""
        given = {name: getattr(settings.levels, name) for name in SUBSYSTEMS}
        self.levels.configure(settings.level, {name: level for name, level in given.items() if level is not None})
        self._sampling.burst = settings.burst
        if settings.format != self._format:
            before, self._observer = self._observer, self._open(settings.format)
            self._format = settings.format
            self._past += before.dropped
            before.finish()

    def counts(self) -> dict[str, int]:
        """How many lines did not get into the log, and why."""
        return {DROPPED: self._past + self._observer.dropped, SUMMED_UP: self._sampling.left_out}

    def finish(self) -> None:
        """Write what still waits: the process ends."""
        self._thread = None
        self._sampling.finish()
        self._observer.finish()

    def _open(self, log_format: str) -> LineObserver:
        """What writes lines of this format."""
        descriptor = self._descriptor
        own = is_journal(descriptor, self._environ)
        if log_format == "journald" or (log_format == "auto" and own):
            try:
                journal = JournalSocket(self._journal)
            except OSError:  # none, or none for us: the journal reads what is written to it as text, too
                return LineObserver(Outlet(descriptor, self._clock), _encoded(prefixed_line))
            return LineObserver(Outlet(journal, self._clock), journal_entry)
        line = json_line if log_format == "json" else coloured_line if self._has_colours() else text_line
        return LineObserver(Outlet(descriptor, self._clock), _encoded(line))

    def _has_colours(self) -> bool:
        """Whether a person looks at the log who likes colours (https://no-color.org)."""
        environ = self._environ
        return os.isatty(self._descriptor) and not environ.get("NO_COLOR") and environ.get("TERM", "dumb") != "dumb"


def begin(settings: Log, clock: Any, environ: Mapping[str, str]) -> RouterLog:
    """Send the log where the settings say, from now on; ``clock`` is the reactor."""
    log = RouterLog(settings, _standard_error(), clock, environ)
    observer: Any = log  # zope's interfaces mean nothing to the type checker
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
    return log


def _encoded(line: Callable[[dict[str, Any]], str]) -> Line:
    return lambda event: line(event).encode()


def _standard_error() -> int:
    """Its descriptor; if it is closed, one that leads nowhere: the number may be a socket's by now."""
    return sys.stderr.fileno() if sys.stderr is not None else os.open(os.devnull, os.O_WRONLY)


def _dropped(count: int, event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "log_time": event.get("log_time", 0.0),
        "log_level": LogLevel.warn,
        "log_namespace": __name__,
        "log_format": "{dropped} log lines were dropped: nobody read them fast enough",
        "dropped": count,
    }
