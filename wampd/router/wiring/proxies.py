"""The reverse proxies of listeners: from settings to what passes requests on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.protocol import Factory
from twisted.internet.ssl import optionsForClientTLS

from wampd.router.authorities import trust_of
from wampd.router.cookies import HOST
from wampd.router.forwarded import Trusted
from wampd.router.http.proxy.backends import Backend, Backends, Room
from wampd.router.http.proxy.checks import Checks
from wampd.router.http.proxy.connection import BackendConnection
from wampd.router.http.proxy.exchange import Patience, Ways
from wampd.router.http.proxy.heads import Mapped, Withheld
from wampd.router.http.proxy.resource import ReverseProxy, Rights
from wampd.router.settings.http import ProxyPath
from wampd.router.settings.http.access import PathAccess
from wampd.router.tally import BACKENDS_FAILED
from wampd.router.upstream import Upstream, read_upstream
from wampd.router.wiring.means import Means


def proxy_of(path: ProxyPath, means: Means) -> ReverseProxy:
    """What passes on the requests of a path."""
    reactor = means.reactor
    backends = Backends(
        [_backend(path, each.url, each.weight, reactor) for each in path.backends], path.policy, reactor
    )
    ways = Ways(
        backends=backends,
        mapped=Mapped(path.strip_prefix, path.preserve_host, path.rewrite),
        patience=Patience(path.connect_timeout, path.answer_timeout, path.idle_timeout, path.websocket_timeout),
        failing=frozenset(path.failing),
        strike=partial(means.realms.tally.strike, BACKENDS_FAILED),
        clock=reactor,
    )
    if path.health is not None:
        checks = Checks(backends, path.health.path.encode(), path.health.interval, path.health.timeout, reactor)
        reactor.callWhenRunning(checks.start)
        means.ends.add(checks.stop)
    rights = Rights(
        trusted=Trusted(path.trusted_proxies),
        websocket=path.websocket,
        origins=path.origins,
        body_size=path.body_size,
        withheld=None if path.access is None or path.forward_credentials else _withheld(path.access),
    )
    return ReverseProxy(ways, rights)


def _withheld(access: PathAccess) -> Withheld:
    """What clients show for ``access``."""
    name = b"" if access.cookie is None else access.cookie.name.encode()
    return Withheld(frozenset({name, HOST.encode() + name}) if name else frozenset())


def _backend(path: ProxyPath, url: str, weight: int, reactor: Any) -> Backend:
    upstream = read_upstream(url)
    assert isinstance(upstream, Upstream)  # the rules have seen to that
    authorities = None if path.authorities is None else path.authorities.read_bytes()
    endpoint = endpoint_of(upstream, reactor, path.connect_timeout, authorities)
    room = Room(path.connections, path.kept, path.keep)
    return Backend(upstream, partial(_connect, endpoint), reactor, weight=weight, room=room, failures=path.failures)


def _connect(endpoint: Any, make: Callable[[], BackendConnection]) -> Deferred[BackendConnection]:
    factory: Any = Factory.forProtocol(make)
    factory.noisy = False
    connecting: Deferred[BackendConnection] = endpoint.connect(factory)
    return connecting


def endpoint_of(upstream: Upstream, reactor: Any, timeout: float, authorities: bytes | None = None) -> Any:
    """Connects to a backend; ``authorities`` in PEM vouch for it, `None`: those of the system do."""
    if upstream.scheme == "unix":
        return UNIXClientEndpoint(reactor, upstream.socket, timeout=timeout)
    try:
        version = ip_address(upstream.host).version
        kind: Any = TCP4ClientEndpoint if version == 4 else TCP6ClientEndpoint
    except ValueError:
        kind = HostnameEndpoint
    endpoint = kind(reactor, upstream.host, upstream.port, timeout=timeout)
    if upstream.scheme == "http":
        return endpoint
    return wrapClientTLS(optionsForClientTLS(upstream.host, trustRoot=trust_of(authorities)), endpoint)
