"""What a session gives and takes: results, events, invocations; and what it announces that it can do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

ROLES: Final = {
    "caller": {
        "features": {
            "call_timeout": True,
            "call_canceling": True,
            "progressive_call_results": True,
            "caller_identification": True,
        }
    },
    "callee": {
        "features": {
            "call_timeout": True,
            "call_canceling": True,
            "progressive_call_results": True,
            "caller_identification": True,
            "pattern_based_registration": True,
            "shared_registration": True,
            "registration_revocation": True,
        }
    },
    "publisher": {
        "features": {
            "publisher_identification": True,
            "publisher_exclusion": True,
            "subscriber_blackwhite_listing": True,
        }
    },
    "subscriber": {
        "features": {
            "publisher_identification": True,
            "pattern_based_subscription": True,
            "subscription_revocation": True,
            "event_history": True,
        }
    },
}
"""What HELLO announces."""


class Result(Struct, frozen=True):
    """What a call came to, or a part of it; what a handler may return."""

    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> Any:
        """The first positional value, or `None`."""
        return self.args[0] if self.args else None


class Event(Struct, frozen=True):
    """What a subscriber is told."""

    topic: str
    publication: int
    args: list[Any]
    kwargs: dict[str, Any]
    details: dict[str, Any]


class Invocation:
    """What a callee is asked."""

    __slots__ = ("_answer", "args", "details", "id", "kwargs", "procedure")

    def __init__(self, number: int, procedure: str, given: Result, answer: Callable[[int, Result], None]) -> None:
        """``given`` are the caller's arguments and the details; ``answer`` sends a part of the result."""
        self._answer = answer
        self.id = number
        self.procedure = given.details.get("procedure", procedure)
        self.details = given.details
        self.args = given.args
        self.kwargs = given.kwargs

    @property
    def takes_progress(self) -> bool:
        """Whether the caller wants parts of the result."""
        return bool(self.details.get("receive_progress"))

    def progress(self, *args: Any, **kwargs: Any) -> None:
        """Answer in part; nothing if the caller did not ask for that."""
        if self.takes_progress:
            self._answer(self.id, Result(list(args), kwargs))


EventHandler: TypeAlias = Callable[[Event], None]
Procedure: TypeAlias = Callable[[Invocation], Awaitable[Any]]
"""Returns one value or a `Result`; raises `WampError` for an ERROR."""


def payload_of(message: list[Any], begin: int, details: dict[str, Any]) -> Result:
    """The arguments of a message, which begin there, if there are any."""
    args = message[begin] if len(message) > begin else None
    kwargs = message[begin + 1] if len(message) > begin + 1 else None
    if args is not None and type(args) is not list:
        args = [args]  # one encrypted payload in its older form
    return Result(args or [], kwargs or {}, details)
