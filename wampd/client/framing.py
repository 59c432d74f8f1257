"""A client's side of the two framings, without I/O: opening handshake, messages, keep-alive, closing.

Rules
-----
* RawSocket: the client speaks first, four octets (``7F LS 00 00``); the frames after that are the router's own code.
* WebSocket: the `websockets` library's sans-I/O protocol does all of it: it masks, answers pings, and checks the handshake.
  The one subprotocol that is asked for must be the one that is agreed.
* ``feed`` never raises on what comes: ``failure`` says what was wrong, ``ended`` that nothing more is read.

Sources: WAMP advanced profile, "RawSocket Transport"; basic profile, "WebSocket Transport"; RFC 6455.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final, Protocol

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHeader, InvalidMessage, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from wampd.client.errors import one_line
from wampd.client.speech import NUMBERS, Speech
from wampd.client.urls import Url
from wampd.router.wire.rawsocket import HANDSHAKE_SIZE, MAGIC, HandshakeError, RawSocketFraming, limit_exponent

MESSAGE_SIZE: Final = 2**24
"""Bytes of the longest message that is taken."""

_QUIET: Final = logging.getLogger("wampd.client.websocket")
_QUIET.disabled = True  # what is wrong is told by who uses this

_REFUSALS: Final = {
    HandshakeError.SERIALIZER_UNSUPPORTED: "it does not speak {serializer} there; try another --serializer",
    HandshakeError.MAX_LENGTH_UNACCEPTABLE: "it does not take our limit on the length of messages",
    HandshakeError.RESERVED_BITS: "it knows another RawSocket than we do",
    HandshakeError.TOO_MANY_CONNECTIONS: "it has too many connections already",
}


class ClientFraming(Protocol):
    """Bytes of a connection to messages and back."""

    opened: bool
    """The opening handshake is done: messages may be sent."""
    ended: bool
    failure: str
    replies: list[bytes]
    """What the framing itself wants sent; who uses it takes it after every call."""

    def hello(self) -> bytes:
        """What a client sends first."""
        ...

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was received, give the messages that are complete; ``b""``: there will be no more."""
        ...

    def frame(self, payload: bytes) -> bytes:
        """One message, framed. Raise `ValueError` if it is longer than the router takes."""
        ...

    def ping(self) -> bytes:
        """A ping."""
        ...

    def close(self) -> bytes:
        """The last bytes to send."""
        ...


class RawSocketClient:
    """RawSocket."""

    def __init__(self, speech: Speech) -> None:
        self.opened = False
        self.ended = False
        self.failure = ""
        self.replies: list[bytes] = []
        self._speech = speech
        self._head = b""
        self._frames: RawSocketFraming | None = None

    def hello(self) -> bytes:
        """Our four octets."""
        octet = limit_exponent(MESSAGE_SIZE) << 4 | NUMBERS[self._speech.serializer]
        return bytes((MAGIC, octet, 0, 0))

    def feed(self, data: bytes) -> list[bytes]:
        """Take the router's four octets, and frames after that."""
        if self.ended:
            return []
        if not data:
            self._fail(
                ""
                if self.opened
                else "the router hung up in the handshake; does it take RawSocket there (rawsocket: {})?"
            )
            return []
        frames = self._frames
        if frames is None:
            self._head += data
            frames = self._frames = self._open()
            if frames is None:
                return []
            self.opened = True
            data, self._head = self._head[HANDSHAKE_SIZE:], b""
        messages = frames.feed(data)
        self.replies += frames.replies
        frames.replies.clear()
        self.ended, self.failure = frames.ended, frames.failure
        return messages

    def _open(self) -> RawSocketFraming | None:
        """Read the handshake, if it is there."""
        head = self._head[:HANDSHAKE_SIZE]
        if head and head[0] != MAGIC:
            is_http = head.startswith(b"HTTP"[: len(head)])
            hint = "; it answers in HTTP, so try a ws: URL" if is_http else ""
            self._fail(f"who answers does not speak RawSocket{hint}")
            return None
        if len(head) < HANDSHAKE_SIZE:
            return None
        serializer = head[1] & 0x0F
        if not serializer:
            text = "it gives the error {code}"
            if head[1] >> 4 in set(HandshakeError):
                text = _REFUSALS[HandshakeError(head[1] >> 4)]
            self._fail(f"the router refused: {text.format(serializer=self._speech.serializer, code=head[1] >> 4)}")
            return None
        if serializer != NUMBERS[self._speech.serializer] or head[2] or head[3]:
            self._fail("the router's RawSocket handshake is not an answer to ours")
            return None
        return RawSocketFraming(max_send=2 ** (9 + (head[1] >> 4)), message_size=MESSAGE_SIZE)

    def frame(self, payload: bytes) -> bytes:
        """One message, framed."""
        assert self._frames is not None
        if len(payload) > self._frames.max_send:
            raise ValueError(f"a message of {len(payload)} bytes; the router takes {self._frames.max_send}")
        return self._frames.frame(payload)

    def ping(self) -> bytes:
        """A ping."""
        return b"" if self._frames is None else self._frames.ping(b"ping")

    def close(self) -> bytes:
        """RawSocket just ends."""
        self.ended = True
        return b""

    def _fail(self, why: str) -> None:
        self.failure = why
        self.ended = True


