"""``wampd.component.*``: what operators see of components, and do with them.

Rules
-----
* A component is called by its name, or one of its instances by its own (``adder.2``).
* To start, stop and restart is answered when it is done, with how the instances are then; what cannot be done is an ERROR that
  says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.defer import TimeoutError as TooLate
from twisted.python.failure import Failure

from wampd.realms.meta.shapes import Nothing
from wampd.realms.services import INVALID_ARGUMENT, Arguments
from wampd.router.inside.insider import Handler, Refusal, Reply
from wampd.router.inside.taking import taken
from wampd.router.inside.together import together
from wampd.router.settings.problems import did_you_mean

if TYPE_CHECKING:
    from wampd.router.hosting.hosting import Hosting
    from wampd.router.hosting.supervisor import Supervisor

NO_SUCH_COMPONENT: Final = "wampd.error.no_such_component"
NOT_DONE: Final = "wampd.error.component_failed"
PATIENCE: Final = 30.0
"""Seconds that something is waited for, beyond the time that the component has for it."""
MOST_LINES: Final = 1000


class Which(Arguments, frozen=True):
    """A component, or one instance."""

    name: str


class Logs(Arguments, frozen=True):
    """The lines of a component, or of one instance."""

    name: str
    lines: int = 100
    instance: int | None = None


class Procedures:
    """What can be called."""

    def __init__(self, hosting: Callable[[], Hosting | None], clock: Any) -> None:
        self._hosting = hosting
        self._clock = clock

    def all(self, call: Reply) -> Deferred[list[dict[str, Any]]]:
        """All instances of all components, and how they are."""
        from wampd.router.hosting.telling import row_of

        taken(Nothing, call)
        hosting = self._hosting()
        if hosting is None:
            return succeed([])
        listed = [each for supervisors in hosting.components.values() for each in supervisors]
        usages = together(hosting.usage(each) for each in listed)
        return usages.addCallback(lambda told: [row_of(*each) for each in zip(listed, told, strict=True)])

    def start(self, call: Reply) -> Deferred[Any]:
        """Start what does not run; answered when it is ready."""
        return self._done(call, lambda hosting, name: hosting.start_one(name), "ready")

    def stop(self, call: Reply) -> Deferred[Any]:
        """Stop; answered when it has ended. It stays so until it is started."""
        return self._done(call, lambda hosting, name: hosting.stop_one(name), "ended")

    def restart(self, call: Reply) -> Deferred[Any]:
        """Stop, and start again; answered when it is ready."""
        return self._done(call, lambda hosting, name: hosting.restart_one(name, "an operator wants it"), "ready")

    def logs(self, call: Reply) -> Any:
        """The last lines of all instances in the order of time, or of one."""
        from wampd.router.hosting.telling import line_of

        given = taken(Logs, call)
        if not 0 <= given.lines <= MOST_LINES:
            raise Refusal(INVALID_ARGUMENT, f"lines is 0 to {MOST_LINES}")
        _, supervisors = self._found(given.name)
        chosen = [each for each in supervisors if given.instance in (None, each.instance.number)]
        if not chosen:
            raise Refusal(NO_SUCH_COMPONENT, f"{given.name} has no instance {given.instance}")
        lines = [(line, each.instance.number) for each in chosen for line in each.lines.last(given.lines)]
        lines.sort(key=lambda it: it[0].time)
        return [{"instance": number, **line_of(line)} for line, number in lines[max(0, len(lines) - given.lines) :]]

    def _found(self, name: str) -> tuple[Hosting, list[Supervisor]]:
        hosting = self._hosting()
        try:
            if hosting is None:
                raise KeyError(name)
            return hosting, hosting.wanted(name)
        except KeyError:
            hint = did_you_mean(name[:100], hosting.names) if hosting is not None else ""
            raise Refusal(NO_SUCH_COMPONENT, f"there is no component of the name {name[:100]}{hint}") from None

    def _done(self, call: Reply, do: Callable[[Hosting, str], Deferred[Any]], what: str) -> Deferred[Any]:
        name = taken(Which, call).name
        hosting, supervisors = self._found(name)
        component = supervisors[0].instance.component
        longest = component.stop.grace + component.ready_timeout + PATIENCE
        asked: Deferred[Any] = maybeDeferred(do, hosting, name)
        asked.addTimeout(longest, self._clock)

        def done(_: object) -> list[dict[str, Any]]:
            from wampd.router.hosting.telling import state_of

            return [state_of(each) for each in supervisors]

        def failed(failure: Failure) -> None:
            from wampd.router.hosting.supervisor import Fallen

            if failure.check(Fallen):
                raise Refusal(NOT_DONE, str(failure.value))
            if failure.check(TooLate):
                why = next((f": {each.name} {each.why}" for each in supervisors if each.why), "")
                raise Refusal(NOT_DONE, f"{name} is not {what} after {longest:g} s{why}")
            failure.raiseException()

        return asked.addCallbacks(done, failed)


def procedures_of(hosting: Callable[[], Hosting | None], clock: Any) -> Mapping[str, Handler]:
    """The procedures, by URI."""
    served = Procedures(hosting, clock)
    return {
        "wampd.component.list": served.all,
        "wampd.component.start": served.start,
        "wampd.component.stop": served.stop,
        "wampd.component.restart": served.restart,
        "wampd.component.logs": served.logs,
    }
