"""The shell round one session: bytes to messages, and the state of the conversation; `sending` is the way back.

Rules
-----
* A message goes to the realm as soon as it is read; what it puts into outboxes is written at the end of the turn. While there
  is no session, HELLO and AUTHENTICATE go to the `wampd.router.entrance.Entrance`.
* Who asks for much work has a `Breather` after it: what it said next waits until others had their turn, and meanwhile nothing
  is read from it.
* A protocol violation gets an ABORT, and nothing after it is processed. A bug of ours does too, for that session alone, with
  a traceback in our log; the peer is told that it was an internal error, and no more.
* A session ends once, whatever ends it: GOODBYE, ABORT, violation, shutdown, a lost connection. After GOODBYE the connection
  stays open for a while, for a new HELLO.

Sources: WAMP basic profile, "Session Lifetime" and "Protocol Errors".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from wampd.auth.methods import Challenge
from wampd.auth.outcomes import Abort as Refusal
from wampd.auth.outcomes import Accept
from wampd.realms.messages import (
    ABORT,
    Abort,
    ClientMessage,
    Goodbye,
    Hello,
)
from wampd.realms.meta.sessions import KILLED
from wampd.realms.session import LEGAL, Breather, ProtocolViolation, Session, SessionOver, State
from wampd.router import tally
from wampd.router.entrance import Entrance
from wampd.router.line import Line, Patience
from wampd.router.sending import Sender
from wampd.router.wire.codec import Codec
from wampd.router.wire.serializers import shallower

if TYPE_CHECKING:
    from wampd.router.realms import Realms

log = Logger()

PROTOCOL_VIOLATION = "wamp.error.protocol_violation"

NORMAL, GOING_AWAY, PROTOCOL_ERROR = 1000, 1001, 1002
"""WebSocket close codes (RFC 6455, section 7.4.1)."""


class _Joined(Exception):
    """There is a session now: what comes next is read as its realm and its role want it."""


class SessionPeer(Sender):
    """What serves one connection that speaks WAMP: one session after the other."""

    __slots__ = (
        "_backlog", "_decode", "_entrance", "_farewell", "_halted", "_patience", "_realms", "_state", "deadline", "handle"
    )  # fmt: skip

    def __init__(
        self, realms: Realms, connection: Line, codec: Codec, about: dict[str, Any], patience: Patience
    ) -> None:
        """``about`` tells where the connection comes from, and how."""
        super().__init__(connection, codec, about)
        self._realms = realms
        self._decode = _reader(codec, False)
        self._patience = patience
        self._entrance: Entrance | None = None
        self._state = State.OPENING
        self._backlog: list[bytes] | None = None  # what is not served before others had their turn
        self._halted = False  # nothing is read while the realm wants it so
        self._farewell = ""  # why the router has said GOODBYE
        self.deadline: float | None = realms.deadline(patience.join)
        self.handle: Any = self._opening

    @property
    def is_in(self) -> bool:
        """Whether there is a session."""
        return self.session is not None

    # ----------------------------------------------------------------------------------------------------- receiving

    def receive(self, payloads: list[bytes]) -> None:
        """Take messages, in order, until one of them ends the conversation."""
        if self._backlog is not None:
            self._backlog += payloads
            return
        session = self.session
        if session is not None:
            session.received += len(payloads)
        payload = b""
        rest = iter(payloads)
        while True:
            decode = self._decode
            try:
                for payload in rest:
                    self.handle(self.session, decode(payload))
            except _Joined:
                continue
            except SessionOver as over:
                self._over(str(over))
                continue
            except Breather:
                backlog = [*rest]
                if self.session is not None:
                    self.session.received -= len(backlog)
                self._rest(backlog)
            except ProtocolViolation as violation:
                self.violated(str(violation))
            except Exception:  # noqa: BLE001 - logged, and ended for this session
                self.our_bug(payload)
            return

    def _rest(self, backlog: list[bytes]) -> None:
        """Let others have their turn before what the client said last is served."""
        self._backlog = backlog
        self._connection.hold(True)
        self._realms.turns.add(self)

    def go_on(self) -> None:
        """Others had their turn."""
        backlog, self._backlog = self._backlog or [], None
        self.resume()
        self.receive(backlog)  # it waits again if what waited for an authorizer was much work itself
        if not self._rests():
            self._connection.hold(self._halted)

    def _rests(self) -> bool:
        return self._backlog is not None

    def our_bug(self, payload: bytes = b"") -> None:
        """Serving the client raised, at this message if it was at one, which is a bug of ours: end this session."""
        self._realms.tally.strike(tally.OUR_BUGS)
        log.failure(
            "serving {who} failed: a bug in wampd", who=self.who, log_fields=self.known, **_asked(payload, self._decode)
        )
        self._abort(PROTOCOL_VIOLATION, "internal error")

    def _opening(self, _session: None, message: ClientMessage) -> None:
        """Serve a message while there is no session."""
        state = self._state if self._entrance is None else self._entrance.state
        if message.__class__ not in LEGAL[state]:
            name = message.__class__.__name__.upper()
            raise ProtocolViolation(f"{name} is not legal while the session is {state.value}")
        if isinstance(message, Abort):
            log.info(
                "{who}: aborted by the client: {reason}",
                who=self.who,
                log_fields=self.known,
                reason=message.reason[:200],
            )
            self._end()
            self._connection.close(NORMAL, "the client aborted")
            return
        if isinstance(message, Hello):
            self._entrance = Entrance(self._realms, self, self.about)
        assert self._entrance is not None
        self._entrance.receive(message)  # type: ignore[arg-type]  # LEGAL leaves HELLO and AUTHENTICATE alone
        if self.session is not None:
            raise _Joined

    def challenged(self, challenge: Challenge) -> None:
        """Send CHALLENGE."""
        self._say(challenge.wire())

    def refused(self, refusal: Refusal) -> None:
        """Send ABORT and close."""
        self._abort(refusal.reason, refusal.message, refusal.more)

    def welcome(self, accept: Accept) -> Refusal | None:
        """Make the session; or why it cannot be made."""
        realm = self._realms.enter(accept)
        if isinstance(realm, Refusal):
            return realm
        session = accept.session(self._codec.format, self._realms.touched, self.about, self)
        self._entrance = None
        self._connection.framing.widen()
        self._realm = realm
        self._state = State.ESTABLISHED
        self.session = session
        self.deadline = None
        session.send(accept.wire())
        self._realms.ids.add(session.id)
        realm.join(session)
        self.handle = realm.core.handle
        if accept.lasts is not None:
            self.deadline = self._realms.deadline(accept.lasts)
            self._connection.wake(self.deadline)
        self.read_anew()
        if "cookie" in self.about:
            self._realms.returning.joined(self, accept, self._realms.door(accept.realm))
        self._realms.auditor.joined(session, realm.core)
        return None

    def read_anew(self) -> None:
        """Read what comes next as the realm and the session's role want it, which may have changed."""
        session, realm = self.session, self._realm
        if session is None or realm is None:
            return
        depth = session.limits.depth
        codec = self._codec if depth is None else shallower(self._codec, depth)
        self._decode = _reader(codec, realm.core.strict)

    def let_in(self, accept: Accept) -> Refusal | None:
        """Make the session of a client that need not say HELLO; or why it cannot be made."""
        refusal = self.welcome(accept)
        if refusal is not None:
            self._end()
        return refusal

    def _end(self) -> None:
        """Nothing counts any more of what the client says."""
        self.handle = _ignore
        self._state = State.CLOSED
        entrance, self._entrance = self._entrance, None
        if entrance is not None:
            entrance.leave()

    def _closing(self, _session: Session, message: ClientMessage) -> None:
        """The router has said GOODBYE: nothing counts but the client's."""
        if isinstance(message, Goodbye | Abort):
            self._connection.close(GOING_AWAY, "the session was closed")
            self.handle = _ignore

    # -------------------------------------------------------------------------------------------------------- ending

    def hold(self, held: bool) -> None:
        """Read nothing from the client, or read again: what it said last has to wait."""
        self._halted = held
        self._connection.hold(held or self._backlog is not None)

    def resume(self) -> None:
        """What the client said, and had to wait, is served now."""
        session, realm = self.session, self._realm
        if session is None or realm is None:
            return
        try:
            realm.core.room.go_on(session)
        except SessionOver as over:
            self._over(str(over))
        except Breather:
            self._rest(self._backlog or [])
        except ProtocolViolation as violation:
            self.violated(str(violation))
        except Exception:  # noqa: BLE001 - logged, and ended for this session
            self.our_bug()

    def dismiss(self, reason: str, message: str = "") -> None:
        """Say GOODBYE with this reason, and close when the client has answered or time is up."""
        session = self.session
        if session is None or self._realm is None or self._state is not State.ESTABLISHED:
            self._end()
            self._connection.close(GOING_AWAY, reason)
            return
        self._state = State.CLOSING
        self.handle = self._closing
        self._farewell = f"{reason}: {message}" if message else reason
        self._realm.core.dismiss(session, reason, message)
        self._realm.tidy()
        self.deadline = self._realms.deadline(self._patience.close)
        self._connection.wake(self.deadline)

    def _over(self, reason: str) -> None:
        """The session is over by the client's own word; ``reason`` is that of its GOODBYE."""
        session = self.session
        if "cookie" in self.about:
            self._realms.returning.over(self, reason)
        self.flush()
        if self._state is State.CLOSED:
            return  # the last words did not get through: the connection is closed, and serves no new session
        aborted = session is not None and not session.said_goodbye
        self._leave("aborted by the client" if aborted else "said goodbye")
        if aborted:
            self.handle = _ignore
            self._connection.close(NORMAL, "the client aborted")
        else:
            self._state = State.OPENING
            self._decode = _reader(self._codec, False)
            self.handle = self._opening
            self.deadline = self._realms.deadline(self._patience.idle)
            self._connection.wake(self.deadline)

    def _abort(self, reason: str, message: str, more: Mapping[str, Any] = MappingProxyType({})) -> None:
        """End everything with an ABORT; ``more`` is what its details hold beside the message."""
        self.handle = _ignore
        self.flush()
        self._leave(reason)
        self._end()
        self.deadline = None
        if not (message and self._say((ABORT, {"message": message, **more}, reason))):
            self._say((ABORT, {}, reason))
        self._connection.close(PROTOCOL_ERROR if reason == PROTOCOL_VIOLATION else NORMAL, reason)

    def _leave(self, why: str) -> None:
        session, realm = self.session, self._realm
        if session is not None and realm is not None:
            self._realms.auditor.left(session, realm.core, f"sent away: {self._farewell}" if self._farewell else why)
            self.session = None
            self._realm = None
            self._realms.ids.discard(session.id)
            realm.leave(session)
            if "cookie" in self.about:
                self._realms.returning.left(self)

    # ------------------------------------------------------------------------------------- what the connection tells

    def late(self) -> None:
        """The deadline has passed: for joining, for a new HELLO, for answering GOODBYE, or for what proved who this is."""
        self.deadline = None
        if self._state is State.ESTABLISHED:
            log.info("{who}: what proved who this is has expired", who=self.who, log_fields=self.known)
            self._realms.tally.strike(tally.SESSIONS_EXPIRED)
            self.dismiss(KILLED, "the authentication has expired")
            return
        self._realms.tally.strike(tally.TOO_LATE)
        if self._entrance is not None and self._entrance.late():
            return
        if self._state is State.OPENING:
            log.info("{who}: no HELLO in time", who=self.who, log_fields=self.known)
            self._connection.close(NORMAL, "no HELLO in time")
        else:
            self._connection.close(GOING_AWAY, "the session was closed")

    def congested(self, is_congested: bool) -> bool:
        """Too much waits to be sent to this client, or no more; whether the connection may go on."""
        session, realm = self.session, self._realm
        if session is None or realm is None:
            return False
        # Who loses events when that is not wanted any more has its connection until it has read them all.
        if not (realm.drops_events or (session.deaf and session.state is State.ESTABLISHED)):
            return False
        if is_congested and not session.deaf:
            log.warn("{who} reads too slowly: events are dropped", who=self.who, log_fields=self.known)
        elif not is_congested and session.deaf:
            log.info(
                "{who} reads again; {count} events were dropped",
                who=self.who,
                log_fields=self.known,
                count=session.dropped,
            )
        if session.state is State.ESTABLISHED:
            session.deaf = is_congested
        return True

    def violated(self, why: str) -> None:
        """The client broke the protocol."""
        self._realms.tally.strike(tally.PROTOCOL_VIOLATIONS)
        log.info("{who}: protocol violation: {why}", who=self.who, log_fields=self.known, why=why)
        self._abort(PROTOCOL_VIOLATION, why)

    def failed(self, why: str) -> None:
        """The connection cannot go on."""
        self._realms.tally.strike(tally.CONNECTIONS_FAILED)
        if self.session is None:  # else it is said how the session ended
            log.info("{who}: {why}", who=self.who, log_fields=self.known, why=why)

    def broken(self) -> None:
        """Sending failed, which is a bug of ours: end this session."""
        self._abort(PROTOCOL_VIOLATION, "internal error")

    def too_slow(self, why: str) -> None:
        """The client reads too slowly, and is disconnected."""
        self._realms.tally.strike(tally.SLOW_CONSUMERS)
        log.warn("{who}: slow consumer: {why}", who=self.who, log_fields=self.known, why=why)

    def lost(self, why: str) -> None:
        """The connection is gone."""
        self._end()
        self._leave(f"connection lost: {why}")


def _asked(payload: bytes, decode: Callable[[bytes], ClientMessage]) -> dict[str, Any]:
    """Which message that is, and which request, for the log."""
    try:
        message = decode(payload)
    except Exception:  # noqa: BLE001 - what cannot be read may be what failed
        return {}
    request = getattr(message, "id", None)
    return {"request_type": type(message).__name__.upper(), **({} if request is None else {"request": request})}


def _ignore(_session: Session | None, _message: ClientMessage) -> None:
    """What arrives after the end is dropped."""


@lru_cache(maxsize=256)
def _reader(codec: Codec, strict: bool) -> Callable[[bytes], ClientMessage]:
    """What reads messages; all sessions that have them read so have the same object."""
    return partial(codec.decode, strict=True) if strict else codec.decode
