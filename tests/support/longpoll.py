"""A client's end of HTTP long-poll: requests on connections that are kept, and a wire for plays.

`LongPollWire.fence` asks for messages on one connection and goes to and fro twice on the other. When the second answer is here
the router has read the request for messages, and has answered it if there was anything to say.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Self

import msgspec

from tests.support.wires import TIMEOUT

BASE = "/lp"


class Answer(msgspec.Struct):
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Http:
    """One connection, kept alive; one request at a time."""

    def __init__(self, port: int = 0, *, over: socket.socket | None = None, timeout: float = TIMEOUT) -> None:
        """``over``: a socket that is connected already."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout) if over is None else over
        if self._socket.family == socket.AF_INET:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opened: list[str] = []
        """The paths of the transports that `opened` opened here."""
        self._timeout = timeout
        self._buffer = b""

    def ask(self, path: str, body: bytes = b"", *, method: str = "POST", **headers: str) -> Answer:
        """Send a request, and wait for the answer; the names of headers have underscores for dashes."""
        self.begin(path, body, method=method, **headers)
        answer = self.answer()
        assert answer is not None, f"no answer to {method} {path}"
        return answer

    def begin(self, path: str, body: bytes = b"", *, method: str = "POST", **headers: str) -> None:
        """Send a request."""
        fields = {"Host": "127.0.0.1", "Content-Length": str(len(body))}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        self._socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def answer(self, timeout: float | None = None) -> Answer | None:
        """The answer to what was begun; `None`: none is here in this time (0: at once)."""
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        while True:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if end:
                first, *lines = head.decode("latin-1").split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                length = int(headers.get("content-length", "0"))
                assert "transfer-encoding" not in headers
                if len(rest) >= length:
                    self._buffer = rest[length:]
                    return Answer(int(first.split(" ")[1]), headers, rest[:length])
            self._socket.settimeout(max(0.0, deadline - time.monotonic()))
            try:
                data = self._socket.recv(2**18)
            except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
                return None
            finally:
                self._socket.settimeout(self._timeout)
            if not data:
                raise ConnectionError("the router closed the connection")
            self._buffer += data

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def opened(http: Http, protocol: str = "wamp.2.json", **headers: str) -> str:
    """Open a transport; the beginning of its endpoints' paths."""
    answer = http.ask(f"{BASE}/open", json.dumps({"protocols": [protocol]}).encode(), **headers)
    assert answer.status == 200, answer
    assert answer.json()["protocol"] == protocol
    http.opened.append(f"{BASE}/{answer.json()['transport']}")
    return http.opened[-1]


def joined(http: Http) -> str:
    """Open a transport in JSON, and join ``realm1``."""
    path = opened(http)
    roles = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}
    said = http.ask(f"{path}/send", json.dumps([1, "realm1", {"roles": roles}]).encode())
    assert said.status == 202, said
    assert http.ask(f"{path}/receive").json()[0] == 2
    return path


class LongPollWire:
    """A transport of its own: one connection for what is said, one for what is heard."""

    def __init__(self, port: int, serializer: str, batched: bool = False) -> None:
        self.serializer = serializer
        self.closed: int | None = None
        self._here: deque[bytes] = deque()
        self._said = Http(port)
        self._heard = Http(port)
        self._asked = False
        self._batch = (_TextBatch if serializer == "json" else _BinaryBatch) if batched else None
        self.path = opened(self._said, f"wamp.2.{serializer}" + (".batched" if batched else ""))

    def send(self, payloads: Sequence[bytes]) -> None:
        for body in payloads if self._batch is None else [self._batch.join(payloads)]:
            if self.closed is None:
                status = self._said.ask(f"{self.path}/send", body).status
                assert status in (202, 400, 404), status

    def receive(self) -> bytes | None:
        deadline = time.monotonic() + TIMEOUT
        while not self._here and self._poll(deadline - time.monotonic()):
            pass
        return self._here.popleft() if self._here else None

    def fence(self) -> None:
        while True:
            if self.closed is None and not self._asked:
                self._ask()
            for _ in range(2):
                self._said.ask(BASE, method="GET")
            if not self._poll(0):
                break

    def waiting(self) -> list[bytes]:
        return list(self._here)

    def wait_closed(self) -> int | None:
        deadline = time.monotonic() + TIMEOUT
        while self.closed is None and self._poll(deadline - time.monotonic()):
            pass
        return self.closed

    def drop(self) -> None:
        if self.closed is None:
            self._said.ask(f"{self.path}/close")
            self.closed = 0
        self._said.close()
        self._heard.close()

    def _ask(self) -> None:
        self._heard.begin(f"{self.path}/receive")
        self._asked = True

    def _poll(self, timeout: float) -> bool:
        """Take one answer; whether there was one, and there can be more."""
        if self.closed is not None:
            return False
        if not self._asked:
            self._ask()
        answer = self._heard.answer(max(0.0, timeout))
        if answer is None:
            return False
        self._asked = False
        if answer.status == 404:
            self.closed = 0
            return False
        assert answer.status in (200, 204), answer
        if answer.status == 200:
            kind = "application/json" if self.serializer == "json" else "application/octet-stream"
            assert answer.headers["content-type"] == kind
            self._here += [answer.body] if self._batch is None else self._batch.split(answer.body)
        return True


class _TextBatch:
    """Messages with 0x1E after each."""

    @staticmethod
    def join(messages: Sequence[bytes]) -> bytes:
        return b"".join(message + b"\x1e" for message in messages)

    @staticmethod
    def split(batch: bytes) -> list[bytes]:
        *messages, rest = batch.split(b"\x1e")
        assert not rest
        return messages


class _BinaryBatch:
    """Messages with their length before each."""

    @staticmethod
    def join(messages: Sequence[bytes]) -> bytes:
        return b"".join(len(message).to_bytes(4, "big") + message for message in messages)

    @staticmethod
    def split(batch: bytes) -> list[bytes]:
        messages = []
        while batch:
            end = 4 + int.from_bytes(batch[:4], "big")
            messages.append(batch[4:end])
            batch = batch[end:]
        return messages
