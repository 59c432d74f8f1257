"""A client that can misbehave: bytes on a socket, with just enough WAMP to get into a session."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self

import cbor2
import msgspec

from tests.attack.inside import EVERY_ROLE, frame, masked, websocket_request
from tests.support.values import DUMP, LOAD

CODECS: dict[str, tuple[int, Any, Any]] = {
    "json": (1, lambda message: json.dumps(message).encode(), json.loads),
    "msgpack": (2, msgspec.msgpack.encode, msgspec.msgpack.decode),
    "cbor": (3, cbor2.dumps, cbor2.loads),
    "ubjson": (4, DUMP["ubjson"], LOAD["ubjson"]),
    "flatbuffers": (5, DUMP["flatbuffers"], LOAD["flatbuffers"]),
}


OPENED: list[Client] = []
"""Clients of the present test; what it leaves open is closed after it."""


class ClosedError(Exception):
    """The router closed the connection."""


class Client:
    """One connection, over RawSocket or WebSocket; blocking, with a timeout."""

    def __init__(self, port: int, transport: str = "rawsocket", codec: str = "json", *, timeout: float = 20.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._websocket = transport == "websocket"
        self._number, self.encode, self.decode = CODECS[codec]
        self._codec = codec
        self._buffer = b""
        self.ids = count(1)
        self.session = 0
        OPENED.append(self)

    # --- bytes ---

    def shake_hands(self, limit: int = 15) -> None:
        """Open the transport."""
        if self._websocket:
            self.socket.sendall(websocket_request(protocol=f"wamp.2.{self._codec}"))
            head = self._until(b"\r\n\r\n")
            assert b" 101 " in head, head
        else:
            self.socket.sendall(bytes((0x7F, limit << 4 | self._number, 0, 0)))
            reply = self._exactly(4)
            assert reply[1] & 0x0F == self._number, reply

    def framed(self, payload: bytes) -> bytes:
        """A message as it goes over the socket."""
        if self._websocket:
            return masked(payload, 0x81 if self._codec == "json" else 0x82)
        return frame(payload)

    def _fill(self) -> None:
        try:
            data = self.socket.recv(2**18)
        except ConnectionError as error:
            raise ClosedError(str(error)) from None
        if not data:
            raise ClosedError("end of stream")
        self._buffer += data

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._fill()
        taken, _, self._buffer = self._buffer.partition(mark)
        return taken

    def receive_frame(self) -> tuple[int, bytes]:
        """The kind (RawSocket: frame type; WebSocket: opcode) and payload of the next frame."""
        if not self._websocket:
            head = self._exactly(4)
            return head[0] & 7, self._exactly(int.from_bytes(head[1:], "big") or (2**24 if head[0] & 8 else 0))
        first, size = self._exactly(2)
        if size == 126:
            size = int.from_bytes(self._exactly(2), "big")
        elif size == 127:
            size = int.from_bytes(self._exactly(8), "big")
        return first & 0x0F, self._exactly(size)

    # --- messages ---

    def send(self, *messages: list[Any]) -> None:
        self.socket.sendall(b"".join(self.framed(self.encode(message)) for message in messages))

    def receive(self) -> list[Any]:
        """The next message; pings are answered on the way."""
        while True:
            kind, payload = self.receive_frame()
            if self._websocket:
                if kind == 9:
                    self.socket.sendall(masked(payload, 0x8A))
                elif kind == 8:
                    raise ClosedError(str(int.from_bytes(payload[:2], "big")))
                else:
                    return list(self.decode(payload))
            elif kind == 1:
                self.socket.sendall(bytes((2,)) + len(payload).to_bytes(3, "big") + payload)
            elif kind == 0:
                return list(self.decode(payload))

    def join(self, realm: str = "realm1", **details: Any) -> int:
        self.send([1, realm, {"roles": EVERY_ROLE, **details}])
        welcome = self.receive()
        assert welcome[0] == 2, welcome
        self.session = welcome[1]
        return self.session

    def ask(self, code: int, *rest: Any) -> list[Any]:
        """Send a request and return its answer (an ERROR too); events in between are dropped."""
        request = next(self.ids)
        self.send([code, request, *rest])
        while True:
            answer = self.receive()
            if answer[0] == 8 and answer[2] == request:
                return answer
            if answer[0] not in (36, 68) and answer[1] == request:
                return answer

    def is_cut_off(self, timeout: float = 30.0) -> bool:
        """Read until the router closes; whether it does in time."""
        deadline = time.monotonic() + timeout
        self.socket.settimeout(0.2)
        while time.monotonic() < deadline:
            try:
                if not self.socket.recv(2**18):
                    return True
            except TimeoutError:
                continue
            except ConnectionError:
                return True
        return False

    def is_reset(self) -> bool:
        """Whether the router takes nothing more; what is sent to a closed socket is answered by a reset."""
        try:
            for _ in range(200):
                self.socket.sendall(b"x" * 1000)
                time.sleep(0.05)
        except ConnectionError:
            return True
        return False

    def reset(self) -> None:
        """Go away without a word: a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def joined(port: int, transport: str = "rawsocket", codec: str = "json", **options: Any) -> Client:
    """A client in a session."""
    client = Client(port, transport, codec, **options)
    client.shake_hands()
    client.join()
    return client


