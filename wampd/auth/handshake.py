"""From HELLO to WELCOME or ABORT: one machine per connection, driven by values.

Rules
-----
* The first message must be HELLO; an AUTHENTICATE is legal only as the answer to a CHALLENGE; after `Accept` or `Abort`
  nothing is. Everything else is a `ProtocolViolation`. One guess per CHALLENGE.
* The order of checks: announced roles (none of the four: a violation), the realm's URI, the realm, the methods.
* Of the methods that the client offers, in its order, the first that the realm has and that can serve it is driven; one that
  finds out later that it cannot makes way for the next.
  Offering none means ``anonymous``. A role asked for in HELLO chooses nothing: WELCOME tells the one given.
* Sessions of a role share its grants; where rules depend on who asks, those of one principal do. A principal whose authid does
  not fit into the rules of its role is not let in (``wamp.error.not_authorized``, of which the basic profile says that it is
  for joining, too).
* Where a method asks the outside, the outcome is `Wait`: the caller sees that the question is answered, and calls
  `Handshake.answer` once. Until then nothing of the client is legal. A question that `Failed` ends in
  ``wamp.error.authentication_failed``, whatever the method.
* The peer gets URIs of the specification and fixed texts; the reason is in `Abort.log`, for our log. The caller closes
  the transport after an `Abort`, and calls `Handshake.expire` when the time is over.

Sources: WAMP basic profile, "Session Establishment"; advanced profile, "Authentication".
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias
from weakref import WeakValueDictionary

from msgspec import Struct

from wampd.auth.methods import (
    AUTHENTICATION_FAILED,
    Challenge,
    Decline,
    Deny,
    Exchange,
    Failed,
    Method,
    Principal,
    Request,
    Step,
    Wait,
    shown,
)
from wampd.auth.roles import Role
from wampd.realms.features import known_roles, router_roles
from wampd.realms.grants import INVALID_URI, NOT_AUTHORIZED, Grants, GrantsOfOne
from wampd.realms.messages import ABORT, WELCOME, Authenticate, Format, Hello
from wampd.realms.options import ClientRoles, HelloDetails, JsonDict
from wampd.realms.session import Outlet, ProtocolViolation, Session
from wampd.realms.uris import MAX_URI_BYTES, UriCheck, is_component, is_uri

NO_SUCH_REALM = "wamp.error.no_such_realm"
NO_SUCH_ROLE = "wamp.error.no_such_role"
NO_MATCHING_AUTH_METHOD = "wamp.error.no_matching_auth_method"
AUTHENTICATION_REQUIRED = "wamp.error.authentication_required"


class RealmAuth:
    """How sessions join one realm: its methods, and what its roles may do.

    Raise `ValueError` if two methods or two roles have the same name.
    """

    __slots__ = ("_check", "_of_one", "_personal", "_uri_bytes", "grants", "methods")

    def __init__(
        self,
        methods: Iterable[Method],
        roles: Iterable[Role],
        uri_check: UriCheck = "loose",
        max_uri_bytes: int = MAX_URI_BYTES,
        role_uri_bytes: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """``role_uri_bytes`` are of the roles for which it is not ``max_uri_bytes``."""
        self.methods: dict[str, Method] = {}
        for method in methods:
            if method.name in self.methods:
                raise ValueError(f"two methods named {method.name!r}")
            self.methods[method.name] = method
        self.grants: dict[str, Grants] = {}
        """Of the roles that are the same for all their sessions."""
        self._personal: dict[str, Role] = {}
        self._of_one: WeakValueDictionary[tuple[str, str], Grants] = WeakValueDictionary()
        """By role and authid, as long as there is a session that has them."""
        self._check: UriCheck = uri_check
        self._uri_bytes: dict[str, int] = {}
        for role in roles:
            if role.name in self._uri_bytes:
                raise ValueError(f"two roles named {role.name!r}")
            most = self._uri_bytes[role.name] = role_uri_bytes.get(role.name, max_uri_bytes)
            if role.placeholders:
                self._personal[role.name] = role
            else:
                self.grants[role.name] = Grants(role, uri_check, most, limited=role.limited, authorizer=role.authorizer)

    def grants_of(self, role: str, authid: str, session_id: int) -> Grants | Deny:
        """What a session may do in this role, or why it cannot have the role."""
        return self.grants.get(role) or self._grants_of_one(role, authid, session_id)

    def _grants_of_one(self, name: str, authid: str, session_id: int) -> Grants | Deny:
        """What one principal may do in a role whose rules depend on who it is."""
        role = self._personal.get(name)
        if role is None:
            log = f"{shown(authid)} has the role {shown(name)}, which does not exist"
            return Deny(log, NO_SUCH_ROLE, "the role of this principal does not exist")
        most = self._uri_bytes[name]
        if "authid" in role.placeholders and not is_component(authid, self._check, most):
            log = f"{shown(authid)} cannot have the role {shown(name)}: its rules take {{authid}} as one component of URIs"
            return Deny(log, NOT_AUTHORIZED, "a session of this authid cannot have its role")
        lasting = "session" not in role.placeholders
        grants = self._of_one.get((name, authid)) if lasting else None
        if grants is None:
            own = role.of({"authid": authid, "session": str(session_id)})
            grants = GrantsOfOne(own, self._check, most, limited=role.limited, authorizer=role.authorizer)
            if lasting:
                self._of_one[name, authid] = grants
        return grants


class Accept(Struct, frozen=True):
    """The client joins: make its session and send WELCOME."""

    realm: str
    session_id: int
    authid: str
    authrole: str
    authmethod: str
    authprovider: str
    authextra: JsonDict | None
    grants: Grants
    roles: ClientRoles
    """What the client announced in HELLO, as far as the router knows it."""
    agent: str
    account: Any = None
    """The account that it was proved by: see `wampd.auth.methods.Principal`."""

    def details(self) -> JsonDict:
        """``WELCOME.Details``."""
        details: JsonDict = {
            "realm": self.realm,
            "authid": self.authid,
            "authrole": self.authrole,
            "authmethod": self.authmethod,
            "authprovider": self.authprovider,
            "agent": self.agent,
            "roles": router_roles(),
        }
        if self.authextra is not None:
            details["authextra"] = self.authextra
        return details

    def wire(self) -> tuple[Any, ...]:
        """``[WELCOME, Session|id, Details|dict]``."""
        return (WELCOME, self.session_id, self.details())

    def session(self, form: Format, touched: list[Session], transport: JsonDict, outlet: Outlet) -> Session:
        """The client's session: it speaks ``form`` on this transport, and ``outlet`` carries its outbox away."""
        return Session(
            self.session_id,
            format=form,
            roles=self.roles,
            grants=self.grants,
            touched=touched,
            authid=self.authid,
            authrole=self.authrole,
            authmethod=self.authmethod,
            authprovider=self.authprovider,
            transport=transport,
            outlet=outlet,
        )


