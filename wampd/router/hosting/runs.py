"""What supervision knows of that which runs a component: a run begins, prints lines, and ends, however that comes about.

Rules
-----
* A :class:`Starter` begins runs: of processes (`processes`), or of sessions inside the router. It is told the instance, and
  tells a :class:`Told` what happens: lines, and once, at the end, how it ended. It never tells anything before `start` has
  returned.
* :class:`Passes` are what lets an instance into its realm. They are made for one run, and void when it has ended.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Final, Literal, Protocol

from msgspec import Struct

from wampd.hosted import trouble
from wampd.router.settings.components import Component

NOT_RUN: Final = 127
"""The exit status of what cannot be executed, as with shells."""
NOT_IMPORTED: Final = trouble.UNUSABLE
"""The exit status of a component in Python that cannot be imported (EX_CONFIG of sysexits.h): trying at once is of no use."""

Stream = Literal["stdout", "stderr"]


class Program(Struct, frozen=True):
    """A component, and what is executed for it. Two that are equal are the same component, unchanged."""

    component: Component
    command: tuple[str, ...]
    """Empty: it runs inside the router."""
    environment: Mapping[str, str] = {}
    """All of it, but for what `Passes` add."""


class Instance(Struct, frozen=True):
    """One of the instances of a component."""

    program: Program
    number: int

    @property
    def component(self) -> Component:
        """What is configured of it."""
        return self.program.component

    @property
    def name(self) -> str:
        """`adder`, or `adder.2` of several: in the log, for commands, and as authid."""
        component = self.component
        return component.name if component.instances == 1 else f"{component.name}.{self.number}"


class Ending(Struct, frozen=True):
    """How a run ended."""

    status: int | None = None
    """The exit status; `None`: a signal ended it, or there was no process."""
    signal: int | None = None
    why: str = ""
    """What there is to say beyond that, of what is no process."""

    @property
    def is_well(self) -> bool:
        """Whether it ended by itself, and said that all was well."""
        return self.status == 0

    @property
    def is_hopeless(self) -> bool:
        """Whether it would be no use to try again at once."""
        return self.status == NOT_IMPORTED

    def __str__(self) -> str:
        if self.why:
            return self.why
        if self.signal is not None:
            return f"was ended by signal {self.signal} ({_name_of(self.signal)})"
        if self.status == NOT_RUN:
            return "cannot be started"
        if self.status == NOT_IMPORTED:
            return "cannot be imported"
        return "has ended" if self.status == 0 else f"failed, exit status {self.status}"


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return "a real-time signal"


class Told(Protocol):
    """Who is told of a run."""

    def printed(self, stream: Stream, line: str) -> None:
        """It has printed a line."""
        ...

    def ended(self, ending: Ending) -> None:
        """It has ended, with all that it has started. Nothing is told after that."""
        ...


class Run(Protocol):
    """A run under way. What is asked of one that has ended does nothing."""

    @property
    def pid(self) -> int | None:
        """The process; `None`: it has none of its own."""
        ...

    def ask_to_end(self) -> None:
        """Begin to end it, gracefully."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Starter(Protocol):
    """Begins runs."""

    def start(self, instance: Instance, told: Told) -> Run:
        """Begin one. Raise `OSError` if the system has no room for it."""
        ...


class Passes(Protocol):
    """Lets instances into their realms."""

    def issue(self, instance: Instance) -> Mapping[str, str]:
        """A process is about to be started: what it finds in its environment so that it can join."""
        ...

    def bind(self, instance: Instance, pid: int) -> None:
        """The process has begun, with this number; it leads a process group of the same number."""
        ...

    def void(self, instance: Instance) -> None:
        """It has ended: what was issued is good for nobody any more."""
        ...


class NoPasses:
    """For a router that no component joins by itself."""

    def issue(self, _instance: Instance) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def bind(self, _instance: Instance, _pid: int) -> None:
        """Nothing."""

    def void(self, _instance: Instance) -> None:
        """Nothing."""
