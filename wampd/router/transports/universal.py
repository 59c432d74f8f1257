"""The universal port: RawSocket, WebSocket and HTTP on one listener, told apart by the first octet.

Rules
-----
* ``7F`` begins a RawSocket handshake (WAMP advanced profile, "RawSocket Transport"); anything else is HTTP.
* An HTTP request head is read up to its limits in bytes and lines; lines end in CRLF alone. A request to a WebSocket path
  goes through the `websockets` library's opening handshake; any other is handed to the web server, with all bytes read.
* Nothing of a handshake may take longer than its deadline. Over the connection limit, RawSocket gets error 4 and HTTP 503.
* A browser's ``Origin`` must be this host, unless the path names other origins. Programs, which send none, are let in.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from msgspec import Struct
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from websockets.exceptions import NegotiationError
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from wampd.router.transports.connection import Connection, Pace, Peer
from wampd.router.wheel import Wheel
from wampd.router.wire import rawsocket
from wampd.router.wire.framing import FrameLimits
from wampd.router.wire.rawsocket import RawSocketFraming
from wampd.router.wire.websocket import QUIET, WebSocketFraming

log = Logger()

SUBPROTOCOLS = {"wamp.2.json": "json", "wamp.2.msgpack": "msgpack", "wamp.2.cbor": "cbor"}
RAW_SERIALIZERS = {1: "json", 2: "msgpack", 3: "cbor"}
TEXT_SERIALIZERS = frozenset({"json"})


class Deflate(Struct, frozen=True):
    """permessage-deflate as the router offers it (RFC 7692)."""

    window_bits: int = 12
    no_context_takeover: bool = True


class WebSocketPath(Struct, frozen=True):
    """What a WebSocket path speaks."""

    serializers: tuple[str, ...] = ()
    """WAMP's serializers; none: the path echoes."""
    origins: tuple[str, ...] = ("same-host",)
    deflate: Deflate | None = None


class Speaks(Struct, frozen=True):
    """What a listener speaks, and the limits of its handshakes."""

    websocket: Mapping[str, WebSocketPath] = {}
    rawsocket: tuple[str, ...] = ()
    """The serializers of RawSocket; none: RawSocket is not spoken."""
    frames: FrameLimits = FrameLimits()
    pace: Pace = Pace()
    handshake_timeout: float = 5.0
    header_size: int = 16 * 1024
    header_lines: int = 100


class House(Protocol):
    """What stands behind the port."""

    def admit(self, address: str) -> bool:
        """Count a connection in; whether there is room for it."""
        ...

    def release(self, address: str) -> None:
        """Count a connection out that was admitted."""
        ...

    def farewell(self, address: str) -> Callable[[Connection], None]:
        """What an admitted connection calls when it is gone."""
        ...

    def serve(self, connection: Connection, serializer: str, about: dict[str, Any]) -> Peer:
        """Make what serves a connection that speaks WAMP in this serialization."""
        ...

    def echo(self, connection: Connection) -> Peer:
        """Make what serves a connection that echoes."""
        ...


