"""One answer that does not end: a stream of server-sent events, whose client may not read as fast as they come.

Rules
-----
* An event is its ``id``, its name, and one line of data. A line never holds another one: nothing that a publisher wrote can
  begin a field.
* What the client does not take waits here, up to a bound in bytes; one that stays behind is cut off, for it comes back and
  goes on from where it was.
* A comment goes out when nothing else has for a while, so that proxies keep the connection and a dead client is found.

Sources: HTML standard, section 9.2 (server-sent events).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

KIND: Final = b"text/event-stream"
HEADERS: Final = (
    (b"Content-Type", KIND),
    (b"Cache-Control", b"no-store"),
    (b"X-Accel-Buffering", b"no"),  # nginx passes events on as they come
)
_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")


def begin(request: Any) -> None:
    """Set the head of an answer that is a stream."""
    request.setResponseCode(200)
    for name, value in HEADERS:
        request.setHeader(name, value)


@implementer(IPushProducer)
class EventStream:
    """The stream that answers one request. It begins at once, and holds until one side ends it."""

    def __init__(self, request: Any, clock: Any, *, most: int, heartbeat: float, on_slow: Callable[[], None]) -> None:
        """``clock`` is an ``IReactorTime``; ``most``: bytes that may wait; ``heartbeat`` in seconds.

        ``on_slow`` is called before a client is cut off that does not read.
        """
        self._request = request
        self._most = most
        self._heartbeat = heartbeat
        self._on_slow = on_slow
        self._held: list[bytes] = []
        self._size = 0
        self._paused = False
        self._over = False
        begin(request)
        request.registerProducer(self, True)
        self._clock = clock
        self._beat = clock.callLater(heartbeat, self._comment)
        request.notifyFinish().addBoth(self._gone)

    def begin(self, seconds: float, mark: str | None) -> None:
        """Tell after what time to come back, and from where to go on unless that is known; this is no event."""
        start = b"" if mark is None else b"id: %s\n" % _line(mark)
        self._write(b"retry: %d\n%s\n" % (round(seconds * 1000), start))

    def event(self, mark: str, name: str, data: bytes) -> None:
        """Send an event: ``data`` is JSON, whose line breaks are nothing but space."""
        self._write(_event(mark, name, data))

    def backlog(self, events: Sequence[tuple[str, str, bytes]]) -> None:
        """Send what was missed, whose size does not count as staying behind."""
        data = b"".join(_event(*event) for event in events)
        if self._paused:
            self._held.append(data)
        elif data:
            self._request.write(data)

    def last(self, name: str, data: bytes) -> None:
        """Send an event after which there is no more, and end; where to go on stays what it was."""
        if not self._over:
            self._held.append(b"event: %s\ndata: %s\n\n" % (_line(name), data))
            self.end()

    def end(self) -> None:
        """That was all: what waits is sent, then the answer ends."""
        if not self._over:
            self._stop()
            if self._held:
                self._request.write(b"".join(self._held))
            self._request.unregisterProducer()
            self._request.finish()

    def _comment(self) -> None:
        self._write(b":\n\n")

    def _write(self, data: bytes) -> None:
        if self._over:
            return
        if not self._paused:
            self._request.write(data)
        elif self._size + len(data) > self._most:
            self._on_slow()
            self._stop()
            self._request.transport.abortConnection()
            return
        else:
            self._held.append(data)
            self._size += len(data)
        if self._beat.active():
            self._beat.reset(self._heartbeat)
        else:
            self._beat = self._clock.callLater(self._heartbeat, self._comment)

    def _gone(self, _: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self._over = True
        if self._beat.active():
            self._beat.cancel()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client does not read as fast."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client has read all that was written."""
        self._paused = False
        held, self._held, self._size = b"".join(self._held), [], 0
        if held and not self._over:
            self._request.write(held)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client is gone."""
        self._stop()


def _event(mark: str, name: str, data: bytes) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (_line(mark), _line(name), data.translate(_BREAKS))


def _line(text: str) -> bytes:
    return text.encode("utf-8", "replace").translate(_BREAKS)
