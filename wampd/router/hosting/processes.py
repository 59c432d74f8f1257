"""Runs that are processes: started, read, signalled, and never left behind.

Rules
-----
* A process begins as `leash`, leads a process group, and carries a mark of its run in its environment.
* When it has exited, its group is killed; the `warden` sees to what has left the group. What holds its outputs open
  nevertheless is waited for a moment, and no longer.
* What lets it into its realm is void as soon as it has exited.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any, Final

from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger

from wampd.hosted import description
from wampd.router.hosting.output import Output
from wampd.router.hosting.runs import Ending, Instance, Passes, Run, Told
from wampd.router.hosting.warding import Ward
from wampd.router.settings.components import ComponentLimits

log = Logger()

LEASH: Final = str(Path(__file__).with_name("leash.py"))
LINGER: Final = 1.0
"""Seconds that outputs may stay open after the process has exited."""
PIPES: Final = (1, 2)


class ProcessRun(ProcessProtocol):
    """One run; a `runs.Run`."""

    def __init__(
        self, reactor: Any, instance: Instance, told: Told, passes: Passes, ward: Ward, files: int | None
    ) -> None:
        self._reactor = reactor
        self._files = files
        self._instance = instance
        self._told = told
        self._passes = passes
        self._ward = ward
        self._mark = secrets.token_hex(16)
        self._process: Any = None
        self._group = 0
        self._closing: Any = None
        name = instance.name

        def dropped(count: int) -> None:
            log.warn("{component}: {dropped} more lines were not logged", component=name, dropped=count)

        self._outputs = {
            1: Output(reactor, partial(told.printed, "stdout"), dropped),
            2: Output(reactor, partial(told.printed, "stderr"), dropped),
        }

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._group or None

    def spawn(self) -> None:
        """Start the process. Raise `OSError`."""
        program, component = self._instance.program, self._instance.component
        environment = {
            "PYTHONUNBUFFERED": "1",
            **program.environment,
            description.COMPONENT: component.name,
            description.INSTANCE: str(self._instance.number),
            description.RUN: self._mark,
            **self._passes.issue(self._instance),
        }
        leash = (sys.executable, "-I", "-S", LEASH, str(os.getpid()), str(component.directory))
        arguments = (*leash, json.dumps(_taken(component.limits, self._files)), *program.command)
        try:
            self._reactor.spawnProcess(self, sys.executable, arguments, environment)
        except OSError:
            self._passes.void(self._instance)
            raise

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """It has begun. It may have exited already, which is told right after this, before `spawn` returns."""
        self._process = self.transport
        self._group = self._process.pid
        self._passes.bind(self._instance, self._group)
        self._ward.watch(self._mark, self._group, self._instance.component.stop.grace)

    def ask_to_end(self) -> None:
        """Send the signal for that to its group."""
        self._signal(getattr(signal, f"SIG{self._instance.component.stop.signal}"))

    def kill(self) -> None:
        """Kill its group."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """Signal the whole group; the process alone while it does not lead one yet."""
        for send in (os.killpg, os.kill):
            if self._group:
                try:
                    send(self._group, number)
                except (ProcessLookupError, PermissionError):
                    continue
                return

    def outReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """It has printed something."""
        self._feed(1, data)

    def errReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """It has printed something."""
        self._feed(2, data)

    def _feed(self, number: int, data: bytes) -> None:
        output = self._outputs[number]
        output.feed(data)
        pipe = self._process.pipes.get(number)
        if output.pause and pipe is not None and not self._closing:
            pipe.stopReading()
            self._reactor.callLater(output.pause, self._resume, number)

    def _resume(self, number: int) -> None:
        pipe = self._process.pipes.get(number)
        if pipe is not None:
            pipe.startReading()

    def processExited(self, _reason: Any) -> None:  # noqa: N802 - Twisted's name
        """The process has ended; what it has started may not have, and may hold its outputs open."""
        self._passes.void(self._instance)
        self.kill()
        self._group = 0
        self._ward.clear(self._mark)
        self._closing = self._reactor.callLater(LINGER, self._process.loseConnection)
        for number in PIPES:
            self._resume(number)  # a paused one would not be seen to end

    def processEnded(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        """It has exited, and all that it printed was read."""
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        for output in self._outputs.values():
            output.end()
        self._told.ended(Ending(reason.value.exitCode, reason.value.signal))


class Processes:
    """Begins runs in processes; a `runs.Starter`."""

    def __init__(self, reactor: Any, passes: Passes, ward: Ward, files: int | None = None) -> None:
        """``files``: as many a process may have open, unless it raises that itself; `None`: as many as the router."""
        self._reactor = reactor
        self._files = files
        self._passes = passes
        self._ward = ward

    def start(self, instance: Instance, told: Told) -> Run:
        """Begin one. Raise `OSError`."""
        run = ProcessRun(self._reactor, instance, told, self._passes, self._ward, self._files)
        run.spawn()
        return run


def _taken(limits: ComponentLimits, files: int | None) -> dict[str, Any]:
    """The limits that a process takes before it is the component; its memory is looked at from outside."""
    names = ("address_space", "files", "processes", "cpu", "nice")
    taken = {name: value for name in names if (value := getattr(limits, name)) is not None}
    if files is not None and limits.files is None:
        taken["soft_files"] = files
    return taken
