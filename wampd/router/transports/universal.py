"""The universal port: RawSocket, WebSocket and HTTP on one listener, told apart by the first octet.

Rules
-----
* ``7F`` begins a RawSocket handshake (WAMP advanced profile, "RawSocket Transport"); anything else is HTTP.
* An HTTP request head is read up to its limits in bytes and lines; lines end in CRLF alone. A request to a WebSocket path, one
  of the host that is asked for (`wampd.router.hostnames`), is answered by `upgrade`; any other is handed to the web server,
  with all bytes read, and so is one to a path where a page is, too, if it does not ask for WebSocket. Proxies send requests of
  many on one connection: a later one to a WebSocket path is given back.
* Nothing of a handshake, TLS included, may take longer than its deadline. Over the connection limit, RawSocket gets error 4
  and HTTP 503; when even those who wait for that are too many, the connection is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from OpenSSL.SSL import Error as TlsError  # which twisted.protocols.tls loads in any case
from twisted.internet.interfaces import IProtocol, ITCPTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol

from wampd.router.hostnames import ByHost, host_in
from wampd.router.transports.connection import Connection, Pace
from wampd.router.transports.house import Came, House
from wampd.router.transports.sockets import address_of, descriptor_of, process_of
from wampd.router.transports.upgrade import (
    NotOpened,
    WebSocketPath,
    asks_for_websocket,
    http_answer,
    open_websocket,
    target_path,
)
from wampd.router.wheel import Wheel
from wampd.router.wire import rawsocket
from wampd.router.wire.framing import FrameLimits, Framing
from wampd.router.wire.rawsocket import RawSocketFraming
from wampd.router.wire.serializers import RAW_SERIALIZERS

if TYPE_CHECKING:
    from wampd.router.forwarded import Client, Proxies

log = Logger()

STARVING: Final = "no memory for more sessions"


class Speaks(Struct, frozen=True):
    """What a listener speaks, and the limits of its handshakes."""

    websocket: Mapping[str, WebSocketPath] = {}
    rawsocket: tuple[str, ...] = ()
    """The serializers of RawSocket; none: RawSocket is not spoken."""
    frames: FrameLimits = FrameLimits()
    pace: Pace = Pace()
    handshake_timeout: float = 5.0
    """Seconds."""
    header_size: int = 16 * 1024
    header_lines: int = 100
    hosts: ByHost[Mapping[str, WebSocketPath]] | None = None
    """The WebSocket paths of hosts that have some of their own; ``websocket`` is for all others."""
    fits: Callable[[Any, str], bool] | None = None
    """Whether a connection (its transport) was made for a host with this one's certificate."""
    proxies: Proxies | None = None
    """Those whose headers say who the client is; `None`: nobody's do."""
    is_private: bool = False
    """Whether it matters whose processes the clients are: it is a Unix socket."""


