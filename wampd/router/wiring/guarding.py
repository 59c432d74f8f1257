"""What is left to do after a handover: to see that the successor proves itself, and to start another if it dies before.

Rules
-----
* From the handover until the successor has served for a while (``limits.probation``) this process stays, though its own
  sessions are gone, and keeps copies of the listening sockets and of the lock of the PID file. If the successor dies, another
  is started as it was, and meanwhile those who connect wait in the queue of the system.
* `TRIES` are started, no more: then this process ends with status 1, which a service manager acts upon. None is started for
  one that was stopped.
* The service manager has this process for the main one until it is over: when the main one dies, it ends all. So a SIGTERM that
  is meant for the main one is passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.logger import Logger

from wampd.router.system.pidfile import PidFile
from wampd.router.system.sockets import Held, Sockets

log = Logger()

TRIES: Final = 3
"""Successors that are started after the first."""


class Guard:
    """The watch over a successor, once there is one."""

    def __init__(self, reactor: Any, replace: Callable[[list[Held], PidFile | None], None]) -> None:
        """``replace`` starts another successor with all this; it closes the sockets."""
        self._reactor = reactor
        self._replace = replace
        self._left = TRIES
        self._sockets = Sockets()
        self._pid_file: PidFile | None = None
        self._timer: Any = None
        self.is_stopping = False
        """Whether the successor stops, or was told to."""
        self.is_over = True
        self.is_deserted = False
        """Whether there is no router any more but this one, which has no sessions."""
        self.then: Callable[[], None] = lambda: None
        """Called when it is over."""

    def keep(self, held: Sequence[Held], pid_file: PidFile | None) -> None:
        """A successor is about to be started; ``held`` are copies."""
        self._sockets = Sockets(held)
        self._pid_file = None if pid_file is None else pid_file.copy()

    def let_go(self) -> None:
        """Keep nothing any more."""
        self._sockets.close()
        if self._pid_file is not None:
            self._pid_file.close()

    def begin(self) -> None:
        """A successor has taken over."""
        self.is_over = False

    def serves(self, seconds: float) -> None:
        """The successor serves now; in so many seconds it has proved itself."""
        self.is_deserted = False
        if not self.is_over:
            self._timer = self._reactor.callLater(seconds, self.end)

    def let_stop(self) -> None:
        """The successor stops, or has been told to: it is waited for, and none comes after it."""
        self.is_stopping = True
        self._cancel()
        self.let_go()  # nobody is to wait in a queue for one who does not come

    def died(self, why: str, *, is_meant: bool) -> None:
        """The successor has ended, or has not become ready; ``why`` is a sentence."""
        if self.is_over:
            log.critical("{why}", why=why)
            return
        self._cancel()
        if is_meant or self.is_stopping:
            log.info("the new router was stopped")
            self.end()
            return
        self.is_deserted = True
        if self._left:
            self._left -= 1
            log.error("{why}; another is started", why=why)
            self._replace(self._sockets.copies(), self._pid_file)
            return
        log.critical("{why}; no other is started", why=why)
        if self._pid_file is not None:
            self._pid_file.remove()
        self.end()

    def end(self) -> None:
        """It is over: let everything go."""
        self._cancel()
        if self.is_over:
            return
        self.is_over = True
        self.let_go()
        self.then()

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
