"""What the core knows of one session: who it is, what it may do, what it holds, and what is to be sent to it.

Rules
-----
* Which message is legal in which state is one table, ``LEGAL``. Everything else is a protocol violation.
* What is to be sent goes into the session's outbox; the first message of a turn also puts the session on the list of
  those touched. The shell empties both at the end of the turn. Nothing here sends.
* Two kinds of trouble: a request that cannot be served is answered with `Session.refuse` (an ERROR); `ProtocolViolation`
  becomes an ABORT and the end of the session. Any other exception is a bug of ours.

Sources: WAMP basic profile, "Session Lifetime", "Protocol Errors" and "Agent Identification".
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from wampd.realms.limits import Limits
from wampd.realms.messages import (
    ERROR,
    Abort,
    Authenticate,
    Call,
    Cancel,
    Error,
    EventReceived,
    Format,
    Goodbye,
    Hello,
    Message,
    Outgoing,
    Publish,
    Register,
    Subscribe,
    Unregister,
    Unsubscribe,
    Yield,
)

if TYPE_CHECKING:
    from wampd.realms.calls import Invocation
    from wampd.realms.counts import Errors
    from wampd.realms.gate import Bucket
    from wampd.realms.grants import Grants
    from wampd.realms.limits import LimitName, RuleLimits
    from wampd.realms.options import ClientRoles
    from wampd.realms.realm import Handlers
    from wampd.realms.registrations import Registration
    from wampd.realms.subscription import Subscription


class ProtocolViolation(Exception):
    """The peer broke the protocol: ABORT it with ``wamp.error.protocol_violation`` and close. The text is for the peer."""


class SessionOver(Exception):
    """The client ended the session itself, with GOODBYE (whose reason this holds) or ABORT. Nothing else is wrong."""


class Breather(Exception):
    """What a session asked for was served, and was much work: let others have their turn before its next message."""


class State(enum.Enum):
    """Where a session is in its life."""

    OPENING = "opening"
    """Nothing has been said: the client owes a HELLO."""
    CHALLENGING = "challenging"
    """A CHALLENGE is out: the client owes an AUTHENTICATE."""
    WAITING = "waiting"
    """The client said who it is, and the router finds out whether that is so: the client has to wait."""
    ESTABLISHED = "established"
    CLOSING = "closing"
    """The router said GOODBYE and waits for the client's; all else is ignored."""
    CLOSED = "closed"


LEGAL: dict[State, frozenset[type[Message]]] = {
    State.OPENING: frozenset({Hello, Abort}),
    State.CHALLENGING: frozenset({Authenticate, Abort}),
    State.WAITING: frozenset({Abort}),
    State.ESTABLISHED: frozenset(
        {
            Abort,
            Goodbye,
            Error,
            EventReceived,
            Publish,
            Subscribe,
            Unsubscribe,
            Call,
            Cancel,
            Register,
            Unregister,
            Yield,
        }
    ),
    # In these two nothing is a violation any more: what still arrives is dropped.
    State.CLOSING: frozenset({Goodbye, Abort}),
    State.CLOSED: frozenset(),
}

ROLE_OF: dict[type[Message], str] = {
    Publish: "publisher",
    Subscribe: "subscriber",
    Unsubscribe: "subscriber",
    EventReceived: "subscriber",
    Call: "caller",
    Cancel: "caller",
    Register: "callee",
    Unregister: "callee",
    Yield: "callee",
    Error: "callee",
}
"""Which role a client must have announced to send a message."""


class Outlet(Protocol):
    """What carries a session's outbox away. The core only keeps it for the shell."""

    def flush(self) -> None:
        """Encode and send everything in the outbox."""
        ...

    def broken(self) -> None:
        """Flushing raised, which is a bug of ours: end this session."""
        ...

    def hold(self, held: bool) -> None:
        """Read nothing from the client, or read again: what it said last has to wait (see `wampd.realms.asking`)."""
        ...

    def resume(self) -> None:
        """What had to wait need not any more: call `WaitingRoom.go_on`, which raises what `Realm.handle` does."""
        ...

    def dismiss(self, reason: str, message: str = "") -> None:
        """Send the session away with a GOODBYE of this reason: take it out of its realm, then close its connection."""
        ...


