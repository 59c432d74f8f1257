"""A raw pipe between a client and a backend, once both speak another protocol than HTTP.

Rules
-----
* Octets are passed on as they come. Who does not read makes the other one wait.
* When one side ends, what is under way to the other is still written, for a short while; then that ends, too.
* Silence in both directions for the time given ends both.

Source: RFC 9110, section 7.8 (Upgrade).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol as TwistedProtocol
from zope.interface import implementer

LINGER: Final = 5.0
"""Seconds that the last octets may take."""


class Tunnel:
    """Both sides, and the time."""

    def __init__(self, clock: Any, silence: float, on_over: Callable[[], None]) -> None:
        """``silence`` in seconds; ``on_over`` is called once."""
        self._clock = clock
        self._silence = silence
        self._on_over: Callable[[], None] | None = on_over
        self.client = _End(self)
        """The protocol of the client's connection."""
        self.backend = _End(self)
        """That of the backend's."""
        self.client.other, self.backend.other = self.backend, self.client
        self._moved = clock.seconds()
        self._timer = clock.callLater(silence, self._look)

    def moved(self) -> None:
        """Something came."""
        self._moved = self._clock.seconds()

    def ended(self, end: _End) -> None:
        """One side is gone: end the other."""
        self._stop()
        other = end.other
        if other is None or other.is_over or other.transport is None:
            return
        other.transport.unregisterProducer()
        other.transport.loseConnection()
        self._timer = self._clock.callLater(LINGER, other.transport.abortConnection)

    def _stop(self) -> None:
        if self._timer.active():
            self._timer.cancel()
        if self._on_over is not None:
            self._on_over()
            self._on_over = None

    def _look(self) -> None:
        left = self._moved + self._silence - self._clock.seconds()
        if left > 0:
            self._timer = self._clock.callLater(left, self._look)
            return
        for end in (self.client, self.backend):
            if end.transport is not None and not end.is_over:
                end.transport.abortConnection()


class _End(TwistedProtocol):
    """The protocol of one side."""

    transport: Any

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel
        self._early: list[bytes] = []
        self.other: _End | None = None
        self.is_over = False

    def makeConnection(self, transport: Any) -> None:  # noqa: N802 - Twisted's name
        self.transport = transport
        transport.registerProducer(_Brake(self), True)
        for data in self._early:
            transport.write(data)
        self._early.clear()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self._tunnel.moved()
        other = self.other
        assert other is not None
        if other.transport is None:
            other._early.append(data)
        elif not other.is_over:
            other.transport.write(data)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: ARG002, N802 - Twisted's name
        self.is_over = True
        self._tunnel.ended(self)

    def brake(self, *, hold: bool) -> None:
        """Read from the other side no more, or again."""
        other = self.other
        if other is not None and other.transport is not None and not other.is_over:
            (other.transport.pauseProducing if hold else other.transport.resumeProducing)()


@implementer(IPushProducer)
class _Brake:
    """What a side's transport asks to wait: it reads from the other one."""

    def __init__(self, end: _End) -> None:
        self._end = end

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._end.brake(hold=True)

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._end.brake(hold=False)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The side is gone; `connectionLost` says so, too."""
