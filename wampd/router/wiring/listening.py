"""The listeners: from what is configured to ports that are open.

A part of the composition root: here settings meet the transports, and the web server where one is configured.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.hostnames import ByHost
from wampd.router.line import Patience
from wampd.router.reception import Door, Lobby, Reception
from wampd.router.settings.endpoints import SYSTEMD, place_of
from wampd.router.settings.http import LongPollPath
from wampd.router.settings.listeners import (
    Compression,
    Listener,
    TransportLimits,
    VirtualHost,
    WampPath,
    http_paths,
    websocket_paths,
)
from wampd.router.settings.listeners import Tls as TlsSettings
from wampd.router.system.opening import opened
from wampd.router.system.refusals import why_not
from wampd.router.system.sockets import Held, Sockets, adopt, pass_on, pause, resume
from wampd.router.transports.house import Came
from wampd.router.transports.universal import Speaks, UniversalPort
from wampd.router.transports.upgrade import Deflate, WebSocketPath
from wampd.router.wheel import Wheel
from wampd.router.wire.framing import FrameLimits
from wampd.router.wire.serializers import codecs
from wampd.router.wiring.means import Means, cookies_of, pace_of

if TYPE_CHECKING:
    from wampd.router.forwarded import Client, Proxies
    from wampd.router.http.site import BoundedSite
    from wampd.router.wiring.shelves import Shelf

log = Logger()


class Made(Struct, frozen=True, eq=False):
    """What is behind the port of a listener."""

    door: Door
    """The Twisted factory."""
    reception: Reception
    shelf: Shelf | None = None
    """What is served by HTTP; `None`: nothing is."""
    site: BoundedSite | None = None
    """The web server, which stays as long as anything is served."""
    fresh: BoundedSite | None = None
    """What it is to become."""


class Open(Struct, frozen=True, eq=False):
    """A listener that is open."""

    listener: Listener
    port: Any
    """An ``IListeningPort``."""
    made: Made


class Listening:
    """All that is listened on."""

    def __init__(self, lobby: Lobby, sockets: Sockets | None = None) -> None:
        """``sockets`` are there already."""
        self.accepts = True
        """Whether those who connect are let in; if not, they wait in the queue of the system."""
        self._lobby = lobby
        self._sockets = sockets or Sockets()
        self.open: list[Open] = []

    def listen(self, listener: Listener, means: Means) -> Deferred[bool]:
        """Open a listener; the Deferred tells whether that could be done. If not, the log says why."""

        def is_open(now: Open) -> bool:
            self.open.append(now)
            if not self.accepts:
                pause(now.port)
            tell_of(listener)
            return True

        def failed(failure: Any) -> bool:
            log.critical("cannot listen on {endpoint}: {why}", endpoint=listener.endpoint, why=why_not(failure.value))
            return False

        return maybeDeferred(self.bind, listener, means).addCallbacks(is_open, failed)

    def make(self, listener: Listener, means: Means, old: Made | None = None) -> Made:
        """Make what is to be behind a port, in place of what is there. It may raise whatever a configured thing raises."""
        return made_of(listener, means, self._lobby, old)

    def bind(self, listener: Listener, means: Means) -> Deferred[Open]:
        """Make what is to be behind a new port, and listen there."""
        made = self.make(listener, means)

        def bound(port: Any) -> Open:
            return Open(listener, port, made)

        def not_bound(failure: Failure) -> Failure:
            if made.shelf is not None:
                made.shelf.drop()
            return failure

        def listen() -> Any:
            if there := self._sockets.take(listener.endpoint):
                return adopt(means.reactor, there, made.door)
            return opened(means.reactor, listener.endpoint, made.door)

        return maybeDeferred(listen).addCallbacks(bound, not_bound)

    def accept(self) -> None:
        """Let in those who connect, and have waited for it."""
        if not self.accepts:
            self.accepts = True
            self.rest(False)

    def rest(self, resting: bool) -> None:
        """Accept nothing for a while, or again what is accepted at all."""
        for each in self.open if self.accepts else ():
            (pause if resting else resume)(each.port)

    def part(self, opened: Open) -> Any:
        """Listen no more at one port; what has to be waited for, if anything."""
        if place_of(opened.listener.endpoint)[0] == SYSTEMD:
            for held in pass_on(opened.listener.endpoint, opened.port):
                self._sockets.add(held)
        return opened.port.stopListening()

    def pass_on(self) -> list[Held]:
        """All sockets for a successor, those included that nobody listens on for now."""
        listened = (each for opened in self.open for each in pass_on(opened.listener.endpoint, opened.port))
        return [*listened, *self._sockets.copies()]

    def close(self) -> list[Any]:
        """Listen no more; what has to be waited for, if anything."""
        closed = [each.port.stopListening() for each in self.open]
        self.open.clear()
        return closed


def tell_of(listener: Listener) -> None:
    """Write into the log that a listener is open."""
    tls = " over TLS" if listener.tls is not None else ""
    what = ", ".join(spoken_on(listener))
    log.info("listening on {endpoint}{tls}: {what}", endpoint=listener.endpoint, tls=tls, what=what)


def made_of(listener: Listener, means: Means, lobby: Lobby, old: Made | None = None) -> Made:
    """What is behind the port of one listener, in place of what is there: nothing that is there is changed by making it."""
    limits = listener.limits
    reception = reception_of(listener, means, lobby)
    proxies = _proxies(listener)
    certificates, fits = None, None
    if listener.tls is not None:
        from wampd.router.transports import tls  # and with it OpenSSL: only for those who want it

        pairs = [(pair.certificate, pair.key) for pair in (listener.tls, *listener.tls.more)]
        certificates = tls.Certificates(pairs, _client_certificates(listener.tls))
        if listener.hosts and listener.tls.more:
            fits = tls.fitting(certificates)
    spoken = _websocket(listener, listener, means)
    hosts = {name: _websocket(host, listener, means) for name, host in listener.hosts.items()}
    speaks = Speaks(
        websocket=spoken,
        rawsocket=listener.rawsocket.serializers if listener.rawsocket is not None else (),
        frames=frames_of(limits),
        pace=pace_of(limits),
        handshake_timeout=limits.handshake_timeout,
        header_size=limits.header_size,
        header_lines=limits.header_lines,
        hosts=ByHost(hosts, spoken) if hosts else None,
        fits=fits,
        proxies=proxies,
    )
    web: Callable[[Client | None], Any] | None = None
    shelf, site, fresh = None, None, None
    if any(True for _ in http_paths(listener)):
        shelf, site = _web(listener, reception, means, fits, proxies, None if old is None else old.shelf)
        if old is not None and old.site is not None:
            site, fresh = old.site, site
        (fresh or site).beside = speaks
        web = site.buildProtocol
    factory: Any = _Ports(speaks, reception, means.wheel, web)
    if certificates is not None:
        factory = tls.wrap(factory, certificates)
    if _begins_with_header(listener):
        from wampd.router.transports.greeting import Greetings  # only where there are any

        factory = Greetings(factory, reception, means.wheel, limits.handshake_timeout)
    door = Door(factory, reception.receives)
    return Made(door, reception, shelf, site, fresh)


class _Ports(Factory):
    """Makes what is at the beginning of each connection."""

    noisy = False

    def __init__(
        self, speaks: Speaks, reception: Reception, wheel: Wheel, web: Callable[[Client | None], Any] | None
    ) -> None:
        self._make = partial(UniversalPort, speaks, reception, wheel, web)

    def buildProtocol(self, addr: Any) -> UniversalPort:  # noqa: N802 - Twisted's name
        """One connection; ``addr`` is a `Came` if it began with a header, and else does not matter."""
        return self._make(addr if isinstance(addr, Came) else None)


def _proxies(listener: Listener) -> Proxies | None:
    """Those whose requests say who the client is."""
    proxies = listener.proxies
    if proxies is None or proxies.header == "proxy-protocol":
        return None
    from wampd.router.forwarded import Proxies, Trusted  # only where there are any

    return Proxies(Trusted(proxies.trusted), proxies.header)


def _trusted(listener: Listener) -> Container[str]:
    """The addresses of proxies."""
    if listener.proxies is None:
        return ()
    from wampd.router.forwarded import Trusted

    return Trusted(listener.proxies.trusted)


def _begins_with_header(listener: Listener) -> bool:
    """Whether connections begin with a header of the PROXY protocol."""
    return listener.proxies is not None and listener.proxies.header == "proxy-protocol"


def reception_of(listener: Listener, means: Means, lobby: Lobby) -> Reception:
    """What stands behind the port of one listener."""
    limits = listener.limits
    return Reception(
        lobby,
        means.realms,
        codecs(limits.depth, _serializers(listener)),
        patience_of(limits),
        most_per_address=limits.connections_per_address,
        opening_size=limits.opening_size,
        proxies=_trusted(listener),
        only_proxies=_begins_with_header(listener),
    )


def patience_of(limits: TransportLimits) -> Patience:
    """How long a connection is waited for."""
    return Patience(join=limits.join_timeout, idle=limits.idle_timeout, close=limits.close_timeout)


def frames_of(limits: TransportLimits) -> FrameLimits:
    """How large what a connection sends may be."""
    return FrameLimits(message_size=limits.message_size, fragments=limits.fragments, batch=limits.batch)


def spoken_on(listener: Listener) -> list[str]:
    """What is spoken on a listener, for people."""
    spoken = [f"WebSocket at {_place(keys)}" for keys, _ in websocket_paths(listener)]
    spoken += ["RawSocket"] if listener.rawsocket is not None else []
    return spoken + [f"HTTP at {_place(keys)}" for keys, _ in http_paths(listener)]


def _websocket(site: Listener | VirtualHost, listener: Listener, means: Means) -> Mapping[str, WebSocketPath]:
    return {
        path: WebSocketPath(
            serializers=what.serializers if isinstance(what, WampPath) else (),
            batched=isinstance(what, WampPath) and what.batched,
            origins=what.origins,
            deflate=_deflate(what.compression),
            cookies=cookies_of(what.cookie, listener, means.realms) if isinstance(what, WampPath) else None,
            has_page=path in site.http,
        )
        for path, what in site.websocket.items()
    }


def _deflate(compression: Compression | None) -> Deflate | None:
    return None if compression is None else Deflate(compression.window_bits, compression.no_context_takeover)


def _web(
    listener: Listener,
    reception: Reception,
    means: Means,
    fits: Callable[[Any, str], bool] | None,
    proxies: Proxies | None,
    old: Shelf | None,
) -> tuple[Shelf, BoundedSite]:
    """What is served by HTTP, and the web server for it."""
    from wampd.router.wiring.shelves import Shelf
    from wampd.router.wiring.sites import site_of  # and with it Twisted's web server

    shelf = Shelf(means.reactor, old)
    try:
        site = site_of(listener, reception, means, shelf, fits, proxies)
    except BaseException:
        shelf.drop()
        raise
    site.startFactory()
    return shelf, site


def _client_certificates(settings: TlsSettings) -> Any:
    """What a listener asks of its clients, if anything."""
    from wampd.router.transports import tls

    asked = settings.client_certificates
    return None if asked is None else tls.ClientCertificates(asked.authorities, asked.required, asked.revocations)


def _place(keys: Sequence[str]) -> str:
    """The path that keys of the configuration lead to, with its host before it: ``/ws``, ``www.example.com/ws``."""
    return (keys[1] if keys[0] == "hosts" else "") + keys[-1]


def _serializers(listener: Listener) -> list[str]:
    """The names of all serializers that a listener speaks, on any of its transports."""
    spoken = [path.serializers for _, path in websocket_paths(listener) if isinstance(path, WampPath)]
    spoken += [path.serializers for _, path in http_paths(listener) if isinstance(path, LongPollPath)]
    if listener.rawsocket is not None:
        spoken.append(listener.rawsocket.serializers)
    return [name for names in spoken for name in names]
