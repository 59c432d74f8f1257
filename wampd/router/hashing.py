"""Whether a password fits its slow hash, found out in threads, so that nobody else has to wait.

Rules
-----
* The threads are few, and so are the checks that wait for one: what is beyond is answered at once with `Failed`. So a flood of
  guesses costs as much of the machine as the threads may take, and no more.
* A check that nobody waits for any more, since its client is gone, is left out when its turn comes.
* There are no threads before the first check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool

from wampd.auth import hashes
from wampd.auth.methods import Failed
from wampd.auth.questions import CheckPassword


class PasswordChecks:
    """Answers `CheckPassword`."""

    def __init__(
        self, reactor: Any, threads: int = 2, waiting: int = 100, refused: Callable[[], None] = lambda: None
    ) -> None:
        """``reactor`` is an ``IReactorFromThreads``; at most so many checks are made, and wait to be made, at once.

        ``refused`` counts what is beyond.
        """
        self._reactor = reactor
        self._threads = threads
        self._refused = refused
        self._most = threads + waiting
        self._pending = 0
        self._pool: ThreadPool | None = None
        self.stopped = False

    def check(self, question: CheckPassword) -> Deferred[bool] | Failed:
        """Whether the password fits."""
        if self.stopped:
            return Failed("the router is stopping")
        if self._pending >= self._most:
            self._refused()
            return Failed(f"{self._pending} passwords are being checked already")
        if self._pool is None:
            self._pool = self._start()
        self._pending += 1
        answer: Deferred[bool] = Deferred()

        def work() -> bool:
            return not (answer.called or self.stopped) and hashes.fits(question.hash, question.password)

        def told(success: bool, result: Any) -> None:
            self._reactor.callFromThread(self._done, answer, success, result)

        self._pool.callInThreadWithCallback(told, work)
        return answer

    def _done(self, answer: Deferred[bool], success: bool, result: Any) -> None:
        self._pending -= 1
        if answer.called:
            return  # nobody waits for it
        if success:
            answer.callback(result)
        else:
            answer.errback(result)

    def _start(self) -> ThreadPool:
        pool = ThreadPool(minthreads=0, maxthreads=self._threads, name="passwords")
        pool.start()
        self._reactor.addSystemEventTrigger("during", "shutdown", self.stop)
        return pool

    def stop(self) -> None:
        """Make no more checks, and wait for those that are being made."""
        self.stopped = True
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()
