"""The doors of the realms: from what is configured of a realm's authentication and roles to what decides about clients.

A part of the composition root: here, and in `wampd.router.daemon`, settings meet classes.
"""

from __future__ import annotations

import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from msgspec import Struct

from wampd.auth.anonymous import Anonymous, Unknown
from wampd.auth.cryptosign import CHALLENGE_SIZE, Cryptosign
from wampd.auth.handshake import RealmAuth
from wampd.auth.keys import SigningKey
from wampd.auth.lookalikes import Lookalikes
from wampd.auth.methods import Method
from wampd.auth.ticket import Ticket
from wampd.auth.tls import Tls
from wampd.router.rights import longest_uris, roles_of
from wampd.router.settings.auth import Authenticator, CryptosignAuth
from wampd.router.settings.realms import Realm
from wampd.router.stores.accounts import Accounts
from wampd.router.stores.dynamic import Call, DynamicAccounts


class Known(Struct, frozen=True):
    """What methods are told of the principals of a realm."""

    accounts: Accounts
    decoy: Callable[[str], str | None]
    """Gives the hash that somebody without a password is compared with; `None`: nobody has a password."""
    lookalikes: Lookalikes


def door(realm: Realm, known: Known, call: Call, others: Iterable[Method] = ()) -> RealmAuth:
    """Who may come into a realm, and as what.

    ``call`` calls procedures of components; ``others`` are methods that need neither that nor principals.
    """
    methods = [*_methods(realm, known, call), *others]
    return RealmAuth(methods, roles_of(realm), realm.uri_check, role_uri_bytes=longest_uris(realm))


def _methods(realm: Realm, known: Known, call: Call) -> Iterator[Method]:
    """The methods that a realm offers."""

    def accounts_of(authenticator: Authenticator | None) -> Accounts:
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

    auth = realm.auth
    if auth.anonymous is not None and auth.anonymous.authenticator is not None:
        yield Unknown(accounts_of(auth.anonymous.authenticator), _new_authid)
    elif auth.anonymous is not None:
        yield Anonymous(auth.anonymous.role, _new_authid)
    if auth.ticket is not None:
        decoy = known.decoy if auth.ticket.authenticator is None else _no_decoy
        yield Ticket(accounts_of(auth.ticket.authenticator), decoy)
    if auth.wampcra is not None:
        from wampd.auth.wampcra import Wampcra

        yield Wampcra(known.accounts, known.lookalikes, _new_nonce, _microseconds)
    if auth.scram is not None:
        from wampd.auth.scram import NAMES, Scram

        is_binding_required = auth.scram.channel_binding == "required"
        for name in NAMES:
            yield Scram(name, known.accounts, known.lookalikes, _new_nonce, is_binding_required=is_binding_required)
    if auth.cryptosign is not None:
        yield _cryptosign(auth.cryptosign, known.accounts)
    if auth.tls is not None:
        yield Tls(known.accounts)


def _no_decoy(_authid: str) -> None:
    """What an authenticator judges takes the time that it takes."""


def _cryptosign(settings: CryptosignAuth, accounts: Accounts) -> Method:
    seed = settings.router_key
    return Cryptosign(
        accounts,
        partial(secrets.token_bytes, CHALLENGE_SIZE),
        router_key=None if seed is None else SigningKey.from_text(seed.reveal()),
        binding_required=settings.channel_binding == "required",
    )


def _new_authid() -> str:
    """An authid for an anonymous session: drawn, so that it names nobody; in any realm it is a component of URIs."""
    return secrets.token_hex(12)


def _new_nonce() -> str:
    """What makes a challenge one of its kind."""
    return b64encode(secrets.token_bytes(16)).decode()


def _microseconds() -> int:
    """The time of day."""
    return time.time_ns() // 1000
