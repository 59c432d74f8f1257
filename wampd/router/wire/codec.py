"""The serializations behind one door: bytes in, a client's message out; the router's message in, bytes out.

Rules
-----
* ``decode`` raises `ProtocolViolation`, and nothing else, on whatever bytes; within time linear in their number.
* The application payload is checked to be well formed (UTF-8 in its strings included, so that forwarding it cannot harm
  the receiver's decoder) and is otherwise passed on as it came.
* Empty trailing arguments are dropped (WAMP basic profile, "Messages": they are not to be sent).
* A message may nest `MAX_DEPTH` deep, the message itself being the first level, and hold as many arrays and maps as
  `most_containers` says: these, not bytes, are what reading and converting takes time for.
* An ID written as an integral float (``1.0``) is an ID, unless the caller is strict. A boolean never is an integer.
* An attribute of options or details which is ``undefined``, where a serialization has that, is one that is not there.
* Of duplicate keys in options or details the last one counts.
* What a violation says goes to the peer: short, without anything of ours, and naming the offending key.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

import msgspec

from wampd.realms.messages import MESSAGES, Abort, Call, ClientMessage, Error, Event, Foreign, Format, Publish, Yield
from wampd.realms.options import integral
from wampd.realms.session import ProtocolViolation

MAX_DEPTH = 64
"""How deep a message may nest."""

MAX_TEXT = 200
"""How many characters of explanation a peer gets."""

WITH_PAYLOAD = frozenset({Call, Publish, Yield, Error, Abort})
"""The messages of clients that have Arguments and ArgumentsKw."""


FEW_CONTAINERS = 100_000
BYTES_PER_CONTAINER = 8


def most_containers(size: int) -> int:
    """How many arrays and maps so many bytes may hold: one in eight bytes, or a few."""
    return max(FEW_CONTAINERS, size // BYTES_PER_CONTAINER)


def replaces_arguments(message: object) -> bool:
    """Whether a string or bytes may stand where Arguments do: one encrypted payload, and nothing after it.

    That is the older form of payload passthru: ``enc_algo`` is among the options (the specification's test suite).
    """
    options = getattr(message, "options", None) or getattr(message, "details", None)
    return bool(getattr(options, "enc_algo", None)) and getattr(message, "kwargs", None) is None


class MalformedError(Exception):
    """The bytes are not what they should be, or not accepted here. The text is for the peer."""


class TooDeepError(MalformedError):
    """The bytes nest deeper than allowed."""


class TooManyError(MalformedError):
    """The bytes hold more arrays and maps than allowed."""


UNREADABLE = (MalformedError, UnicodeDecodeError, IndexError)
"""What walking over bytes raises if they are no message; see `unreadable`."""


class Uncarriable(Exception):
    """A payload holds a value that the receiver's serialization cannot carry."""


class Codec(Protocol):
    """One serialization of WAMP messages."""

    format: Format
    """What undecoded payload is in."""
    depth: int
    """How deep a message may nest."""

    def __init__(self, depth: int = MAX_DEPTH) -> None:
        """``depth`` is how deep a message may nest."""
        ...

    def __hash__(self) -> int:
        """By identity."""
        ...

    def decode(self, payload: bytes, *, strict: bool = False) -> ClientMessage:
        """Read one message. Raises `ProtocolViolation`."""
        ...

    def encode(self, message: tuple[Any, ...]) -> bytes:
        """Write one message; undecoded payload in it is in this codec's own serialization.

        Raises `Uncarriable` if a value that is not undecoded payload cannot be written.
        """
        ...

    def encode_event(self, event: Event) -> bytes:
        """Write an event, whatever serialization its payload is in. Raises `Uncarriable`."""
        ...

    def encode_foreign(self, foreign: Foreign) -> bytes:
        """Write a message whose payload is in another serialization. Raises `Uncarriable`."""
        ...


_WRONG_TYPE = re.compile(r"Invalid value (-?[0-9]+) - at `\$\[0\]`")


def violation(error: Exception) -> ProtocolViolation:
    """What to tell a peer whose message the decoder refused with ``error``."""
    if isinstance(error, UnicodeDecodeError):
        return ProtocolViolation("Text is not valid UTF-8")
    if isinstance(error, RecursionError):
        return too_deep(MAX_DEPTH)
    text = str(error)
    match = _WRONG_TYPE.fullmatch(text)
    if match is not None:
        row = MESSAGES.get(int(match[1]))
        if row is None:
            return ProtocolViolation(f"unknown message type {match[1]}"[:MAX_TEXT])
        return ProtocolViolation(f"{row.name} is not for clients to send")
    return ProtocolViolation(text[:MAX_TEXT])


def unreadable(error: Exception, depth: int, size: int) -> ProtocolViolation:
    """What to tell a peer over whose message of ``size`` bytes a walk, ``depth`` levels deep at most, raised ``error``."""
    if isinstance(error, TooDeepError):
        return too_deep(depth)
    if isinstance(error, TooManyError):
        return too_many(size)
    if isinstance(error, IndexError):
        return ProtocolViolation("Input data was truncated")
    return violation(error)


def too_deep(limit: int) -> ProtocolViolation:
    """What to tell a peer whose message nests too deep."""
    return ProtocolViolation(f"The message is nested more than {limit} levels deep (limit: depth)")


def too_many(size: int) -> ProtocolViolation:
    """What to tell a peer whose message holds too many arrays and maps for its size."""
    return ProtocolViolation(f"The message holds more than {most_containers(size)} arrays and maps, for {size} bytes")


def plain(value: Any, undefined: object, strict: bool) -> Any:
    """An element of a message as it was meant by a client that writes what others do not.

    JavaScript has no integers, so that large IDs in lists come as floats: they are integers, unless ``strict``. And it writes
    attributes that are not given, with the value ``undefined``: they are left out; such members of lists are null.
    """
    if type(value) is dict:
        return {key: plain(each, undefined, strict) for key, each in value.items() if each is not undefined}
    if type(value) is list:
        return [plain(None if each is undefined else each, undefined, strict) for each in value]
    return value if strict else integral(value)


def understood(elements: list[Any], strict: bool) -> ClientMessage:
    """The message of these elements, with numbers as they were meant where they do not fit. Raises `ProtocolViolation`."""
    try:
        message: ClientMessage = msgspec.convert(elements, ClientMessage)
    except msgspec.ValidationError as error:
        if strict:
            raise violation(error) from None
    else:
        return message
    elements[1:4] = [plain(element, msgspec.UNSET, strict) for element in elements[1:4]]
    try:
        message = msgspec.convert(elements, ClientMessage)
    except msgspec.ValidationError as error:
        raise violation(error) from None
    return message
