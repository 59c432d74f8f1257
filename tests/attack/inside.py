"""A whole router in memory: the real port, connections, sessions and realms over a clock and transports of paper."""

from __future__ import annotations

import itertools
import json
import random
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Raw
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from wampd.auth.accounts import Account
from wampd.auth.anonymous import Anonymous
from wampd.auth.handshake import RealmAuth
from wampd.auth.roles import Role, Rule
from wampd.auth.ticket import Ticket, digest_of
from wampd.realms.grants import Grants
from wampd.realms.history import HistoryRule
from wampd.realms.limits import Limits, Quota
from wampd.realms.messages import Format
from wampd.realms.options import ClientRole, ClientRoles
from wampd.realms.outside import Outside
from wampd.realms.realm import Realm
from wampd.realms.session import Session
from wampd.router.line import Patience
from wampd.router.realms import Realms
from wampd.router.reception import Lobby, Reception
from wampd.router.stores.accounts import FixedAccounts
from wampd.router.templates import Plan
from wampd.router.transports.connection import Pace
from wampd.router.transports.universal import Speaks, UniversalPort
from wampd.router.transports.upgrade import Deflate, WebSocketPath
from wampd.router.wheel import Wheel
from wampd.router.wire.convert import carry, load
from wampd.router.wire.framing import FrameLimits
from wampd.router.wire.serializers import RAW_SERIALIZERS, codecs

ALL = frozenset({"call", "register", "publish", "subscribe"})
OPEN = (Rule("", "prefix", ALL), Rule("wamp.", "prefix", ALL), Rule("wampd.", "prefix", ALL))
EVERY_ROLE = {
    "publisher": {},
    "subscriber": {},
    "caller": {},
    "callee": {"features": {"call_canceling": True, "progressive_call_results": True}},
}
RAW_JSON, RAW_MSGPACK, RAW_CBOR = 1, 2, 3


class PaperTransport(StringTransport):
    """A transport that keeps what is written, and can be closed in all the ways that the router uses."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        super().__init__(peerAddress=IPv4Address("TCP", address, 40000))
        self.protocol: Any = None
        self.lost = False

    def abortConnection(self) -> None:
        self.loseConnection()

    def loseConnection(self) -> None:
        super().loseConnection()
        self.lose()

    def loseWriteConnection(self) -> None:
        self.loseConnection()

    def lose(self) -> None:
        """The connection is gone."""
        if not self.lost:
            self.lost = True
            self.protocol.connectionLost()


class Wire:
    """One client's bytes to the router and back."""

    def __init__(self, house: House, address: str) -> None:
        self.house = house
        self.transport = PaperTransport(address)
        self.transport.protocol = house.port()
        self.transport.protocol.makeConnection(self.transport)

    def send(self, data: bytes) -> bytes:
        """Give the router some bytes, end the turn, and return what has come back."""
        if not self.transport.lost:
            self.transport.protocol.dataReceived(data)
        self.house.realms.end_of_turn()
        return self.taken()

    def taken(self) -> bytes:
        """What came from the router since it was last asked."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data

    def say(self, *messages: list[Any]) -> list[list[Any]]:
        """Send messages over a RawSocket connection in JSON; return the answers."""
        return unframe(self.send(b"".join(frame(json.dumps(message).encode()) for message in messages)))

    def heard(self) -> list[list[Any]]:
        """The messages that came since."""
        return unframe(self.taken())

    def join(self, realm: str = "realm1", limit: int = 15) -> int:
        """Open RawSocket with JSON, taking messages of 2^(9+limit) octets; join; return the session's id."""
        reply = self.send(bytes((0x7F, limit << 4 | RAW_JSON, 0, 0)))
        assert reply[:1] == b"\x7f", reply
        ((code, session_id, _),) = self.say([1, realm, {"roles": EVERY_ROLE}])
        assert code == 2
        return int(session_id)


class House:
    """The router."""

    def __init__(
        self,
        *,
        realm: str = "realm1",
        rules: Iterable[Rule] = OPEN,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        message_size: int = 2**20,
        deflate: Deflate | None = None,
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.wheel = Wheel(self.clock)
        self.realms = Realms(self.clock, "wampd")
        authids = map("guest-{}".format, itertools.count(1))
        joe = Account(authid="joe", role="member", ticket=digest_of("joe's hunter2"))
        tickets = Ticket(FixedAccounts([joe]))
        roles = [Role("guest", tuple(rules)), Role("member", OPEN, privileged=True)]
        self.realm = self.realms.add(
            realm, Plan(door=RealmAuth([Anonymous("guest", authids.__next__), tickets], roles), limits=limits)
        ).core
        self.lobby = Lobby(1000, self.clock.seconds)
        self.codecs = codecs(names=RAW_SERIALIZERS.values())
        self.reception = Reception(self.lobby, self.realms, self.codecs, Patience())
        names = tuple(self.codecs)
        self._speaks = Speaks(
            websocket={"/ws": WebSocketPath(serializers=names, deflate=deflate), "/echo": WebSocketPath()},
            rawsocket=names,
            frames=FrameLimits(message_size=message_size),
            pace=pace,
        )

    def port(self) -> UniversalPort:
        """What serves one new connection."""
        return UniversalPort(self._speaks, self.reception, self.wheel, None)

    def connect(self, address: str = "192.0.2.1") -> Wire:
        """A new connection."""
        return Wire(self, address)


def frame(payload: bytes) -> bytes:
    """A RawSocket message."""
    return len(payload).to_bytes(4, "big") + payload


def unframe(data: bytes) -> list[list[Any]]:
    """The JSON messages in RawSocket frames."""
    messages = []
    while data:
        size = int.from_bytes(data[:4], "big")
        messages.append(json.loads(data[4 : 4 + size]))
        data = data[4 + size :]
    return messages


def websocket_request(path: str = "/ws", protocol: str = "wamp.2.json", extra: bytes = b"") -> bytes:
    """The opening handshake of a WebSocket client."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {protocol}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n" + extra + b"\r\n"


def masked(payload: bytes, first: int = 0x81) -> bytes:
    """A WebSocket frame as a client sends it, with a mask of zeros."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 2**16:
        head = bytes((first, 0xFE)) + struct.pack(">H", size)
    else:
        head = bytes((first, 0xFF)) + struct.pack(">Q", size)
    return head + bytes(4) + payload


# --- the core alone ---

ANY_ROLE = ClientRoles(ClientRole(), ClientRole(), ClientRole(), ClientRole({"call_canceling": True}))


class Core:
    """A realm and its sessions, without the shell."""

    def __init__(
        self,
        *,
        rules: Iterable[Rule] = OPEN,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        quota: Quota = Quota(),  # noqa: B008 - frozen
        history: Sequence[HistoryRule] = (),
        decode: Callable[[Raw, Format], Any] = load,
    ) -> None:
        self.touched: list[Session] = []
        outside = Outside(itertools.count(1).__next__, time.monotonic, time.time, random.random, decode, carry)
        self.realm = Realm("realm1", touched=self.touched, outside=outside, limits=limits, quota=quota, history=history)
        self.grants = Grants(Role("everybody", tuple(rules)))
        self._ids = itertools.count(1)

    def join(self, form: Format = Format.JSON, roles: ClientRoles = ANY_ROLE) -> Session:
        """A new session."""
        session = Session(next(self._ids), format=form, roles=roles, grants=self.grants, touched=self.touched)
        self.realm.join(session)
        return session

    def taken(self, session: Session) -> list[Any]:
        """Empty the session's outbox as the shell does."""
        messages = list(session.outbox)
        session.outbox.clear()
        session.spent = 0
        return messages
