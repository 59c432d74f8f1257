"""One realm's principals and door, made of what is configured; and made anew of what is configured now.

A part of the composition root: here, as in `wampd.router.daemon`, settings meet classes.

Rules
-----
* Making a house has no effect on what is there, and may be done in a thread: deriving keys of passwords is slow.
* What is the same as in the house before is taken over from there: accounts, files and keys that were read, salts. Who waits
  outside notices nothing.
* SQLite is loaded only where a store is configured.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs
from twisted.internet.defer import Deferred

from wampd.auth.accounts import Account
from wampd.auth.handshake import RealmAuth
from wampd.auth.hashes import STANDARD, Decoys
from wampd.auth.methods import Method
from wampd.auth.questions import FindAccount
from wampd.router.realms import Realms
from wampd.router.settings.auth import Principal
from wampd.router.settings.principals import read_principals
from wampd.router.settings.problems import SettingsError
from wampd.router.settings.realms import Realm
from wampd.router.settings.secret import Secret
from wampd.router.settings.values import others_can_read
from wampd.router.stores.accounts import Accounts, FixedAccounts, Found, WatchedAccounts
from wampd.router.stores.combined import CombinedAccounts
from wampd.router.stores.watched import Unusable, Watched
from wampd.router.wiring.doors import Known, door
from wampd.router.wiring.proofs import Proofs

if TYPE_CHECKING:
    from wampd.auth.jar import Jar
    from wampd.router.keyservers import FetchedKeys
    from wampd.router.stores.store import Store


class House:
    """One realm, or template of realms, with those who may come in. It is used from `move_in` on."""

    def __init__(self, realm: Realm, secret: bytes, old: House | None = None) -> None:
        """``secret`` is for salts; what is the same in the house before, ``old``, is taken over."""
        self.realm = realm
        self.name = realm.name
        self.secret = secret
        self.is_stored = realm.auth.store
        """Whether there may be principals of it in the store."""
        self.is_like = old is not None and secret == old.secret and _form(realm) == _form(old.realm)
        """Whether accounts are made here as in the house before."""
        self.proofs: Proofs
        self.derived: Derived
        if old is not None and self.is_like:
            self.proofs, self.derived = old.proofs, old.derived
        else:
            self.proofs = Proofs(realm.auth, realm.name, [role.name for role in realm.roles], secret)
            self.derived = Derived(self.proofs.account)
        self.fixed = FixedAccounts(self.derived.accounts(realm.auth.principals))
        self.files: list[Watched[FixedAccounts]] = []
        self.key_files: list[Watched[Any]] = []
        """Files of keys of tokens."""
        self.fetched: list[FetchedKeys] = []
        """Keys of tokens that are fetched from servers."""
        self.accounts: Accounts = self.fixed
        self.lasting: Lasting = Lasting(self.fixed) if old is None else old.lasting
        """The accounts as they are by the time that they are asked for."""
        self.door: RealmAuth
        self._key = secrets.token_bytes(32)
        self._decoys = Decoys((), self._key)

    def decoy(self, authid: str) -> str | None:
        """The hash that somebody without a password is compared with; `None`: nobody has a password."""
        return self._decoys.of(authid)

    def move_in(self) -> None:
        """Be used from now on, in place of the house before."""
        self.imitate()
        self.lasting.accounts = self.accounts

    def imitate(self) -> None:
        """Let unknown principals look like those that there are now."""
        models = [account for each in (self.fixed, *(file.content for file in self.files)) for account in each]
        if self.is_stored:  # where principals look as we make them, for all that is known without reading them
            usual = (structs.replace(each, provider="store", password=STANDARD) for each in self.proofs.usual)
            models.extend(usual)
        self._decoys = Decoys([model.password for model in models if model.password is not None], self._key)
        self.proofs.lookalikes.imitate(models)

    def concerned(self, old: House) -> Collection[str] | None:
        """The authids of whom something may be other than in the house before; `None`: of anybody."""
        if self.is_like and self.is_stored == old.is_stored and self.files == old.files:
            return old.fixed.differing(self.fixed)
        return None


class Lasting:
    """The accounts of a realm, whatever house it has by now: for questions that are asked later."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts

    def find(self, question: FindAccount) -> Found | Deferred[Found]:
        """The account that is asked for."""
        return self.accounts.find(question)


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


