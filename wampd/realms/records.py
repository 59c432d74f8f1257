"""The records of calls under way: every call ends once, whatever ends it.

Rules
-----
* A call's record stands in ``caller.calls``, and in ``callee.invocations`` while a callee has it. The one final answer is sent
  when it is taken out, and nowhere else.
* INVOCATION ids count 1, 2, 3 … per callee. An answer to an id never issued is a protocol violation; an answer to an
  invocation that is over is dropped (basic profile, "Protocol Errors").
* Only the session that holds an invocation can answer it: records are looked up among the answering session's own.
* No callee is interrupted twice for one invocation, nor one that did not announce that it can be.
* What cannot be carried to its receiver ends its call with an ERROR; what was to follow of it is not sent, or sent before.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from wampd.realms.abilities import can_be_interrupted
from wampd.realms.calls import Course, Invocation, Store, remember_ended
from wampd.realms.counts import Latencies
from wampd.realms.deadlines import Deadlines
from wampd.realms.messages import CALL, ERROR, INTERRUPT, INVOCATION, RESULT, Event, Foreign, Outgoing
from wampd.realms.outside import Outside
from wampd.realms.session import ProtocolViolation, Session, State

CANCELED = "wamp.error.canceled"
TIMEOUT = "wamp.error.timeout"


class Records:
    """The calls under way in one realm."""

    SLICE = 2_000
    """How many calls are ended in one go because their time is up."""

    def __init__(self, outside: Outside, alarm: Callable[[], object], most_kept: int) -> None:
        """``alarm`` is called when ``deadlines.next`` has become earlier; ``most_kept`` are the bytes of the ``store``."""
        self._now = outside.now
        self.store = Store(most_kept)
        self.latencies = Latencies()
        self.deadlines: Deadlines[Invocation] = Deadlines(alarm)

    # ------------------------------------------------------------------------------------------------------ records

    def expire(self, now: float) -> None:
        """End calls whose time is up: a slice, so that very many block nobody; ``deadlines.next`` says if there are more."""
        for invocation in islice(self.deadlines.expired(now), self.SLICE):
            course = invocation.course
            assert course is not None
            interrupt(invocation, "killnowait", TIMEOUT)
            what = "no callee had room" if invocation.callee is None else "nothing came from the callee"
            self._fail(invocation, TIMEOUT, f"{what} for {course.timeout * 1000:.0f} ms")

    def _held(self, callee: Session, invocation_id: int) -> Invocation | None:
        """The callee's own invocation of this id; `None` if it is over."""
        invocation = (callee.invocations or {}).get(invocation_id)
        if invocation is None and invocation_id > callee.last_invocation:
            raise ProtocolViolation(f"no INVOCATION {invocation_id} was sent to this session")
        return invocation

    def _fail(self, invocation: Invocation, uri: str, reason: str) -> None:
        """Answer a call with an ERROR of the router's own."""
        self._forget(invocation)
        invocation.caller.refuse(CALL, invocation.call, uri, reason, invocation.uri)

    def _forget(self, invocation: Invocation) -> None:
        """A call is over."""
        caller = invocation.caller
        assert caller.calls is not None
        del caller.calls[invocation.call]
        callee = invocation.callee
        if callee is not None:
            assert callee.invocations is not None
            del callee.invocations[invocation.id]
        course = invocation.course
        if course is not None:
            self._stop_watching(course)
            self.store.let_go(course)
            if course.open:
                remember_ended(caller, invocation.call, course.uri, self._now())
            if course.since is not None:
                self._measured(course, course.since)
            course.leave_seat()

    def _measured(self, course: Course, since: float) -> None:
        """A call that is a sample is over."""
        seconds = self._now() - since
        self.latencies.note(seconds)
        course.registration.took(seconds)

    def _stop_watching(self, course: Course) -> None:
        if course.deadline is not None:
            self.deadlines.stop(course.deadline)
            course.deadline = None

    # ----------------------------------------------------------------------------------------- what cannot be delivered

    def undeliverable(self, receiver: Session, message: tuple[Any, ...], uri: str, reason: str) -> bool:
        """A message of ours cannot be carried to its receiver: see that the call still gets its answer.

        Return whether nothing more is to be done. What is sent instead is always less than what was not delivered.
        """
        if message[0] == INVOCATION:
            self._undeliverable_invocation(receiver, message, uri, reason)
        elif message[0] == RESULT:
            self._undeliverable_result(receiver, message, uri, reason)
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

    def _undeliverable_invocation(self, callee: Session, message: tuple[Any, ...], uri: str, reason: str) -> None:
        """The call fails, and what was to follow of it in the callee's outbox does not."""
        number = message[1]
        follows = _place(callee.outbox, message) + 1
        behind = callee.outbox[follows:]
        rest = [each for each in behind if _head(each, 2) in ((INVOCATION, number), (INTERRUPT, number))]
        callee.outbox[follows:] = [each for each in behind if each not in rest]
        invocation = (callee.invocations or {}).get(number)
        course = None if invocation is None else invocation.course
        is_first = course is None or course.parts == 1 + sum(1 for each in rest if _head(each, 1) == (INVOCATION,))
        if not is_first:
            assert invocation is not None
            interrupt(invocation, "killnowait", uri)
        elif number == callee.last_invocation:
            callee.last_invocation -= 1  # the callee never sees it, and is to see no gap
        if invocation is not None:
            self._fail(invocation, uri, reason)

    def _undeliverable_result(self, caller: Session, message: tuple[Any, ...], uri: str, reason: str) -> None:
        """The call fails; if only a part of the result is lost, and the final answer is on its way, that becomes an error."""
        call = message[1]
        if not message[2].get("progress"):
            caller.refuse(CALL, call, uri, reason)
            return
        outbox = caller.outbox
        for index in range(_place(outbox, message) + 1, len(outbox)):
            if _head(outbox[index], 2) == (RESULT, call) and not _parts(outbox[index])[2].get("progress"):
                outbox[index] = (ERROR, CALL, call, {}, uri, [reason])
                return
        invocation = (caller.calls or {}).get(call)
        if invocation is not None:
            interrupt(invocation, "killnowait", uri)
            self._fail(invocation, uri, reason)

    # ------------------------------------------------------------------------------------------------------ leaving

    def leave(self, session: Session) -> None:
        """A session is gone: interrupt who works for it. Who waits for it is answered by `detach`."""
        for invocation in _calls(session):
            interrupt(invocation, "killnowait")
            self._forget(invocation)
        session.ended = None

    def detach(self, session: Session, most: int) -> int:
        """Answer at most so many who wait for a session that has left; return how many are still to be answered.

        What a callee works on is bounded by its callers alone, so there can be very many.
        """
        invocations = session.invocations
        if not invocations:
            return 0
        for invocation in list(islice(invocations.values(), most)):
            self._fail(invocation, CANCELED, "the callee left")
        return len(invocations)

    def abandon(self, session: Session, reason: str) -> None:
        """The router sends a session away: its own calls get their answer before the GOODBYE."""
        for invocation in _calls(session):
            interrupt(invocation, "killnowait")
            self._fail(invocation, CANCELED, f"the session is being closed: {reason}")


def _calls(session: Session) -> list[Invocation]:
    """The calls of a session; first those that wait, so that no place becomes free for them when the others end."""
    return sorted((session.calls or {}).values(), key=lambda invocation: invocation.callee is not None)


def interrupt(invocation: Invocation, mode: str, reason: str = CANCELED) -> bool:
    """Interrupt the callee, once, if it announced that it can be; whether it did."""
    if invocation.interrupted:
        return True
    callee = invocation.callee
    if callee is None or callee.state is not State.ESTABLISHED or not can_be_interrupted(callee.roles.callee):
        return False
    invocation.interrupted = True
    callee.send((INTERRUPT, invocation.id, {"mode": mode, "reason": reason}))
    return True


def _parts(message: Outgoing) -> tuple[Any, ...]:
    """The elements of a message in an outbox; of an event none."""
    if isinstance(message, Foreign):
        return message.message
    return () if isinstance(message, Event) else message


def _head(message: Outgoing, length: int) -> tuple[Any, ...]:
    return _parts(message)[:length]


def _place(outbox: list[Outgoing], message: tuple[Any, ...]) -> int:
    """Where in an outbox a message is; just before it if it was taken out."""
    return next((index for index, each in enumerate(outbox) if _parts(each) is message), -1)
