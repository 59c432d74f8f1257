"""A reverse proxy in memory: clients before it, and backends behind it that say just what they are told to."""

from contextlib import suppress
from types import SimpleNamespace

from twisted.internet import error
from twisted.internet.defer import Deferred, fail, succeed

from tests.transports.port import Port, build_tree
from tests.transports.wires import Client, Loop, Wire, pair
from wampd.router.forwarded import Proxies, Trusted
from wampd.router.http.access.access import FixedRole
from wampd.router.http.access.guarded import Guarded
from wampd.router.http.introduced import Introduced
from wampd.router.http.lasting import Lasting
from wampd.router.http.proxy.backends import Backend, Backends, Room
from wampd.router.http.proxy.exchange import Patience, Ways
from wampd.router.http.proxy.heads import Mapped
from wampd.router.http.proxy.resource import ReverseProxy, Rights
from wampd.router.upstream import read_upstream


class Server:
    """A backend: what connects to it, as `Client`s of the test; the newest one is asked by default."""

    def __init__(self, loop, url):
        self.loop = loop
        self.url = url
        self.refuses = False
        self.hangs = False
        self.accepted = []
        self.wires = []
        self.given_up = 0
        self.backend = None

    def connect(self, make):
        if isinstance(self.refuses, Exception):
            return fail(self.refuses)
        if self.refuses:
            return fail(error.ConnectionRefusedError(111, "Connection refused"))
        if self.hangs:
            return Deferred(self._give_up)
        ours, theirs = pair()
        protocol = make()
        wire = Wire(ours, protocol, self.loop)
        self.wires.append(wire)
        self.accepted.append(Client(self.loop, theirs))
        protocol.makeConnection(wire)
        return succeed(protocol)

    def _give_up(self, deferred):
        self.given_up += 1

    @property
    def end(self):
        return self.accepted[-1]

    def heard(self):
        """What has come on the newest connection."""
        return self.end.read()

    def says(self, *parts):
        """Say this on the newest connection, as far as the proxy listens."""
        for part in parts:
            with suppress(BrokenPipeError):
                self.end.send(part)

    def hangs_up(self):
        """Close it in good order, which is only after all was read."""
        self.end.read()
        self.end.close()
        self.loop.run()

    def resets(self):
        self.wires[-1].reset()
        self.loop.run()


class Visitors:
    """Keeps who is there."""

    def __init__(self):
        self.inside = []
        self.enters = lambda client: self.inside.append(client) or True
        self.leaves = self.inside.remove


class Stage:
    """A proxy under ``/`` or ``/api`` with so many backends."""

    def __init__(
        self,
        urls=("http://one.example:9000",),
        *,
        path="/",
        policy="round_robin",
        weights=None,
        room=Room(),  # noqa: B008 - frozen
        failures=3,
        failing=(502, 503, 504),
        mapped=Mapped(),  # noqa: B008 - frozen
        patience=Patience(),  # noqa: B008 - frozen
        rights=Rights(),  # noqa: B008 - frozen
    ):
        self.loop = Loop()
        self.strikes = 0
        self.servers = []
        backends = []
        for url, weight in zip(urls, weights or [1] * len(urls), strict=True):
            server = Server(self.loop, url)
            server.backend = Backend(
                read_upstream(url), server.connect, self.loop, weight=weight, room=room, failures=failures
            )
            self.servers.append(server)
            backends.append(server.backend)
        self.backends = Backends(backends, policy, self.loop)
        ways = Ways(self.backends, mapped, patience, frozenset(failing), self._strike, self.loop)
        self.proxy = ReverseProxy(ways, rights)
        self.site = build_tree({path: self.proxy})

    def _strike(self):
        self.strikes += 1

    @property
    def server(self):
        """The only backend."""
        (server,) = self.servers
        return server

    @property
    def busy(self):
        """Of each backend."""
        return [server.backend.busy for server in self.servers]

    def behind(self, *proxies):
        """Let these addresses say in ``X-Forwarded-For`` who the client is; where clients are counted."""
        visitors = Visitors()
        self.site.introduced = Introduced(Proxies(Trusted(proxies), "x-forwarded-for"), visitors)
        return visitors

    def guard(self, insider):
        """Let everybody in by this session from now on."""
        lasting = Lasting(self.proxy, SimpleNamespace(requests=set()))
        self.site = build_tree({"/": Guarded(lasting, FixedRole(lambda _: insider))})

    def port(self):
        """A connection of a client."""
        return Port(site=self.site, loop=self.loop)

    def ask(self, target="/", *lines, method="GET", body=b"", version="HTTP/1.1", host="router.example"):
        """A new client sends a request; the port to read its answer from."""
        port = self.port()
        port.client.send(head(target, *lines, method=method, version=version, host=host) + body)
        return port


def head(target="/", *lines, method="GET", version="HTTP/1.1", host="router.example"):
    """The head of a request."""
    hosts = [f"Host: {host}"] if host else []
    return "\r\n".join([f"{method} {target} {version}", *hosts, *lines, "", ""]).encode("latin-1")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def lines_of(message):
    """The lines of a head, the first one apart."""
    first, *lines = message.split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")
    return first, lines


def named(message, name):
    """The values of a header, in order."""
    pairs = [line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in lines_of(message)[1]]
    return [value for each, value in pairs if each.lower() == name.lower()]


def body_of(message):
    """What follows the head."""
    return message.split(b"\r\n\r\n", 1)[1]


def warnings(events):
    return [event for event in events if event["log_level"].name == "warn"]
