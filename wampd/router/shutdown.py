"""Stopping: nobody new, calls under way finish, GOODBYE to everybody, close, end.

Rules
-----
* Listening stops at once. Calls under way get up to half of the drain time to finish; then sessions are told
  ``wamp.close.system_shutdown``, spread over what is left of it, so that they do not all come back in the same moment.
* Components of the router are stopped once the sessions are told.
* After the hard limit, or a second request, the process ends whatever still waits.

Source: WAMP basic profile, "Session Closing".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import DeferredList
from twisted.logger import Logger

from wampd.router.hosting.guests import Hosting
from wampd.router.realms import Realms
from wampd.router.reception import Lobby
from wampd.router.sessions import GOING_AWAY, SessionPeer
from wampd.router.settings.model import ProcessLimits

log = Logger()

SYSTEM_SHUTDOWN = "wamp.close.system_shutdown"
STEP = 0.05
AT_ONCE = 500
"""Sessions told in one step, at the least."""


class Shutdown:
    """The way out, taken once."""

    def __init__(
        self,
        reactor: Any,
        limits: ProcessLimits,
        realms: Realms,
        lobby: Lobby,
        ports: Sequence[Any],
        hosting: Hosting,
    ) -> None:
        self._reactor = reactor
        self._limits = limits
        self._realms = realms
        self._lobby = lobby
        self._ports = ports
        self._hosting = hosting
        self._begun: float | None = None

    def request(self, why: str) -> None:
        """Begin to stop; asked a second time, end at once."""
        if self._begun is not None:
            log.warn("{why} again: ending at once", why=why)
            self._end()
            return
        self._begun = self._reactor.seconds()
        log.info("{why}: stopping; {count} connections are open", why=why, count=len(self._lobby.connections))
        self._reactor.callLater(self._limits.stop, self._end)
        closed = [port.stopListening() for port in self._ports]
        DeferredList([each for each in closed if each is not None]).addCallback(lambda _: self._wait_for_calls())

    def _wait_for_calls(self) -> None:
        patience = self._begun + self._limits.drain / 2  # type: ignore[operator]
        if any(realm.core.calls_under_way() for realm in self._realms.all()) and self._reactor.seconds() < patience:
            self._reactor.callLater(STEP, self._wait_for_calls)
            return
        steps = max(1, int((self._begun + self._limits.drain - self._reactor.seconds()) / STEP))  # type: ignore[operator]
        self._say_goodbye(list(self._lobby.connections), max(AT_ONCE, len(self._lobby.connections) // steps + 1))

    def _say_goodbye(self, connections: list[Any], at_once: int) -> None:
        for connection in connections[:at_once]:
            if isinstance(connection.peer, SessionPeer):
                connection.peer.dismiss(SYSTEM_SHUTDOWN)
            else:
                connection.close(GOING_AWAY, "the router is shutting down")
        rest = connections[at_once:]
        if rest:
            self._reactor.callLater(STEP, self._say_goodbye, rest, at_once)
        else:
            self._hosting.stop(self._limits.drain / 2).addCallback(lambda _: self._wait_for_connections())

    def _wait_for_connections(self) -> None:
        if self._lobby.connections:
            self._reactor.callLater(STEP, self._wait_for_connections)
        else:
            self._end()

    def _end(self) -> None:
        if self._reactor.running:
            log.info("stopped; {count} connections were left", count=len(self._lobby.connections))
            self._realms.tally.report()
            self._reactor.stop()
