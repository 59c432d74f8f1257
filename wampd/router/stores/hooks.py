"""The registry of webhooks in the store: a `wampd.router.hooks.keeping.Keeping`.

Rules
-----
* Every change is one piece of work of the store's writer: all of it, or nothing.
* An event is taken out with the last delivery of it.
* A registration that cannot be read is none: it is logged, and what was to be delivered to it is not delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import apsw
import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from wampd.router.hooks.keeping import Kept, Pending
from wampd.router.hooks.ledger import DeadLetter
from wampd.router.hooks.registry import Hook
from wampd.router.stores.store import Store

log = Logger()

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Hook).decode

_ORPHANS = (
    "DELETE FROM hook_events WHERE realm = ? AND id = ? AND NOT EXISTS (SELECT 1 FROM hook_deliveries WHERE event = id)"
)


class StoredHooks:
    """The registry of one realm."""

    def __init__(self, store: Store, realm: str) -> None:
        self._store = store
        self._realm = realm

    def load(self) -> Deferred[Kept]:
        """All that is there."""
        return self._store.read(self._load)

    def body(self, event: str) -> Deferred[bytes | None]:
        """The body of an event."""

        def work(connection: apsw.Connection) -> bytes | None:
            body = connection.execute("SELECT body FROM hook_events WHERE id = ?", (event,)).get
            return body if isinstance(body, bytes) else None

        return self._store.read(work)

    def put_hook(self, hook: Hook) -> Deferred[None]:
        """Keep a registration."""
        row = (hook.id, self._realm, _encode(hook))

        def work(connection: apsw.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO hooks VALUES (?, ?, ?)", row)

        return self._store.grow(work)

    def remove_hook(self, hook_id: str) -> Deferred[None]:
        """Forget a registration, and all deliveries for it."""

        def work(connection: apsw.Connection) -> None:
            of_hook = connection.execute("SELECT event FROM hook_deliveries WHERE hook = ?", (hook_id,)).fetchall()
            connection.execute("DELETE FROM hook_deliveries WHERE hook = ?", (hook_id,))
            connection.execute("DELETE FROM hooks WHERE id = ?", (hook_id,))
            connection.executemany(_ORPHANS, [(self._realm, event) for (event,) in of_hook])

        return self._store.write(work)

    def add_event(
        self, event: str, body: bytes, pending: Sequence[Pending], dead: Sequence[DeadLetter]
    ) -> Deferred[None]:
        """Keep an event, and the deliveries of it."""
        deliveries: list[Pending | DeadLetter] = [*pending, *dead]
        rows = [(self._realm, *_row(each)) for each in deliveries]

        def work(connection: apsw.Connection) -> None:
            connection.execute("INSERT INTO hook_events VALUES (?, ?, ?)", (event, self._realm, body))
            connection.executemany("INSERT INTO hook_deliveries VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

        return self._store.grow(work)

    def forget(self, event: str, hook: str) -> Deferred[None]:
        """Forget a delivery."""

        def work(connection: apsw.Connection) -> None:
            connection.execute("DELETE FROM hook_deliveries WHERE event = ? AND hook = ?", (event, hook))
            connection.execute(_ORPHANS, (self._realm, event))

        return self._store.write(work)

    def postpone(self, pending: Pending) -> Deferred[None]:
        """Change a delivery."""
        return self._write(lambda do: self._change(do, pending))

    def bury(self, letter: DeadLetter, dropped: Sequence[DeadLetter]) -> Deferred[None]:
        """Change a delivery into a dead letter."""

        def work(connection: apsw.Connection) -> None:
            self._change(connection.execute, letter)
            for each in dropped:
                connection.execute("DELETE FROM hook_deliveries WHERE event = ? AND hook = ?", (each.event, each.hook))
                connection.execute(_ORPHANS, (self._realm, each.event))

        return self._store.write(work)

    def _change(self, do: Callable[..., object], delivery: Pending | DeadLetter) -> None:
        event, hook, number, attempts, time, why = _row(delivery)
        do(
            "UPDATE hook_deliveries SET number = ?, attempts = ?, time = ?, why = ? WHERE event = ? AND hook = ?",
            (number, attempts, time, why, event, hook),
        )

    def _write(self, work: Callable[[Callable[..., object]], object]) -> Deferred[None]:
        def carry_out(connection: apsw.Connection) -> None:
            work(connection.execute)

        return self._store.write(carry_out)

    def _load(self, connection: apsw.Connection) -> Kept:
        kept = Kept([], [], [], [])
        for (record,) in connection.execute("SELECT record FROM hooks WHERE realm = ?", (self._realm,)):
            try:
                kept.hooks.append(_decode(record))
            except msgspec.MsgspecError:
                log.error("a webhook in the store cannot be read")
        sizes: Any = connection.execute("SELECT id, length(body) FROM hook_events WHERE realm = ?", (self._realm,))
        for event, size in sizes:
            kept.events.append((event, size))
        rows: Any = connection.execute(
            "SELECT event, hook, number, attempts, time, why FROM hook_deliveries WHERE realm = ? ORDER BY time",
            (self._realm,),
        )
        for event, hook, number, attempts, time, why in rows:
            if why is None:
                kept.pending.append(Pending(event, hook, number, attempts, time))
            else:
                kept.dead.append(DeadLetter(event, hook, number, attempts, why, time))
        return kept


def _row(delivery: Pending | DeadLetter) -> tuple[str, str, int, int, float, str | None]:
    time, why = (delivery.at, delivery.why) if isinstance(delivery, DeadLetter) else (delivery.due, None)
    return delivery.event, delivery.hook, delivery.number, delivery.attempts, time, why
