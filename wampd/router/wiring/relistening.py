"""The listeners of another configuration: prepared beside those that are open, then taken into use at once, or let go.

Rules
-----
* A listener is known by its endpoint. Where that is the same the port stays open, and nobody who connects meanwhile notices:
  paths, certificates and limits are those of the new configuration for connections from then on, and HTTP for the next request.
* New ports are bound before anything is changed, and take nobody before that: who connects waits in the system's backlog. One
  that cannot be bound keeps everything as it was.
* Who came by a listener that is no more is sent away, `AT_ONCE` every `STEP`: sessions with GOODBYE
  ``wamp.close.system_shutdown``, for to their clients it is the same; connections of HTTP are closed after their answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks
from twisted.logger import Logger

from wampd.router.reception import Attended
from wampd.router.sessions import GOING_AWAY, SessionPeer
from wampd.router.settings.listeners import Listener
from wampd.router.shutdown import SYSTEM_SHUTDOWN
from wampd.router.system.refusals import why_not
from wampd.router.system.sockets import pause, resume
from wampd.router.wiring.listening import Listening, Made, Open, tell_of
from wampd.router.wiring.means import Means

log = Logger()

STEP: Final = 0.05
"""Seconds."""
AT_ONCE: Final = 100


class NotPrepared(Exception):
    """A listener cannot be as it is configured; the text says why, for operators."""


class Prepared:
    """The listeners of a configuration, ready to be used: `use` or `drop`."""

    def __init__(self, listening: Listening, reactor: Any) -> None:
        self._listening = listening
        self._reactor = reactor
        self._there: defaultdict[str, list[Open]] = defaultdict(list)
        for opened in listening.open:
            self._there[opened.listener.endpoint].append(opened)
        self._new: list[Open] = []
        self._changed: list[tuple[Open, Open]] = []

    @inlineCallbacks
    def prepare(self, listeners: Iterable[Listener], means: Means) -> Generator[Deferred[Any], Any, None]:
        """Make what these listeners need, and bind the new ones. The Deferred fails with `NotPrepared`; then drop it."""
        for listener in listeners:
            there = self._there[listener.endpoint]
            try:
                if there:
                    old = there.pop(0)
                    made = self._listening.make(listener, means, old.made)
                    self._changed.append((old, Open(listener, old.port, made)))
                else:
                    opened = yield self._listening.bind(listener, means)
                    pause(opened.port)
                    self._new.append(opened)
            except Exception as why:  # noqa: BLE001 - whatever it is, nothing is changed
                raise NotPrepared(f"the listener {listener.endpoint} cannot be: {why_not(why)}") from None

    def drop(self) -> None:
        """Let it all go."""
        for opened in self._new:
            self._listening.part(opened)
        for opened in (*self._new, *(new for _, new in self._changed)):
            if opened.made.shelf is not None:
                opened.made.shelf.drop()

    def use(self) -> Deferred[Any]:
        """Use the listeners from now on; the Deferred fires when those that are no more have closed their ports."""
        for old, new in self._changed:
            _take_over(old.made, new.made)
        gone = [opened for left in self._there.values() for opened in left]
        # What is open keeps the door that its port knows.
        stay = [Open(new.listener, old.port, _behind(old.made, new.made)) for old, new in self._changed]
        self._listening.open[:] = [*stay, *self._new]
        for opened in self._new:
            if self._listening.accepts:
                resume(opened.port)
            tell_of(opened.listener)
        return DeferredList([self._close(opened) for opened in gone], consumeErrors=True)

    def _close(self, opened: Open) -> Any:
        log.info("no longer listening on {endpoint}", endpoint=opened.listener.endpoint)
        made = opened.made
        if made.site is not None:
            made.site.is_over = True
        closed = self._listening.part(opened)
        self._send_away(list(made.reception.connections), made)
        return closed if isinstance(closed, Deferred) else _done()

    def _send_away(self, connections: list[Attended], made: Made) -> None:
        for connection in connections[:AT_ONCE]:
            peer = connection.peer
            if isinstance(peer, SessionPeer):
                peer.dismiss(SYSTEM_SHUTDOWN, "this listener is closed")
            else:
                connection.close(GOING_AWAY, "this listener is closed")
        if len(connections) > AT_ONCE:
            self._reactor.callLater(STEP, self._send_away, connections[AT_ONCE:], made)
        elif made.shelf is not None:
            made.shelf.drop()


def _take_over(old: Made, new: Made) -> None:
    """Let new connections, and the next requests of those that are open, be served by what is new."""
    new.reception.follow(old.reception)
    old.door.become(new.door)
    if new.site is not None and new.fresh is not None:
        new.site.become(new.fresh)
    elif old.site is not None:
        old.site.is_over = True
    if new.shelf is not None:
        new.shelf.settle()
    elif old.shelf is not None:
        old.shelf.drop()


def _behind(old: Made, new: Made) -> Made:
    return Made(old.door, new.reception, new.shelf, new.site)


def _done() -> Deferred[None]:
    done: Deferred[None] = Deferred()
    done.callback(None)
    return done
