"""Which deliveries are to be attempted now: all that are pending, by hook and host. No I/O; time comes in.

Rules
-----
* Of one hook one attempt at a time is under way, and of what is due the oldest comes first: so a hook whose receiver answers
  gets its events in their order. A delivery that has failed waits for its own time, and later ones go past it.
* Of one host as much at once as its breaker lets through (`wampd.router.hooks.breaker`); of all together ``most``.
* Whose turn it is goes round: a hook with very much to deliver does not keep others waiting.
* Every step costs what it changes, not what there is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from wampd.router.hooks.breaker import Breaker, HostRules

_NEVER: Final = float("inf")
SLACK: Final = 1000
"""How much that is over may stand among what waits, before it is taken out."""


class Delivery(Struct, eq=False):
    """One event for one hook, until it is delivered or dead."""

    event: str
    hook: str
    number: int
    """What came later has a higher one."""
    attempts: int = 0
    """How many there were."""
    due: float = 0.0
    """When it is to be attempted: monotonic seconds."""
    is_over: bool = False

    @property
    def id(self) -> str:
        """Its name."""
        return f"{self.event}-{self.hook}"

    def __lt__(self, other: Delivery) -> bool:  # of deliveries with the same due time
        return self.number < other.number


class _Lane:
    """What is pending for one hook."""

    __slots__ = ("host", "is_busy", "pending", "queued", "ready")

    def __init__(self, host: str) -> None:
        self.host = host
        self.pending: dict[str, Delivery] = {}
        self.ready: list[Delivery] = []
        self.is_busy = False
        self.queued = False
        """Whether it stands among those who may go, or waits for its host."""


class _Host:
    """One host, and the lanes that wait for it."""

    __slots__ = ("breaker", "lanes", "waiting", "woken_at")

    def __init__(self, rules: HostRules) -> None:
        self.breaker = Breaker(rules)
        self.lanes = 0
        self.waiting: dict[str, None] = {}
        self.woken_at = _NEVER


class Agenda:
    """All that is pending."""

    def __init__(self, rules: HostRules, most: int) -> None:
        """``most`` attempts at once."""
        self.pending = 0
        self.running = 0
        self._rules = rules
        self._most = most
        self._lanes: dict[str, _Lane] = {}
        self._hosts: dict[str, _Host] = {}
        self._turns: dict[str, None] = {}  # hooks that may have something to begin, in their turn
        self._later: list[tuple[float, Delivery]] = []
        self._wakings: list[tuple[float, str]] = []

    def open(self, hook: str, host: str) -> None:
        """Take deliveries of a hook from now on."""
        if hook not in self._lanes:
            self._lanes[hook] = _Lane(host)
            self._hosts.setdefault(host, _Host(self._rules)).lanes += 1

    def close(self, hook: str) -> list[Delivery]:
        """Take none of a hook any more; what was pending, which is over."""
        lane = self._lanes.pop(hook, None)
        if lane is None:
            return []
        self._turns.pop(hook, None)
        host = self._hosts[lane.host]
        host.waiting.pop(hook, None)
        host.lanes -= 1
        if not host.lanes and not host.breaker.running:
            del self._hosts[lane.host]
        left = list(lane.pending.values())
        for delivery in left:
            delivery.is_over = True
        self.pending -= len(left)
        if len(self._later) > 2 * self.pending + SLACK:
            self._later = [each for each in self._later if not each[1].is_over]
            heapq.heapify(self._later)
        return left

    def count(self, hook: str) -> int:
        """How many are pending of a hook."""
        lane = self._lanes.get(hook)
        return 0 if lane is None else len(lane.pending)

    def add(self, delivery: Delivery) -> None:
        """Take a delivery; its hook must be open."""
        lane = self._lanes[delivery.hook]
        lane.pending[delivery.event] = delivery
        self.pending += 1
        heapq.heappush(self._later, (delivery.due, delivery))

    def begin(self, now: float) -> Iterator[Delivery]:
        """What is to be attempted now, each of which counts as begun; to be read to its end."""
        while self._later and self._later[0][0] <= now:
            _, delivery = heapq.heappop(self._later)
            if not delivery.is_over:
                lane = self._lanes[delivery.hook]
                heapq.heappush(lane.ready, delivery)
                self._offer(delivery.hook, lane)
        while self._wakings and self._wakings[0][0] <= now:
            at, name = heapq.heappop(self._wakings)
            host = self._hosts.get(name)
            if host is not None and host.woken_at == at:
                host.woken_at = _NEVER
                self._wake(name, host, now)
        while self._turns and self.running < self._most:
            hook = next(iter(self._turns))
            del self._turns[hook]
            lane = self._lanes[hook]
            lane.queued = False
            host = self._hosts[lane.host]
            if not host.breaker.may_begin(now):
                lane.queued = True
                host.waiting[hook] = None
                self._wake(lane.host, host, now)
                continue
            delivery = heapq.heappop(lane.ready)
            lane.is_busy = True
            host.breaker.begin()
            self.running += 1
            delivery.attempts += 1
            yield delivery

    def end(self, delivery: Delivery, host: str, shows_life: bool | None, now: float, due: float | None = None) -> None:
        """An attempt has ended; ``shows_life`` `None`: we gave it up. ``due``: it is to be attempted again then."""
        self.running -= 1
        breaker = self._hosts[host].breaker
        if shows_life is None:
            breaker.cancel()
        else:
            breaker.end(shows_life, now)
        self._wake(host, self._hosts[host], now)  # who waits has its turn before this hook has its next one
        lane = self._lanes.get(delivery.hook)
        if lane is not None and not delivery.is_over:
            lane.is_busy = False
            if due is None:
                delivery.is_over = True
                del lane.pending[delivery.event]
                self.pending -= 1
            else:
                delivery.due = due
                heapq.heappush(self._later, (due, delivery))
            self._offer(delivery.hook, lane)

    def next_deadline(self) -> float | None:
        """When `begin` has something to do at the earliest, unless something ends or comes before."""
        while self._later and self._later[0][1].is_over:
            heapq.heappop(self._later)
        times = [heap[0][0] for heap in (self._later, self._wakings) if heap]
        return min(times, default=None)

    def host_state(self, host: str) -> str:
        """Whether a host is left alone: ``closed`` or ``open``."""
        known = self._hosts.get(host)
        return "closed" if known is None else known.breaker.state

    def hosts_left_alone(self) -> int:
        """How many hosts get nothing but a try now and then."""
        return sum(host.breaker.state == "open" for host in self._hosts.values())

    def _offer(self, hook: str, lane: _Lane) -> None:
        """It may be a hook's turn."""
        while lane.ready and lane.ready[0].is_over:
            heapq.heappop(lane.ready)
        if lane.ready and not lane.is_busy and not lane.queued:
            lane.queued = True
            self._turns[hook] = None

    def _wake(self, name: str, host: _Host, now: float) -> None:
        """Let as many lanes as the host has room for have their turn, or see to it when it is time."""
        if not host.lanes and not host.breaker.running:
            self._hosts.pop(name, None)
        elif host.waiting and host.breaker.opens_at > now:
            if host.woken_at != host.breaker.opens_at:
                host.woken_at = host.breaker.opens_at
                heapq.heappush(self._wakings, (host.woken_at, name))
        else:
            for _ in range(min(host.breaker.room, len(host.waiting))):
                hook = next(iter(host.waiting))
                del host.waiting[hook]
                self._turns[hook] = None
