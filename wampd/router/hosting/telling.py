"""What is told of instances: rows for whoever asks, and events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from wampd.realms.timestamps import rfc3339
from wampd.router.hosting.hosting import Watcher
from wampd.router.hosting.output import Line
from wampd.router.hosting.supervisor import SHOWN, Supervisor
from wampd.router.hosting.usage import Usage

ON_STATE: Final = "wampd.component.on_state"
ON_LINE: Final = "wampd.component.{name}.log"
"""For each component; its name is one component of URIs."""


class Telling(Watcher):
    """Publishes what becomes of components."""

    def __init__(self, tell: Callable[[str, list[Any]], None]) -> None:
        """``tell`` publishes to a topic, if there is anybody to listen."""
        self._tell = tell

    def changed(self, supervisor: Supervisor) -> None:
        """Tell of a new state."""
        self._tell(ON_STATE, [state_of(supervisor)])

    def printed(self, supervisor: Supervisor, line: Line) -> None:
        """Tell of a line."""
        topic = ON_LINE.format(name=supervisor.instance.component.name)
        self._tell(topic, [{"instance": supervisor.instance.number, **line_of(line)}])


def state_of(supervisor: Supervisor) -> dict[str, Any]:
    """How an instance is, without a look at its process."""
    instance = supervisor.instance
    component = instance.component
    return {
        "id": instance.name,
        "name": component.name,
        "instance": instance.number,
        "type": component.__struct_config__.tag,
        "state": SHOWN[supervisor.state],
        "ready": supervisor.is_up,
        "why": supervisor.why,
        "pid": supervisor.pid,
        "since": rfc3339(round(supervisor.since * 1_000_000), 3),
        "restarts": supervisor.restarts.total,
        "exit": None if supervisor.exit is None else str(supervisor.exit),
        "realm": component.realm,
        "role": component.role,
    }


def row_of(supervisor: Supervisor, usage: Usage | None) -> dict[str, Any]:
    """How an instance is, and what it takes of the machine: seconds of processors, bytes of memory."""
    return {
        **state_of(supervisor),
        "cpu": None if usage is None else round(usage.cpu, 2),
        "memory": None if usage is None else usage.memory,
        "processes": None if usage is None else usage.processes,
    }


def line_of(line: Line) -> dict[str, Any]:
    """A line that it has printed."""
    return {"time": rfc3339(round(line.time * 1_000_000), 3), "stream": line.stream, "text": line.text}
