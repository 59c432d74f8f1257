"""Clients in the router's own process, without sockets: for embedding the router, and for tests.

Rules
-----
* A client's messages pass through a codec as on any wire, so what it sends is checked like everybody's, and no value is
  shared between the two sides.
* What is sent in one call arrives as one read, in the next turn of the clock; what the router says arrives a turn later. So
  neither side ever calls into the other, and an exception of a client's callback is not the router's.
* The clock is any ``IReactorTime``: the reactor, or ``twisted.internet.task.Clock`` in tests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from msgspec import Raw

from wampd.router.line import Line, Patience
from wampd.router.realms import Realms
from wampd.router.sessions import SessionPeer
from wampd.router.wire.codec import Codec
from wampd.router.wire.convert import load
from wampd.router.wire.framing import Framing
from wampd.router.wire.rawsocket import RawSocketFraming

MAX_MESSAGE = 2**24
"""Bytes of the longest message, both ways."""
MEMORY: Final[Mapping[str, Any]] = MappingProxyType({"type": "memory", "peer": "memory"})


class MemoryLine:
    """A connection whose client end is this object: payloads in and out, one message each."""

    def __init__(
        self,
        realms: Realms,
        clock: Any,
        codec: Codec,
        on_payload: Callable[[bytes], None],
        on_close: Callable[[int, str], None] | None = None,
        *,
        max_receive: int = MAX_MESSAGE,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        about: Mapping[str, Any] = MEMORY,
        peer: Callable[[Realms, Line, Codec, dict[str, Any], Patience], SessionPeer] = SessionPeer,
    ) -> None:
        """``on_close`` gets a WebSocket close code and a reason; ``max_receive`` is the longest message taken, in bytes.

        ``about`` tells of what the client comes by, as that of a socket does; ``peer`` makes what serves it.
        """
        self.framing: Framing = RawSocketFraming(max_receive, MAX_MESSAGE)
        self.closed: tuple[int, str] | None = None
        """Close code and reason, once the router has closed the connection."""
        self._unframe = RawSocketFraming(MAX_MESSAGE, MAX_MESSAGE)
        self._realms = realms
        self._clock = clock
        self.on_payload = on_payload
        self.on_close = on_close
        # Clocks may swap what is due at the same time, so order is kept here.
        self._outgoing: deque[list[bytes] | None] = deque()  # None: the line is cut
        self._incoming: deque[bytes | tuple[int, str]] = deque()
        self._gone = False
        self._held = False
        self._waking: Any = None
        self.peer = peer(realms, self, codec, dict(about), patience)
        if self.peer.deadline is not None:
            self.wake(self.peer.deadline)

    # ------------------------------------------------------------------------------------------------ the client's end

    def send_payloads(self, payloads: Sequence[bytes]) -> None:
        """Send messages, as one write."""
        self._outgoing.append(list(payloads))
        self._clock.callLater(0, self._arrive)

    def drop(self) -> None:
        """Cut the connection without a word."""
        self._outgoing.append(None)
        self._clock.callLater(0, self._arrive)

    def _arrive(self) -> None:
        if self._held and None in self._outgoing:
            self._outgoing = deque([None])
        elif self._held or not self._outgoing:
            return
        payloads = self._outgoing.popleft()
        if payloads is None:
            self._lose("dropped")
        elif self.writable:
            self.peer.receive(payloads)
            self._realms.end_of_turn()

    def _hear(self) -> None:
        heard = self._incoming.popleft()
        if isinstance(heard, bytes):
            self.on_payload(heard)
        elif self.on_close is not None:
            self.on_close(*heard)

    # ------------------------------------------------------------------------------------------------ the router's end

    @property
    def writable(self) -> bool:
        """Whether what is written still has a chance to be heard."""
        return self.closed is None and not self._gone

    @property
    def queued(self) -> tuple[int, float]:
        """Nothing waits for a client in the process."""
        return 0, 0.0

    def write(self, data: bytes) -> None:
        """Take what the router says."""
        if self.writable:
            for payload in self._unframe.feed(data):
                self._incoming.append(payload)
                self._clock.callLater(0, self._hear)

    def close(self, code: int, reason: str) -> None:
        """Close the connection."""
        if self.writable:
            self.closed = (code, reason)
            self._incoming.append(self.closed)
            self._clock.callLater(0, self._hear)
            self._clock.callLater(0, self._lose, reason)

    def hold(self, held: bool) -> None:
        """Let nothing more arrive, or let it arrive again."""
        self._held = held
        if not held:
            for _ in self._outgoing:
                self._clock.callLater(0, self._arrive)

    def wake(self, at: float) -> None:
        """Remember that the peer object has a deadline, which takes the place of a former one."""
        self._sleep()
        self._waking = self._clock.callLater(max(0.0, at - self._clock.seconds()), self._tick)

    def _sleep(self) -> None:
        """Wait for no deadline: it may be far away, and what waits is not forgotten."""
        if self._waking is not None and self._waking.active():
            self._waking.cancel()

    def _lose(self, why: str) -> None:
        if not self._gone:
            self._gone = True
            self._sleep()
            self.peer.lost(why)
            self._realms.end_of_turn()

    def _tick(self) -> None:
        deadline = self.peer.deadline
        if deadline is not None and self.writable and self._clock.seconds() >= deadline:
            self.peer.late()
            self._realms.end_of_turn()


class MemoryClient(MemoryLine):
    """The same with messages as lists."""

    def __init__(
        self,
        realms: Realms,
        clock: Any,
        codec: Codec,
        on_message: Callable[[list[Any]], None],
        on_close: Callable[[int, str], None] | None = None,
        *,
        max_receive: int = MAX_MESSAGE,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self._codec = codec

        def on_payload(payload: bytes) -> None:
            on_message(load(Raw(payload), codec.format))

        super().__init__(realms, clock, codec, on_payload, on_close, max_receive=max_receive, patience=patience)

    def send(self, *messages: Sequence[Any]) -> None:
        """Send messages, as one write. Raise `Uncarriable` if the codec cannot write a value."""
        self.send_payloads([self._codec.encode(tuple(message)) for message in messages])
