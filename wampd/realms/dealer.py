"""The dealer: who waits for which answer. Who registered what is in `wampd.realms.registrations`.

Rules
-----
* Every CALL gets exactly one final answer, whatever leaves, dies or is cancelled: the one RESULT or ERROR is sent when the
  invocation's record is taken out of ``caller.calls``, and nowhere else.
* INVOCATION ids count 1, 2, 3 … per callee. An answer to an id never issued is a protocol violation; an answer to an
  invocation that is over is dropped (basic profile, "Protocol Errors").
* Only the session that holds an invocation can answer it: records are looked up among the answering session's own.
* Cancelling (advanced profile, "Call Canceling"): ``skip`` answers at once; ``killnowait`` also interrupts the callee;
  ``kill`` interrupts and waits for the callee's own answer. A callee that cannot be interrupted is skipped. Cancelling a
  call again may end the waiting, but no callee is interrupted twice.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from wampd.realms.calls import Invocation
from wampd.realms.grants import DISCLOSURE_DISALLOWED, INVALID_URI, NOT_AUTHORIZED, Grant
from wampd.realms.limits import beyond
from wampd.realms.messages import (
    CALL,
    ERROR,
    INTERRUPT,
    INVOCATION,
    RESULT,
    Call,
    Cancel,
    Error,
    Foreign,
    Outgoing,
    Payload,
    Yield,
)
from wampd.realms.outside import Outside
from wampd.realms.registrations import Registrations
from wampd.realms.services import Services
from wampd.realms.session import ProtocolViolation, Session, State
from wampd.realms.uris import is_uri

ESTABLISHED = State.ESTABLISHED

CANCELED = "wamp.error.canceled"
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"

NOTHING: dict[str, Any] = {}
"""Empty details, shared: never changed."""


class Dealer:
    """Remote procedure calls in one realm."""

    def __init__(self, outside: Outside, struck: Counter[str]) -> None:
        """``struck`` counts what is refused."""
        self._struck = struck
        self.registrations = Registrations(struck)
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
            raise ProtocolViolation(f"CALL {message.id} is still being served")
        if options.progress:
            raise ProtocolViolation("progressive call invocations are not announced by this router")
        if options.ppt_scheme:
            raise ProtocolViolation("payload passthru mode is not announced by this router")
        grant = caller.grants.calls.get(uri) or caller.grants.call(uri)
        if grant.refusal is not None:
            caller.refuse(CALL, message.id, grant.refusal, grant.reason)
            return
        if options.disclose_me and grant.disclose == "never":
            caller.refuse(CALL, message.id, DISCLOSURE_DISALLOWED)
            return

        registrations = self.registrations
        registration = registrations.exact.get(uri) or registrations.catching(uri)
        if registration is None or registration.callee.state is not ESTABLISHED:
            registration = registrations.of_those_here(uri)
        if registration is None:
            if self.services.serve(caller, message):
                return
            caller.refuse(CALL, message.id, NO_SUCH_PROCEDURE, f"no procedure {uri!r} is registered")
            return
        if len(calls) >= caller.limits.pending_calls:
            reason = beyond("pending_calls", caller.limits.pending_calls)
            self._struck["calls over the limit"] += 1
            caller.refuse(CALL, message.id, NOT_AUTHORIZED, reason)
            return

        callee = registration.callee
        callee.last_invocation = invocation_id = callee.last_invocation + 1
        invocation = Invocation(caller, message.id, callee, invocation_id)
        calls[message.id] = invocation
        if callee.invocations is None:
            callee.invocations = {}
        callee.invocations[invocation_id] = invocation

        details = NOTHING
        if registration.match != "exact":
            details = {"procedure": uri}
        if options.disclose_me or registration.disclose_caller or grant.disclose == "always":
            details = _disclosing(details, caller, grant)
        if message.kwargs is None and message.args is not None and callee.format is caller.format:
            callee.send((INVOCATION, invocation_id, registration.id, details, message.args))
        else:
            head = (INVOCATION, invocation_id, registration.id, details)
            callee.send(_with_payload(head, message.args, message.kwargs, caller, callee))

    def result(self, callee: Session, message: Yield) -> None:
        """Serve a YIELD."""
        options = message.options
        if options.ppt_scheme:
            raise ProtocolViolation("payload passthru mode is not announced by this router")
        if options.progress:
            # No caller can have asked for progress: what it gets is the final result alone.
            self._held(callee, message.id)
            return
        invocation = self._answered(callee, message.id)
        if invocation is not None:
            caller = invocation.caller
            if message.kwargs is None and message.args is not None and callee.format is caller.format:
                caller.send((RESULT, invocation.call, NOTHING, message.args))
            else:
                head = (RESULT, invocation.call, NOTHING)
                caller.send(_with_payload(head, message.args, message.kwargs, callee, caller))

    def error(self, callee: Session, message: Error) -> None:
        """Serve an ERROR that answers an INVOCATION."""
        if message.details.ppt_scheme:
            raise ProtocolViolation("payload passthru mode is not announced by this router")
        invocation = self._answered(callee, message.id)
        if invocation is not None:
            caller = invocation.caller
            uri = message.uri if is_uri(message.uri) else INVALID_URI
            head = (ERROR, CALL, invocation.call, NOTHING, uri)
            caller.send(_with_payload(head, message.args, message.kwargs, callee, caller))

    def cancel(self, caller: Session, message: Cancel) -> None:
        """Serve a CANCEL: of a call that is over, or that was never made, nothing is left to cancel."""
        invocation = (caller.calls or {}).get(message.id)
        if invocation is None:
            if message.id > caller.watermark:
                raise ProtocolViolation(f"CANCEL of {message.id}, which is no request of this session")
            return
        mode = message.options.mode
        interrupted = mode != "skip" and _interrupt(invocation, mode)
        if mode != "kill" or not interrupted:
            self._fail(invocation, CANCELED, "the caller cancelled the call")

    def undeliverable(self, receiver: Session, message: tuple[Any, ...], uri: str, reason: str) -> bool:
        """A message of ours cannot be carried to its receiver: see that the call still gets its answer.

        Return whether nothing more is to be done. What is sent instead is always less than what was not delivered.
        """
        if message[0] == INVOCATION:
            if message[1] == receiver.last_invocation:
                receiver.last_invocation -= 1  # the callee never sees it, and is to see no gap
            invocation = (receiver.invocations or {}).get(message[1])
            if invocation is not None:
                self._fail(invocation, uri, reason)
        elif message[0] == RESULT:
            receiver.refuse(CALL, message[1], uri, reason)
        elif message[0] != ERROR:
            return False
        elif len(message) > 5:
            # An explanation that is itself too long is left out, too.
            receiver.send(message[:5] if message[5:] == ([reason],) else (*message[:5], [reason]))
        elif message[4] != uri:
            receiver.send((*message[:4], uri))
        else:
            return False
        return True

    def spoil(self, callee: Session, invocation_id: int, more: bool, uri: str, reason: str) -> None:
        """An answer of the callee's is not let through: its call ends with an ERROR of the router's own.

        ``more``: it was not the last, so the callee is still at work and is to stop.
        """
        invocation = self._held(callee, invocation_id)
        if invocation is not None:
            if more:
                _interrupt(invocation, "killnowait")
            self._fail(invocation, uri, reason)

    # ------------------------------------------------------------------------------------------------------ leaving

    def leave(self, session: Session) -> None:
        """A session is gone: interrupt who works for it, answer who waits for it."""
        for invocation in list((session.calls or {}).values()):
            self._forget(invocation)
            _interrupt(invocation, "killnowait")
        for invocation in list((session.invocations or {}).values()):
            self._fail(invocation, CANCELED, "the callee left")

    def abandon(self, session: Session, reason: str) -> None:
        """The router sends a session away: its own calls get their answer before the GOODBYE."""
        for invocation in list((session.calls or {}).values()):
            _interrupt(invocation, "killnowait")
            self._fail(invocation, CANCELED, f"the session is being closed: {reason}")

    # ------------------------------------------------------------------------------------------------------ records

    def _held(self, callee: Session, invocation_id: int) -> Invocation | None:
        """The callee's own invocation of this id; `None` if it is over."""
        invocation = (callee.invocations or {}).get(invocation_id)
        if invocation is None and invocation_id > callee.last_invocation:
            raise ProtocolViolation(f"no INVOCATION {invocation_id} was sent to this session")
        return invocation

    def _answered(self, callee: Session, invocation_id: int) -> Invocation | None:
        """Close the callee's own invocation of this id; `None` if it was over already."""
        invocation = self._held(callee, invocation_id)
        if invocation is not None:
            self._forget(invocation)
        return invocation

    def _fail(self, invocation: Invocation, uri: str, reason: str) -> None:
        """Answer a call with an ERROR of the router's own."""
        self._forget(invocation)
        invocation.caller.refuse(CALL, invocation.call, uri, reason)

    @staticmethod
    def _forget(invocation: Invocation) -> None:
        assert invocation.caller.calls is not None
        del invocation.caller.calls[invocation.call]
        callee = invocation.callee
        if callee is not None:
            assert callee.invocations is not None
            del callee.invocations[invocation.id]
        if invocation.course is not None:
            invocation.course.leave_seat()


