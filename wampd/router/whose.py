"""Which role a principal has, as far as it is kept: in the configuration, in files, in the store.

The first place that knows the authid counts, in the order in which a running router looks (`wampd.router.wiring.places`). Who
comes in by an authenticator, a token or a cookie is not kept anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from wampd.router.settings.principals import read_principals
from wampd.router.settings.realms import Realm
from wampd.router.settings.values import others_can_read


class Whose(Struct, frozen=True):
    """A role, and who says that it is this principal's."""

    role: str
    place: str
    disabled: bool = False


class Unreadable(Exception):
    """A place cannot be looked into; the text says why."""


def whose(realm: Realm, store: Path | None, authid: str, environ: Mapping[str, str]) -> Whose | None:
    """The role of a principal; `None`: nobody knows it. Raise `Unreadable`, or `SettingsError` of a file of principals.

    ``store`` is the database, ``environ`` what ``${NAME}`` means in files.
    """
    for principal in realm.auth.principals:
        if principal.authid == authid:
            return Whose(principal.role, "the configuration")
    for file in realm.auth.files:
        for principal in read_principals(file, realm, environ):
            if principal.authid == authid:
                return Whose(principal.role, str(file))
    for listed in realm.auth.password_files:
        if authid in _passwords(listed.file):
            return Whose(listed.role, str(listed.file))
    return _in_store(store, realm.name, authid) if realm.auth.store and store is not None else None


def _passwords(file: Path) -> Mapping[str, str]:
    from wampd.router.stores import htpasswd  # only where there is such a file

    if trouble := others_can_read(file):
        raise Unreadable(trouble)
    try:
        return htpasswd.read(file)
    except htpasswd.PasswordFileError as error:
        raise Unreadable(f"{file}: {error.faults[0][1]}") from None


def _in_store(file: Path, realm: str, authid: str) -> Whose | None:
    from wampd.router.stores import principals  # and with it SQLite: only where there is a store
    from wampd.router.stores.sqlite import StoreError, open_store

    try:
        connection = open_store(file, create=False)
    except StoreError as error:
        raise Unreadable(str(error)) from None
    try:
        kept = principals.get(connection, realm, authid)
    finally:
        connection.close()
    return None if kept is None else Whose(kept.account.role, f"the store {file}", kept.disabled)
