"""HTTP long-poll without HTTP: a transport that is not one connection, but the requests of a client, one after the other.

Rules
-----
* What is said waits in one queue, bounded in bytes, until a request of the client takes it: one message a request, or in
  batched protocols all that waits, up to `BATCH` bytes. One request may wait for messages at a time; after a while without any
  it is answered empty, so that neither side nor anybody between them takes the connection for dead.
* Whoever neither waits nor comes back in time is gone; so is one for whom more than the queue's bound waits (or it is made
  deaf to events, by policy). While more than the high-water mark waits, what the client sends is held, and `MOST_HELD` of it.
* What is served hears at once that it is over; the transport stays for the last words, but no longer than ``close_timeout``.
* The name of a transport is all that its client has to show, so it cannot be guessed: 192 random bits.
* Opening costs the client next to nothing, so those who have opened and not yet joined are bounded by themselves: a flood of
  them shuts out neither the sessions that are there nor clients of other transports.

Source: WAMP advanced profile, "HTTP Longpoll Transport".
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol

from msgspec import Struct

from wampd.realms.session import ProtocolViolation
from wampd.router.polling import NotOpened, Outcome, Receiver, Told
from wampd.router.transports.connection import NEVER, POLICY_VIOLATION, SLOW_CONSUMER, Pace
from wampd.router.transports.peer import NOBODY, Peer, see_deadline
from wampd.router.transports.upgrade import SUBPROTOCOLS, TEXT_SERIALIZERS, subprotocols
from wampd.router.wheel import SLOT, Wheel
from wampd.router.wire.batch import MOST_MESSAGES, SUFFIX, Batch, batch
from wampd.router.wire.framing import Framing
from wampd.router.wire.rawsocket import RawSocketFraming

MAX_MESSAGE: Final = 2**24
"""Bytes of the longest message to a client; nothing in HTTP bounds it."""
BATCH: Final = 2**20
"""Bytes of a batch of several messages: more than over WebSocket, as each costs the client a request."""
MOST_HELD: Final = 16
OVERHEAD: Final = 64
"""What a waiting message costs beside its bytes; else very many small ones would cost far more than the queue's bound."""
ID_SIZE: Final = 24
PROTOCOL_ERROR: Final = 1002
"""WebSocket close code (RFC 6455, section 7.4.1)."""


class LongPoll(Struct, frozen=True):
    """What a long-poll path speaks."""

    serializers: tuple[str, ...]
    batched: bool = True
    """Each serializer in batches, too, for clients that ask for it."""
    most: int = MOST_MESSAGES
    """Messages in a batch of the client's."""
    pace: Pace = Pace()
    poll_timeout: float = 10.0
    """Seconds until a request that waits for messages is answered empty."""
    absence_timeout: float = 30.0
    """Seconds without a request that waits, until the client counts as gone."""
    opening: int = 1000
    """How many may have opened a transport and not yet joined."""


class LongPollHouse(Protocol):
    """What stands behind the path."""

    def admit(self, address: str) -> bool:
        """Count a transport in; whether there is room for it."""
        ...

    def farewell(self, address: str) -> Callable[[LongPollLine], None]:
        """What an admitted transport calls when it is gone."""
        ...

    @property
    def is_starving(self) -> bool:
        """Whether there is too little memory for another client."""
        ...

    def refused(self) -> None:
        """Count a transport that was not opened."""
        ...

    def serve(self, connection: LongPollLine, serializer: str, about: dict[str, Any], since: float) -> Peer:
        """Make what serves a transport that speaks WAMP in this serialization; ``since``: when it was opened."""
        ...


