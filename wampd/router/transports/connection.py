"""One connection after its handshake: bytes in from Twisted, bytes out to the socket, and its clocks.

Rules
-----
* What is sent goes straight to the socket while nothing is queued. What the socket does not take waits in one queue of
  this object, bounded in bytes and in time; Twisted's own buffer never holds more than one chunk of it.
* While more than `HIGH_WATER` waits, nothing is read from this peer, nor while what it said has to wait (`Connection.hold`).
  A queue over its bound, or one that makes no progress for too long, ends the connection (or, by policy, makes the session
  deaf to events).
* Who is too slow but still reads is told so: what the socket has seen nothing of is dropped, and the goodbye follows the end
  of the frame under way. Who reads nothing at all is cut off.
* The peer is pinged every interval, and is gone if nothing at all is heard of it in time; not while its own answers may wait
  behind a queue of ours or are not read, and not when it was the router that was late.
* Closing never waits for ever: ``close_timeout`` after the last word the connection is dropped. What it serves hears that
  it is over when the last word is said, not when the socket is gone.

Sources: RFC 6455 sections 5.5 and 7; WAMP advanced profile, "RawSocket Transport".
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, structs
from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.internet.protocol import Protocol as TwistedProtocol
from zope.interface import implementer

from wampd.router.transports.peer import NOBODY, Peer, see_deadline
from wampd.router.transports.queue import SendQueue
from wampd.router.wheel import Wheel
from wampd.router.wire.framing import Framing

HIGH_WATER: Final = 2**20
NEVER: Final = 3600.0
LOOKS: Final = 10
"""How often, within the time that it may stall, a queue is looked at."""

SLOW_CONSUMER: Final = "wamp.close.slow_consumer"
NO_ANSWER: Final = "no answer to a ping"
POLICY_VIOLATION: Final = 1008
"""WebSocket close code (RFC 6455, section 7.4.1)."""


class Pace(Struct, frozen=True):
    """Times in seconds and sizes in bytes that a connection keeps to."""

    ping_interval: float = 30.0
    """0: no pings."""
    ping_timeout: float = 10.0
    close_timeout: float = 5.0
    send_queue: int = 16 * 2**20
    send_stall: float = 10.0

    @property
    def high_water(self) -> int:
        """How much waits before reading stops."""
        return min(HIGH_WATER, self.send_queue)


@implementer(IPushProducer, IPullProducer)
class Connection(TwistedProtocol):
    """The Twisted protocol of a connection whose handshake is done."""

    peer: Peer
    transport: Any

    def __init__(self, framing: Framing, pace: Pace, wheel: Wheel, on_gone: Callable[[Connection], None]) -> None:
        """``on_gone`` is told when the socket is closed."""
        self.framing = framing
        self._pace = pace
        self._wheel = wheel
        self._on_gone = on_gone
        self._queue: SendQueue | None = None  # None: nothing waits, the socket takes more
        self._send: Callable[[bytes], int] | None = None  # the socket's own, where there is no TLS
        self._paused = False  # TLS: the transport below wants no more
        self._reading = True  # as far as what waits to be sent goes
        self._held = False  # nothing is read because what was read has to wait
        self._heard = False  # since the last ping
        self._ping_at = 0.0  # when the next one is sent
        self._ping_out = False  # one is, and nothing was heard yet
        self._closing_since = 0.0
        self._silent = False  # nothing more is written
        self._finished = False  # all that was written is sent, and the socket told so
        self._parted = False  # what is served knows that it is over
        self._gone = False
        self._why = ""
        self.slot = 0

    # ----------------------------------------------------------------------------------------------------- receiving

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Start the clocks and find the shortest way out."""
        # Asked of the class: TLS transports hand on any attribute of the socket's transport, which is not theirs to use.
        if hasattr(type(self.transport), "writeSomeData"):
            self._send = self.transport.socket.send
        else:
            self.transport.registerProducer(self, True)
        interval = self._pace.ping_interval or NEVER
        self._ping_at = self._wheel.now() + interval
        self._wheel.watch(self, interval)
        if self.peer.deadline is not None:
            self._wheel.wake(self, self.peer.deadline)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take what was read."""
        self._heard = True
        framing = self.framing
        payloads = framing.feed(data)
        if framing.replies and not framing.ended:
            self._reply()  # a pong may overtake answers to messages; a goodbye may not
        if payloads and not self._closing_since:
            self.peer.receive(payloads)
        if framing.replies:
            self._reply()
        if framing.ended:
            if framing.failure and not self._closing_since:
                if framing.may_speak:
                    self.peer.violated(framing.failure)
                else:
                    self.peer.failed(framing.failure)
            self._finish(framing.failure or "closed by the peer")

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        """Tell what is served, once."""
        if self._gone:
            return
        self._gone = self._silent = True
        self._wheel.forget(self)
        self._queue = None
        self._send = None
        self.framing.release()
        self._on_gone(self)
        self._part(self._why or (reason.getErrorMessage() if reason is not None else ""))

    # ------------------------------------------------------------------------------------------------------- sending

    @property
    def writable(self) -> bool:
        """Whether what is written still has a chance to be sent."""
        return not self._silent

    @property
    def queued(self) -> tuple[int, float]:
        """How many bytes wait to be sent, and since when any do (monotonic seconds)."""
        queue = self._queue
        return (0, 0.0) if queue is None else (queue.size + _waiting(self.transport), queue.since)

    def write(self, data: bytes) -> None:
        """Send bytes that are framed already; they end where a frame ends."""
        if self._silent or not data:
            return
        queue = self._queue
        sent = 0
        if queue is None:
            send = self._send
            if send is None:
                if not self._paused:
                    self.transport.write(data)
                    return
            else:
                try:
                    sent = send(data)
                except BlockingIOError:
                    sent = 0
                except OSError as error:
                    if error.errno != errno.ENOBUFS:
                        self.abort(f"cannot be written to: {error.strerror}")
                        return
                if sent == len(data):
                    return
            queue = self._begin_queue()
        queue.append(data, sent)
        if self._send is not None and not queue.passed:
            self.transport.registerProducer(self, False)  # calls resumeProducing
        if queue.size > self._pace.high_water:
            self._watermark(queue)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """TLS: the transport has enough."""
        self._paused = True
        if self._queue is None:
            self._begin_queue()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The transport takes more: the next chunk (plain), or all until it pauses again (TLS)."""
        self._paused = False
        queue = self._queue
        if queue is None:
            return
        while chunk := queue.take():
            self.transport.write(chunk)
            if self._send is not None or self._paused:
                break
        else:
            self._queue = None
            if self._send is not None:
                self.transport.unregisterProducer()
            if self._closing_since and self.framing.ended:
                self._finish(self._why)
        if not self._reading and queue.size <= self._pace.high_water // 2:
            self._reading = True
            if not self._held:
                self.transport.resumeProducing()
            if not self._parted:
                self.peer.congested(False)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The transport is gone: `connectionLost` follows."""

    def close(self, code: int, reason: str) -> None:
        """Send what waits, say goodbye in the framing's way, and close; drop the connection if that takes too long."""
        if self._gone or self._closing_since:
            return
        self._why = self._why or reason
        self._closing_since = self._wheel.now()
        self._wheel.wake(self, self._closing_since + self._pace.close_timeout)
        self.framing.close(code, reason)
        self._reply()
        self._silent = True
        if self.framing.ended:
            self._finish(reason)
        self._part(reason)

    def abort(self, why: str) -> None:
        """Drop the connection now."""
        if not self._gone:
            self._silent = True
            self._why = self._why or why
            self.transport.abortConnection()

    def hold(self, held: bool) -> None:
        """Read nothing more, or read again."""
        if held is not self._held and not self._gone:
            self._held = held
            if self._reading:
                (self.transport.pauseProducing if held else self.transport.resumeProducing)()

    def ping_every(self, interval: float, timeout: float) -> None:
        """Ping in this interval (0: never) from now on, and wait so long for the answer; both in seconds."""
        self._pace = structs.replace(self._pace, ping_interval=interval, ping_timeout=timeout)
        self._ping_out = False
        self._ping_at = self._wheel.now() + (interval or NEVER)
        self._wheel.wake(self, self._ping_at)

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
        due = self._keep_alive(now, stalled) if pace.ping_interval else now + NEVER
        queue = self._queue
        if queue is not None:
            left = queue.passed - _waiting(self.transport)
            if left != queue.seen or stalled:
                queue.seen = left
                queue.progress = now
            elif now >= queue.progress + pace.send_stall:
                # Who may miss events is not cut off for that; but who takes nothing for as long as a ping may take is gone.
                gone = (
                    pace.ping_interval
                    and now >= queue.progress + pace.send_stall + pace.ping_interval + pace.ping_timeout
                )
                if gone or not self.peer.congested(True):
                    self.peer.too_slow(f"nothing was read for {now - queue.progress:.0f} s")
                    self.abort(SLOW_CONSUMER)
                    return now + pace.close_timeout
            due = min(due, now + pace.send_stall / LOOKS)
        return see_deadline(self.peer, now, stalled, due)

    def _keep_alive(self, now: float, stalled: bool) -> float:
        """Ping, or see whether the last one was answered; return when to look again."""
        pace = self._pace
        if self._queue is not None or self._held or stalled:
            self._ping_out = False
            self._ping_at = max(self._ping_at, now + pace.ping_interval)
        elif self._ping_out and not self._heard:
            given_up = self._ping_at - pace.ping_interval + pace.ping_timeout
            if now >= given_up:
                self.peer.failed(NO_ANSWER)
                self.abort(NO_ANSWER)
            return given_up
        elif now >= self._ping_at:
            self._ping_out = True
            self._heard = False
            self._ping_at = now + pace.ping_interval
            self.write(self.framing.ping(b"wampd"))
            return now + pace.ping_timeout
        else:
            self._ping_out = False
        return self._ping_at

    # --------------------------------------------------------------------------------------------------- in the small

    def _reply(self) -> None:
        """Send what the framing itself has to say."""
        replies = self.framing.replies
        data = b"".join(replies)
        replies.clear()
        self.write(data)

    def _begin_queue(self) -> SendQueue:
        self._queue = queue = SendQueue(self._wheel.now())
        self._wheel.wake(self, queue.progress + self._pace.send_stall / LOOKS)
        return queue

    def _watermark(self, queue: SendQueue) -> None:
        if self._reading:
            self._reading = False
            if not self._held:
                self.transport.pauseProducing()
        bound = self._pace.send_queue
        if queue.size > bound and (not self.peer.congested(True) or queue.size > 2 * bound):
            self._too_slow(queue, f"more than {bound} bytes waited to be read")

    def _too_slow(self, queue: SendQueue, why: str) -> None:
        """End a connection that reads more slowly than it is sent to."""
        self.peer.too_slow(why)
        if self._closing_since:
            self.abort(SLOW_CONSUMER)
            return
        queue.cut()
        self.close(POLICY_VIOLATION, SLOW_CONSUMER)

    def _finish(self, why: str) -> None:
        """Send nothing more once the queue is empty; read and drop what the peer still sends, until it closes.

        Closing on unread bytes would reset the connection, and our last word would be lost with it.
        """
        self._why = self._why or why
        self._silent = True
        if not self._closing_since:
            self._closing_since = self._wheel.now()
            self._wheel.wake(self, self._closing_since + self._pace.close_timeout)
        if self._queue is None and not self._finished:
            self._finished = True
            if self._send is None:
                self.transport.unregisterProducer()
                self.transport.loseConnection()
            else:
                self.transport.loseWriteConnection()
        self._part(self._why)

    def _part(self, why: str) -> None:
        if not self._parted:
            self._parted = True
            peer, self.peer = self.peer, NOBODY  # which ends the circle of references between the two
            peer.lost(why)


def _waiting(transport: Any) -> int:
    """Bytes that Twisted has taken and the system has not."""
    if not hasattr(type(transport), "writeSomeData"):
        transport = getattr(transport, "transport", None)  # below TLS
    if not hasattr(transport, "dataBuffer"):
        return 0
    return len(transport.dataBuffer) - int(transport.offset) + int(transport._tempDataLen)
