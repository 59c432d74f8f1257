"""WebSocket framing, without I/O (RFC 6455; permessage-deflate: RFC 7692).

Rules
-----
* A complete, unfragmented, masked data frame of the expected type is read here, in bulk over the receive buffer: that is
  the hot path. So are pings and pongs, which idle connections live on. Everything else (fragments, closing, errors,
  compression) is handed, one complete frame at a time, to the `websockets` library's sans-I/O protocol, which is made when
  it is first needed and let go when it is idle.
* A frame that is too long is refused when its header has arrived, not its payload.
* Text that is not UTF-8 fails the connection with 1007: while it arrives in fragments here, for whole messages in the codec.
* A data frame of the other type (text for a binary serializer or the reverse) is an error, unless ``both`` types are taken.
"""

from __future__ import annotations

import codecs
import logging
import struct
from typing import Final

from websockets.extensions import Extension
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from wampd.router.wire.framing import FrameLimits

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without a compiled wheel
    from websockets.utils import apply_mask

QUIET: Final = logging.getLogger("wampd.websocket")
QUIET.disabled = True  # the library's own log: the connection says what is worth saying

_TEXT: Final = 0x81
_BINARY: Final = 0x82
_head_of_2: Final = struct.Struct(">BBH").pack
_head_of_8: Final = struct.Struct(">BBQ").pack
_HEADS: Final = {first: [bytes((first, length)) for length in range(126)] for first in (_TEXT, _BINARY)}
"""What short messages begin with, by their length."""
_OPCODES: Final = frozenset({0x0, 0x1, 0x2, 0x8, 0x9, 0xA})
_LARGE: Final = 2**14  # bytes from which a copy costs more than a view
_ANY_LENGTH: Final = 2**62
_COMPRESSED: Final = 0x40  # on the first frame of a message (RFC 7692, section 6)
_CLOSE: Final = 0x88
_PING: Final = 0x89
_PONG: Final = 0x8A
_KEEP_ALIVE: Final = frozenset({_PING, _PONG})


class OtherType(bytes):
    """A message of the type that the connection does not expect by itself: text among binary, binary among text."""

    __slots__ = ()


def forget(library: ServerProtocol) -> None:
    """Break the circles of references in a protocol that is not needed any more.

    It is in its own parser's frame, and in those of the tracebacks of its exceptions. The garbage collector, which would find
    it, runs rarely here.
    """
    for error in (library.handshake_exc, library.parser_exc):
        while error is not None:
            error.__traceback__ = None
            error = error.__cause__ or error.__context__  # type: ignore[assignment]
    vars(library).clear()


