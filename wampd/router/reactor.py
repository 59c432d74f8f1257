"""Twisted's epoll reactor, with an end to every turn and a clock that is never set back.

Rules
-----
* After the events of one poll, and after the timers of one round, ``end_of_turn`` is called: that is when everything said
  in the turn is written, once per connection.
* Timers run on the monotonic clock: a step of the wall clock neither fires nor freezes them.
* A turn serves a bounded number of descriptors; the others have theirs in the next ones.
* An exception out of one descriptor's handler is logged and ends that descriptor alone, as in Twisted's own loop.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.main import installReactor

AT_ONCE: Final = 1_000
"""Descriptors that are served in one turn; of more, epoll goes round (epoll_wait(2), "Notes")."""
LONGEST: Final = 1_000_000.0
"""Seconds that a turn waits at most for something to happen; epoll counts milliseconds in 31 bits, which are 24 days."""


def install() -> Any:
    """Install the reactor of this process and return it. Call it before anything imports ``twisted.internet.reactor``.

    What is to be called at the end of each turn becomes its ``end_of_turn``, before it runs.
    """
    if "twisted.internet.reactor" in sys.modules:
        raise RuntimeError("a reactor is installed already")
    reactor = (_epoll_reactor if sys.platform.startswith("linux") else _select_reactor)(_nothing)
    installReactor(reactor)
    return reactor


def _nothing() -> None:
    """Nothing is said before there are realms."""


def _epoll_reactor(end_of_turn: Callable[[], None]) -> Any:
    from twisted.internet.epollreactor import EPOLLIN, EPollReactor
    from twisted.logger import Logger
    from twisted.python import log

    run_timers = EPollReactor.runUntilCurrent
    longest_wait = EPollReactor.timeout
    monotonic = time.monotonic

    class TurnReactor(EPollReactor):
        """The epoll reactor with an end of every turn.

        It also spares what Twisted does in each turn, and for each descriptor, for what is hardly ever so: a log context, a
        guard, questions. Of a call that comes alone, that was a tenth of all instructions.
        """

        seconds = staticmethod(monotonic)
        end_of_turn: Callable[[], None]

        def mainLoop(self) -> None:  # noqa: N802 - Twisted's name
            """Turn until it is stopped. What raises is logged, and the loop goes on."""
            while self._started:
                try:
                    while self._started:
                        self.runUntilCurrent()
                        self.doPoll(self.running and self.timeout())
                except BaseException:  # noqa: BLE001 - as Twisted's own loop
                    Logger().failure("unexpected error in the main loop")

        def runUntilCurrent(self) -> None:  # noqa: N802 - Twisted's name
            """Run what is due, where anything is, or was asked for since the last turn."""
            timers = self._pendingTimedCalls
            if (
                self._newTimedCalls
                or self.threadCallQueue
                or self._justStopped
                or (timers and timers[0].time <= monotonic())
            ):
                run_timers(self)
            self.end_of_turn()

        def timeout(self) -> float | None:
            """How long to wait at most, in seconds; `None`: for ever."""
            timers = self._pendingTimedCalls
            if self._newTimedCalls or not timers:
                return longest_wait(self)
            wait: float = timers[0].time - monotonic()
            return 0 if wait < 0 else min(LONGEST, wait)

        def doPoll(self, timeout: float | None) -> None:  # noqa: N802 - Twisted's name
            selectables = self._selectables
            try:
                ready = self._poller.poll(-1 if timeout is None else timeout, AT_ONCE)
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
            self.end_of_turn()

        doIteration = doPoll  # noqa: N815 - Twisted's name

    reactor: Any = TurnReactor()
    reactor.end_of_turn = end_of_turn
    return reactor


def _select_reactor(end_of_turn: Callable[[], None]) -> Any:
    from twisted.internet.selectreactor import SelectReactor

    class TurnReactor(SelectReactor):
        """The select reactor, for platforms without epoll, with an end of every turn."""

        seconds = staticmethod(time.monotonic)
        end_of_turn: Callable[[], None]

        def runUntilCurrent(self) -> None:  # noqa: N802 - Twisted's name
            super().runUntilCurrent()
            self.end_of_turn()

        def doIteration(self, timeout: float | None) -> None:  # noqa: N802 - Twisted's name
            super().doIteration(timeout)
            self.end_of_turn()

    reactor: Any = TurnReactor()
    reactor.end_of_turn = end_of_turn
    return reactor
