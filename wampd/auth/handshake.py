"""From HELLO to WELCOME or ABORT: one machine per connection, driven by values.

Rules
-----
* The first message must be HELLO; an AUTHENTICATE is legal only as the answer to a CHALLENGE; after `Accept` or `Abort`
  nothing is. Everything else is a `ProtocolViolation`. One guess per CHALLENGE.
* The order of checks: announced roles (none of the four: a violation), the length of the authid, the realm's URI, the realm,
  the methods.
* Of the methods that the client offers, in its order, the first that the realm has and that can serve it is driven; one that
  finds out later that it cannot makes way for the next.
  Offering none means ``anonymous``. A role asked for in HELLO chooses nothing: WELCOME tells the one given.
* Principals with factors prove themselves by one method after the other (`wampd.auth.factors`).
* Each step in which the client may prove itself is an attempt (`wampd.auth.throttle`): it may be refused, or have to wait.
* Where a method asks the outside, the outcome is `Wait`: the caller sees that the question is answered, and calls
  `Handshake.answer` once. Until then nothing of the client is legal. A question that `Failed` ends in
  ``wamp.error.authentication_failed``, whatever the method.
* The peer gets URIs of the specification and fixed texts; the reason is in `Abort.log`, for our log. The caller closes
  the transport after an `Abort`; it calls `Handshake.expire` when the time is over, `Handshake.abandon` when the client is
  gone.

Sources: WAMP basic profile, "Session Establishment"; advanced profile, "Authentication".
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import ceil
from sys import intern
from typing import Any, Protocol

from msgspec import structs

from wampd.auth.door import RealmAuth
from wampd.auth.factors import Factors, factor
from wampd.auth.methods import (
    AUTHENTICATION_FAILED,
    LONGEST_AUTHID,
    Challenge,
    Decline,
    Deny,
    Exchange,
    Failed,
    Principal,
    Request,
    Step,
    Wait,
    shown,
)
from wampd.auth.outcomes import Abort, Accept, Outcome
from wampd.auth.questions import AwaitTurn, FindAccount
from wampd.auth.throttle import Attempt, Throttle
from wampd.realms.features import known_roles
from wampd.realms.grants import INVALID_URI
from wampd.realms.messages import Authenticate, Hello
from wampd.realms.options import ClientRoles, HelloDetails
from wampd.realms.session import ProtocolViolation
from wampd.realms.uris import is_uri

__all__ = ["Abort", "Accept", "Directory", "Handshake", "Outcome", "RealmAuth"]

NO_SUCH_REALM = "wamp.error.no_such_realm"
NO_MATCHING_AUTH_METHOD = "wamp.error.no_matching_auth_method"
LONGEST_AGENT = 100
"""Characters of what a client says that it is, as far as it is kept; clients of one kind share the text."""
AUTHENTICATION_REQUIRED = "wamp.error.authentication_required"
NO_SUCH_PRINCIPAL = "wamp.error.no_such_principal"


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
    what the shell knows of the connection and passes on to the methods. ``throttle`` counts failures of all clients.
    """

    __slots__ = (
        "_agent",
        "_attempt",
        "_claims",
        "_declined",
        "_directory",
        "_exchange",
        "_factors",
        "_method",
        "_new_id",
        "_offered",
        "_realm",
        "_request",
        "_state",
        "_then",
        "_throttle",
        "_transport",
    )

    def __init__(
        self,
        directory: Directory,
        new_id: Callable[[], int],
        agent: str,
        transport: Mapping[str, Any],
        throttle: Throttle | None = None,
    ) -> None:
        self._directory = directory
        self._new_id = new_id
        self._agent = agent
        self._transport = transport
        self._throttle = throttle
        self._attempt: Attempt | None = None  # that is under way
        self._factors: Factors | None = None
        self._state = _State.OPENING
        self._method = ""
        self._declined: list[str] = []  # why methods could not serve the client after all
        self._claims: dict[str, str] = {}
        # Set once a method serves the client.
        self._offered: Iterator[str]  # methods that are to be tried yet
        self._realm: RealmAuth
        self._request: Request
        self._exchange: Exchange
        self._then: Callable[[Any], Outcome] = _nothing

    def hello(self, hello: Hello) -> Outcome:
        """Take the client's HELLO. Raise `ProtocolViolation` if it is not the first message, or announces no role."""
        if self._leave() is not _State.OPENING:
            raise ProtocolViolation("HELLO is legal only as the first message")
        if not _announces_a_role(hello.details.roles):
            raise ProtocolViolation("HELLO must announce at least one of publisher, subscriber, caller and callee")
        authid = hello.details.authid or ""
        self._claims = {"realm": hello.realm, "authid": authid[:LONGEST_AUTHID]}
        if len(authid) > LONGEST_AUTHID:
            text = f"an authid has at most {LONGEST_AUTHID} characters"
            return Abort(AUTHENTICATION_FAILED, text, f"an authid of {len(authid)} characters")
        if not is_uri(hello.realm):
            return Abort(INVALID_URI, "the realm's name is not a valid URI", f"invalid realm {shown(hello.realm)}")
        realm = self._directory.get(hello.realm)
        if realm is None:
            return Abort(NO_SUCH_REALM, f"there is no realm {hello.realm!r}", f"no realm {shown(hello.realm)}")
        self._realm = realm
        self._request = Request(hello.realm, self._new_id(), hello.details, self._transport)
        self._offered = iter(dict.fromkeys(hello.details.authmethods or ["anonymous"]))
        return self._settled(self._try_next())

    def authenticate(self, answer: Authenticate) -> Outcome:
        """Take the client's AUTHENTICATE. Raise `ProtocolViolation` if no CHALLENGE is out."""
        if self._leave() is not _State.CHALLENGING:
            raise ProtocolViolation("AUTHENTICATE without a CHALLENGE")
        return self._settled(
            self._attempted(lambda: self._follow(self._exchange.authenticate(answer.signature, answer.extra)))
        )

    def answer(self, answer: Any) -> Outcome | None:
        """Take the answer to the question of a `Wait`, or `Failed`; `None`: it comes too late, and nothing is to be done."""
        if self._state is not _State.WAITING:
            return None
        then = self._then
        self._leave()
        if isinstance(answer, Failed):
            log = f"{self._method}: {answer.log}"
            return self._settled(Abort(AUTHENTICATION_FAILED, "authentication failed", log, guess=answer.guess))
        return self._settled(self._follow(answer) if isinstance(answer, Deny) else then(answer))

    def claims(self) -> dict[str, str]:
        """What is known of the client, as it says itself: realm, authid and method, and its address."""
        return {**self._claims, "method": self._method, "address": str(self._transport.get("peer", ""))}

    def expire(self) -> Abort | None:
        """The time to join is over: what to send, if anything, before the transport is closed."""
        left = self._leave()
        if self._attempt is not None:
            self._attempt.dropped()
        self.abandon()
        if left is _State.CHALLENGING:
            return Abort(AUTHENTICATION_FAILED, "no AUTHENTICATE in time", f"{self._method}: no AUTHENTICATE in time")
        if left is _State.WAITING:
            return Abort(AUTHENTICATION_FAILED, "authentication failed", f"{self._method}: no answer in time")
        return None

    def abandon(self) -> None:
        """The client is gone, or not heard any more."""
        self._leave()
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.abandoned()

    def _attempted(self, step: Callable[[], Outcome]) -> Outcome:
        """Take a step by which the client may prove itself, unless there were too many in vain."""
        if self._throttle is None or self._attempt is not None:
            return step()
        peer = str(self._transport.get("peer", ""))
        self._attempt = self._throttle.attempt(self._realm, self._request.details.authid, peer)
        return self._begin(self._attempt, step)

    def _begin(self, attempt: Attempt, step: Callable[[], Outcome]) -> Outcome:
        refused = attempt.begin()
        if attempt.waits:
            self._state = _State.WAITING
            self._then = lambda _: self._begin(attempt, step)
            return Wait(AwaitTurn(attempt), lambda _: Deny("out of turn"))
        if refused is None:
            return step()
        seconds = ceil(refused.seconds)
        text, more = f"too many failures; try again in {seconds} s", {"retry_after": seconds}
        return Abort(AUTHENTICATION_FAILED, text, f"{self._method}: {refused.what}", more, quiet=not refused.first)

    def _settled(self, outcome: Outcome) -> Outcome:
        """An attempt has come to this."""
        if self._attempt is not None and not isinstance(outcome, Wait):
            attempt, self._attempt = self._attempt, None
            if isinstance(outcome, Accept):
                attempt.succeeded()
            elif isinstance(outcome, Abort) and outcome.guess:
                attempt.failed()
            else:
                attempt.dropped()
        return outcome

    def _try_next(self) -> Outcome:
        """Begin the next method of the client's that can serve it."""
        for name in self._offered:
            if self._starts(name):
                return self._challenge() if name in self._realm.open_to_all else self._attempted(self._challenge)
        return _unserved(self._request.details, self._declined)

    def _starts(self, name: str) -> bool:
        """Begin the method of this name, if the realm has it and it can serve the client."""
        method = self._realm.methods.get(name)
        exchange = None if method is None else method.begin(self._request)
        if exchange is None:
            return False
        self._method, self._exchange = name, exchange
        return True

    def _challenge(self) -> Outcome:
        return self._follow(self._exchange.challenge())

    def _leave(self) -> _State:
        """Leave the present state. Unless a method goes on asking, it is over; so each CHALLENGE is used once.

        What was to be done next refers to the handshake: it is forgotten, so that nothing is left for the garbage collector.
        """
        self._then = _nothing
        left, self._state = self._state, _State.OVER
        return left

    def _follow(self, step: Step) -> Outcome:
        """What a step of the method means for the client."""
        if isinstance(step, Challenge):
            self._state = _State.CHALLENGING
            return step
        if isinstance(step, Wait):
            self._state = _State.WAITING
            self._then = partial(self._know, step)
            return step
        if isinstance(step, Decline):
            self._declined.append(step.log)
            return self._try_next() if self._factors is None else _unserved(self._request.details, self._declined)
        if isinstance(step, Deny):
            return Abort(step.uri, step.message, step.log, step.details, step.guess)
        if step.factors or self._factors is not None:
            return self._proved(step)
        return self._welcome(step)

    def _know(self, wait: Wait, answer: Any) -> Outcome:
        """The answer to a question of the method's is known."""
        question = wait.question
        if answer is None and self._realm.tells_unknown and isinstance(question, FindAccount):
            named = self._request.details.authid
            if question.value == named:
                log = f"{self._method}: unknown authid {shown(named)}"
                return Abort(NO_SUCH_PRINCIPAL, "there is no such principal", log, guess=True)
        return self._follow(wait.then(answer))

    def _proved(self, principal: Principal) -> Outcome:
        """A factor says who the client is: the next one follows, until there is none."""
        factors = self._factors = self._factors or Factors(self._method, principal)
        denied = factors.passed(self._method, principal)
        if denied is not None:
            return self._follow(denied)
        if factors.next is None:
            self._method = factors.method
            return self._welcome(factors.principal)
        details = structs.replace(self._request.details, authid=principal.authid)
        self._request = structs.replace(self._request, details=details)
        for name in details.authmethods or ():
            if factor(name) == factors.next and self._starts(name):
                return self._challenge()
        missing = f"the factor {factors.next} of {shown(principal.authid)} is not offered"
        return _unserved(self._request.details, [*self._declined, missing])

    def _welcome(self, principal: Principal) -> Outcome:
        if self._method not in self._realm.methods:  # any more: the door has changed meanwhile
            log = f"{self._method}: is offered no more"
            return Abort(NO_MATCHING_AUTH_METHOD, "the authentication method is not available any more", log)
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
            client=intern((self._request.details.agent or "")[:LONGEST_AGENT]),
            account=principal.account,
            lasts=principal.lasts,
        )


def _nothing(_answer: Any) -> Outcome:
    raise AssertionError("nothing is waited for")


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
