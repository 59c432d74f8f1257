"""Threads for what may hang, a pool for each matter: few, started when there is work, and not waited for without end.

Rules
-----
* What runs in a thread may hang, in a disk or in somebody's application. When the router ends it is waited for `GRACE`
  seconds, and then left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any, Final, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

GRACE: Final = 5.0

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class _Pool(ThreadPool):
    # staticmethod: from Python 3.14 on a partial in a class is a method, and would get the pool as its first argument.
    threadFactory = staticmethod(partial(Thread, daemon=True))  # type: ignore[assignment]  # noqa: N815 - Twisted's name

    def stop(self) -> None:
        """Wait for what is being done, but not for ever."""
        waiting = Thread(target=super().stop, daemon=True)
        waiting.start()
        waiting.join(GRACE)


class Threads:
    """A pool of at most so many threads."""

    def __init__(self, reactor: Any, most: int, name: str) -> None:
        self.reactor = reactor
        self._most = most
        self._name = name
        self._pool: _Pool | None = None

    @property
    def pool(self) -> ThreadPool:
        """The pool, which runs."""
        if self._pool is None:
            self._pool = _Pool(minthreads=0, maxthreads=self._most, name=self._name)
            self._pool.start()
            self.reactor.addSystemEventTrigger("during", "shutdown", self.stop)
        return self._pool

    def run(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Deferred[Result]:
        """Do this in a thread, when one is free."""
        return deferToThreadPool(self.reactor, self.pool, work, *args, **kwargs)

    def shrink(self) -> None:
        """Do with one thread what is still to be done."""
        self._most = 1
        if self._pool is not None:
            self._pool.adjustPoolsize(0, 1)

    def stop(self) -> None:
        """Do nothing more."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()
