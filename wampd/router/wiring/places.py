"""Where the principals of the realms are kept: configuration, files, store; and what follows when that changes.

A part of the composition root: here, as in `wampd.router.daemon`, settings meet classes. `wampd.router.wiring.houses` makes
what belongs to one realm.

Rules
-----
* Files are looked after, and so is the store, which other processes change: `LOOK` seconds later at most it is known here.
* A door stays the same object as long as there is its realm: what changes is what it is.
* SQLite is loaded only where a store is configured.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.auth.handshake import RealmAuth
from wampd.router.realms import Realms
from wampd.router.recall import Recall
from wampd.router.settings.model import Settings
from wampd.router.settings.realms import Realm
from wampd.router.stores.accounts import FixedAccounts
from wampd.router.stores.watched import Unusable, Watch
from wampd.router.tally import FILES_SPOILED, STORE_FAILED
from wampd.router.wiring.houses import Builder, House

if TYPE_CHECKING:
    from wampd.router.returning import Returning
    from wampd.router.stores.principals import Changes, Noted
    from wampd.router.stores.store import Store

log = Logger()

LOOK: Final = 1.0
"""Seconds between two looks whether another process has changed the store."""
Key: TypeAlias = tuple[str, str]
"""What a realm, or template of realms, is known by: its name and how that matches."""


class Places:
    """The principals of all realms."""

    def __init__(self, reactor: Any, settings: Settings, realms: Realms, environ: Mapping[str, str]) -> None:
        """Open the store. ``environ`` is what ``${NAME}`` means in files of principals.

        Raise `Unusable` if the store cannot be used.
        """
        self._reactor = reactor
        self._realms = realms
        self._watch = Watch(reactor, lambda: realms.tally.strike(FILES_SPOILED))
        self._recall = Recall(reactor, realms, _joining(settings))
        self._houses: dict[Key, House] = {}
        self.store: Store | None = None
        """`None`: none is configured."""
        if settings.store is not None:
            from wampd.router.stores.room import Room
            from wampd.router.stores.sqlite import StoreError  # and with it SQLite: only for those who want it
            from wampd.router.stores.store import Store

            kept = settings.store
            room = Room(kept.file, kept.spare, kept.spare_share)
            try:
                self.store = Store(reactor, kept.file, lambda: realms.tally.strike(STORE_FAILED), room.see)
            except StoreError as why:
                raise Unusable(str(why)) from why
        self.builder = Builder(reactor, realms, environ, self.store)
        self.let_return(settings)

    def let_return(self, settings: Settings) -> None:
        """Let browsers come back, if any realm wants that. Raise `Unusable` if the store cannot be used."""
        if self._realms.returning is None and any(realm.auth.cookie is not None for realm in settings.realms):
            self._realms.returning = self._returning(settings.limits.cookies)

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
        house = self._houses[realm.name, realm.match] = self._made(realm, None)
        house.move_in()
        self._look_after(house)
        return house.door

    def _made(self, realm: Realm, old: House | None) -> House:
        returning = self._realms.returning
        return self.builder.house(realm, None if returning is None else returning.jar, old)

    def _look_after(self, house: House) -> None:
        for file in house.files:
            self._watch.add(file, partial(self._file_changed, house))
        for keys in house.key_files:
            self._watch.add(keys, _nothing)

    # ------------------------------------------------------------------------------------------------------- changes

    def houses(self, realms: Iterable[Realm]) -> dict[Key, House]:
        """The houses that these realms want, for `move`; those that stay the same are the same. It may be called in a thread.

        Raise `Unusable` if a file cannot be used.
        """
        there = self._houses.copy()
        return {(realm.name, realm.match): self._made(realm, there.get((realm.name, realm.match))) for realm in realms}

    def move(self, houses: dict[Key, House], settings: Settings) -> list[tuple[House, Collection[str] | None]]:
        """Let these be the houses, of these settings; return those who may be concerned: in which house, and which authids.

        The realms are to be changed next, and then it is to be seen what became of those who are in (`see`).
        """
        old, self._houses = self._houses, houses
        concerned: list[tuple[House, Collection[str] | None]] = []
        for key, house in houses.items():
            before = old.get(key)
            if before is house:
                continue
            house.move_in()
            if before is not None:
                before.door.become(house.door, same_roles(before.realm, house.realm))
                house.door = before.door
                concerned.append((house, house.concerned(before)))
            for keys in house.fetched:
                if before is None or keys not in before.fetched:
                    keys.start()
        used = [keys for house in houses.values() for keys in house.fetched]
        for keys in (keys for house in old.values() for keys in house.fetched if keys not in used):
            keys.stop()
        self._watch.clear()
        for house in houses.values():
            self._look_after(house)
        self._watch.start()
        self._recall.again_after = _joining(settings)
        return concerned

    def see(self, concerned: Iterable[tuple[House, Collection[str] | None]]) -> None:
        """See what became of those who are in, after a change."""
        for house, authids in concerned:
            if authids is None or authids:
                self._recall.changed(house.door, house.lasting, authids)

    def start(self) -> None:
        """Look after everything that changes."""
        if self.store is not None:
            from wampd.router.stores.principals import Changes

            self._look(Changes(self.store.file))
        self._watch.start()
        for house in self._houses.values():
            self._recall.begin(house.door, house.lasting)
            for keys in house.fetched:
                keys.start()

    # --------------------------------------------------------------------------------------------------------- files

    def _file_changed(self, house: House, old: FixedAccounts, new: FixedAccounts) -> None:
        house = self._houses.get((house.name, house.realm.match), house)  # which may be another by now
        house.imitate()
        self._recall.changed(house.door, house.lasting, old.differing(new))

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
        for house in list(self._houses.values()):
            if not house.is_stored:
                continue
            if noted is None:
                self._recall.changed(house.door, house.lasting, None)
                continue
            here = [each for each in noted if each.realm == house.name]
            logged_out = {each.authid for each in here if each.what == "logout"}
            if logged_out:
                self._recall.logged_out(house.door, logged_out)
            changed = {each.authid for each in here if each.what == "changed"}
            if changed:
                self._recall.changed(house.door, house.lasting, changed)


def same_roles(old: Realm, new: Realm) -> list[str]:
    """The roles that mean the same in both realms."""
    if (old.denial, old.uri_check, old.limits.uri_length) != (new.denial, new.uri_check, new.limits.uri_length):
        return []
    roles = {role.name: role for role in old.roles}
    return [role.name for role in new.roles if role == roles.get(role.name)]


def _joining(settings: Settings) -> float:
    """Seconds after which everybody has joined who is at the door now."""
    return max((listener.limits.join_timeout for listener in settings.listeners), default=0.0) + 1.0


def _nothing(_old: object, _new: object) -> None:
    """Nothing follows from keys that changed."""
