"""Where the principals of the realms are kept: configuration, files, store; and what follows when that changes.

A part of the composition root: here, as in `wampd.router.daemon`, settings meet classes.

Rules
-----
* Files are looked after, and so is the store, which other processes change: `LOOK` seconds later at most it is known here.
* SQLite is loaded only where a store is configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from twisted.python.failure import Failure

from wampd.auth.handshake import RealmAuth
from wampd.router.doors import account, door
from wampd.router.realms import Realms
from wampd.router.recall import Recall
from wampd.router.settings.auth_rules import METHODS
from wampd.router.settings.model import Settings
from wampd.router.settings.principals import read_principals
from wampd.router.settings.problems import SettingsError
from wampd.router.settings.realms import Realm
from wampd.router.stores.accounts import Accounts, FixedAccounts, WatchedAccounts
from wampd.router.stores.combined import CombinedAccounts
from wampd.router.stores.watched import Unusable, Watch, Watched
from wampd.router.tally import FILES_SPOILED, STORE_FAILED

if TYPE_CHECKING:
    from wampd.router.stores.principals import Changes, Noted
    from wampd.router.stores.store import Store

LOOK: Final = 1.0
"""Seconds between two looks whether another process has changed the store."""


class House(Struct, frozen=True):
    """One realm, or template of realms, with those who may come in."""

    name: str
    door: RealmAuth
    accounts: Accounts
    stored: bool
    """Whether there may be principals of it in the store."""


class Places:
    """The principals of all realms."""

    def __init__(self, reactor: Any, settings: Settings, realms: Realms, environ: Mapping[str, str]) -> None:
        """``environ`` is what ``${NAME}`` means in files of principals."""
        self._reactor = reactor
        self._environ = environ
        self._watch = Watch(reactor, lambda: realms.tally.strike(FILES_SPOILED))
        joining = max((listener.limits.join_timeout for listener in settings.listeners), default=0.0)
        self._recall = Recall(reactor, realms, joining + 1.0)
        self._houses: list[House] = []
        self.store: Store | None = None
        """`None`: none is configured. It is open from `start` on."""
        if settings.store is not None:
            from wampd.router.stores.store import Store  # and with it SQLite: only for those who want it

            self.store = Store(reactor, settings.store.file, lambda: realms.tally.strike(STORE_FAILED))

    def door(self, realm: Realm) -> RealmAuth:
        """Who may come into a realm, and as what. Raise `Unusable` if a file cannot be used."""
        auth = realm.auth
        files = [self._watched(realm, file) for file in auth.files]
        places: list[Accounts] = [FixedAccounts([account(principal) for principal in auth.principals])]
        places += [WatchedAccounts(file) for file in files]
        if auth.store:
            from wampd.router.stores.principals import StoredAccounts

            assert self.store is not None  # a rule of the settings
            places.append(StoredAccounts(self.store, realm.name))
        accounts = CombinedAccounts(places) if len(places) > 1 else places[0]
        house = House(realm.name, door(realm, accounts), accounts, auth.store)
        self._houses.append(house)
        for file in files:
            self._watch.add(file, partial(self._file_changed, house))
        return house.door

    def start(self) -> None:
        """Open the store, and look after everything that changes. Raise `Unusable` if the store cannot be used."""
        if self.store is not None:
            from wampd.router.stores.principals import Changes
            from wampd.router.stores.sqlite import StoreError

            try:
                self.store.open()
            except StoreError as why:
                raise Unusable(str(why)) from why
            self._look(Changes(self.store.file))
        self._watch.start()

    # --------------------------------------------------------------------------------------------------------- files

    def _watched(self, realm: Realm, file: Path) -> Watched[FixedAccounts]:
        methods = [name for name in METHODS if getattr(realm.auth, name) is not None]
        roles = [role.name for role in realm.roles]

        def read(file: Path) -> FixedAccounts:
            try:
                principals = read_principals(file, methods, roles, self._environ)
            except SettingsError as error:
                raise Unusable(str(error)) from None
            return FixedAccounts([account(principal, "file") for principal in principals])

        return Watched(file, read)

    def _file_changed(self, house: House, old: FixedAccounts, new: FixedAccounts) -> None:
        self._recall.changed(house.door, house.accounts, old.differing(new))

    # --------------------------------------------------------------------------------------------------------- store

    def _look(self, changes: Changes) -> None:
        """See what other processes have changed in the store, and do so again."""
        assert self.store is not None

        def seen(noted: list[Noted] | Failure | None) -> None:
            if not isinstance(noted, Failure):  # else it was logged and counted
                self._store_changed(noted)
            self._reactor.callLater(LOOK, self._look, changes)

        self.store.read(changes.look).addBoth(seen)

    def _store_changed(self, noted: list[Noted] | None) -> None:
        for house in self._houses:
            if not house.stored:
                continue
            if noted is None:
                self._recall.changed(house.door, house.accounts, None)
                continue
            here = [each for each in noted if each.realm == house.name]
            logged_out = {each.authid for each in here if each.what == "logout"}
            if logged_out:
                self._recall.logged_out(house.door, logged_out)
            changed = {each.authid for each in here if each.what == "changed"}
            if changed:
                self._recall.changed(house.door, house.accounts, changed)
