"""Whether the router is ready for work: what is looked at, of all its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wampd.router.memory import Ceiling
from wampd.router.reception import Lobby
from wampd.router.wiring.hosted import Hosted

if TYPE_CHECKING:
    from wampd.router.stores.store import Store


class Readiness:
    """Looks whether the router is ready."""

    def __init__(
        self,
        ports: Sequence[Any],
        listeners: int,
        lobby: Lobby,
        store: Store | None,
        hosting: Hosted,
        ceiling: Ceiling,
    ) -> None:
        """``ports`` are those that are open, of so many ``listeners``."""
        self._ports = ports
        self.listeners = listeners
        self._lobby = lobby
        self._store = store
        self._hosting = hosting
        self._ceiling = ceiling

    def look(self) -> dict[str, str]:
        """Each thing that is looked at, and what is wrong with it; ``""``: nothing."""
        closed = self.listeners - len(self._ports)
        checks = {
            "listeners": f"{closed} of {self.listeners} are not open" if closed else "",
            "running": "the router is stopping" if self._lobby.closing else "",
            "room": "no more connections are taken" if self._lobby.open >= self._lobby.most else "",
            "memory": self._ceiling.problem(),
        }
        if self._store is not None:
            checks["store"] = "" if self._store.is_well else "it does not work"
            checks["disk"] = self._store.shortage
            self._store.try_again()
        if self._hosting.names:
            down = self._hosting.down()
            checks["components"] = f"not ready: {', '.join(down)}" if down else ""
        return checks
