"""What observes the router: made when something configured needs it, and not before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import wampd
from wampd.router.realms import Realms
from wampd.router.settings.model import Settings

if TYPE_CHECKING:
    from wampd.router.observe.watch import Watch


class Watching:
    """Has the watch; a `wampd.router.duties.Duty`."""

    def __init__(self, reactor: Any, realms: Realms, connections: Callable[[], int]) -> None:
        """``connections`` tells how many are open."""
        self._reactor = reactor
        self._realms = realms
        self._connections = connections
        self._watch: Watch | None = None

    @property
    def watch(self) -> Watch:
        """The watch over the router."""
        if self._watch is None:
            from wampd.router.observe.process import Process
            from wampd.router.observe.watch import Watch

            realms = self._realms
            process = Process(self._reactor, self._connections)
            self._watch = Watch(
                self._reactor, lambda: [shell.core for shell in realms.all()], realms.tally, process, wampd.__version__
            )
        return self._watch

    def monitor(self, settings: Settings) -> None:
        """Serve the monitors of the realms that have one."""
        for realm in settings.realms:
            if realm.monitor is not None:
                from wampd.router.observe.monitor import Monitor

                core = self._realms[realm.name].core
                Monitor(core, self.watch, self._realms.end_of_turn, all_realms=realm.monitor.all_realms)

    def start(self) -> None:
        """Begin to watch, if anybody does."""
        if self._watch is not None:
            self._watch.start()

    def stop(self) -> None:
        """Watch no more."""
        if self._watch is not None:
            self._watch.stop()
