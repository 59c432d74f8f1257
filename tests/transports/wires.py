"""Twisted's own socket transport between a connection under test and a client, on a clock that only tests turn.

The sockets are real (a pair, with the smallest buffers), the reactor is not: `Loop.turn` reads and writes what can be.
"""

import select
import socket
from collections import deque

from twisted.internet import tcp
from twisted.internet.address import IPv4Address
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from wampd.router.transports.connection import Connection, Pace
from wampd.router.wheel import Wheel
from wampd.router.wire.framing import FrameLimits
from wampd.router.wire.rawsocket import RawSocketFraming
from wampd.router.wire.websocket import WebSocketFraming

laid = []
"""The ends of sockets to be closed when a test is over, by `tests.transports.conftest`."""

MOST_LAID = 300
"""More than any test lays: there is a folder whose conftest does not take them up, and descriptors run out."""


class Loop(Clock):
    """As much of a reactor as a transport needs."""

    def __init__(self):
        super().__init__()
        self.rightNow = 1000.0
        self.readers = set()
        self.writers = set()
        self.wires = set()

    def addReader(self, reader):
        self.readers.add(reader)

    def removeReader(self, reader):
        self.readers.discard(reader)

    def addWriter(self, writer):
        self.writers.add(writer)

    def removeWriter(self, writer):
        self.writers.discard(writer)

    def turn(self):
        """Run what is due, then read and write once what can be; whether anything could."""
        self.advance(0)
        moved = False
        for selectables, handle in ((self.readers, "doRead"), (self.writers, "doWrite")):
            for selectable in list(selectables):
                mask = select.POLLIN if handle == "doRead" else select.POLLOUT
                poll = select.poll()
                poll.register(selectable.fileno(), mask)
                if poll.poll(0) and selectable in selectables:
                    moved = True
                    why = getattr(selectable, handle)()
                    if why:
                        self.removeReader(selectable)
                        self.removeWriter(selectable)
                        selectable.connectionLost(Failure(why))
        self.advance(0)
        return moved

    def run(self, seconds=0.0, step=0.25):
        """Turn until nothing moves any more, then let this time pass."""
        while self.turn():
            pass
        while seconds > 0:
            self.advance(min(step, seconds))
            seconds -= step
            while self.turn():
                pass


class Wire(tcp.Connection):
    """One end of a pair of sockets, as Twisted handles it."""

    def __init__(self, end, protocol, loop):
        super().__init__(end, protocol, loop)
        self.connected = True
        loop.wires.add(self)
        loop.addReader(self)

    def getPeer(self):
        return IPv4Address("TCP", "127.0.0.1", 40000)

    def getHost(self):
        return self.getPeer()

    def setTcpNoDelay(self, enabled):
        self.is_prompt = enabled  # the pair is of Unix sockets, which are always

    def reset(self):
        """As if the network had lost the connection."""
        self.connectionLost(Failure(CONNECTION_LOST))


def pair():
    """Two connected sockets that hold little: the router's, not blocking, and the client's."""
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        each.setblocking(False)
    return ours, theirs


class Client:
    """The client's end: it sends what it is told to, and reads when it is told to."""

    WAIT = (BlockingIOError,)
    OVER = (ConnectionError,)

    def __init__(self, loop, end):
        self._loop = loop
        self.end = end
        assert len(laid) < MOST_LAID, "nobody takes up what is laid"
        laid.append(self)

    def send(self, data):
        """Send all of it, the loop turning meanwhile; how much could not be sent."""
        while data:
            try:
                data = data[self.end.send(data) :]
            except self.WAIT:
                if not self._loop.turn():
                    break
        self._loop.run()
        return len(data)

    def read(self, most=2**30):
        """What has come and comes without time passing, up to ``most`` octets."""
        received = bytearray()
        while len(received) < most:
            moved = self._loop.turn()
            try:
                data = self.end.recv(min(2**16, most - len(received)))
            except self.WAIT:
                if not moved and not self._loop.turn():
                    return bytes(received)
                continue
            except self.OVER:
                return bytes(received)
            if not data:
                return bytes(received)
            received += data
        return bytes(received)

    def is_cut_off(self):
        """Whether the router has closed the connection."""
        self._loop.run()
        try:
            while self.end.recv(2**16):
                pass
        except self.WAIT:
            return False
        except self.OVER:
            return True
        return True

    def close(self):
        self.end.close()

    def take_up(self):
        """Close this end, and let the other one see it."""
        self.close()
        self._loop.run()
        for selectable in self._loop.readers | self._loop.writers | self._loop.wires:
            if selectable.connected:
                selectable.connectionLost(Failure(CONNECTION_LOST))


class Listener:
    """What a connection serves in tests: it keeps what it hears."""

    def __init__(self):
        self.deadline = None
        self.is_in = True
        self.heard = []
        self.log = []
        self.drops = False
        self.connection = None
        self.on_late = None

    def receive(self, payloads):
        self.heard += payloads

    def late(self):
        self.log.append("late")
        self.deadline = None
        if self.on_late is not None:
            self.on_late()

    def congested(self, is_congested):
        self.log.append(f"congested {is_congested}")
        return self.drops

    def failed(self, why):
        self.log.append(f"failed: {why}")

    def too_slow(self, why):
        self.log.append(f"failed: slow consumer: {why}")

    def lost(self, why):
        self.log.append(f"lost: {why}")


class Line:
    """A connection under test with both its ends."""

    def __init__(self, *, raw=False, pace=None, limits=None, deadline=None):
        self.loop = Loop()
        self.wheel = Wheel(self.loop)
        self.peer = Listener()
        self.peer.deadline = deadline
        self.gone = deque()
        limits = limits or FrameLimits()
        framing = RawSocketFraming(2**24, limits.message_size) if raw else WebSocketFraming(binary=False, limits=limits)
        self.connection = Connection(framing, pace or Pace(), self.wheel, self.gone.append)
        self.connection.peer = self.peer
        ours, theirs = pair()
        self.client = Client(self.loop, theirs)
        self.transport = self.lay(ours)
        self.loop.run()

    def lay(self, ours):
        """Connect the connection under test to its end."""
        wire = Wire(ours, self.connection, self.loop)
        self.connection.makeConnection(wire)
        return wire

    def write(self, payload):
        """The router sends a message."""
        self.connection.write(self.connection.framing.frame(payload))

    def fill(self, size=2**16):
        """Send so much that the socket takes no more; how much was sent."""
        self.write(b"f" * size)
        self.loop.run()
        return size
