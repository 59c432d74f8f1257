"""Whether a password fits its slow hash, found out in threads, so that nobody else has to wait.

Rules
-----
* The threads are few, and so are the checks that wait for one: what is beyond is answered at once with `Failed`. So a flood of
  guesses costs as much of the machine as the threads may take, and no more.
* Addresses take turns, each with its oldest check; and where there is no room, the newest check of the address that has most of
  them makes room for one of another. So a flood of guesses is a queue for those who come from where it comes from.
* A check that nobody waits for any more, since its client is gone, is left out.
* There are no threads before the first check.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool

from wampd.auth import hashes
from wampd.auth.methods import Failed
from wampd.auth.questions import CheckPassword
from wampd.auth.throttle import network_of


class _Check(Struct, eq=False):
    """One check, from the question to its answer."""

    question: CheckPassword
    answer: Deferred[bool]


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
        self._most = waiting
        self._refused = refused
        self._running = 0
        self._waiting = 0
        self._queues: OrderedDict[str, deque[_Check]] = OrderedDict()  # by address; the one whose turn it is first
        self._pool: ThreadPool | None = None
        self.stopped = False

    def change(self, threads: int, waiting: int) -> None:
        """Make, and let wait, so many at once from now on."""
        self._threads, self._most = threads, waiting
        if self._pool is not None:
            self._pool.adjustPoolsize(0, threads)
            self._go_on()

    def check(self, question: CheckPassword) -> Deferred[bool] | Failed:
        """Whether the password fits."""
        if self.stopped:
            return Failed("the router is stopping")
        network = network_of(question.peer)
        if self._running >= self._threads and self._waiting >= self._most and not self._make_room(network):
            return self._too_many()
        check = _Check(question, Deferred(lambda _: self._take_back(network, check)))
        self._queues.setdefault(network, deque()).append(check)
        self._waiting += 1
        self._go_on()
        return check.answer

    def _go_on(self) -> None:
        """Make the next checks that wait, as far as there are threads."""
        if self._pool is None:
            self._pool = self._start()
        while self._queues and self._running < self._threads:
            network, queue = next(iter(self._queues.items()))
            check = queue.popleft()
            self._waiting -= 1
            if queue:
                self._queues.move_to_end(network)
            else:
                del self._queues[network]
            self._running += 1
            self._make(check, self._pool)

    def _make(self, check: _Check, pool: ThreadPool) -> None:
        question = check.question

        def work() -> bool:
            return not self.stopped and hashes.fits(question.hash, question.password)

        def told(success: bool, result: Any) -> None:
            self._reactor.callFromThread(self._done, check.answer, success, result)

        pool.callInThreadWithCallback(told, work)

    def _done(self, answer: Deferred[bool], success: bool, result: Any) -> None:
        self._running -= 1
        if not self.stopped:
            self._go_on()
        if answer.called:
            return  # nobody waits for it
        if success:
            answer.callback(result)
        else:
            answer.errback(result)

    def _make_room(self, network: str) -> bool:
        """Let the newest check go of the address that has most, unless this one has as many then; whether there is room."""
        if not self._queues:
            return False
        most, queue = max(self._queues.items(), key=lambda item: len(item[1]))
        if len(queue) <= len(self._queues.get(network, ())) + 1:
            return False
        check, failed = queue[-1], self._too_many()
        self._take_back(most, check)
        # In a later turn: nobody calls into a handshake while another one is at work.
        self._reactor.callFromThread(_fire, check.answer, failed)
        return True

    def _take_back(self, network: str, check: _Check) -> None:
        """A check is not to be made, if it is not being made already."""
        queue = self._queues.get(network)
        if queue is not None and check in queue:
            queue.remove(check)
            self._waiting -= 1
            if not queue:
                del self._queues[network]

    def _too_many(self) -> Failed:
        self._refused()
        return Failed(f"{self._running + self._waiting} passwords are being checked already")

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


def _fire(answer: Deferred[Any], what: Any) -> None:
    if not answer.called:  # else nobody waits for it any more
        answer.callback(what)
