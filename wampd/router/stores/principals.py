"""Principals in the store: what is done with them, and finding them.

Rules
-----
* Every function of this page is a piece of work: it takes the connection, inside a transaction of whoever calls it.
* What proves a principal is kept as its account holds it: derived. A mark (a public key, a certificate) finds one principal
  of a realm.
* Who is disabled is not found. Every change is noted for routers that run; of the notes the last `KEPT_CHANGES` are kept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import apsw
import msgspec
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from wampd.auth.accounts import Account
from wampd.auth.methods import Failed
from wampd.auth.questions import FindAccount
from wampd.router.stores.accounts import Found
from wampd.router.stores.sqlite import StoreError
from wampd.router.stores.store import Store

PROVIDER: Final = "store"
"""``authprovider`` of the principals that are kept here."""
KEPT_CHANGES: Final = 10_000

Change = Literal["changed", "logout"]


class Taken(Exception):
    """Another principal of the realm has this authid, or this mark."""


class Missing(Exception):
    """There is no such principal."""


class Kept(Struct, frozen=True):
    """One principal, as it is kept."""

    realm: str
    account: Account
    disabled: bool
    changed: str
    """When, as ISO 8601 in UTC."""


class Noted(Struct, frozen=True):
    """Something that changed."""

    number: int
    realm: str
    authid: str
    what: Change


# ---------------------------------------------------------------------------------------------------------------- changing


def add(connection: apsw.Connection, realm: str, account: Account) -> None:
    """Keep a new principal. Raise `Taken`."""
    if get(connection, realm, account.authid) is not None:
        raise Taken(f"there is a principal {account.authid!r} in the realm {realm!r} already")
    _put(connection, realm, account, disabled=False)


def replace(connection: apsw.Connection, realm: str, account: Account, *, disabled: bool) -> None:
    """Keep a principal otherwise than before. Raise `Missing` or `Taken`."""
    existing(connection, realm, account.authid)
    connection.execute("DELETE FROM marks WHERE realm = ? AND authid = ?", (realm, account.authid))
    if disabled:
        _forget_cookies(connection, realm, account.authid)
    _put(connection, realm, account, disabled=disabled)


def remove(connection: apsw.Connection, realm: str, authid: str) -> None:
    """Forget a principal. Raise `Missing`."""
    existing(connection, realm, authid)
    for table in ("marks", "cookies", "principals"):
        connection.execute(f"DELETE FROM {table} WHERE realm = ? AND authid = ?", (realm, authid))  # noqa: S608
    _note(connection, realm, authid, "changed")


def logout(connection: apsw.Connection, realm: str, authid: str) -> None:
    """End the sessions that a principal has now, and forget the cookies that it could come back by. Raise `Missing`."""
    existing(connection, realm, authid)
    _forget_cookies(connection, realm, authid)
    _note(connection, realm, authid, "logout")


def _forget_cookies(connection: apsw.Connection, realm: str, authid: str) -> None:
    connection.execute("DELETE FROM cookies WHERE realm = ? AND authid = ?", (realm, authid))


def _put(connection: apsw.Connection, realm: str, account: Account, *, disabled: bool) -> None:
    kept = msgspec.json.encode(msgspec.structs.replace(account, provider=PROVIDER))
    values = (realm, account.authid, kept, int(disabled), datetime.now(UTC).isoformat(timespec="seconds"))
    connection.execute("INSERT OR REPLACE INTO principals VALUES (?, ?, ?, ?, ?)", values)
    for kind, mark in account.marks():
        try:
            connection.execute("INSERT INTO marks VALUES (?, ?, ?, ?)", (realm, kind, mark, account.authid))
        except apsw.ConstraintError:
            raise Taken(f"another principal of the realm {realm!r} has the same {kind}") from None
    _note(connection, realm, account.authid, "changed")


def _note(connection: apsw.Connection, realm: str, authid: str, what: Change) -> None:
    connection.execute("INSERT INTO changes (realm, authid, what) VALUES (?, ?, ?)", (realm, authid, what))
    connection.execute("DELETE FROM changes WHERE number <= ?", (connection.last_insert_rowid() - KEPT_CHANGES,))


# ----------------------------------------------------------------------------------------------------------------- reading


def get(connection: apsw.Connection, realm: str, authid: str) -> Kept | None:
    """One principal; `None`: there is none."""
    found = connection.execute(
        "SELECT account, disabled, changed FROM principals WHERE realm = ? AND authid = ?", (realm, authid)
    ).fetchone()
    return None if found is None else _kept(realm, *found)


def existing(connection: apsw.Connection, realm: str, authid: str) -> Kept:
    """One principal. Raise `Missing`."""
    kept = get(connection, realm, authid)
    if kept is None:
        raise Missing(f"there is no principal {authid!r} in the realm {realm!r}")
    return kept


def everybody(connection: apsw.Connection, realm: str | None = None) -> list[Kept]:
    """All principals, of one realm or of all, in order."""
    rows = connection.execute(
        "SELECT realm, account, disabled, changed FROM principals WHERE realm = ?1 OR ?1 IS NULL ORDER BY realm, authid",
        (realm,),
    )
    return [_kept(*row) for row in rows]


def marked(connection: apsw.Connection, realm: str, kind: str, mark: bytes) -> Kept | None:
    """The principal that has this mark."""
    found = connection.execute(
        "SELECT authid FROM marks WHERE realm = ? AND kind = ? AND mark = ?", (realm, kind, mark)
    ).fetchone()
    return None if found is None else get(connection, realm, found[0])


def last_change(connection: apsw.Connection) -> int:
    """The number of the last change so far."""
    number = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'changes'").get
    return int(number or 0)


def changes_since(connection: apsw.Connection, number: int) -> list[Noted] | None:
    """What changed after the change of this number, in order; `None`: more than is kept."""
    noted = [
        Noted(*row)
        for row in connection.execute(
            "SELECT number, realm, authid, what FROM changes WHERE number > ? ORDER BY number", (number,)
        )
    ]
    return noted if len(noted) == last_change(connection) - number else None


class Changes:
    """Tells what changed in the store since it was looked the last time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._inode = file.stat().st_ino
        self._version: object = None
        self._number: int | None = None

    def look(self, connection: apsw.Connection) -> list[Noted] | None:
        """What changed since, in order; `None`: more than is kept. Always to be called with the same connection."""
        try:
            is_same = self._file.stat().st_ino == self._inode
        except OSError:
            is_same = False
        if not is_same:
            raise StoreError(f"the store {self._file}: the file was removed or replaced while it was in use")
        version = connection.execute("PRAGMA data_version").get  # another one after each commit of others
        if version == self._version:
            return []
        last = last_change(connection)
        noted = [] if self._number is None else changes_since(connection, self._number)
        self._version, self._number = version, last if noted is None or not noted else noted[-1].number
        return noted


def _kept(realm: str, account: bytes, disabled: int, changed: str) -> Kept:
    try:
        return Kept(realm, msgspec.json.decode(account, type=Account), bool(disabled), changed)
    except msgspec.MsgspecError as error:
        raise StoreError(f"a principal of the realm {realm!r} in the store cannot be read") from error


class StoredAccounts:
    """The accounts of one realm in the store."""

    def __init__(self, store: Store, realm: str) -> None:
        """``realm`` is as the configuration names it."""
        self._store = store
        self._realm = realm

    def find(self, question: FindAccount) -> Deferred[Found]:
        """The account that is asked for."""
        realm, by, value = self._realm, question.by, question.value

        def find(connection: apsw.Connection) -> Account | None:
            try:
                kept = get(connection, realm, value) if isinstance(value, str) else marked(connection, realm, by, value)
            except UnicodeEncodeError:  # half a surrogate pair: nobody is called so
                return None
            return None if kept is None or kept.disabled else kept.account

        found: Deferred[Any] = self._store.read(find)
        return found.addErrback(_failed)


def _failed(failure: Failure) -> Failed:
    failure.trap(StoreError)
    return Failed(str(failure.value))
