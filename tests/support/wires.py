"""The ways to a router: in memory, over WebSocket, over RawSocket; one message's payload at a time.

A wire can say when all is quiet: `Wire.fence` returns when the router has served everything that was sent on this wire,
and everything that it had to say on it by then is here. Over sockets a ping and its pong tell: a turn of the router's
reactor ends with the writing of what was said in it, and the ping is read in a later turn than what was sent before.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Protocol

from twisted.internet.task import Clock
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from wampd.router.realms import Realms
from wampd.router.transports.memory import MAX_MESSAGE, MemoryLine
from wampd.router.wire.serializers import codecs

TIMEOUT = 60.0
"""Seconds that the router may take for anything; two busy cores may not be quick."""

RAW_SERIALIZERS = {"json": 1, "msgpack": 2, "cbor": 3, "ubjson": 4, "flatbuffers": 5}


class Wire(Protocol):
    """A client's end of a connection."""

    serializer: str

    def send(self, payloads: Sequence[bytes]) -> None:
        """Send messages, in one write."""
        ...

    def receive(self) -> bytes | None:
        """The next message; `None` if the router closed the connection, or if none comes in time."""
        ...

    def fence(self) -> None:
        """Wait until all that was sent is served and all that was said is here."""
        ...

    def waiting(self) -> list[bytes]:
        """What is here and was not received yet."""
        ...

    @property
    def closed(self) -> int | None:
        """The code with which the router closed the connection; 0 if it gave none; `None`: it is open."""
        ...

    def wait_closed(self) -> int | None:
        """Wait for `closed`."""
        ...

    def drop(self) -> None:
        """Cut the connection without a word, and wait until the router knows."""
        ...


CODECS: Final = codecs(names=RAW_SERIALIZERS)
"""All connections share them, as those of a listener do."""


class MemoryWire:
    """Without sockets, on a clock that stands still."""

    def __init__(self, realms: Realms, clock: Clock, serializer: str, max_receive: int = MAX_MESSAGE) -> None:
        self.serializer = serializer
        self.closed: int | None = None
        self._clock = clock
        self._here: deque[bytes] = deque()
        codec = CODECS[serializer]
        self.line = MemoryLine(realms, clock, codec, self._here.append, self._close, max_receive=max_receive)

    def _close(self, code: int, _reason: str) -> None:
        self.closed = code

    def send(self, payloads: Sequence[bytes]) -> None:
        self.line.send_payloads(payloads)
        self._clock.advance(0)

    def receive(self) -> bytes | None:
        return self._here.popleft() if self._here else None

    def fence(self) -> None:
        self._clock.advance(0)

    def waiting(self) -> list[bytes]:
        return list(self._here)

    def wait_closed(self) -> int | None:
        return self.closed

    def drop(self) -> None:
        self.line.drop()
        self._clock.advance(0)


