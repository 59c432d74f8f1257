"""From an endpoint string to a port that is open.

Rules
-----
* What nearly everybody writes is opened here; all else by Twisted's endpoints, which bring plugins, processes and names along:
  a megabyte that a plain router is smaller without. Both open the same port for the same string.
* There is room for very many clients that come back at once, unless the endpoint says how much; Twisted's own is 50.

Sources: `twisted.internet.endpoints.serverFromString`; listen(2).
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import Deferred, maybeDeferred

from wampd.router.settings.endpoints import TcpEndpoint, UnixEndpoint, ordinary

BACKLOG: Final = 4096
"""Connections that wait to be accepted; the system may allow fewer."""


def opened(reactor: Any, endpoint: str, factory: Any) -> Deferred[Any]:
    """Listen at an endpoint without a fault; fires with the ``IListeningPort``, or fails as the system says."""
    match ordinary(endpoint):
        case TcpEndpoint(port, interface, backlog):
            return maybeDeferred(reactor.listenTCP, port, factory, _room(backlog), interface)
        case UnixEndpoint(file, mode, backlog):
            return opened_file(reactor, file, factory, mode, _room(backlog), locks=True)
        case _:
            from twisted.internet.endpoints import serverFromString

            opening: Deferred[Any] = maybeDeferred(serverFromString(reactor, _with_backlog(endpoint)).listen, factory)
            return opening


def opened_file(
    reactor: Any, file: str, factory: Any, mode: int, backlog: int = BACKLOG, *, locks: bool = False
) -> Deferred[Any]:
    """Listen at a Unix socket. One that ``locks`` has a file for that beside it, and takes the place of one that is dead."""
    return maybeDeferred(reactor.listenUNIX, file, factory, backlog, mode, locks)


def _room(backlog: int | None) -> int:
    return BACKLOG if backlog is None else backlog


def _with_backlog(endpoint: str) -> str:
    if endpoint.partition(":")[0] in ("tcp", "tcp6", "unix") and ":backlog=" not in endpoint:
        return f"{endpoint}:backlog={BACKLOG}"
    return endpoint
