"""The metrics of the router, for Prometheus: made anew for who asks, of what is counted anyway.

Rules
-----
* Label values are a bounded set: realms that the configuration names, at most `MOST_REALMS` of them, all others together as
  ``*``; kinds of errors that have a name here; what struck. Never a URI, an authid, an address.
* Counters never go down: what happened in realms that are closed stays in ``*``.
* Who asks more often than once in `SPAN` is told the same again, so that asking costs little, however often.
* Of calls some are measured, so the histogram of how long they take is one of samples.

Sources: Prometheus, "Exposition formats" and "Metric and label naming"; OpenMetrics 1.0.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct, field
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, exposition
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from wampd.realms.counts import BOUNDS, Past
from wampd.router.observe import rows
from wampd.router.observe.components import ComponentState, of_components
from wampd.router.observe.striking import NAMES
from wampd.router.observe.watch import RealmWatch, Watch

PLAIN: Final = "text/plain; version=0.0.4; charset=utf-8"
OPEN: Final = "application/openmetrics-text"
OTHERS: Final = "*"
"""The label of all realms that have none of their own; no realm is called so."""
MOST_REALMS: Final = 100
SPAN: Final = 1.0
"""Seconds for which an answer is good."""


class StoreState(Struct, frozen=True):
    """How the store is."""

    is_well: bool
    waiting: int
    """Pieces of work that are not done yet."""


class HooksState(Struct, frozen=True):
    """How the webhooks of a realm are."""

    realm: str
    registered: int
    pending: int
    """Deliveries that are still to be made."""
    dead: int
    """Deliveries that were given up, and can be sent again."""
    left_alone: int
    """Hosts that failed too often to be asked now."""


class _Sum(Struct):
    """What is told under one label."""

    past: Past = field(default_factory=Past)
    """All that has happened."""
    gauges: Counter[str] = field(default_factory=Counter)


class Metrics:
    """Tells the metrics as text."""

    def __init__(
        self,
        watch: Watch,
        named: Iterable[str],
        past: Past,
        store: Callable[[], StoreState | None],
        version: str,
        hooks: Callable[[], Iterable[HooksState]] = tuple,
        components: Callable[[], Iterable[ComponentState]] = tuple,
        ceiling: Callable[[], int] = int,
    ) -> None:
        """``named`` are the realms that are always there; ``past`` is what happened in those that are closed.

        ``store`` tells how the store is; `None`: there is none. ``hooks`` tells of the realms that have webhooks,
        ``components`` of the components that the router hosts, ``ceiling`` above how many bytes of memory no sessions are let
        in; 0: above none.
        """
        self._watch = watch
        self._registry = CollectorRegistry()
        self._of_router = _OfRouter(watch, past, store, version, hooks, components, ceiling)
        self.name(named)
        self._registry.register(self._of_router)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._told: dict[bool, tuple[float, bytes]] = {}

    def name(self, realms: Iterable[str]) -> None:
        """From now on these are the realms that are always there."""
        self._of_router.named = frozenset(list(realms)[:MOST_REALMS])

    def tell(self, accept: str) -> tuple[str, bytes]:
        """The type of an answer, and the answer, for who accepts this (the header of a request)."""
        opened = any(part.partition(";")[0].strip().lower() == OPEN for part in accept.split(","))
        now = self._watch.now()
        at, text = self._told.get(opened, (float("-inf"), b""))
        if now - at >= SPAN:
            text = (openmetrics.generate_latest if opened else exposition.generate_latest)(self._registry)
            self._told[opened] = now, text
            self._watch.measure()
        return openmetrics.CONTENT_TYPE_LATEST if opened else PLAIN, text


class _OfRouter(Collector):
    """What is told of the router and its realms."""

    def __init__(
        self,
        watch: Watch,
        past: Past,
        store: Callable[[], StoreState | None],
        version: str,
        hooks: Callable[[], Iterable[HooksState]],
        components: Callable[[], Iterable[ComponentState]],
        ceiling: Callable[[], int],
    ) -> None:
        self._watch = watch
        self.named: frozenset[str] = frozenset()
        """The realms that are told of each by itself."""
        self._past = past
        self._store = store
        self._version = version
        self._hooks = hooks
        self._components = components
        self._ceiling = ceiling

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are not looked at before there is something to tell."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        watch = self._watch
        about = watch.router()
        info = InfoMetricFamily("wampd_build", "What runs.")
        info.add_metric([], {"version": self._version, "python": about["python"]})
        yield info
        yield GaugeMetricFamily("wampd_uptime_seconds", "Time since the router was started.", value=about["uptime"])
        connections = watch.process.connections()
        yield GaugeMetricFamily("wampd_connections", "Connections that are open, of all kinds.", value=connections)
        text = "Memory above which no sessions are let in; 0: none."
        yield GaugeMetricFamily("wampd_memory_ceiling_bytes", text, value=self._ceiling())
        realms = watch.realms()
        yield GaugeMetricFamily("wampd_realms", "Realms that are open.", value=len(realms))
        sums = self._sums(realms)
        yield from _gauges(sums)
        yield from _counters(sums)
        yield _latencies(sums)
        struck = CounterMetricFamily("wampd_struck", "How often limits and misfortunes struck.", labels=["what"])
        totals = watch.tally.totals()
        for what in sorted(NAMES.union(totals)):
            struck.add_metric([what], totals[what])
        yield struck
        yield from _store(self._store())
        yield from self._webhooks()
        yield from of_components(self._components())

    def _webhooks(self) -> Iterator[Metric]:
        """How webhooks are, by label."""
        sums: dict[str, Counter[str]] = {}
        for state in self._hooks():
            told = sums.setdefault(state.realm if state.realm in self.named else OTHERS, Counter())
            told.update({name: getattr(state, name) for name, _, _ in HOOKS})
        for field_name, name, text in HOOKS if sums else ():
            gauge = GaugeMetricFamily(f"wampd_{name}", text, labels=["realm"])
            for realm, told in sums.items():
                gauge.add_metric([realm], told[field_name])
            yield gauge

    def _sums(self, realms: list[RealmWatch]) -> Mapping[str, _Sum]:
        """What is told, by label."""
        sums: dict[str, _Sum] = {OTHERS: _Sum()}
        sums[OTHERS].past.add(self._past)
        now, wall = self._watch.now(), time.time()
        for realm in realms:
            core = realm.core
            name = core.name if core.name in self.named else OTHERS
            told = sums.setdefault(name, _Sum())
            told.past.take(core)
            gauges = told.gauges
            gauges["sessions"] += len(core.sessions)
            gauges["calls_under_way"] += realm.slow.look(now, wall)
            gauges["registrations"] += len(core.dealer.registrations)
            gauges["subscriptions"] += len(core.broker.by_id)
            for session in core.sessions.values():
                waiting, _ = rows.queued(session)
                if waiting or session.dropped:
                    gauges["queued_bytes"] += waiting
                    gauges["slow_consumers"] += rows.is_slow(session, now)
        return sums


HOOKS: Final = (
    ("registered", "webhooks", "Webhooks that are registered."),
    ("pending", "webhook_deliveries_pending", "Deliveries that are still to be made."),
    ("dead", "webhook_dead_letters", "Deliveries that were given up, and can be sent again."),
    ("left_alone", "webhook_hosts_left_alone", "Hosts that failed too often to be asked now."),
)
GAUGES: Final = {
    "sessions": "Sessions that are in a realm.",
    "calls_under_way": "Calls that have not been answered.",
    "registrations": "Procedures and patterns that are registered.",
    "subscriptions": "Topics and patterns that are subscribed to.",
    "queued_bytes": "Bytes that wait to be taken by clients.",
    "slow_consumers": "Sessions that did not take what was sent to them as fast as it came.",
}


def _gauges(sums: Mapping[str, _Sum]) -> Iterator[Metric]:
    for name, text in GAUGES.items():
        gauge = GaugeMetricFamily(f"wampd_{name}", text, labels=["realm"])
        for realm, told in sums.items():
            gauge.add_metric([realm], told.gauges[name])
        yield gauge


COUNTERS: Final = {
    "calls": "Calls that were let through.",
    "publications": "Publications that were let through.",
    "events": "Events that were sent, one for each receiver.",
}


def _counters(sums: Mapping[str, _Sum]) -> Iterator[Metric]:
    for name, text in COUNTERS.items():
        counter = CounterMetricFamily(f"wampd_{name}", text, labels=["realm"])
        for realm, told in sums.items():
            counter.add_metric([realm], getattr(told.past.totals, name))
        yield counter
    errors = CounterMetricFamily("wampd_errors", "Errors that were sent, by kind.", labels=["realm", "error"])
    for realm, told in sums.items():
        for kind, count in sorted(told.past.kinds.items()):
            errors.add_metric([realm, kind], count)
    yield errors


def _latencies(sums: Mapping[str, _Sum]) -> Metric:
    text = "How long calls took from CALL to the last answer: samples, not all calls."
    latencies = HistogramMetricFamily("wampd_call_duration_seconds", text, labels=["realm"])
    for realm, told in sums.items():
        buckets, below = [], 0
        for bound, count in zip([*map(str, BOUNDS), "+Inf"], told.past.latencies, strict=True):
            below += count
            buckets.append((bound, below))
        latencies.add_metric([realm], buckets, told.past.totals.seconds)
    return latencies


def _store(state: StoreState | None) -> Iterator[Metric]:
    if state is not None:
        yield GaugeMetricFamily("wampd_store_up", "Whether the store works.", value=state.is_well)
        yield GaugeMetricFamily("wampd_store_waiting", "Pieces of work that wait for the store.", value=state.waiting)
