"""Cookies in the store: what browsers came in by outlives the process.

Rules
-----
* All are read once, before the reactor runs; afterwards the process knows by itself. What changes is written soon, many changes
  in one transaction, only the last of each cookie.
* What could not be written is written with what changes next, or after `AGAIN`.
* A row that cannot be read is no cookie: its browser has to authenticate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import apsw
import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.auth.jar import Binding
from wampd.router.stores.sqlite import WRONG, StoreError, open_reader, trouble
from wampd.router.stores.store import Store

log = Logger()

AGAIN: Final = 5.0
"""Seconds until what could not be written is tried again."""

_Row = tuple[bytes, str, str, bytes]
_Changes = Mapping[bytes, _Row | None]

_decoder = msgspec.msgpack.Decoder(Binding)
_encoder = msgspec.msgpack.Encoder()


class StoredCookies:
    """The cookies in a store."""

    def __init__(self, reactor: Any, store: Store) -> None:
        self._reactor = reactor
        self._store = store
        self._changed: dict[bytes, _Row | None] = {}  # what is to be written; `None`: to be taken out
        self._writing: Deferred[None] | None = None
        reactor.addSystemEventTrigger("during", "shutdown", self._write)

    def load(self) -> list[Binding]:
        """All that are there. Raise `StoreError`."""
        connection = open_reader(self._store.file)
        try:
            records = [record for (record,) in connection.execute("SELECT record FROM cookies")]
        except WRONG as error:
            raise trouble(self._store.file, error) from error
        finally:
            connection.close()
        bindings = []
        for record in records:
            try:
                bindings.append(_decoder.decode(record))
            except msgspec.MsgspecError:
                log.error("a cookie in the store {file} cannot be read", file=str(self._store.file))
        return bindings

    def keep(self, binding: Binding) -> None:
        """Write one down as it is now; soon."""
        try:
            record = _encoder.encode(binding)
        except (TypeError, ValueError, OverflowError) as why:  # a name that is no Unicode, or a value of no known type
            log.error("a cookie cannot be kept in the store: {why}", why=type(why).__name__)
            self.forget(binding)
        else:
            self._change(binding.id, (binding.id, binding.template, binding.authid, record))

    def forget(self, binding: Binding) -> None:
        """Take one out; soon."""
        self._change(binding.id, None)

    def _change(self, binding_id: bytes, row: _Row | None) -> None:
        if not self._changed and self._writing is None:
            self._reactor.callLater(0, self._write_if_idle)
        self._changed[binding_id] = row

    def _write_if_idle(self) -> None:
        if self._writing is None:
            self._write()

    def _write(self) -> None:
        """Write what has changed. The store does one thing after the other, so the last word stands."""
        if not self._changed:
            return
        changes, self._changed = self._changed, {}
        writing = self._writing = self._store.write(lambda connection: _carry_out(connection, changes))
        writing.addCallbacks(self._written, self._not_written, errbackArgs=(changes,))

    def _written(self, _: None) -> None:
        self._writing = None
        self._write()

    def _not_written(self, failure: Failure, changes: dict[bytes, _Row | None]) -> None:
        """The store has said what is wrong with it."""
        self._writing = None
        failure.trap(StoreError)
        self._changed = {**changes, **self._changed}
        self._reactor.callLater(AGAIN, self._write_if_idle)


def _carry_out(connection: apsw.Connection, changes: _Changes) -> None:
    connection.executemany(
        "DELETE FROM cookies WHERE id = ?", [(each,) for each, row in changes.items() if row is None]
    )
    connection.executemany(
        "INSERT OR REPLACE INTO cookies VALUES (?, ?, ?, ?)", [row for row in changes.values() if row]
    )
