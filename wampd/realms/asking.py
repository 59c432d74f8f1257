"""What the rules of a role leave undecided is asked of an authorizer, and what a session says meanwhile waits.

Rules
-----
* Only sessions whose role has an authorizer pass here: the realm gives them handlers of their own when they join.
* The permission that a message needs is looked for before it is served, so nothing has had an effect when an answer has to
  be waited for. What its arguments need (a testament's topic, a history) is looked for by those who serve it, first of all.
* While one message of a session waits, all later ones of that session wait behind it, whatever they are; an ABORT alone is
  heard at once. So order is kept. When much waits, nothing more is read from the connection, so what waits is bounded.
* What one principal asks several times at once is asked once.
* Who forgets answers (`WaitingRoom.forget`) also outdates those that are under way, and those that wait to be joined by
  others for the same message: they are asked again. A question whose answers are always outdated is given up, and refused.

Source: WAMP advanced profile, "Authorization".
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakValueDictionary

from msgspec import Raw, Struct

from wampd.realms.grants import Authorizer, Grant, Grants
from wampd.realms.messages import CALL, Abort, Call, ClientMessage, Message, Publish, Register, Subscribe
from wampd.realms.principals import NOTHING, Key, PrincipalGrants, Undecided
from wampd.realms.publications import weight
from wampd.realms.records import CANCELED
from wampd.realms.services import Arguments, Procedure, Result, taking

if TYPE_CHECKING:
    from wampd.realms.dealer import Dealer
    from wampd.realms.gate import Handler
    from wampd.realms.realm import Handlers
    from wampd.realms.session import Session

OUTDATED = Grant(
    refusal="wamp.error.authorization_failed", reason="the permission for this changes faster than it can be found out"
)
"""Nobody said yes that counts still."""

Serve: TypeAlias = Callable[["Session", Any], None]


class Invalidate(Arguments, frozen=True):
    """Of whom the answers are to be forgotten; `None`: of everybody."""

    authid: str | None = None
    authrole: str | None = None


class Question:
    """A question for an authorizer. The shell sees that it is answered, with `WaitingRoom.decided`."""

    __slots__ = ("authorizer", "grants", "key", "outdated", "room", "session", "tries", "waiting")

    MOST_TRIES = 5
    """How often it is asked before it is given up."""

    def __init__(self, room: WaitingRoom, session: Session, grants: PrincipalGrants, key: Key) -> None:
        assert grants.authorizer is not None
        self.room = room
        self.session = session
        """The one that asked first."""
        self.grants = grants
        self.authorizer: Authorizer = grants.authorizer
        self.key = key
        self.waiting: dict[Session, None] = {}
        self.tries = 1
        """How often it was asked."""
        self.outdated = False
        """What was true when it was asked may not be any more."""

    def __repr__(self) -> str:
        action, uri, match = self.key
        return f"<Question whether {self.session} may {action} {uri!r} ({match})>"


class Held:
    """What waits of one session."""

    __slots__ = ("answers", "forgot", "handlers", "is_full", "message", "question", "queue", "room", "serve")

    MOST = 64 * 1024
    """About how many bytes may wait before nothing more is read; what was read already waits all the same."""
    OVERHEAD = 256
    """What a message costs at least."""

    def __init__(self, handlers: Handlers) -> None:
        self.room = self.MOST
        self.is_full = False
        self.handlers = handlers
        """What serves the session's messages when nothing waits."""
        self.message: ClientMessage
        self.serve: Serve
        """Serves the message, once the question is answered."""
        self.question: Question | None = None
        """What the message waits for."""
        self.answers: dict[Key, Grant] = {}
        """What was answered so far, for this message."""
        self.forgot = 0
        """How often that was forgotten."""
        self.queue: deque[ClientMessage] = deque()
        """What came after it."""

    def stall(self, session: Session) -> None:
        """Let the session's messages wait, all but ABORT."""
        session.handlers = dict.fromkeys(self.handlers, (self.take, False))
        session.handlers[Abort] = self.handlers[Abort]

    def forget(self) -> None:
        """What was answered so far does not count any more."""
        if self.forgot < Question.MOST_TRIES:
            self.forgot += 1
            self.answers.clear()
        else:
            self.answers.update(dict.fromkeys(self.answers, OUTDATED))

    def take(self, session: Session, message: ClientMessage) -> None:
        """Keep a message for later."""
        self.room -= max(self.OVERHEAD, _slimmed(message))
        self.queue.append(message)
        if self.room < 0 and not self.is_full:
            self.is_full = True
            if session.outlet is not None:
                session.outlet.hold(True)


