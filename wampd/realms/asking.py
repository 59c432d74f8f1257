"""What the rules of a role leave undecided is asked of an authorizer, and what a session says meanwhile waits.

Rules
-----
* Only sessions whose role has an authorizer pass here: the realm gives them handlers of their own when they join.
* The rules of the role come first: what they allow is allowed, what they deny is refused. What they say nothing of is asked.
  ``wamp.*`` and ``wampd.*`` are not asked about: only rules that name them reach there.
* The permission that a message needs is looked for before it is served, so nothing has had an effect when an answer has to
  be waited for. What its arguments need (a testament's topic, a history) is looked for by those who serve it, first of all.
* While one message of a session waits, all later ones of that session wait behind it, whatever they are; an ABORT alone is
  heard at once. So order is kept. When much waits, nothing more is read from the connection, so what waits is bounded.
* An answer is remembered for the principal (realm, authid, role), never for the role: as long as the authorizer's ``ttl``
  says, unless the answer says not to; no longer than the principal has a session here; and in bounded number. What one
  principal asks several times at once is asked once.
* Who forgets answers (`WaitingRoom.forget`) also outdates those that are under way: they are asked again.
* A testament is published when nobody can be asked any more: a remembered answer counts for it though its time be over.

Source: WAMP advanced profile, "Authorization".
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakValueDictionary

from wampd.realms.gate import size_of
from wampd.realms.grants import Action, Authorizer, Grant, Grants
from wampd.realms.messages import CALL, Abort, Call, ClientMessage, Error, Message, Publish, Register, Subscribe, Yield
from wampd.realms.options import Match
from wampd.realms.records import CANCELED
from wampd.realms.uris import overlap

if TYPE_CHECKING:
    from wampd.realms.dealer import Dealer
    from wampd.realms.gate import Handler
    from wampd.realms.realm import Handlers
    from wampd.realms.session import Session

Key: TypeAlias = tuple[Action, str, Match]
Serve: TypeAlias = Callable[["Session", Any], None]

RESERVED = ("wamp", "wampd")
"""First components of URIs about which no authorizer is asked."""

_NOTHING: dict[Key, Grant] = {}


class Undecided(Exception):
    """The rules say nothing of this, and no answer of the authorizer is known."""

    def __init__(self, action: Action, uri: str, match: Match) -> None:
        super().__init__(action, uri, match)
        self.key: Key = (action, uri, match)


class PrincipalGrants(Grants):
    """What one principal may do whose role has an authorizer; asking about what is not known raises `Undecided`."""

    __slots__ = ("__weakref__", "_answers", "_now", "_rules", "current")

    MOST = 256
    """How many answers are remembered."""

    def __init__(self, rules: Grants, now: Callable[[], float]) -> None:
        """``rules`` are those of the role, and of all its sessions; ``now`` tells monotonic seconds."""
        self.authorizer = rules.authorizer
        self.calls = {}  # these two stay empty: what is in them would never be asked about again
        self.publications = {}
        self.current = _NOTHING
        """The answers for the message that is being served; they count once, whatever is remembered."""
        self._rules = rules
        self._now = now
        self._answers: dict[Key, tuple[Grant, float]] = {}

    def call(self, uri: str) -> Grant:
        """May ``uri`` be called?"""
        grant = self._rules.call(uri)
        return self._ask(("call", uri, "exact"), grant) if grant.undecided else grant

    def publish(self, uri: str) -> Grant:
        """May be published to ``uri``?"""
        grant = self._rules.publish(uri)
        return self._ask(("publish", uri, "exact"), grant) if grant.undecided else grant

    def decide(self, action: Action, uri: str, match: Match = "exact") -> Grant:
        """Check the URI, then ask the rules, then what is known of the authorizer's answers."""
        grant = self._rules.decide(action, uri, match)
        return self._ask((action, uri, match), grant) if grant.undecided else grant

    def known(self, action: Action, uri: str, match: Match = "exact") -> Grant:
        """The same without asking anybody: what is not known is refused, and an answer counts though its time be over."""
        grant = self._rules.decide(action, uri, match)
        if not grant.undecided:
            return grant
        key = (action, uri, match)
        answer = self._answers.get(key)
        return self.current.get(key) or (grant if answer is None else answer[0])

    def _ask(self, key: Key, refused: Grant) -> Grant:
        grant = self.current.get(key)
        if grant is not None:
            return grant
        answer = self._answers.get(key)
        if answer is not None and self._now() < answer[1]:
            return answer[0]
        if _is_reserved(key[1], key[2]):
            return refused
        raise Undecided(*key)

    def remember(self, key: Key, grant: Grant, ttl: float) -> None:
        """Keep an answer for so many seconds; the one that was there longest gives way to it."""
        self._answers.pop(key, None)
        if len(self._answers) >= self.MOST:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = (grant, self._now() + ttl)

    def forget(self) -> None:
        """Forget all answers."""
        self._answers.clear()

    def __len__(self) -> int:
        """How many answers are remembered."""
        return len(self._answers)

    def __bool__(self) -> bool:
        """It is there, whatever it remembers."""
        return True


