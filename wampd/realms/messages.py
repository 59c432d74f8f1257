"""The table of WAMP message types: code, fields, types, who may send it.

Rules
-----
* One struct per message type that a *client* may send. Its fields are the message's elements in wire order (WAMP
  "Message Definitions"), its options or details a frozen struct of known attributes. msgspec checks element count,
  element types, ID range and option types while it decodes, so what reaches the core is well formed.
* Unknown attributes of options and details are ignored; a known one of the wrong type is a protocol violation.
* Application payload (``args``, ``kwargs``) stays undecoded: ``msgspec.Raw`` in the sender's serialization.
* What the *router* sends is a plain tuple that starts with the type's code (or an `Event`, shared by its receivers).
* ``MESSAGES`` holds every type. Parsing, validation, documentation and tests read it.

Sources: WAMP basic profile, "Messages" and "Building Blocks / IDs"; advanced profile for the options.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
from msgspec import Raw, Struct

from wampd.realms.options import (
    CallOptions,
    CancelOptions,
    ErrorDetails,
    GoodbyeDetails,
    HelloDetails,
    Id,
    JsonDict,
    PublishOptions,
    RegisterOptions,
    SubscribeOptions,
    YieldOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Payload: TypeAlias = Raw | None
else:
    Payload = Raw  # msgspec takes no union with Raw; an element that is not there leaves the default, None

# Codes by name: the first element of every message.
HELLO, WELCOME, ABORT, CHALLENGE, AUTHENTICATE, GOODBYE, ERROR = 1, 2, 3, 4, 5, 6, 8
PUBLISH, PUBLISHED = 16, 17
SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED, EVENT = 32, 33, 34, 35, 36
CALL, CANCEL, RESULT = 48, 49, 50
REGISTER, REGISTERED, UNREGISTER, UNREGISTERED, INVOCATION, INTERRUPT, YIELD = 64, 65, 66, 67, 68, 69, 70
EVENT_RECEIVED = 337


# ------------------------------------------------------------------------------------------------ messages of clients


class Message(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """A message that a client may send."""


class Hello(Message, tag=HELLO):
    """``[HELLO, Realm|uri, Details|dict]``."""

    realm: str
    details: HelloDetails


class Abort(Message, tag=ABORT):
    """``[ABORT, Details|dict, Reason|uri, Arguments|list, ArgumentsKw|dict]``."""

    details: GoodbyeDetails
    reason: str
    args: Payload = None
    kwargs: Payload = None


class Authenticate(Message, tag=AUTHENTICATE):
    """``[AUTHENTICATE, Signature|string, Extra|dict]``."""

    signature: str
    extra: JsonDict

    def __repr__(self) -> str:  # the signature may be a password
        return "Authenticate(…)"


class Goodbye(Message, tag=GOODBYE):
    """``[GOODBYE, Details|dict, Reason|uri]``."""

    details: GoodbyeDetails
    reason: str


class Error(Message, tag=ERROR):
    """``[ERROR, REQUEST.Type|int, REQUEST.Request|id, Details|dict, Error|uri, Arguments|list, ArgumentsKw|dict]``.

    From a client it is legal only as the answer to an INVOCATION.
    """

    request_type: Literal[68]
    id: Id
    details: ErrorDetails
    uri: str
    args: Payload = None
    kwargs: Payload = None


class Publish(Message, tag=PUBLISH):
    """``[PUBLISH, Request|id, Options|dict, Topic|uri, Arguments|list, ArgumentsKw|dict]``."""

    id: Id
    options: PublishOptions
    uri: str
    args: Payload = None
    kwargs: Payload = None


class Subscribe(Message, tag=SUBSCRIBE):
    """``[SUBSCRIBE, Request|id, Options|dict, Topic|uri]``."""

    id: Id
    options: SubscribeOptions
    uri: str


class Unsubscribe(Message, tag=UNSUBSCRIBE):
    """``[UNSUBSCRIBE, Request|id, SUBSCRIBED.Subscription|id]``."""

    id: Id
    subscription: Id


class EventReceived(Message, tag=EVENT_RECEIVED):
    """``[EVENT_RECEIVED, EVENT.Publication|id]``.

    An extension of the specification's test suite ("acknowledged event delivery"): it is taken and has no consequence,
    since no event asks for it.
    """

    publication: Id


class Call(Message, tag=CALL):
    """``[CALL, Request|id, Options|dict, Procedure|uri, Arguments|list, ArgumentsKw|dict]``."""

    id: Id
    options: CallOptions
    uri: str
    args: Payload = None
    kwargs: Payload = None


class Cancel(Message, tag=CANCEL):
    """``[CANCEL, CALL.Request|id, Options|dict]``."""

    id: Id
    options: CancelOptions


class Register(Message, tag=REGISTER):
    """``[REGISTER, Request|id, Options|dict, Procedure|uri]``."""

    id: Id
    options: RegisterOptions
    uri: str


class Unregister(Message, tag=UNREGISTER):
    """``[UNREGISTER, Request|id, REGISTERED.Registration|id]``."""

    id: Id
    registration: Id


class Yield(Message, tag=YIELD):
    """``[YIELD, INVOCATION.Request|id, Options|dict, Arguments|list, ArgumentsKw|dict]``."""

    id: Id
    options: YieldOptions
    args: Payload = None
    kwargs: Payload = None


ClientMessage: TypeAlias = (
    Hello
    | Abort
    | Authenticate
    | Goodbye
    | Error
    | Publish
    | Subscribe
    | Unsubscribe
    | EventReceived
    | Call
    | Cancel
    | Register
    | Unregister
    | Yield
)
"""Everything that a client may send: the type that the serializers decode into."""


# ----------------------------------------------------------------------------------------------- what the router sends


class Format(enum.Enum):
    """In which serialization an undecoded payload is. Opaque to the core: it only compares."""

    JSON = "json"
    MSGPACK = "msgpack"
    CBOR = "cbor"
    UBJSON = "ubjson"
    FLATBUFFERS = "flatbuffers"
    """CBOR, in messages of which only the payload is CBOR."""
    PLAIN = "plain"
    """Not undecoded at all: plain values of the router's own."""

    __hash__ = object.__hash__  # there is one of each; what `Enum` has for this is Python code


