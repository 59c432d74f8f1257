"""One connection after its handshake: bytes in from Twisted, bytes out to the socket, and its clocks.

Rules
-----
* What is sent goes straight to the socket while nothing is queued. What the socket does not take waits in one queue of
  this object, bounded in bytes and in time; Twisted's own buffer never holds more than one chunk of it.
* While more than ``HIGH_WATER`` waits, nothing is read from this peer. A queue over its bound, or one that makes no progress
  for too long, ends the connection (or, by policy, makes the session deaf to events).
* A peer that is silent for one interval is pinged, and is gone if it does not answer in time.
* Closing never waits for ever: ``close_timeout`` after the last word the connection is dropped.

Sources: RFC 6455 sections 5.5 and 7; WAMP advanced profile, "RawSocket Transport".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct
from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.internet.protocol import Protocol as TwistedProtocol
from zope.interface import implementer

from wampd.router.wheel import Wheel
from wampd.router.wire.framing import Framing

CHUNK = 2**18
HIGH_WATER = 2**20
NEVER = 3600.0


class Pace(Struct, frozen=True):
    """Times in seconds and sizes in bytes that a connection keeps to."""

    ping_interval: float = 30.0
    ping_timeout: float = 10.0
    close_timeout: float = 5.0
    send_queue: int = 16 * 2**20
    send_stall: float = 10.0


class Peer(Protocol):
    """What a connection serves: it takes messages, and hears when there is no connection any more."""

    deadline: float | None
    """When (monotonic seconds) `late` is to be called; `None`: never."""

    def receive(self, payloads: list[bytes]) -> None:
        """Take messages."""
        ...

    def late(self) -> None:
        """The deadline has passed."""
        ...

    def congested(self, is_congested: bool) -> bool:
        """Too much waits to be sent, or no more; whether the connection may go on although too much does."""
        ...

    def failed(self, why: str) -> None:
        """The peer's bytes were refused by the framing."""
        ...

    def lost(self, why: str) -> None:
        """The connection is gone. Called once, last."""
        ...


