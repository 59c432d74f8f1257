"""The reception: counts connections in and out, and gives each what serves it.

Rules
-----
* Over the limit of the process, of an address (the /64 of an IPv6 one), or of the file descriptors that must stay free, nobody
  is let in.
* Who is not let in is told so; but of those who wait for it there may only be a few, as each takes a file descriptor.
* Every connection that is let in is counted out once, whatever ends it.
* A trusted proxy has the connections of many: how many is no matter of its address. Once it is known who the client is, a
  connection counts for that one; of HTTP, while a request of the client's is on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping
from typing import Any, Protocol

from twisted.logger import Logger

from wampd.auth.handshake import Directory
from wampd.auth.throttle import network_of
from wampd.router.descriptors import Descriptors
from wampd.router.line import BatchedLine, Line, Patience
from wampd.router.realms import Realms
from wampd.router.sessions import SessionPeer
from wampd.router.tally import HANDSHAKES_REFUSED
from wampd.router.transports.connection import Connection
from wampd.router.transports.echo import EchoPeer
from wampd.router.transports.peer import Peer
from wampd.router.wire.batched import BatchedFraming
from wampd.router.wire.codec import Codec

log = Logger()

MOST_WAITING = 16
"""Refused connections that are told so at once; well below the file descriptors that are kept spare."""
QUIET = 10.0
"""Seconds between two log lines about refused connections."""
MOST_PRIVATE = 1_000
"""Connections on the router's private socket."""
NO_ADDRESS = "unix"
"""Clients on a Unix socket have no address of their own."""


class Attended(Line, Protocol):
    """A connection, or what does for one, as the reception and the way out see it."""

    peer: Peer


class Lobby:
    """The connections of the whole process."""

    def __init__(self, most: int, now: Callable[[], float], descriptors: Descriptors | None = None) -> None:
        """``most`` connections may be open at once; ``now`` tells monotonic seconds.

        ``descriptors`` are those of the process; `None`: they are not looked at.
        """
        self.most = most
        self.descriptors = descriptors
        self.on_exhaustion: Callable[[], object] = bool
        """Called when there are hardly any descriptors left."""
        self.open = 0
        self.refused = 0
        """How many were refused so far."""
        self.waiting = 0
        """Connections that are only told that there is no room."""
        self.arriving = 0
        """Connections that have not said yet what they want."""
        self.closing = False
        """The router is being stopped: nobody is let in."""
        self.is_starving = False
        """There is too little memory for clients that want a session."""
        self.requests: set[Any] = set()
        """Requests of HTTP under way that are waited for when the router stops."""
        self.connections: set[Attended] = set()
        """Those that speak WAMP or echo."""
        self._now = now
        self._told = -QUIET
        self._untold = 0

    def refuse(self, address: str, why: str) -> None:
        """Count a refusal, and log it; of very many in a short time, one in a while."""
        self.refused += 1
        now = self._now()
        if now < self._told + QUIET:
            self._untold += 1
            return
        more = f" ({self._untold} more were refused since the last such line)" if self._untold else ""
        log.warn("{address}: refused: {why}{more}", address=address, why=why, more=more)
        self._told, self._untold = now, 0


