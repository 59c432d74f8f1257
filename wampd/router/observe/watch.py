"""The watch over the router: what everybody who observes it asks, and its clock.

Rules
-----
* One clock, a second: it costs a look-up for each realm whose monitor may have subscribers. What somebody is subscribed
  to is made then, and no other time; every ten seconds the charts of the last hour get a point, and a few calls are measured.
* Of very many realms (they may come and go) `MOST_CHARTED` have charts; of the others, as of all, there are counts.
* Nothing here keeps a session, nor anything else that a realm has let go, but for calls that take long, which are few.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from math import nan
from typing import TYPE_CHECKING, Any, Final, Protocol

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from wampd.realms.counts import Totals, totals_of
from wampd.realms.timestamps import rfc3339
from wampd.router.observe.charts import SERIES, STEP, Charts
from wampd.router.observe.growth import Growth, Pace
from wampd.router.observe.process import Process, Use
from wampd.router.observe.slow import SlowCalls

if TYPE_CHECKING:
    from collections import Counter

    from wampd.realms.realm import Realm

log = Logger()

MOST_CHARTED: Final = 100
SAMPLE: Final = 32
"""How many calls of each realm are measured, one after the other, each time."""
UNUSED: Final = 60.0
"""Seconds after which the marks for rates of single sessions are let go, if nobody asks."""


class Tallied(Protocol):
    """How often limits struck."""

    def totals(self) -> Counter[str]:
        """By what struck."""
        ...


class RealmWatch:
    """One realm, as it is watched."""

    def __init__(self, core: Realm, now: float, *, charted: bool) -> None:
        self.core = core
        self.slow = SlowCalls(core)
        self.sessions, self.registrations, self.subscriptions = Growth(), Growth(), Growth()
        self._pace = Pace(now, _counts(totals_of(core)))
        self._before = totals_of(core)  # at the last point of the charts
        self.charts = Charts(SERIES) if charted else None

    def summary(self, now: float, wall: float) -> dict[str, Any]:
        """What is told of a realm."""
        core = self.core
        rates = self._pace.rates(now, _counts(totals_of(core)))
        return {
            "name": core.name,
            "sessions": len(core.sessions),
            "under_way": self.slow.look(now, wall),
            "registrations": len(core.dealer.registrations),
            "subscriptions": len(core.broker.by_id),
            "rates": {name: round(rate, 2) for name, rate in zip(COUNTED, rates, strict=True)},
        }

    def point(self) -> Totals:
        """Add a point to the charts; return what has happened since the last one."""
        totals, before = totals_of(self.core), self._before
        self._before = totals
        grown = totals.minus(before)
        if self.charts is not None:
            self.charts.add(_point(len(self.core.sessions), grown))
        return grown


COUNTED: Final = ("calls", "publications", "events", "errors")


def _counts(totals: Totals) -> tuple[int, ...]:
    return totals.calls, totals.publications, totals.events, totals.errors


def _point(sessions: int, grown: Totals) -> dict[str, float]:
    rates = {name: count / STEP for name, count in zip(COUNTED, _counts(grown), strict=True)}
    return {"sessions": sessions, **rates, "latency": grown.seconds / grown.measured if grown.measured else nan}


class Watch:
    """Watches all realms of the process, and the process; a `wampd.router.duties.Duty`."""

    def __init__(
        self,
        clock: Any,
        realms: Callable[[], Sequence[Realm]],
        tally: Tallied,
        process: Process,
        version: str,
        began: float | None = None,
    ) -> None:
        """``clock`` is an ``IReactorTime``; ``realms`` tells those that are open.

        ``began`` is when the router was started (Unix time); `None`: now.
        """
        now = time.time()
        began = now if began is None else began
        self._clock = clock
        self._realms = realms
        self.tally = tally
        self.process = process
        self.on_second: list[Callable[[], None]] = []
        """Called every second."""
        self._about = {
            "version": version,
            "pid": os.getpid(),
            "started": rfc3339(round(began * 1_000_000), digits=3),
            "agent": f"wampd-{version}",
            "python": platform.python_version(),
        }
        self._began = clock.seconds() - (now - began)
        self._watched: dict[str, RealmWatch] = {}
        self.charts = Charts((*SERIES, "cpu", "rss"))
        self.charted_at: float | None = None
        """Of the last point (Unix time)."""
        self._seconds = 0
        self._loop = LoopingCall(self._second)
        self._loop.clock = clock

    # ------------------------------------------------------------------------------------------------------- the clock

    def start(self) -> None:
        """Begin to watch, unless that was done."""
        if not self._loop.running:
            self._loop.start(1.0, now=False)

    def stop(self) -> None:
        """Watch no more."""
        if self._loop.running:
            self._loop.stop()

    def _second(self) -> None:
        try:
            for told in self.on_second:
                told()
            self._seconds += 1
            if self._seconds % STEP == 0:
                self._point()
        except Exception:  # noqa: BLE001 - logged; the next second comes all the same
            log.failure("watching the router failed: a bug in wampd")

    def _point(self) -> None:
        """Add a point to all charts, and let calls be measured until the next."""
        self._let_go()
        now, wall = self._clock.seconds(), time.time()
        use, grown, sessions = self.process.use(), Totals(), 0
        self.charted_at = wall
        for realm in self.realms():
            grown.add(realm.point())
            sessions += len(realm.core.sessions)
            realm.slow.look(now, wall)
            for growth in (realm.sessions, realm.registrations, realm.subscriptions):
                growth.forget(now, UNUSED)
        self.charts.add({**_point(sessions, grown), "cpu": use.cpu, "rss": use.rss})
        self.measure()

    def measure(self) -> None:
        """Let some calls of every realm be measured, the next ones."""
        for core in self._realms():
            core.dealer.measure(SAMPLE)

    # --------------------------------------------------------------------------------------------------- what is told

    def realms(self) -> list[RealmWatch]:
        """All realms that are open, in the order of their names."""
        return [self.realm(core) for core in sorted(self._realms(), key=lambda core: core.name)]

    def realm(self, core: Realm) -> RealmWatch:
        """One realm."""
        watched = self._watched.get(core.name)
        if watched is None or watched.core is not core:
            charted = len(self._watched) < MOST_CHARTED
            watched = self._watched[core.name] = RealmWatch(core, self._clock.seconds(), charted=charted)
        return watched

    def _let_go(self) -> None:
        """Forget the realms that are closed."""
        there = {id(core) for core in self._realms()}
        for name in [name for name, watched in self._watched.items() if id(watched.core) not in there]:
            del self._watched[name]

    def now(self) -> float:
        """Monotonic seconds."""
        now: float = self._clock.seconds()
        return now

    def router(self) -> dict[str, Any]:
        """What the router is."""
        return {**self._about, "uptime": round(self.now() - self._began, 3)}

    def use(self) -> dict[str, Any]:
        """What the process uses."""
        return told(self.process.use())


def told(use: Use) -> dict[str, Any]:
    """What the process uses, as it is told."""
    return {"cpu": round(use.cpu, 4), "rss": use.rss, "fds": use.fds, "connections": use.connections}