class Abort(Struct, frozen=True):
    """The client is refused: send ABORT and close the transport."""

    reason: str
    message: str
    log: str
    """Why, for our log."""
    more: JsonDict = {}
    """What ``ABORT.Details`` holds beside the message."""
    guess: bool = False
    """A method refused the client, which may try again."""

    def details(self) -> JsonDict:
        """``ABORT.Details``."""
        return {"message": self.message, **self.more}

    def wire(self) -> tuple[Any, ...]:
        """``[ABORT, Details|dict, Reason|uri]``."""
        return (ABORT, self.details(), self.reason)


Outcome: TypeAlias = Challenge | Accept | Abort | Wait


class Directory(Protocol):
    """The realms by name, as a client at the door may know them."""

    def get(self, name: str, /) -> RealmAuth | None:
        """The door of this realm, or of one that will be made when somebody is let in; `None`: there is no such realm."""
        ...


class _State(enum.Enum):
    OPENING = "opening"
    CHALLENGING = "challenging"
    WAITING = "waiting"
    OVER = "over"


class Handshake:
    """One client's way into a realm.

    ``directory`` knows the realms by name, ``new_id`` draws a session id, ``agent`` names the router, ``transport`` is
    what the shell knows of the connection and passes on to the methods.
    """

    __slots__ = (
        "_agent",
        "_claims",
        "_declined",
        "_directory",
        "_exchange",
        "_method",
        "_new_id",
        "_offered",
        "_realm",
        "_request",
        "_state",
        "_then",
        "_transport",
    )

    def __init__(
        self,
        directory: Directory,
        new_id: Callable[[], int],
        agent: str,
        transport: Mapping[str, Any],
    ) -> None:
        self._directory = directory
        self._new_id = new_id
        self._agent = agent
        self._transport = transport
        self._state = _State.OPENING
        self._method = ""
        self._declined: list[str] = []  # why methods could not serve the client after all
        self._claims: dict[str, str] = {}
        # Set once a method serves the client.
        self._offered: Iterator[str]  # methods that are to be tried yet
        self._realm: RealmAuth
        self._request: Request
        self._exchange: Exchange
        self._then: Callable[[Any], Step]

    def hello(self, hello: Hello) -> Outcome:
        """Take the client's HELLO. Raise `ProtocolViolation` if it is not the first message, or announces no role."""
        if self._leave() is not _State.OPENING:
            raise ProtocolViolation("HELLO is legal only as the first message")
        if not _announces_a_role(hello.details.roles):
            raise ProtocolViolation("HELLO must announce at least one of publisher, subscriber, caller and callee")
        self._claims = {"realm": hello.realm, "authid": hello.details.authid or ""}
        if not is_uri(hello.realm):
            return Abort(INVALID_URI, "the realm's name is not a valid URI", f"invalid realm {shown(hello.realm)}")
        realm = self._directory.get(hello.realm)
        if realm is None:
            return Abort(NO_SUCH_REALM, f"there is no realm {hello.realm!r}", f"no realm {shown(hello.realm)}")
        self._realm = realm
        self._request = Request(hello.realm, self._new_id(), hello.details, self._transport)
        self._offered = iter(dict.fromkeys(hello.details.authmethods or ["anonymous"]))
        return self._try_next()

    def authenticate(self, answer: Authenticate) -> Outcome:
        """Take the client's AUTHENTICATE. Raise `ProtocolViolation` if no CHALLENGE is out."""
        if self._leave() is not _State.CHALLENGING:
            raise ProtocolViolation("AUTHENTICATE without a CHALLENGE")
        return self._follow(self._exchange.authenticate(answer.signature, answer.extra))

    def answer(self, answer: Any) -> Outcome | None:
        """Take the answer to the question of a `Wait`, or `Failed`; `None`: it comes too late, and nothing is to be done."""
        if self._state is not _State.WAITING:
            return None
        self._leave()
        if isinstance(answer, Failed):
            log = f"{self._method}: {answer.log}"
            return Abort(AUTHENTICATION_FAILED, "authentication failed", log, guess=answer.guess)
        if isinstance(answer, Deny):
            return self._follow(answer)
        return self._follow(self._then(answer))

    def claims(self) -> dict[str, str]:
        """What is known of the client, as it says itself: realm, authid and method, and its address."""
        return {**self._claims, "method": self._method, "address": str(self._transport.get("peer", ""))}

    def expire(self) -> Abort | None:
        """The time to join is over: what to send, if anything, before the transport is closed."""
        left = self._leave()
        if left is _State.CHALLENGING:
            return Abort(AUTHENTICATION_FAILED, "no AUTHENTICATE in time", f"{self._method}: no AUTHENTICATE in time")
        if left is _State.WAITING:
            return Abort(AUTHENTICATION_FAILED, "authentication failed", f"{self._method}: no answer in time")
        return None

    def _try_next(self) -> Outcome:
        """Begin the next method of the client's that can serve it."""
        for name in self._offered:
            method = self._realm.methods.get(name)
            exchange = None if method is None else method.begin(self._request)
            if exchange is not None:
                self._method, self._exchange = name, exchange
                return self._follow(exchange.challenge())
        return _unserved(self._request.details, self._declined)

    def _leave(self) -> _State:
        """Leave the present state. Unless a method goes on asking, it is over; so each CHALLENGE is used once."""
        left, self._state = self._state, _State.OVER
        return left

    def _follow(self, step: Step) -> Outcome:
        """What a step of the method means for the client."""
        if isinstance(step, Challenge):
            self._state = _State.CHALLENGING
            return step
        if isinstance(step, Wait):
            self._state = _State.WAITING
            self._then = step.then
            return step
        if isinstance(step, Decline):
            self._declined.append(step.log)
            return self._try_next()
        if isinstance(step, Deny):
            return Abort(step.uri, step.message, step.log, step.details, step.guess)
        return self._welcome(step)

    def _welcome(self, principal: Principal) -> Outcome:
        grants = self._realm.grants_of(principal.role, principal.authid, self._request.session_id)
        if isinstance(grants, Deny):
            return Abort(grants.uri, grants.message, f"{self._method}: {grants.log}")
        return Accept(
            realm=self._request.realm,
            session_id=self._request.session_id,
            authid=principal.authid,
            authrole=principal.role,
            authmethod=self._method,
            authprovider=principal.provider,
            authextra=principal.extra,
            grants=grants,
            roles=known_roles(self._request.details.roles),
            agent=self._agent,
            account=principal.account,
        )


def _announces_a_role(roles: ClientRoles) -> bool:
    return any(role is not None for role in (roles.publisher, roles.subscriber, roles.caller, roles.callee))


def _unserved(details: HelloDetails, declined: list[str]) -> Abort:
    """No method that the client offers serves it; of those that tried to, why they could not."""
    if set(details.authmethods or ()) <= {"anonymous"}:
        return Abort(AUTHENTICATION_REQUIRED, "this realm requires authentication", "no authentication method offered")
    return Abort(
        NO_MATCHING_AUTH_METHOD,
        "none of the offered authentication methods is available here",
        "; ".join([f"no method among {shown((details.authmethods or [])[:8])}", *declined]),
    )
