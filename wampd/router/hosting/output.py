"""What components print: cut into lines, bounded in length and number, logged, and kept for a while.

Rules
-----
* A line ends at a line feed, at `MAX_LINE` bytes, or with the output. What is no UTF-8 is shown as U+FFFD; a carriage return
  at the end is not shown, and neither is an empty line.
* So many lines a second are taken; how many more there were is one line. A component that prints more than `MAX_SECOND` bytes
  in a second is not read for the rest of it: then it waits, and the router does not work for it alone.
* The last lines are kept for whoever asks: so many, and so many bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from wampd.router.hosting.runs import Stream

MAX_LINE: Final = 8192
"""Bytes; what is longer is cut into several lines."""
LINES_PER_SECOND: Final = 500
MAX_SECOND: Final = 1024 * 1024
"""Bytes that are read of one output in a second."""
KEPT_LINES: Final = 1000
KEPT_SIZE: Final = 1024 * 1024
"""Characters of all lines that are kept of an instance."""


class Line(NamedTuple):
    """A line, as it is kept."""

    time: float
    """Unix time."""
    stream: Stream
    text: str


class Lines:
    """The last lines of one instance, of all its runs."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self._size = 0

    def add(self, line: Line) -> None:
        """Keep one more."""
        self._lines.append(line)
        self._size += len(line.text)
        while len(self._lines) > KEPT_LINES or self._size > KEPT_SIZE:
            self._size -= len(self._lines.popleft().text)

    def last(self, count: int) -> list[Line]:
        """At most so many, the oldest first."""
        return list(self._lines)[-count:] if count > 0 else []


class Output:
    """Lines out of chunks of bytes."""

    def __init__(self, clock: Any, tell: Callable[[str], None], dropped: Callable[[int], None]) -> None:
        """``clock`` is an ``IReactorTime``. ``tell`` gets lines, ``dropped`` the number of those that were too many."""
        self._clock = clock
        self._tell_line = tell
        self._tell_dropped = dropped
        self._rest = b""
        self._second = 0
        self._lines = 0
        self._bytes = 0

    @property
    def pause(self) -> float:
        """For how many seconds nothing more is to be read."""
        if self._bytes < MAX_SECOND:
            return 0.0
        pause: float = max(0.0, self._second + 1 - self._clock.seconds())
        return pause

    def feed(self, data: bytes) -> None:
        """Take what was printed."""
        self._turn(int(self._clock.seconds()))
        self._bytes += len(data)
        room = max(0, LINES_PER_SECOND + 1 - self._lines)
        *lines, rest = (self._rest + data).split(b"\n", room)
        for line in lines:
            for begin in range(0, len(line), MAX_LINE):
                self._tell(line[begin : begin + MAX_LINE])
        if b"\n" in rest:  # a flood: the rest of its lines is counted, and no more
            self._lines += rest.count(b"\n")
            rest = rest[rest.rindex(b"\n") + 1 :]
        whole = len(rest) - len(rest) % MAX_LINE if len(rest) > MAX_LINE else 0
        for begin in range(0, whole, MAX_LINE):
            self._tell(rest[begin : begin + MAX_LINE])
        self._rest = rest[whole:]

    def end(self) -> None:
        """Nothing more will be printed."""
        rest, self._rest = self._rest, b""
        self._tell(rest)
        self._turn(-1)

    def _tell(self, line: bytes) -> None:
        self._turn(int(self._clock.seconds()))
        if not line or line.isspace():
            return
        self._lines += 1
        if self._lines <= LINES_PER_SECOND:
            self._tell_line(line.decode("utf-8", "replace").rstrip())

    def _turn(self, second: int) -> None:
        """Begin a new second; tell what the last one has cost."""
        if second != self._second:
            dropped = self._lines - LINES_PER_SECOND
            self._second = second
            self._lines = self._bytes = 0
            if dropped > 0:
                self._tell_dropped(dropped)
