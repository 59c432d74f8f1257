"""The backends of a proxy: which one gets a request, and the connections that are kept to each.

Rules
-----
* Of those that are well and have room, the policy chooses: ``round_robin`` gives each its share by weight, evenly mixed;
  ``least_busy`` takes the one with the fewest requests under way for its weight; ``address`` always the same one for a client's
  address, and only those of a backend that is out move (rendezvous hashing).
* A backend has a bounded number of connections, and a bounded number of them are kept for a short while when nothing is under
  way. Those used last are used first.
* A request that could not be sent a second time gets a connection that was in use a moment ago, or a new one: what was idle for
  longer may have just been closed by the other side.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Final, Literal

from msgspec import Struct
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from wampd.router.http.proxy.connection import BackendConnection
from wampd.router.http.proxy.health import Health
from wampd.router.upstream import Upstream

Policy = Literal["round_robin", "least_busy", "address"]
LACKING: Final = frozenset({errno.EMFILE, errno.ENFILE})
FRESH: Final = 1.0
"""Seconds of idleness after which a connection is not trusted with what cannot be sent again."""


class Room(Struct, frozen=True):
    """What the connections to one backend may cost."""

    connections: int = 1000
    kept: int = 16
    keep: float = 4.0
    """Seconds that a connection is kept."""


class Backend:
    """One backend, and the connections to it."""

    def __init__(
        self,
        upstream: Upstream,
        connect: Callable[[Callable[[], BackendConnection]], Deferred[BackendConnection]],
        clock: Any,
        *,
        weight: int = 1,
        room: Room = Room(),  # noqa: B008 - frozen
        failures: int = 3,
    ) -> None:
        """``connect`` makes a connection, of what it is given; ``clock`` is an ``IReactorTime``."""
        self.upstream = upstream
        self.weight = weight
        self.health = Health(failures)
        self.busy = 0
        """Requests, and WebSocket connections, under way."""
        self.turn = 0
        """What `round_robin` keeps of it."""
        self._connect = connect
        self._clock = clock
        self._room = room
        self._idle: list[BackendConnection] = []
        self._sweep: Any = None

    @property
    def is_full(self) -> bool:
        """Whether it has no room for one more request."""
        return self.busy >= self._room.connections

    def connection(self, most_idle: float = math.inf) -> Deferred[BackendConnection]:
        """A connection for one exchange, which was idle for so many seconds at the most. To be counted by the caller."""
        since = self._clock.seconds() - min(most_idle, self._room.keep)
        while self._idle and self._idle[-1].idle_since > since:  # those before it are idle for longer
            kept = self._idle.pop()
            if not kept.is_over:
                return succeed(kept)
        return self._connect(BackendConnection).addCallback(self._made)

    def close(self) -> None:
        """Keep no connection any more."""
        idle, self._idle = self._idle, []
        for kept in idle:
            kept.close()
        if self._sweep is not None and self._sweep.active():
            self._sweep.cancel()

    def _made(self, connection: BackendConnection) -> BackendConnection:
        connection.on_idle = self._keep
        connection.on_over = self._forget
        return connection

    def _keep(self, connection: BackendConnection) -> None:
        if len(self._idle) >= self._room.kept:
            connection.close()
            return
        connection.idle_since = self._clock.seconds()
        self._idle.append(connection)
        if self._sweep is None or not self._sweep.active():
            self._sweep = self._clock.callLater(self._room.keep, self._close_old)

    def _forget(self, connection: BackendConnection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)

    def _close_old(self) -> None:
        """Close what was kept for long enough."""
        now = self._clock.seconds()
        old = [each for each in self._idle if now - each.idle_since >= self._room.keep]
        self._idle = [each for each in self._idle if now - each.idle_since < self._room.keep]
        for each in old:
            each.close()
        if self._idle:
            self._sweep = self._clock.callLater(self._idle[0].idle_since + self._room.keep - now, self._close_old)


class Backends:
    """All backends of a proxy."""

    def __init__(self, backends: Sequence[Backend], policy: Policy, clock: Any) -> None:
        self.all = tuple(backends)
        self._policy = policy
        self._clock = clock

    def choose(self, address: str, without: Sequence[Backend] = ()) -> Backend | None:
        """Which one gets a request of this address; `None`: none is well and has room."""
        now = self._clock.seconds()
        able = [each for each in self.all if each not in without and not each.is_full and not each.health.is_out(now)]
        if len(able) < 2:
            return able[0] if able else None
        if self._policy == "address":
            return max(able, key=lambda each: _affinity(address, each))
        if self._policy == "least_busy":
            least = min(each.busy / each.weight for each in able)
            able = [each for each in able if each.busy / each.weight == least]
        return _next(able)

    def wait(self) -> int:
        """How many seconds it takes, at the best, until one may be there again."""
        now: float = self._clock.seconds()
        return math.ceil(min(each.health.back_at(now) for each in self.all) - now)


def _next(able: Sequence[Backend]) -> Backend:
    """Whose turn it is: each has its share of turns, as evenly between the others' as can be."""
    for each in able:
        each.turn += each.weight
    chosen = max(able, key=lambda each: each.turn)
    chosen.turn -= sum(each.weight for each in able)
    return chosen


def _affinity(address: str, backend: Backend) -> float:
    """How much an address belongs to a backend: the highest has it, in proportion to the weights."""
    digest = blake2b(f"{address}\0{backend.upstream.name}".encode(), digest_size=8).digest()
    return -backend.weight / math.log((int.from_bytes(digest, "big") + 1) / (2**64 + 2))


def lacks_descriptors(failure: Failure) -> bool:
    """Whether a connection could not be made because we have too many; Twisted hides the number in an error of its own."""
    why = failure.value
    numbers = (getattr(why, "errno", None), getattr(why, "osError", None), getattr(why, "socketError", None))
    return any(getattr(each, "errno", each) in LACKING for each in numbers)