class WaitingRoom:
    """Where the sessions of one realm wait for their authorizers."""

    MOST_ANSWERS = 50_000
    """How many answers are remembered of all principals together."""

    def __init__(
        self,
        realm: str,
        dealer: Dealer,
        handle: Callable[[Session, ClientMessage], None],
        now: Callable[[], float],
        asked: list[Question],
        struck: Counter[str],
    ) -> None:
        """``handle`` is the realm's; ``asked`` gets the questions that the shell is to see to."""
        self.realm = realm
        self._dealer = dealer
        self._handle = handle
        self._now = now
        self._asked = asked
        self._struck = struck
        self._principals: WeakValueDictionary[tuple[str, str, Grants], PrincipalGrants] = WeakValueDictionary()
        self._questions: dict[tuple[PrincipalGrants, Key], Question] = {}
        self._held: dict[Session, Held] = {}
        self._remembered = 0  # at most; what went with its principal is still counted

    def __len__(self) -> int:
        """How many sessions wait."""
        return len(self._held)

    def procedures(self) -> dict[str, Procedure]:
        """What is served, by URI."""
        return {"wampd.authorization.invalidate": taking(Invalidate, self.invalidate)}

    # ----------------------------------------------------------------------------------------------------- sessions

    def admit(self, session: Session) -> None:
        """Give a session that joins the grants of its principal."""
        principal = session.authrole, session.authid, session.grants
        grants = self._principals.get(principal)
        if grants is None:
            grants = self._principals[principal] = PrincipalGrants(session.grants, self._now)
        session.grants = grants

    def serving(self, handlers: Handlers, plain: dict[type[Message], Handler]) -> Handlers:
        """The handlers of a session that has an authorizer; ``plain`` are those without limits of the session's own."""
        return {
            kind: (partial(self._serve, _NEEDS[kind], handler, plain[kind]) if kind in _NEEDS else handler, counted)
            for kind, (handler, counted) in handlers.items()
        }

    def holds(self, session: Session) -> bool:
        """Whether a session waits."""
        return session in self._held

    def give(self, session: Session, handlers: Handlers) -> None:
        """Let a session be served by these handlers: from now on, or when it need not wait any more."""
        held = self._held.get(session)
        if held is None:
            session.handlers = handlers
        else:
            held.handlers = handlers
            held.stall(session)

    def ask_again(self, session: Session) -> None:
        """Other rules hold for a session: if it waits for what was asked by the old ones, serve it by the new."""
        held = self._held.get(session)
        if held is None:
            return
        if held.question is not None:
            held.question.waiting.pop(session, None)
            held.question = None
        held.answers.clear()
        self._resume(session)

    def drop(self, session: Session) -> None:
        """A session has left, or is sent away: what it said last is not served any more."""
        held = self._held.pop(session, None)
        if held is None:
            return
        if held.question is not None:
            held.question.waiting.pop(session, None)
        if held.is_full and session.outlet is not None:
            session.outlet.hold(False)

    def abandon(self, session: Session, reason: str) -> None:
        """The router sends a session away: the calls that wait get their answer before the GOODBYE."""
        held = self._held.get(session)
        if held is None:
            return
        waiting = [message for message in (held.message, *held.queue) if isinstance(message, Call)]
        # Once each, for parts of one progressive call have its id.
        for number in dict.fromkeys(call.id for call in waiting if not self._dealer.continues(session, call)):
            session.refuse(CALL, number, CANCELED, f"the session is being closed: {reason}")

    # ------------------------------------------------------------------------------------------------------ messages

    def _serve(
        self, needs: Callable[[Session, Any], None], gated: Serve, plain: Serve, session: Session, message: Any
    ) -> None:
        """Serve a message if it is known whether it may be served; else ask."""
        try:
            if message.__class__ is not Call or not self._dealer.continues(session, message):
                needs(session, message)
        except Undecided as undecided:
            self._hold(session, message, undecided, partial(self._serve, needs, gated, plain))
            return
        try:
            gated(session, message)
        except Undecided as undecided:
            # It has passed the gate, and does not pay there twice.
            self._hold(session, message, undecided, partial(self._serve_again, plain))

    def _serve_again(self, plain: Serve, session: Session, message: Any) -> None:
        try:
            plain(session, message)
        except Undecided as undecided:
            self._hold(session, message, undecided, partial(self._serve_again, plain))

    def _hold(self, session: Session, message: ClientMessage, undecided: Undecided, serve: Serve) -> None:
        """Let a session wait for an answer."""
        held = self._held.get(session)
        if held is None:
            held = self._held[session] = Held(session.handlers)
        held.message = message
        held.serve = serve
        held.question = self._ask(session, undecided.key)
        held.stall(session)

    def _ask(self, session: Session, key: Key) -> Question:
        grants = session.grants
        assert isinstance(grants, PrincipalGrants)
        question = self._questions.get((grants, key))
        if question is None:
            question = self._questions[grants, key] = Question(self, session, grants, key)
            self._asked.append(question)
        question.waiting[session] = None
        return question

    def go_on(self, session: Session) -> None:
        """Serve what waited, as far as it need not wait again. Raises what `Realm.handle` raises.

        After a `Breather` it is to be called again.
        """
        held = self._held.get(session)
        if held is None or held.question is not None:
            return
        session.handlers = held.handlers
        grants = session.grants
        assert isinstance(grants, PrincipalGrants)
        grants.current = held.answers
        serve, held.serve = held.serve, _served
        try:
            serve(session, held.message)
        finally:
            grants.current = NOTHING
        if held.question is not None or session not in self._held:
            return
        held.answers = {}
        held.forgot = 0
        while held.queue:
            self._handle(session, held.queue.popleft())
            if held.question is not None or session not in self._held:
                return
        self.drop(session)

    # ------------------------------------------------------------------------------------------------------- answers

    def decided(self, question: Question, grant: Grant, *, remember: bool) -> None:
        """The answer to a question is here: those who wait for it go on."""
        place = question.grants, question.key
        if self._questions.get(place) is not question:
            return  # the realm is closed
        if question.outdated and question.waiting:
            if question.tries < question.MOST_TRIES:
                question.tries += 1
                question.outdated = False
                self._asked.append(question)
                return
            grant = OUTDATED
        del self._questions[place]
        if remember and question.authorizer.ttl > 0 and not question.outdated:
            self._remember(question, grant)
        for session in list(question.waiting):
            held = self._held.get(session)
            if held is None or held.question is not question:
                continue
            held.question = None
            held.answers[question.key] = grant
            self._resume(session)

    def _resume(self, session: Session) -> None:
        if session.outlet is None:
            self.go_on(session)
        else:
            session.outlet.resume()

    def _remember(self, question: Question, grant: Grant) -> None:
        self._remembered += question.grants.remember(question.key, grant, question.authorizer.ttl)
        if self._remembered > self.MOST_ANSWERS:
            self._remembered = sum(map(len, self._principals.values()))
            if self._remembered > self.MOST_ANSWERS:
                self._struck["memories of authorization emptied"] += 1
                self._remembered = 0
                for grants in self._principals.values():
                    grants.forget()

    def forget(self, is_meant: Callable[[str, str], bool]) -> int:
        """Forget the answers about principals of which (authrole, authid) this is true; how many principals these are."""
        meant = [grants for (role, authid, _), grants in self._principals.items() if is_meant(role, authid)]
        for grants in meant:
            grants.forget()
        forgetful = frozenset(meant)
        for question in self._questions.values():
            question.outdated |= question.grants in forgetful
        for session, held in self._held.items():
            if session.grants in forgetful:
                held.forget()
        return len(meant)

    def invalidate(self, _caller: Session, given: Invalidate) -> Result:
        """Forget what authorizers said of some principals, or of all; return how many that are."""
        principals = len(self._principals)

        def is_meant(authrole: str, authid: str) -> bool:
            return given.authid in (None, authid) and given.authrole in (None, authrole)

        return Result([self.forget(is_meant)], cost=principals)

    def close(self) -> None:
        """The realm is not used any more, and nobody is in it."""
        self._questions.clear()
        del self._dealer, self._handle


