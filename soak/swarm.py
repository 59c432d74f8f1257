"""Very many short conversations in one thread: connections that come, say a few words, and go in one way or another.

Rules
-----
* A conversation is a generator: it yields bytes to be sent, and is sent the next thing that the router says: the end of a
  handshake, or the payload of one message. It returns how the connection is to be ended, or `KEEP`.
* A `Half` is sent, and nothing is waited for: the connection ends there.
* Whatever is not as the conversation expects is a refusal, and counted by what it was.
* A connection that nobody accepts is tried again only where that is asked for, until somebody listens.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import select
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

CLOSE, RESET, KEEP = "close", "reset", "keep"
Conversation: TypeAlias = Generator[bytes, bytes, str]

ROLES: Final[dict[str, Any]] = {role: {} for role in ("caller", "callee", "publisher", "subscriber")}
AGAIN: Final = 0.05
"""Seconds until it is tried again whether somebody listens."""
LINGER_NOT: Final = struct.pack("ii", 1, 0)


class Half(bytes):
    """The last that a conversation says, whatever comes of it."""


class Refused(Exception):
    """The router said something else; the text is counted."""


@dataclass(slots=True)
class Outcome:
    """What became of a swarm."""

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    slowest: float = 0.0
    """The longest from the first connect to the end of a conversation."""
    kept: list[Guest] = field(default_factory=list)

    def release(self) -> None:
        """Close what was kept."""
        for guest in self.kept:
            guest.socket.close()
        self.kept.clear()


class Guest:
    """One connection, over RawSocket or WebSocket."""

    __slots__ = ("began", "buffer", "connected", "conversation", "open", "out", "socket", "websocket")

    def __init__(self, conversation: Conversation, websocket: bool, began: float) -> None:
        self.conversation = conversation
        self.websocket = websocket
        self.began = began
        self.buffer = b""
        self.out = b""
        self.connected = False
        self.open = False
        self.socket = socket.socket()
        self.socket.setblocking(False)

    def connects(self, port: int) -> bool:
        """Whether somebody listens."""
        code = self.socket.connect_ex(("127.0.0.1", port))
        return code in (0, errno.EINPROGRESS)

    def begin(self) -> None:
        """Somebody listens, or not: `ConnectionRefusedError`."""
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self.connected = True
        self.out = next(self.conversation)

    def heard(self, data: bytes) -> Iterator[bytes]:
        """What the router said, piece by piece."""
        self.buffer += data
        while True:
            piece = self._piece()
            if piece is None:
                return
            yield piece

    def _piece(self) -> bytes | None:
        if not self.open:
            end = self.buffer.find(b"\r\n\r\n") + 4 if self.websocket else 4
            if end < 4 or len(self.buffer) < end:
                return None
            self.open = True
            return self._take(0, end)
        head, size, kind = (_websocket_head if self.websocket else _rawsocket_head)(self.buffer)
        if not head or len(self.buffer) < head + size:
            return None
        payload = self._take(head, size)
        if kind == "close":
            raise Refused(f"close {int.from_bytes(payload[:2], 'big')}")
        if kind == "ping":
            pong = b"\x8a" + bytes((0x80 | len(payload), 0, 0, 0, 0)) if self.websocket else b"\2" + _three(payload)
            self.out += pong + payload
            return self._piece()
        return payload

    def _take(self, head: int, size: int) -> bytes:
        taken, self.buffer = self.buffer[head : head + size], self.buffer[head + size :]
        return taken


def _three(payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big")


def _rawsocket_head(data: bytes) -> tuple[int, int, str]:
    """How long head and payload are, and what it is; a head of 0 is not there yet."""
    if len(data) < 4:
        return 0, 0, ""
    return 4, int.from_bytes(data[1:4], "big"), ("message", "ping", "pong")[data[0] & 3]


def _websocket_head(data: bytes) -> tuple[int, int, str]:
    if len(data) < 2:
        return 0, 0, ""
    kind = {8: "close", 9: "ping"}.get(data[0] & 15, "message")
    size = data[1] & 127
    if size < 126:
        return 2, size, kind
    wide = 2 if size == 126 else 8
    return (2 + wide, int.from_bytes(data[2 : 2 + wide], "big"), kind) if len(data) >= 2 + wide else (0, 0, "")


# -------------------------------------------------------------------------------------------------------- conversations


def rawsocket(message: list[Any]) -> bytes:
    """A message in JSON, framed."""
    payload = json.dumps(message).encode()
    return b"\0" + _three(payload) + payload


def websocket(message: list[Any]) -> bytes:
    """The same for WebSocket, with a mask of zeros."""
    payload = json.dumps(message).encode()
    size = bytes((0x80 | len(payload),)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + payload


UPGRADE: Final = (
    b"GET /ws HTTP/1.1\r\nUser-Agent: swarm\r\nHost: 127.0.0.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
    b"Pragma: no-cache\r\nCache-Control: no-cache\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: wamp.2.json\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def greeted(say: Callable[[list[Any]], bytes]) -> Generator[bytes, bytes, None]:
    """The handshake of the transport."""
    reply = yield UPGRADE if say is websocket else b"\x7f\xf1\0\0"
    if not reply.startswith(b"HTTP/1.1 101 " if say is websocket else b"\x7f\xb1"):
        raise Refused(f"the handshake was refused: {reply[:20]!r}")


def joining(say: Callable[[list[Any]], bytes], ticket: str | None, authid: str) -> Generator[bytes, bytes, None]:
    """From the handshake to WELCOME."""
    yield from greeted(say)
    details: dict[str, Any] = {"roles": ROLES}
    if ticket is not None:
        details |= {"authmethods": ["ticket"], "authid": authid}
    reply = yield say([1, "realm1", details])
    if ticket is not None:
        _expect(reply, 4)
        reply = yield say([5, ticket, {}])
    _expect(reply, 2)


def staying(say: Callable[[list[Any]], bytes], ticket: str | None = None, authid: str = "") -> Conversation:
    """Joins and stays."""
    yield from joining(say, ticket, authid)
    return KEEP


def visiting(say: Callable[[list[Any]], bytes], number: int, ending: str) -> Conversation:
    """Joins, subscribes, registers, publishes, calls itself, and goes: ``goodbye``, ``close``, ``reset`` or in the midst.

    ``early``: in its handshake; ``stranger``: not let in; ``pending``: with a call under way; ``canceled``: after one that it
    cancels; ``testament``: it leaves one.
    """
    if ending == "early":
        yield Half(b"GET /ws HT" if say is websocket else b"\x7f")
    if ending == "stranger":
        yield from greeted(say)
        _expect((yield say([1, f"com.nowhere{number}", {"roles": ROLES}])), 3)
        return CLOSE
    yield from joining(say, None, "")
    name = f"com.swarm.n{number}"
    _expect((yield say([32, 1, {"match": "prefix"} if number % 2 else {}, f"{name}.topic"])), 33)
    _expect((yield say([64, 2, {}, f"{name}.echo"])), 65)
    invocation = _expect((yield say([48, 3, {}, f"{name}.echo", [number, "x" * 50]])), 68)
    if ending == "pending":
        return RESET
    if ending == "canceled":
        _expect((yield say([49, 3, {"mode": "killnowait"}])), 8)
        return CLOSE
    _expect((yield say([70, invocation[1], {}, invocation[4]])), 50)
    _expect((yield say([16, 4, {"acknowledge": True, "exclude_me": False}, f"{name}.topic", [number]])), 36, 17)
    if ending == "testament":
        testament = [f"{name}.topic", [number], {"reason": "gone"}]
        reply = yield say([48, 5, {}, "wamp.session.add_testament", testament])
        while _expect(reply, 50, 36, 17)[0] != 50:
            reply = yield b""
        return RESET
    if ending == "goodbye":
        reply = yield say([6, {}, "wamp.close.close_realm"])
        while json.loads(reply)[0] != 6:
            reply = yield b""
        return CLOSE
    return ending


def _expect(reply: bytes, *codes: int) -> list[Any]:
    message: list[Any] = json.loads(reply)
    if message[0] not in codes:
        uri = message[4] if message[0] == 8 else message[-1] if message[0] in (3, 6) else ""
        raise Refused(f"message {message[0]} {uri}".strip())
    return message


# -------------------------------------------------------------------------------------------------------------- swarm


class Swarm:
    """Carries conversations out, so many at once."""

    def __init__(self, port: int, *, insists: bool = False) -> None:
        """``insists``: tries again as long as nobody listens."""
        self.port = port
        self.outcome = Outcome()
        self._insists = insists
        self._poll = select.epoll()
        self._guests: dict[int, Guest] = {}
        self._later: deque[tuple[float, Conversation, bool, float]] = deque()

    def run(self, makers: Iterator[tuple[Conversation, bool]], at_once: int, seconds: float) -> Outcome:
        """Have all these conversations, each with whether it is by WebSocket, in so many seconds at most."""
        begun = time.monotonic()
        coming = True
        while coming or self._guests or self._later:
            now = time.monotonic()
            if now - begun > seconds:
                self.outcome.refused["not in time"] += len(self._guests) + len(self._later)
                break
            while self._later and self._later[0][0] <= now:
                _, conversation, by_websocket, began = self._later.popleft()
                self._begin(conversation, by_websocket, began)
            while coming and len(self._guests) + len(self._later) < at_once:
                made = next(makers, None)
                coming = made is not None
                if made is not None:
                    self._begin(*made, now)
            for number, _ in self._poll.poll(0.02, 512):
                self._look(self._guests[number])
        self.outcome.seconds = time.monotonic() - begun
        for guest in self._guests.values():
            guest.socket.close()
        self._poll.close()
        return self.outcome

    def _begin(self, conversation: Conversation, by_websocket: bool, began: float) -> None:
        guest = Guest(conversation, by_websocket, began)
        if not guest.connects(self.port):
            self._nobody(guest)
            return
        number = guest.socket.fileno()
        self._guests[number] = guest
        self._poll.register(number, select.EPOLLIN | select.EPOLLOUT)

    def _nobody(self, guest: Guest) -> None:
        guest.socket.close()
        if self._insists:
            self._later.append((time.monotonic() + AGAIN, guest.conversation, guest.websocket, guest.began))
        else:
            self.outcome.refused["nobody listens"] += 1

    def _look(self, guest: Guest) -> None:
        try:
            if not guest.connected:
                guest.begin()
            else:
                for piece in guest.heard(self._read(guest)):
                    guest.out += guest.conversation.send(piece)
            self._send(guest)
        except BlockingIOError:
            self._send(guest)
        except StopIteration as ended:
            self._end(guest, ended.value)
        except Refused as refused:
            self._give_up(guest, str(refused))
        except ConnectionRefusedError:
            self._forget(guest)
            self._nobody(guest)
        except OSError as error:
            self._give_up(guest, errno.errorcode.get(error.errno or 0, "end of stream"))

    def _send(self, guest: Guest) -> None:
        last = isinstance(guest.out, Half)
        if guest.out:
            guest.out = guest.out[guest.socket.send(guest.out) :]
        if last:
            self._end(guest, CLOSE)
        else:
            self._poll.modify(guest.socket.fileno(), select.EPOLLIN | (select.EPOLLOUT if guest.out else 0))

    @staticmethod
    def _read(guest: Guest) -> bytes:
        data = guest.socket.recv(65536)
        if not data:
            raise OSError(0, "end of stream")
        return data

    def _forget(self, guest: Guest) -> None:
        number = guest.socket.fileno()
        self._poll.unregister(number)
        del self._guests[number]

    def _give_up(self, guest: Guest, why: str) -> None:
        self._forget(guest)
        guest.socket.close()
        self.outcome.refused[why] += 1

    def _end(self, guest: Guest, how: str) -> None:
        self._forget(guest)
        self.outcome.done += 1
        self.outcome.slowest = max(self.outcome.slowest, time.monotonic() - guest.began)
        if how == KEEP:
            self.outcome.kept.append(guest)
            return
        if how == RESET:
            guest.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        guest.socket.close()


def affordable(number: int) -> int:
    """How many of `number` connections this process may have at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(number, max(soft, hard) - 200 - len(os.listdir("/proc/self/fd")))
