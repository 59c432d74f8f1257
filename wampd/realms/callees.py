"""The callees of a shared registration: which of them a call goes to, and what waits until one has room.

Rules
-----
* The first callee fixes the policy: ``roundrobin`` (in the order of registration), ``random`` (uniform), ``first`` and
  ``last`` (the oldest and the newest), ``single`` (it stays the only one); of our own ``load``: the one with the fewest
  calls under way, in turn where several have (advanced profile, "Shared Registration").
* Where no more calls may wait, the last one of the caller who has most of them gives way to one of a caller who has less than a
  fair share.
* A callee may limit how many calls it serves at once (``concurrency``, our own). Each policy chooses among the callees that
  have room. If none has, the call waits: calls are served in the order in which they came.
* With a ``rkey`` a call goes to the callee whose ``nkey`` it belongs to, by rendezvous hashing; of several with one key the
  policy chooses. Such a call waits for just these callees; if that key's last callee goes, for those whose turn it is then.
* When callees come and go, only those who wait for them are looked at: very many may wait, and very many come or go.
* What a call has taken (a share of a callee's room, a place in the line) it gives back, once, by `give_back`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, TypeAlias

from wampd.realms.abilities import lacking
from wampd.realms.fairness import Holdings
from wampd.realms.limits import beyond
from wampd.realms.session import Session, State
from wampd.realms.sharding import rendezvous, weight

if TYPE_CHECKING:
    from wampd.realms.calls import Course, Invocation
    from wampd.realms.limits import Quota
    from wampd.realms.options import ClientRole, Invoke, RegisterOptions

ESTABLISHED = State.ESTABLISHED

MOST_OWNERS = 1_000
"""Of how many resource keys it is remembered to which node they belong, for each registration."""


class Share:
    """What one callee has of a shared registration."""

    __slots__ = (
        "_callees",
        "callee",
        "concurrency",
        "counts",
        "disclose_caller",
        "forward_timeout",
        "nkey",
        "number",
        "pending",
    )

    def __init__(self, callees: Callees, number: int, callee: Session, options: RegisterOptions) -> None:
        self._callees = callees
        self.number = number
        """Counts the callees of the registration in the order in which they came."""
        self.callee = callee
        self.disclose_caller = options.disclose_caller
        self.forward_timeout = options.forward_timeout
        self.nkey = f"{callee.id}" if options.nkey is None else options.nkey
        self.concurrency = options.concurrency
        """How many calls it serves at once; `None`: any number."""
        self.counts = options.concurrency is not None or callees.invoke == "load"
        """Whether `pending` is kept: calls must take their share, and give it back."""
        self.pending = 0
        """How many calls it serves."""

    @property
    def role(self) -> ClientRole | None:
        """What the callee announced."""
        return self.callee.roles.callee

    @property
    def has_room(self) -> bool:
        """Whether the callee can be given a call."""
        return self.callee.state is ESTABLISHED and (self.concurrency is None or self.pending < self.concurrency)

    def suits(self, course: Course) -> bool:
        """Whether a call can go to this callee."""
        return self.callee not in course.tried and lacking(self.role, course.options) is None

    def may_have(self, course: Course) -> bool:
        """Whether the callee is here, and was not asked already."""
        return self.callee.state is ESTABLISHED and self.callee not in course.tried

    def take(self) -> Share | None:
        """One call more; return what must be given back."""
        if not self.counts:
            return None
        self.pending += 1
        return self

    def give_back(self) -> None:
        """One call less."""
        self.pending -= 1
        self._callees.serve(self)


class Ticket:
    """The place of a call that waits."""

    __slots__ = ("_callees", "course", "invocation", "key", "number", "size", "whose")

    def __init__(self, callees: Callees, number: int, key: Key, invocation: Invocation, course: Course) -> None:
        self._callees = callees
        self.number = number
        """Counts those who wait, in the order in which they came."""
        self.key: Key = key
        """Whom it waits for: anybody, those with a key, or one callee."""
        self.invocation = invocation
        self.whose = course.payer or invocation.caller
        """Who called."""
        self.course = course
        self.size = course.size
        """Bytes of payload that are kept with it."""

    def give_back(self) -> None:
        """It waits no longer."""
        self._callees.forget(self)


Key: TypeAlias = "str | Share | None"


class Desk(Protocol):
    """Carries out what has been decided about calls that waited."""

    @property
    def quota(self) -> Quota:
        """How much may wait."""
        ...

    def seat(self, invocation: Invocation, share: Share) -> None:
        """A callee has room: the call goes to it."""
        ...

    def strand(self, invocation: Invocation) -> None:
        """Nobody is left who could serve the call."""
        ...

    def displace(self, invocation: Invocation) -> None:
        """The call gives way to one of a caller for whom fewer wait."""
        ...


class Callees:
    """The callees of one shared registration."""

    __slots__ = (
        "_by_session",
        "_bytes",
        "_calls",
        "_desk",
        "_lines",
        "_nodes",
        "_numbers",
        "_owners",
        "_shares",
        "_tickets",
        "_turn",
        "invoke",
    )

    def __init__(self, desk: Desk, invoke: Invoke) -> None:
        self.invoke: Invoke = invoke
        self._desk = desk
        self._shares: list[Share] = []  # in the order of their numbers
        self._by_session: dict[Session, Share] = {}
        self._nodes: dict[str, list[Share]] = {}  # node key → those who have it, in the order of their numbers
        self._owners: dict[str, str] = {}  # of some resource keys, to which node key they belong
        self._numbers = 0
        self._turn = 0  # the number of the callee that was called last
        # Whom they wait for → those who wait, by number, in that order; a line that is empty is not there.
        self._lines: dict[Key, dict[int, Ticket]] = {}
        self._tickets = 0
        self._calls: Holdings[Session] = Holdings()  # that wait, by caller
        self._bytes: Holdings[Session] = Holdings()

    # --------------------------------------------------------------------------------------------------- who is here

    def __len__(self) -> int:
        return len(self._shares)

    def __contains__(self, session: object) -> bool:
        return session in self._by_session

    def __iter__(self) -> Iterator[Session]:
        return iter(self._by_session)

    def shares(self) -> list[Share]:
        """What each callee that is here has, in the order in which they came."""
        return [share for share in self._shares if share.callee.state is ESTABLISHED]

    @property
    def are_here(self) -> bool:
        """Whether at least one of them is here."""
        return any(share.callee.state is ESTABLISHED for share in self._shares)

    def add(self, session: Session, options: RegisterOptions) -> Share:
        """Take in a callee that is not in; `begin` when it knows."""
        self._numbers += 1
        share = Share(self, self._numbers, session, options)
        self._shares.append(share)
        self._by_session[session] = share
        if share.nkey not in self._nodes:
            self._owners.clear()
        self._nodes.setdefault(share.nkey, []).append(share)
        return share

    def begin(self, session: Session) -> None:
        """A callee knows that it is one: what waits may go to it."""
        share = self._by_session[session]
        nkey = share.nkey
        moved = []
        for key in list(self._lines):
            if type(key) is str and key != nkey:
                for ticket in self._line(key):
                    rkey = ticket.course.rkey or ""
                    if (weight(rkey, nkey), nkey) > (weight(rkey, key), key) and session not in ticket.course.tried:
                        moved.append(ticket)
        self._line_up(moved)
        self.serve(share)

    def remove(self, session: Session) -> None:
        """Take out a callee that is in; what it serves it goes on with."""
        share = self._by_session.pop(session)
        del self._shares[bisect_left(self._shares, share.number, key=_number)]
        node = self._nodes[share.nkey]
        node.remove(share)
        if not node:
            del self._nodes[share.nkey]
            self._owners.clear()
        for key in list(self._lines) if not self._shares else (share,):
            for ticket in self._line(key):
                self._desk.strand(ticket.invocation)
        if self._lines:
            for ticket in self._line(None):
                course = ticket.course
                if (course.tried or lacking(None, course.options)) and self.lacking(course) is not None:
                    self._desk.strand(ticket.invocation)
            self._line_up(self._line(share.nkey))

    # ------------------------------------------------------------------------------------------------------ choosing

    def choose(self, course: Course, chance: Callable[[], float]) -> Share | None:
        """Who is given a call; `None`: nobody has room. ``chance`` draws from [0, 1)."""
        shares = self._candidates(course)
        if self.invoke == "random" and shares:
            share = shares[int(chance() * len(shares))]
            if share.has_room and share.suits(course):
                return share
        free = (share for share in self._in_turn(shares) if share.has_room and share.suits(course))
        if self.invoke == "random":  # the first draw was in vain: so this one is uniform over the free ones as well
            among = list(free)
            return among[int(chance() * len(among))] if among else None
        chosen = min(free, key=_pending, default=None) if self.invoke == "load" else next(free, None)
        if chosen is not None:
            self._turn = chosen.number
        return chosen

    def lacking(self, course: Course) -> str | None:
        """A feature that everybody lacks who could have the call; ``""``: nobody could; `None`: somebody can, in time."""
        lack = ""
        for share in self._candidates(course):
            if share.may_have(course):
                feature = lacking(share.role, course.options)
                if feature is None:
                    return None
                lack = feature
        return lack

    def _candidates(self, course: Course) -> list[Share]:
        """Everybody; or the callees of the key that a resource belongs to, of those who are here and were not asked."""
        if course.rkey is None:
            return self._shares
        owner = self._owners.get(course.rkey)
        if owner is None and self._nodes:
            if len(self._owners) >= MOST_OWNERS:
                self._owners.clear()
            owner = self._owners[course.rkey] = rendezvous(course.rkey, self._nodes)
        candidates = [share for share in self._nodes.get(owner or "", ()) if share.may_have(course)]
        if not candidates:
            here = [share for share in self._shares if share.may_have(course)]
            if here:
                nkey = rendezvous(course.rkey, {share.nkey for share in here})
                candidates = [share for share in here if share.nkey == nkey]
        return candidates

    def _in_turn(self, shares: list[Share]) -> Iterator[Share]:
        """Callees in the order in which they are asked."""
        if self.invoke == "last":
            return reversed(shares)
        if self.invoke in ("roundrobin", "load"):
            after = bisect_right(shares, self._turn, key=_number)
            return map(shares.__getitem__, range(after - len(shares), after))  # those from `after` on, then the others
        return iter(shares)

    # ------------------------------------------------------------------------------------------------------- waiting

    def wait(self, invocation: Invocation, course: Course, share: Share | None = None) -> Ticket | str:
        """Let a call wait: for ``share``, or for those who may have it. A string says why it may not."""
        key = share if share is not None or course.rkey is None else self._key(course)
        ticket = Ticket(self, self._tickets + 1, key, invocation, course)
        quota = self._desk.quota
        if not self._has_room(self._calls, ticket, 1, quota.waiting_calls):
            return beyond("waiting_calls", quota.waiting_calls)
        if not self._has_room(self._bytes, ticket, ticket.size, quota.waiting_size):
            return beyond("waiting_size", quota.waiting_size)
        self._tickets += 1
        self._lines.setdefault(key, {})[ticket.number] = ticket
        self._calls.change(ticket.whose, 1)
        self._bytes.change(ticket.whose, ticket.size)
        return ticket

    def _has_room(self, held: Holdings[Session], ticket: Ticket, more: int, most: int) -> bool:
        """Whether a call may wait; who has more than a fair share of the room makes some for it."""
        while held.total + more > most:
            if not held.is_fair(ticket.whose, more, most):
                return False
            self._desk.displace(self._last_of(held.greediest()).invocation)
        return True

    def _last_of(self, caller: Session) -> Ticket:
        """The last call of a caller that waits."""
        mine = (ticket for line in self._lines.values() for ticket in line.values() if ticket.whose is caller)
        return max(mine, key=_number)

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return self._calls.total

    def forget(self, ticket: Ticket) -> None:
        """Somebody waits no longer."""
        line = self._lines[ticket.key]
        del line[ticket.number]
        if not line:
            del self._lines[ticket.key]
        self._calls.change(ticket.whose, -1)
        self._bytes.change(ticket.whose, -ticket.size)

    def serve(self, share: Share) -> None:
        """Let a callee that may have room go on with those who wait for it."""
        while self._lines and share.has_room and self._by_session.get(share.callee) is share:
            heads = [ticket for key in (None, share.nkey, share) if (ticket := self._head(key, share)) is not None]
            if not heads:
                return
            self._desk.seat(min(heads, key=_number).invocation, share)

    def _head(self, key: Key, share: Share) -> Ticket | None:
        """The first in a line who can be served by a callee, and whose caller has not left."""
        for ticket in self._lines.get(key, {}).values():
            if ticket.invocation.caller.state is ESTABLISHED and share.suits(ticket.course):
                return ticket
        return None

    def _line(self, key: Key) -> list[Ticket]:
        return list(self._lines.get(key, {}).values())

    def _key(self, course: Course) -> str:
        """The node key whose callees a call with a ``rkey`` waits for."""
        candidates = self._candidates(course)
        return candidates[0].nkey if candidates else ""

    def _line_up(self, tickets: list[Ticket]) -> None:
        """Let those who wait for a node wait for the right one, and be served if they can be."""
        grown = set()
        for ticket in tickets:
            if self.lacking(ticket.course) is not None:
                self._desk.strand(ticket.invocation)
                continue
            key = self._key(ticket.course)
            if key != ticket.key:
                line = self._lines[ticket.key]
                del line[ticket.number]
                if not line:
                    del self._lines[ticket.key]
                ticket.key = key
                self._lines.setdefault(key, {})[ticket.number] = ticket
                grown.add(key)
        for key in grown:
            self._lines[key] = dict(sorted(self._lines[key].items()))
            for share in self._nodes[key][:]:
                self.serve(share)


def _number(thing: Share | Ticket) -> int:
    return thing.number


def _pending(share: Share) -> int:
    return share.pending