class UniversalPort(TwistedProtocol):
    """The first moments of a connection: it finds out what is spoken, and makes way for what speaks it."""

    transport: Any

    def __init__(self, speaks: Speaks, house: House, wheel: Wheel, web: Callable[[], IProtocol] | None) -> None:
        """``web`` makes the web server's protocol for one connection; `None`: there is no web server."""
        self._speaks = speaks
        self._house = house
        self._wheel = wheel
        self._web = web
        self._head = b""
        self._address = ""
        self._admitted = False
        self._dropping = False
        self._deadline = 0.0
        self.slot = 0

    # ------------------------------------------------------------------------------------------------- as a protocol

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Start the clock."""
        self._address = _address(self.transport)
        if self._address != "unix":
            # An event must not wait for the acknowledgement of the one before it (Nagle's algorithm).
            self.transport.setTcpNoDelay(True)
        self._admitted = self._house.admit(self._address)
        self._deadline = self._wheel.now() + self._speaks.handshake_timeout
        self._wheel.watch(self, self._speaks.handshake_timeout)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Look for a whole handshake."""
        if self._dropping:
            return
        self._head += data
        if self._head[0] == rawsocket.MAGIC and self._speaks.rawsocket:
            if len(self._head) >= rawsocket.HANDSHAKE_SIZE:
                self._raw()
        else:
            self._http()

    def connectionLost(self, _reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        """The client left before it had said what it wants."""
        self._wheel.forget(self)
        if self._admitted:
            self._house.release(self._address)

    def tick(self, now: float, stalled: bool) -> float:
        """Cut off who takes too long."""
        if now >= self._deadline:
            if stalled:
                self._deadline = now + self._speaks.handshake_timeout
            else:
                if not self._dropping:
                    log.info("{address}: no handshake in time", address=self._address)
                self.transport.abortConnection()
        return self._deadline

    # ----------------------------------------------------------------------------------------------------- RawSocket

    def _raw(self) -> None:
        if not self._admitted:
            self._drop(rawsocket.HandshakeError.TOO_MANY_CONNECTIONS.reply(), "too many connections")
            return
        spoken = frozenset(number for number, name in RAW_SERIALIZERS.items() if name in self._speaks.rawsocket)
        hello = rawsocket.read_handshake(self._head[: rawsocket.HANDSHAKE_SIZE], spoken)
        if isinstance(hello, rawsocket.HandshakeError):
            self._drop(hello.reply(), f"RawSocket handshake refused: {hello.name.lower()}")
            return
        message_size = self._speaks.frames.message_size
        self.transport.write(rawsocket.handshake_reply(hello.serializer, message_size))
        framing = RawSocketFraming(hello.max_send, message_size)
        connection = self._connection(framing)
        about = {"type": "rawsocket", "peer": self._address}
        connection.peer = self._house.serve(connection, RAW_SERIALIZERS[hello.serializer], about)
        self._make_way(connection, self._head[rawsocket.HANDSHAKE_SIZE :])

    # ---------------------------------------------------------------------------------------------- HTTP and WebSocket

    def _http(self) -> None:
        head = self._head
        end = head.find(b"\r\n\r\n")
        size = end if end >= 0 else len(head)
        if size > self._speaks.header_size or head.count(b"\r\n", 0, size) > self._speaks.header_lines:
            self._refuse(431, "Request Header Fields Too Large", "the request head is too large")
        elif not head[:1].isalpha() or not (self._speaks.websocket or self._web):
            self._drop(b"", "neither RawSocket nor HTTP")
        elif end >= 0:
            if not self._admitted:
                self._refuse(503, "Service Unavailable", "too many connections")
            else:
                self._request(end + 4)

    def _request(self, end: int) -> None:
        target = self._head.split(b" ", 2)[1] if self._head.count(b" ") else b""
        name = target.split(b"?", 1)[0].decode("latin-1")
        path = self._speaks.websocket.get(name)
        if path is not None:
            self._websocket(path, end)
        elif self._web is not None:
            self._make_way(self._web(), self._head)
        else:
            self._refuse(404, "Not Found", f"nothing is at {name}")

    def _websocket(self, path: WebSocketPath, end: int) -> None:
        library = ServerProtocol(
            extensions=[_deflate(path.deflate)] if path.deflate else None,
            subprotocols=list(SUBPROTOCOLS),  # type: ignore[arg-type]
            select_subprotocol=lambda _library, offered: _first_spoken(offered, path.serializers),
            max_size=self._speaks.frames.message_size,
            logger=QUIET,
        )
        library.receive_data(self._head[:end])
        events = library.events_received()
        if not events or not isinstance(events[0], Request):
            self._refuse(400, "Bad Request", f"not an HTTP request: {library.handshake_exc}")
            return
        request = events[0]
        if not origin_allowed(request, path.origins):
            origin = request.headers.get("Origin", "")
            self._refuse(403, "Forbidden", f"pages from {origin[:200]} may not connect here")
            return
        response: Response = library.accept(request)
        library.send_response(response)
        reply = b"".join(library.data_to_send())
        if response.status_code != 101:
            self._drop(reply, f"WebSocket handshake refused: {library.handshake_exc}")
            return
        self.transport.write(reply)
        serializer = SUBPROTOCOLS.get(library.subprotocol or "", "")
        framing = WebSocketFraming(
            binary=serializer not in TEXT_SERIALIZERS,
            limits=self._speaks.frames,
            extensions=library.extensions,
            both=not serializer,
        )
        connection = self._connection(framing)
        if serializer:
            about = {"type": "websocket", "peer": self._address, "protocol": library.subprotocol}
            connection.peer = self._house.serve(connection, serializer, about)
        else:
            connection.peer = self._house.echo(connection)
        self._make_way(connection, self._head[end:])

    # --------------------------------------------------------------------------------------------------- in the small

    def _connection(self, framing: RawSocketFraming | WebSocketFraming) -> Connection:
        return Connection(framing, self._speaks.pace, self._wheel, self._house.farewell(self._address))

    def _make_way(self, protocol: Any, rest: bytes) -> None:
        """Put ``protocol`` in our place, and give it the bytes that were not for us."""
        self._wheel.forget(self)
        transport = self.transport
        if isinstance(transport, TLSMemoryBIOProtocol):
            transport.wrappedProtocol = protocol
        else:
            transport.protocol = protocol
        if not isinstance(protocol, Connection):
            protocol = _Released(protocol, lambda: self._house.release(self._address))
            if isinstance(transport, TLSMemoryBIOProtocol):
                transport.wrappedProtocol = protocol
            else:
                transport.protocol = protocol
        protocol.makeConnection(transport)
        if rest:
            protocol.dataReceived(rest)

    def _refuse(self, status: int, phrase: str, why: str) -> None:
        body = f"{why}\n".encode()
        head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}"
        self._drop(head.encode() + b"\r\nConnection: close\r\n\r\n" + body, why)

    def _drop(self, last_words: bytes, why: str) -> None:
        """Say why, and close; what the client still sends is read and dropped until it closes."""
        log.info("{address}: {why}", address=self._address, why=why)
        self._dropping = True
        self._head = b""
        if last_words:
            self.transport.write(last_words)
        if isinstance(self.transport, TLSMemoryBIOProtocol) or not last_words:
            self.transport.loseConnection()
        else:
            self.transport.loseWriteConnection()


