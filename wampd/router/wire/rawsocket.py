"""RawSocket framing and handshake, without I/O (WAMP advanced profile, "RawSocket Transport").

Rules
-----
* Handshake: the client sends ``7F LS RR RR``: L its receive limit, 2^(9+L) octets, S the serializer, R zero. The router
  answers ``7F LS 00 00`` with its own limit, or ``7F E0 00 00`` with an error E and closes.
* A frame is ``RRRR XTTT``, a 24-bit big-endian length, the payload. T: 0 message, 1 PING, 2 PONG. X is the length's 25th
  bit, for a payload of exactly 2^24 octets. Reserved bits or types fail the connection.
* Every PING is answered by one PONG with the same payload. PONGs that nobody asked for are ignored.
* Nothing longer than the peer's limit is sent to it; a frame longer than our limit fails the connection unread.
"""

from __future__ import annotations

import enum
import struct
from typing import Final

import msgspec

MAGIC: Final = 0x7F
HANDSHAKE_SIZE: Final = 4
_HEAD: Final = 4
_MESSAGE, _PING, _PONG = 0, 1, 2
_read_head: Final = struct.Struct(">I").unpack_from
_X: Final = 0x08
"""The bit of the first octet that is the length's 25th."""


class HandshakeError(enum.IntEnum):
    """Why a handshake is refused: the error octet's upper half."""

    SERIALIZER_UNSUPPORTED = 1
    MAX_LENGTH_UNACCEPTABLE = 2
    RESERVED_BITS = 3
    TOO_MANY_CONNECTIONS = 4

    def reply(self) -> bytes:
        """The four octets that tell the client."""
        return bytes((MAGIC, self.value << 4, 0, 0))


class Hello(msgspec.Struct, frozen=True):
    """A client's handshake, understood."""

    serializer: int
    max_send: int
    """The longest message, in octets, that the client receives."""


def read_handshake(octets: bytes, serializers: frozenset[int], min_length: int = 512) -> Hello | HandshakeError:
    """Read a client's four octets; ``serializers`` are those spoken, ``min_length`` the least limit that is accepted."""
    length_and_serializer, first, second = octets[1], octets[2], octets[3]
    serializer = length_and_serializer & 0x0F
    max_send: int = 2 ** (9 + (length_and_serializer >> 4))
    if serializer not in serializers:
        return HandshakeError.SERIALIZER_UNSUPPORTED
    if first or second:
        return HandshakeError.RESERVED_BITS
    if max_send < min_length:
        return HandshakeError.MAX_LENGTH_UNACCEPTABLE
    return Hello(serializer, max_send)


def limit_exponent(message_size: int) -> int:
    """The L of the handshake: the largest limit 2^(9+L) that is not above ``message_size`` octets."""
    return min(15, max(0, message_size.bit_length() - 1 - 9))


def handshake_reply(serializer: int, message_size: int) -> bytes:
    """The four octets that accept a client; ``message_size`` is the router's own limit in octets."""
    return bytes((MAGIC, limit_exponent(message_size) << 4 | serializer, 0, 0))


class RawSocketFraming:
    """Frames of one connection after its handshake."""

    __slots__ = ("_agreed", "_expected", "_limit", "_rest", "ended", "failure", "heads", "max_send", "replies")

    share = "rawsocket"
    may_speak = False

    def __init__(self, max_send: int, message_size: int) -> None:
        self.max_send = max_send
        self.heads = _HEADS if max_send >= len(_HEADS) else []
        self.replies: list[bytes] = []
        self.ended = False
        self.failure = ""
        self._agreed: int = 2 ** (9 + limit_exponent(message_size))
        self._limit = self._agreed
        self._rest: bytearray | None = None  # the beginning of a frame that is not complete
        self._expected = 0

    def narrow(self, size: int) -> None:
        """Take no frame of more than ``size`` octets."""
        self._limit = min(size, self._agreed)

    def widen(self) -> None:
        """Take from now on what was agreed."""
        self._limit = self._agreed

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was received; give the payloads of the messages that are complete."""
        messages: list[bytes] = []
        if self.ended:
            return messages
        if self._rest is not None:
            self._rest += data
            if len(self._rest) < self._expected:
                return messages
            data = bytes(self._rest)
            self._rest = None
        size = len(data)
        position = 0
        while size - position >= _HEAD:
            (length,) = _read_head(data, position)  # of a message, whose type is 0, that is all there is in its head
            kind = length >> 24
            if kind:
                length &= 0xFFFFFF
                if kind & _X:
                    if length:
                        self._fail("a length above 2^24")
                        return messages
                    length = 2**24
                    kind ^= _X
                if kind > _PONG:
                    self._fail(f"reserved bits or frame type in octet 0x{kind:02x}")
                    return messages
            if length > self._limit:
                self._fail(f"a frame of {length} octets, above the limit of {self._limit}")
                return messages
            start = position + _HEAD
            end = start + length
            if end > size:
                self._wait(data, position, end)
                return messages
            if kind == _MESSAGE:
                messages.append(data[start:end])
            elif kind == _PING:
                if length > self.max_send:
                    self._fail(f"a PING of {length} octets, above the client's own limit of {self.max_send}")
                    return messages
                self.replies.append(_head(_PONG, length) + data[start:end])
            position = end
        if position < size:
            self._wait(data, position, position + _HEAD)
        return messages

    def frame(self, payload: bytes) -> bytes:
        """One message, framed."""
        return self.head(len(payload)) + payload

    def head(self, length: int) -> bytes:
        """What goes before a message of so many bytes."""
        return _head(_MESSAGE, length)

    def ping(self, payload: bytes) -> bytes:
        """A PING that carries ``payload``."""
        return _head(_PING, len(payload)) + payload

    def close(self, code: int, reason: str) -> None:
        """RawSocket has no words for closing: the connection just ends."""
        del code, reason
        self.ended = True

    def release(self) -> None:
        """Let go of everything."""
        self.ended = True
        self._rest = None

    def _wait(self, data: bytes, begin: int, end: int) -> None:
        """Keep what there is of a frame that begins and ends at these positions of ``data``."""
        self._rest = bytearray(memoryview(data)[begin:])
        self._expected = end - begin

    def _fail(self, why: str) -> None:
        self.failure = why
        self.ended = True


def _head(kind: int, length: int) -> bytes:
    if length == 2**24:
        return bytes((_X | kind, 0, 0, 0))
    return (kind << 24 | length).to_bytes(4, "big")


_HEADS: Final = [_head(_MESSAGE, length) for length in range(126)]
"""What short messages begin with, by their length."""
