"""The store as the daemon uses it: the reactor never waits for a disk.

Rules
-----
* One thread writes, and what waits for it is written in one transaction with one sync: each piece of work all or nothing (a
  savepoint), acknowledged when the transaction is on the disk. One thread reads, and never waits for the other.
* Work is a function of the connection. It runs in the thread; its result, or failure, comes back in the reactor's.
* What makes the database larger is refused while the disk is nearly full; what takes something away, or changes it, is not.
* What waits is bounded. Trouble with the file is a `StoreError` for whoever asked, an ERROR in the log when it begins, a line
  when it is over, and counted each time; never silent.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import apsw
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.stores.room import NoRoom
from wampd.router.stores.sqlite import (
    WRONG,
    Result,
    StoreError,
    Work,
    carry_out,
    open_reader,
    open_store,
    rewrite_version,
    secret_of_salts,
    trouble,
)

log = Logger()

MOST_WAITING: Final = 10_000
"""Pieces of work that a thread has not done yet."""
AT_ONCE: Final = 500
"""Pieces of work in one transaction."""

LAST_WORDS: Final = 10.0
"""Seconds that the end of the process waits for a thread."""

_Item: TypeAlias = tuple[Work[Any], "Deferred[Any]"]


class Store:
    """The database in ``file``, until the reactor has stopped."""

    def __init__(
        self, reactor: Any, file: Path, failed: Callable[[], None], room: Callable[[], None] = lambda: None
    ) -> None:
        """Open or make the database. Raise `StoreError`.

        ``failed`` is called each time that the database does not do what it should; ``room`` raises `NoRoom` if the disk is
        nearly full, and is called in the thread that writes.
        """
        self._room = room
        self.shortage = ""
        """What is wrong with the disk; ``""``: nothing."""
        self.file = file
        self._reactor = reactor
        self._failed = failed
        self._ailing = self._trying = False
        writer = open_store(file)
        try:
            reader = open_reader(file)
            self.secret_of_salts = secret_of_salts(reader)
        except StoreError:
            writer.close()
            raise
        self._workers = [_Worker("store-reader", self, reader, _read), _Worker("store-writer", self, writer, _write)]
        for worker in self._workers:
            worker.start()
        reactor.addSystemEventTrigger("after", "shutdown", self.close)

    @property
    def is_well(self) -> bool:
        """Whether it did what it should when it was last used."""
        return not self._ailing

    @property
    def waiting(self) -> int:
        """Pieces of work that are not done yet."""
        return sum(worker.waiting for worker in self._workers)

    def try_again(self) -> None:
        """If it is not well, see whether it is again: write something that changes nothing."""
        if self._ailing and not self._trying:
            self._trying = True
            self.write(rewrite_version).addBoth(self._tried)

    def _tried(self, _: object) -> None:
        self._trying = False

    def close(self) -> None:
        """Finish what waits, for `LAST_WORDS` at most, and close the database."""
        workers, self._workers = self._workers, []
        for worker in workers:
            if not worker.finish():
                log.error("the store {file}: what waits for it was given up", file=str(self.file))

    def read(self, work: Work[Result]) -> Deferred[Result]:
        """Do something that changes nothing. The Deferred fails with `StoreError`, or with what ``work`` raises."""
        return self._do(0, work)

    def write(self, work: Work[Result]) -> Deferred[Result]:
        """Do something, all or nothing; it is on the disk when the Deferred says so. It fails as that of `read`."""
        return self._do(1, work)

    def grow(self, work: Work[Result]) -> Deferred[Result]:
        """Write what makes the database larger, if the disk has room for it: else the Deferred fails with `NoRoom`."""

        def carry(connection: apsw.Connection) -> Result:
            self._room()
            return work(connection)

        return self.write(carry).addBoth(self._watch_room)

    def _watch_room(self, result: Any) -> Any:
        """Log when the disk is full, and when it is not any more."""
        error = result.value if isinstance(result, Failure) else None
        if isinstance(error, NoRoom):
            if not self.shortage:
                log.error("{why}", why=str(error))
            self.shortage = str(error)
        elif self.shortage and error is None:
            log.info("the disk of the store {file} has room again", file=str(self.file))
            self.shortage = ""
        return result

    def _do(self, which: int, work: Work[Result]) -> Deferred[Result]:
        if not self._workers:
            return fail(StoreError(f"the store {self.file} is not open"))
        worker = self._workers[which]
        if worker.waiting >= MOST_WAITING:
            self._failed()
            return fail(StoreError(f"the store {self.file}: {MOST_WAITING} requests wait for it"))
        return worker.ask(work)

    def deliver(self, worker: _Worker, done: list[tuple[Deferred[Any], Any]]) -> None:
        """Called by a worker in its thread: hand results back."""
        self._reactor.callFromThread(self._hand_back, worker, done)

    def _hand_back(self, worker: _Worker, done: list[tuple[Deferred[Any], Any]]) -> None:
        worker.waiting -= len(done)
        for waiting, result in done:
            self._watch_health(result)
            waiting.callback(result)  # a Failure makes it fail

    def _watch_health(self, result: Any) -> None:
        """Log trouble with the file when it begins and when it ends; what else work raises is for whoever asked."""
        error = result.value if isinstance(result, Failure) else None
        if isinstance(error, NoRoom):
            self._failed()
            return
        if isinstance(error, StoreError):
            self._failed()
            if not self._ailing:
                log.error("{why}", why=str(error))
        elif self._ailing:
            log.info("the store {file} works again", file=str(self.file))
        self._ailing = isinstance(error, StoreError)


class _Worker(threading.Thread):
    """One thread with its connection; ``carry_out_all`` does a batch of work."""

    def __init__(
        self,
        name: str,
        store: Store,
        connection: apsw.Connection,
        carry_out_all: Callable[[apsw.Connection, list[Work[Any]]], list[Any]],
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.waiting = 0
        """How much is asked and not handed back; the reactor's thread alone counts."""
        self._store = store
        self._connection = connection
        self._carry_out_all = carry_out_all
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()

    def ask(self, work: Work[Result]) -> Deferred[Result]:
        """Let the thread do something."""
        done: Deferred[Result] = Deferred()
        self.waiting += 1
        self._queue.put((work, done))
        return done

    def finish(self) -> bool:
        """Let the thread end when it has done what waits, and wait for it; whether it did."""
        self._queue.put(None)
        self.join(LAST_WORDS)
        return not self.is_alive()

    def run(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._batch()
            if batch:
                results = self._carry_out_all(self._connection, [work for work, _ in batch])
                self._store.deliver(self, [(done, result) for (_, done), result in zip(batch, results, strict=True)])
        self._connection.close()

    def _batch(self) -> tuple[list[_Item], bool]:
        """Everything that waits, or `AT_ONCE` of it, and whether more may come."""
        batch: list[_Item] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == AT_ONCE or self._queue.empty():
                return batch, True
            item = self._queue.get()
        return batch, False


def _read(connection: apsw.Connection, works: list[Work[Any]]) -> list[Any]:
    return [_result(connection, work) for work in works]


def _write(connection: apsw.Connection, works: list[Work[Any]]) -> list[Any]:
    """All works in one transaction; if that fails, all of them do."""

    def in_savepoint(work: Work[Any]) -> Any:
        connection.execute("SAVEPOINT work")
        result = _result(connection, work)
        if not connection.in_transaction:  # SQLite ended it, as it does when the disk is full
            result.raiseException()
        if isinstance(result, Failure):
            connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")
        return result

    try:
        return carry_out(connection, lambda _: [in_savepoint(work) for work in works])
    except Exception:  # noqa: BLE001 - handed to whoever asked
        return [Failure() for _ in works]


def _result(connection: apsw.Connection, work: Work[Any]) -> Any:
    try:
        return work(connection)
    except WRONG as error:
        return Failure(trouble(Path(connection.filename), error))
    except Exception:  # noqa: BLE001 - handed to whoever asked
        return Failure()
