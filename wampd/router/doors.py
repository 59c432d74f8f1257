"""The doors of the realms: from what is configured of a realm's authentication and roles to what decides about clients.

A part of the composition root: here, and in `wampd.router.daemon`, settings meet classes.
"""

from __future__ import annotations

import secrets
import time
from base64 import b64encode
from collections.abc import Iterator

from wampd.auth.anonymous import Anonymous, Unknown
from wampd.auth.handshake import RealmAuth
from wampd.auth.hashes import Decoys
from wampd.auth.lookalikes import Lookalikes
from wampd.auth.methods import Method
from wampd.auth.ticket import Ticket
from wampd.router.proofs import Proofs
from wampd.router.rights import longest_uris, roles_of
from wampd.router.settings.auth import Authenticator
from wampd.router.settings.realms import Realm
from wampd.router.stores.accounts import Accounts, FixedAccounts
from wampd.router.stores.dynamic import Call, DynamicAccounts


def door(realm: Realm, call: Call) -> RealmAuth:
    """Who may come into a realm, and as what; ``call`` calls procedures of components."""
    places = _Places(realm)
    methods = _methods(realm, places, call)
    return RealmAuth(methods, roles_of(realm), realm.uri_check, role_uri_bytes=longest_uris(realm))


class _Places:
    """Where the accounts of a realm are."""

    def __init__(self, realm: Realm) -> None:
        from wampd.router.stores import htpasswd

        auth = realm.auth
        secret = secrets.token_bytes(32) if auth.mock_secret is None else auth.mock_secret.reveal().encode()
        proofs = Proofs(auth, realm.name, [role.name for role in realm.roles], secret)
        fixed = [proofs.account(principal) for principal in auth.principals]
        proofs.lookalikes.imitate(fixed)
        self._proofs = proofs
        listed = [
            account
            for file in auth.password_files
            for account in htpasswd.accounts_of(htpasswd.read(file.file), file.role)
        ]
        self.accounts: Accounts = FixedAccounts([*fixed, *listed])
        self.decoys = Decoys(
            [account.password for account in (*fixed, *listed) if account.password], secrets.token_bytes(32)
        )

    def like(self, authenticator: Authenticator | None) -> Lookalikes:
        """What unknown principals are shown by a method whose accounts are here, or with an authenticator."""
        return self._proofs.lookalikes if authenticator is None else self._proofs.strangers("dynamic")


def _methods(realm: Realm, places: _Places, call: Call) -> Iterator[Method]:
    """The methods that a realm offers."""

    def known(authenticator: Authenticator | None) -> Accounts:
        """Where the accounts of a method are."""
        if authenticator is None:
            return places.accounts
        return DynamicAccounts(
            call,
            authenticator.realm or realm.name,
            authenticator.procedure,
            timeout=authenticator.timeout,
            most=authenticator.pending_calls,
        )

    auth = realm.auth
    if auth.anonymous is not None and auth.anonymous.authenticator is not None:
        yield Unknown(known(auth.anonymous.authenticator), _new_authid)
    elif auth.anonymous is not None:
        yield Anonymous(auth.anonymous.role, _new_authid)
    if auth.ticket is not None:
        decoy = places.decoys.of if auth.ticket.authenticator is None else _no_decoy
        yield Ticket(known(auth.ticket.authenticator), decoy)
    if auth.wampcra is not None:
        from wampd.auth.wampcra import Wampcra

        yield Wampcra(
            known(auth.wampcra.authenticator), places.like(auth.wampcra.authenticator), _new_nonce, _microseconds
        )
    if auth.scram is not None:
        from wampd.auth.scram import NAMES, Scram

        scrams, alike = known(auth.scram.authenticator), places.like(auth.scram.authenticator)
        is_bound = auth.scram.channel_binding == "required"
        for name in NAMES:
            yield Scram(name, scrams, alike, _new_nonce, is_binding_required=is_bound)


def _no_decoy(_authid: str) -> None:
    """What an authenticator judges takes the time that it takes."""


def _new_authid() -> str:
    """An authid for an anonymous session: drawn, so that it names nobody; in any realm it is a component of URIs."""
    return secrets.token_hex(12)


def _new_nonce() -> str:
    """What makes a challenge one of its kind."""
    return b64encode(secrets.token_bytes(16)).decode()


def _microseconds() -> int:
    """The time of day."""
    return time.time_ns() // 1000