class _Released(TwistedProtocol):
    """The web server's protocol for one connection, with the connection counted out at its end."""

    def __init__(self, protocol: Any, release: Callable[[], None]) -> None:
        self._protocol = protocol
        self._release = release

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)

    def makeConnection(self, transport: Any) -> None:  # noqa: N802 - Twisted's name
        self._protocol.makeConnection(transport)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._protocol.dataReceived(data)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        self._release()
        self._protocol.connectionLost(reason)


def origin_allowed(request: Request, allowed: tuple[str, ...]) -> bool:
    """Whether a browser's page may connect (RFC 6455 section 10.2).

    ``allowed`` holds ``same-host``, ``*``, or origins, in which ``*`` stands for any characters.
    """
    origins = request.headers.get_all("Origin")
    if not origins or "*" in allowed:
        return True
    origin = origins[0].lower() if len(origins) == 1 else ""
    for pattern in allowed:
        if pattern == "same-host":
            hosts = request.headers.get_all("Host")
            if len(hosts) == 1 and _host(urlsplit(origin).netloc, origin) == _host(hosts[0].lower(), origin):
                return True
        elif fnmatch.fnmatchcase(origin, pattern.lower()):
            return True
    return False


def _host(netloc: str, origin: str) -> tuple[str, str]:
    """Host and port, the port of the origin's scheme if there is none."""
    host, colon, port = netloc.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = netloc, ""
    return host, port or ("443" if origin.startswith("https:") else "80")


def _first_spoken(offered: Any, serializers: tuple[str, ...]) -> Any:
    """The first of the client's subprotocols that the path speaks (WAMP basic profile, "WebSocket Transport")."""
    if not serializers:
        return None
    for subprotocol in offered:
        if SUBPROTOCOLS.get(subprotocol) in serializers:
            return subprotocol
    spoken = ", ".join(name for name, serializer in SUBPROTOCOLS.items() if serializer in serializers)
    raise NegotiationError(f"no WAMP subprotocol in common; spoken here: {spoken}")


def _deflate(deflate: Deflate) -> ServerPerMessageDeflateFactory:
    return ServerPerMessageDeflateFactory(
        server_no_context_takeover=deflate.no_context_takeover,
        client_no_context_takeover=deflate.no_context_takeover,
        server_max_window_bits=deflate.window_bits,
        client_max_window_bits=deflate.window_bits,
        require_client_max_window_bits=False,
        compress_settings={"memLevel": 5},
    )


def _address(transport: Any) -> str:
    peer = transport.getPeer()
    host = getattr(peer, "host", None)
    return f"{host}" if host else "unix"
