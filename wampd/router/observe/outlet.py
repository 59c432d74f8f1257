"""Lines to a file descriptor, or entries to the journal, without ever waiting for who reads them.

Rules
-----
* What is not taken waits, up to a bound in bytes; what is beyond it is dropped, and counted.
* The descriptor may be shared with other programs (a terminal, say), so it is not made non-blocking itself: pipes and terminals
  are opened once more for that, sockets are asked not to wait each time. Files take everything.
"""

from __future__ import annotations

import os
import select
import socket
import stat
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

MOST_WAITING: Final = 2**20
"""Bytes."""
RETRY: Final = 0.2
"""Seconds until what waits is tried again."""
PIECE: Final = 512
"""What a descriptor that says it takes something surely takes at once (POSIX: the least ``PIPE_BUF``)."""


class Taker(Protocol):
    """What takes lines instead of a descriptor."""

    def send(self, line: bytes) -> int:
        """Write as much as is taken at once; raise `BlockingIOError` if that is nothing."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Outlet:
    """One descriptor, or something else, that lines are written to."""

    def __init__(self, to: int | Taker, clock: Any = None) -> None:
        """``clock``, an ``IReactorTime``, tries again what waits; without one that is done at the next line."""
        self._send, self.close = _sender(to) if isinstance(to, int) else (to.send, to.close)
        self._clock = clock
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._retry: Any = None
        self.dropped = 0
        """How many lines were dropped so far."""

    @property
    def has_room(self) -> bool:
        """Whether at least half of what may wait is free."""
        return self._size <= MOST_WAITING // 2

    def write(self, line: bytes) -> None:
        """Write a line now, later, or never."""
        if self._size + len(line) > MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(line)
        self._size += len(line)
        if self._retry is None:
            self.flush()

    def flush(self) -> None:
        """Write what waits, as far as it is taken."""
        self._retry = None
        waiting = self._waiting
        try:
            while waiting:
                line = waiting.popleft()
                try:
                    sent = self._send(line)
                except BlockingIOError:
                    sent = 0
                self._size -= sent
                if sent < len(line):
                    waiting.appendleft(line[sent:])
                    if not sent:
                        self._try_again()
                        return
        except OSError:  # nobody will ever read it: whoever did is gone
            self.dropped += len(waiting) + 1
            waiting.clear()
            self._size = 0

    def finish(self, patience: float) -> None:
        """Write what waits; give a slow reader so many seconds. The process ends after this."""
        self._clock = None
        self.flush()
        steps = int(patience / 0.05)
        while self._waiting and steps > 0:
            select.select([], [], [], 0.05)
            self.flush()
            steps -= 1

    def _try_again(self) -> None:
        if self._clock is not None:
            self._retry = self._clock.callLater(RETRY, self.flush)


Sender = Callable[[bytes], int]
"""Writes as much as is taken at once; raises `BlockingIOError` if that is nothing."""


def _sender(descriptor: int) -> tuple[Sender, Callable[[], None]]:
    """What writes to a descriptor, and what lets go of that."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode):
        connection = socket.socket(fileno=os.dup(descriptor))
        return lambda line: connection.send(line, socket.MSG_DONTWAIT), connection.close
    if stat.S_ISFIFO(mode) or os.isatty(descriptor):
        try:
            own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:  # no /proc, or a terminal of another user's
            return _when_ready(descriptor), _nothing
        return lambda line: os.write(own, line), lambda: os.close(own)
    return lambda line: os.write(descriptor, line), _nothing


def _nothing() -> None:
    """There is nothing to let go of."""


def _when_ready(descriptor: int) -> Sender:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)

    def send(line: bytes) -> int:
        if not poll.poll(0):
            raise BlockingIOError
        return os.write(descriptor, line[:PIECE])

    return send
