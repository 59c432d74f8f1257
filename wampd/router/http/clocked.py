"""What a connection of the web server has of Twisted's, with clocks that cost little, and addresses that are asked for once.

Rules
-----
* The time for a request costs no timer for each request: the alarm is left where it is, and when it rings it
  looks what time there is.
* Octets alone do not buy time.
* Another clock watches over what is sent: it is set when the client does not read, and then cuts it off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.web.http import HTTPChannel

if TYPE_CHECKING:
    from wampd.router.forwarded import Client


class ClockedChannel(HTTPChannel):
    """One connection."""

    transport: Any
    site: Any
    timeOut: Any  # noqa: N815 - Twisted's name

    def __init__(self) -> None:
        super().__init__()
        self._stall: Any = None
        self._deadline: float | None = None
        """When time is up."""
        self._alarm: Any = None
        """Looks whether it is; maybe before, as it is not moved with it."""
        self._peer: Any = None
        self._by_tls: bool | None = None
        """Whether the client came by TLS to a proxy; `None`: nobody has said."""
        self._host: Any = None

    def speaks_for(self, client: Client) -> None:
        """A proxy is at the other end, and has said whom all of the connection is for."""
        from wampd.router.http.introduced import endpoint_of  # only where there are proxies

        self._peer, self._by_tls = endpoint_of(client), client.secure

    @property
    def client(self) -> str:
        """Where the client is, as the log has it."""
        return str(getattr(self.getPeer(), "host", None) or "unix")

    def getPeer(self) -> Any:  # noqa: N802 - Twisted's name
        """Where the client is; of one connection that is always the same."""
        if self._peer is None:
            self._peer = super().getPeer()
        return self._peer

    def isSecure(self) -> bool:  # noqa: N802 - Twisted's name
        """Whether the client came by TLS, to us or to a proxy that is believed."""
        return bool(super().isSecure()) if self._by_tls is None else self._by_tls

    def getHost(self) -> Any:  # noqa: N802 - Twisted's name
        """Where we are."""
        if self._host is None:
            self._host = super().getHost()
        return self._host

    def setTimeout(self, period: float | None) -> Any:  # noqa: N802 - Twisted's name
        """Change the time that there is; return how much there was. That costs no timer for each request."""
        before, self.timeOut = self.timeOut, period
        if period is None:
            self._deadline = None
        else:
            now = self.site.reactor.seconds()
            self._deadline = now + period
            if self._alarm is None:
                self._alarm = self.callLater(period, self._look)
            elif self._alarm.getTime() > self._deadline:
                self._alarm.reset(period)
        return before

    def _look(self) -> None:
        self._alarm = None
        if self._deadline is None:
            return
        left = self._deadline - self.site.reactor.seconds()
        if left > 0:
            self._alarm = self.callLater(left, self._look)
        else:
            self._deadline = None
            self.timeoutConnection()

    def resetTimeout(self) -> None:  # noqa: N802 - Twisted's name
        """Octets alone do not buy time."""

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone."""
        self._watch(None)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        super().connectionLost(reason)

    def _watch(self, delay: float | None, cut_off: Callable[[], None] | None = None) -> None:
        """Cut the client off after this time, unless something happens before; ``cut_off`` does it, if there is more to do."""
        if self._stall is not None and self._stall.active():
            self._stall.cancel()
        self._stall = None if delay is None else self.callLater(delay, cut_off or self.transport.abortConnection)
