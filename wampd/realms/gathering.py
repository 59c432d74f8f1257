"""A call of all callees of a registration: one call to its caller, and a part of it for each callee.

Rules
-----
* Between the two stands a session of the router's own, which is the callee of the call and the caller of its parts. So what
  ends a call (an answer, a cancellation, a timeout, either side leaving) needs no other rules here.
* ``gather``: the one RESULT has one argument, a list with one dictionary for each callee in the order of registration; its
  ``args`` and ``kwargs`` are there if the callee's result has them.
* ``progressive``: each callee's result is passed on as it is when it comes, as a progressive RESULT; an empty RESULT follows.
* The first error is the answer to the call, and the other callees are interrupted.
* When the call is cancelled or its caller has left, so are the parts: in the mode that the caller chose.
* When the call is over, so are its parts, at once: what they take is bounded by what the caller may have under way.
* When the call and all its parts are over, what refers to itself here is taken apart: no collector of garbage sees through the
  records of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Raw

from wampd.realms.calls import Course, Invocation
from wampd.realms.limits import PAYLOAD_SIZE_EXCEEDED, beyond
from wampd.realms.messages import CALL, ERROR, INTERRUPT, RESULT, Call, Event, Foreign, Format, Outgoing
from wampd.realms.options import CallOptions, ClientRole, ClientRoles
from wampd.realms.publications import weight
from wampd.realms.records import CANCELED, interrupt
from wampd.realms.services import INVALID_ARGUMENT
from wampd.realms.session import Session, State

if TYPE_CHECKING:
    from wampd.realms.assignment import Assignment

ROLES = ClientRoles(caller=ClientRole(), callee=ClientRole({"call_canceling": True, "progressive_call_results": True}))
"""What the session between caller and callees can do: cancel and be cancelled, and pass progress on."""

PLAIN = CallOptions()

Server = TypeVar("Server")


class Gathering:
    """One such call; the `wampd.realms.session.Outlet` of the session in between, and the `Seat` of the call."""

    def __init__(
        self, dealer: Assignment, caller: Session, message: Call, decode: Callable[[Raw, Format], Any]
    ) -> None:
        self._dealer = dealer
        self._decode = decode
        self._message: Call | None = message
        self._whole = Invocation(caller, message.id, None, 1, uri=message.uri)
        self._progressive = message.options.runmode == "progressive"
        self._due = 0  # results that are still to come
        self._results: dict[int, dict[str, Any]] = {}
        # In the caller's serialization, so that payload goes either way as if nobody stood in between.
        self.session = Session(
            0, format=caller.format, roles=ROLES, grants=caller.grants, touched=caller.touched, outlet=self
        )
        self.session.calls = {}

    def invocation(self, course: Course) -> Invocation:
        """The call, with this as its callee."""
        whole = self._whole
        whole.callee, whole.course = self.session, course
        course.seat = self
        self.session.last_invocation = whole.id
        self.session.invocations = {whole.id: whole}
        return whole

    def parts(self, course: Course, servers: Sequence[Server]) -> Iterator[tuple[Invocation, Server]]:
        """The parts of the call, one for each of those who are to serve it."""
        message, self._message = self._message, None
        assert message is not None
        assert self.session.calls is not None
        self._due = len(servers)
        for number, server in enumerate(servers, 1):
            request = Call(number, PLAIN, message.uri, message.args, message.kwargs)
            part = Course(request, course.registration, course.details)
            part.caller = course.caller
            part.payer = self._whole.caller
            part.begun = True  # another callee has its own part: nobody else is to be asked
            invocation = Invocation(self.session, number, None, 0, False, part, message.uri, course.registration)
            self.session.calls[number] = invocation
            yield invocation, server

    # ------------------------------------------------------------------------------------------ the session's outlet

    def flush(self) -> None:
        """Serve what was sent to the session."""
        outbox = self.session.outbox
        for message in outbox:  # grows while parts are stopped
            if isinstance(message, Foreign):
                self._serve(message.message, message.format)
            elif not isinstance(message, Event):
                self._serve(message, self.session.format)
        outbox.clear()
        self._fall_apart()

    def broken(self) -> None:
        """Serving failed, which is a bug of ours: end the call."""
        self.dismiss(CANCELED)

    def hold(self, held: bool) -> None:
        """It says nothing that would have to wait."""

    def resume(self) -> None:
        """Nothing has waited."""

    def dismiss(self, reason: str, message: str = "") -> None:
        """End the call."""
        self._stop("killnowait", reason)
        self._end((ERROR, CALL, self._whole.call, {}, CANCELED, [message or "the call could not be carried out"]))
        if not self.session.outbox:
            self._fall_apart()

    def give_back(self) -> None:
        """The call is over, whatever the way: then so are the parts that are still under way, or wait."""
        self.session.state = State.CLOSED
        self.session.send((INTERRUPT, self._whole.id, {"mode": "skip", "reason": CANCELED}))

    # -------------------------------------------------------------------------------------------------------- serving

    def _serve(self, message: tuple[Any, ...], form: Format) -> None:
        if message[0] == INTERRUPT:
            self._stop(message[2]["mode"], message[2]["reason"])
        elif message[0] == ERROR:
            self._end(self._carrying((ERROR, CALL, self._whole.call, *message[3:5]), message[5:], form))
            self._stop("killnowait", CANCELED)
        elif message[0] == RESULT and self._is_under_way:
            self._take(message[1], message[3:], form)

    def _take(self, number: int, payload: tuple[Any, ...], form: Format) -> None:
        """A callee's result has come."""
        call = self._whole.call
        self._due -= 1
        if self._progressive:
            part = self._carrying((RESULT, call, {"progress": True}), payload, form)
            self._dealer.pass_on(self._whole, part, final=False)
            if not self._due:
                self._end((RESULT, call, {}))
            return
        try:
            values = [self._decode(part, form) if isinstance(part, Raw) else part for part in payload]
        except ValueError:
            self._give_up(INVALID_ARGUMENT, "a callee's result holds a value that cannot be read")
            return
        course = self._whole.course
        assert course is not None
        store = self._dealer.store
        if not store.keep(course, weight(values)):
            self._give_up(PAYLOAD_SIZE_EXCEEDED, beyond("kept_size", store.most))
            return
        self._results[number] = dict(zip(("args", "kwargs"), values, strict=False))
        if not self._due:
            results = [self._results[each] for each in sorted(self._results)]
            self._end(Foreign((RESULT, call, {}, [results]), Format.PLAIN))

    def _fall_apart(self) -> None:
        """When nothing is under way, see that the memory is free at once."""
        if not self._is_under_way and not self.session.calls:
            self._results.clear()
            self._whole.callee = self.session.outlet = None

    @property
    def _is_under_way(self) -> bool:
        return (self._whole.caller.calls or {}).get(self._whole.call) is self._whole

    def _end(self, answer: Outgoing) -> None:
        if self._is_under_way:
            self._dealer.pass_on(self._whole, answer, final=True)

    def _give_up(self, uri: str, reason: str) -> None:
        """The results cannot be gathered."""
        self._end((ERROR, CALL, self._whole.call, {}, uri, [reason]))
        self._stop("killnowait", CANCELED)

    def _stop(self, mode: str, reason: str) -> None:
        """Cancel what is under way of the call."""
        for part in list((self.session.calls or {}).values()):
            interrupted = mode != "skip" and interrupt(part, mode, reason)
            if mode != "kill":
                self._dealer.drop(part)
            elif not interrupted:
                self._dealer.give_up(part)

    def _carrying(self, head: tuple[Any, ...], payload: tuple[Any, ...], form: Format) -> Outgoing:
        """A message that carries a payload of this serialization to the caller."""
        message = (*head, *payload)
        return Foreign(message, form) if payload and form is not self.session.format else message