class Event(Struct, gc=False):
    """One EVENT for all receivers of one subscription; each way of encoding it is done once and kept in ``frames``."""

    subscription: int
    publication: int
    details: JsonDict
    args: Any
    """Undecoded payload, or a plain list; `None`: there is none."""
    kwargs: Any
    """Undecoded payload, or a plain dictionary; `None`: there is none."""
    format: Format
    frames: dict[object, bytes | None] = {}


class Foreign(Struct, gc=False):
    """A message for one receiver whose payload is in a serialization other than the receiver's own.

    ``message`` ends with the payload's one or two parts, which are in ``format``: undecoded, or plain.
    """

    message: tuple[Any, ...]
    format: Format


Outgoing: TypeAlias = tuple[Any, ...] | Event | Foreign
"""What an outbox holds."""


# --------------------------------------------------------------------------------------------------------- the table


class Sender(enum.Flag):
    """Who may send a message type."""

    CLIENT = enum.auto()
    ROUTER = enum.auto()
    BOTH = CLIENT | ROUTER


class MessageType(Struct, frozen=True):
    """One row of the table: a WAMP message type."""

    code: int
    name: str
    sender: Sender
    struct: type[Message] | None
    """How a client's message is read; `None` for what only a router sends."""


NAMES_OF_MORE_WORDS = {EVENT_RECEIVED: "EVENT_RECEIVED"}


def _rows() -> dict[int, MessageType]:
    clients = {struct.__struct_config__.tag: struct for struct in ClientMessage.__args__}
    both = {ABORT, GOODBYE, ERROR}
    router = {
        WELCOME: "WELCOME",
        CHALLENGE: "CHALLENGE",
        PUBLISHED: "PUBLISHED",
        SUBSCRIBED: "SUBSCRIBED",
        UNSUBSCRIBED: "UNSUBSCRIBED",
        EVENT: "EVENT",
        RESULT: "RESULT",
        REGISTERED: "REGISTERED",
        UNREGISTERED: "UNREGISTERED",
        INVOCATION: "INVOCATION",
        INTERRUPT: "INTERRUPT",
    }
    rows = [MessageType(code, name, Sender.ROUTER, None) for code, name in router.items()]
    for code, struct in clients.items():
        sender = Sender.BOTH if code in both else Sender.CLIENT
        name = NAMES_OF_MORE_WORDS.get(code) or struct.__name__.upper()
        rows.append(MessageType(code, name, sender, struct))
    return {row.code: row for row in sorted(rows, key=lambda row: row.code)}


MESSAGES: dict[int, MessageType] = _rows()
"""Every message type of the profile, by code."""


def json_decoder(float_hook: Callable[[str], Any] = float) -> msgspec.json.Decoder[ClientMessage]:
    """A decoder of clients' messages from JSON; ``float_hook`` reads what floats are in options of no known type."""
    return msgspec.json.Decoder(ClientMessage, float_hook=float_hook)


def msgpack_decoder(ext_hook: Callable[[int, memoryview], Any]) -> msgspec.msgpack.Decoder[ClientMessage]:
    """A decoder of clients' messages from MessagePack; ``ext_hook`` is given what extension values are in options."""
    return msgspec.msgpack.Decoder(ClientMessage, ext_hook=ext_hook)
