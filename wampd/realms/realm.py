"""One realm: the façade that the shell talks to.

Rules
-----
* ``handle`` takes one well-formed message of an established session and leaves what is to be done in the outboxes of
  sessions. It raises `ProtocolViolation` when the message may not be sent now: the shell then aborts that session; and
  `SessionOver` when the client has ended the session.
* Request ids: with ``strict_request_ids`` every request's id is its predecessor's plus one, and 1 after 2^53; else any id
  will do that is not in use (basic profile, "IDs"; many clients do not count).
* Parts of a progressive call carry the id of its first CALL; where ids need not count, such an id is in use until the caller
  has sent the last part of it, or for a while after the call's end (advanced profile, "Progressive Call Invocations").
* Time: `next_deadline` says when `expire` has something to do at the earliest.
* A session that leaves is gone at once for everybody; taking it off what it held is done in slices, so that a session
  with very many subscriptions or calls to answer blocks nobody. So is telling very many sessions that they are sent away.
* Messages whose role the client did not announce are protocol violations, unless ``check_roles`` is off: then whatever is asked
  for is served, and counts as asked by a client without the role's features.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence, Sized
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

from wampd.realms.asking import Question, WaitingRoom
from wampd.realms.audit import Books, Entry
from wampd.realms.broker import Broker
from wampd.realms.calls import Timeouts
from wampd.realms.changing import Changes
from wampd.realms.counts import Errors
from wampd.realms.dealer import Dealer
from wampd.realms.gate import Gate, Handler
from wampd.realms.history import Historian, HistoryRule
from wampd.realms.limits import Limits, Quota
from wampd.realms.messages import (
    GOODBYE,
    Abort,
    Call,
    Cancel,
    ClientMessage,
    Error,
    Event,
    EventReceived,
    Foreign,
    Goodbye,
    Message,
    Outgoing,
    Publish,
    Register,
    Subscribe,
    Unregister,
    Unsubscribe,
    Yield,
)
from wampd.realms.meta import Meta
from wampd.realms.occupancy import Occupancy
from wampd.realms.options import MAX_ID
from wampd.realms.outside import Outside
from wampd.realms.retained import Retention
from wampd.realms.seats import Seats
from wampd.realms.session import ROLE_OF, Breather, ProtocolViolation, Session, SessionOver, State
from wampd.realms.testaments import Testaments
from wampd.realms.uris import is_uri
from wampd.realms.watcher import Watcher

Handlers: TypeAlias = dict[type[Message], tuple[Handler, bool]]
"""What serves a message type, and whether its id counts requests."""


class Realm:
    """Routing between the sessions of one realm."""

    SLICE = 2_000
    """How many subscriptions and registrations of a leaving session are taken off in one go."""
    EXPULSION = 10
    """Telling one session that it is sent away costs as much as taking so many off; so does publishing a testament."""
    AT_ONCE = 100
    """Messages that wait to be sent to a session whose next subscription or registration waits until they are: each may take
    some 50 µs of decisions and of a place in a tree, and one read brings very many."""

    def __init__(
        self,
        name: str,
        *,
        touched: list[Session],
        outside: Outside,
        alarmed: list[Realm] | None = None,
        asked: list[Question] | None = None,
        entries: list[Entry] | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        role_limits: Mapping[str, Limits] = MappingProxyType({}),
        quota: Quota = Quota(),  # noqa: B008 - frozen
        retention: Retention = Retention(),  # noqa: B008 - frozen
        history: Sequence[HistoryRule] = (),
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        lenient_progress: bool = False,
        strict_request_ids: bool = False,
        check_roles: bool = True,
    ) -> None:
        """``touched`` gets every session with something to send, ``alarmed`` this realm when `next_deadline` gets earlier.

        ``asked`` gets the questions for authorizers, ``entries`` what the shell is to write down.
        ``limits`` are those of every session whose role is not in ``role_limits``.
        """
        alarmed = [] if alarmed is None else alarmed
        self.name = name
        self.sessions: dict[int, Session] = {}
        self.struck: Counter[str] = Counter()
        """How often limits struck, and what was not delivered."""
        self.errors = Errors(outside.wall)
        self.outside = outside
        self.broker = Broker(
            touched,
            outside,
            self.struck,
            sessions=self.sessions,
            quota=quota,
            retention=retention,
            history=history,
        )
        self.dealer = Dealer(
            outside,
            self.struck,
            timeouts=timeouts,
            quota=quota,
            alarm=partial(alarmed.append, self),
            lenient_progress=lenient_progress,
        )
        self.testaments = Testaments(self.broker)
        self.dealer.services.procedures.update(self.testaments.procedures())
        self.dealer.services.procedures.update(Historian(self.broker, outside, self.struck).procedures())
        self.books = Books(name, entries)
        self.meta = Meta(self, outside)
        self.watcher: Watcher = self.meta
        self.broker.watcher = self.dealer.registrations.watcher = self.watcher
        self.quota = quota
        self.kept: list[Sized] = [self.broker.retained, *self.broker.histories]
        """What outlives sessions: while any of it holds something, the realm is not to go."""
        self.occupancy = Occupancy(quota)
        self.strict = strict_request_ids
        """Whether request ids must count, and be written as integers."""
        self._leaving: deque[Session] = deque()
        self._expelled: deque[tuple[Session, str, str]] = deque()
        handlers = self._served()
        self.room = WaitingRoom(
            name, self.dealer, self.handle, outside.now, [] if asked is None else asked, self.struck
        )
        """Where sessions wait for their authorizers."""
        self.dealer.services.procedures.update(self.room.procedures())
        gate = Gate(handlers, self.dealer, outside.now, self.struck)
        self.seats = Seats(handlers, gate, self.room, limits, role_limits, check_roles=check_roles)
        """What sessions have by their roles."""
        self.changes = Changes(self)

    def _served(self) -> dict[type[Message], Handler]:
        """What serves each message."""
        return {
            Publish: self.broker.publish,
            Subscribe: _Paced(self.broker.subscribe).serve,
            Unsubscribe: _Paced(self.broker.unsubscribe).serve,
            EventReceived: self.broker.received,
            Call: self.dealer.call,
            Cancel: self.dealer.cancel,
            Yield: self.dealer.result,
            Error: self.dealer.error,
            Register: _Paced(self.dealer.registrations.register).serve,
            Unregister: _Paced(self.dealer.registrations.unregister).serve,
            Goodbye: self._goodbye,
            Abort: self._abort,
        }

    def join(self, session: Session) -> None:
        """Take in a session that has been welcomed."""
        self.sessions[session.id] = session
        session.since = self.outside.wall()
        session.errors = self.errors
        self.occupancy.joined(session)
        self.seats.seat(session)
        self.watcher.joined(session)

    def depute(self, session_id: int) -> None:
        """Let a session be a deputy, for as long as it is here: see `Broker`."""
        self.broker.deputies[self.sessions[session_id]] = None

    def handle(self, session: Session, message: ClientMessage) -> None:
        """Serve one message of an established session. Raises `ProtocolViolation`, `SessionOver` or `Breather`."""
        try:
            handler, counted = session.handlers[message.__class__]
        except KeyError:
            self._unserved(session, message)
            return
        if counted:
            request_id: int = message.id  # type: ignore[union-attr]
            if request_id == session.watermark + 1:
                session.watermark = request_id
            elif self.strict:
                due = session.watermark % MAX_ID + 1
                if request_id == due:
                    session.watermark = request_id
                elif message.__class__ is not Call or not self.dealer.continues(session, message):
                    raise ProtocolViolation(f"request id {request_id} where {due} was due")
            elif request_id > session.watermark:
                session.watermark = request_id
        handler(session, message)

    def undeliverable(self, receiver: Session, message: Outgoing, uri: str, reason: str) -> bool:
        """A message in an outbox cannot be carried to its receiver: count an event, answer a call with ERROR ``uri``.

        Return false if the receiver cannot do without the message: its session must end.
        """
        if isinstance(message, Event):
            self.struck["events that a receiver cannot carry"] += 1
            return True
        self.struck["messages that a receiver cannot carry"] += 1
        parts = message.message if isinstance(message, Foreign) else message
        if parts[0] == GOODBYE and parts[1]:  # without the text it says what counts
            receiver.send((GOODBYE, {}, parts[2]))
            return True
        return self.dealer.undeliverable(receiver, parts, uri, reason)

    def leave(self, session: Session) -> None:
        """A session has left, whatever the way. Doing it twice does no harm."""
        if self._retire(session):
            self.dealer.leave(session)
            self.dealer.detach(session, self.SLICE)
            self._part(session)
            if _holds_something(session):
                self.tidy()

    def tidy(self) -> None:
        """Do one slice of what is left: tell those who were sent away, and take off what nobody is to hold any more."""
        budget = self.SLICE
        while self._expelled and budget > 0:
            budget -= self._tell(*self._expelled.popleft())
        while self._leaving and budget > 0:
            session = self._leaving[0]
            held = _held_by(session)
            left = self.dealer.detach(session, budget)
            left += self.broker.detach(session, budget)
            left += self.dealer.registrations.detach(session, budget)
            budget -= held - left
            if not left:
                self._leaving.popleft()
        if budget > 0:
            self.changes.review(budget)

    @property
    def next_deadline(self) -> float | None:
        """When to call `expire` next, at the latest (monotonic seconds)."""
        return self.dealer.deadlines.next

    def expire(self, now: float) -> None:
        """Do what is due at ``now`` (monotonic seconds), or a part of it: then `next_deadline` is not later than that."""
        self.dealer.expire(now)

    def dismiss(self, session: Session, reason: str, message: str = "") -> None:
        """Send a session away: answer its calls, say GOODBYE, and take it out."""
        if session.id in self.sessions:
            self.room.abandon(session, reason)
            self.dealer.abandon(session, reason)
            _say_goodbye(session, reason, message)
            self.leave(session)

    def expel(self, sessions: Iterable[Session], reason: str, message: str = "", *, quietly: bool = False) -> None:
        """Send sessions away, however many. They are gone at once; they are told in slices, and their connections closed.

        ``quietly``: nobody else is told of their end, neither by meta events nor by testaments.
        """
        for session in sessions:
            session.quiet = quietly
            if session.id in self.sessions:
                self.room.abandon(session, reason)
                self._retire(session)
                self._expelled.append((session, reason, message))
        self.tidy()

    def close(self) -> None:
        """The realm is not used any more: take apart what refers to itself, so that its memory is free at once."""
        self.room.close()
        self.dealer.services.procedures.clear()
        del self.dealer.registrations.watcher
        name = self.name
        for part in (self.seats.gate, self.seats, self.changes, self.broker, self.dealer, self):
            vars(part).clear()
        self.name = name  # which is asked for once more by whoever was to set a timer in this turn

    def calls_under_way(self) -> bool:
        """Whether any call waits for its answer."""
        return len(self.room) > 0 or any(session.calls for session in self.sessions.values())

    @property
    def is_deserted(self) -> bool:
        """Whether nobody is here, and nothing is left of those who were."""
        return not self.sessions and not self.has_leavers

    @property
    def keeps(self) -> bool:
        """Whether something is kept that outlives sessions."""
        return any(len(each) for each in self.kept)

    @property
    def has_leavers(self) -> bool:
        """Whether `tidy` has more to do."""
        return bool(self._leaving or self._expelled) or self.changes.is_under_way

    def _retire(self, session: Session) -> bool:
        """Take a session out, for good; whether it was here."""
        if self.sessions.pop(session.id, None) is None:
            return False
        self.room.drop(session)
        self.broker.deputies.pop(session, None)
        session.state = State.CLOSED
        session.deaf = True
        session.handlers = {}
        self.occupancy.left(session)
        return True

    def _part(self, session: Session) -> int:
        """Tell others of a session that has left, and see that it is taken off what it held; return its testaments' number."""
        testaments = 0
        if session.quiet:
            self.testaments.forget(session)
        else:
            testaments = self.testaments.publish(session)
        self.watcher.left(session)
        if _holds_something(session):
            self._leaving.append(session)
        return testaments

    def _tell(self, session: Session, reason: str, message: str) -> int:
        """Tell a session that it was sent away, and others that it has left; return what it cost of a slice."""
        calls = len(session.calls or ())
        self.dealer.abandon(session, reason)
        self.dealer.leave(session)
        _say_goodbye(session, reason, message)
        testaments = self._part(session)
        if session.outlet is not None:
            session.outlet.dismiss(reason, message)
        return calls + self.EXPULSION * (1 + testaments)

    def _unserved(self, session: Session, message: ClientMessage) -> None:
        """Take a message that has no handler: of a session that was sent away it is dropped."""
        if session.state is not State.CLOSED:
            raise self._illegal(message)

    def _illegal(self, message: ClientMessage) -> ProtocolViolation:
        name = message.__class__.__name__.upper()
        if message.__class__ in self.seats.handlers:
            return ProtocolViolation(f"{name} without the role {ROLE_OF[message.__class__]!r}")
        return ProtocolViolation(f"{name} is not legal in an established session")

    def _goodbye(self, session: Session, message: Goodbye) -> None:
        if not is_uri(message.reason):
            raise ProtocolViolation("the reason of GOODBYE is not a URI")
        session.said_goodbye = True
        session.send((GOODBYE, {}, "wamp.close.goodbye_and_out"))
        self.leave(session)
        raise SessionOver(message.reason)

    def _abort(self, session: Session, _message: Abort) -> None:
        self.leave(session)
        raise SessionOver


class _Paced:
    """Serves what takes long and is asked for now and then; where very much of it comes at once there is a breather."""

    def __init__(self, serve: Handler) -> None:
        self._serve = serve

    def serve(self, session: Session, message: Any) -> None:
        self._serve(session, message)
        if len(session.outbox) >= Realm.AT_ONCE:
            raise Breather


def _say_goodbye(session: Session, reason: str, message: str) -> None:
    session.send((GOODBYE, {"message": message} if message else {}, reason))


def _held_by(session: Session) -> int:
    """How much a session that has left is still to be taken off: what it subscribed to, registered, and was to answer."""
    return len(session.subscriptions or ()) + len(session.registrations or ()) + len(session.invocations or ())


def _holds_something(session: Session) -> bool:
    return bool(session.subscriptions or session.registrations or session.invocations)
