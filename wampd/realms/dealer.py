"""The dealer: from a CALL to its callee, from an answer to its caller.

Who registered what is in `wampd.realms.registrations`; what calls are under way, and how they end, in `wampd.realms.records`.

Rules
-----
* Cancelling (advanced profile, "Call Canceling"): ``skip`` answers at once; ``killnowait`` also interrupts the callee;
  ``kill`` interrupts and waits for the callee's own answer. A callee that cannot be interrupted is skipped. Cancelling a
  call again may end the waiting, but no callee is interrupted twice.
* Progress is passed on only if the caller asked for it and the callee was told so; else it is dropped, and the final answer
  is not (advanced profile, "Progressive Call Results").
* The options of a progressive call are those of its first CALL, and all its parts go to one callee (advanced profile,
  "Progressive Call Invocations").
* A timeout is the time until an answer, or until the next part of one; any part of either side starts it anew. It is watched
  here, or by a callee that was told of it, never by both (advanced profile, "Call Timeouts").
* A callee that announced it can say ``wamp.error.unavailable``: then each other callee of the registration is asked once, as
  long as nothing but the first CALL has passed (advanced profile, "Call Re-Routing").
* An ordinary call (no options, an ordinary registration) has no `Course`, and never needs to know of any of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from wampd.realms.abilities import (
    CALL_REROUTE,
    PASSTHRU,
    PROGRESSIVE_CALLS,
    PROGRESSIVE_RESULTS,
    can_be_interrupted,
    has,
    lacking,
    passed_on,
    unreadable,
    with_payload,
)
from wampd.realms.callees import Share
from wampd.realms.calls import Course, Invocation, Timeouts, drop_if_late, is_late, remember_ended
from wampd.realms.grants import DISCLOSURE_DISALLOWED, INVALID_URI, NOT_AUTHORIZED, Grant
from wampd.realms.limits import beyond
from wampd.realms.messages import CALL, ERROR, INVOCATION, RESULT, YIELD, Call, Cancel, Error, Yield
from wampd.realms.options import CallOptions, ClientRole, ErrorDetails, YieldOptions
from wampd.realms.outside import Outside
from wampd.realms.records import CANCELED, Records, interrupt
from wampd.realms.registrations import Registration, Registrations
from wampd.realms.services import Services
from wampd.realms.session import ProtocolViolation, Session, State
from wampd.realms.uris import is_uri

ESTABLISHED = State.ESTABLISHED

FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported"
NO_AVAILABLE_CALLEE = "wamp.error.no_available_callee"
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
UNAVAILABLE = "wamp.error.unavailable"

NOTHING: dict[str, Any] = {}
"""Empty details, shared: never changed."""

PLAIN_CALL = CallOptions()
PLAIN_YIELD = YieldOptions()


class Dealer(Records):
    """Remote procedure calls in one realm."""

    def __init__(
        self, outside: Outside, struck: Counter[str], *, timeouts: Timeouts, alarm: Callable[[], object]
    ) -> None:
        """``struck`` counts what is refused; ``alarm`` is called when ``deadlines.next`` has become earlier."""
        super().__init__(outside, alarm)
        self._struck = struck
        self._timeouts = timeouts
        self._all_timed = bool(timeouts.default or timeouts.maximum)
        self._decode = outside.decode
        self._chance = outside.random
        self.registrations = Registrations(self, struck)
        self.services = Services(outside)

    # -------------------------------------------------------------------------------------------------------- calls

    def call(self, caller: Session, message: Call) -> None:
        """Serve a CALL."""
        uri = message.uri
        options = message.options
        calls = caller.calls
        if calls is None:
            calls = caller.calls = {}
        elif message.id in calls:
            self._go_on(calls[message.id], message)
            return
        if caller.ended is not None and drop_if_late(caller, message, self._now()):
            return
        special = options != PLAIN_CALL
        if special:
            self._check_call(caller, message)
        grant = caller.grants.calls.get(uri) or caller.grants.call(uri)
        if grant.refusal is not None:
            self._refuse(caller, message, grant.refusal, grant.reason)
            return
        if options.disclose_me and grant.disclose == "never":
            self._refuse(caller, message, DISCLOSURE_DISALLOWED)
            return

        registrations = self.registrations
        registration = registrations.exact.get(uri) or registrations.catching(uri)
        if registration is None or registration.callee is None or registration.callee.state is not ESTABLISHED:
            registration = registrations.of_those_here(uri)
        if registration is None:
            if special and uri in self.services.procedures and (feature := lacking(None, options)):
                self._refuse(caller, message, FEATURE_NOT_SUPPORTED, f"the router has no {feature}")
            elif not self.services.serve(caller, message):
                self._refuse(caller, message, NO_SUCH_PROCEDURE, f"no procedure {uri!r} is registered")
            return
        if len(calls) >= caller.limits.pending_calls:
            reason = beyond("pending_calls", caller.limits.pending_calls)
            self._struck["calls over the limit"] += 1
            self._refuse(caller, message, NOT_AUTHORIZED, reason)
            return

        callee = registration.callee
        details = NOTHING
        if registration.match != "exact":
            details = {"procedure": uri}
        if options.disclose_me or registration.disclose_caller or grant.disclose == "always":
            details = _disclosing(details, caller, grant)
        if special or callee is None or self._all_timed:
            self._set_out(caller, message, registration, details, grant)
            return
        callee.last_invocation = invocation_id = callee.last_invocation + 1
        invocation = Invocation(caller, message.id, callee, invocation_id)
        calls[message.id] = invocation
        if callee.invocations is None:
            callee.invocations = {}
        callee.invocations[invocation_id] = invocation
        if message.kwargs is None and message.args is not None and callee.format is caller.format:
            callee.send((INVOCATION, invocation_id, registration.id, details, message.args))
        else:
            head = (INVOCATION, invocation_id, registration.id, details)
            callee.send(with_payload(head, message.args, message.kwargs, caller, callee))

    def result(self, callee: Session, message: Yield) -> None:
        """Serve a YIELD."""
        if message.options != PLAIN_YIELD:
            self._special_result(callee, message)
            return
        invocation = self._held(callee, message.id)
        if invocation is not None:
            self._forget(invocation)
            caller = invocation.caller
            if message.kwargs is None and message.args is not None and callee.format is caller.format:
                caller.send((RESULT, invocation.call, NOTHING, message.args))
            else:
                head = (RESULT, invocation.call, NOTHING)
                caller.send(with_payload(head, message.args, message.kwargs, callee, caller))

    def error(self, callee: Session, message: Error) -> None:
        """Serve an ERROR that answers an INVOCATION."""
        details = message.details
        self._check_passthru(callee, callee.roles.callee, message, details)
        invocation = self._held(callee, message.id)
        if invocation is None:
            return
        if message.uri == UNAVAILABLE and has(callee.roles.callee, CALL_REROUTE) and self._reroute(invocation, callee):
            return
        caller = invocation.caller
        feature = unreadable(caller.roles.caller, details)
        if feature is not None:
            self._fail(invocation, FEATURE_NOT_SUPPORTED, f"the callee's error needs {feature}")
            return
        self._forget(invocation)
        uri = message.uri if is_uri(message.uri) else INVALID_URI
        head = (ERROR, CALL, invocation.call, passed_on(details), uri)
        caller.send(with_payload(head, message.args, message.kwargs, callee, caller))

    def cancel(self, caller: Session, message: Cancel) -> None:
        """Serve a CANCEL: of a call that is over, or that was never made, nothing is left to cancel."""
        invocation = (caller.calls or {}).get(message.id)
        if invocation is None:
            if message.id > caller.watermark:
                raise ProtocolViolation(f"CANCEL of {message.id}, which is no request of this session")
            return
        mode = message.options.mode
        interrupted = mode != "skip" and interrupt(invocation, mode)
        if mode != "kill" or not interrupted:
            self._fail(invocation, CANCELED, "the caller cancelled the call")

    # ------------------------------------------------------------------------------------------ calls out of the ordinary

    def continues(self, caller: Session, message: Call) -> bool:
        """Whether a CALL has the id of one that is under way, or of a progressive one that was until lately."""
        return message.id in (caller.calls or ()) or is_late(caller, message, self._now())

    def spoil(self, callee: Session, invocation_id: int, more: bool, uri: str, reason: str) -> None:
        """An answer of the callee's is not let through: its call ends with an ERROR of the router's own.

        ``more``: it was not the last, so the callee is still at work and is to stop.
        """
        invocation = self._held(callee, invocation_id)
        if invocation is not None:
            if more:
                interrupt(invocation, "killnowait", uri)
            self._fail(invocation, uri, reason)

    def turn_away(self, caller: Session, message: Call, uri: str, reason: str) -> None:
        """A CALL is not let through: refuse it; if it is a part of a call under way, end that with the ERROR."""
        invocation = (caller.calls or {}).get(message.id)
        if invocation is not None:
            _continued(invocation, message)
            interrupt(invocation, "killnowait", uri)
            self._fail(invocation, uri, reason)
        elif not drop_if_late(caller, message, self._now()):
            self._refuse(caller, message, uri, reason)

    def _check_call(self, caller: Session, message: Call) -> None:
        """See that a caller announced what it uses."""
        role = caller.roles.caller
        if message.options.progress and not has(role, PROGRESSIVE_CALLS):
            raise ProtocolViolation("a progressive CALL of a caller that did not announce progressive_call_invocations")
        self._check_passthru(caller, role, message, message.options)

    def _check_passthru(
        self,
        sender: Session,
        role: ClientRole | None,
        message: Call | Yield | Error,
        options: CallOptions | YieldOptions | ErrorDetails,
    ) -> None:
        """See that who sends a payload that is to be passed through announced that, and packed it as one item."""
        if options.ppt_scheme:
            if not has(role, PASSTHRU):
                raise ProtocolViolation("ppt_scheme of a client that did not announce payload_passthru_mode")
            self._check_packed(sender, message)

    def _check_packed(self, sender: Session, message: Call | Yield | Error) -> None:
        args = None
        if message.args is not None and message.kwargs is None:
            try:
                args = self._decode(message.args, sender.format)
            except ValueError:
                args = None
        if type(args) is not list or len(args) != 1:
            raise ProtocolViolation("with ppt_scheme, Arguments must hold one item, and there must be no ArgumentsKw")

    def _refuse(self, caller: Session, message: Call, uri: str, reason: str = "") -> None:
        """Answer a CALL that does not even begin."""
        caller.refuse(CALL, message.id, uri, reason)
        if message.options.progress:
            remember_ended(caller, message.id, message.uri, self._now())

    def _set_out(
        self, caller: Session, message: Call, registration: Registration, details: dict[str, Any], grant: Grant
    ) -> None:
        """Begin a call that has something special about it."""
        options = message.options
        course = Course(message, registration, {**details, **passed_on(options)})
        if "caller" not in details:
            course.caller = _disclosing({}, caller, grant)
        server: Registration | Share | None = registration
        if registration.callee is None:
            server = registration.shared.choose(course, self._chance)
        feature = registration.shared.lacking(course) if server is None else lacking(server.role, options)
        if feature:
            self._refuse(caller, message, FEATURE_NOT_SUPPORTED, f"the callee did not announce {feature}")
            return
        invocation = Invocation(caller, message.id, None, 0, False, course)
        obstacle = self._wait(invocation, course) if server is None else ""
        if obstacle:
            self._struck["calls that no callee had room for"] += 1
            self._refuse(caller, message, NO_AVAILABLE_CALLEE, obstacle)
            return
        assert caller.calls is not None
        caller.calls[message.id] = invocation
        course.timeout = self._timeouts.allowed(options.timeout)
        if course.timeout:
            course.ends = self._now() + course.timeout
            course.deadline = self.deadlines.start(invocation, course.ends)
        if server is not None:
            self._assign(invocation, server)

    def _wait(self, invocation: Invocation, course: Course) -> str:
        """Let a call wait for a callee that has room; what keeps it from that, if anything does."""
        if course.open:
            return "no callee has room, and a call in parts does not wait for one"
        course.seat = course.registration.shared.wait(invocation, course)
        return "" if course.seat is not None else "no callee has room, and too many calls wait for one already"

    def seat(self, invocation: Invocation, share: Share) -> None:
        """Give a call that waited to a callee."""
        assert invocation.course is not None
        invocation.course.leave_seat()
        self._assign(invocation, share)

    def strand(self, invocation: Invocation) -> None:
        """Answer a call that waited: nobody is left who could serve it."""
        self._fail(invocation, CANCELED, "the callees left before they served the call")

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
        course.tried.append(callee)
        course.told = told = dict(course.details)
        if server.disclose_caller:
            told.update(course.caller)
        role = callee.roles.callee
        course.progressive = (
            course.options.receive_progress and has(role, PROGRESSIVE_RESULTS) and can_be_interrupted(role)
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
        if course.registration.callee is not None or not has(role, CALL_REROUTE):
            course.payload = None  # nobody else will be asked

    def _go_on(self, invocation: Invocation, message: Call) -> None:
        """Serve a CALL with the id of one that is under way: the next part of a progressive call, or a violation."""
        course = _continued(invocation, message)
        if message.options.enc_algo and not course.options.enc_algo:
            raise ProtocolViolation(f"the options of CALL {message.id} are those of its first part")
        if course.options.ppt_scheme:
            self._check_packed(invocation.caller, message)
        course.open = message.options.progress
        callee = invocation.callee
        assert callee is not None, "a progressive call has its callee from the start"
        if invocation.interrupted:
            return
        self._has_begun(course)
        course.parts += 1
        told = {**course.told, "progress": True} if course.open else course.told
        head = (INVOCATION, invocation.id, course.registration.id, told)
        callee.send(with_payload(head, message.args, message.kwargs, invocation.caller, callee))

    def _special_result(self, callee: Session, message: Yield) -> None:
        """Serve a YIELD with options."""
        options = message.options
        self._check_passthru(callee, callee.roles.callee, message, options)
        invocation = self._held(callee, message.id)
        if invocation is None:
            return
        course = invocation.course
        if options.progress and (course is None or not course.progressive):
            return
        caller = invocation.caller
        feature = unreadable(caller.roles.caller, options)
        if feature is not None:
            reason = f"the caller did not announce {feature}"
            callee.refuse(YIELD, message.id, FEATURE_NOT_SUPPORTED, reason)
            self._fail(invocation, FEATURE_NOT_SUPPORTED, f"the callee's result needs {feature}")
            return
        details = passed_on(options)
        if options.progress:
            assert course is not None
            details["progress"] = True
            self._has_begun(course)
        else:
            self._forget(invocation)
        caller.send(with_payload((RESULT, invocation.call, details), message.args, message.kwargs, callee, caller))

    def _has_begun(self, course: Course) -> None:
        """A part of a call has passed: its time starts anew, and no other callee can be asked."""
        course.begun = True
        course.payload = None
        if course.deadline is not None:
            course.deadline.due = course.ends = self._now() + course.timeout

    def _reroute(self, invocation: Invocation, callee: Session) -> bool:
        """A callee is not available: ask another; whether that is the end of its ERROR."""
        course = invocation.course
        if invocation.interrupted or (course is not None and course.begun):
            return False
        share = waits = None
        if course is not None and course.registration.callee is None:
            share = course.registration.shared.choose(course, self._chance)
            waits = share is None and course.registration.shared.lacking(course) is None
        if course is None or not (share or waits):
            self._fail(invocation, NO_AVAILABLE_CALLEE, "no callee of the procedure is available")
            return True
        assert callee.invocations is not None
        del callee.invocations[invocation.id]
        invocation.callee = None
        course.leave_seat()
        obstacle = self._wait(invocation, course) if share is None else ""
        if share is not None:
            self._assign(invocation, share)
        elif obstacle:
            self._fail(invocation, NO_AVAILABLE_CALLEE, obstacle)
        return True


def _continued(invocation: Invocation, message: Call) -> Course:
    """What is special about the progressive call that a CALL continues."""
    course = invocation.course
    if course is None or not course.open or message.uri != course.uri:
        raise ProtocolViolation(f"CALL {message.id} is still being served")
    return course


def _disclosing(details: dict[str, Any], caller: Session, grant: Grant) -> dict[str, Any]:
    """The details of an INVOCATION with the caller in them, unless its role forbids that."""
    if grant.disclose == "never":
        return details
    return {**details, "caller": caller.id, "caller_authid": caller.authid, "caller_authrole": caller.authrole}
