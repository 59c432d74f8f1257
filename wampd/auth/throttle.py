"""Who has failed too often must wait: so secrets cannot be guessed quickly, however many connections try.

Rules
-----
* An *attempt* is one step in which a client may prove who it is. Attempts are counted by (address, principal), by address and
  by principal. A principal is a door and the authid that the client names; IPv6 addresses count by their /64.
* Up to a number of failures nothing happens. From then on every failure makes all attempts of the same kind be refused for a
  while: first for ``first_delay``, after each further failure for twice as long, up to ``longest_delay``. What is refused is
  not looked at, and prolongs nothing. ``window`` after that without a failure, all are forgotten; a success forgets the pair's.
* Attempts under way count: with those that failed they are no more than the number; and one, when that is reached. More wait
  for their turn, so that many clients that come back at once are let in one after the other, and many guesses at once are none.
* No stranger locks anybody out: pairs that had a success count by themselves alone. Clients without an address (Unix sockets)
  are not counted by address; nor are addresses that many share, such as that of a reverse proxy.
* All tables are bounded: who failed longest ago is forgotten first.

Sans-I/O: the time is asked of a function that is given; who waits for its turn is called by `Attempt.turn`.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any, Final, TypeAlias

from msgspec import Struct

from wampd.auth.addresses import address_of

REFUSED: Final = "joins refused after too many failures"
STRUCK: Final = "throttles of failed joins"
PAIR, ADDRESS, PRINCIPAL = "pair", "address", "principal"
_WHOSE: Final = {
    PAIR: "this principal from this address",
    ADDRESS: "this address",
    PRINCIPAL: "this principal from everywhere",
}
Network: TypeAlias = IPv4Network | IPv6Network


class Tolerance(Struct, frozen=True):
    """How many failures are tolerated; `None`: any number. Times in seconds."""

    of_pair: int | None = 5
    of_address: int | None = 50
    of_principal: int | None = 100
    window: float = 60.0
    first_delay: float = 1.0
    longest_delay: float = 30.0
    remembered: int = 10_000
    """Entries of each table."""
    shared: tuple[Network, ...] = ()
    """Addresses that stand for many clients."""


class _Record:
    """The failures of one pair, address or principal."""

    __slots__ = ("failures", "last", "queue", "told", "under_way")

    def __init__(self) -> None:
        self.failures = 0
        self.last = 0.0
        self.under_way = 0
        self.queue: deque[Attempt] = deque()
        self.told = False
        """That attempts are refused was logged since the last failure."""

    def wake(self) -> None:
        """Let the next one that waits try."""
        while self.queue:
            following = self.queue.popleft()
            if following.waits:
                following.turn()
                return


class Refused(Struct, frozen=True):
    """An attempt is not looked at."""

    seconds: float
    """Until one will be."""
    what: str
    """Whose failures these are, for our log."""
    first: bool
    """The first since the last failure."""


class _Place(Struct, frozen=True):
    """Where an attempt counts."""

    kind: str
    key: Hashable
    most: int
    """How many failures are tolerated there."""


class Attempt:
    """One client's attempt to prove who it is."""

    __slots__ = ("_in_hand", "_throttle", "_waits_for", "network", "pair", "records", "turn")

    def __init__(self, throttle: Throttle, door: Hashable, authid: str | None, network: str) -> None:
        self._throttle = throttle
        self._in_hand = False
        self._waits_for: _Record | None = None
        self.network = network
        self.pair = (door, authid, network) if authid is not None else None
        self.records: list[tuple[_Place, _Record]] = []
        """Where it counts, while it is in hand."""
        self.turn: Callable[[], None] = lambda: None
        """Called when it is to be begun again; set by who waits."""

    def __repr__(self) -> str:
        return f"<Attempt from {self.network or 'nowhere'}>"

    def begin(self) -> Refused | None:
        """Take it in hand, unless it is refused or `waits`."""
        former, self._waits_for = self._waits_for, None
        places = self._throttle.places(self)
        obstacle = self._throttle.obstacle(places)
        if obstacle is None:
            self._in_hand = True
            self.records = self._throttle.take(places)
            return None
        if isinstance(obstacle, _Record):
            self._waits_for = obstacle
            obstacle.queue.append(self)
        if former is not None and former is not obstacle:
            former.wake()  # it was woken in vain, so nothing of its will wake the next
        return obstacle if isinstance(obstacle, Refused) else None

    @property
    def waits(self) -> bool:
        """Whether it waits for its `turn`."""
        return self._waits_for is not None

    def succeeded(self) -> None:
        """The client is who it says."""
        if self._in_hand:
            if self.pair is not None:
                self._throttle.welcome(self.pair)
            self._end()

    def failed(self) -> None:
        """The client is not who it says, or nobody knows any more."""
        if self._in_hand:
            self._throttle.count(self)
            self._end()

    def dropped(self) -> None:
        """It was none: the client is asked for more, or nobody could tell."""
        if self._in_hand:
            self._end()

    def abandoned(self) -> None:
        """The client is gone: if the answer was on its way, it may have been a wrong guess."""
        self.failed()
        waited_for, self._waits_for = self._waits_for, None
        if waited_for is not None:
            waited_for.wake()

    def _end(self) -> None:
        self._in_hand = False
        for _, record in self.records:
            record.under_way -= 1
            record.wake()
        self._throttle.tidy(self.records)
        self.records = []