class LongPollLine:
    """One transport, from its opening to its end."""

    peer: Peer

    def __init__(self, protocol: str, speaks: LongPoll, wheel: Wheel, on_gone: Callable[[LongPollLine], None]) -> None:
        """``protocol`` is that of WebSocket: ``wamp.2.json``, ``wamp.2.cbor.batched`` …"""
        self.id = secrets.token_urlsafe(ID_SIZE)
        self.protocol = protocol
        self.binary = SUBPROTOCOLS[protocol] not in TEXT_SERIALIZERS
        # Frames with a length in front are parted again without looking into messages, and shared with RawSocket.
        self.framing: Framing = RawSocketFraming(MAX_MESSAGE, MAX_MESSAGE)
        self._unframe = RawSocketFraming(MAX_MESSAGE, MAX_MESSAGE)
        batched = protocol.endswith(SUFFIX)
        self._batch: Batch | None = batch(text=not self.binary, most=speaks.most) if batched else None
        self._speaks = speaks
        self._pace = speaks.pace
        self._wheel = wheel
        self._on_gone = on_gone
        self._queue: deque[bytes] = deque()
        self._size = 0
        self._congested = False  # what is served knows that too much waits, and goes on
        self._held: deque[tuple[bytes, Told]] = deque()
        self._halted = False  # what was let in has to wait
        self._waiter: Receiver | None = None
        self._patience = 0.0  # until when it waits
        self._seen = wheel.now()  # when the client last showed that it is there
        self._closing_since = 0.0
        self._broken = False  # closed for a violation
        self._gone = False
        self._why = ""
        self.slot = 0

    def start(self) -> None:
        """Start the clocks; what is served is there."""
        self._wheel.watch(self, self._speaks.absence_timeout)
        if self.peer.deadline is not None:
            self._wheel.wake(self, self.peer.deadline)

    # ------------------------------------------------------------------------------------------------ the client's end

    def send(self, body: bytes, told: Told) -> None:
        """Take a message or a batch of the client's."""
        if self._gone or self._closing_since:
            told(Outcome.GONE, self._why)
        elif not self._held and not self._halted and self._size <= self._pace.high_water:
            self._serve(body, told)
        elif len(self._held) < MOST_HELD:
            self._held.append((body, told))
        else:
            told(Outcome.CROWDED, "receive what waits for you first")

    def receive(self, receiver: Receiver) -> bool:
        """Give the client what waits, at once or when there is something; `False`: another of its requests waits already."""
        if self._gone:
            receiver.gone(self._why)
            return True
        if self._waiter is not None:
            return False
        self._waiter = receiver
        if self._queue:
            self._deliver(receiver)
        else:
            self._patience = self._wheel.now() + self._speaks.poll_timeout
            self._wheel.wake(self, self._patience)
        if self._held:
            self._let_in()
        return True

    def abandon(self, receiver: Receiver) -> None:
        """The client is not there any more that asked with ``receiver``."""
        if self._waiter is receiver:
            self._waiter = None
            self._seen = self._wheel.now()
            self._wheel.wake(self, self._seen + self._speaks.absence_timeout)

    def hang_up(self) -> None:
        """The client closes the transport."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.nothing()
        self._end("closed by the client")

    def _serve(self, body: bytes, told: Told) -> None:
        if not self._queue:
            self._seen = self._wheel.now()
        try:
            payloads = [body] if self._batch is None else self._batch.split(body)
        except ProtocolViolation as violation:
            self.peer.violated(str(violation))
        else:
            self.peer.receive(payloads)
        if self._broken:
            told(Outcome.INVALID, self._why)
        else:
            told(Outcome.TAKEN, "")

    def _let_in(self) -> None:
        """Serve some of what was held, in order, if there is room for answers; those come at the end of the turn."""
        room = self._pace.high_water // 2 - self._size
        if room < 0 or self._halted:
            return  # until something is received, or nothing has to wait any more
        while self._held and room >= 0 and not self._halted:
            body, told = self._held.popleft()
            room -= len(body)
            self._serve(body, told)
        if self._held and room < 0:
            self._wheel.wake(self, self._wheel.now() + SLOT)  # if there are no answers, nobody comes to receive them

    # ------------------------------------------------------------------------------------------------ the router's end

    @property
    def writable(self) -> bool:
        """Whether what is written still has a chance to be received."""
        return not (self._closing_since or self._gone)

    @property
    def queued(self) -> tuple[int, float]:
        """How many bytes wait to be received, and since when the client has not been seen (monotonic seconds)."""
        return self._size, self._seen

    def write(self, data: bytes) -> None:
        """Keep what the router says until the client asks for it; it may be waiting."""
        if not self.writable:
            return
        for payload in self._unframe.feed(data):
            self._queue.append(payload)
            self._size += len(payload) + OVERHEAD
        if self._waiter is not None and self._queue:
            self._deliver(self._waiter)
        bound = self._pace.send_queue
        if self._size > bound:
            self._congested = self.peer.congested(True)
            if not self._congested or self._size > 2 * bound:
                self.peer.too_slow(f"more than {bound} bytes waited to be received")
                self._drop_queue()
                self.close(POLICY_VIOLATION, SLOW_CONSUMER)

    def close(self, code: int, reason: str) -> None:
        """End the transport when the client has received what waits, or after a time."""
        if not self.writable:
            return
        self._why = reason
        self._broken = code == PROTOCOL_ERROR
        self._closing_since = self._wheel.now()
        self._refuse_held()
        if self._queue:
            self._part(reason)
            self._wheel.wake(self, self._closing_since + self._pace.close_timeout)
        else:
            self._end(reason)

    def hold(self, held: bool) -> None:
        """Let nothing more in, or let it in again."""
        self._halted = held
        if self._held and not held:
            self._wheel.wake(self, self._wheel.now())

    def wake(self, at: float) -> None:
        """What is served has a new deadline."""
        self._wheel.wake(self, at)

    # -------------------------------------------------------------------------------------------------------- clocks

    def tick(self, now: float, stalled: bool) -> float:
        """See what is due; return when to be asked again. ``stalled``: the router itself was late, so be patient."""
        if self._closing_since:
            given_up = self._closing_since + self._pace.close_timeout
            if now >= given_up:
                self._end(self._why)
            return given_up
        if self._held:
            self._let_in()
        due = self._see_client(now, stalled)
        return see_deadline(self.peer, now, stalled, due)

    def _see_client(self, now: float, stalled: bool) -> float:
        """Whether the client waits or has been here of late; return when to look again."""
        waiter = self._waiter
        if waiter is not None:
            if now < self._patience:
                return self._patience
            self._waiter = None
            self._seen = now
            waiter.nothing()
        if stalled:
            self._seen = now
        due = self._seen + self._speaks.absence_timeout
        if now < due:
            return due
        why = f"nothing was received for {self._speaks.absence_timeout:g} s"
        if self._queue:
            self.peer.too_slow(why)
        else:
            self.peer.failed(why)
        self._end(why)
        return now + NEVER

    # --------------------------------------------------------------------------------------------------- in the small

    def _deliver(self, waiter: Receiver) -> None:
        self._waiter = None
        self._seen = self._wheel.now()
        waiter.deliver(self._take())
        if self._closing_since:
            if not self._queue:
                self._end(self._why)
        elif self._congested and self._size <= self._pace.high_water // 2:
            self._congested = False
            self.peer.congested(False)

    def _take(self) -> bytes:
        """What one request gets."""
        queue = self._queue
        if self._batch is None:
            body = queue.popleft()
            self._size -= len(body) + OVERHEAD
            return body
        taken = [queue.popleft()]
        room = BATCH - len(taken[0])
        while queue and len(queue[0]) <= room:
            room -= len(queue[0])
            taken.append(queue.popleft())
        self._size -= sum(map(len, taken)) + OVERHEAD * len(taken)
        return self._batch.join(taken)

    def _drop_queue(self) -> None:
        self._queue.clear()
        self._size = 0

    def _refuse_held(self) -> None:
        while self._held:
            _, told = self._held.popleft()
            told(Outcome.GONE, self._why)

    def _part(self, why: str) -> None:
        """Tell what is served that it is over, once."""
        peer, self.peer = self.peer, NOBODY  # which ends the circle of references between the two
        peer.lost(why)

    def _end(self, why: str) -> None:
        """There is no such transport any more."""
        if self._gone:
            return
        self._gone = True
        self._why = why
        self._wheel.forget(self)
        self._drop_queue()
        self._part(why)
        self._refuse_held()
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.gone(why)
        self._on_gone(self)


class LongPollPort:
    """The transports of one path."""

    def __init__(self, speaks: LongPoll, house: LongPollHouse, wheel: Wheel) -> None:
        self._speaks = speaks
        self._house = house
        self._wheel = wheel
        self._lines: dict[str, LongPollLine] = {}
        self._opening: set[LongPollLine] = set()

    def open(
        self, offered: Sequence[str], address: str, more: Mapping[str, Any] = MappingProxyType({})
    ) -> LongPollLine | NotOpened:
        """Open a transport, in the first protocol of the client's that is spoken here."""
        speaks, house = self._speaks, self._house
        spoken = subprotocols(speaks.serializers, batched=speaks.batched)
        protocol = next((each for each in offered if each in spoken), None)
        if protocol is None:
            house.refused()
            return NotOpened(f"no protocol in common; spoken here: {', '.join(spoken)}")
        if house.is_starving:
            house.refused()
            return NotOpened("no memory for more sessions", no_room=True)
        if not self._may_open() or not house.admit(address):
            house.refused()
            return NotOpened("too many transports", no_room=True)
        farewell = house.farewell(address)

        def gone(line: LongPollLine) -> None:
            del self._lines[line.id]
            self._opening.discard(line)
            farewell(line)

        line = LongPollLine(protocol, speaks, self._wheel, gone)
        about = {"type": "longpoll", "peer": address, "protocol": protocol, **more}
        line.peer = house.serve(line, SUBPROTOCOLS[protocol], about, self._wheel.now())
        self._lines[line.id] = line
        self._opening.add(line)
        line.start()
        return line

    def find(self, transport_id: str) -> LongPollLine | None:
        """The transport of this name, if there is one."""
        return self._lines.get(transport_id)

    def _may_open(self) -> bool:
        """Whether few enough are between opening and joining."""
        if len(self._opening) >= self._speaks.opening:
            self._opening = {line for line in self._opening if not (line.peer.is_in and line.writable)}
        return len(self._opening) < self._speaks.opening
