"""The monitor of a realm: what the router tells of itself by WAMP, as ordinary procedures and a topic.

Rules
-----
* Who may call a procedure learns all that it tells, addresses of clients included; rules have to name ``wampd.``, and
  ``wampd.monitor.kill`` in full (see `wampd.auth.roles.PRIVILEGED`).
* A monitor tells of its own realm. With ``all_realms`` it tells of every one; another is ``wamp.error.no_such_realm``.
* Every answer is bounded, and so is what it costs.

The contract
------------
Arguments are keywords, or one dictionary. Times are RFC 3339, durations seconds, sizes bytes, rates by the second.

``wampd.monitor.overview()`` →
    ``{router: {version, pid, started, uptime, agent, python},
    process: {cpu (0 to 1, of one core), rss, fds, connections}, realms: [{name, sessions, under_way, registrations,
    subscriptions, rates: {calls, publications, events, errors}}],
    struck: {what: count}}``; at most `MOST_REALMS` realms, in the order of their names.
``wampd.monitor.sessions(realm, search, sort, descending, limit, offset)`` →
    ``{total, found, sessions: [{realm, session, authid, authrole, authmethod, authprovider, address, transport,
    protocol, agent, since, in, out (messages a second), received, sent, queued (bytes), dropped, under_way,
    registrations, subscriptions}], may}``; ``search`` looks into id, authid, role and address; ``limit`` is at most 200,
    50 if it is not given; any column can be sorted by. ``may``: what the caller may do to sessions now: ``["kill"]``, or
    nothing. A page shows by it what it offers; whether it is done is decided when it is asked for.
``wampd.monitor.registrations(…the same)`` →
    ``{total, found, registrations: [{realm, id, uri, match, invoke, created, callees, rate, calls, errors, under_way,
    waiting, latency (mean of the samples, or null)}]}``
``wampd.monitor.subscriptions(…the same)`` →
    ``{total, found, subscriptions: [{realm, id, uri, match, created (null: with the realm), subscribers, rate,
    events}]}``
``wampd.monitor.errors(realm, limit)`` →
    ``{errors: [{at, realm, error, uri, session, authid, count}]}``, the newest first.
``wampd.monitor.slow_calls(realm, limit)`` →
    ``{calls: [{realm, procedure, caller, callee (or null), since, age, ended}]}``, those under way first.
``wampd.monitor.slow_consumers(realm, limit)`` →
    ``{sessions: [{realm, session, authid, queued, dropped, since (or null)}]}``, those first for whom most waits.
``wampd.monitor.history(realm)`` →
    ``{step: 10, until (or null), series: {sessions, calls, publications, events, errors, cpu, rss, latency}}``, 360
    points each, the oldest first, null where nothing is known. Without a realm it is that of all, if the monitor tells of all.
``wampd.monitor.kill(realm, session, reason, message)`` →
    ``true``. It goes into the books as ``wamp.session.kill`` does.

Topic ``wampd.monitor.tick``, once a second while somebody is subscribed to it:
    ``{at, process, realms}`` as in the overview; at most `MOST_TICKED` realms, those with most sessions.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from msgspec import Meta

from wampd.realms.meta.sessions import KILLED
from wampd.realms.meta.shapes import NO_SUCH_SESSION, Nothing, Text, reason_of
from wampd.realms.options import Id
from wampd.realms.realm import Realm
from wampd.realms.services import Arguments, Procedure, Refused, Result, taking
from wampd.realms.session import Session
from wampd.router.observe import rows
from wampd.router.observe.charts import STEP
from wampd.router.observe.rows import Page, moment
from wampd.router.observe.watch import RealmWatch, Watch

NO_SUCH_REALM: Final = "wamp.error.no_such_realm"
KILL: Final = "wampd.monitor.kill"
TICK: Final = "wampd.monitor.tick"
MOST_REALMS: Final = 1_000
MOST_TICKED: Final = 100
DEAR: Final = 4
"""What a look at an entry costs of what the answers of one turn may cost."""

A = TypeVar("A", bound=Arguments)


class OfRealm(Arguments, frozen=True):
    """Which realm; `None`: all that the monitor tells of."""

    realm: str | None = None


class Newest(Arguments, frozen=True):
    """Of which realm, and how many."""

    realm: str | None = None
    limit: Annotated[int, Meta(ge=1, le=rows.MOST_ROWS)] = 50


class Kill(Arguments, frozen=True):
    """Which session is to go, and what it is told."""

    session: Id
    realm: str | None = None
    reason: str | None = None
    message: Text | None = None


class Monitor:
    """The monitor of one realm."""

    def __init__(self, core: Realm, watch: Watch, end_of_turn: Callable[[], None], *, all_realms: bool) -> None:
        """``end_of_turn`` writes what was said."""
        self._core = core
        self._watch = watch
        self._end_of_turn = end_of_turn
        self._all = all_realms
        core.dealer.services.procedures.update(self.procedures())
        watch.on_second.append(self._second)

    def procedures(self) -> dict[str, Procedure]:
        """What is served, by URI."""
        return {
            "wampd.monitor.overview": _taking(Nothing, self.overview),
            "wampd.monitor.sessions": _taking(Page, self.sessions),
            "wampd.monitor.registrations": _taking(Page, self.registrations),
            "wampd.monitor.subscriptions": _taking(Page, self.subscriptions),
            "wampd.monitor.errors": _taking(Newest, self.errors),
            "wampd.monitor.slow_calls": _taking(Newest, self.slow_calls),
            "wampd.monitor.slow_consumers": _taking(Newest, self.slow_consumers),
            "wampd.monitor.history": _taking(OfRealm, self.history),
            KILL: _taking(Kill, self.kill),
        }

    def close(self) -> None:
        """Serve nothing any more."""
        self._watch.on_second.remove(self._second)
        for uri in self.procedures():
            self._core.dealer.services.procedures.pop(uri, None)

    # ------------------------------------------------------------------------------------------------------- the topic

    def _second(self) -> None:
        """Tell those who are subscribed."""
        broker = self._core.broker
        if not any(subscription.subscribers for subscription in broker.subscriptions.matching(TICK)):
            return
        realms = self._shown(None)
        if len(realms) > MOST_TICKED:
            realms = heapq.nlargest(MOST_TICKED, realms, key=lambda realm: len(realm.core.sessions))
        broker.emit(
            TICK, [{"at": moment(time.time()), "process": self._watch.use(), "realms": self._summaries(realms)}]
        )
        self._end_of_turn()

    # ------------------------------------------------------------------------------------------------------ procedures

    def overview(self, _caller: Session, _given: Nothing) -> dict[str, Any]:
        """The router, its process, and what happens in its realms."""
        struck = self._watch.tally.totals() if self._all else self._core.struck
        return {
            "router": self._watch.router(),
            "process": self._watch.use(),
            "realms": self._summaries(self._shown(None)[:MOST_REALMS]),
            "struck": dict(struck),
        }

    def sessions(self, caller: Session, given: Page) -> Result:
        """Who is here, from where, and how much is said; and whether the caller may send them away."""
        listed = self._listed("sessions", given, rows.sessions)
        # No authorizer has a say here: of what is reserved, the rules decide alone (see `wampd.auth.roles`).
        listed.args[0]["may"] = ["kill"] if caller.grants.known("call", KILL).refusal is None else []
        return listed

    def registrations(self, _caller: Session, given: Page) -> Result:
        """What can be called, and how much it is."""
        return self._listed("registrations", given, rows.registrations)

    def subscriptions(self, _caller: Session, given: Page) -> Result:
        """What is subscribed to, and how many events there are."""
        return self._listed("subscriptions", given, rows.subscriptions)

    def errors(self, _caller: Session, given: Newest) -> dict[str, Any]:
        """The last errors, the newest first."""
        realms = self._shown(given.realm)
        noted = [(trouble.at, realm.core.name, trouble) for realm in realms for trouble in realm.core.errors.newest()]
        noted.sort(key=lambda each: -each[0])
        return {
            "errors": [
                {
                    "at": moment(at),
                    "realm": realm,
                    "error": trouble.error,
                    "uri": trouble.uri,
                    "session": trouble.session,
                    "authid": trouble.authid,
                    "count": trouble.count,
                }
                for at, realm, trouble in noted[: given.limit]
            ]
        }

    def slow_calls(self, _caller: Session, given: Newest) -> dict[str, Any]:
        """Calls that take long, and the last ones that did."""
        realms, now, wall = self._shown(given.realm), self._watch.now(), time.time()
        for realm in realms:
            realm.slow.look(now, wall)
        calls = [(call, realm.core.name) for realm in realms for call in realm.slow.list()]
        calls.sort(key=lambda each: each[0].ended)
        return {"calls": [call.told(realm) for call, realm in calls[: given.limit]]}

    def slow_consumers(self, _caller: Session, given: Newest) -> Result:
        """Sessions that do not take what is sent to them as fast as it comes."""
        realms, now, wall = self._shown(given.realm), self._watch.now(), time.time()
        slow = [
            (rows.queued(session), session, realm)
            for realm in realms
            for session in realm.core.sessions.values()
            if rows.is_slow(session, now)
        ]
        slow.sort(key=lambda each: -each[0][0])
        told = [
            {
                "realm": realm.core.name,
                "session": session.id,
                "authid": session.authid,
                "queued": waiting,
                "dropped": session.dropped,
                "since": moment(wall - (now - since)) if waiting else None,
            }
            for (waiting, since), session, realm in slow[: given.limit]
        ]
        return Result([{"sessions": told}], cost=_sessions_of(realms))

    def history(self, _caller: Session, given: OfRealm) -> dict[str, Any]:
        """The charts of the last hour."""
        everything = self._watch.charts.series()
        if given.realm is not None or not self._all:
            charts = self._shown(given.realm or self._core.name)[0].charts
            unknown: list[float | None] = [None] * len(everything["cpu"])
            own = {} if charts is None else charts.series()
            everything = {
                name: points if name in ("cpu", "rss") else own.get(name, unknown)
                for name, points in everything.items()
            }
        return {"step": STEP, "until": moment(self._watch.charted_at), "series": everything}

    def kill(self, caller: Session, given: Kill) -> bool:
        """Send one session away."""
        reason = reason_of(given.reason, KILLED)
        for realm in self._shown(given.realm):
            victim = realm.core.sessions.get(given.session)
            if victim is not None and victim is not caller:
                realm.core.books.killed(caller, KILL, [victim], reason)
                realm.core.expel([victim], reason, given.message or "")
                return True
        raise Refused(NO_SUCH_SESSION, f"there is no other session {given.session}")

    # ---------------------------------------------------------------------------------------------------- in the small

    def _shown(self, name: str | None) -> list[RealmWatch]:
        """The realms that an answer is about. Raises `Refused`."""
        if not self._all:
            if name not in (None, self._core.name):
                raise Refused(NO_SUCH_REALM, f"this realm's monitor does not tell of {name!r}"[:200])
            return [self._watch.realm(self._core)]
        realms = [realm for realm in self._watch.realms() if name in (None, realm.core.name)]
        if not realms:
            raise Refused(NO_SUCH_REALM, f"there is no realm {name!r}"[:200])
        return realms

    def _summaries(self, realms: list[RealmWatch]) -> list[dict[str, Any]]:
        now, wall = self._watch.now(), time.time()
        return [realm.summary(now, wall) for realm in realms]

    def _listed(
        self, name: str, given: Page, page: Callable[[list[RealmWatch], Page, float, float], dict[str, Any]]
    ) -> Result:
        made = page(self._shown(given.realm), given, self._watch.now(), time.time())
        made[name] = made.pop("rows")
        return Result([made], cost=DEAR * made["total"])


def _sessions_of(realms: list[RealmWatch]) -> int:
    return sum(len(realm.core.sessions) for realm in realms)


def _taking(takes: type[A], serve: Callable[[Session, A], Any]) -> Procedure:
    """A procedure whose arguments may be given as one dictionary, too."""
    procedure = taking(takes, serve)

    def either(caller: Session, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if len(args) == 1 and isinstance(args[0], dict) and not kwargs:
            return procedure(caller, [], args[0])
        return procedure(caller, args, kwargs)

    either.__doc__ = serve.__doc__  # shown by reflection
    return either
