"""A connection that is over leaves nothing that only the garbage collector could find: it runs rarely, on purpose."""

import gc
from collections import Counter

import pytest

from tests.transports.port import EVERYTHING, Port, build_site, request
from tests.wire.frames import PING, TEXT, close, frame
from wampd.auth.anonymous import Anonymous
from wampd.auth.handshake import RealmAuth
from wampd.auth.roles import Role, Rule
from wampd.router.line import Patience
from wampd.router.realms import Realms
from wampd.router.reception import Lobby, Reception
from wampd.router.templates import Plan
from wampd.router.wire.serializers import codecs

OURS = ("wampd.", "twisted.web.", "twisted.internet.tcp", "tests.transports.wires", "websockets.server")
"""Where the types come from that a connection is made of (other tests' clients, in threads of their own, are not ours)."""
HELLO = b'[1,"realm1",{"roles":{"caller":{},"subscriber":{},"callee":{},"publisher":{}}}]'
SUBSCRIBE = b'[32,1,{},"com.topic"]'
REGISTER = b'[64,2,{},"com.procedure"]'
CALL = b'[48,3,{},"com.procedure"]'


def rawsocket(payload):
    return len(payload).to_bytes(4, "big") + payload


class Rig:
    """A whole router behind ports of the test rig."""

    def __init__(self, tmp_path):
        first = Port()
        self.loop = first.loop
        self.realms = Realms(self.loop, "wampd-test")
        allow = frozenset({"call", "register", "publish", "subscribe"})
        role = Role("anonymous", [Rule(uri="com.", match="prefix", allow=allow, disclose="never")])
        self.realms.add("realm1", Plan(door=RealmAuth([Anonymous("anonymous", lambda: "someone")], [role])))
        self.lobby = Lobby(100, self.loop.seconds)
        self.reception = Reception(self.lobby, self.realms, codecs(64), Patience())
        self.site = build_site({"/": tmp_path})

    def visit(self, *pieces, leave=None):
        """Send the pieces, let the router answer, leave; ``leave``: what is said last."""
        port = Port(EVERYTHING, house=self.reception, loop=self.loop, site=self.site)
        for piece in pieces:
            port.client.send(piece)
            self.realms.end_of_turn()
            port.client.read()
        if leave is not None:
            port.client.send(leave)
            self.realms.end_of_turn()
        port.client.take_up()
        self.loop.run(40)


def text(*payloads):
    return b"".join(frame(TEXT, payload) for payload in payloads)


VISITS = {
    "a port scan": [()],
    "half a handshake": [(b"GET /ws HT",)],
    "neither RawSocket nor HTTP": [(b"\0\0\0\0",)],
    "a refused handshake": [(request(without=("Sec-WebSocket-Key",)),)],
    "a refused RawSocket handshake": [(b"\x7f\xf9\0\0",)],
    "a web page": [(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",)],
    "a WebSocket without a session": [(request(),)],
    "a WebSocket session that is lost": [(request(), text(HELLO))],
    "a WebSocket session that works": [(request(), text(HELLO), text(SUBSCRIBE, REGISTER), text(CALL), frame(PING))],
    "a WebSocket session in fragments": [(request(), text(HELLO), frame(TEXT, b"[32,", fin=False))],
    "a WebSocket session that says goodbye": [
        (request(), text(HELLO), text(b'[6,{},"wamp.close.close_realm"]'), close(1000)),
    ],
    "a WebSocket session that violates the protocol": [(request(), text(HELLO), text(b"[99]"), close(1002))],
    "a WebSocket that violates its own": [(request(), text(HELLO), frame(3, b""))],
    "a RawSocket session that is lost": [(b"\x7f\xf1\0\0", rawsocket(HELLO), rawsocket(SUBSCRIBE))],
    "a refused session": [(request(), text(HELLO.replace(b"realm1", b"realm2")))],
    "a WebSocket that is sent the wrong kind of frame": [(request(), text(HELLO), frame(2, b"[]"))],
    "an echo": [(request("/echo"), text(b"hello"), close(1000))],
}


@pytest.mark.parametrize("visits", VISITS.values(), ids=VISITS.keys())
def test_nothing_is_left_for_the_garbage_collector(tmp_path, visits):
    rig = Rig(tmp_path)
    for pieces in visits * 2:
        rig.visit(*pieces)
    gc.collect()
    gc.freeze()  # what is of others: the log keeps its last events, and with them sessions of earlier tests
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for pieces in visits * 5:
            rig.visit(*pieces)
        gc.collect()
        ours = Counter(
            f"{type(each).__module__}.{type(each).__qualname__}"
            for each in gc.garbage
            if type(each).__module__.startswith(OURS)
        )
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.unfreeze()
    assert dict(ours) == {}
    assert rig.lobby.open == 0
    assert rig.lobby.connections == set()
