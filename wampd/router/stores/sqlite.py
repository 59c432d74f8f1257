"""The store's file: an SQLite database, who may see it, what is in it, and what can be wrong with it.

Rules
-----
* The file and those beside it (``-wal``, ``-shm``) are for their owner alone. Where others have access, it is not opened.
* What is acknowledged is on the disk: write-ahead log, ``synchronous=FULL``. Several processes may use it at the same time:
  readers never wait, writers wait for each other, for `PATIENCE` at most.
* The schema has a number. An older one is brought up to date step by step, in one transaction; a newer one is refused, and so
  is a database of another program.
* All trouble is a `StoreError`, whose text names the file and says what is wrong.

Sources: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import apsw

from wampd.router.settings.values import others_can_read

PATIENCE: Final = 5.0
"""Seconds that a writer waits for another process."""
APPLICATION: Final = 0x77616D70
"""``wamp``: the application id in the file's header."""

SCHEMA: Final[tuple[str, ...]] = (
    """
    CREATE TABLE principals (
        realm TEXT NOT NULL,      -- as the configuration names it
        authid TEXT NOT NULL,
        account BLOB NOT NULL,    -- wampd.auth.accounts.Account in JSON
        disabled INTEGER NOT NULL DEFAULT 0,
        changed TEXT NOT NULL,    -- ISO 8601, UTC
        PRIMARY KEY (realm, authid)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE marks (          -- what else a principal is found by
        realm TEXT NOT NULL,
        kind TEXT NOT NULL,
        mark BLOB NOT NULL,
        authid TEXT NOT NULL,
        PRIMARY KEY (realm, kind, mark)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX marks_of ON marks (realm, authid);
    CREATE TABLE changes (        -- of principals, for those who are in
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        realm TEXT NOT NULL,
        authid TEXT NOT NULL,
        what TEXT NOT NULL        -- 'changed', 'logout'
    ) STRICT;
    CREATE TABLE cookies (        -- what browsers come back by
        id BLOB PRIMARY KEY,
        realm TEXT NOT NULL,      -- as the configuration names it
        authid TEXT NOT NULL,
        record BLOB NOT NULL      -- wampd.auth.jar.Binding in MessagePack
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX cookies_of ON cookies (realm, authid);
    CREATE TABLE secrets (        -- drawn when the store is made
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE hooks (          -- webhooks
        id TEXT PRIMARY KEY,
        realm TEXT NOT NULL,
        record BLOB NOT NULL      -- wampd.router.hooks.registry.Hook in MessagePack
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX hooks_of ON hooks (realm);
    CREATE TABLE hook_events (    -- what is to be delivered, or could not be
        id TEXT PRIMARY KEY,
        realm TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX hook_events_of ON hook_events (realm);
    CREATE TABLE hook_deliveries (
        realm TEXT NOT NULL,
        event TEXT NOT NULL,
        hook TEXT NOT NULL,
        number INTEGER NOT NULL,  -- what came later has a higher one
        attempts INTEGER NOT NULL,
        time REAL NOT NULL,       -- of the next attempt; of a dead letter when it became one: seconds since 1970
        why TEXT,                 -- what made it a dead letter; NULL: it is pending
        PRIMARY KEY (event, hook)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX hook_deliveries_of ON hook_deliveries (hook);
    CREATE INDEX hook_deliveries_in ON hook_deliveries (realm, time);
    """,
)
"""Step n makes version n of version n - 1; a step that was released stays as it is."""

Result = TypeVar("Result")
Work: TypeAlias = Callable[[apsw.Connection], Result]

WRONG: Final = (apsw.Error, UnicodeDecodeError)
"""What is raised when something is the matter with the file; the latter where a text in it is damaged."""

_TROUBLE: Final[tuple[tuple[type[Exception], str], ...]] = (
    (apsw.NotADBError, "it is not an SQLite database"),
    (apsw.CorruptError, "it is damaged"),
    (UnicodeDecodeError, "it is damaged"),
    (apsw.FullError, "the disk is full"),
    (apsw.ReadOnlyError, "it cannot be written to"),
    (apsw.CantOpenError, "it cannot be opened"),
    (apsw.PermissionsError, "it cannot be opened"),
    (apsw.BusyError, "another process keeps it locked"),
    (apsw.IOError, "reading or writing it failed"),
)


