"""The three serializations, behind one door: payload bytes in, a client's message out; the router's message in, bytes out.

Rules
-----
* ``decode`` raises `ProtocolViolation`, and nothing else, on whatever bytes; within time linear in their number.
* The application payload is checked to be well formed and is otherwise passed on as it came.
* Empty trailing arguments are dropped (WAMP basic profile, "Messages": they are not to be sent).
"""

from __future__ import annotations

from typing import Any, Protocol

from wampd.realms.messages import ClientMessage, Event, Foreign, Format


class Uncarriable(Exception):
    """A payload holds a value that the receiver's serialization cannot carry."""


class Codec(Protocol):
    """One serialization of WAMP messages."""

    format: Format
    binary: bool
    """Whether WebSocket carries it in binary frames (else in text frames)."""

    def decode(self, payload: bytes) -> ClientMessage:
        """Read one message. Raises `ProtocolViolation`."""
        ...

    def encode(self, message: tuple[Any, ...]) -> bytes:
        """Write one message; undecoded payload in it is in this codec's own serialization."""
        ...

    def encode_event(self, event: Event) -> bytes:
        """Write an event, whatever serialization its payload is in. Raises `Uncarriable`."""
        ...

    def encode_foreign(self, foreign: Foreign) -> bytes:
        """Write a message whose payload is in another serialization. Raises `Uncarriable`."""
        ...
