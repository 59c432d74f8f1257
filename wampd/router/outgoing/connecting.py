"""Connections to where requests may go, and nowhere else.

Rules
-----
* The guard stands where connections are made, below everything that reads URLs: whatever asks for a connection, by whatever
  way, is checked here.
* Names are resolved here, once for each connection, and the connection is made to the very addresses that were checked:
  there is no second look-up whose answer could be another one (DNS rebinding).
* TLS is for the name that was asked for: the certificate must be good for it, and it is sent as SNI (RFC 6066, section 3).
* A connection that has not been written to for `LIFETIME` is aborted, however much comes from the other side; so is one on
  which more comes than any answer may have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from twisted.internet import error
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.protocols.policies import ProtocolWrapper, TimeoutMixin, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import BrowserLikePolicyForHTTPS
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from wampd.router.outgoing.addresses import Address
from wampd.router.outgoing.names import Resolver
from wampd.router.outgoing.policy import Policy
from wampd.router.outgoing.problems import OutgoingError
from wampd.router.outgoing.targets import Target, as_address, read_host

LIFETIME: Final = 660.0
"""Seconds from the last that is sent: more than any request may take."""
MOST_ADDRESSES: Final = 4
"""Addresses of a name that are tried, one after the other."""


@implementer(IAgentEndpointFactory)
class Guard:
    """Makes the connections of an agent."""

    def __init__(
        self,
        reactor: Any,
        policy: Policy,
        resolver: Resolver,
        *,
        connect_timeout: float,
        largest: int,
        trust_root: Any = None,
    ) -> None:
        """``trust_root`` vouches for certificates; `None`: those whom the system trusts."""
        self.policy = policy
        self.open = 0
        """How many connections there are."""
        self.reactor = reactor
        self.resolver = resolver
        self.connect_timeout = connect_timeout
        self.largest = largest
        self._tls = BrowserLikePolicyForHTTPS(trust_root)

    def endpointForURI(self, uri: Any) -> Any:  # noqa: N802 - Twisted's name
        """What connects to where a URI points. Raise `OutgoingError`."""
        host = uri.host.decode("ascii")
        target = Target(uri.scheme.decode("ascii"), read_host(f"[{host}]" if ":" in host else host), uri.port, "/")
        self.policy.check(target)
        endpoint: Any = GuardedEndpoint(self, target)
        if target.scheme != "https":
            return endpoint
        return wrapClientTLS(self._tls.creatorForNetloc(target.host.encode(), target.port), endpoint)


@implementer(IStreamClientEndpoint)
class GuardedEndpoint:
    """Connects to one target."""

    def __init__(self, guard: Guard, target: Target) -> None:
        self._guard = guard
        self._target = target

    def connect(self, protocolFactory: Any) -> Deferred[Any]:  # noqa: N803 - Twisted's name
        """Find the addresses, check all of them, and connect to the first that answers."""
        target = self._target
        asked: Deferred[Sequence[str]]
        asked = self._guard.resolver.resolve(target.host) if target.address is None else succeed([target.host])
        return asked.addCallback(self._checked).addCallback(self._first, protocolFactory)

    def _checked(self, found: Sequence[str]) -> Sequence[Address]:
        addresses = [address for text in found if (address := as_address(text)) is not None]
        if not addresses:
            raise OutgoingError("dns", f"{self._target.host} has no address")
        self._guard.policy.check_addresses(self._target, addresses)
        return addresses[:MOST_ADDRESSES]

    def _first(self, addresses: Sequence[Address], factory: Any) -> Deferred[Any]:
        """Try one address, and if nobody answers there the next."""

        def next_one(failure: Failure) -> Any:
            failure.trap(error.ConnectError)
            return self._first(addresses[1:], factory) if len(addresses) > 1 else failure

        return self._connect(addresses[0], factory).addErrback(next_one)

    def _connect(self, address: Address, factory: Any) -> Deferred[Any]:
        guard = self._guard
        kind = TCP4ClientEndpoint if address.version == 4 else TCP6ClientEndpoint
        endpoint = kind(guard.reactor, str(address), self._target.port, timeout=guard.connect_timeout)
        watching: Any = _Watching(guard, factory)
        watched: Deferred[Any] = endpoint.connect(watching)
        return watched.addCallback(lambda connection: connection.wrappedProtocol)


class _Connection(ProtocolWrapper, TimeoutMixin):
    """A connection that is counted, and watched."""

    factory: _Watching
    _received = 0

    def callLater(self, period: float, function: Any) -> Any:  # noqa: N802 - Twisted's name
        """Let the reactor of the guard watch the time."""
        return self.factory.guard.reactor.callLater(period, function)

    def connectionMade(self) -> None:  # noqa: N802 - likewise
        """Count it."""
        self.factory.guard.open += 1
        self.setTimeout(LIFETIME)

    def write(self, data: bytes) -> None:
        """Send something: a request begins, or goes on."""
        self._received = 0
        self.resetTimeout()
        super().write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:  # noqa: N802 - likewise
        """Send several things."""
        self.write(b"".join(data))

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - likewise
        """Hand on what comes, unless it is too much."""
        self._received += len(data)
        if self._received > self.factory.guard.largest:
            self.timeoutConnection()
        else:
            super().dataReceived(data)

    def timeoutConnection(self) -> None:  # noqa: N802 - likewise
        """Wait for nothing any more, not for the peer's end of TLS either."""
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # noqa: N802 - likewise
        """It is gone."""
        self.factory.guard.open -= 1
        self.setTimeout(None)
        super().connectionLost(reason)


class _Watching(WrappingFactory):
    """Makes what watches one connection."""

    protocol = _Connection
    noisy = False

    def __init__(self, guard: Guard, factory: Any) -> None:
        super().__init__(factory)
        self.guard = guard
