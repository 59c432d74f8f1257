"""What stands behind the port of a listener: it counts connections, and gives each what serves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from wampd.router.transports.connection import Connection
from wampd.router.transports.peer import Peer

if TYPE_CHECKING:
    from wampd.router.forwarded import Client


class Came(Struct, frozen=True):
    """A connection that was counted before it came to the port: in if it was ``admitted``, else as one that is turned away."""

    client: Client | None
    """Whom a proxy speaks for; `None`: it speaks for itself."""
    admitted: bool


class House(Protocol):
    """What stands behind the port."""

    def admit(self, address: str, descriptor: int) -> bool:
        """Count a connection in that has this file descriptor (-1: none is known); whether there is room for it."""
        ...

    def release(self, address: str) -> None:
        """Count a connection out that was admitted."""
        ...

    def moves(self, address: str, client: str) -> bool:
        """Count an admitted connection for its client, if there is room for that; whether there is."""
        ...

    def arrives(self, by: int) -> None:
        """Count those that have not said yet what they want: one more, or one less."""
        ...

    def turn_away(self) -> bool:
        """Count a connection that is only told that there is no room; whether there is room even for that."""
        ...

    def turned_away(self) -> None:
        """Count out a connection that was turned away."""
        ...

    def farewell(self, address: str) -> Callable[[Connection], None]:
        """What an admitted connection calls when it is gone."""
        ...

    @property
    def is_starving(self) -> bool:
        """Whether there is too little memory for another client that wants a session."""
        ...

    def refused(self) -> None:
        """Count a handshake that was refused, or came too late."""
        ...

    def serve(self, connection: Connection, serializer: str, about: dict[str, Any], since: float) -> Peer:
        """Make what serves a connection that speaks WAMP in this serialization; ``since``: when it was accepted."""
        ...

    def echo(self, connection: Connection) -> Peer:
        """Make what serves a connection that echoes."""
        ...
