"""The dealer: from a CALL to its callee, from an answer to its caller.

Who registered what is in `wampd.realms.registrations`; which callee a call gets that is out of the ordinary, in
`wampd.realms.assignment`; what calls are under way, and how they end, in `wampd.realms.records`.

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
    has,
    lacking,
    passed_on,
    unreadable,
    with_payload,
)
from wampd.realms.assignment import FEATURE_NOT_SUPPORTED, Assignment, disclosing
from wampd.realms.calls import Course, Invocation, Timeouts, drop_if_late, is_late
from wampd.realms.grants import DISCLOSURE_DISALLOWED, INVALID_URI, NOT_AUTHORIZED
from wampd.realms.limits import Quota, beyond
from wampd.realms.messages import CALL, ERROR, INVOCATION, RESULT, YIELD, Call, Cancel, Error, Yield
from wampd.realms.options import AboutPayload, CallOptions, ClientRole, YieldOptions
from wampd.realms.outside import Outside
from wampd.realms.records import CANCELED, interrupt
from wampd.realms.registrations import Registrations
from wampd.realms.services import Refused, Services
from wampd.realms.session import ProtocolViolation, Session, State
from wampd.realms.sharding import reach
from wampd.realms.uris import is_uri

ESTABLISHED = State.ESTABLISHED

NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
UNAVAILABLE = "wamp.error.unavailable"

NOTHING: dict[str, Any] = {}
"""Empty details, shared: never changed."""

PLAIN_YIELD = YieldOptions()


class Dealer(Assignment):
    """Remote procedure calls in one realm."""

    def __init__(
        self,
        outside: Outside,
        struck: Counter[str],
        *,
        timeouts: Timeouts,
        quota: Quota,
        alarm: Callable[[], object],
        lenient_progress: bool = False,
    ) -> None:
        """``struck`` counts what is refused; ``alarm`` is called when ``deadlines.next`` has become earlier."""
        super().__init__(
            outside, struck, timeouts=timeouts, quota=quota, alarm=alarm, lenient_progress=lenient_progress
        )
        self.calls = 0
        """How many there were for a registration."""
        self.registrations = Registrations(self, struck)
        self.services = Services(outside, struck)

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
        special = options != self._plain
        if special:
            self._check_call(caller, message)
        grant = caller.grants.calls.get(uri) or caller.grants.call(uri)
        if grant.refusal is not None:
            self.registrations.watcher.denied(caller, "call", uri, grant, request=message.id)
            self._refuse(caller, message, grant.refusal, grant.reason)
            return
        if special and options.disclose_me and grant.disclose == "never":
            self._refuse(caller, message, DISCLOSURE_DISALLOWED)
            return

        registrations = self.registrations
        registration = registrations.exact.get(uri) or registrations.catching(uri)
        callee = None if registration is None else registration.callee
        if callee is None or callee.state is not ESTABLISHED:
            registration = registrations.of_those_here(uri)
            callee = None if registration is None else registration.callee
        if registration is None:
            if special and uri in self.services.procedures and (obstacle := _beyond_services(options)):
                self._refuse(caller, message, *obstacle)
            elif not self.services.serve(caller, message):
                self._refuse(caller, message, NO_SUCH_PROCEDURE, f"no procedure {uri!r} is registered")
            return
        if len(calls) >= caller.limits.pending_calls:
            reason = beyond("pending_calls", caller.limits.pending_calls)
            self._struck["calls over the limit"] += 1
            self._refuse(caller, message, NOT_AUTHORIZED, reason)
            return

        self.calls += 1
        registration.calls += 1
        details = NOTHING
        if registration.match != "exact":
            details = {"procedure": uri}
        if registration.disclose_caller or grant.disclose == "always" or (special and options.disclose_me):
            details = disclosing(details, caller, grant)
        if grant.trustlevel is not None:
            details = {**details, "trustlevel": grant.trustlevel}
        if special or callee is None:
            self._set_out(caller, message, registration, details, grant)
            return
        callee.last_invocation = invocation_id = callee.last_invocation + 1
        invocation = Invocation(caller, message.id, callee, invocation_id, False, None, uri, registration)
        calls[message.id] = invocation
        if callee.invocations is None:
            callee.invocations = {}
        callee.invocations[invocation_id] = invocation
        if message.kwargs is None and message.args is not None and callee.format is caller.format:
            # As `Session.send` does: a call less for each message that is passed on, here and below.
            outbox = callee.outbox
            if not outbox:
                callee.touched.append(callee)
            outbox.append((INVOCATION, invocation_id, registration.id, details, message.args))
        else:
            head = (INVOCATION, invocation_id, registration.id, details)
            callee.send(with_payload(head, message.args, message.kwargs, caller, callee))

    def result(self, callee: Session, message: Yield) -> None:
        """Serve a YIELD."""
        if message.options != PLAIN_YIELD:
            self._special_result(callee, message)
            return
        held = callee.invocations
        if held is None or (invocation := held.get(message.id)) is None:
            self._held(callee, message.id)  # which knows whether that is a violation
            return
        caller = invocation.caller
        calls = caller.calls
        if invocation.course is None and calls is not None:
            del held[message.id], calls[invocation.call]
        else:
            self._forget(invocation)
        if message.kwargs is None and message.args is not None and callee.format is caller.format:
            outbox = caller.outbox
            if not outbox:
                caller.touched.append(caller)
            outbox.append((RESULT, invocation.call, NOTHING, message.args))
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
        if invocation.registration is not None:
            invocation.registration.errors += 1
        if caller.errors is not None:
            caller.errors.note(caller, uri, invocation.uri)
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
        options: AboutPayload,
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
                return  # it cannot be read, and is not for the router to read
        if type(args) is not list or len(args) != 1:
            raise ProtocolViolation("with ppt_scheme, Arguments must hold one item, and there must be no ArgumentsKw")

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


def _beyond_services(options: CallOptions) -> tuple[str, str] | None:
    """What a call asks for that the router's own procedures do not have: the URI of an ERROR, and what it says."""
    feature = lacking(None, options)
    try:
        if feature is None and reach(options) == "all":
            feature = "calls of all callees of its own procedures"
    except Refused as refused:
        return refused.uri, refused.reason
    return None if feature is None else (FEATURE_NOT_SUPPORTED, f"the router has no {feature}")


def _continued(invocation: Invocation, message: Call) -> Course:
    """What is special about the progressive call that a CALL continues."""
    course = invocation.course
    if course is None or not course.open or message.uri != course.uri:
        raise ProtocolViolation(f"CALL {message.id} is still being served")
    return course
