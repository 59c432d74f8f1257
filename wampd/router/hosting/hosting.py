"""All components of the router: started in their order, changed with the configuration, and told of.

Rules
-----
* A component is started when all that it is `after` are ready; what they do later does not concern it while it runs. It is
  ready when all its instances are.
* What is wanted of a component by hand (`wanted`) is wanted of each of its instances, or of the one that is named.
* A change of the configuration concerns the components that it changes, and no others: they are stopped, and started as they
  now are. Where one is only to have more or fewer instances, the others go on; from one to several they get other names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from wampd.router.hosting.output import Line
from wampd.router.hosting.runs import Instance, Program, Starter
from wampd.router.hosting.supervisor import Supervisor, told_already
from wampd.router.hosting.usage import Usage, usage_of
from wampd.router.inside.together import together
from wampd.router.settings.components import Component

log = Logger()

AT_ONCE: Final = 8
"""Runs that are begun in one turn of the reactor."""
LOOK: Final = 1.0
"""Seconds between two looks at how much memory components take."""


class Changes(Struct, frozen=True):
    """What a change of the configuration does to components: their names."""

    started: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    scaled: tuple[str, ...] = ()
    """These have more or fewer instances."""


class Watcher:
    """Who is told what becomes of components. All of it may be left out."""

    def changed(self, supervisor: Supervisor) -> None:
        """An instance is in another state."""

    def printed(self, supervisor: Supervisor, line: Line) -> None:
        """An instance has printed a line."""


class Hosting:
    """All components."""

    def __init__(
        self,
        reactor: Any,
        starter: Callable[[Program], Starter],
        *,
        chance: Callable[[], float],
        now: Callable[[], float],
        watcher: Watcher | None = None,
        usage: Callable[[int], Deferred[Usage | None]] = lambda pid: succeed(usage_of(pid)),
    ) -> None:
        """``starter`` chooses what begins the runs of a component.

        ``chance`` draws from 0 to 1, ``now`` is Unix time, ``usage`` tells what a process takes with all that it has started,
        which may be very many.
        """
        self._reactor = reactor
        self._starter = starter
        self._chance = chance
        self._now = now
        self._watcher = watcher or Watcher()
        self._usage = usage
        self._programs: dict[str, Program] = {}
        self._supervisors: dict[str, list[Supervisor]] = {}
        self._leaving: list[Supervisor] = []
        self._restarts: Counter[str] = Counter()
        self._look = LoopingCall(self._look_at_memory)
        self._look.clock = reactor
        self._held = False
        self._launched = 0

    @property
    def names(self) -> list[str]:
        """Of all components."""
        return list(self._programs)

    @property
    def components(self) -> Mapping[str, Sequence[Supervisor]]:
        """The instances of each."""
        return self._supervisors

    def down(self) -> list[str]:
        """The names of the instances that should be ready, and are not."""
        return [each.name for each in self._instances() if not each.is_up and each.state not in ("down", "stopping")]

    def restarts(self, name: str) -> int:
        """How often instances of a component were started again, also before the component was changed."""
        return self._restarts[name] + sum(each.restarts.total for each in self._supervisors.get(name, ()))

    # ------------------------------------------------------------------------------------------------- all together

    def change(self, programs: Sequence[Program]) -> Changes:
        """Have these components, and no others: start, stop and restart those that are concerned."""
        new = {program.component.name: program for program in programs}
        stopped = [name for name in self._programs if name not in new]
        started = [name for name in new if name not in self._programs]
        changed = [name for name, program in new.items() if self._programs.get(name, program) != program]
        scaled = [name for name in changed if _is_scaled(self._programs[name], new[name])]
        restarted = [name for name in changed if name not in scaled]
        for name in (*stopped, *restarted):
            self._leave(self._supervisors.pop(name))
        for name in scaled:
            self._scale(self._supervisors[name], new[name])
        self._programs = new
        for name in (*started, *restarted):
            self._supervisors[name] = self._made(new[name])
        for name in stopped:
            del self._restarts[name]
        self._supervisors = {name: self._supervisors[name] for name in new}  # in the order of the configuration
        for name in (*started, *restarted, *scaled):
            for supervisor in () if self._held else self._supervisors[name]:
                if supervisor.state in ("down", "stopping", "lost"):  # all of them, but those that go on
                    supervisor.start().addErrback(told_already)
        self._watch_memory()
        return Changes(tuple(started), tuple(stopped), tuple(restarted), tuple(scaled))

    def hold(self) -> None:
        """Let those that end from now on be."""
        self._held = True
        for supervisor in self._instances():
            supervisor.hold()

    def stop(self, grace: float) -> Any:
        """End them all, within ``grace`` seconds; fires when they have ended."""
        self.hold()
        self._watch_memory()
        return DeferredList([supervisor.stop(grace) for supervisor in self._instances()], consumeErrors=True)

    def kill(self) -> None:
        """End them all at once."""
        for supervisor in self._instances():
            supervisor.destroy()

    # ---------------------------------------------------------------------------------------------------- one of them

    def wanted(self, name: str) -> list[Supervisor]:
        """The instances of a component, or the one of this name. Raise `KeyError`."""
        if name in self._supervisors:
            return self._supervisors[name]
        found = self.instance(name)
        if found is None:
            raise KeyError(name)
        return [found]

    def instance(self, name: str) -> Supervisor | None:
        """The instance of this name, which is its authid, too."""
        return next((each for those in self._supervisors.values() for each in those if each.name == name), None)

    def start_one(self, name: str) -> Deferred[Any]:
        """Start it, unless it runs; fires when it is ready. Raise `KeyError`, `Fallen`."""
        return together(each.start() for each in self.wanted(name))

    def stop_one(self, name: str) -> Deferred[Any]:
        """Stop it; fires when it has ended. Raise `KeyError`."""
        return together(each.stop() for each in self.wanted(name))

    def restart_one(self, name: str, why: str) -> Deferred[Any]:
        """Stop it if it runs, and start it; fires when it is ready. Raise `KeyError`, `Fallen`."""
        return together(each.restart(why) for each in self.wanted(name))

    def usage(self, supervisor: Supervisor) -> Deferred[Usage | None]:
        """What an instance takes; `None`: it has no process, or the system does not tell."""
        return succeed(None) if supervisor.pid is None else self._usage(supervisor.pid)

    # --------------------------------------------------------------------------------------- what supervisors ask for

    def missing(self, component: Component) -> list[str]:
        """The names of the components that it waits for, and that are not ready."""
        missing = [name for name in component.after if not all(each.is_up for each in self._supervisors.get(name, ()))]
        if any(each.instance.component.name == component.name for each in self._leaving):
            missing.append(f"{component.name} as it was, to end")
        return missing

    def may_launch(self) -> bool:
        """Whether one more run may begin in this turn of the reactor, which each keeps busy for a moment."""
        if not self._launched:
            self._reactor.callLater(0, self._next_turn)
        self._launched += 1
        return self._launched <= AT_ONCE

    def changed(self, supervisor: Supervisor) -> None:
        """An instance is in another state: others may have waited for that."""
        if supervisor.is_up:
            name = supervisor.instance.component.name
            for each in list(self._instances()):
                if name in each.instance.component.after:
                    each.look_again()
        self._watcher.changed(supervisor)

    def printed(self, supervisor: Supervisor, line: Line) -> None:
        """An instance has printed a line."""
        self._watcher.printed(supervisor, line)

    # ------------------------------------------------------------------------------------------------------- inside

    def _instances(self) -> Iterator[Supervisor]:
        for supervisors in self._supervisors.values():
            yield from supervisors
        yield from self._leaving

    def _next_turn(self) -> None:
        waiting, self._launched = self._launched > AT_ONCE, 0
        for supervisor in list(self._instances()) if waiting else ():
            supervisor.look_again()

    def _scale(self, supervisors: list[Supervisor], program: Program) -> None:
        """Have more instances, or fewer, of what is otherwise as it was."""
        surplus = supervisors[program.component.instances :]
        del supervisors[program.component.instances :]
        for each in supervisors:
            each.instance = structs.replace(each.instance, program=program)
        supervisors += self._made(program, but=len(supervisors))
        if surplus:
            self._leave(surplus)

    def _made(self, program: Program, but: int = 0) -> list[Supervisor]:
        """The instances, without the first ones, which are there."""
        starter = self._starter(program)
        made = [
            Supervisor(self._reactor, Instance(program, number), starter, self, self._chance, self._now)
            for number in range(but + 1, program.component.instances + 1)
        ]
        for supervisor in made if self._held else ():
            supervisor.hold()
        return made

    def _leave(self, supervisors: list[Supervisor]) -> None:
        """Stop instances that are no longer configured."""
        for each in supervisors:
            self._restarts[each.instance.component.name] += each.restarts.total
        self._leaving += supervisors

        def gone(_: object) -> None:
            self._leaving = [each for each in self._leaving if each not in supervisors]
            for each in self._supervisors.get(supervisors[0].instance.component.name, ()):
                each.look_again()

        DeferredList([each.stop() for each in supervisors], consumeErrors=True).addCallback(gone)

    def _watch_memory(self) -> None:
        """Look at memory as long as somebody may take only so much."""
        wanted = not self._held and any(each.instance.component.limits.memory for each in self._instances())
        if wanted and not self._look.running:
            self._look.start(LOOK, now=False)
        elif not wanted and self._look.running:
            self._look.stop()

    def _look_at_memory(self) -> Deferred[Any]:
        limited = [each for each in self._instances() if each.instance.component.limits.memory is not None]
        looking = DeferredList([self._look_at(each) for each in limited], consumeErrors=True)
        return looking.addCallback(_tell_of_bugs)

    def _look_at(self, supervisor: Supervisor) -> Deferred[None]:
        """End an instance that takes too much memory."""
        most, pid = supervisor.instance.component.limits.memory or 0, supervisor.pid

        def seen(usage: Usage | None) -> None:
            if usage is not None and usage.memory > most and supervisor.pid == pid:
                supervisor.condemn(f"takes {_mib(usage.memory)} of memory, more than its {_mib(most)}")

        return self.usage(supervisor).addCallback(seen)


def _is_scaled(old: Program, new: Program) -> bool:
    """Whether there are to be more instances, or fewer, and nothing else is to be different, not even their names."""
    count = new.component.instances
    return min(count, old.component.instances) > 1 and new == structs.replace(
        old, component=structs.replace(old.component, instances=count)
    )


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.0f} MiB"


def _tell_of_bugs(looked: list[tuple[bool, Any]]) -> None:
    for is_done, trouble in looked:
        if not is_done:
            log.failure("looking at the memory of a component failed: a bug in wampd", failure=trouble)
