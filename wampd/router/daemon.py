"""The composition root: settings in, running services out. The only place that knows both the settings and the classes.

Rules
-----
* Nothing is started that cannot be: what is wrong is said in one line, and the exit status is 1.
* On SIGTERM, SIGINT or SIGHUP: stop listening, let calls under way finish for a while, say GOODBYE
  ``wamp.close.system_shutdown`` to every session, close, and exit with status 0; a second signal ends at once, and so does
  the hard limit.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import DeferredList, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.logger import Logger

import wampd
from wampd.auth.questions import CheckPassword
from wampd.auth.used import Used
from wampd.realms.calls import Timeouts
from wampd.realms.history import HistoryRule
from wampd.realms.limits import Quota
from wampd.realms.retained import Retention
from wampd.router import reactor as turn_reactor
from wampd.router.hashing import PasswordChecks
from wampd.router.hosting.guests import Guest, Hosting
from wampd.router.hostnames import ByHost
from wampd.router.inside.insiders import Insiders
from wampd.router.line import Patience
from wampd.router.observe import logs
from wampd.router.realms import Realms
from wampd.router.reception import Door, Lobby, Reception
from wampd.router.settings.http import LongPollPath
from wampd.router.settings.limits import RoleLimits
from wampd.router.settings.listeners import (
    Compression,
    Listener,
    VirtualHost,
    WampPath,
    http_paths,
    websocket_paths,
)
from wampd.router.settings.listeners import Tls as TlsSettings
from wampd.router.settings.model import Settings
from wampd.router.settings.realms import Realm as RealmSettings
from wampd.router.shutdown import Shutdown
from wampd.router.stores.watched import Unusable
from wampd.router.tally import PASSWORDS_NOT_CHECKED
from wampd.router.templates import Plan, Template
from wampd.router.transports.universal import Speaks, UniversalPort
from wampd.router.transports.upgrade import Deflate, WebSocketPath
from wampd.router.wheel import Wheel
from wampd.router.wire.framing import FrameLimits
from wampd.router.wire.serializers import codecs
from wampd.router.wiring.doors import tolerance
from wampd.router.wiring.means import Means, cookies_of, duties_of, pace_of
from wampd.router.wiring.outgoing import Sender
from wampd.router.wiring.places import Places
from wampd.router.wiring.readiness import Readiness
from wampd.router.wiring.rights import limits_of
from wampd.router.wiring.watching import Watching

log = Logger()

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV")
"""What components get of the router's own environment, which may hold secrets."""
BACKLOG = 4096
"""Connections that wait to be accepted; the system may allow fewer."""


def run(settings: Settings) -> int:
    """Run the router until it is stopped; return the exit status."""
    end_of_turn: list[Callable[[], None]] = []
    reactor = turn_reactor.install(lambda: end_of_turn[0]())
    log_lines = logs.begin(settings.log, reactor, os.environ)
    try:
        daemon = Daemon(reactor, settings)
    except Unusable as why:  # the store; or a file that has changed since it was checked
        log.critical("cannot start: {why}", why=str(why))
        log_lines.finish()
        return 1
    end_of_turn.append(daemon.realms.end_of_turn)
    daemon.realms.tally.ask(log_lines.counts)
    reactor.callWhenRunning(daemon.start)
    gc.collect()
    gc.freeze()  # what is there now stays: it need not be looked at again
    gc.set_threshold(20_000, 50, 100)
    gc.enable()
    reactor.run()
    log_lines.finish()
    return daemon.status


