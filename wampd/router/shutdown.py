"""Stopping: nobody new, calls under way finish, GOODBYE to everybody, close, end.

Rules
-----
* Listening stops at once, and who is still at its handshake is not let in. Calls under way get up to half of the drain time to
  finish, and so do requests of HTTP that others answer or that bring a file, unless the answer is one without an end. Then
  sessions are told ``wamp.close.system_shutdown``, spread over what is left of it, so that they do not all come back in the
  same moment. What a call then still waits for ends with an ERROR.
* Components of the router are stopped once the sessions are told, and not started again from the beginning on.
* After the hard limit, or a second request, the process ends whatever still waits; no component is left behind.

Source: WAMP basic profile, "Session Closing".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from wampd.router.duties import Duty
from wampd.router.http.endless import is_endless
from wampd.router.realms import Realms
from wampd.router.reception import Attended, Lobby
from wampd.router.sessions import GOING_AWAY, SessionPeer
from wampd.router.settings.model import ProcessLimits

if TYPE_CHECKING:
    from wampd.router.wiring.hosted import Hosted

log = Logger()

SYSTEM_SHUTDOWN: Final = "wamp.close.system_shutdown"
STEP: Final = 0.05
"""Seconds."""
AT_ONCE: Final = 100
"""Sessions told in one step, at the least."""
ARRIVING: Final = 5.0
"""Seconds that those have who are heard out, from the beginning."""


class Shutdown:
    """The way out, taken once."""

    def __init__(
        self,
        reactor: Any,
        limits: ProcessLimits,
        realms: Realms,
        lobby: Lobby,
        close: Callable[[], list[Any]],
        hosting: Hosted,
        duties: Sequence[Duty] = (),
    ) -> None:
        """``close`` ends all listening; what it returns is waited for, where there is something."""
        self._reactor = reactor
        self.limits = limits
        self._realms = realms
        self._lobby = lobby
        self._close = close
        self._hosting = hosting
        self._duties = duties
        self._begun = 0.0
        self._ended = False
        self._told: set[Attended] = set()
        self.waits_for_arriving = False
        """Whether those are heard who have connected and not said yet what they want, before they are told to go: where another
        router takes over nobody's handshake is broken off."""
        self.may_end: Callable[[], bool] = lambda: True
        """Whether the process has nothing left to do once all are gone."""
        self.closed: Deferred[None] = Deferred()
        """Fires when nothing is listened on, and the duties have ended."""
        self.alone: Deferred[None] = Deferred()
        """Fires when the components have ended."""

    @property
    def is_under_way(self) -> bool:
        """Whether the router is being stopped."""
        return self._lobby.closing

    def request(self, why: str) -> None:
        """Begin to stop; asked a second time, end at once."""
        if self.is_under_way:
            log.warn("{why} again: ending at once", why=why)
            self._end()
            return
        self._begun = self._reactor.seconds()
        self._lobby.closing = True
        self._hosting.hold()
        log.info("{why}: stopping; {count} connections are open", why=why, count=len(self._lobby.connections))
        self._reactor.callLater(self.limits.stop, self._end)
        closed = self._close() + [duty.stop() for duty in self._duties]
        ended = DeferredList([each for each in closed if each is not None], consumeErrors=True)
        ended.addTimeout(self.limits.drain / 4, self._reactor).addErrback(lambda _: None)
        ended.addCallback(lambda _: self.closed.callback(None)).addCallback(lambda _: self._wait_for_calls())

    def _wait_for_calls(self) -> None:
        now = self._reactor.seconds()
        drained = self._begun + self.limits.drain
        if now < drained - self.limits.drain / 2 and self._is_at_work():
            self._reactor.callLater(STEP, self._wait_for_calls)
            return
        steps = max(1, int((drained - now) / STEP))
        connections = list(self._lobby.connections)
        self._say_goodbye(connections, max(AT_ONCE, len(connections) // steps + 1))

    def _is_at_work(self) -> bool:
        """Whether calls are under way, or requests of HTTP."""
        return not all(map(is_endless, self._lobby.requests)) or any(
            realm.core.calls_under_way() for realm in self._realms.all()
        )

    def _say_goodbye(self, connections: list[Attended], at_once: int) -> None:
        for connection in connections[:at_once]:
            self._tell(connection)
        rest = connections[at_once:]
        if rest:
            self._reactor.callLater(STEP, self._say_goodbye, rest, at_once)
        else:
            self._hosting.stop(self.limits.drain / 2).addCallback(lambda _: self._components_ended())

    def _components_ended(self) -> None:
        self.alone.callback(None)
        self._wait_for_connections()

    def _tell(self, connection: Attended) -> None:
        self._told.add(connection)
        peer = connection.peer
        if isinstance(peer, SessionPeer):
            peer.dismiss(SYSTEM_SHUTDOWN)
        else:
            connection.close(GOING_AWAY, "the router is shutting down")

    def _wait_for_connections(self) -> None:
        for connection in self._lobby.connections - self._told:  # they were at their handshake
            self._tell(connection)
        arriving = self.waits_for_arriving and self._lobby.arriving and self._reactor.seconds() < self._begun + ARRIVING
        if self._lobby.connections or arriving or not self.may_end():
            self._reactor.callLater(STEP, self._wait_for_connections)
        else:
            self._end()

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._hosting.kill()
        log.info("stopped; {count} connections were left", count=len(self._lobby.connections))
        self._realms.tally.report()
        self._reactor.stop()
