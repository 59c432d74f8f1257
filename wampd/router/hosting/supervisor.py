"""Supervision of one instance of a component: what its life (`lifecycle`) wants done, carried out.

Rules
-----
* One that ends is started again by its policy (`restarting`). Whoever starts or restarts it by hand, or changes its files,
  begins its row of restarts anew.
* One that is not ready in time, takes too much memory or hangs is ended, and counts as fallen like any other.
* Every misfortune is one line in the log. A row of misfortunes is told once more, as an error, and so is giving up.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.hosting.lifecycle import Lifecycle, State, live
from wampd.router.hosting.output import Line, Lines
from wampd.router.hosting.restarting import LOOPS, Restarts
from wampd.router.hosting.runs import Ending, Instance, Run, Starter, Stream
from wampd.router.settings.components import Component, ReadyByLog

log = Logger()

AT_REST: Final[frozenset[State]] = frozenset({"down", "done", "lost"})
SHOWN: Final[dict[State, str]] = {
    "down": "stopped",
    "waiting": "waiting",
    "starting": "starting",
    "ready": "ready",
    "failing": "failing",
    "resting": "restarting",
    "turning": "restarting",
    "stopping": "stopping",
    "done": "done",
    "lost": "given up",
}
"""What states are called for people."""


class Fallen(Exception):
    """An instance is not what it was asked to be; the text says why, for people."""


def told_already(failure: Failure) -> None:
    """The log says what there is to say of an instance that fell."""
    failure.trap(Fallen)


class Others(Protocol):
    """What an instance needs of all others, and who is told of it."""

    def missing(self, component: Component) -> list[str]:
        """The names of the components that it waits for, and that are not ready."""
        ...

    def may_launch(self) -> bool:
        """Whether a run may begin now; if not, it is told to `look_again` soon."""
        ...

    def changed(self, supervisor: Supervisor) -> None:
        """It is in another state."""
        ...

    def printed(self, supervisor: Supervisor, line: Line) -> None:
        """It has printed a line."""
        ...


class Supervisor:
    """Keeps one instance as it is wanted. It is `lifecycle.Acts`, and `runs.Told`."""

    def __init__(
        self,
        reactor: Any,
        instance: Instance,
        starter: Starter,
        others: Others,
        chance: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """``chance`` draws from 0 to 1, ``now`` is Unix time."""
        self.instance = instance
        self.lines = Lines()
        self.state: State = "down"
        self.since = now()
        """When it came into its state (Unix time)."""
        self.why = ""
        """Why it is in its state, if there is something to say; for people."""
        self.exit: Ending | None = None
        """How its last run ended."""
        self.restarts = Restarts(instance.component, chance)
        self._reactor = reactor
        self._starter = starter
        self._others = others
        self._now = now
        self._run: Run | None = None
        self._began = 0.0
        self._was_ready = False
        self._rest_for = 0.0
        self._held = False
        self._grace = instance.component.stop.grace
        self._killed_by = math.inf
        self._timer: Any = None
        self._waiting: list[tuple[Deferred[None], bool]] = []
        self._life: Lifecycle = live(self)

    @property
    def name(self) -> str:
        """The instance's."""
        return self.instance.name

    @property
    def pid(self) -> int | None:
        """Its process, if it runs in one."""
        return None if self._run is None else self._run.pid

    @property
    def is_up(self) -> bool:
        """Whether it is as it should be: ready, or done."""
        return self.state in ("ready", "done")

    # ------------------------------------------------------------------------------------------- what others ask for

    def start(self) -> Deferred[None]:
        """Have it run; fires when it is ready, with `Fallen` if it falls before."""
        if self._held:
            raise Fallen("the router is stopping")
        self.restarts.forget()
        self._life.start()
        return self._when(up=True)

    def restart(self, why: str) -> Deferred[None]:
        """Have it run anew; fires when it is ready, with `Fallen` if it falls before."""
        if self._held:
            raise Fallen("the router is stopping")
        log.info("component {component} is restarted: {why}", component=self.name, why=why)
        self.restarts.forget()
        self._life.turn()
        return self._when(up=True)

    def stop(self, grace: float | None = None) -> Deferred[None]:
        """Do not have it run, ``grace`` seconds from now at the latest; fires when it has ended."""
        if grace is not None:
            self._grace = min(grace, self.instance.component.stop.grace)
        if self.state == "stopping":
            self._cancel()
            self._kill_in_time()
        self._life.stop()
        return self._when(up=False)

    def hold(self) -> None:
        """Do not start it again when it ends, nor if it does not run now."""
        self._held = True
        if self.state in ("waiting", "resting", "turning"):
            self._life.stop()

    def destroy(self) -> None:
        """End it at once, for good."""
        self.hold()
        self.kill()

    def look_again(self) -> None:
        """Others may be ready that it waits for."""
        if self.state == "waiting":
            self.look()

    # ----------------------------------------------------------------------------------------------- what it is told

    def joined(self) -> None:
        """It has joined its realm."""
        if self._ready_when() == "joined":
            self._life.is_ready()

    def left(self) -> None:
        """It has left its realm, and may join it again."""
        if self._ready_when() == "joined":
            self._life.lapse()

    def condemn(self, why: str, *, at_once: bool = True) -> None:
        """End its run, which is of no use any more; it is started again by its policy."""
        if self.state not in ("starting", "ready"):
            return
        log.warn("component {component} is ended: it {why}", component=self.name, why=why)
        self.why = why
        if at_once:
            self._life.kick()
        else:
            self._life.fail()

    def printed(self, stream: Stream, line: str) -> None:
        """Take a line of its output."""
        if not line.isascii():  # halves of surrogate pairs cannot be sent to anybody
            line = line.encode("utf-8", "backslashreplace").decode()
        log.info("{component}: {line}", component=self.name, stream=stream, line=line)
        kept = Line(self._now(), stream, line)
        self.lines.add(kept)
        ready = self.instance.component.ready
        if isinstance(ready, ReadyByLog) and self.state == "starting" and ready.log in line:
            self._life.is_ready()
        self._others.printed(self, kept)

    def ended(self, ending: Ending) -> None:
        """Its run has ended."""
        self._run = None
        self.exit = ending
        if self._held or self.state in ("stopping", "turning"):
            self.why = ""
            log.info("component {component} has ended", component=self.name)
            self._life.finish()
            return
        condemned = self.state == "failing"
        how = f"was ended: it {self.why}" if condemned else str(ending)
        self.restarts.lasted(self._reactor.seconds() - self._began if self._was_ready else None)
        self._judge(Ending(why=how) if condemned else ending, how)

    def _judge(self, ending: Ending, how: str) -> None:
        """Decide what comes after a run."""
        name = self.name
        if not self.restarts.wanted(ending):
            self.why = how
            if ending.is_well:
                log.info("component {component} is done", component=name)
                self._life.finish()
            else:
                log.error("component {component} {how}, and is not to be started again", component=name, how=how)
                self._life.lose()
            return
        log.warn("component {component} {how}", component=name, how=how)
        row = self.restarts.in_row
        delay = self.restarts.next(ending)
        if delay is None:
            self.why = f"{how}, after {row} restarts in a row"
            log.error("component {component} is given up after {count} restarts in a row", component=name, count=row)
            self._life.lose()
            return
        if row + 1 == LOOPS:
            log.error("component {component} keeps failing: {count} restarts in a row", component=name, count=row + 1)
        self.why = how
        self._rest_for = delay
        self._life.fell()

    # ------------------------------------------------------------------------------------- what its life wants done

    def enter(self, state: State) -> None:
        """Be in another state."""
        self._cancel()
        self.state = state
        self.since = self._now()
        if state == "starting":
            self._timer = self._reactor.callLater(self.instance.component.ready_timeout, self._late)
        elif state == "ready":
            self._was_ready = True
            self.why = ""
        self._others.changed(self)
        self._tell_those_who_wait()

    def look(self) -> None:
        """Start when all is ready that it waits for."""
        missing = self._others.missing(self.instance.component)
        self.why = f"waits for {', '.join(missing)}" if missing else ""
        if not missing and self._others.may_launch():
            self._life.clear()

    def launch(self) -> None:
        """Begin a run."""
        self._began = self._reactor.seconds()
        self._was_ready = False
        self._grace = self.instance.component.stop.grace
        self._killed_by = math.inf
        try:
            self._run = self._starter.start(self.instance, self)
        except OSError as why:  # no more processes, or no more memory; or this user may not run what starts them
            what = "" if why.filename is None else f"{os.fsdecode(why.filename)}: "
            self._not_launched(f"cannot be started: {what}{why.strerror or why}")
            return
        except Exception:  # noqa: BLE001 - logged, and no other component is concerned
            log.failure("component {component} cannot be started: a bug in wampd", component=self.name)
            self._not_launched("cannot be started")
            return
        if self.pid is None:
            log.info("component {component} started", component=self.name)
        else:
            log.info("component {component} started, process {pid}", component=self.name, pid=self.pid)
        if self._ready_when() == "started":
            self._life.is_ready()

    def ask(self) -> None:
        """Ask the run to end, and kill it after its time."""
        if self._run is not None:
            self._kill_in_time()
            self._run.ask_to_end()  # it may end at once

    def _kill_in_time(self) -> None:
        """Kill the run when its time is up: however often it is asked to end, it has no more than from the first time."""
        now = self._reactor.seconds()
        self._killed_by = min(self._killed_by, now + self._grace)
        if self._run is not None:
            self._timer = self._reactor.callLater(max(0.0, self._killed_by - now), self._run.kill)

    def kill(self) -> None:
        """End the run at once."""
        if self._run is not None:
            self._run.kill()

    def rest(self) -> None:
        """Wait before the next run."""
        log.info("component {component} starts again in {delay:.2g} s", component=self.name, delay=self._rest_for)
        self._timer = self._reactor.callLater(self._rest_for, self._life.again)

    # ------------------------------------------------------------------------------------------------------- inside

    def _ready_when(self) -> str:
        component = self.instance.component
        if isinstance(component.ready, ReadyByLog):
            return "log"
        return component.ready or ("started" if component.realm is None else "joined")

    def _not_launched(self, why: str) -> None:
        self.exit = Ending(why=why)
        self._judge(self.exit, why)

    def _late(self) -> None:
        self.condemn(f"was not ready within {self.instance.component.ready_timeout:g} s", at_once=False)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _when(self, *, up: bool) -> Deferred[None]:
        """Fires when it is up, or when it is at rest; fails when neither is to be expected."""

        def forget(cancelled: Deferred[None]) -> None:
            self._waiting = [each for each in self._waiting if each[0] is not cancelled]

        waiter: Deferred[None] = Deferred(forget)
        self._waiting.append((waiter, up))
        self._tell_those_who_wait()
        return waiter

    def _tell_those_who_wait(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter, up in waiting:
            if self.is_up if up else self.state in AT_REST:
                waiter.callback(None)
            elif up and self.state in ("resting", "lost", "down"):
                waiter.errback(Fallen(f"{self.name} {self.why or 'was stopped'}"))
            elif not up and self.state in ("waiting", "turning", "starting"):
                waiter.errback(Fallen(f"{self.name} was started again"))
            else:
                self._waiting.append((waiter, up))
