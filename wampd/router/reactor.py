"""Twisted's epoll reactor, with an end to every turn and a clock that is never set back.

Rules
-----
* After the events of one poll, and after the timers of one round, ``end_of_turn`` is called: that is when everything said
  in the turn is written, once per connection.
* Timers run on the monotonic clock: a step of the wall clock neither fires nor freezes them.
* An exception out of one descriptor's handler is logged and ends that descriptor alone, as in Twisted's own loop.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.main import installReactor


def install(end_of_turn: Callable[[], None]) -> Any:
    """Install the reactor of this process and return it. Call it before anything imports ``twisted.internet.reactor``."""
    if "twisted.internet.reactor" in sys.modules:
        raise RuntimeError("a reactor is installed already")
    reactor = (_epoll_reactor if sys.platform.startswith("linux") else _select_reactor)(end_of_turn)
    installReactor(reactor)
    return reactor


def _epoll_reactor(end_of_turn: Callable[[], None]) -> Any:
    from twisted.internet.epollreactor import EPOLLIN, EPollReactor
    from twisted.python import log

    class TurnReactor(EPollReactor):
        """The epoll reactor with an end of every turn; it also spares a log context per event.

        Where there is something to read and nothing else, which is nearly always so, it does what Twisted would after its
        questions about the rest.
        """

        seconds = staticmethod(time.monotonic)

        def runUntilCurrent(self) -> None:  # noqa: N802 - Twisted's name
            super().runUntilCurrent()
            end_of_turn()

        def doPoll(self, timeout: float | None) -> None:  # noqa: N802 - Twisted's name
            selectables = self._selectables
            try:
                ready = self._poller.poll(-1 if timeout is None else timeout, len(selectables))
            except InterruptedError:
                return
            handle = self._doReadOrWrite  # it catches and logs whatever a descriptor raises
            for descriptor, event in ready:
                selectable = selectables.get(descriptor)
                if selectable is None:
                    continue
                if event != EPOLLIN:
                    handle(selectable, descriptor, event)
                    continue
                try:
                    why = selectable.doRead()
                except BaseException as bug:  # noqa: BLE001 - logged, and the end of this descriptor
                    why = bug
                    log.err()
                if why:
                    self._disconnectSelectable(selectable, why, True)
            end_of_turn()

        doIteration = doPoll  # noqa: N815 - Twisted's name

    return TurnReactor()


def _select_reactor(end_of_turn: Callable[[], None]) -> Any:
    from twisted.internet.selectreactor import SelectReactor

    class TurnReactor(SelectReactor):
        """The select reactor, for platforms without epoll, with an end of every turn."""

        seconds = staticmethod(time.monotonic)

        def runUntilCurrent(self) -> None:  # noqa: N802 - Twisted's name
            super().runUntilCurrent()
            end_of_turn()

        def doIteration(self, timeout: float | None) -> None:  # noqa: N802 - Twisted's name
            super().doIteration(timeout)
            end_of_turn()

    return TurnReactor()