def key() -> str:
    """A key for a WebSocket handshake."""
    return base64.b64encode(os.urandom(16)).decode()


class Canary:
    """A session that calls itself all the time: it sings as long as the router serves others.

    With the process ID of the router, a song takes no longer than the router has worked meanwhile: what is longer, others
    on the machine took.
    """

    PROCEDURE = "com.example.canary"

    def __init__(self, port: int, pid: int | None = None) -> None:
        self._client, self._pid = joined(port), pid
        self._procedure = f"{self.PROCEDURE}.c{self._client.session}"
        answer = self._client.ask(64, {}, self._procedure)
        assert answer[0] == 65, answer
        self._running = True
        self._thread = threading.Thread(target=self._sing, daemon=True)
        self.worst = 0.0
        self.songs = 0
        self.trouble: BaseException | None = None

    def _sing(self) -> None:
        client = self._client
        try:
            while self._running:
                started, worked = time.monotonic(), self._worked()
                call = next(client.ids)
                client.send([48, call, {}, self._procedure, [self.songs]])
                invocation = client.receive()
                assert invocation[0] == 68, invocation
                client.send([70, invocation[1], {}, invocation[4]])
                assert client.receive() == [50, call, {}, [self.songs]]
                self.worst = max(self.worst, min(time.monotonic() - started, self._worked() - worked))
                self.songs += 1
                time.sleep(0.001)
        except BaseException as trouble:  # noqa: BLE001 - told by whoever asks
            self.trouble = trouble

    def _worked(self) -> float:
        return time.monotonic() if self._pid is None else cpu(self._pid)

    def measure(self, seconds: float = 0.0) -> float:
        """Start anew, sing for a while, and return the longest time a song took; two songs at the least."""
        self.worst, songs = 0.0, self.songs
        time.sleep(seconds)
        while self.songs < songs + 2:
            self.check()
            time.sleep(0.002)
        self.check()
        return self.worst

    def check(self) -> None:
        """See that it still sings."""
        if self.trouble is not None:
            raise AssertionError("the canary died") from self.trouble

    def start(self) -> Canary:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._running = False
        self._thread.join(20)
        self._client.close()
        self.check()


@contextmanager
def singing(port: int, pid: int | None = None) -> Iterator[Canary]:
    """A canary for the time of a test; the test fails if it stopped singing."""
    canary = Canary(port, pid).start()
    canary.measure()
    try:
        yield canary
    finally:
        canary.stop()


def memory(pid: int) -> int:
    """Resident bytes of a process."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
