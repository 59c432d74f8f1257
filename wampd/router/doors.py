"""The doors of the realms: from what is configured of a realm's authentication and roles to what decides about clients.

A part of the composition root: here, and in `wampd.router.daemon`, settings meet classes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from ipaddress import ip_network

from wampd.auth.accounts import Account
from wampd.auth.anonymous import Anonymous, Unknown
from wampd.auth.door import RealmAuth
from wampd.auth.hashes import Decoys
from wampd.auth.methods import Method
from wampd.auth.throttle import Tolerance
from wampd.auth.ticket import Ticket, digest_of
from wampd.router.rights import longest_uris, roles_of
from wampd.router.settings.auth import Auth, Authenticator, Principal
from wampd.router.settings.model import FailedJoins
from wampd.router.settings.realms import Realm
from wampd.router.stores.accounts import Accounts, FixedAccounts
from wampd.router.stores.dynamic import Call, DynamicAccounts


def door(realm: Realm, call: Call) -> RealmAuth:
    """Who may come into a realm, and as what; ``call`` calls procedures of components."""
    places = _Places(realm.auth)
    methods = _methods(realm, places, call)
    return RealmAuth(methods, roles_of(realm), realm.uri_check, role_uri_bytes=longest_uris(realm))


class _Places:
    """Where the accounts of a realm are."""

    def __init__(self, auth: Auth) -> None:
        from wampd.router.stores import htpasswd

        fixed = [_account(principal) for principal in auth.principals]
        listed = [
            account
            for file in auth.password_files
            for account in htpasswd.accounts_of(htpasswd.read(file.file), file.role)
        ]
        self.accounts: Accounts = FixedAccounts([*fixed, *listed])
        self.decoys = Decoys(
            [account.password for account in (*fixed, *listed) if account.password], secrets.token_bytes(32)
        )


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


def _no_decoy(_authid: str) -> None:
    """What an authenticator judges takes the time that it takes."""


def _account(principal: Principal) -> Account:
    """What is kept of a principal that the configuration names."""
    return Account(
        authid=principal.authid,
        role=principal.role,
        ticket=None if principal.ticket is None else digest_of(principal.ticket.reveal()),
    )


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


def _new_authid() -> str:
    """An authid for an anonymous session: drawn, so that it names nobody; in any realm it is a component of URIs."""
    return secrets.token_hex(12)