class WebSocketClient:
    """WebSocket."""

    def __init__(self, speech: Speech, url: Url, headers: Mapping[str, str]) -> None:
        """``headers`` are more of the request's."""
        self.opened = False
        self.ended = False
        self.failure = ""
        self.replies: list[bytes] = []
        self._subprotocol = f"wamp.2.{speech.serializer}"
        self._headers = headers
        self._secure = url.secure
        self._binary = speech.binary
        self._parts: list[bytes] = []
        path, _, query = url.resource.partition("?")
        self._library = ClientProtocol(
            WebSocketURI(url.secure, url.host or "localhost", url.port or 80, path, query),
            subprotocols=[Subprotocol(self._subprotocol)],
            max_size=MESSAGE_SIZE,
            logger=_QUIET,
        )

    def hello(self) -> bytes:
        """The request."""
        request = self._library.connect()
        for name, value in self._headers.items():
            request.headers[name] = value
        self._library.send_request(request)
        return b"".join(self._library.data_to_send())

    def feed(self, data: bytes) -> list[bytes]:
        """Take the response, and frames after that."""
        if self.ended:
            return []
        if data:
            self._library.receive_data(data)
        else:
            self._library.receive_eof()
        return self._collect()

    def _collect(self) -> list[bytes]:
        library = self._library
        messages: list[bytes] = []
        for event in library.events_received():
            if isinstance(event, Response):
                self._answered(event)
            elif isinstance(event, Frame):
                self._take(event, messages)
        for data in library.data_to_send():
            if data:
                self.replies.append(data)
            else:
                self.ended = True
        if library.handshake_exc is not None:
            self.failure = self.failure or _refusal(library.handshake_exc, secure=self._secure)
            self.ended = True
        elif library.parser_exc is not None:
            self.failure = self.failure or f"what came is no WebSocket: {one_line(str(library.parser_exc))}"
            self.ended = True
        elif library.state is State.CLOSING and library.close_rcvd is not None:
            self.ended = True
            if not self.failure and library.close_rcvd.code not in (1000, 1001, 1005):
                reason = one_line(library.close_rcvd.reason) or "no reason given"
                self.failure = f"closed with code {library.close_rcvd.code}: {reason}"
        return messages

    def _answered(self, _response: Response) -> None:
        if self._library.state is not State.OPEN:
            return
        if self._library.subprotocol != self._subprotocol:
            self.failure = f"the server at this path does not speak {self._subprotocol}"
            self.ended = True
            return
        self.opened = True

    def _take(self, frame: Frame, messages: list[bytes]) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._parts = []
            if (frame.opcode is Opcode.BINARY) is not self._binary:
                self.failure = "text came where binary was agreed, or the reverse"
                self.ended = True
        elif frame.opcode is not Opcode.CONT:
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            messages.append(b"".join(self._parts))
            self._parts = []

    def frame(self, payload: bytes) -> bytes:
        """One message, framed and masked."""
        if self._library.state is not State.OPEN:
            return b""
        if self._binary:
            self._library.send_binary(payload)
        else:
            self._library.send_text(payload)
        return b"".join(self._library.data_to_send())

    def ping(self) -> bytes:
        """A ping."""
        if self._library.state is not State.OPEN:
            return b""
        self._library.send_ping(b"ping")
        return b"".join(self._library.data_to_send())

    def close(self) -> bytes:
        """A close frame."""
        if self._library.state is not State.OPEN:
            return b""
        self._library.send_close(1000)
        return b"".join(self._library.data_to_send())


def _refusal(error: Exception, *, secure: bool) -> str:
    """What the library says of a handshake that failed, in a line."""
    if isinstance(error, InvalidStatus):
        response = error.response
        lines = (response.body or b"").decode("utf-8", "replace").strip().splitlines()
        shown = f": {one_line(lines[0], 200).rstrip('.')}" if lines and "<" not in lines[0] else ""
        return f"the server answered {response.status_code} {one_line(response.reason_phrase, 80)}{shown}{_hint(error)}"
    if isinstance(error, InvalidMessage):
        hint = "" if secure else "; if there is TLS on that port, the URL begins with wss:"
        return f"who answers does not speak WebSocket{hint}"
    if isinstance(error, InvalidHeader):
        return f"the server's answer is no WebSocket: {one_line(str(error), 200)}"
    return f"the WebSocket handshake failed: {one_line(str(error), 200)}"


def _hint(error: InvalidStatus) -> str:
    """What to do about a refusal."""
    match error.response.status_code:
        case 200 | 404:  # another page, or none
            return "; is the path right? It often is /ws"
        case 400 if b"subprotocol" in (error.response.body or b""):
            return "; try another --serializer"
    return ""
