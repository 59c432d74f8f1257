"""Whether a password fits its slow hash, found out in threads, so that nobody else has to wait.

Rules
-----
* The threads are few, and so are the checks that wait for one: what is beyond is answered at once with `Failed`. So a flood of
  guesses costs as much of the machine as the threads may take, and no more.
* Addresses take turns, each with its oldest check; and where there is no room, the newest check of the address that has most of
  them makes room for one of another. So a flood of guesses is a queue for those who come from where it comes from.
* Addresses whose last password fitted take turns with all others together, and half of the room is theirs, if they need
  it: so a flood of guesses from ever so many addresses keeps nobody out who comes back. The last `KNOWN` are remembered.
* A check that nobody waits for any more, since its client is gone, is left out.
* There are no threads before the first check.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool

from wampd.auth import hashes
from wampd.auth.methods import Failed
from wampd.auth.questions import CheckPassword
from wampd.auth.throttle import network_of

KNOWN: Final = 10_000


class _Check(Struct, eq=False):
    """One check, from the question to its answer."""

    question: CheckPassword
    answer: Deferred[bool]


_Line: TypeAlias = OrderedDict[str, deque[_Check]]
"""Checks that wait, by address; the one whose turn it is first."""


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
        self._strangers: _Line = OrderedDict()
        self._returning: _Line = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()  # addresses whose last password fitted
        self._last: _Line = self._returning  # whose turn it was
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
        line = self._line_of(network)
        check = _Check(question, Deferred(lambda _: self._take_back(line, network, check)))
        line.setdefault(network, deque()).append(check)
        self._waiting += 1
        self._go_on()
        return check.answer

    def _go_on(self) -> None:
        """Make the next checks that wait, as far as there are threads."""
        if self._pool is None:
            self._pool = self._start()
        while self._waiting and self._running < self._threads:
            line = self._next_line()
            network, queue = next(iter(line.items()))
            check = queue.popleft()
            self._waiting -= 1
            if queue:
                line.move_to_end(network)
            else:
                del line[network]
            self._running += 1
            self._make(network, check, self._pool)

    def _line_of(self, network: str) -> _Line:
        return self._returning if network in self._known else self._strangers

    def _next_line(self) -> _Line:
        """Whose turn it is: the two take turns."""
        other = self._strangers if self._last is self._returning else self._returning
        self._last = other or self._last
        return self._last

    def _make(self, network: str, check: _Check, pool: ThreadPool) -> None:
        question = check.question

        def work() -> bool:
            return not self.stopped and hashes.fits(question.hash, question.password)

        def told(success: bool, result: Any) -> None:
            self._reactor.callFromThread(self._done, network, check.answer, success, result)

        pool.callInThreadWithCallback(told, work)

    def _done(self, network: str, answer: Deferred[bool], success: bool, result: Any) -> None:
        self._running -= 1
        self._remember(network, success and result is True)
        if not self.stopped:
            self._go_on()
        if answer.called:
            return  # nobody waits for it
        if success:
            answer.callback(result)
        else:
            answer.errback(result)

    def _remember(self, network: str, fitted: bool) -> None:
        """The password that came from there was right, or wrong."""
        self._known.pop(network, None)
        if fitted:
            self._known[network] = None
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)

    def _make_room(self, network: str) -> bool:
        """Let the newest check go of the address that has most, unless this one has as many then; whether there is room.

        Of those who come back and of strangers, who has less than half of the room gets it from the others.
        """
        line = self._line_of(network)
        other = self._strangers if line is self._returning else self._returning
        gives = other if other and 2 * sum(map(len, line.values())) < self._most else line
        if not gives:
            return False
        most, queue = max(gives.items(), key=lambda item: len(item[1]))
        if gives is line and len(queue) <= len(line.get(network, ())) + 1:
            return False
        check, failed = queue[-1], self._too_many()
        self._take_back(gives, most, check)
        # In a later turn: nobody calls into a handshake while another one is at work.
        self._reactor.callFromThread(_fire, check.answer, failed)
        return True

    def _take_back(self, line: _Line, network: str, check: _Check) -> None:
        """A check is not to be made, if it is not being made already."""
        queue = line.get(network)
        if queue is not None and check in queue:
            queue.remove(check)
            self._waiting -= 1
            if not queue:
                del line[network]

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