class SocketWire:
    """What the two socket transports share: a blocking socket and what has come in on it."""

    def __init__(self, port: int, serializer: str) -> None:
        self.serializer = serializer
        self.closed: int | None = None
        self._here: deque[bytes] = deque()
        self._pongs: deque[bytes] = deque()
        self._pings = 0
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # What a transport adds.

    def _framed(self, payload: bytes) -> bytes:
        raise NotImplementedError

    def _ping(self, payload: bytes) -> bytes:
        raise NotImplementedError

    def _feed(self, data: bytes) -> None:
        """Take what was read; ``b""``: the router closed its side."""
        raise NotImplementedError

    # What they share.

    def send(self, payloads: Sequence[bytes]) -> None:
        self.send_bytes(b"".join(map(self._framed, payloads)))

    def send_bytes(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self._lost()

    def receive(self) -> bytes | None:
        deadline = time.monotonic() + TIMEOUT
        while not self._here and self._read(deadline):
            pass
        return self._here.popleft() if self._here else None

    def fence(self) -> None:
        self._pings += 1
        payload = b"%d" % self._pings
        if self.closed is None:
            self.send_bytes(self._ping(payload))
        deadline = time.monotonic() + TIMEOUT
        while payload not in self._pongs:
            if not self._read(deadline):
                assert self.closed is not None, "no answer to a ping"
                return
        self._pongs.clear()

    def waiting(self) -> list[bytes]:
        return list(self._here)

    def wait_closed(self) -> int | None:
        deadline = time.monotonic() + TIMEOUT
        while self._read(deadline):
            pass
        return self.closed

    def drop(self) -> None:
        if self.closed is None:
            self._socket.shutdown(socket.SHUT_WR)
            self.wait_closed()
        self._socket.close()

    def _read(self, deadline: float) -> bool:
        """Read once; whether there can be more."""
        if self.closed is not None:
            return False
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = self._socket.recv(2**16)
        except TimeoutError:
            return False
        except ConnectionResetError:
            data = b""
        self._feed(data)
        if not data:
            self._lost()
        return bool(data)

    def _lost(self) -> None:
        if self.closed is None:
            self.closed = 0
        self._socket.close()


class WebSocketWire(SocketWire):
    """Over WebSocket, by the `websockets` library's client."""

    suffix = ""

    def __init__(self, port: int, serializer: str) -> None:
        super().__init__(port, serializer)
        subprotocol = Subprotocol(f"wamp.2.{serializer}{self.suffix}")
        uri = parse_uri(f"ws://127.0.0.1:{port}/ws")
        self._protocol = ClientProtocol(uri, subprotocols=[subprotocol], max_size=None)
        self._opcode = Opcode.TEXT if serializer == "json" else Opcode.BINARY
        self._accepted = False
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        deadline = time.monotonic() + TIMEOUT
        while not self._accepted:
            assert self._read(deadline), f"no WebSocket: {self._protocol.handshake_exc}"
        assert self._protocol.subprotocol == subprotocol

    def _framed(self, payload: bytes) -> bytes:
        if self._protocol.state is not State.OPEN:
            return b""
        if self._opcode is Opcode.TEXT:
            self._protocol.send_text(payload)
        else:
            self._protocol.send_binary(payload)
        return b"".join(self._protocol.data_to_send())

    def _ping(self, payload: bytes) -> bytes:
        self._protocol.send_ping(payload)
        return b"".join(self._protocol.data_to_send())

    def _feed(self, data: bytes) -> None:
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._accepted = event.status_code == 101
            elif isinstance(event, Frame):
                self._frame(event)
        self._flush()
        if not data and self._protocol.close_rcvd is not None:
            self.closed = self._protocol.close_rcvd.code

    def _frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self._pongs.append(bytes(frame.data))
        elif frame.opcode is not Opcode.CLOSE:
            assert frame.opcode is self._opcode, "the router sent the wrong kind of frame"
            assert frame.fin
            self._here.append(bytes(frame.data))

    def _flush(self) -> None:
        data = b"".join(piece for piece in self._protocol.data_to_send() if piece)
        if data:
            self.send_bytes(data)


class BatchedWire(WebSocketWire):
    """Over WebSocket in batches: what is said at once is one batch."""

    suffix = ".batched"

    def __init__(self, port: int, serializer: str, separator: bytes = b"\x1e") -> None:
        """``separator`` is what ends messages in JSON."""
        self.separator = separator
        self.batches: list[int] = []
        """How many messages the batches held that were received."""
        super().__init__(port, serializer)

    def send(self, payloads: Sequence[bytes]) -> None:
        self.send_batch(b"".join(map(self._element, payloads)))

    def send_batch(self, batch: bytes) -> None:
        """Send bytes as a batch, as they are."""
        self.send_bytes(self._framed(batch))

    def _element(self, payload: bytes) -> bytes:
        return payload + self.separator if self.serializer == "json" else len(payload).to_bytes(4, "big") + payload

    def _frame(self, frame: Frame) -> None:
        super()._frame(frame)
        if frame.opcode is self._opcode:
            messages = self._split(self._here.pop())
            self._here.extend(messages)
            self.batches.append(len(messages))

    def _split(self, batch: bytes) -> list[bytes]:
        assert batch, "the router sent an empty batch"
        if self.serializer == "json":
            *messages, rest = batch.split(self.separator)
            assert not rest, f"the router sent a batch without {self.separator!r} at its end: {batch!r}"
            return messages
        messages = []
        while batch:
            end = 4 + int.from_bytes(batch[:4], "big")
            assert len(batch) >= end, "the router sent a batch that is cut off"
            messages.append(batch[4:end])
            batch = batch[end:]
        return messages


class RawSocketWire(SocketWire):
    """Over RawSocket."""

    def __init__(self, port: int, serializer: str, length: int = 15) -> None:
        """``length`` is the handshake's L: 2^(9+L) bytes are the longest message that is taken."""
        super().__init__(port, serializer)
        self._buffer = b""
        self._accepted = False
        self._longest = 2 ** (9 + length)
        self.send_bytes(bytes((0x7F, length << 4 | RAW_SERIALIZERS[serializer], 0, 0)))
        deadline = time.monotonic() + TIMEOUT
        while not self._accepted:
            assert self._read(deadline), "no answer to the RawSocket handshake"

    def _framed(self, payload: bytes) -> bytes:
        return len(payload).to_bytes(4, "big") + payload

    def _ping(self, payload: bytes) -> bytes:
        return b"\x01" + len(payload).to_bytes(3, "big") + payload

    def _feed(self, data: bytes) -> None:
        self._buffer += data
        if not self._accepted and len(self._buffer) >= 4:
            assert self._buffer[0] == 0x7F
            assert self._buffer[1] & 0x0F == RAW_SERIALIZERS[self.serializer], "the handshake was refused"
            self._accepted = True
            self._buffer = self._buffer[4:]
        while self._accepted and len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[1:4], "big")
            if len(self._buffer) < 4 + length:
                break
            kind, payload = self._buffer[0], self._buffer[4 : 4 + length]
            self._buffer = self._buffer[4 + length :]
            if kind == 2:
                self._pongs.append(payload)
            else:
                assert kind == 0, f"the router sent a frame of type {kind}"
                assert length <= self._longest, "the router sent more than we take"
                self._here.append(payload)


def wire_names(*transports: str) -> list[str]:
    """The names of the wires over these transports, each with every serializer: ``memory-json``, …"""
    return [f"{transport}-{serializer}" for transport in transports for serializer in RAW_SERIALIZERS]


def socket_wire(transport: str, port: int, serializer: str, **options: Any) -> SocketWire:
    """A wire over a socket transport, by its name."""
    wires: dict[str, type[SocketWire]] = {
        "websocket": WebSocketWire,
        "batched": BatchedWire,
        "rawsocket": RawSocketWire,
    }
    return wires[transport](port, serializer, **options)