def _interrupt(invocation: Invocation, mode: str) -> bool:
    """Interrupt the callee, once, if it announced that it can be; whether it did."""
    if invocation.interrupted:
        return True
    callee = invocation.callee
    if callee is None or callee.state is not ESTABLISHED or not can_be_interrupted(callee):
        return False
    invocation.interrupted = True
    callee.send((INTERRUPT, invocation.id, {"mode": mode, "reason": CANCELED}))
    return True


def can_be_interrupted(callee: Session) -> bool:
    """Whether a callee announced that it takes INTERRUPT, in either spelling."""
    role = callee.roles.callee
    return role is not None and (role.has("call_canceling") or role.has("call_cancelling"))


def _disclosing(details: dict[str, Any], caller: Session, grant: Grant) -> dict[str, Any]:
    """The details of an INVOCATION with the caller in them, unless its role forbids that."""
    if grant.disclose == "never":
        return details
    return {**details, "caller": caller.id, "caller_authid": caller.authid, "caller_authrole": caller.authrole}


def _with_payload(
    head: tuple[Any, ...], args: Payload, kwargs: Payload, sender: Session, receiver: Session
) -> Outgoing:
    """A message for ``receiver`` that carries the payload of ``sender``."""
    if args is None:
        return head
    message = (*head, args) if kwargs is None else (*head, args, kwargs)
    return message if sender.format is receiver.format else Foreign(message, sender.format)
