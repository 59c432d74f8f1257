"""Where the principals of the realms are kept: configuration, files, store; and what follows when that changes.

A part of the composition root: here, as in `wampd.router.daemon`, settings meet classes.

Rules
-----
* Files are looked after, and so is the store, which other processes change: `LOOK` seconds later at most it is known here.
* SQLite is loaded only where a store is configured.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.auth.accounts import Account
from wampd.auth.handshake import RealmAuth
from wampd.auth.hashes import STANDARD, Decoys
from wampd.auth.methods import Method
from wampd.router.realms import Realms
from wampd.router.recall import Recall
from wampd.router.settings.auth import Principal
from wampd.router.settings.model import Settings
from wampd.router.settings.principals import read_principals
from wampd.router.settings.problems import SettingsError
from wampd.router.settings.realms import Realm
from wampd.router.settings.secret import Secret
from wampd.router.settings.values import others_can_read
from wampd.router.stores.accounts import Accounts, FixedAccounts, WatchedAccounts
from wampd.router.stores.combined import CombinedAccounts
from wampd.router.stores.watched import Unusable, Watch, Watched
from wampd.router.tally import FILES_SPOILED, STORE_FAILED
from wampd.router.wiring.doors import Known, door
from wampd.router.wiring.proofs import Proofs

if TYPE_CHECKING:
    from wampd.router.returning import Returning
    from wampd.router.stores.principals import Changes, Noted
    from wampd.router.stores.store import Store
    from wampd.router.wiring.tokens import Tokens

log = Logger()

LOOK: Final = 1.0
"""Seconds between two looks whether another process has changed the store."""


class House:
    """One realm, or template of realms, with those who may come in."""

    def __init__(self, realm: Realm, secret: bytes) -> None:
        """``secret`` is for salts."""
        self.name = realm.name
        self.is_stored = realm.auth.store
        """Whether there may be principals of it in the store."""
        self.proofs = Proofs(realm.auth, realm.name, [role.name for role in realm.roles], secret)
        self.fixed = FixedAccounts(map(self.proofs.account, realm.auth.principals))
        self.files: list[Watched[FixedAccounts]] = []
        self.accounts: Accounts = self.fixed
        self.door: RealmAuth
        self._key = secrets.token_bytes(32)
        self._decoys = Decoys((), self._key)

    def decoy(self, authid: str) -> str | None:
        """The hash that somebody without a password is compared with; `None`: nobody has a password."""
        return self._decoys.of(authid)

    def imitate(self) -> None:
        """Let unknown principals look like those that there are now."""
        models = [account for each in (self.fixed, *(file.content for file in self.files)) for account in each]
        if self.is_stored:  # where principals look as we make them, for all that is known without reading them
            usual = (msgspec.structs.replace(each, provider="store", password=STANDARD) for each in self.proofs.usual)
            models.extend(usual)
        self._decoys = Decoys([model.password for model in models if model.password is not None], self._key)
        self.proofs.lookalikes.imitate(models)


class Derived:
    """The accounts of one file. Who is the same as when it was read before is not derived again, which would be slow."""

    def __init__(self, derive: Callable[[Principal], Account]) -> None:
        self._derive = derive
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, Account] = {}

    def accounts(self, principals: Iterable[Principal]) -> list[Account]:
        """The accounts of these principals, who are those of the next time."""
        marked = [(self._mark(principal), principal) for principal in principals]
        self._known = {mark: self._known.get(mark) or self._derive(principal) for mark, principal in marked}
        return list(self._known.values())

    def _mark(self, principal: Principal) -> bytes:
        """What tells a principal from what it was, and nothing of its secrets."""
        return hashlib.blake2b(msgspec.json.encode(principal, enc_hook=Secret.reveal), key=self._key).digest()


class Places:
    """The principals of all realms."""

    def __init__(self, reactor: Any, settings: Settings, realms: Realms, environ: Mapping[str, str]) -> None:
        """Open the store. ``environ`` is what ``${NAME}`` means in files of principals.

        Raise `Unusable` if the store cannot be used.
        """
        self._reactor = reactor
        self._realms = realms
        self._environ = environ
        self._watch = Watch(reactor, lambda: realms.tally.strike(FILES_SPOILED))
        joining = max((listener.limits.join_timeout for listener in settings.listeners), default=0.0)
        self._recall = Recall(reactor, realms, joining + 1.0)
        self._tokens: Tokens | None = None
        """`None`: no realm lets anybody in by tokens."""
        self._houses: list[House] = []
        self.store: Store | None = None
        """`None`: none is configured."""
        if settings.store is not None:
            from wampd.router.stores.sqlite import StoreError  # and with it SQLite: only for those who want it
            from wampd.router.stores.store import Store

            try:
                self.store = Store(reactor, settings.store.file, lambda: realms.tally.strike(STORE_FAILED))
            except StoreError as why:
                raise Unusable(str(why)) from why
        if any(realm.auth.cookie is not None for realm in settings.realms):
            realms.returning = self._returning(settings.limits.cookies)

    def _returning(self, most: int) -> Returning:
        """What lets browsers come back, ``most`` of them."""
        from wampd.router.returning import Returning

        returning = Returning(self._realms.tally, self._realms.answers, most=most)
        if self.store is not None:
            from wampd.router.stores.cookies import StoredCookies
            from wampd.router.stores.sqlite import StoreError

            try:
                returning.keep_in(StoredCookies(self._reactor, self.store))
            except StoreError as why:
                raise Unusable(str(why)) from why
        return returning

    def door(self, realm: Realm) -> RealmAuth:
        """Who may come into a realm, and as what. Raise `Unusable` if a file cannot be used."""
        auth = realm.auth
        secret = None if auth.mock_secret is None else auth.mock_secret.reveal().encode()
        house = House(realm, secret or (secrets.token_bytes(32) if self.store is None else self.store.secret_of_salts))
        house.files += [Watched(file, self._principals_of(realm, house.proofs)) for file in auth.files]
        house.files += [Watched(listed.file, partial(_passwords, role=listed.role)) for listed in auth.password_files]
        places: list[Accounts] = [house.fixed, *map(WatchedAccounts, house.files)]
        if auth.store:
            from wampd.router.stores.principals import StoredAccounts

            assert self.store is not None  # a rule of the settings
            places.append(StoredAccounts(self.store, realm.name))
        if len(places) > 1:
            house.accounts = CombinedAccounts(places)
        house.imitate()
        proofs, returning = house.proofs, self._realms.returning
        jar = None if returning is None else returning.jar
        known = Known(house.accounts, house.decoy, proofs.lookalikes, proofs.strangers("dynamic"), jar)
        house.door = door(realm, known, self._realms.call, self._methods_without_principals(realm))
        self._houses.append(house)
        for file in house.files:
            self._watch.add(file, partial(self._file_changed, house))
        return house.door

    def _methods_without_principals(self, realm: Realm) -> Iterator[Method]:
        if realm.auth.jwt is not None:
            if self._tokens is None:
                from wampd.router.wiring.tokens import (
                    Tokens,  # and with it what verifies them: only for those who want it
                )

                self._tokens = Tokens(self._reactor, self._realms.tally, self._watch)
            yield self._tokens.method(realm, realm.auth.jwt)

    def start(self) -> None:
        """Look after everything that changes."""
        if self.store is not None:
            from wampd.router.stores.principals import Changes

            self._look(Changes(self.store.file))
        self._watch.start()
        for house in self._houses:
            self._recall.begin(house.door, house.accounts)
        if self._tokens is not None:
            self._tokens.start()

    # --------------------------------------------------------------------------------------------------------- files

    def _principals_of(self, realm: Realm, proofs: Proofs) -> Callable[[Path], FixedAccounts]:
        """What reads a file of principals of this realm."""
        derived = Derived(lambda principal: msgspec.structs.replace(proofs.account(principal), provider="file"))

        def read(file: Path) -> FixedAccounts:
            try:
                return FixedAccounts(derived.accounts(read_principals(file, realm, self._environ)))
            except SettingsError as error:
                raise Unusable(str(error)) from None

        return read

    def _file_changed(self, house: House, old: FixedAccounts, new: FixedAccounts) -> None:
        house.imitate()
        self._recall.changed(house.door, house.accounts, old.differing(new))

    # --------------------------------------------------------------------------------------------------------- store

    def _look(self, changes: Changes) -> None:
        """See what other processes have changed in the store, and do so again."""
        from wampd.router.stores.sqlite import StoreError

        assert self.store is not None

        def seen(noted: list[Noted] | Failure | None) -> None:
            if not isinstance(noted, Failure):
                self._store_changed(noted)
            elif not noted.check(StoreError):  # which was logged and counted
                log.failure("looking for changes in the store failed: a bug in wampd", noted)
            self._reactor.callLater(LOOK, self._look, changes)

        self.store.read(changes.look).addBoth(seen)

    def _store_changed(self, noted: list[Noted] | None) -> None:
        for house in self._houses:
            if not house.is_stored:
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


def _passwords(file: Path, role: str) -> FixedAccounts:
    """Read a file of passwords."""
    from wampd.router.stores import htpasswd  # only where there is such a file

    if trouble := others_can_read(file):
        raise Unusable(trouble)
    try:
        return FixedAccounts(htpasswd.accounts_of(htpasswd.read(file), role))
    except htpasswd.PasswordFileError as error:
        raise Unusable(
            "\n".join(f"{file}:{line}: {why}" if line else f"{file}: {why}" for line, why in error.faults)
        ) from None