class Daemon:
    """The running router."""

    def __init__(self, reactor: Any, settings: Settings) -> None:
        self.status = 0
        self._reactor = reactor
        self._settings = settings
        self._wheel = Wheel(reactor)
        self._lobby = Lobby(_connections_allowed(settings), reactor.seconds)
        self._ports: list[Any] = []
        agent = f"wampd-{wampd.__version__}"
        self.realms = Realms(reactor, agent, tolerance(settings.limits.failed_joins))
        self.realms.tally.ask(lambda: {"connections refused": self._lobby.refused})
        self._places = Places(reactor, settings, self.realms, dict(os.environ))
        self.realms.answers.add(CheckPassword, self._password_checks().check)
        for realm in settings.realms:
            self._open(realm)
        environ = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        guests = [
            Guest(component.name, component.command, str(component.directory), component.environment)
            for component in settings.components
        ]
        insiders = Insiders(self.realms, reactor)
        sender = Sender(reactor, settings.outgoing)
        watching = Watching(reactor, self.realms, lambda: self._lobby.open)
        self._hosting = Hosting(reactor, guests, environ)
        store = self._places.store
        readiness = Readiness(self._ports, len(settings.listeners), self._lobby, store, self._hosting)
        self._means = Means(
            reactor,
            settings,
            self.realms,
            insiders,
            store,
            self._wheel,
            sender,
            watching,
            readiness,
            used=Used(),
            began=time.time(),
        )
        self._duties = duties_of(self._means)
        self._stop = Shutdown(
            reactor, settings.limits, self.realms, self._lobby, self._ports, self._hosting, self._duties
        )

    # ------------------------------------------------------------------------------------------------------- wiring

    def _password_checks(self) -> PasswordChecks:
        limits, tally = self._settings.limits, self.realms.tally
        return PasswordChecks(
            self._reactor,
            limits.password_checks,
            limits.waiting_password_checks,
            lambda: tally.strike(PASSWORDS_NOT_CHECKED),
        )

    def _open(self, realm: RealmSettings) -> None:
        """Open one realm, or get ready to open those of a template."""
        plan = Plan(
            door=self._places.door(realm),
            limits=limits_of(realm.limits, RoleLimits()),
            role_limits={role.name: limits_of(realm.limits, role.limits) for role in realm.roles},
            quota=Quota(
                sessions=realm.limits.sessions,
                sessions_by_role={role.name: role.limits.sessions for role in realm.roles if role.limits.sessions},
                sessions_per_principal=realm.limits.sessions_per_principal,
                sessions_per_principal_by_role={
                    role.name: role.limits.sessions_per_principal
                    for role in realm.roles
                    if role.limits.sessions_per_principal
                },
                retained=realm.limits.retained,
                retained_size=realm.limits.retained_size,
                waiting_calls=realm.limits.waiting_calls,
                waiting_size=realm.limits.waiting_size,
                kept_size=realm.limits.kept_size,
            ),
            retention=Retention(realm.retention.age, realm.retention.empty_clears),
            history=tuple(
                HistoryRule(rule.uri, rule.match, rule.events, rule.size, rule.age) for rule in realm.history
            ),
            timeouts=Timeouts(realm.call_timeout.default, realm.call_timeout.maximum, realm.call_timeout.forward),
            lenient_progress=realm.lenient_progress,
            strict_request_ids=realm.strict_request_ids,
            check_roles=realm.check_roles,
            drops_events=realm.slow_consumer == "drop",
        )
        if realm.match == "exact":
            self.realms.add(realm.name, plan)
            return
        demand = realm.on_demand
        template = Template(
            realm.name,
            realm.match,
            plan,
            uri_check=realm.uri_check,
            most=demand.realms,
            opened_by=None if demand.opened_by is None else frozenset(demand.opened_by),
            keep=demand.keep,
        )
        self.realms.add_template(template)

    def _factory(self, listener: Listener) -> Any:
        """The Twisted factory of one listener."""
        limits = listener.limits

        def deflate(compression: Compression | None) -> Deflate | None:
            if compression is None:
                return None
            return Deflate(compression.window_bits, compression.no_context_takeover)

        def websocket(site: Listener | VirtualHost) -> dict[str, WebSocketPath]:
            return {
                path: WebSocketPath(
                    serializers=what.serializers if isinstance(what, WampPath) else (),
                    batched=isinstance(what, WampPath) and what.batched,
                    origins=what.origins,
                    deflate=deflate(what.compression),
                    cookies=cookies_of(what.cookie, listener, self.realms) if isinstance(what, WampPath) else None,
                )
                for path, what in site.websocket.items()
            }

        certificates = None
        fits = None
        if listener.tls is not None:
            from wampd.router.transports import tls  # and with it OpenSSL: only for those who want it

            pairs = [(pair.certificate, pair.key) for pair in (listener.tls, *listener.tls.more)]
            certificates = tls.Certificates(pairs, _client_certificates(listener.tls))
            if listener.hosts and listener.tls.more:
                fits = tls.fitting(certificates)
        pace = pace_of(limits)
        speaks = Speaks(
            websocket=websocket(listener),
            rawsocket=listener.rawsocket.serializers if listener.rawsocket is not None else (),
            frames=FrameLimits(message_size=limits.message_size, fragments=limits.fragments, batch=limits.batch),
            pace=pace,
            handshake_timeout=limits.handshake_timeout,
            header_size=limits.header_size,
            header_lines=limits.header_lines,
            hosts=ByHost({name: websocket(host) for name, host in listener.hosts.items()}, websocket(listener))
            if listener.hosts
            else None,
            fits=fits,
        )
        reception = Reception(
            self._lobby,
            self.realms,
            codecs(limits.depth, _serializers(listener)),
            Patience(join=limits.join_timeout, idle=limits.idle_timeout, close=limits.close_timeout),
            most_per_address=limits.connections_per_address,
            opening_size=limits.opening_size,
        )
        web = self._web(listener, reception, fits) if any(True for _ in http_paths(listener)) else None
        factory: Any = Factory.forProtocol(lambda: UniversalPort(speaks, reception, self._wheel, web))
        factory.noisy = False
        return Door(factory if certificates is None else tls.wrap(factory, certificates), reception.receives)

    def _web(
        self, listener: Listener, reception: Reception, fits: Callable[[Any, str], bool] | None
    ) -> Callable[[], Any]:
        """What makes the web server's protocol for one connection."""
        from wampd.router.wiring.sites import site_of  # and with it Twisted's web server

        site = site_of(listener, reception, self._means, fits)
        site.startFactory()
        return lambda: site.buildProtocol(None)

    # ----------------------------------------------------------------------------------------------------- life

    def start(self) -> None:
        """Open the listeners, then start the components."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        self._places.start()
        signal.signal(signal.SIGUSR1, lambda *_: self._reactor.callFromThread(self.realms.tally.report))
        listening = DeferredList([self._listen(listener) for listener in self._settings.listeners], consumeErrors=True)
        listening.addCallback(self._started)

    def _listen(self, listener: Listener) -> Any:
        def opened(port: Any) -> None:
            self._ports.append(port)
            spoken = [f"WebSocket at {_place(keys)}" for keys, _ in websocket_paths(listener)]
            spoken += ["RawSocket"] if listener.rawsocket is not None else []
            spoken += [f"HTTP at {_place(keys)}" for keys, _ in http_paths(listener)]
            tls = " over TLS" if listener.tls is not None else ""
            what = ", ".join(spoken)
            log.info("listening on {endpoint}{tls}: {what}", endpoint=listener.endpoint, tls=tls, what=what)

        def failed(failure: Any) -> None:
            why = failure.getErrorMessage()
            log.critical("cannot listen on {endpoint}: {why}", endpoint=listener.endpoint, why=why)
            self.status = 1

        def listen() -> Any:
            return serverFromString(self._reactor, _with_backlog(listener.endpoint)).listen(self._factory(listener))

        return maybeDeferred(listen).addCallbacks(opened, failed)

    def _started(self, _: object) -> None:
        if self.status:
            self._reactor.stop()
            return
        for duty in self._duties:
            duty.start()
        self._hosting.start()
        self.realms.tally.start()
        log.info("wampd {version} is ready, process {pid}", version=wampd.__version__, pid=os.getpid())

    def _signalled(self, number: int, _frame: object) -> None:
        self._reactor.callFromThread(self._stop.request, signal.Signals(number).name)


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


def _with_backlog(endpoint: str) -> str:
    """The endpoint with room for very many clients that come back at once, unless it says how much; Twisted's own is 50."""
    if endpoint.partition(":")[0] in ("tcp", "tcp6", "unix") and ":backlog=" not in endpoint:
        return f"{endpoint}:backlog={BACKLOG}"
    return endpoint


def _connections_allowed(settings: Settings) -> int:
    """How many connections there may be: as configured, and no more than the file descriptors allow."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.limits.connections + settings.limits.spare_descriptors
    descriptors = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(descriptors, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), hard))
    allowed = max(1, descriptors - settings.limits.spare_descriptors)
    if allowed < settings.limits.connections:
        log.info("at most {allowed} connections: the limit of file descriptors is {hard}", allowed=allowed, hard=hard)
    return allowed