def _served(_session: Session, _message: Any) -> None:
    """The message was served already."""


def _slimmed(message: ClientMessage) -> int:
    """About how many bytes of memory a message takes, once it has let go of all that came with it and does not count."""
    said: list[Any] = []
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if type(value) is Raw:  # which is a view of all that was read
            value = value.copy()
            setattr(message, name, value)
        if isinstance(value, Struct):
            said += [part for option in value.__struct_fields__ if (part := getattr(value, option))]
        elif value is not None:
            said.append(value)
    return sum(map(weight, said))


def _call(session: Session, message: Call) -> None:
    session.grants.call(message.uri)


def _publish(session: Session, message: Publish) -> None:
    session.grants.publish(message.uri)


def _subscribe(session: Session, message: Subscribe) -> None:
    session.grants.decide("subscribe", message.uri, message.options.match)


def _register(session: Session, message: Register) -> None:
    options = message.options
    if session.grants.decide("register", message.uri, options.match).refusal is None and options.force_reregister:
        session.grants.decide("force_reregister", message.uri, options.match)


_NEEDS: dict[type[Message], Callable[[Session, Any], None]] = {
    Call: _call,
    Publish: _publish,
    Subscribe: _subscribe,
    Register: _register,
}
"""For each message that needs a permission, what looks for it; it raises `Undecided`."""
