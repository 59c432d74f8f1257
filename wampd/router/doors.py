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
from wampd.router.rights import longest_uris, roles_of
from wampd.router.settings.auth import Authenticator, CryptosignAuth
from wampd.router.settings.auth_rules import METHODS
from wampd.router.settings.model import FailedJoins
from wampd.router.settings.realms import Realm
from wampd.router.stores.accounts import Accounts
from wampd.router.stores.dynamic import Call, DynamicAccounts

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
    methods = [*_methods(realm, known, call), *others]
    return RealmAuth(
        methods,
        roles_of(realm),
        realm.uri_check,
        role_uri_bytes=longest_uris(realm),
        tells_unknown=realm.auth.unknown_principals == "tell",
    )


def _methods(realm: Realm, known: Known, call: Call) -> Iterator[Method]:
    """The methods that a realm offers."""

    def accounts(authenticator: Authenticator | None) -> Accounts:
        """Where the accounts of a method are."""
        if authenticator is None:
            return known.accounts
        return DynamicAccounts(
            call,
            authenticator.realm or realm.name,
            authenticator.procedure,
            timeout=authenticator.timeout,
            most=authenticator.pending_calls,
        )

    def alike(authenticator: Authenticator | None) -> Lookalikes:
        """What unknown principals of a method are shown."""
        return known.lookalikes if authenticator is None else known.strangers

    auth = realm.auth
    if auth.anonymous is not None and auth.anonymous.authenticator is not None:
        yield Unknown(accounts(auth.anonymous.authenticator), _new_authid)
    elif auth.anonymous is not None:
        yield Anonymous(auth.anonymous.role, _new_authid)
    if auth.ticket is not None:
        authenticator = auth.ticket.authenticator
        yield Ticket(accounts(authenticator), known.decoy if authenticator is None else _no_decoy)
    if auth.wampcra is not None:
        from wampd.auth.wampcra import Wampcra

        authenticator = auth.wampcra.authenticator
        yield Wampcra(accounts(authenticator), alike(authenticator), _new_nonce, _microseconds)
    if auth.scram is not None:
        from wampd.auth.scram import NAMES, Scram

        authenticator = auth.scram.authenticator
        where, alike_there = accounts(authenticator), alike(authenticator)
        is_bound = auth.scram.channel_binding == "required"
        for name in NAMES:
            yield Scram(name, where, alike_there, _new_nonce, is_binding_required=is_bound)
    if auth.cryptosign is not None:
        yield _cryptosign(auth.cryptosign, accounts(auth.cryptosign.authenticator))
    if auth.tls is not None:
        from wampd.auth.tls import Tls

        authenticator = auth.tls.authenticator
        yield Tls(accounts(authenticator), knows_certificates=authenticator is not None)
    if auth.cookie is not None:
        from wampd.auth.cookie import Cookie
        from wampd.auth.jar import Terms
        from wampd.router.returning import Judges

        assert known.jar is not None
        terms = Terms(auth.cookie.lifetime, auth.cookie.idle, auth.cookie.grace, auth.cookie.per_principal)
        authenticators = {name: getattr(getattr(auth, name), "authenticator", None) for name in METHODS}
        judges = {name: Judges(accounts(each)) for name, each in authenticators.items() if each is not None}
        offered = {name for name in METHODS if getattr(auth, name) is not None}
        yield Cookie(
            realm.name,
            known.jar,
            lambda by: judges.get(factor(by), known.accounts) if factor(by) in offered else None,
            terms,
        )


def _cryptosign(settings: CryptosignAuth, accounts: Accounts) -> Method:
    from wampd.auth.cryptosign import CHALLENGE_SIZE, Cryptosign

    seed = settings.router_key
    return Cryptosign(
        accounts,
        partial(secrets.token_bytes, CHALLENGE_SIZE),
        router_key=None if seed is None else SigningKey.from_text(seed.reveal()),
        is_binding_required=settings.channel_binding == "required",
        finds_unique_in_tls_1_3=settings.tls_unique_on_tls_1_3,
    )


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