class WebSocketFraming:
    """Frames of one connection after its opening handshake."""

    __slots__ = (
        "_both",
        "_expected",
        "_extensions",
        "_first",
        "_fragments",
        "_library",
        "_limits",
        "_most",
        "_parts",
        "_rest",
        "_utf8",
        "ended",
        "failure",
        "heads",
        "max_send",
        "may_speak",
        "replies",
    )

    def __init__(
        self,
        *,
        binary: bool,
        limits: FrameLimits,
        extensions: list[Extension] | None = None,
        both: bool = False,
    ) -> None:
        """``extensions`` are those negotiated; ``both``: take text and binary, marking one as `OtherType`."""
        self.max_send = _ANY_LENGTH
        self.replies: list[bytes] = []
        self.ended = False
        self.failure = ""
        self.may_speak = False
        self._first = _BINARY if binary else _TEXT
        self.heads: list[bytes] = [] if extensions else _HEADS[self._first]
        self._limits = limits
        self._most = limits.message_size
        self._extensions = extensions
        self._both = both
        self._library: ServerProtocol | None = None
        self._rest: bytearray | None = None  # the beginning of a frame that is not complete
        self._expected = 0
        self._parts: list[bytes] | None = None  # the fragments of a message so far
        self._fragments = 0
        self._utf8: codecs.IncrementalDecoder | None = None
        if extensions:
            self._wake()

    @property
    def share(self) -> str | None:
        """Compressed frames depend on those before them, and cannot be shared."""
        return None if self._extensions else "websocket"

    def narrow(self, size: int) -> None:
        """Take no message of more than ``size`` bytes, after decompression."""
        self._bound(min(size, self._limits.message_size))

    def widen(self) -> None:
        """Take from now on what was agreed."""
        self._bound(self._limits.message_size)

    def _bound(self, size: int) -> None:
        self._most = size
        if self._library is not None:
            self._library.max_message_size = size

    def feed(self, data: bytes | bytearray) -> list[bytes]:
        """Take what was received; give the payloads of the messages that are complete."""
        messages: list[bytes] = []
        if self.ended:
            return messages
        if self._rest is not None:
            self._rest += data
            if len(self._rest) < self._expected:
                return messages
            data = self._rest
            self._rest = None
        size = len(data)
        position = 0
        first = self._first
        limit = self._most
        fast = self._library is None
        while size - position >= 2:
            length = data[position + 1] - 0x80
            if fast and 0 <= length < 0x7E and data[position] == first:
                # What nearly all messages are, short ones, in as few steps as can be; what is odd is left to those below.
                start = position + 6
                end = start + length
                if end <= size and length <= limit:
                    messages.append(apply_mask(data[start:end], data[position + 2 : start]))
                    position = end
                    continue
            length = data[position + 1]
            if length < 0xFE:
                start = position + 6
                length &= 0x7F
            elif length == 0xFE:
                start = position + 8
                length = data[position + 2] << 8 | data[position + 3] if start <= size else 0
            else:
                start = position + 14
                length = int.from_bytes(data[position + 2 : position + 10], "big")
            if start > size:
                break  # the header is not complete
            end = start + length
            if fast and data[position] == first and data[position + 1] > 0x7F and length <= limit:
                if end > size:
                    self._wait(data, position, end)
                    return messages
                if length < _LARGE:
                    messages.append(apply_mask(data[start:end], data[start - 4 : start]))
                else:
                    messages.append(apply_mask(memoryview(data)[start:end], data[start - 4 : start]))
            else:
                if not self._acceptable(data[position], data[position + 1], length):
                    if self._slow(bytes(data[position:start]), messages):  # it says with which code, if it knows yet
                        self.fail(1002, "a frame with a malformed header")
                    return messages
                if end > size:
                    self._wait(data, position, end)
                    return messages
                if not self._slow(bytes(data[position:end]), messages):
                    return messages
                fast = self._library is None
            position = end
        if position < size:
            # An unmasked short frame may be complete with less than a masked header: let the library see it.
            if size - position >= 2 and data[position + 1] < 0x80:
                self._slow(bytes(data[position:]), messages)
            else:
                self._wait(data, position, position + self._header_size(data, position))
        return messages

    def frame(self, payload: bytes) -> bytes:
        """One message, framed (and compressed, if that was negotiated)."""
        if self._extensions:
            library = None if self.ended and not self.may_speak else self._wake()
            if library is None or library.state is not OPEN:
                return b""
            if self._first == _TEXT:
                library.send_text(payload)
            else:
                library.send_binary(payload)
            return b"".join(library.data_to_send())
        length = len(payload)
        if length < 126:
            return _HEADS[self._first][length] + payload
        return self.head(length) + payload

    def head(self, length: int) -> bytes:
        """What goes before a message of so many bytes, which is not compressed."""
        if length < 126:
            return _HEADS[self._first][length]
        if length < 65536:
            return _head_of_2(self._first, 126, length)
        return _head_of_8(self._first, 127, length)

    def frame_other(self, payload: bytes) -> bytes:
        """One message of the other type, framed."""
        first = self._first
        self._first = _BINARY if first == _TEXT else _TEXT
        try:
            return self.frame(payload)
        finally:
            self._first = first

    def ping(self, payload: bytes) -> bytes:
        """A ping that carries ``payload`` (at most 125 bytes)."""
        return bytes((_PING, len(payload))) + payload

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake; what the peer still sends is ignored."""
        if self.ended and not self.may_speak:
            return
        library = self._wake()
        if library.state is OPEN:
            encoded = reason.encode()[:123]
            library.send_close(code, encoded.decode(errors="ignore"))
            self._collect(library)

    def fail(self, code: int, why: str) -> None:
        """Fail the connection: close with ``code`` without waiting for the peer."""
        if self.ended and not self.may_speak:
            return
        library = self._wake()
        library.fail(code, why[:100])
        self.failure = self.failure or why
        self._collect(library)

    def release(self) -> None:
        """Let go of everything."""
        self.ended = True
        self.may_speak = False
        self._rest = None
        self._parts = None
        self._let_go()

    # ---------------------------------------------------------------------------------------------- the slow path

    def _slow(self, frame: bytes, messages: list[bytes]) -> bool:
        """Read one frame, the library's help included; whether more may follow."""
        library = self._library
        if frame[0] in _KEEP_ALIVE and 0x80 <= frame[1] <= 0xFD and (library is None or library.state is OPEN):
            if frame[0] == _PING:  # what keeps idle connections alive is not worth a library's protocol each time
                payload = apply_mask(frame[6:], frame[2:6])
                self.replies.append(bytes((_PONG, len(payload))) + payload)
            return True
        library = self._wake()
        if frame[0] == _CLOSE:  # which may come amid fragments (RFC 6455, section 5.4), what the library does not allow
            library.current_size = None
            self._parts = None
        library.receive_data(frame)
        for event in library.events_received():
            if isinstance(event, Frame):
                self._event(event, messages)
            if self.ended:
                break
        if library.parser_exc is not None and not self.failure:
            self.failure = str(library.parser_exc)
        self._collect(library)
        if self.ended or (not self._extensions and library.current_size is None and library.state is OPEN):
            self._let_go()
        return not self.ended

    def _event(self, frame: Frame, messages: list[bytes]) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._parts = []
            self._fragments = 0
            self._utf8 = codecs.getincrementaldecoder("utf-8")() if opcode is Opcode.TEXT else None
        elif opcode is not Opcode.CONT:
            return  # the library has answered it
        if self._library is not None and self._library.state is not OPEN:
            return  # we have said that we are closing
        self._fragments += 1
        if self._fragments > self._limits.fragments:
            self.fail(1009, f"more than {self._limits.fragments} fragments")
            return
        data = bytes(frame.data)
        if self._utf8 is not None:
            try:
                self._utf8.decode(data, frame.fin)
            except UnicodeDecodeError:
                self.fail(1007, "text that is not UTF-8")
                return
        assert self._parts is not None, "the library refuses a continuation of nothing"
        self._parts.append(data)
        if frame.fin:
            payload = b"".join(self._parts)
            self._parts = None
            is_text = self._utf8 is not None
            self._utf8 = None
            if is_text == (self._first == _TEXT):
                messages.append(payload)
            elif self._both:
                messages.append(OtherType(payload))
            else:
                self.failure = f"{'text' if is_text else 'binary'} frames are not for this subprotocol"
                self.may_speak = self.ended = True

    def _wake(self) -> ServerProtocol:
        library = self._library
        if library is None:
            library = ServerProtocol(state=OPEN, max_size=self._most, logger=QUIET)
            library.extensions = self._extensions or []
            self._library = library
        return library

    def _let_go(self) -> None:
        """Let go of the library's protocol, which refers to itself: see `forget`."""
        if self._library is not None:
            forget(self._library)
            self._library = None

    def _collect(self, library: ServerProtocol) -> None:
        for data in library.data_to_send():
            if data:
                self.replies.append(data)
            else:
                self.ended = True  # the library's mark for the end of the stream

    def _acceptable(self, head: int, masked_length: int, length: int) -> bool:
        """Whether a frame with this header is worth reading on."""
        opcode = head & 0x0F
        if masked_length < 0x80 or opcode not in _OPCODES or head & 0x30:
            return False
        if head & _COMPRESSED and not (self._extensions and opcode in (Opcode.TEXT, Opcode.BINARY)):
            return False
        if head & 0x08:
            return head & 0x80 != 0 and length <= 125
        collected = self._library.current_size if self._library is not None else None
        return length <= self._most - (collected or 0)

    def _wait(self, data: bytes | bytearray, begin: int, end: int) -> None:
        """Keep what there is of something that begins and ends at these positions of ``data``."""
        self._rest = bytearray(memoryview(data)[begin:])
        self._expected = end - begin

    @staticmethod
    def _header_size(data: bytes | bytearray, position: int) -> int:
        """How many bytes a masked frame's header has, as far as its first two tell."""
        if len(data) - position < 2:
            return 2
        length = data[position + 1] & 0x7F
        return 6 if length < 126 else 8 if length == 126 else 14
