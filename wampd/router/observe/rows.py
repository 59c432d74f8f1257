"""What is listed of sessions, registrations and subscriptions: a page at a time, searched and sorted.

Rules
-----
* All that a page costs is a look at each entry (some 20 ms for 10,000); a row is made only of what is on the page.
* Rates are found when a page is asked for, by what was there a second ago or more: see `wampd.router.observe.growth`.
* Calls under way are counted by registration: of all, `MOST_COUNTED` at most, so that very many of them block nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, TypeVar

from msgspec import Meta, Struct

from wampd.realms.services import INVALID_ARGUMENT, Arguments, Refused
from wampd.realms.timestamps import rfc3339
from wampd.router.observe.watch import RealmWatch
from wampd.router.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wampd.realms.registrations import Registration
    from wampd.realms.session import Session
    from wampd.realms.subscription import Subscription
    from wampd.realms.uris import UriMap

MOST_ROWS: Final = 200
MOST_COUNTED: Final = 100_000
LONG: Final = 1.0
"""Seconds that something may wait to be sent without its receiver being slow."""

E = TypeVar("E")


class Page(Arguments, frozen=True):
    """Which rows are wanted."""

    realm: str | None = None
    search: Annotated[str, Meta(max_length=512)] = ""
    sort: str | None = None
    descending: bool = False
    limit: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = 50
    offset: Annotated[int, Meta(ge=0)] = 0


class Table(Struct, Generic[E], frozen=True):
    """How one kind of thing is listed."""

    text: Callable[[E], str]
    """What is searched, in lower case."""
    columns: Mapping[str, Callable[[E], Any]]
    """What can be sorted by, and all that a row has; values of one column can be compared, but for `None`."""
    order: Mapping[str, Callable[[E], Any]] = {}
    """What some columns are sorted by, where that is not what is shown: values that can all be compared."""

    def page(self, entries: list[E], given: Page) -> dict[str, Any]:
        """How many there are, how many were found, and the rows of the page. Raises `Refused`."""
        total = len(entries)
        if given.search:
            wanted = given.search.lower()
            entries = [entry for entry in entries if wanted in self.text(entry)]
        if given.sort is not None:
            entries = sorted(entries, key=self._key(given.sort), reverse=given.descending)
        elif given.descending:
            entries = entries[::-1]
        shown = entries[given.offset : given.offset + given.limit]
        rows = [{name: column(entry) for name, column in self.columns.items()} for entry in shown]
        return {"total": total, "found": len(entries), "rows": rows}

    def _key(self, name: str) -> Callable[[E], Any]:
        if name in self.order:
            return self.order[name]
        column = self.columns.get(name)
        if column is None:
            raise Refused(INVALID_ARGUMENT, f"sort by one of {', '.join(self.columns)}")
        return lambda entry: ((value := column(entry)) is not None, value)


def moment(wall: float | None) -> str | None:
    """A moment of Unix time, as it is told."""
    return None if wall is None else rfc3339(round(wall * 1_000_000), digits=3)


def queued(session: Session) -> tuple[int, float]:
    """How many bytes wait to be sent to a session, and since when (monotonic seconds)."""
    outlet = session.outlet
    return outlet.queued if isinstance(outlet, Sender) else (0, 0.0)


def is_slow(session: Session, now: float) -> bool:
    """Whether a session does not take what is sent to it as fast as it comes, or has not."""
    waiting, since = queued(session)
    return bool(session.deaf or session.dropped or (waiting and now - since >= LONG))


# ---------------------------------------------------------------------------------------------------------- sessions


def _protocol(session: Session) -> str:
    """The subprotocol; RawSocket, which has none, is told by its serializer in the same way."""
    if session.transport.get("type") == "rawsocket":
        return f"wamp.2.{session.format.value}"
    return str(session.transport.get("protocol", ""))


def sessions(realms: Sequence[RealmWatch], given: Page, now: float, wall: float) -> dict[str, Any]:
    """A page of sessions."""
    entries: list[tuple[RealmWatch, Session]] = []
    for realm in realms:
        here = realm.core.sessions.values()
        realm.sessions.look(now, partial(_messages, here))
        entries += [(realm, session) for session in here]
    return _sessions(now, wall).page(entries, given)


def _messages(here: Iterable[Session]) -> dict[int, tuple[int, ...]]:
    return {session.id: (session.received, session.sent) for session in here}


def _sessions(now: float, wall: float) -> Table[tuple[RealmWatch, Session]]:
    def received(entry: tuple[RealmWatch, Session]) -> float:
        session = entry[1]
        return entry[0].sessions.rate(session.id, now, wall - session.since, session.received)

    def sent(entry: tuple[RealmWatch, Session]) -> float:
        session = entry[1]
        return entry[0].sessions.rate(session.id, now, wall - session.since, session.sent, 1)

    return Table(
        text=lambda entry: _session_text(entry[1]),
        columns={
            "realm": lambda entry: entry[0].core.name,
            "session": lambda entry: entry[1].id,
            "authid": lambda entry: entry[1].authid,
            "authrole": lambda entry: entry[1].authrole,
            "authmethod": lambda entry: entry[1].authmethod,
            "authprovider": lambda entry: entry[1].authprovider,
            "address": lambda entry: _address(entry[1]),
            "transport": lambda entry: str(entry[1].transport.get("type", "")),
            "protocol": lambda entry: _protocol(entry[1]),
            "agent": lambda entry: entry[1].agent,
            "since": lambda entry: moment(entry[1].since),
            "in": lambda entry: round(received(entry), 2),
            "out": lambda entry: round(sent(entry), 2),
            "received": lambda entry: entry[1].received,
            "sent": lambda entry: entry[1].sent,
            "queued": lambda entry: queued(entry[1])[0],
            "dropped": lambda entry: entry[1].dropped,
            "under_way": lambda entry: len(entry[1].calls or ()),
            "registrations": lambda entry: len(entry[1].registrations or ()),
            "subscriptions": lambda entry: len(entry[1].subscriptions or ()),
        },
        order={"since": lambda entry: entry[1].since, "in": received, "out": sent},
    )


def _address(session: Session) -> str:
    return str(session.transport.get("peer", ""))


def _session_text(session: Session) -> str:
    return f"{session.id} {session.authid} {session.authrole} {_address(session)}".lower()


# ------------------------------------------------------------------------------------- registrations, subscriptions


def registrations(realms: Sequence[RealmWatch], given: Page, now: float, wall: float) -> dict[str, Any]:
    """A page of registrations."""
    entries: list[tuple[RealmWatch, Registration]] = []
    for realm in realms:
        all_of_it = _values(realm.core.dealer.registrations)
        realm.registrations.look(now, partial(_calls, all_of_it))
        entries += [(realm, registration) for registration in all_of_it]
    return _registrations(now, wall, _under_way(realms)).page(entries, given)


def _calls(registrations: Iterable[Registration]) -> dict[int, tuple[int, ...]]:
    return {registration.id: (registration.calls,) for registration in registrations}


def _under_way(realms: Sequence[RealmWatch]) -> Counter[int]:
    """How many calls are under way, by the identity of their registration."""
    here = (session for realm in realms for session in realm.core.sessions.values() if session.invocations)
    calls = (invocation for session in here for invocation in (session.invocations or {}).values())
    return Counter(id(invocation.registration) for invocation in islice(calls, MOST_COUNTED))


def _registrations(now: float, wall: float, under_way: Counter[int]) -> Table[tuple[RealmWatch, Registration]]:
    def created(entry: tuple[RealmWatch, Registration]) -> float:
        return entry[0].core.meta.registrations_known.created(entry[1].id) or 0.0

    def rate(entry: tuple[RealmWatch, Registration]) -> float:
        realm, registration = entry
        return round(realm.registrations.rate(registration.id, now, wall - created(entry), registration.calls), 2)

    def latency(entry: tuple[RealmWatch, Registration]) -> float | None:
        registration = entry[1]
        return round(registration.seconds / registration.measured, 6) if registration.measured else None

    return Table(
        text=lambda entry: entry[1].uri.lower(),
        columns={
            **_of_uri(created),
            "invoke": lambda entry: entry[1].invoke,
            "callees": lambda entry: len(entry[1].callees),
            "rate": rate,
            "calls": lambda entry: entry[1].calls,
            "errors": lambda entry: entry[1].errors,
            "under_way": lambda entry: under_way[id(entry[1])],
            "waiting": lambda entry: 0 if entry[1].callee is not None else entry[1].shared.waiting,
            "latency": latency,
        },
        order={"created": created},
    )


def subscriptions(realms: Sequence[RealmWatch], given: Page, now: float, wall: float) -> dict[str, Any]:
    """A page of subscriptions."""
    entries: list[tuple[RealmWatch, Subscription]] = []
    for realm in realms:
        every = realm.core.broker.by_id.values()
        realm.subscriptions.look(now, partial(_events, every))
        entries += [(realm, subscription) for subscription in every]
    return _subscriptions(now, wall).page(entries, given)


def _events(subscriptions: Iterable[Subscription]) -> dict[int, tuple[int, ...]]:
    return {subscription.id: (subscription.events,) for subscription in subscriptions}


def _subscriptions(now: float, wall: float) -> Table[tuple[RealmWatch, Subscription]]:
    def created(entry: tuple[RealmWatch, Subscription]) -> float:
        return entry[0].core.meta.subscriptions_known.created(entry[1].id) or 0.0

    def rate(entry: tuple[RealmWatch, Subscription]) -> float:
        realm, subscription = entry
        age = wall - created(entry)
        return round(realm.subscriptions.rate(subscription.id, now, age, subscription.events), 2)

    return Table(
        text=lambda entry: entry[1].uri.lower(),
        columns={
            **_of_uri(created),
            "subscribers": lambda entry: len(entry[1].subscribers),
            "rate": rate,
            "events": lambda entry: entry[1].events,
        },
        order={"created": created},
    )


def _of_uri(created: Callable[[Any], float]) -> dict[str, Callable[[tuple[RealmWatch, Any]], Any]]:
    """The columns that registrations and subscriptions have alike."""
    return {
        "realm": lambda entry: entry[0].core.name,
        "id": lambda entry: entry[1].id,
        "uri": lambda entry: entry[1].uri,
        "match": lambda entry: entry[1].match,
        "created": lambda entry: moment(created(entry) or None),
    }


def _values(uris: UriMap[E]) -> list[E]:
    kinds: Iterable[Mapping[str, E]] = (uris.exact, uris.prefix, uris.wildcard)
    return [each for kind in kinds for each in kind.values()]
