"""The doors of the realms: from what is configured of a realm's authentication and roles to what decides about clients.

A part of the composition root: here, and in `wampd.router.daemon`, settings meet classes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator

from wampd.auth.accounts import Account
from wampd.auth.anonymous import Anonymous
from wampd.auth.handshake import RealmAuth
from wampd.auth.methods import Method
from wampd.auth.roles import Role, Rule
from wampd.auth.ticket import Ticket, digest_of
from wampd.router.settings.auth import Auth, Principal
from wampd.router.settings.realms import Realm
from wampd.router.settings.realms import Role as RoleSettings
from wampd.router.stores.accounts import Accounts


def door(
    realm: Realm, accounts: Accounts, decoy: Callable[[str], str | None], others: Iterable[Method] = ()
) -> RealmAuth:
    """Who may come into a realm, and as what.

    ``accounts`` are its principals; ``decoy`` gives the hash that who has no password is compared with; ``others`` are methods
    that have nothing to do with either.
    """
    lengths = {role.name: role.limits.uri_length or realm.limits.uri_length for role in realm.roles}
    return RealmAuth(
        [*_methods(realm.auth, accounts, decoy), *others],
        [_role(role) for role in realm.roles],
        realm.uri_check,
        role_uri_bytes=lengths,
    )


def _methods(auth: Auth, accounts: Accounts, decoy: Callable[[str], str | None]) -> Iterator[Method]:
    """The methods that a realm offers."""
    if auth.anonymous is not None:
        yield Anonymous(auth.anonymous.role, _new_authid)
    if auth.ticket is not None:
        yield Ticket(accounts, decoy)


def account(principal: Principal, provider: str = "static") -> Account:
    """What is kept of a principal that the configuration names, or a file of principals."""
    return Account(
        authid=principal.authid,
        role=principal.role,
        provider=provider,
        ticket=None if principal.ticket is None else digest_of(principal.ticket.reveal()),
    )


def _role(role: RoleSettings) -> Role:
    rules = [
        Rule(rule.uri, rule.match, frozenset(rule.allow or ()), rule.disclose, rule.trustlevel, frozenset(rule.deny))
        for rule in role.permissions
    ]
    return Role(role.name, rules, trustlevel=role.trustlevel)


def _new_authid() -> str:
    """An authid for an anonymous session: drawn, so that it names nobody."""
    return secrets.token_urlsafe(12)