class UniversalPort(TwistedProtocol):
    """The first moments of a connection: it finds out what is spoken, and makes way for what speaks it."""

    transport: Any

    def __init__(
        self,
        speaks: Speaks,
        house: House,
        wheel: Wheel,
        web: Callable[[Client | None], IProtocol] | None,
        came: Came | None = None,
    ) -> None:
        """``web`` makes the web server's protocol for a connection of a client's; `None`: there is no web server.

        ``came``: what is known of the connection already; `None`: nothing is.
        """
        self._speaks = speaks
        self._house = house
        self._wheel = wheel
        self._web = web
        self._came = came
        self._client = None if came is None else came.client
        self._head = b""
        self._address = "" if self._client is None else self._client.host
        self._since = 0.0
        self._deadline = 0.0
        self._count_out: Callable[[], None] = _nothing
        self._admitted = False
        self._dropping = False
        self.slot = 0

    # ------------------------------------------------------------------------------------------------- as a protocol

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Start the clock."""
        house, transport, came = self._house, self.transport, self._came
        self._address = self._address or address_of(transport)
        self._start_clock()
        self._admitted = house.admit(self._address, descriptor_of(transport)) if came is None else came.admitted
        if self._admitted:
            if came is None:
                house.arrives(1)
            self._count_out = partial(house.release, self._address)
        elif came is not None or house.turn_away():
            self._count_out = house.turned_away
        else:
            self._dropping = True
            transport.abortConnection()
            return
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)  # what is written is complete: waiting for more only delays it

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

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        """The client left before it had said what it wants, or TLS failed."""
        self._arrived()
        self._count_out()
        if reason is not None and isinstance(self.transport, TLSMemoryBIOProtocol) and reason.check(TlsError):
            self._house.refused()
            log.info("{address}: no TLS: {why}", address=self._address, why=_tls_trouble(reason.value))

    def tick(self, now: float, stalled: bool) -> float:
        """Cut off who takes too long."""
        if now >= self._deadline:
            if stalled:
                self._deadline = now + self._speaks.handshake_timeout
            else:
                if not self._dropping:
                    self._house.refused()
                    log.info("{address}: no handshake in time", address=self._address)
                self.transport.abortConnection()
        return self._deadline

    # ----------------------------------------------------------------------------------------------------- RawSocket

    def _raw(self) -> None:
        if not self._admitted:
            self._drop(rawsocket.HandshakeError.TOO_MANY_CONNECTIONS.reply(), "too many connections")
            return
        if self._starves():
            self._drop(rawsocket.HandshakeError.TOO_MANY_CONNECTIONS.reply(), STARVING)
            return
        spoken = frozenset(number for number, name in RAW_SERIALIZERS.items() if name in self._speaks.rawsocket)
        hello = rawsocket.read_handshake(self._head[: rawsocket.HANDSHAKE_SIZE], spoken)
        if isinstance(hello, rawsocket.HandshakeError):
            self._drop(hello.reply(), f"RawSocket handshake refused: {hello.name.lower()}")
            return
        message_size = self._speaks.frames.message_size
        connection = self._connection(RawSocketFraming(hello.max_send, message_size))
        about = self._about("rawsocket")
        connection.peer = self._house.serve(connection, RAW_SERIALIZERS[hello.serializer], about, self._since)
        reply = rawsocket.handshake_reply(hello.serializer, message_size)
        self._make_way(connection, reply, self._head[rawsocket.HANDSHAKE_SIZE :])

    # ---------------------------------------------------------------------------------------------- HTTP and WebSocket

    def _http(self) -> None:
        head = self._head
        end = head.find(b"\r\n\r\n")
        size = end if end >= 0 else len(head)
        lines = head.count(b"\r\n", 0, size)
        if not head[:1].isalpha() or not (self._speaks.websocket or self._speaks.hosts or self._web):
            self._drop(b"", "neither RawSocket nor HTTP" if self._speaks.rawsocket else "not HTTP")
        elif size > self._speaks.header_size or lines > self._speaks.header_lines:
            self._too_large(head.find(b"\r\n", 0, self._speaks.header_size))
        elif head.count(b"\n", 0, size) != lines:
            self._refuse(400, "Bad Request", "lines end in CRLF")
        elif end >= 0:
            if not self._admitted:
                self._refuse(503, "Service Unavailable", "too many connections")
            else:
                self._request(end + 4)

    def _too_large(self, end_of_line: int) -> None:
        if end_of_line < 0:
            self._refuse(414, "URI Too Long", "the first line of the request is too long")
        else:
            self._refuse(431, "Request Header Fields Too Large", "the request head is too large")

    def _request(self, end: int) -> None:
        host, path = _find(self._speaks, self._head)
        if path is not None:
            if host and self._speaks.fits is not None and not self._speaks.fits(self.transport, host):
                self._refuse(421, "Misdirected Request", "this connection was made for another host")
            else:
                self._websocket(path, end)
        elif self._web is not None:
            self._serve_web(self._web(self._client))
        else:
            self._refuse(404, "Not Found", "nothing is here")

    def _websocket(self, path: WebSocketPath, end: int) -> None:
        client = self._client
        if self._speaks.proxies is not None:
            client = self._speaks.proxies.client_in(self._address, self._head[:end])
            if client is not None and not self._is_of(client.host):
                self._refuse(503, "Service Unavailable", "too many connections")
                return
        if self._starves():
            self._refuse(503, "Service Unavailable", STARVING)
            return
        secure = client is not None and bool(client.secure)
        opened = open_websocket(self._head[:end], path, self._speaks.frames, secure=secure)
        if isinstance(opened, NotOpened):
            self._drop(opened.reply, opened.why)
            return
        connection = self._connection(opened.framing)
        if opened.serializer:
            about = self._about("websocket", protocol=opened.subprotocol)
            if opened.visit is not None:
                about["cookie"] = opened.visit
            connection.peer = self._house.serve(connection, opened.serializer, about, self._since)
        else:
            connection.peer = self._house.echo(connection)
        self._make_way(connection, opened.reply, self._head[end:])

    # --------------------------------------------------------------------------------------------------- in the small

    def _starves(self) -> bool:
        """Whether there is no memory for another session; operators are always let in."""
        return self._house.is_starving and not self._speaks.is_private

    def _is_of(self, client: str) -> bool:
        """Whether there is room for the client whom a proxy speaks for: the connection is its own from now on."""
        proxy, self._address = self._address, client  # whom the log names, in any case
        if not self._house.moves(proxy, client):
            return False
        self._count_out = partial(self._house.release, client)
        return True

    def _connection(self, framing: Framing) -> Connection:
        return Connection(framing, self._speaks.pace, self._wheel, self._house.farewell(self._address))

    def _about(self, kind: str, **more: str) -> dict[str, Any]:
        """What is known of the connection; inside TLS also its channel, for methods of authentication."""
        about: dict[str, Any] = {"type": kind, "peer": self._address, **more}
        if self._speaks.is_private:
            about.update(process_of(self.transport))
        if not isinstance(self.transport, TLSMemoryBIOProtocol):
            return about
        from wampd.router.transports.channels import TlsChannel  # only where there is TLS

        return {**about, "channel": TlsChannel(self.transport.getHandle())}

    def _make_way(self, connection: Connection, reply: bytes, rest: bytes) -> None:
        """Put a connection in our place, and give it the bytes that were not for us."""
        self._arrived()
        self._put(connection)
        connection.makeConnection(self.transport)  # type: ignore[no-untyped-call]
        connection.write(reply)  # it goes out the same way as all that follows, so nothing can overtake it
        if rest:
            connection.dataReceived(rest)

    def _serve_web(self, protocol: Any) -> None:
        """Put the web server in our place, and give it all bytes."""
        self._arrived()
        counted = _Counted(protocol, self._count_out)
        self._put(counted)
        protocol.port = self
        head, self._head = self._head, b""
        counted.makeConnection(self.transport)
        counted.dataReceived(head)

    def wants(self, speaks: Speaks, head: bytes) -> bool:
        """Whether a later request of a connection that the web server has is for a WebSocket path."""
        return _find(speaks, head)[1] is not None

    def resume(self, speaks: Speaks, head: bytes) -> None:
        """Take the connection of such a request back; ``speaks``: what is spoken now, ``head``: what is not answered yet."""
        self._speaks, self._head = speaks, head
        self._start_clock()
        self._house.arrives(1)
        self._put(self)
        self._request(head.find(b"\r\n\r\n") + 4)

    def _start_clock(self) -> None:
        """The client has so much time to say what it wants."""
        self._since = self._wheel.now()
        self._deadline = self._since + self._speaks.handshake_timeout
        self._wheel.watch(self, self._speaks.handshake_timeout)

    def _arrived(self) -> None:
        """It is known what the client wants, or it has left."""
        self._wheel.forget(self)
        if self._admitted:
            self._house.arrives(-1)

    def _put(self, protocol: Any) -> None:
        if isinstance(self.transport, TLSMemoryBIOProtocol):
            self.transport.wrappedProtocol = protocol
        else:
            self.transport.protocol = protocol

    def _refuse(self, status: int, phrase: str, why: str) -> None:
        self._drop(http_answer(status, phrase, why), why)

    def _drop(self, last_words: bytes, why: str) -> None:
        """Say why, and close; what the client still sends is read and dropped until it closes."""
        self._house.refused()
        log.info("{address}: {why}", address=self._address, why=why)
        self._dropping = True
        self._head = b""
        if last_words:
            self.transport.write(last_words)
        if isinstance(self.transport, TLSMemoryBIOProtocol) or not last_words:
            self.transport.loseConnection()
        else:
            self.transport.loseWriteConnection()


class _Counted(TwistedProtocol):
    """The web server's protocol for one connection, with the connection counted out at its end."""

    def __init__(self, protocol: Any, count_out: Callable[[], None]) -> None:
        self._protocol = protocol
        self._count_out = count_out

    def makeConnection(self, transport: Any) -> None:  # noqa: N802 - Twisted's name
        self._protocol.makeConnection(transport)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._protocol.dataReceived(data)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        self._count_out()
        self._protocol.connectionLost(reason)


def _find(speaks: Speaks, head: bytes) -> tuple[str, WebSocketPath | None]:
    """The host that a request asks for, if that matters, and its WebSocket path; `None`: it is for the web server."""
    host = "" if speaks.hosts is None else host_in(head)
    paths = speaks.websocket if speaks.hosts is None else speaks.hosts.find(host)
    path = paths.get(target_path(head))
    if path is not None and path.has_page and not asks_for_websocket(head):
        return host, None
    return host, path


def _tls_trouble(error: TlsError) -> str:
    """What OpenSSL has to say: ``certificate verify failed``, or the like."""
    said = [entry[-1] for entry in (error.args[0] if error.args else ()) if isinstance(entry, tuple)]
    return ", ".join(dict.fromkeys(filter(None, said))) or "the handshake failed"


def _nothing() -> None:
    """Nothing was counted in."""