class Door:
    """A factory of protocols for those alone who are received: all others are closed at once, while they are accepted.

    A protocol that aborts its connection closes it in the next turn of the reactor, and very many can come in one.
    """

    def __init__(self, factory: Any, receives: Callable[[str], bool]) -> None:
        self._factory = factory
        self._receives = receives
        self.doStart = factory.doStart
        self.doStop = factory.doStop

    def become(self, other: Door) -> None:
        """Serve those who come from now on as another door would."""
        other.doStart()
        self.doStop()
        self._factory, self._receives = other._factory, other._receives
        self.doStart, self.doStop = other.doStart, other.doStop

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        """Make the protocol of a connection from there, or `None`."""
        if not self._receives(str(getattr(addr, "host", None) or NO_ADDRESS)):
            return None
        return self._factory.buildProtocol(addr)


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
        opening_size: int | None = None,
        proxies: Container[str] = (),
        only_proxies: bool = False,
        private: Directory | None = None,
        peer: Callable[[Realms, Line, Codec, dict[str, Any], Patience], SessionPeer] = SessionPeer,
    ) -> None:
        """``opening_size``: the longest message, in bytes, of who has not joined; `None`: as of all others.

        ``proxies``, by address, speak for others, and with ``only_proxies`` nobody else is received.

        ``private``: the realms for those who come by here, if they are not those of all others. The limits of the process do
        not keep them out. ``peer`` makes what serves a connection that speaks WAMP.
        """
        self._lobby = lobby
        self._realms = realms
        self._codecs = codecs
        self._patience = patience
        self._most_per_address = most_per_address
        self._opening_size = opening_size
        self._proxies = proxies
        self._only_proxies = only_proxies
        self._private = private
        self._peer = peer
        self._by_address: Counter[str] = Counter()
        self.connections: set[Attended] = set()
        """Those that speak WAMP or echo, and came by here."""

    def follow(self, other: Reception) -> None:
        """Take the place of another one: who came by there counts here, too."""
        self._by_address, self.connections = other._by_address, other.connections

    def admit(self, address: str, descriptor: int = -1) -> bool:
        """Count a connection in that has this descriptor (-1: none of its own); whether there is room for it."""
        why = self._why_not(address) or self._not_spare(descriptor)
        if why is not None:
            self._lobby.refuse(self._counted_as(address), why)
            return False
        self._lobby.open += 1
        self._by_address[self._counted_as(address)] += 1
        return True

    def arrives(self, by: int) -> None:
        """Count those that have not said yet what they want: one more, or one less."""
        self._lobby.arriving += by

    def receives(self, address: str) -> bool:
        """Whether there is room for a connection, or at least for telling it that there is none."""
        why: str | None = None
        if self._only_proxies and address not in self._proxies:
            why = "it is none of the proxies that all come by"
        elif self._lobby.waiting >= MOST_WAITING:
            why = self._why_not(address)
        if why is not None:
            self._lobby.refuse(self._counted_as(address), why)
        return why is None

    def _why_not(self, address: str) -> str | None:
        lobby = self._lobby
        if lobby.closing:
            return "the router is stopping"
        if self._private is not None:
            most_here = MOST_PRIVATE
            return f"no more than {most_here} connections" if self._by_address.total() >= most_here else None
        if lobby.open >= lobby.most:
            return f"no more than {lobby.most} connections"
        return self._one_too_many(address)

    def _one_too_many(self, address: str) -> str | None:
        most = self._most_per_address
        if most is None or address == NO_ADDRESS or self._by_address.get(self._counted_as(address), 0) < most:
            return None
        return None if address in self._proxies else f"no more than {most} connections of one address"

    def _counted_as(self, address: str) -> str:
        """What stands for an address: who has an IPv6 address has its whole /64."""
        return address if self._most_per_address is None else network_of(address) or address

    def _not_spare(self, descriptor: int) -> str | None:
        """Why a connection may not have its descriptor, if it may not."""
        descriptors = self._lobby.descriptors
        if descriptors is None or self._private is not None or descriptors.are_spare(descriptor):
            return None
        if descriptors.are_gone(descriptor):
            self._lobby.on_exhaustion()
        return "no file descriptors to spare"

    def release(self, address: str) -> None:
        """Count a connection out that was admitted."""
        self._lobby.open -= 1
        self.leaves(address)

    def enters(self, client: str) -> bool:
        """Count a client in whose request is on the connection of a proxy; whether there is room for it."""
        why = self._one_too_many(client)
        if why is not None:
            self._lobby.refuse(self._counted_as(client), why)
            return False
        self._by_address[self._counted_as(client)] += 1
        return True

    def leaves(self, client: str) -> None:
        """Count it out."""
        address = self._counted_as(client)
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def moves(self, address: str, client: str) -> bool:
        """Count an admitted connection for its client, if there is room for that; whether there is."""
        if not self.enters(client):
            return False
        self.leaves(address)
        return True

    @property
    def lobby(self) -> Lobby:
        """What all listeners have in common."""
        return self._lobby

    @property
    def is_starving(self) -> bool:
        """Whether there is too little memory for another client that wants a session."""
        return self._lobby.is_starving

    def refused(self) -> None:
        """Count a handshake that was refused, or came too late."""
        self._realms.tally.strike(HANDSHAKES_REFUSED)

    def turn_away(self) -> bool:
        """Count a connection that is only told that there is no room; whether there is room even for that."""
        if self._lobby.waiting >= MOST_WAITING:
            return False
        self._lobby.waiting += 1
        return True

    def turned_away(self) -> None:
        """Count out a connection that was turned away."""
        self._lobby.waiting -= 1

    def serve(self, connection: Attended, serializer: str, about: dict[str, Any], since: float) -> Peer:
        """Make what serves a connection that speaks WAMP in this serialization; ``since``: when it was accepted."""
        framing = connection.framing
        if self._opening_size is not None:
            framing.narrow(self._opening_size)
        if self._private is not None:
            about["directory"] = self._private
        line = BatchedLine(connection, framing) if isinstance(framing, BatchedFraming) else connection
        peer = self._peer(self._realms, line, self._codecs[serializer], about, self._patience)
        self._attend(connection)
        peer.deadline = since + self._patience.join
        return peer

    def echo(self, connection: Connection) -> Peer:
        """Make what serves a connection that echoes."""
        self._attend(connection)
        return EchoPeer(connection)

    def _attend(self, connection: Attended) -> None:
        self._lobby.connections.add(connection)
        self.connections.add(connection)

    def parted(self, connection: Attended, address: str) -> None:
        """A connection is gone that was admitted from this address."""
        self._lobby.connections.discard(connection)
        self.connections.discard(connection)
        self.release(address)

    def farewell(self, address: str) -> Callable[[Attended], None]:
        """What a connection calls when it is gone."""
        return _Farewell(self, address)


class _Farewell:
    """Counts a connection out that came from an address; as there is one for each, it is small."""

    __slots__ = ("_address", "_reception")

    def __init__(self, reception: Reception, address: str) -> None:
        self._reception = reception
        self._address = address

    def __call__(self, connection: Attended) -> None:
        self._reception.parted(connection, self._address)