class Builder:
    """Makes houses."""

    def __init__(self, reactor: Any, realms: Realms, environ: Mapping[str, str], store: Store | None) -> None:
        """``environ`` is what ``${NAME}`` means in files of principals."""
        self._reactor = reactor
        self._realms = realms
        self._environ = environ
        self._store = store

    def house(self, realm: Realm, jar: Jar | None, old: House | None = None) -> House:
        """The house of a realm, given the one before; ``jar`` has the cookies. Raise `Unusable` if a file cannot be used."""
        if old is not None and old.realm == realm and _reads_nothing(realm):
            return old
        auth = realm.auth
        house = House(realm, self._secret(realm, old), old)
        there = {file.file: file for file in old.files} if old is not None and house.is_like else {}
        house.files += [
            there.get(file) or Watched(file, self._principals_of(realm, house.proofs)) for file in auth.files
        ]
        house.files += [Watched(listed.file, partial(_passwords, role=listed.role)) for listed in auth.password_files]
        places: list[Accounts] = [house.fixed, *map(WatchedAccounts, house.files)]
        if auth.store:
            from wampd.router.stores.principals import StoredAccounts

            assert self._store is not None  # a rule of the settings
            places.append(StoredAccounts(self._store, realm.name))
        if len(places) > 1:
            house.accounts = CombinedAccounts(places)
        proofs = house.proofs
        known = Known(house.accounts, house.decoy, proofs.lookalikes, proofs.strangers("dynamic"), jar)
        house.door = door(realm, known, self._realms.call, self._methods_without_principals(house, old))
        return house

    def _secret(self, realm: Realm, old: House | None) -> bytes:
        """What salts are made of; where nobody has chosen it, it stays the same."""
        if realm.auth.mock_secret is not None:
            return realm.auth.mock_secret.reveal().encode()
        if self._store is not None:
            return self._store.secret_of_salts
        return secrets.token_bytes(32) if old is None or old.realm.auth.mock_secret is not None else old.secret

    def _methods_without_principals(self, house: House, old: House | None) -> Iterator[Method]:
        realm = house.realm
        if realm.auth.jwt is None:
            return
        if (
            old is not None
            and old.realm.auth.jwt == realm.auth.jwt
            and _names(old.realm) == _names(realm)
            and _reads_nothing(realm)
        ):
            house.key_files, house.fetched = old.key_files, old.fetched
            yield old.door.methods["jwt"]
            return
        from wampd.router.wiring.tokens import Tokens  # and with it what verifies them: only for those who want it

        yield Tokens(self._reactor, self._realms.tally, house.key_files, house.fetched).method(realm, realm.auth.jwt)

    def _principals_of(self, realm: Realm, proofs: Proofs) -> Callable[[Path], FixedAccounts]:
        """What reads a file of principals of this realm."""
        derived = Derived(lambda principal: structs.replace(proofs.account(principal), provider="file"))

        def read(file: Path) -> FixedAccounts:
            try:
                return FixedAccounts(derived.accounts(read_principals(file, realm, self._environ)))
            except SettingsError as error:
                raise Unusable(str(error)) from None

        return read


def _form(realm: Realm) -> Any:
    """What decides how accounts are made of principals."""
    auth = structs.replace(realm.auth, principals=(), files=(), password_files=(), store=False, jwt=None, cookie=None)
    return auth, realm.name, _names(realm)


def _names(realm: Realm) -> list[str]:
    return [role.name for role in realm.roles]


def _reads_nothing(realm: Realm) -> bool:
    """Whether there is no file that is read when the house is made, and not looked after."""
    return realm.auth.jwt is None or realm.auth.jwt.public_key is None


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