class Question:
    """A question for an authorizer. The shell sees that it is answered, with `WaitingRoom.decided`."""

    __slots__ = ("authorizer", "grants", "key", "outdated", "room", "session", "waiting")

    def __init__(self, room: WaitingRoom, session: Session, grants: PrincipalGrants, key: Key) -> None:
        assert grants.authorizer is not None
        self.room = room
        self.session = session
        """The one that asked first."""
        self.grants = grants
        self.authorizer: Authorizer = grants.authorizer
        self.key = key
        self.waiting: dict[Session, None] = {}
        self.outdated = False
        """What was true when it was asked may not be any more."""

    def __repr__(self) -> str:
        action, uri, match = self.key
        return f"<Question whether {self.session} may {action} {uri!r} ({match})>"


class Held:
    """What waits of one session."""

    __slots__ = ("answers", "handlers", "is_full", "message", "question", "queue", "room", "serve")

    MOST = 64 * 1024
    """About how many bytes may wait before nothing more is read; what was read already waits all the same."""
    OVERHEAD = 256
    """What a message costs beside its payload."""

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
        self.queue: deque[ClientMessage] = deque()
        """What came after it."""

    def take(self, session: Session, message: ClientMessage) -> None:
        """Keep a message for later."""
        self.queue.append(message)
        self.room -= self.OVERHEAD
        if isinstance(message, Call | Publish | Yield | Error):
            self.room -= size_of(message.args) + size_of(message.kwargs)
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
        for message in (held.message, *held.queue):
            if isinstance(message, Call) and not self._dealer.continues(session, message):
                session.refuse(CALL, message.id, CANCELED, f"the session is being closed: {reason}")

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
        session.handlers = dict.fromkeys(held.handlers, (held.take, False))
        session.handlers[Abort] = held.handlers[Abort]

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
        """Serve what waited, as far as it need not wait again. Raises what `Realm.handle` raises."""
        held = self._held.get(session)
        if held is None or held.question is not None:
            return
        session.handlers = held.handlers
        grants = session.grants
        assert isinstance(grants, PrincipalGrants)
        grants.current = held.answers
        try:
            held.serve(session, held.message)
        finally:
            grants.current = _NOTHING
        if held.question is not None or session not in self._held:
            return
        held.answers = {}
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
            question.outdated = False
            self._asked.append(question)
            return
        del self._questions[place]
        if remember and question.authorizer.ttl > 0 and not question.outdated:
            self._remember(question, grant)
        for session in list(question.waiting):
            held = self._held.get(session)
            if held is None or held.question is not question:
                continue
            held.question = None
            held.answers[question.key] = grant
            if session.outlet is None:
                self.go_on(session)
            else:
                session.outlet.resume()

    def _remember(self, question: Question, grant: Grant) -> None:
        question.grants.remember(question.key, grant, question.authorizer.ttl)
        self._remembered += 1
        if self._remembered > self.MOST_ANSWERS:
            self._remembered = sum(map(len, self._principals.values()))
            if self._remembered > self.MOST_ANSWERS:
                self._struck["memories of authorization emptied"] += 1
                self.forget(lambda _authrole, _authid: True)

    def forget(self, is_meant: Callable[[str, str], bool]) -> int:
        """Forget the answers about principals of which (authrole, authid) this is true; how many principals these are."""
        meant = [grants for (role, authid, _), grants in self._principals.items() if is_meant(role, authid)]
        for grants in meant:
            grants.forget()
        for grants, key in self._questions:
            self._questions[grants, key].outdated |= grants in meant
        return len(meant)

    def close(self) -> None:
        """The realm is not used any more, and nobody is in it."""
        self._questions.clear()
        del self._dealer, self._handle


def _is_reserved(uri: str, match: Match) -> bool:
    """Whether a URI, or a part of what a pattern matches, is in a namespace of WAMP's or the router's own."""
    if match == "exact":
        return uri.partition(".")[0] in RESERVED
    return uri in RESERVED or any(overlap(f"{word}.", "prefix", uri, match) for word in RESERVED)


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
