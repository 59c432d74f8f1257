"""The first moments of a connection by way of a balancer: the PROXY protocol's header, then it makes way for what is behind.

Rules
-----
* Every connection begins with a header (`wampd.router.wire.proxy_header`), below TLS too, within the time of a handshake; one
  that does not is closed without a word, for nobody knows what it speaks.
* Until then it counts for the proxy, and from then on for the client; for the proxy still, if the header tells of no client. If
  there is no room for one or the other, what is behind says so.
* What is behind takes this one's place at the transport, so no octet that follows takes a way longer than without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.protocol import Factory
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.logger import Logger

from wampd.router.forwarded import Client
from wampd.router.transports.house import Came, House
from wampd.router.transports.sockets import address_of, descriptor_of
from wampd.router.wheel import Wheel
from wampd.router.wire.proxy_header import BadHeader, read_header

log = Logger()


class Greeting(TwistedProtocol):
    """A connection that has not said yet whose it is."""

    transport: Any

    def __init__(self, behind: Any, house: House, wheel: Wheel, timeout: float) -> None:
        """``behind``: the factory of what is behind, given a `Came` for the address; ``timeout`` in seconds."""
        self._behind = behind
        self._house = house
        self._wheel = wheel
        self._timeout = timeout
        self._deadline = 0.0
        self._head = b""
        self._address = ""
        self._admitted = False
        self._count_out: Callable[[], None] = _nothing
        self._over = False
        self.slot = 0

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Start the clock."""
        house = self._house
        self._address = address_of(self.transport)
        self._deadline = self._wheel.now() + self._timeout
        self._wheel.watch(self, self._timeout)
        self._admitted = house.admit(self._address, descriptor_of(self.transport))
        if self._admitted:
            house.arrives(1)
            self._count_out = self._counted_out
        else:
            self._turn_away()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Look for a whole header."""
        if self._over:
            return
        self._head += data
        try:
            header = read_header(self._head)
        except BadHeader as why:
            self._over = True
            self._house.refused()
            log.info("{address}: {why}", address=self._address, why=str(why))
            self.transport.abortConnection()
            return
        if header is not None:
            self._make_way(header.client, self._head[header.size :])

    def connectionLost(self, reason: Any = None) -> None:  # noqa: ARG002, N802 - Twisted's name
        """It is gone before it has said whose it is."""
        self._wheel.forget(self)
        self._count_out()

    def tick(self, now: float, stalled: bool) -> float:
        """Cut off who takes too long."""
        if now >= self._deadline:
            if stalled:
                self._deadline = now + self._timeout
            else:
                if not self._over:
                    self._over = True
                    self._house.refused()
                    log.info("{address}: no header of the PROXY protocol in time", address=self._address)
                self.transport.abortConnection()
        return self._deadline

    def _make_way(self, client: Client | None, rest: bytes) -> None:
        if self._admitted and client is not None and not self._house.moves(self._address, client.host):
            self._counted_out()
            self._admitted = False
            self._turn_away()
        if self._over:
            return
        self._wheel.forget(self)
        transport = self.transport
        protocol = transport.protocol = self._behind.buildProtocol(Came(client, self._admitted))
        protocol.makeConnection(transport)
        if rest:
            protocol.dataReceived(rest)

    def _turn_away(self) -> None:
        """Have it told that there is no room; if there is none even for that, drop it."""
        if self._house.turn_away():
            self._count_out = self._house.turned_away
        else:
            self._over = True
            self._count_out = _nothing
            self.transport.abortConnection()

    def _counted_out(self) -> None:
        self._house.arrives(-1)
        self._house.release(self._address)


class Greetings(Factory):
    """Makes a `Greeting` for each connection, before what another factory makes."""

    noisy = False

    def __init__(self, behind: Any, house: House, wheel: Wheel, timeout: float) -> None:
        """See `Greeting`."""
        self._behind = behind
        self._make = partial(Greeting, behind, house, wheel, timeout)

    def doStart(self) -> None:  # noqa: N802 - Twisted's name
        """Start with what is behind."""
        self._behind.doStart()

    def doStop(self) -> None:  # noqa: N802 - Twisted's name
        """Stop with it."""
        self._behind.doStop()

    def buildProtocol(self, addr: Any) -> Greeting:  # noqa: ARG002, N802 - Twisted's name
        """One connection."""
        return self._make()


def _nothing() -> None:
    """Nothing is counted."""
