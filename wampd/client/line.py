"""One connection on asyncio: a framing with a socket under it.

Rules
-----
* What is said in one turn of the loop is one write.
* Who does not take what is said is not listened to meanwhile: a router that asks for answers (PING, INVOCATION) and reads none
  of them costs no more memory than `MOST_UNSENT` and what was asked with one read.
* `Line.lost` is called once, whatever ended the connection, with what is to be said of it; empty: it just ended.
* Connecting, TLS and the framing's handshake have one deadline together.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Final

from wampd.client.errors import CannotConnect, one_line
from wampd.client.framing import ClientFraming, RawSocketClient, WebSocketClient
from wampd.client.speech import Speech
from wampd.client.tls import Trust, context, trouble
from wampd.client.urls import Url

HIGH_WATER: Final = 2**20
"""Bytes that wait for the socket from which on `Line.drained` waits."""
MOST_UNSENT: Final = 2**24
"""Bytes that wait for the socket from which on nothing is read; who publishes waits long before."""
NOBODY: Final = "nobody listens there; does the router run (wampd run), and at this address?"


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, framing: ClientFraming) -> None:
        self._framing = framing
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._room = asyncio.Event()
        self._room.set()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gone = asyncio.Event()
        self._is_deaf = False
        self.is_over = False
        self.heard: Callable[[bytes], None] = lambda _message: None
        """Takes each message."""
        self.lost: Callable[[str], None] = lambda _why: None
        """Is told the end."""

    # ---------------------------------------------------------------------------------------------- what a session does

    async def opened(self) -> None:
        """Wait for the end of the opening handshake. Raise `CannotConnect`."""
        await self._opened

    def send(self, payload: bytes) -> None:
        """Send a message. Raise `ValueError` if it is longer than the router takes."""
        if not self.is_over:
            self._write(self._framing.frame(payload))

    def ping(self) -> None:
        """See that the connection is alive, as far as the kernel's deadlines tell."""
        self._write(self._framing.ping())

    async def drained(self) -> None:
        """Wait while much of what was sent has not left."""
        if not self._room.is_set():
            await self._room.wait()

    def hang_up(self) -> None:
        """End the connection; what was sent still leaves, if the peer takes it."""
        if self._transport is not None and not self.is_over:
            self._write(self._framing.close())
            self._flush()
            self._transport.close()

    async def closed(self, patience: float = 0.0) -> None:
        """Wait until nothing is left of the connection, for so many seconds; then end it at once."""
        if self._transport is None:
            return
        if patience and not self._gone.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._gone.wait()
        if not self._gone.is_set():
            self._transport.abort()
            await self._gone.wait()

    # --------------------------------------------------------------------------------------------------- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the opening handshake."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._write(self._framing.hello())

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._take(data)

    def eof_received(self) -> bool:
        """The router will say no more."""
        self._take(b"")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """All is over."""
        self._gone.set()
        why = self._framing.failure
        if not why and isinstance(error, ssl.SSLError):
            why = trouble(error, "the router")
        elif not why and error is not None:
            why = str(getattr(error, "strerror", None) or type(error).__name__)
        self._end(why)

    def pause_writing(self) -> None:
        """The socket does not take more."""
        self._room.clear()

    def resume_writing(self) -> None:
        """It does again."""
        self._room.set()
        if self._is_deaf and self._transport is not None:
            self._is_deaf = False
            self._transport.resume_reading()

    # ------------------------------------------------------------------------------------------------------ in the small

    def _take(self, data: bytes) -> None:
        framing = self._framing
        messages = framing.feed(data)
        if framing.replies:
            self._write(b"".join(framing.replies))
            framing.replies.clear()
        if framing.opened and not self._opened.done():
            self._opened.set_result(None)
        for message in messages:
            self.heard(message)
        if framing.ended:
            self._flush()
            if self._transport is not None:
                self._transport.close()
            self._end(framing.failure)

    def _end(self, why: str) -> None:
        if self.is_over:
            return
        self.is_over = True
        self._room.set()
        if not self._opened.done():
            self._opened.set_exception(CannotConnect(why or "the router hung up in the handshake"))
        self.lost(why)

    def _write(self, data: bytes) -> None:
        if not data or self._transport is None:
            return
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
            if not self._is_deaf and self._transport.get_write_buffer_size() > MOST_UNSENT:
                self._is_deaf = True
                self._transport.pause_reading()
        self._out.clear()


async def open_line(url: Url, speech: Speech, trust: Trust, headers: Mapping[str, str]) -> Line:
    """Connect, and hold the opening handshake. Raise `CannotConnect`."""
    loop = asyncio.get_running_loop()

    def made() -> Line:
        if url.kind == "rawsocket":
            return Line(RawSocketClient(speech))
        return Line(WebSocketClient(speech, url, headers))

    secured = context(trust) if url.secure else None
    try:
        if url.socket:
            _, line = await loop.create_unix_connection(made, url.socket)
        else:
            _, line = await loop.create_connection(made, url.host, url.port, ssl=secured, happy_eyeballs_delay=0.25)
    except ssl.SSLError as error:
        raise CannotConnect(trouble(error, url.host)) from None
    except socket.gaierror as error:
        raise CannotConnect(f"no address for {url.host}: {error.strerror}") from None
    except ConnectionRefusedError:
        raise CannotConnect(NOBODY) from None
    except FileNotFoundError:
        raise CannotConnect("there is no such socket; does the router run?") from None
    except OSError as error:
        raise CannotConnect(_why(error, url)) from None
    try:
        await line.opened()
    except BaseException:
        await line.closed()
        raise
    return line


def _why(error: OSError, url: Url) -> str:
    """What an operating system's error says, without what asyncio puts round it."""
    if url.secure and isinstance(error, ConnectionError):
        return "the handshake of TLS was cut off; if there is no TLS on that port, the URL begins with ws: or rs:"
    if error.errno is not None and error.strerror and "Connect call failed" not in error.strerror:
        return error.strerror.lower()
    text = one_line(str(error))
    return NOBODY if "Connect call failed" in text else text or "the connection was cut"