class Throttle:
    """The failures of the whole process."""

    def __init__(self, tolerance: Tolerance, now: Callable[[], float]) -> None:
        """``now`` tells monotonic seconds."""
        self._tolerance = tolerance
        self._now = now
        self._tables: dict[str, OrderedDict[Hashable, _Record]] = {kind: OrderedDict() for kind in _WHOSE}
        self._known: OrderedDict[Hashable, None] = OrderedDict()
        self.struck: Counter[str] = Counter()

    def change(self, tolerance: Tolerance) -> None:
        """Tolerate so much from now on."""
        self._tolerance = tolerance

    def attempt(self, door: Hashable, authid: str | None, peer: str) -> Attempt:
        """Who wants in: by which door, under which name (`None`: the client names none), from which address."""
        return Attempt(self, door, authid, network_of(peer))

    def sizes(self) -> dict[str, int]:
        """How much is remembered, by table."""
        return {"known": len(self._known), **{kind: len(table) for kind, table in self._tables.items()}}

    # -------------------------------------------------------------------------------------------- for attempts

    def places(self, attempt: Attempt) -> list[_Place]:
        """Where an attempt counts."""
        tolerance, pair, network = self._tolerance, attempt.pair, attempt.network
        places: list[_Place] = []
        if pair is not None and tolerance.of_pair is not None:
            places.append(_Place(PAIR, pair, tolerance.of_pair))
        if pair is not None and pair in self._known:
            return places
        if pair is not None and tolerance.of_principal is not None:
            places.append(_Place(PRINCIPAL, pair[:2], tolerance.of_principal))
        if tolerance.of_address is not None and network and not _is_shared(network, tolerance.shared):
            places.append(_Place(ADDRESS, network, tolerance.of_address))
        return places

    def obstacle(self, places: Sequence[_Place]) -> Refused | _Record | None:
        """What an attempt meets: it is refused, or has to wait for others, or nothing."""
        now = self._now()
        full: _Record | None = None
        for place in places:
            record = self._tables[place.kind].get(place.key)
            if record is None:
                continue
            left = self._delay(record, place.most, now)
            if left > 0:
                self.struck[REFUSED] += 1
                first, record.told = not record.told, True
                self.struck[STRUCK] += first
                return Refused(left, f"{record.failures} failures of {_WHOSE[place.kind]}", first)
            if record.under_way and record.failures + record.under_way >= place.most:
                full = full or record
        return full

    def take(self, places: Sequence[_Place]) -> list[tuple[_Place, _Record]]:
        """Count an attempt that is under way from now on."""
        records = [(place, self._record(place)) for place in places]
        for _, record in records:
            record.under_way += 1
        return records

    def count(self, attempt: Attempt) -> None:
        """An attempt has failed."""
        now = self._now()
        for place in self.places(attempt):
            record = self._record(place)
            record.failures += 1
            record.last = now
            record.told = False
            self._tables[place.kind].move_to_end(place.key)

    def welcome(self, pair: Hashable) -> None:
        """An attempt of this pair has succeeded."""
        record = self._tables[PAIR].get(pair)
        if record is not None:
            record.failures = 0
        self._known[pair] = None
        self._known.move_to_end(pair)
        if len(self._known) > self._tolerance.remembered:
            self._known.popitem(last=False)

    def tidy(self, records: Sequence[tuple[_Place, _Record]]) -> None:
        """Forget what holds nothing."""
        for place, record in records:
            table = self._tables[place.kind]
            if not (record.failures or record.under_way) and table.get(place.key) is record:
                del table[place.key]

    def _record(self, place: _Place) -> _Record:
        table = self._tables[place.kind]
        record = table.get(place.key)
        if record is None:
            record = table[place.key] = _Record()
            if len(table) > self._tolerance.remembered:
                table.popitem(last=False)
        return record

    def _delay(self, record: _Record, most: int, now: float) -> float:
        """How long an attempt has to wait because of those that failed; forgets them after a while."""
        beyond = record.failures - most
        tolerance = self._tolerance
        delay = min(tolerance.longest_delay, tolerance.first_delay * 2.0 ** min(beyond, 60)) if beyond >= 0 else 0.0
        since = now - record.last
        if record.failures and since >= delay + tolerance.window:
            record.failures = 0
        return delay - since if record.failures else 0.0


@lru_cache(maxsize=1024)
def network_of(peer: str) -> str:
    """What stands for an address: itself, the /64 of an IPv6 one; ``""``: it is none."""
    address = address_of(peer.partition("%")[0])
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return "" if address is None else str(address)


def _is_shared(network: str, shared: Sequence[Network]) -> bool:
    if not shared:
        return False
    own: Any = ip_network(network)
    return any(own.version == each.version and own.subnet_of(each) for each in shared)
