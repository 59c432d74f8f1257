"""What an authentication method is: a small machine that the handshake drives.

Rules
-----
* A `Method` is configured once per realm and serves many clients; `Method.begin` makes one `Exchange` for one client.
* `Exchange.challenge` gives the first step, `Exchange.authenticate` the next one for each AUTHENTICATE. A step is a
  `Challenge` (so factors can follow one another), a `Principal`: who this is, or `Deny`. After these two it is over.
* What a method cannot know by itself it asks of the outside: such a step is a `Wait`, with a question (see
  `wampd.auth.questions`) and what makes the next step of the answer. A question without an answer never lets anybody in
  (`Failed`), nor does one that is answered with a `Deny`; the method does not hear of either.
* A method that finds out by such an answer, before it has challenged the client, that it cannot serve it says `Decline`: the
  next method that the client offers is tried, as when `Method.begin` gives `None`.
* An unknown principal walks the same path as a known one, and secrets are compared in constant time.
* What `Deny` says in ``log`` is for our log; the peer gets ``message``, which is the same for every wrong answer.
  Neither holds what was expected nor what was sent as proof. No ``repr`` shows a secret.

Source: WAMP advanced profile, "Authentication".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Protocol, TypeAlias

from msgspec import Struct

from wampd.realms.messages import CHALLENGE
from wampd.realms.options import MAX_ID, HelloDetails, JsonDict

AUTHENTICATION_DENIED = "wamp.error.authentication_denied"
AUTHENTICATION_FAILED = "wamp.error.authentication_failed"

SAFE_TO_TELL = ("type", "protocol", "peer")
"""What components that decide about a client are told of its transport: no header, no cookie. Authenticators are told of its
certificate beside."""

LONGEST_AUTHID: Final = 255
"""Characters. Names are prepared, compared, remembered and logged before anything is proved, so they must be short."""


class Request(Struct, frozen=True):
    """What a method is told of the client: its HELLO, and what the transport knows of it."""

    realm: str
    session_id: int
    """The session's id, should it come to be."""
    details: HelloDetails
    transport: Mapping[str, Any]
    """What the shell knows of the connection, for methods that authenticate by it (certificates, cookies)."""

    def __repr__(self) -> str:  # details.authextra may hold a token, the transport a cookie
        return f"<Request of {shown(self.details.authid)} to join {self.realm}>"


class Channel(Protocol):
    """What TLS knows of a connection: at ``Request.transport["channel"]``, where there is TLS."""

    @property
    def certificate(self) -> bytes | None:
        """The client's certificate in DER, which an authority of the listener vouches for; `None`: it showed none."""
        ...

    def binding(self, kind: str) -> bytes | None:
        """The channel id of this kind, which both ends know and nobody between them; `None`: there is none.

        ``tls-unique`` (RFC 5929, section 3; on TLS 1.2 alone), ``tls-server-end-point`` (RFC 5929, section 4),
        ``tls-exporter`` (RFC 9266; on TLS 1.3 alone). And, of no RFC: ``finished``, the client's Finished message of TLS 1.3.
        """
        ...


class Challenge(Struct, frozen=True):
    """The client is to answer: send CHALLENGE."""

    method: str
    extra: JsonDict

    def wire(self) -> tuple[Any, ...]:
        """``[CHALLENGE, AuthMethod|string, Extra|dict]``."""
        return (CHALLENGE, self.method, self.extra)


class Principal(Struct, frozen=True):
    """Who the client is."""

    authid: str
    role: str
    provider: str
    extra: JsonDict | None = None
    """``WELCOME.Details.authextra``, if there is something to say."""
    account: Any = None
    """The `wampd.auth.accounts.Account` that this was proved by, if there is one."""
    factors: tuple[str, ...] = ()
    """The methods that all have to prove this; none: this one is enough. See `wampd.auth.factors`."""
    lasts: float | None = None
    """Seconds from now for which that is proved, and after which the session ends; `None`: as long as it likes."""


class Wait(Struct, frozen=True):
    """The next step depends on what the outside has to say."""

    question: Any
    """One of `wampd.auth.questions`."""
    then: Callable[[Any], Step]
    """Makes the next step of the answer; not called if there is none."""

    def __repr__(self) -> str:  # a question may hold what the client sent as proof
        return f"<Wait for {type(self.question).__name__}>"


class Failed(Struct, frozen=True):
    """There is no answer to a question: what was asked is missing, broken or too slow."""

    log: str
    """Why, for our log."""
    guess: bool = False
    """Whoever was asked did judge the client: see `Deny.guess`."""


class Deny(Struct, frozen=True):
    """The client is not let in."""

    log: str
    uri: str = AUTHENTICATION_DENIED
    message: str = "authentication failed"
    details: JsonDict = {}
    """What ``ABORT.Details`` holds beside the message."""
    guess: bool = True
    """Whether this is to be counted: the client may have guessed, and may try again."""


class Decline(Struct, frozen=True):
    """The method cannot serve the client after all; it has not challenged it."""

    log: str
    """Why, for our log."""


Step: TypeAlias = Challenge | Principal | Deny | Decline | Wait


class Exchange(Protocol):
    """One client's way through a method."""

    def challenge(self) -> Step:
        """The first step."""
        ...

    def authenticate(self, signature: str, extra: JsonDict) -> Step:
        """The step after an AUTHENTICATE; called once for each `Challenge`."""
        ...


class Unchallenged:
    """The half of an `Exchange` that asks nothing of the client."""

    __slots__ = ()

    method: ClassVar[str]

    def authenticate(self, signature: str, extra: JsonDict) -> Step:  # noqa: ARG002 - there is nothing to check
        """No CHALLENGE was sent, so there can be no answer to it."""
        return Deny(f"AUTHENTICATE to the method {self.method}")


class Method(Protocol):
    """A configured authentication method of one realm."""

    @property
    def name(self) -> str:
        """Its name in ``HELLO.Details.authmethods`` and ``WELCOME.Details.authmethod``."""
        ...

    def begin(self, request: Request) -> Exchange | None:
        """Start with one client; `None`: it cannot serve this one, and the next method that it offers is tried."""
        ...


def nameless(method: str) -> Deny:
    """HELLO must name an authid for this method, and does not."""
    return Deny(
        f"{method}: HELLO names no authid", AUTHENTICATION_FAILED, f"the method {method!r} needs an authid in HELLO"
    )


def shown(value: object, limit: int = 100) -> str:
    """A peer's value for our log: quoted, without control characters, no longer than ``limit``."""
    text = ascii(value[: limit + 1] if isinstance(value, str) else value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def carriable(value: object, depth: int = 8) -> bool:
    """Whether every serialization carries a value in WELCOME, whoever says it: no NaN, no huge number, no odd key."""
    if isinstance(value, list):
        return depth > 0 and all(carriable(item, depth - 1) for item in value)
    if isinstance(value, dict):
        return depth > 0 and all(type(key) is str and carriable(item, depth - 1) for key, item in value.items())
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | bytes | bool) or (isinstance(value, int) and abs(value) <= MAX_ID)