class StoreError(Exception):
    """The store cannot be used, or did not do what was asked of it."""


def trouble(file: Path, error: Exception) -> StoreError:
    """What one of `WRONG` means."""
    why = next((text for kind, text in _TROUBLE if isinstance(error, kind)), type(error).__name__)
    return StoreError(f"the store {file}: {why} ({error})")


def open_store(file: Path, *, create: bool = True) -> apsw.Connection:
    """Open the database for reading and writing, and bring its schema up to date. Raise `StoreError`."""
    try:
        if create:
            _create(file)
        elif not file.exists():
            raise StoreError(
                f"the store {file}: there is no such file; the router makes it, or the first wampd user add"
            )
        for each in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            open_to_others = others_can_read(each) if each.exists() else None
            if open_to_others:
                raise StoreError(f"the store: {open_to_others}")
        connection = _connect(file, apsw.SQLITE_OPEN_READWRITE)
    except OSError as error:
        raise StoreError(f"the store {file}: {error.strerror}") from error
    try:
        _prepare(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(file: Path) -> apsw.Connection:
    """Open a database that is open for writing elsewhere, for reading alone. Raise `StoreError`."""
    return _connect(file, apsw.SQLITE_OPEN_READONLY)


def carry_out(connection: apsw.Connection, work: Work[Result]) -> Result:
    """Do something in a transaction of its own: all of it, or nothing. Raise `StoreError`, or what ``work`` raises."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except WRONG as error:
        raise trouble(Path(connection.filename), error) from error
    return result


def secret_of_salts(connection: apsw.Connection) -> bytes:
    """What salts are made of that belong to this store: they stay the same as long as it does. Raise `StoreError`."""
    try:
        value = connection.execute("SELECT value FROM secrets WHERE name = 'salts'").get
    except WRONG as error:
        raise trouble(Path(connection.filename), error) from error
    if not isinstance(value, bytes):
        raise StoreError(f"the store {connection.filename}: it is damaged (its secret is gone)")
    return value


def _create(file: Path) -> None:
    """Make an empty file, for its owner alone, if there is none: SQLite gives those beside it the same mode."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return


def _connect(file: Path, mode: int) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(file), flags=mode)
        connection.set_busy_timeout(round(PATIENCE * 1000))
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.execute("PRAGMA trusted_schema = OFF")
    except apsw.Error as error:
        raise trouble(file, error) from error
    return connection


def _prepare(connection: apsw.Connection, file: Path) -> None:
    try:
        if connection.readonly("main"):
            raise StoreError(f"the store {file}: it cannot be written to")
        if _number(connection, "application_id") != APPLICATION and not _is_empty(connection):
            raise StoreError(f"the store {file}: it is a database of another program")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except apsw.Error as error:
        raise trouble(file, error) from error
    carry_out(connection, _bring_up_to_date)


def _bring_up_to_date(connection: apsw.Connection) -> None:
    version = _number(connection, "user_version")
    if version > len(SCHEMA):
        file = connection.filename
        raise StoreError(f"the store {file}: a newer wampd has written it (version {version}, known: {len(SCHEMA)})")
    if version == len(SCHEMA):
        return
    for step in SCHEMA[version:]:
        connection.execute(step)
    values = ("salts", secrets.token_bytes(32))
    connection.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", values)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {len(SCHEMA)}")


def rewrite_version(connection: apsw.Connection) -> None:
    """Write what is there already, to see whether that can be done."""
    connection.execute(f"PRAGMA user_version = {_number(connection, 'user_version')}")


def _number(connection: apsw.Connection, pragma: str) -> int:
    value = connection.execute(f"PRAGMA {pragma}").get
    assert isinstance(value, int)
    return value


def _is_empty(connection: apsw.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_schema").get)
