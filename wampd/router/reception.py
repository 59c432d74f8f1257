"""The reception: counts connections in and out, and gives each what serves it.

Rules
-----
* Over the limit of the process, of an address, or of the file descriptors that must stay free, nobody is let in.
* Every connection that is let in is counted out once, whatever ends it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from twisted.logger import Logger

from wampd.router.realms import Realms
from wampd.router.sessions import Patience, SessionPeer
from wampd.router.transports.connection import Connection, Peer
from wampd.router.transports.echo import EchoPeer
from wampd.router.wire.codec import Codec

log = Logger()


class Lobby:
    """The connections of the whole process."""

    def __init__(self, most: int) -> None:
        """``most`` connections may be open at once."""
        self.most = most
        self.open = 0
        self.refused = 0
        self.connections: set[Connection] = set()
        """Those that speak WAMP or echo."""


class Reception:
    """What stands behind one listener's port."""

    def __init__(
        self,
        lobby: Lobby,
        realms: Realms,
        codecs: Mapping[str, Codec],
        patience: Patience,
        *,
        most_per_address: int | None = None,
    ) -> None:
        self._lobby = lobby
        self._realms = realms
        self._codecs = codecs
        self._patience = patience
        self._most_per_address = most_per_address
        self._by_address: Counter[str] = Counter()

    def admit(self, address: str) -> bool:
        """Count a connection in; whether there is room for it."""
        lobby = self._lobby
        full = lobby.open >= lobby.most
        if full or (self._most_per_address is not None and self._by_address[address] >= self._most_per_address):
            lobby.refused += 1
            what = f"{lobby.most} connections" if full else f"{self._most_per_address} connections of one address"
            log.warn("{address}: refused: no more than {what}", address=address, what=what)
            return False
        lobby.open += 1
        self._by_address[address] += 1
        return True

    def release(self, address: str) -> None:
        """Count a connection out that was admitted."""
        self._lobby.open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def serve(self, connection: Connection, serializer: str, about: dict[str, Any]) -> Peer:
        """Make what serves a connection that speaks WAMP in this serialization."""
        self._lobby.connections.add(connection)
        return SessionPeer(self._realms, connection, self._codecs[serializer], about, self._patience)

    def echo(self, connection: Connection) -> Peer:
        """Make what serves a connection that echoes."""
        self._lobby.connections.add(connection)
        return EchoPeer(connection)

    def farewell(self, address: str) -> Callable[[Connection], None]:
        """What a connection calls when it is gone."""

        def gone(connection: Connection) -> None:
            self._lobby.connections.discard(connection)
            self.release(address)

        return gone


__all__ = ["Lobby", "Patience", "Reception"]
