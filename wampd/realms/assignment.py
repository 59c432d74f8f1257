"""Which callee a call gets that is out of the ordinary: a special one, or one of a registration that is not ordinary.

Rules
-----
* Of the callees of a shared registration the one is asked that its policy says, of those that have room and can serve the
  call (`wampd.realms.callees`). If none has room the call waits, but not in parts, and not beyond the bounds: then it is
  refused with ``wamp.error.no_available_callee``.
* While a call waits, it can be cancelled, its caller can leave, its time runs. When nobody is left who could serve it, it ends
  with ``wamp.error.canceled``, as one whose callee left.
* A callee that announced it can say ``wamp.error.unavailable``: then each other callee of the registration is asked once, as
  long as nothing but the first CALL has passed (advanced profile, "Call Re-Routing").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from wampd.realms.abilities import (
    CALL_REROUTE,
    PROGRESSIVE_RESULTS,
    can_be_interrupted,
    has,
    lacking,
    passed_on,
    with_payload,
)
from wampd.realms.callees import Share
from wampd.realms.calls import Course, Invocation, Timeouts, remember_ended
from wampd.realms.gathering import Gathering
from wampd.realms.grants import Grant
from wampd.realms.limits import Quota, beyond
from wampd.realms.messages import CALL, ERROR, INVOCATION, Call, Outgoing
from wampd.realms.options import CallOptions
from wampd.realms.outside import Outside
from wampd.realms.records import CANCELED, Records
from wampd.realms.registrations import Registration
from wampd.realms.services import Refused
from wampd.realms.session import Session
from wampd.realms.sharding import reach

FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported"
NO_AVAILABLE_CALLEE = "wamp.error.no_available_callee"


class Assignment(Records):
    """Gives calls to callees; a `wampd.realms.callees.Desk`."""

    def __init__(
        self,
        outside: Outside,
        struck: Counter[str],
        *,
        timeouts: Timeouts,
        quota: Quota,
        alarm: Callable[[], object],
        lenient_progress: bool,
    ) -> None:
        """``struck`` counts what is refused; ``alarm`` is called when ``deadlines.next`` has become earlier.

        ``lenient_progress``: also callees that cannot be interrupted may answer in parts.
        """
        super().__init__(outside, alarm, quota.kept_size)
        self.quota = quota
        self._struck = struck
        self._timeouts = timeouts
        self._lenient_progress = lenient_progress
        self._usual = None if timeouts.default or timeouts.maximum else CallOptions()
        self._plain = self._usual
        """The options of an ordinary call; `None`: now every call is special, by its timeout or as a sample."""
        self._chance = outside.random
        self._decode = outside.decode

    def change(self, timeouts: Timeouts, quota: Quota, *, lenient_progress: bool) -> None:
        """Let other rules hold for calls from now on; those under way keep the time that they have."""
        self.quota = quota
        self.store.most = quota.kept_size
        self._timeouts = timeouts
        self._lenient_progress = lenient_progress
        usual = None if timeouts.default or timeouts.maximum else CallOptions()
        if usual != self._usual:
            self._usual = self._plain = usual

    def _set_out(
        self, caller: Session, message: Call, registration: Registration, details: dict[str, Any], grant: Grant
    ) -> None:
        """Begin a call that has something special about it."""
        options = message.options
        course = Course(message, registration, {**details, **passed_on(options)})
        if "caller" not in details:
            course.caller = disclosing({}, caller, grant)
        try:
            whom = reach(options)
        except Refused as refused:
            self._refuse(caller, message, refused.uri, refused.reason)
            return
        if whom == "all":
            self._ask_all(caller, message, course)
            return
        if whom == "partition":
            course.rkey = options.rkey
        server: Registration | Share | None = registration
        if registration.callee is None:
            server = registration.shared.choose(course, self._chance)
        feature = registration.shared.lacking(course) if server is None else lacking(server.role, options)
        if feature:
            self._refuse(caller, message, FEATURE_NOT_SUPPORTED, f"the callee did not announce {feature}")
            return
        invocation = Invocation(caller, message.id, None, 0, False, course, message.uri, registration)
        obstacle = self._wait(invocation, course) if server is None else ""
        if obstacle:
            self._struck["calls that no callee had room for"] += 1
            self._refuse(caller, message, NO_AVAILABLE_CALLEE, obstacle)
            return
        self._begin(invocation, course)
        if server is not None:
            self._assign(invocation, server)

    def _begin(self, invocation: Invocation, course: Course) -> None:
        """A call is under way from now on."""
        caller = invocation.caller
        assert caller.calls is not None
        caller.calls[invocation.call] = invocation
        course.timeout = self._timeouts.allowed(course.options.timeout)
        if course.timeout:
            course.ends = self._now() + course.timeout
            course.deadline = self.deadlines.start(invocation, course.ends)
        if self.latencies.due:
            course.since = self._now()
            self.latencies.due -= 1
            if not self.latencies.due:
                self._plain = self._usual

    def measure(self, calls: int) -> None:
        """See how long the next calls take, so many of them."""
        self.latencies.due = calls
        self._plain = None if calls else self._usual

    def _ask_all(self, caller: Session, message: Call, course: Course) -> None:
        """Begin a call of all callees that are here."""
        gathering = Gathering(self, caller, message, self._decode)
        feature = lacking(gathering.session.roles.callee, message.options)
        if feature:
            self._refuse(
                caller, message, FEATURE_NOT_SUPPORTED, f"the router has no {feature} for calls of all callees"
            )
            return
        self._begin(gathering.invocation(course), course)
        registration = course.registration
        servers: Sequence[Registration | Share]
        servers = [registration] if registration.callee is not None else registration.shared.shares()
        for part, server in gathering.parts(course, servers):
            if isinstance(server, Registration) or server.has_room:
                self._assign(part, server)
                continue
            assert part.course is not None
            obstacle = self._queue(part, part.course, server)
            if obstacle:
                self._struck["calls that no callee had room for"] += 1
                self._fail(part, NO_AVAILABLE_CALLEE, obstacle)
        course.payload = None  # each part has it

    def pass_on(self, invocation: Invocation, message: Outgoing, *, final: bool) -> None:
        """Send a caller an answer, or a part of one, from a callee that is part of the router."""
        if final:
            self._forget(invocation)
            caller = invocation.caller
            if caller.errors is not None and isinstance(message, tuple) and message[0] == ERROR:
                caller.errors.note(caller, message[4], invocation.uri)
        elif invocation.course is not None:
            self._has_begun(invocation.course)
        invocation.caller.send(message)

    def drop(self, invocation: Invocation) -> None:
        """End a call of a caller that is part of the router, and needs no answer."""
        self._forget(invocation)

    def give_up(self, invocation: Invocation) -> None:
        """End a call of a caller that is part of the router, by the answer that a cancelled call gets."""
        self._fail(invocation, CANCELED, "the caller cancelled the call")

    def _wait(self, invocation: Invocation, course: Course) -> str:
        """Let a call wait for a callee that has room; what keeps it from that, if anything does."""
        if course.open:
            return "no callee has room, and a call in parts does not wait for one"
        return self._queue(invocation, course)

    def _queue(self, invocation: Invocation, course: Course, share: Share | None = None) -> str:
        """Let a call wait, for one callee or for those who may have it; what keeps it from that, if anything does."""
        if not self.store.keep_payload(course):
            return beyond("kept_size", self.store.most)
        ticket = course.registration.shared.wait(invocation, course, share)
        if isinstance(ticket, str):
            return ticket
        course.seat = ticket
        return ""

    def seat(self, invocation: Invocation, share: Share) -> None:
        """Give a call that waited to a callee."""
        assert invocation.course is not None
        invocation.course.leave_seat()
        self._assign(invocation, share)

    def strand(self, invocation: Invocation) -> None:
        """Answer a call that waited: nobody is left who could serve it."""
        self._fail(invocation, CANCELED, "the callees left before they served the call")

    def displace(self, invocation: Invocation) -> None:
        """Answer a call that waited: others, for whom fewer wait, have its place."""
        self._struck["calls that no callee had room for"] += 1
        self._fail(invocation, NO_AVAILABLE_CALLEE, "too many calls of this caller wait, and others want to")

    def _assign(self, invocation: Invocation, server: Registration | Share) -> None:
        """Give a call that no callee has to this one, which lacks nothing that the call needs."""
        course = invocation.course
        assert course is not None
        assert course.payload is not None
        callee = server.callee
        assert callee is not None
        callee.last_invocation = invocation_id = callee.last_invocation + 1
        invocation.callee, invocation.id, invocation.interrupted = callee, invocation_id, False
        if callee.invocations is None:
            callee.invocations = {}
        callee.invocations[invocation_id] = invocation
        course.seat = server.take()
        course.parts = 1
        course.told = told = dict(course.details)
        if server.disclose_caller:
            told.update(course.caller)
        role = callee.roles.callee
        course.progressive = (
            course.options.receive_progress
            and has(role, PROGRESSIVE_RESULTS)
            and (self._lenient_progress or can_be_interrupted(role))
        )
        if course.progressive:
            told["receive_progress"] = True
        if course.timeout:
            if self._timeouts.passes_on(callee, server.forward_timeout):
                told["timeout"] = max(1, round((course.ends - self._now()) * 1000))
                self._stop_watching(course)
            elif course.deadline is None:
                course.deadline = self.deadlines.start(invocation, course.ends)
        head = (INVOCATION, invocation_id, course.registration.id, {**told, "progress": True} if course.open else told)
        callee.send(with_payload(head, *course.payload, invocation.caller, callee))
        if course.begun or course.registration.callee is not None or not has(role, CALL_REROUTE):
            self.store.let_go(course)  # nobody else will be asked
        elif not self.store.keep_payload(course):
            self._struck["calls that cannot be given to another callee"] += 1
            self.store.let_go(course)

    def _has_begun(self, course: Course) -> None:
        """A part of a call has passed: its time starts anew, and no other callee can be asked."""
        course.begun = True
        self.store.let_go(course)
        if course.deadline is not None:
            course.deadline.due = course.ends = self._now() + course.timeout

    def _reroute(self, invocation: Invocation, callee: Session) -> bool:
        """A callee is not available: ask another; whether that is the end of its ERROR."""
        course = invocation.course
        if invocation.interrupted or (course is not None and course.begun):
            return False
        obstacle = "no callee of the procedure is available"
        if course is not None and course.registration.callee is None:
            if course.payload is None:
                obstacle = beyond("kept_size", self.store.most)
            else:
                obstacle = self._ask_another(invocation, course, callee)
        if obstacle:
            self._fail(invocation, NO_AVAILABLE_CALLEE, obstacle)
        return True

    def _ask_another(self, invocation: Invocation, course: Course, callee: Session) -> str:
        """Give a call to somebody else than its callee, or let it wait; what keeps it from that, if anything does."""
        course.tried.add(callee)
        shared = course.registration.shared
        share = shared.choose(course, self._chance)
        if share is None and shared.lacking(course) is not None:
            return "no callee of the procedure is available"
        assert callee.invocations is not None
        del callee.invocations[invocation.id]
        invocation.callee = None
        course.leave_seat()
        if share is None:
            return self._wait(invocation, course)
        self._assign(invocation, share)
        return ""

    def _refuse(self, caller: Session, message: Call, uri: str, reason: str = "") -> None:
        """Answer a CALL that does not even begin."""
        caller.refuse(CALL, message.id, uri, reason, message.uri)
        if message.options.progress:
            remember_ended(caller, message.id, message.uri, self._now())


def disclosing(details: dict[str, Any], caller: Session, grant: Grant) -> dict[str, Any]:
    """The details of an INVOCATION with the caller in them, unless its role forbids that."""
    if grant.disclose == "never":
        return details
    return {**details, "caller": caller.id, "caller_authid": caller.authid, "caller_authrole": caller.authrole}
