"""What a session needs of the connection below it, how long it waits for the client there, and a line that batches."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from wampd.router.wire.batched import BatchedFraming
from wampd.router.wire.framing import Framing


class Patience(Struct, frozen=True):
    """How long a client may take, in seconds."""

    join: float = 10.0
    """From the connection until WELCOME, authentication included."""
    idle: float = 10.0
    """From GOODBYE until a new HELLO."""
    close: float = 5.0
    """To answer GOODBYE."""


class Line(Protocol):
    """What a session needs of the connection below it."""

    framing: Framing

    @property
    def writable(self) -> bool:
        """Whether what is written still has a chance to be sent."""
        ...

    @property
    def queued(self) -> tuple[int, float]:
        """How many bytes wait to be sent, and since when any do (monotonic seconds)."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes that are framed already."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Send what waits, and close; ``code`` is WebSocket's."""
        ...

    def hold(self, held: bool) -> None:
        """Read nothing more from the client until told otherwise, or read again."""
        ...

    def wake(self, at: float) -> None:
        """There is a new deadline: `SessionPeer.late` is to be called at ``at`` (monotonic seconds)."""
        ...


class BatchedLine:
    """A connection that batches: what a session writes at once goes out together."""

    __slots__ = ("_line", "framing")

    def __init__(self, line: Line, framing: BatchedFraming) -> None:
        """``framing`` is the line's own."""
        self._line = line
        self.framing: Framing = framing

    @property
    def writable(self) -> bool:
        """Whether what is written still has a chance to be sent."""
        return self._line.writable

    @property
    def queued(self) -> tuple[int, float]:
        """How many bytes wait to be sent, and since when."""
        return self._line.queued

    def write(self, data: bytes) -> None:
        """Send elements of a batch."""
        if data:
            assert isinstance(self.framing, BatchedFraming)
            self._line.write(self.framing.seal(data))

    def close(self, code: int, reason: str) -> None:
        """Send what waits, and close."""
        self._line.close(code, reason)

    def hold(self, held: bool) -> None:
        """Read nothing more, or read again."""
        self._line.hold(held)

    def wake(self, at: float) -> None:
        """There is a new deadline."""
        self._line.wake(at)
