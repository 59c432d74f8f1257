"""A call under way, and what is special about it.

Rules
-----
* An ordinary call is an `Invocation` and nothing else. Whoever has more to remember of a call gives it a `Course`.
* What a caller still sends of a progressive call that is over is dropped, for a while: it cannot have known (advanced profile,
  "Progressive Call Invocations"). Where ids need not count, such an id is in use for that while.
* `Course.seat` is given back once, whatever the way in which the callee is done with the call: an answer, a cancellation, a
  timeout, either side leaving, or the call going to another callee.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from msgspec import Raw, Struct
from msgspec.structs import replace

from wampd.realms.abilities import CALL_TIMEOUT, has
from wampd.realms.options import MAX_ID

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
    uri: str = ""
    """The procedure that was called."""
    registration: Registration | None = None
    """Whose call it is, as its callee's part; `None`: of no registration's, or of several callees together."""
    seen: float | None = None
    """When somebody who looks for calls that take long has seen it first (monotonic seconds)."""


class Seat(Protocol):
    """A place with a callee that serves only so many calls at once."""

    def give_back(self) -> None:
        """The callee is done with the call."""
        ...


class Course:
    """What is special about one call."""

    __slots__ = (
        "begun",
        "caller",
        "deadline",
        "details",
        "ends",
        "kept",
        "open",
        "options",
        "parts",
        "payer",
        "payload",
        "progressive",
        "registration",
        "rkey",
        "seat",
        "since",
        "timeout",
        "told",
        "tried",
        "uri",
    )

    def __init__(self, request: Call, registration: Registration, details: dict[str, Any]) -> None:
        self.uri = request.uri
        options = request.options
        # That list is of any length, and nobody reads it.
        self.options: CallOptions = options if options.forward_for is None else replace(options, forward_for=None)
        """Of the first CALL, which count for the whole call (advanced profile, "Progressive Call Invocations")."""
        self.registration = registration
        self.details = details
        """What every callee is told."""
        self.caller: dict[str, Any] = {}
        """Who the caller is, for callees that ask for it; empty: it must not be told, or is among the details."""
        self.payer: Session | None = None
        """For whom the caller speaks, if it does not speak for itself: on that one's account the call waits."""
        self.told = details
        """What the callee was told in its first INVOCATION, and is told in each that follows."""
        self.payload: tuple[Payload, Payload] | None = (request.args, request.kwargs)
        """Of the CALL, as long as it may have to be sent to another callee."""
        self.kept = 0
        """How many bytes of the realm's `Store` it takes."""
        self.rkey: str | None = None
        """The key of the resource whose callee has the call; `None`: any callee."""
        self.tried: set[Session] = set()
        """The callees that were asked, and are not available."""
        self.open = request.options.progress
        """The caller may go on with the call."""
        self.parts = 0
        """How many INVOCATIONs the callee was sent."""
        self.begun = False
        """More than the first CALL has passed: no other callee can be asked any more."""
        self.progressive = False
        """The callee may answer in parts."""
        self.timeout = 0.0
        """Seconds that the callee has for an answer, or for a part of one; 0: as long as it likes."""
        self.ends = 0.0
        """When that time is up (monotonic seconds)."""
        self.deadline: Deadline[Invocation] | None = None
        """`None`: nobody watches the time, or the callee does."""
        self.since: float | None = None
        """When it began (monotonic seconds), if it is a sample of how long calls take."""
        self.seat: Seat | None = None
        """What must be given back when the callee is done with the call."""

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return sum(len(memoryview(part)) for part in self.payload or () if part is not None)

    def leave_seat(self) -> None:
        """The callee is done with the call, whatever the way."""
        seat, self.seat = self.seat, None
        if seat is not None:
            seat.give_back()


class Store:
    """How many bytes a realm keeps of calls under way: payload that may be sent to another callee, results to be gathered."""

    __slots__ = ("most", "used")

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0

    def keep(self, course: Course, size: int) -> bool:
        """Keep so much more for a call; whether there was room for it."""
        if self.used + size > self.most:
            return False
        self.used += size
        course.kept += size
        return True

    def keep_payload(self, course: Course) -> bool:
        """Keep the payload of a call, if that is not done already; whether there was room for it."""
        if course.kept > 0:
            return True
        if not self.keep(course, course.size):
            return False
        if course.payload is not None:
            args, kwargs = course.payload
            course.payload = _copied(args), _copied(kwargs)
        return True

    def let_go(self, course: Course) -> None:
        """Nothing needs to be kept for a call any more."""
        self.used -= course.kept
        course.kept = 0
        course.payload = None


def _copied(part: Payload) -> Payload:
    """A part of a payload by itself, which was a view of all that was read with it."""
    return part.copy() if type(part) is Raw else part


Forward: TypeAlias = Literal["requested", "never", "always"]
"""Whether callees that announced ``call_timeout`` watch the time themselves: where they ask for it when they register, or as
the realm has it."""


class Timeouts(Struct, frozen=True):
    """How long calls of a realm may take."""

    default: float = 0.0
    """Seconds for a call that asks for no timeout; 0: as long as it likes."""
    maximum: float = 0.0
    """The most seconds for any call; 0: there is no such limit."""
    forward: Forward = "requested"

    def allowed(self, asked: int) -> float:
        """The seconds that a call may take whose caller asked for so many milliseconds; 0: as long as it likes."""
        seconds = min(asked, MAX_ID) / 1000 or self.default
        return min(seconds or self.maximum, self.maximum) if self.maximum else seconds

    def passes_on(self, callee: Session, requested: bool) -> bool:
        """Whether a callee is told of the timeout, and watches the time itself."""
        return (
            self.forward != "never"
            and (requested or self.forward == "always")
            and has(callee.roles.callee, CALL_TIMEOUT)
        )


# ------------------------------------------------------------------------------------------- calls that ended too early

GRACE = 60.0
"""Seconds that the caller of a progressive call has to hear that it is over."""
MOST_ENDED = 1000
"""How many of them a session may have; of more the oldest are forgotten."""


def remember_ended(caller: Session, call: int, uri: str, now: float) -> None:
    """A progressive call is over that its caller did not end: what it still sends of it is to be dropped."""
    ended = caller.ended
    if ended is None:
        ended = caller.ended = {}
    ended.pop(call, None)
    while ended:
        oldest = next(iter(ended))
        if len(ended) < MOST_ENDED and now - ended[oldest][1] <= GRACE:
            break
        del ended[oldest]
    ended[call] = (uri, now)


def is_late(caller: Session, message: Call, now: float) -> bool:
    """Whether a CALL is a part of a progressive call that is over."""
    ended = caller.ended
    if not ended or message.id not in ended:
        return False
    uri, at = ended[message.id]
    return uri == message.uri and now - at <= GRACE


def drop_if_late(caller: Session, message: Call, now: float) -> bool:
    """`is_late`; and with the last part of it, or with another call of that id, there is nothing to remember any more."""
    late = is_late(caller, message, now)
    if caller.ended and not (late and message.options.progress):
        caller.ended.pop(message.id, None)
        caller.ended = caller.ended or None
    return late
