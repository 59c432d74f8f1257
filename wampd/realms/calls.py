"""A call under way, and what is special about it.

Rules
-----
* An ordinary call is an `Invocation` and nothing else. Whoever has more to remember of a call gives it a `Course`.
* `Course.seat` is given back once, whatever the way in which the callee is done with the call: an answer, a cancellation, a
  timeout, either side leaving, or the call going to another callee.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from wampd.realms.deadlines import Deadline
    from wampd.realms.messages import Call, Payload
    from wampd.realms.options import CallOptions
    from wampd.realms.registrations import Registration
    from wampd.realms.session import Session


class Invocation(Struct, gc=False):
    """A call under way: it stands in ``caller.calls`` and in ``callee.invocations`` until it is answered."""

    caller: Session
    call: int
    callee: Session | None
    """`None`: the call waits for a callee, and ``id`` means nothing yet."""
    id: int
    interrupted: bool = False
    course: Course | None = None


class Seat(Protocol):
    """A place with a callee that serves only so many calls at once."""

    def give_back(self) -> None:
        """The callee is done with the call."""
        ...


class Course:
    """What is special about one call."""

    __slots__ = (
        "deadline",
        "details",
        "ends",
        "open",
        "options",
        "parts",
        "payload",
        "progressive",
        "registration",
        "seat",
        "timeout",
        "told",
        "tried",
        "uri",
    )

    def __init__(self, request: Call, registration: Registration, details: dict[str, Any]) -> None:
        self.uri = request.uri
        self.options: CallOptions = request.options
        """Of the first CALL, which count for the whole call (advanced profile, "Progressive Call Invocations")."""
        self.registration = registration
        self.details = details
        """What every callee is told."""
        self.told = details
        """What the callee was told in its first INVOCATION, and is told in each that follows."""
        self.payload: tuple[Payload, Payload] | None = (request.args, request.kwargs)
        """Of the CALL, as long as it may have to be sent to another callee."""
        self.tried: list[Session] = []
        """The callees that were asked."""
        self.open = request.options.progress
        """The caller may go on with the call."""
        self.parts = 0
        """How many INVOCATIONs the callee was sent."""
        self.progressive = False
        """The callee may answer in parts."""
        self.timeout = 0.0
        """Seconds that the callee has for an answer, or for a part of one; 0: as long as it likes."""
        self.ends = 0.0
        """When that time is up (monotonic seconds)."""
        self.deadline: Deadline[Invocation] | None = None
        """`None`: nobody watches the time, or the callee does."""
        self.seat: Seat | None = None
        """What must be given back when the callee is done with the call."""

    def leave_seat(self) -> None:
        """The callee is done with the call, whatever the way."""
        seat, self.seat = self.seat, None
        if seat is not None:
            seat.give_back()
