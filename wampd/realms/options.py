"""Options and details of clients' messages, parsed once at the door into frozen values.

Each struct lists the attributes that the router knows; msgspec checks their types while it decodes a message, ignores what
is unknown, and the empty dictionary costs nothing. Behind the door nobody checks a type again.

Sources: the basic and advanced profile's "Options" and "Details" of each message type.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

MAX_ID = 2**53

Id = Annotated[int, Meta(ge=1, le=MAX_ID)]
"""A WAMP ID: an integer in [1, 2^53]."""


def integral(value: object) -> object:
    """A float that is written like an ID, as an integer; anything else as it is. JavaScript knows no other numbers."""
    return int(value) if type(value) is float and value.is_integer() and 0 <= value <= MAX_ID else value


Key = Annotated[str, Meta(max_length=512)]
"""What a resource or a node is called by who divides resources among nodes; it is kept, so it is bounded."""
Word = Annotated[str, Meta(max_length=1024)]
"""What is said of a payload or a transaction; it is kept as long as a call is under way."""

Match: TypeAlias = Literal["exact", "prefix", "wildcard"]

Invoke: TypeAlias = Literal["single", "roundrobin", "random", "first", "last", "load"]

JsonDict: TypeAlias = dict[str, Any]


class Options(Struct, frozen=True, gc=False):
    """Known attributes of one options or details dictionary; what is unknown is ignored."""


class ClientRole(Options, frozen=True):
    """What a client announces for one of its roles (``HELLO.Details.roles.<role>``)."""

    features: dict[str, Any] = {}

    def has(self, feature: str) -> bool:
        """Whether the client announced ``feature`` (the value must be ``true``)."""
        return self.features.get(feature) is True


class ClientRoles(Options, frozen=True):
    """The roles of a client; `None` is a role that it did not announce."""

    publisher: ClientRole | None = None
    subscriber: ClientRole | None = None
    caller: ClientRole | None = None
    callee: ClientRole | None = None


class HelloDetails(Options, frozen=True):
    """``HELLO.Details``."""

    roles: ClientRoles
    agent: str | None = None
    authid: str | None = None
    authrole: str | None = None
    authmethods: list[str] | None = None
    authextra: JsonDict | None = None
    pubkey: Any = None
    """Of the method cryptosign, like `challenge`; belongs into ``authextra``."""
    challenge: Any = None
    resumable: bool = False

    def __repr__(self) -> str:  # authextra may hold a token
        return f"HelloDetails(authid={self.authid!r}, authmethods={self.authmethods!r}, …)"


class GoodbyeDetails(Options, frozen=True):
    """``GOODBYE.Details`` and ``ABORT.Details``."""

    message: str | None = None


class AboutPayload(Options, frozen=True):
    """What a sender says of its payload (advanced profile, "Payload Passthru Mode"; ``enc_…`` is the older form)."""

    ppt_scheme: Word | None = None
    ppt_serializer: Word | None = None
    ppt_cipher: Word | None = None
    ppt_keyid: Word | None = None
    enc_algo: Word | None = None
    enc_key: Word | None = None
    enc_serializer: Word | None = None


class ErrorDetails(AboutPayload, frozen=True):
    """``ERROR.Details`` of a callee."""


class PublishOptions(AboutPayload, frozen=True):
    """``PUBLISH.Options``."""

    acknowledge: bool = False
    exclude_me: bool = True
    disclose_me: bool = False
    exclude: list[Id] | None = None
    exclude_authid: list[str] | None = None
    exclude_authrole: list[str] | None = None
    eligible: list[Id] | None = None
    eligible_authid: list[str] | None = None
    eligible_authrole: list[str] | None = None
    retain: bool = False
    rkey: Key | None = None
    transaction_hash: Word | None = None
    forward_for: list[JsonDict] | None = None


class SubscribeOptions(Options, frozen=True):
    """``SUBSCRIBE.Options``."""

    match: Match = "exact"
    get_retained: bool = False
    nkey: Key | None = None
    forward_for: list[JsonDict] | None = None


class CallOptions(AboutPayload, frozen=True):
    """``CALL.Options``."""

    disclose_me: bool = False
    progress: bool = False
    receive_progress: bool = False
    timeout: Annotated[int, Meta(ge=0)] = 0
    rkey: Key | None = None
    runon: Literal["any", "partition", "all"] | None = None
    runmode: Literal["partition", "gather", "progressive"] | None = None
    transaction_hash: Word | None = None
    forward_for: list[JsonDict] | None = None


class CancelOptions(Options, frozen=True):
    """``CANCEL.Options``."""

    mode: Literal["skip", "kill", "killnowait"] = "killnowait"
    forward_for: list[JsonDict] | None = None


class RegisterOptions(Options, frozen=True):
    """``REGISTER.Options``."""

    match: Match = "exact"
    invoke: Invoke = "single"
    concurrency: Annotated[int, Meta(ge=1)] | None = None
    nkey: Key | None = None
    force_reregister: bool = False
    disclose_caller: bool = False
    forward_timeout: bool = False
    forward_for: list[JsonDict] | None = None


class YieldOptions(AboutPayload, frozen=True):
    """``YIELD.Options``."""

    progress: bool = False
    forward_for: list[JsonDict] | None = None