@implementer(IPushProducer, IPullProducer)
class Connection(TwistedProtocol):
    """The Twisted protocol of a connection whose handshake is done."""

    peer: Peer
    transport: Any

    def __init__(self, framing: Framing, pace: Pace, wheel: Wheel, on_lost: Callable[[Connection], None]) -> None:
        """``on_lost`` is told when the connection is gone."""
        self.framing = framing
        self._pace = pace
        self._wheel = wheel
        self._on_lost = on_lost
        self._queue: deque[bytes] | None = None  # None: nothing waits, the socket takes more
        self._queued = 0
        self._progress = 0.0  # when the socket last took something of the queue
        self._send: Callable[[bytes], int] | None = None  # the socket's own, where there is no TLS
        self._paused = False  # TLS: the transport below wants no more
        self._reading = True
        self._heard = True
        self._ping_sent = 0.0  # 0: none is out
        self._closing_since = 0.0
        self._finished = False  # nothing more is sent
        self._why = ""
        self._over = False
        self.slot = 0

    # ----------------------------------------------------------------------------------------------------- receiving

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Start the clocks and find the shortest way out."""
        if hasattr(self.transport, "socket") and hasattr(self.transport, "writeSomeData"):
            self._send = self.transport.socket.send
        else:
            self.transport.registerProducer(self, True)
        self._wheel.watch(self, self._pace.ping_interval or NEVER)
        if self.peer.deadline is not None:
            self._wheel.wake(self, self.peer.deadline)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take what was read."""
        self._heard = True
        framing = self.framing
        payloads = framing.feed(data)
        if payloads and not self._closing_since:
            self.peer.receive(payloads)
        if framing.replies:
            replies = framing.replies[:]
            framing.replies.clear()
            self.write(b"".join(replies))
        if framing.ended and not self._closing_since:
            if framing.failure:
                self.peer.failed(framing.failure)
            self._finish(framing.failure or "closed by the peer")
        elif framing.ended:
            self._finish(self._why)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        """Tell the peer object, once."""
        if self._over:
            return
        self._over = True
        self._wheel.forget(self)
        self._queue = None
        self._send = None
        self._on_lost(self)
        why = self._why or (reason.getErrorMessage() if reason is not None else "")
        self.peer.lost(why)

    # ------------------------------------------------------------------------------------------------------- sending

    @property
    def writable(self) -> bool:
        """Whether what is written still has a chance to be sent."""
        return not (self._finished or self._over)

    def write(self, data: bytes) -> None:
        """Send bytes that are framed already."""
        if self._finished or self._over or not data:
            return
        queue = self._queue
        if queue is None:
            send = self._send
            if send is not None:
                try:
                    sent = send(data)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    return  # reading reports the loss
                if sent == len(data):
                    return
                data = data[sent:]
                self._queue = deque((data,))
                self._queued = len(data)
                self._progress = self._wheel.now()
                self._wheel.wake(self, self._progress + self._pace.send_stall)
                self.transport.registerProducer(self, False)  # calls resumeProducing
                return
            if not self._paused:
                self.transport.write(data)
                return
            self._queue = queue = deque()
            self._progress = self._wheel.now()
            self._wheel.wake(self, self._progress + self._pace.send_stall)
        queue.append(data)
        self._queued += len(data)
        if self._queued > HIGH_WATER:
            self._watermark()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """TLS: the transport has enough."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The transport takes more: the next chunk (plain), or all until it pauses again (TLS)."""
        self._paused = False
        queue = self._queue
        if queue is not None:
            self._progress = self._wheel.now()
            while queue and not self._paused:
                chunk = self._next_chunk(queue)
                self._queued -= len(chunk)
                self.transport.write(chunk)
                if self._send is not None:
                    break
            else:
                if not queue:
                    self._emptied()
            if self._queued <= HIGH_WATER // 2 and not self._reading:
                self._reading = True
                self.transport.resumeProducing()
                self.peer.congested(False)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The transport is gone: `connectionLost` follows."""

    def close(self, code: int, reason: str) -> None:
        """Send what waits, say goodbye in the framing's way, and close; drop the connection if that takes too long."""
        if self._over or self._closing_since:
            return
        self._why = reason
        framing = self.framing
        framing.close(code, reason)
        if framing.replies:
            replies = framing.replies[:]
            framing.replies.clear()
            self.write(b"".join(replies))
        self._closing_since = self._wheel.now()
        self._wheel.wake(self, self._closing_since + self._pace.close_timeout)
        if framing.ended:
            self._finish(reason)

    def abort(self, why: str) -> None:
        """Drop the connection now."""
        if not self._over:
            self._why = self._why or why
            self.transport.abortConnection()

    def wake(self, at: float) -> None:
        """The peer object has a new deadline."""
        self._wheel.wake(self, at)

    # -------------------------------------------------------------------------------------------------------- clocks

    def tick(self, now: float, stalled: bool) -> float:
        """See what is due; return when to be asked again. ``stalled``: the router itself was late, so be patient."""
        pace = self._pace
        if self._closing_since:
            if now >= self._closing_since + pace.close_timeout:
                self.abort(self._why)
            return self._closing_since + pace.close_timeout
        due = now + (pace.ping_interval or NEVER)
        if self._queue is not None:
            if now >= self._progress + pace.send_stall and not stalled:
                if not self.peer.congested(True):
                    self._too_slow(f"nothing was read for {pace.send_stall:g} s")
                    return now + pace.close_timeout
                self._progress = now
            due = min(due, self._progress + pace.send_stall)
        deadline = self.peer.deadline
        if deadline is not None:
            if now >= deadline:
                self.peer.late()
                return now + pace.close_timeout
            due = min(due, deadline)
        if self._heard or not self._reading or not pace.ping_interval:
            self._heard = False
            self._ping_sent = 0.0
        elif not self._ping_sent or stalled:
            self._ping_sent = now
            self.write(self.framing.ping(b"wampd"))
            due = min(due, now + pace.ping_timeout)
        elif now >= self._ping_sent + pace.ping_timeout:
            self.abort("no answer to a ping")
        else:
            due = min(due, self._ping_sent + pace.ping_timeout)
        return due

    # --------------------------------------------------------------------------------------------------- in the small

    def _next_chunk(self, queue: deque[bytes]) -> bytes:
        chunk = queue.popleft()
        if len(chunk) > CHUNK:
            queue.appendleft(chunk[CHUNK:])
            return chunk[:CHUNK]
        if queue and len(chunk) < CHUNK // 2:
            pieces, size = [chunk], len(chunk)
            while queue and size + len(queue[0]) <= CHUNK:
                piece = queue.popleft()
                pieces.append(piece)
                size += len(piece)
            return b"".join(pieces)
        return chunk

    def _emptied(self) -> None:
        self._queue = None
        if self._send is not None:
            self.transport.unregisterProducer()
        if self._closing_since and self.framing.ended:
            self._finish(self._why)

    def _watermark(self) -> None:
        if self._reading:
            self._reading = False
            self.transport.pauseProducing()
        bound = self._pace.send_queue
        if self._queued > bound and (not self.peer.congested(True) or self._queued > 2 * bound):
            self._too_slow(f"more than {bound} bytes waited to be read")

    def _too_slow(self, why: str) -> None:
        """End a connection that cannot be told anything: its last word would wait behind all the rest."""
        self.peer.failed(f"slow consumer: {why}")
        self._queue = deque()
        self._queued = 0
        self.framing.close(1008, "wamp.close.slow_consumer")
        self.framing.replies.clear()
        self._finished = True
        self.abort(f"slow consumer: {why}")

    def _finish(self, why: str) -> None:
        """Send nothing more once the queue is empty; read and drop what the peer still sends, until it closes.

        Closing on unread bytes would reset the connection, and our last word would be lost with it.
        """
        self._why = self._why or why
        if not self._closing_since:
            self._closing_since = self._wheel.now()
            self._wheel.wake(self, self._closing_since + self._pace.close_timeout)
        if self._queue is None and not self._finished:
            self._finished = True
            if self._send is None:
                self.transport.unregisterProducer()
                self.transport.loseConnection()
            else:
                self._send = None
                self.transport.loseWriteConnection()
