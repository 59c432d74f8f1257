"""The life of one instance of a component: one table of states, of what may happen in them, and of what is done then.

Rules
-----
* It is a typed machine of Automat. It knows no time and no processes: what is to be done it asks of :class:`Acts`, and what
  happens it is told. What is told while it does something is looked at when that is done.
* Everything may happen in every state; what has no meaning there changes nothing.
* An instance that is wanted is waiting for others, starting, ready, resting before it is started again, or on its way out to
  come back (`failing`, `turning`). One that is not wanted is `down`, or `stopping`. One that has ended as it was to is `done`,
  and one that is not tried any more is `lost`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal, Protocol

from automat import TypeMachineBuilder

State = Literal["down", "waiting", "starting", "ready", "failing", "resting", "turning", "stopping", "done", "lost"]


class Acts(Protocol):
    """What is done for an instance."""

    def enter(self, state: State) -> None:
        """A new state, or a first one; timers of the last one mean nothing any more."""
        ...

    def look(self) -> None:
        """See whether all is ready that it waits for; if so, it is to be told `clear`."""
        ...

    def launch(self) -> None:
        """Begin a run."""
        ...

    def ask(self) -> None:
        """Ask the run to end, and kill it after a while."""
        ...

    def kill(self) -> None:
        """End the run at once."""
        ...

    def rest(self) -> None:
        """Wait; then it is to be told `again`."""
        ...


class Lifecycle(Protocol):
    """What may happen to an instance."""

    def start(self) -> None:
        """Somebody wants it to run."""

    def stop(self) -> None:
        """Somebody does not want it to run."""

    def turn(self) -> None:
        """It is to run anew: stopped if it runs, and started."""

    def clear(self) -> None:
        """All is ready that it waits for."""

    def is_ready(self) -> None:
        """It is ready."""

    def lapse(self) -> None:
        """It is not ready any more, and may be again."""

    def fail(self) -> None:
        """The run is of no use any more, and is asked to end."""

    def kick(self) -> None:
        """The run is of no use any more, and would not listen."""

    def fell(self) -> None:
        """The run has ended; it is to be started again."""

    def finish(self) -> None:
        """The run has ended, and that is that."""

    def lose(self) -> None:
        """The run has ended, and it is not to be tried any more."""

    def again(self) -> None:
        """It has rested."""


Input = Callable[[Lifecycle], None]
Act = Callable[[Acts], None]
ENDINGS: Final = (Lifecycle.fell, Lifecycle.finish, Lifecycle.lose)

TABLE: Final[tuple[tuple[State, tuple[Input, ...], State, tuple[Act, ...]], ...]] = (
    ("down", (Lifecycle.start, Lifecycle.turn), "waiting", (Acts.look,)),
    ("done", (Lifecycle.start, Lifecycle.turn), "waiting", (Acts.look,)),
    ("lost", (Lifecycle.start, Lifecycle.turn), "waiting", (Acts.look,)),
    ("done", (Lifecycle.stop,), "down", ()),
    ("lost", (Lifecycle.stop,), "down", ()),
    ("waiting", (Lifecycle.clear,), "starting", (Acts.launch,)),
    ("waiting", (Lifecycle.stop,), "down", ()),
    *(
        row
        for state in ("starting", "ready", "failing")
        for row in (
            (state, (Lifecycle.fell,), "resting", (Acts.rest,)),
            (state, (Lifecycle.finish,), "done", ()),
            (state, (Lifecycle.lose,), "lost", ()),
            (state, (Lifecycle.stop,), "stopping", (Acts.ask,)),
            (state, (Lifecycle.turn,), "turning", (Acts.ask,)),
            (state, (Lifecycle.kick,), "failing", (Acts.kill,)),
        )
    ),
    ("starting", (Lifecycle.is_ready,), "ready", ()),
    ("ready", (Lifecycle.lapse,), "starting", ()),
    ("starting", (Lifecycle.fail,), "failing", (Acts.ask,)),
    ("ready", (Lifecycle.fail,), "failing", (Acts.ask,)),
    ("stopping", ENDINGS, "down", ()),
    ("stopping", (Lifecycle.start, Lifecycle.turn), "turning", (Acts.ask,)),
    ("stopping", (Lifecycle.kick,), "stopping", (Acts.kill,)),
    ("turning", ENDINGS, "waiting", (Acts.look,)),
    ("turning", (Lifecycle.stop,), "stopping", (Acts.ask,)),
    ("turning", (Lifecycle.kick,), "turning", (Acts.kill,)),
    ("resting", (Lifecycle.again, Lifecycle.start, Lifecycle.turn), "waiting", (Acts.look,)),
    ("resting", (Lifecycle.stop,), "down", ()),
)
"""State, what happens, the new state, and what is done: in this order, after `Acts.enter`."""

STATES: Final[tuple[State, ...]] = tuple(dict.fromkeys(row[0] for row in TABLE))
INPUTS: Final[tuple[Input, ...]] = (
    Lifecycle.start,
    Lifecycle.stop,
    Lifecycle.turn,
    Lifecycle.clear,
    Lifecycle.is_ready,
    Lifecycle.lapse,
    Lifecycle.fail,
    Lifecycle.kick,
    *ENDINGS,
    Lifecycle.again,
)


def _machine() -> Callable[[Acts], Lifecycle]:
    """What makes lives, in the state `down`."""
    builder = TypeMachineBuilder(Lifecycle, Acts)  # type: ignore[type-abstract]  # it makes classes of both
    states = {name: builder.state(name) for name in STATES}
    meant = {(old, happening): (new, acts) for old, inputs, new, acts in TABLE for happening in inputs}
    for old in STATES:
        for happening in INPUTS:
            if (row := meant.get((old, happening))) is None:
                states[old].upon(happening).loop()(_nothing)
            else:
                states[old].upon(happening).to(states[row[0]])(_doing(row[0], row[1]))
    return builder.build()


def _doing(state: State, acts: Iterable[Act]) -> Callable[[Lifecycle, Acts], None]:
    """What is done on the way to a state."""
    names = [act.__name__ for act in acts]  # `acts` are of the protocol; what implements it need not inherit it

    def do(_: Lifecycle, core: Acts) -> None:
        core.enter(state)
        for name in names:
            getattr(core, name)()

    return do


def _nothing(_: Lifecycle, _core: Acts) -> None:
    """What has no meaning in a state."""


live: Final = _machine()
"""Makes the life of an instance, whose `Acts` are given."""
