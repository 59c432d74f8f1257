"""A universal port under test, with a client at the other end of the wire, and what stands behind the port."""

import base64
import hashlib

from twisted.web.resource import Resource
from twisted.web.server import Site

from tests.support.sites import build_site as build_tree
from tests.transports.wires import Client, Listener, Loop, Wire, pair
from wampd.router.http.static.resource import StaticFiles
from wampd.router.transports.universal import Speaks, UniversalPort
from wampd.router.transports.upgrade import WebSocketPath
from wampd.router.wheel import Wheel
from wampd.router.wire.framing import FrameLimits

KEY = base64.b64encode(b"0123456789abcdef").decode()
ACCEPT = base64.b64encode(hashlib.sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
ALL = ("json", "msgpack", "cbor")
EVERYTHING = Speaks(
    websocket={
        "/ws": WebSocketPath(serializers=ALL),
        "/json": WebSocketPath(serializers=("json",)),
        "/single": WebSocketPath(serializers=ALL, batched=False),
        "/echo": WebSocketPath(),
    },
    rawsocket=ALL,
    frames=FrameLimits(message_size=2**20),
)


def request(path="/ws", *headers, method="GET", version="HTTP/1.1", without=(), **changes):
    """The head of a WebSocket request; ``headers`` are further lines, ``without`` names those left out."""
    lines = {
        "Host": "router.example:8080",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "wamp.2.json",
    }
    lines.update({name.replace("_", "-"): value for name, value in changes.items()})
    kept = [f"{name}: {value}" for name, value in lines.items() if name not in without]
    return "\r\n".join([f"{method} {path} {version}", *kept, *headers, "", ""]).encode("latin-1")


def build_site(files, others=None, **limits):
    """A site of directories by path, and of other things by path."""
    served = {path: StaticFiles(directory) for path, directory in files.items()}
    return build_tree({**served, **(others or {})}, **limits)


class House:
    """What stands behind the port: it lets in as many as it is told."""

    def __init__(self, room=10, told=2):
        self.room = room
        self.told = told
        self.served = []
        self.inside = 0
        self.arriving = 0
        self.waiting = 0
        self.refusals = 0
        self.gone = []
        self.moved = []
        self.full = set()
        self.released = []
        self.is_starving = False

    def admit(self, address, descriptor=-1):
        if self.inside >= self.room:
            return False
        self.inside += 1
        return True

    def moves(self, address, client):
        self.moved.append((address, client))
        return client not in self.full

    def release(self, address):
        self.inside -= 1
        self.released.append(address)

    def turn_away(self):
        if self.waiting >= self.told:
            return False
        self.waiting += 1
        return True

    def refused(self):
        self.refusals += 1

    def arrives(self, by):
        self.arriving += by
        assert self.arriving >= 0

    def turned_away(self):
        self.waiting -= 1

    def farewell(self, address):
        def gone(connection):
            self.gone.append(connection)
            self.release(address)

        return gone

    def serve(self, connection, serializer, about, since):
        return self._listener(connection, serializer, about, since)

    def echo(self, connection):
        return self._listener(connection, "echo", {}, None)

    def _listener(self, connection, serializer, about, since):
        listener = Listener()
        listener.connection = connection
        listener.serializer, listener.about, listener.since = serializer, about, since
        listener.answer = None
        keep = listener.receive

        def receive(payloads):
            keep(payloads)
            for payload in payloads:
                if listener.answer is not None:
                    connection.write(connection.framing.frame(listener.answer(payload)))

        listener.receive = receive
        self.served.append(listener)
        return listener


class Page(Resource):
    """A web page; it says what was asked for."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def render_GET(self, request):
        return b"page " + request.uri

    def render_POST(self, request):
        return b"posted %d" % len(request.content.read())


class Port:
    """One connection to a universal port."""

    def __init__(self, speaks=EVERYTHING, *, web=True, site=None, house=None, loop=None):
        self.loop = loop or Loop()
        self.house = house or House()
        self.wheel = Wheel(self.loop)
        site = site or Site(Page(), timeout=30)
        site.reactor = self.loop
        self.protocol = UniversalPort(speaks, self.house, self.wheel, site.buildProtocol if web else None)
        ours, theirs = pair()
        self.client = Client(self.loop, theirs)
        self.wire = Wire(ours, self.protocol, self.loop)
        self.connect()
        self.loop.run()

    def connect(self):
        self.protocol.makeConnection(self.wire)

    @property
    def served(self):
        return self.house.served

    def ask(self, data):
        """Send, and give what is answered at once."""
        self.client.send(data)
        return self.client.read()


def status(answer):
    """The status code of an HTTP answer."""
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer.split(b" ", 2)[1])


def headers(answer):
    """The headers of an HTTP answer."""
    head = answer.split(b"\r\n\r\n", 1)[0].decode()
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in head.split("\r\n")[1:])}