_DEFAULT_LIMITS = Limits()


class Session:
    """One session in one realm."""

    __slots__ = (
        "agent",
        "authid",
        "authmethod",
        "authprovider",
        "authrole",
        "call_tokens",
        "calls",
        "deaf",
        "dropped",
        "ended",
        "errors",
        "format",
        "grants",
        "handlers",
        "id",
        "invocations",
        "last_invocation",
        "limits",
        "outbox",
        "outlet",
        "publication_tokens",
        "quiet",
        "received",
        "registrations",
        "roles",
        "rule_tokens",
        "said_goodbye",
        "sent",
        "since",
        "spent",
        "state",
        "subscriptions",
        "touched",
        "transport",
        "watermark",
    )

    def __init__(
        self,
        session_id: int,
        *,
        format: Format,  # noqa: A002 - the field's word
        roles: ClientRoles,
        grants: Grants,
        touched: list[Session],
        authid: str = "",
        authrole: str = "",
        authmethod: str = "anonymous",
        authprovider: str = "static",
        transport: Mapping[str, Any] | None = None,
        agent: str = "",
        outlet: Outlet | None = None,
    ) -> None:
        """``transport`` is all that the shell knows of the connection; who shows it to others chooses from it."""
        self.id = session_id
        self.format = format
        self.roles = roles
        self.grants = grants
        self.touched = touched
        self.authid = authid
        self.authrole = authrole
        self.authmethod = authmethod
        self.authprovider = authprovider
        self.transport: Mapping[str, Any] = transport or {}
        self.agent = agent
        """What the client says that it is, as far as it is told."""
        self.outlet = outlet
        self.quiet = False
        """Nobody is to be told of its end: neither by meta events nor by testaments."""
        self.handlers: Handlers = {}
        """What serves each message type that this session may send; set by the realm."""
        self.limits = _DEFAULT_LIMITS
        """How much it may hold and do; set by the realm."""
        self.call_tokens: Bucket | None = None
        self.publication_tokens: Bucket | None = None
        self.rule_tokens: dict[tuple[RuleLimits, LimitName], Bucket] | None = None
        """By the rules of its role that have rates, where it has used them."""
        self.errors: Errors | None = None
        """Counts the ERRORs that are sent to it; set by the realm."""
        self.since = 0.0
        """When it joined (Unix time); set by the realm."""
        self.received = 0
        """Messages that came from the client; kept by the shell, as is ``sent``."""
        self.sent = 0
        self.state = State.ESTABLISHED
        self.outbox: list[Outgoing] = []
        self.watermark = 0
        """The highest request id that the client has used."""
        self.last_invocation = 0
        """The id of the last INVOCATION sent to the client."""
        self.deaf = False
        """Events are not to be put into the outbox: the client is too slow for them, or has left."""
        self.dropped = 0
        """Events not delivered because the client was too slow for them."""
        self.spent = 0
        """What the router's own answers cost that wait in the outbox; the shell sets it to 0 when it empties that."""
        self.said_goodbye = False
        """The client ended the session with GOODBYE."""
        # What most sessions never have is made at the first use.
        self.subscriptions: dict[int, Subscription] | None = None
        self.registrations: dict[int, Registration] | None = None
        self.calls: dict[int, Invocation] | None = None
        self.invocations: dict[int, Invocation] | None = None
        self.ended: dict[int, tuple[str, float]] | None = None
        """Progressive calls that are over though the client did not end them: procedure, and since when."""

    def __repr__(self) -> str:
        return f"<Session {self.id} {self.authid}/{self.authrole} {self.state.value}>"

    def send(self, message: Outgoing) -> None:
        """Put a message into the outbox."""
        outbox = self.outbox
        if not outbox:
            self.touched.append(self)
        outbox.append(message)

    def refuse(self, request_type: int, request_id: int, uri: str, reason: str = "", about: str = "") -> None:
        """Answer a request with an ERROR; ``reason`` is for the people who read it, ``about`` what was asked for: a URI."""
        if self.errors is not None:
            self.errors.note(self, uri, about)
        if reason:
            self.send((ERROR, request_type, request_id, {}, uri, [reason]))
        else:
            self.send((ERROR, request_type, request_id, {}, uri))
