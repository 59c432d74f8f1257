"""The doors of the realms: from what is configured of a realm's authentication and roles to what decides about clients.

A part of the composition root: here, and in `wampd.router.daemon`, settings meet classes.
"""

from __future__ import annotations

import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING

from msgspec import Struct

from wampd.auth.anonymous import Anonymous, Unknown
from wampd.auth.door import RealmAuth
from wampd.auth.factors import factor
from wampd.auth.keys import SigningKey
from wampd.auth.lookalikes import Lookalikes
from wampd.auth.methods import Method
from wampd.auth.throttle import Tolerance
from wampd.auth.ticket import Ticket
from wampd.router.settings.auth import (
    AnonymousAuth,
    Authenticator,
    CookieAuth,
    CryptosignAuth,
    ScramAuth,
    TlsAuth,
    WampcraAuth,
)
from wampd.router.settings.auth_rules import METHODS
from wampd.router.settings.model import FailedJoins
from wampd.router.settings.realms import Realm
from wampd.router.stores.accounts import Accounts
from wampd.router.stores.dynamic import Call, DynamicAccounts
from wampd.router.wiring.rights import longest_uris, roles_of

if TYPE_CHECKING:
    from wampd.auth.jar import Jar


class Known(Struct, frozen=True):
    """What methods are told of the principals of a realm."""

    accounts: Accounts
    decoy: Callable[[str], str | None]
    """Gives the hash that somebody without a password is compared with; `None`: nobody has a password."""
    lookalikes: Lookalikes
    """What unknown principals are shown, so that they look like those that there are."""
    strangers: Lookalikes
    """The same where an authenticator knows the principals."""
    jar: Jar | None = None
    """The cookies, where any realm offers that method."""


def door(realm: Realm, known: Known, call: Call, others: Iterable[Method] = ()) -> RealmAuth:
    """Who may come into a realm, and as what.

    ``call`` calls procedures of components; ``others`` are methods that need neither that nor principals.
    """
    methods = [*_Methods(realm, known, call), *others]
    return RealmAuth(
        methods,
        roles_of(realm),
        realm.uri_check,
        role_uri_bytes=longest_uris(realm),
        tells_unknown=realm.auth.unknown_principals == "tell",
    )


class _Methods:
    """The methods that a realm offers."""

    def __init__(self, realm: Realm, known: Known, call: Call) -> None:
        self._realm = realm
        self._auth = realm.auth
        self._known = known
        self._call = call

    def __iter__(self) -> Iterator[Method]:
        auth = self._auth
        if auth.anonymous is not None:
            yield self._anonymous(auth.anonymous)
        if auth.ticket is not None:
            authenticator = auth.ticket.authenticator
            yield Ticket(self._accounts(authenticator), self._known.decoy if authenticator is None else _no_decoy)
        if auth.wampcra is not None:
            yield self._wampcra(auth.wampcra)
        if auth.scram is not None:
            yield from self._scram(auth.scram)
        if auth.cryptosign is not None:
            yield self._cryptosign(auth.cryptosign)
        if auth.tls is not None:
            yield self._tls(auth.tls)
        if auth.cookie is not None:
            yield self._cookie(auth.cookie)

    def _accounts(self, authenticator: Authenticator | None) -> Accounts:
        """Where the accounts of a method are."""
        if authenticator is None:
            return self._known.accounts
        return DynamicAccounts(
            self._call,
            authenticator.realm or self._realm.name,
            authenticator.procedure,
            timeout=authenticator.timeout,
            most=authenticator.pending_calls,
        )

    def _alike(self, authenticator: Authenticator | None) -> Lookalikes:
        """What unknown principals of a method are shown."""
        return self._known.lookalikes if authenticator is None else self._known.strangers

    def _anonymous(self, settings: AnonymousAuth) -> Method:
        if settings.authenticator is not None:
            return Unknown(self._accounts(settings.authenticator), _new_authid)
        return Anonymous(settings.role, _new_authid)

    def _wampcra(self, settings: WampcraAuth) -> Method:
        from wampd.auth.wampcra import Wampcra

        authenticator = settings.authenticator
        return Wampcra(self._accounts(authenticator), self._alike(authenticator), _new_nonce, _microseconds)

    def _scram(self, settings: ScramAuth) -> Iterator[Method]:
        from wampd.auth.scram import NAMES, Scram

        accounts, alike = self._accounts(settings.authenticator), self._alike(settings.authenticator)
        is_bound = settings.channel_binding == "required"
        for name in NAMES:
            yield Scram(name, accounts, alike, _new_nonce, is_binding_required=is_bound)

    def _cryptosign(self, settings: CryptosignAuth) -> Method:
        from wampd.auth.cryptosign import CHALLENGE_SIZE, Cryptosign

        seed = settings.router_key
        return Cryptosign(
            self._accounts(settings.authenticator),
            partial(secrets.token_bytes, CHALLENGE_SIZE),
            router_key=None if seed is None else SigningKey.from_text(seed.reveal()),
            is_binding_required=settings.channel_binding == "required",
            finds_unique_in_tls_1_3=settings.tls_unique_on_tls_1_3,
        )

    def _tls(self, settings: TlsAuth) -> Method:
        from wampd.auth.tls import Tls

        authenticator = settings.authenticator
        return Tls(self._accounts(authenticator), knows_certificates=authenticator is not None)

    def _cookie(self, settings: CookieAuth) -> Method:
        from wampd.auth.cookie import Cookie
        from wampd.auth.jar import Terms
        from wampd.router.returning import Judges

        known = self._known
        assert known.jar is not None
        offered = {name: each for name in METHODS if (each := getattr(self._auth, name)) is not None}
        authenticators = {name: getattr(each, "authenticator", None) for name, each in offered.items()}
        places = {
            name: known.accounts if each is None else Judges(self._accounts(each))
            for name, each in authenticators.items()
        }
        terms = Terms(settings.lifetime, settings.idle, settings.grace, settings.per_principal)
        return Cookie(self._realm.name, known.jar, lambda by: places.get(factor(by)), terms)


def _new_authid() -> str:
    """An authid for an anonymous session: drawn, so that it names nobody; in any realm it is a component of URIs."""
    return secrets.token_hex(12)


def _no_decoy(_authid: str) -> None:
    """What an authenticator judges takes the time that it takes."""


def _new_nonce() -> str:
    """What makes a challenge one of its kind."""
    return b64encode(secrets.token_bytes(16)).decode()


def _microseconds() -> int:
    """The time of day."""
    return time.time_ns() // 1000


def tolerance(failed: FailedJoins) -> Tolerance:
    """How many failed joins are tolerated."""
    return Tolerance(
        of_pair=failed.pair,
        of_address=failed.address,
        of_principal=failed.principal,
        window=failed.window,
        first_delay=failed.delay,
        longest_delay=failed.longest_delay,
        remembered=failed.remembered,
        shared=tuple(ip_network(address) for address in failed.shared_addresses),
    )
