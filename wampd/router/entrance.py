"""The way in: what a connection says and hears before there is a session, from HELLO to WELCOME or ABORT.

Rules
-----
* One `Entrance` serves one HELLO and what follows it, and is gone once there is a session.
* While it waits for the outside, nothing of the client is legal but ABORT. Whatever ends the waiting before the answer (the
  client leaves, time is up, the router stops) takes the question back, and an answer that comes all the same changes nothing.
* Who has proved itself while something was changed of principals is asked for once more (`Doubts`): what it has proved may have
  been taken from it meanwhile.

Source: WAMP basic profile, "Session Establishment".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred

from wampd.auth.methods import Challenge, Wait
from wampd.auth.outcomes import Abort, Accept, Outcome
from wampd.realms.messages import Authenticate, Hello
from wampd.realms.session import State
from wampd.router import tally

if TYPE_CHECKING:
    from wampd.router.realms import Realms


class Comer(Protocol):
    """Who stands at the entrance, as this sees it."""

    @property
    def who(self) -> str:
        """For the log."""
        ...

    def challenged(self, challenge: Challenge) -> None:
        """Send CHALLENGE."""
        ...

    def welcome(self, accept: Accept) -> Abort | None:
        """Make the session; or why it cannot be made."""
        ...

    def refused(self, refusal: Abort) -> None:
        """Send ABORT and close."""
        ...

    def our_bug(self) -> None:
        """Serving the client raised, which is a bug of ours: end this connection."""
        ...


class Doubts(Protocol):
    """Who knows whether what somebody has proved may be over by now."""

    def question(self, accept: Accept) -> Any:
        """What is to be asked before it is let in; `None`: nothing."""
        ...

    def verdict(self, accept: Accept, account: Any) -> Abort | None:
        """Why it is not let in, given the answer, if it is not."""
        ...


class Entrance:
    """One client's way in."""

    __slots__ = ("_answer", "_comer", "_handshake", "_realms", "state")

    def __init__(self, realms: Realms, comer: Comer, about: Mapping[str, Any]) -> None:
        """``about`` tells where the connection comes from, and how."""
        self._realms = realms
        self._comer = comer
        self._handshake = realms.handshake(about)
        self._answer: Deferred[Any] | None = None
        self.state = State.OPENING
        """Where the client is: it owes a HELLO or an AUTHENTICATE, or has to wait; or it is over."""

    def receive(self, message: Hello | Authenticate) -> None:
        """Take what the client says. Raise `ProtocolViolation` if it may not say so."""
        if isinstance(message, Hello):
            self._follow(self._handshake.hello(message))
        else:
            self._follow(self._handshake.authenticate(message))

    def late(self) -> bool:
        """The time to join is over; whether the client was told so, and is gone."""
        expired = self._handshake.expire()
        if expired is None:
            return False
        self.leave()
        self._realms.auditor.failed(self._comer.who, self._handshake.claims(), expired)
        self._comer.refused(expired)
        return True

    def leave(self) -> None:
        """The client is gone, or was let in: nothing is waited for any more."""
        self.state = State.CLOSED
        self._handshake.abandon()
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.cancel()

    def _follow(self, outcome: Outcome | None) -> None:
        """Carry out what the handshake came to."""
        while isinstance(outcome, Wait):
            answer = self._realms.answers.ask(outcome.question)
            if isinstance(answer, Deferred):
                self.state = State.WAITING
                self._answer = answer
                answer.addCallback(self._answered)
                return
            outcome = self._handshake.answer(answer)
        if isinstance(outcome, Challenge):
            self.state = State.CHALLENGING
            self._comer.challenged(outcome)
            return
        if isinstance(outcome, Accept):
            self._confirm(outcome)
        elif outcome is not None:
            self._turn_away(outcome)

    def _confirm(self, accept: Accept) -> None:
        """Let the client in, if it is still to be let in."""
        doubts = self._realms.doubts
        question = None if doubts is None else doubts.question(accept)
        if doubts is None or question is None:
            self._let_in(accept)
            return

        def judged(account: Any) -> None:
            refusal = doubts.verdict(accept, account)
            if refusal is None:
                self._let_in(accept)
            else:
                self._turn_away(refusal)

        answer = self._realms.answers.ask(question)
        if not isinstance(answer, Deferred):
            judged(answer)
            return
        self.state = State.WAITING
        self._answer = answer
        answer.addCallback(self._continued, judged)

    def _let_in(self, accept: Accept) -> None:
        self.state = State.CLOSED
        refusal = self._realms.refusal(accept) or self._comer.welcome(accept)
        if refusal is not None:
            self._turn_away(refusal)

    def _turn_away(self, refusal: Abort) -> None:
        self.leave()
        self._refuse(refusal)

    def _answered(self, answer: Any) -> None:
        """What the handshake waited for is known."""
        self._continued(answer, lambda known: self._follow(self._handshake.answer(known)))

    def _continued(self, answer: Any, go_on: Callable[[Any], object]) -> None:
        """Go on with an answer, unless the client is gone by now."""
        if self.state is not State.WAITING:
            return
        self._answer = None
        try:
            go_on(answer)
        except Exception:  # noqa: BLE001 - logged, and ended for this client
            self._comer.our_bug()
        self._realms.end_of_turn()

    def _refuse(self, refusal: Abort) -> None:
        self._realms.tally.strike(tally.AUTHENTICATIONS_REFUSED)
        self._realms.auditor.failed(self._comer.who, self._handshake.claims(), refusal)
        self._comer.refused(refusal)
