"""What observes the router: made when something configured needs it, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import wampd
from wampd.router.memory import Ceiling
from wampd.router.realms import Realms
from wampd.router.settings.model import Settings

if TYPE_CHECKING:
    from wampd.router.hooks.courier import Courier
    from wampd.router.observe.components import ComponentState
    from wampd.router.observe.levels import Levels
    from wampd.router.observe.metrics import HooksState, Metrics
    from wampd.router.observe.monitor import Monitor
    from wampd.router.observe.watch import Watch
    from wampd.router.stores.store import Store


class Watching:
    """Has the watch; a `wampd.router.duties.Duty`."""

    def __init__(
        self, reactor: Any, realms: Realms, connections: Callable[[], int], ceiling: Ceiling, began: float
    ) -> None:
        """``connections`` tells how many are open; ``began`` is when the router was made (Unix time)."""
        self._reactor = reactor
        self._realms = realms
        self._connections = connections
        self._ceiling = ceiling
        self._watch: Watch | None = None
        self._metrics: Metrics | None = None
        self._started = False
        self._began = began
        self.levels: Levels | None = None
        """The levels of the log, where there is one."""
        self._monitors: dict[str, tuple[Monitor, bool]] = {}
        self.couriers: dict[str, Courier] = {}
        """What delivers to webhooks, by realm."""
        self.components: Callable[[], Iterable[ComponentState]] = tuple
        """Tells of the components that the router hosts."""

    @property
    def watch(self) -> Watch:
        """The watch over the router."""
        if self._watch is None:
            from wampd.router.observe.process import Process
            from wampd.router.observe.watch import Watch

            realms = self._realms
            process = Process(self._reactor, self._connections)
            self._watch = Watch(
                self._reactor,
                lambda: [shell.core for shell in realms.all()],
                realms.tally,
                process,
                wampd.__version__,
                self._began,
            )
        return self._watch

    def debugs(self, subsystem: str) -> Callable[[], bool]:
        """What tells whether the log has what a subsystem says at level ``debug``."""

        def told() -> bool:
            return self.levels is not None and self.levels.debugs(subsystem)

        return told

    def part(self, settings: Settings) -> None:
        """Serve no monitors but those of these settings; to be called while the realms are there that may go."""
        wanted = _monitored(settings)
        for realm, (monitor, everywhere) in list(self._monitors.items()):
            if wanted.get(realm) is not everywhere:
                monitor.close()
                del self._monitors[realm]

    def monitor(self, settings: Settings) -> None:
        """Serve the monitors of the realms that have one."""
        for realm, everywhere in _monitored(settings).items():
            if realm not in self._monitors:
                self._monitors[realm] = self.serve(realm, all_realms=everywhere), everywhere
        if self._metrics is not None:
            self._metrics.name(_named(settings))

    def serve(self, realm: str, *, all_realms: bool) -> Monitor:
        """Serve a monitor in a realm."""
        from wampd.router.observe.monitor import Monitor

        monitor = Monitor(self._realms[realm].core, self.watch, self._realms.end_of_turn, all_realms=all_realms)
        if self._started:
            self.watch.start()
        return monitor

    def metrics(self, settings: Settings, store: Store | None) -> Callable[[str], tuple[str, bytes]]:
        """What tells the metrics, by the header ``Accept``."""
        if self._metrics is None:
            from wampd.router.observe.metrics import Metrics, StoreState

            def state() -> StoreState | None:
                return None if store is None else StoreState(store.is_well, store.waiting)

            self._metrics = Metrics(
                self.watch,
                _named(settings),
                self._realms.past,
                state,
                wampd.__version__,
                self._webhooks,
                self.components,
                lambda: self._ceiling.ceiling,
            )
        return self._metrics.tell

    def _webhooks(self) -> Iterator[HooksState]:
        from wampd.router.observe.metrics import HooksState

        for realm, courier in self.couriers.items():
            agenda = courier.agenda
            yield HooksState(
                realm, len(courier.registry), agenda.pending, courier.ledger.count_dead(), agenda.hosts_left_alone()
            )

    def start(self) -> None:
        """Begin to watch, if anybody does, or once somebody does."""
        self._started = True
        if self._watch is not None:
            self._watch.start()

    def stop(self) -> None:
        """Watch no more."""
        if self._watch is not None:
            self._watch.stop()


def _monitored(settings: Settings) -> dict[str, bool]:
    """The realms that have a monitor, and whether it is for all realms."""
    return {realm.name: realm.monitor.all_realms for realm in settings.realms if realm.monitor is not None}


def _named(settings: Settings) -> list[str]:
    """The realms that are always there."""
    return [realm.name for realm in settings.realms if realm.match == "exact"]
