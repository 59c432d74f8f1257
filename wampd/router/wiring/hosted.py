"""The components that the router hosts, from their settings.

A part of the composition root. What supervises components is loaded when there are any, and not before.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from wampd.router.control.desk import Desk
from wampd.router.settings.components import Component

if TYPE_CHECKING:
    from wampd.router.hosting.hosting import Hosting
    from wampd.router.hosting.runs import Program, Starter
    from wampd.router.hosting.watching import FileWatches
    from wampd.router.observe.components import ComponentState
    from wampd.router.wiring.control import PrivateSocket

PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV")
"""What components get of the router's own environment, which may hold secrets."""


class Hosted:
    """The components of the configuration."""

    def __init__(
        self,
        reactor: Any,
        components: Sequence[Component],
        environ: Mapping[str, str],
        *,
        follow_files: bool = False,
        files: int | None = None,
    ) -> None:
        """``follow_files``: restart components in development when their files change.

        ``files`` is how many files components may have open if nothing else is configured; `None`: as many as the router.
        """
        self._reactor = reactor
        self._components = tuple(components)
        self._environ = {name: environ[name] for name in PASSED_ON if name in environ}
        self._desk: Desk | None = None
        self._hosting: Hosting | None = None
        self._is_started = False
        self._is_held = False
        self._follow_files = follow_files
        self._file_limit = files
        self._files: FileWatches | None = None
        self.private: PrivateSocket | None = None
        """By it components come into their realms; to be set before the start."""

    @property
    def hosting(self) -> Hosting | None:
        """All components; `None`: there never were any."""
        return self._hosting

    @property
    def names(self) -> list[str]:
        """Of all components."""
        return [component.name for component in self._components]

    def down(self) -> list[str]:
        """The names of the instances that should be ready, and are not; before the start, of components."""
        return self.names if self._hosting is None else self._hosting.down()

    def states(self) -> Iterator[ComponentState]:
        """How components are, for metrics."""
        from wampd.router.observe.components import ComponentState

        components = {} if self._hosting is None else self._hosting.components
        for name, supervisors in components.items():
            up = sum(each.is_up for each in supervisors)
            given_up = sum(each.state == "lost" for each in supervisors)
            restarts = 0 if self._hosting is None else self._hosting.restarts(name)
            yield ComponentState(name, len(supervisors), up, given_up, restarts)

    def serve(self, desk: Desk) -> None:
        """Let operators see and steer components."""
        from wampd.router.hosting.procedures import procedures_of

        self._desk = desk
        desk.offer(procedures_of(lambda: self._hosting, self._reactor))

    def start(self) -> None:
        """Start them all."""
        self._is_started = True
        if self._components:
            self.change(self._components)

    def change(self, components: Sequence[Component]) -> None:
        """Have these components, and no others: only those are concerned whose settings are different.

        Before the start that is what will be started.
        """
        self._components = tuple(components)
        if not self._is_started or self._is_held:
            return
        if self._hosting is None:
            self._hosting = self._made()
        programs = [self._program(component) for component in components]
        self._hosting.change(programs)
        self._follow(self._hosting, programs)

    def hold(self) -> None:
        """Let those that end from now on be, and start no others."""
        self._is_held = True
        if self._files is not None:
            self._files.stop()
        if self._hosting is not None:
            self._hosting.hold()

    def stop(self, grace: float) -> Any:
        """End them all, within ``grace`` seconds; fires when they have ended."""
        from twisted.internet.defer import succeed

        return succeed(None) if self._hosting is None else self._hosting.stop(grace)

    def kill(self) -> None:
        """End them all at once."""
        if self._hosting is not None:
            self._hosting.kill()

    def _made(self) -> Hosting:
        from wampd.router.hosting.attending import Attending
        from wampd.router.hosting.hosting import Hosting
        from wampd.router.hosting.processes import Processes
        from wampd.router.hosting.runs import NoPasses
        from wampd.router.hosting.telling import Telling
        from wampd.router.hosting.usage import usage_of
        from wampd.router.hosting.warding import Warden
        from wampd.router.threads import Threads

        private = self.private
        passes = NoPasses() if private is None else private.passes
        processes = Processes(self._reactor, passes, Warden(self._reactor), self._file_limit)
        telling = None if self._desk is None else Telling(self._desk.tell)

        def starter(program: Program) -> Starter:
            return processes if program.command or private is None else private.inside()

        looking = Threads(self._reactor, 1, "use of components")
        hosting = Hosting(
            self._reactor,
            starter,
            chance=random.random,
            now=time.time,
            watcher=telling,
            usage=lambda pid: looking.run(usage_of, pid),
        )
        if private is not None:
            private.passes.attendance = Attending(self._reactor, hosting)
        return hosting

    def _follow(self, hosting: Hosting, programs: Sequence[Program]) -> None:
        """Look at the files of components, where that is wanted."""
        watched = any(program.component.watch is not None for program in programs)
        if self._files is None and (self._follow_files or watched):
            from wampd.router.hosting.watching import FileWatches
            from wampd.router.threads import Threads

            threads = Threads(self._reactor, 1, "files of components")
            self._files = FileWatches(self._reactor, hosting, threads.run, everything=self._follow_files)
        if self._files is not None:
            self._files.follow(programs)

    def _program(self, component: Component) -> Program:
        from wampd.router.wiring.programs import program_of

        return program_of(component, self._environ)
