"""What the halves of HTTP long-poll need of each other: requests (`http.longpoll`) and transports (`transports.longpoll`).

A transport is opened by one request and lives through many: those that bring messages, and the one at a time that waits for
messages. It knows nothing of HTTP; the requests know nothing of WAMP.

Source: WAMP advanced profile, "HTTP Longpoll Transport".
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct


class Outcome(enum.Enum):
    """What became of what a client sent, or of its wish to receive."""

    TAKEN = "taken"
    INVALID = "invalid"
    """It broke the protocol; why is said to the waiting or the next receive, too."""
    CROWDED = "crowded"
    """Too many others of this client wait."""
    GONE = "gone"
    """The transport is over."""


class NotOpened(Struct, frozen=True):
    """No transport was opened."""

    why: str
    no_room: bool = False
    """There are too many; else there is no protocol in common."""


class Receiver(Protocol):
    """A request that waits for messages. It is answered once, by one of these."""

    def deliver(self, body: bytes) -> None:
        """Here is a message, or a batch of them."""
        ...

    def nothing(self) -> None:
        """There was nothing to say for a while, or the client itself closed the transport."""
        ...

    def gone(self, why: str) -> None:
        """The transport is over."""
        ...


Told = Callable[[Outcome, str], None]
"""Takes what became of a body that was sent, and why."""


class Polled(Protocol):
    """One transport, as requests see it."""

    @property
    def id(self) -> str:
        """What names it; whoever knows it is the client."""
        ...

    @property
    def protocol(self) -> str:
        """What is spoken: ``wamp.2.json`` …"""
        ...

    @property
    def binary(self) -> bool:
        """Whether messages are octets, not text."""
        ...

    def send(self, body: bytes, told: Told) -> None:
        """Take a message or a batch of the client's; ``told`` is called once, at once or later."""
        ...

    def receive(self, receiver: Receiver) -> bool:
        """Give the client what waits, at once or when there is something; `False`: another of its requests waits already."""
        ...

    def abandon(self, receiver: Receiver) -> None:
        """The client is not there any more that asked with ``receiver``."""
        ...

    def hang_up(self) -> None:
        """The client closes the transport."""
        ...


class Transports(Protocol):
    """The transports of one path."""

    def open(self, offered: Sequence[str], address: str, more: Mapping[str, Any] = ...) -> Polled | NotOpened:
        """Open a transport for a client at ``address`` that offers these protocols; ``more`` is what else is known of it."""
        ...

    def find(self, transport_id: str) -> Polled | None:
        """The transport of this name, if there is one."""
        ...
