"""Event history: what was published, for those who ask later.

Rules
-----
* A history is kept of the topics and patterns that the realm names, from its beginning, for each of them by itself: it is
  that of the subscription of this URI and match policy, which stands whether anybody subscribes or not, and keeps its id.
* Publications with lists of session ids are never stored: those sessions are gone when somebody asks. Of the lists of authids
  and authroles it is the one who asks that must pass them.
* Only who may subscribe to the URI with its match policy may ask.
* Order is that of occurrence. Timestamps never go back, whatever the clock does; several events may have the same.
* Bounds are joined by *and*, then the order is reversed if that is asked for, and last comes the limit. A bound by a
  publication that the one who asks cannot see (or no more) is an invalid argument.
* An answer is bounded: `DEFAULT_LIMIT` events unless told otherwise, `LARGEST_LIMIT` at most, and about `ANSWER_SIZE`
  bytes (one event at least). If it was that which cut it short the keyword argument ``more`` says so. An event that cannot
  be carried to the one who asks is left out, and ``left_out`` counts it; ``last`` is then the last publication that was
  looked at, to go on from.

Source: WAMP advanced profile, "Event History".
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Raw, Struct

from wampd.realms.messages import Event, Format
from wampd.realms.options import Id, JsonDict, Match
from wampd.realms.outside import Outside
from wampd.realms.publications import OVERHEAD, Audience, weight
from wampd.realms.services import INVALID_ARGUMENT, Arguments, Procedure, Refused, Result, taking
from wampd.realms.timestamps import nanoseconds, rfc3339

if TYPE_CHECKING:
    from wampd.realms.broker import Broker
    from wampd.realms.session import Session

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1_000
ANSWER_SIZE = 256 * 1024
"""Bytes of payload as they came, of which no serialization makes more than twelve times as many, and mostly as many."""

ENVELOPE = 128
"""About how many bytes an event takes in an answer beside its payload and its details."""

NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription"


class HistoryRule(Struct, frozen=True):
    """Of which topic or pattern a history is kept, and how much."""

    uri: str
    match: Match = "exact"
    events: int = 1_000
    size: int = 16 * 2**20
    """About how many bytes of memory it may take."""
    age: float | None = None
    """Seconds until an event is forgotten; `None`: never."""


class Record(Struct, frozen=True):
    """One event as it was published."""

    place: int
    """Its place in the order of occurrence."""
    microseconds: int
    """Unix time."""
    since: float
    """Monotonic time in seconds."""
    publication: int
    topic: str
    details: JsonDict
    args: Any
    kwargs: Any
    format: Format
    audience: Audience | None
    size: int

    @property
    def nanoseconds(self) -> int:
        """Unix time."""
        return self.microseconds * 1000


class History:
    """The history of one subscription."""

    def __init__(self, rule: HistoryRule, outside: Outside) -> None:
        self.rule = rule
        self._now = outside.now
        self._wall = outside.wall
        self._records: deque[Record] = deque()  # oldest first
        self._places: dict[int, int] = {}  # by publication id
        self._next_place = 0
        self._last_microseconds = 0
        self._size = 0

    def __len__(self) -> int:
        """How many events are kept."""
        self._forget()
        return len(self._records)

    @property
    def end(self) -> int:
        """The place that the next event will have."""
        return self._next_place

    def change(self, rule: HistoryRule) -> None:
        """Keep as much as this rule says from now on."""
        self.rule = rule
        self._forget()

    def first(self) -> int:
        """The place of the oldest event that is kept, or else that of the next."""
        self._forget()
        return self._records[0].place if self._records else self._next_place

    def place_of(self, publication: int) -> int | None:
        """Where a publication stands; `None`: it is not kept."""
        return self._places.get(publication)

    def at(self, place: int) -> Record | None:
        """The event of a place; `None`: it is not kept."""
        index = place - self.first()
        return self._records[index] if 0 <= index < len(self._records) else None

    def latest(self, place: int, requester: Session) -> Iterator[Record]:
        """The events from this place on that a session may see, the newest first."""
        kept = len(self._records) - max(0, place - self.first())
        return iter(Search(islice(reversed(self._records), max(0, kept)), None, requester))

    def add(self, event: Event, topic: str, audience: Audience | None = None) -> None:
        """Store an event, unless its audience is a matter of session ids."""
        if audience is not None and audience.names_sessions:
            return
        args, kwargs = _own(event.args), _own(event.kwargs)
        size = OVERHEAD + weight(args) + weight(kwargs) + weight(event.details)
        if audience is not None:
            size += audience.size()
        place = self._next_place
        self._next_place += 1
        moment = self._last_microseconds = max(self._last_microseconds, round(self._wall() * 1_000_000))
        self._records.append(
            Record(
                place,
                moment,
                self._now(),
                event.publication,
                topic,
                event.details,
                args,
                kwargs,
                event.format,
                audience,
                size,
            )
        )
        self._places[event.publication] = place
        self._size += size
        self._forget()

    def _forget(self) -> None:
        """Drop what is too old, and the oldest of what is too much."""
        rule, records = self.rule, self._records
        horizon = None if rule.age is None else self._now() - rule.age
        while records and (
            len(records) > rule.events
            or self._size > rule.size
            or (horizon is not None and records[0].since <= horizon)
        ):
            record = records.popleft()
            self._size -= record.size
            if self._places[record.publication] == record.place:
                del self._places[record.publication]

    def between(self, bounds: GetEvents, requester: Session) -> Search:
        """The events within the bounds that this session may see, in the order asked for. Raises `Refused`."""
        self._forget()
        records = self._records
        start, end = 0, len(records)

        def when(record: Record) -> int:
            return record.nanoseconds

        if bounds.from_time is not None:
            start = max(start, bisect_left(records, _moment(bounds.from_time), key=when))
        if bounds.after_time is not None:
            start = max(start, bisect_right(records, _moment(bounds.after_time), key=when))
        if bounds.before_time is not None:
            end = min(end, bisect_left(records, _moment(bounds.before_time), key=when))
        if bounds.until_time is not None:
            end = min(end, bisect_right(records, _moment(bounds.until_time), key=when))
        if bounds.from_publication is not None:
            start = max(start, self._place(bounds.from_publication, requester))
        if bounds.after_publication is not None:
            start = max(start, self._place(bounds.after_publication, requester) + 1)
        if bounds.before_publication is not None:
            end = min(end, self._place(bounds.before_publication, requester))
        if bounds.until_publication is not None:
            end = min(end, self._place(bounds.until_publication, requester) + 1)
        if bounds.reverse:
            within = islice(reversed(records), len(records) - end, len(records) - start) if start < end else iter(())
        else:
            within = islice(records, start, end) if start < end else iter(())
        return Search(within, bounds.topic, requester)

    def _place(self, publication: int, requester: Session) -> int:
        """At which index a publication is."""
        place = self._places.get(publication)
        if place is not None:
            index = place - self._records[0].place
            if _may_see(requester, self._records[index].audience):
                return index
        raise Refused(INVALID_ARGUMENT, f"the history has no publication {publication}")


class Search:
    """Goes through records, finds those that a session may see, and counts how many it looked at."""

    __slots__ = ("_records", "_requester", "_topic", "looked")

    def __init__(self, records: Iterable[Record], topic: str | None, requester: Session) -> None:
        """``topic`` is the one that is looked for; `None`: all."""
        self._records = records
        self._topic = topic
        self._requester = requester
        self.looked = 0

    def __iter__(self) -> Iterator[Record]:
        topic, requester = self._topic, self._requester
        for record in self._records:
            self.looked += 1
            if (topic is None or record.topic == topic) and _may_see(requester, record.audience):
                yield record


def _own(payload: Any) -> Any:
    """The payload, holding on to nothing else of the message that brought it."""
    return payload.copy() if type(payload) is Raw else payload


def _may_see(requester: Session, audience: Audience | None) -> bool:
    return audience is None or audience.admits(requester)


def _moment(text: str) -> int:
    try:
        return nanoseconds(text)
    except ValueError as error:
        raise Refused(INVALID_ARGUMENT, str(error)) from None


# ------------------------------------------------------------------------------------------------------- the procedure


class GetEvents(Arguments, frozen=True):
    """What ``wamp.subscription.get_events`` takes."""

    subscription_id: Id
    reverse: bool = False
    limit: Annotated[int, Meta(ge=0)] | None = None
    from_time: str | None = None
    after_time: str | None = None
    before_time: str | None = None
    until_time: str | None = None
    topic: str | None = None
    from_publication: Id | None = None
    after_publication: Id | None = None
    before_publication: Id | None = None
    until_publication: Id | None = None


class Historian:
    """Serves ``wamp.subscription.get_events`` of one realm."""

    def __init__(self, broker: Broker, outside: Outside, struck: Counter[str]) -> None:
        """``struck`` counts what cannot be carried."""
        self._broker = broker
        self._carry: Callable[[Any, Format, Format], Any] = outside.carry
        self._struck = struck

    def procedures(self) -> dict[str, Procedure]:
        """The procedures by URI."""
        return {"wamp.subscription.get_events": taking(GetEvents, self.get_events)}

    def get_events(self, requester: Session, asked: GetEvents) -> Result:
        """The events of a subscription's history within the given bounds."""
        subscription = self._broker.by_id.get(asked.subscription_id)
        if subscription is None:
            raise Refused(NO_SUCH_SUBSCRIPTION)
        grant = requester.grants.decide("subscribe", subscription.uri, subscription.match)
        if grant.refusal is not None:
            self._broker.watcher.denied(requester, "subscribe", subscription.uri, grant, subscription.match)
            raise Refused(grant.refusal, grant.reason)
        if subscription.history is None:
            return Result([[]])
        limit = DEFAULT_LIMIT if asked.limit is None else min(asked.limit, LARGEST_LIMIT)
        told: list[JsonDict] = []
        about: JsonDict = {}
        size = left_out = last = 0
        search = subscription.history.between(asked, requester)
        for record in search:
            size += record.size - OVERHEAD + ENVELOPE
            if len(told) == limit or (last and size > ANSWER_SIZE):
                if len(told) != asked.limit:
                    about["more"] = True
                break
            last = record.publication
            try:
                told.append(self._tell(record, subscription.id, requester.format))
            except ValueError:
                left_out += 1
        if left_out:
            about["left_out"] = left_out
            about["last"] = last
            self._struck["events of a history that a requester cannot carry"] += left_out
        # Every record was looked at, and the bytes are read once more, and written.
        return Result([told], about, cost=search.looked + 2 * len(told) + size // 8)

    def _tell(self, record: Record, subscription: int, target: Format) -> JsonDict:
        """An event as it is told. Raises `ValueError` if ``target`` cannot carry it."""
        told: JsonDict = {
            "timestamp": rfc3339(record.microseconds),
            "subscription": subscription,
            "publication": record.publication,
            "details": record.details,
        }
        if record.args is not None or record.kwargs is not None:
            told["args"] = [] if record.args is None else self._carry(record.args, record.format, target)
        if record.kwargs is not None:
            told["kwargs"] = self._carry(record.kwargs, record.format, target)
        return told
