"""The method `jwt` of the realms: from its settings to the method and its keys.

A part of the composition root: here, as in `wampd.router.daemon`, settings meet classes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wampd.auth import jwk
from wampd.auth.jwk import KeySet, UnusableKeyError
from wampd.auth.jwt import Jwt, Rules
from wampd.router.keyrings import FixedKey, Keyring, LocalKeys
from wampd.router.settings.jwt import DEFAULT_SECRET_ALGORITHMS, Jwks, JwtAuth, Oidc
from wampd.router.settings.jwt_rules import read_keys
from wampd.router.settings.realms import Realm
from wampd.router.stores.watched import Unusable, Watched
from wampd.router.tally import KEYS_NOT_FETCHED, Tally

if TYPE_CHECKING:
    from wampd.router.keyservers import FetchedKeys

Content = TypeVar("Content")


class Tokens:
    """Makes the method `jwt` of a realm."""

    def __init__(self, reactor: Any, tally: Tally, files: list[Watched[Any]], fetched: list[FetchedKeys]) -> None:
        """``files`` gets the files of keys, which are to be looked after; ``fetched`` the keys that are to be fetched."""
        self._reactor = reactor
        self._tally = tally
        self._files = files
        self._fetched = fetched

    def method(self, realm: Realm, auth: JwtAuth) -> Jwt:
        """The method of one realm. Raise `Unusable` if a file cannot be used."""
        return Jwt(_rules(realm, auth), self._keyring(auth), time.time)

    def _keyring(self, auth: JwtAuth) -> Keyring:
        if auth.secret is not None:
            return FixedKey(jwk.secret(auth.secret.reveal()))
        if auth.public_key is not None:
            return FixedKey(_usable(auth.public_key, jwk.public))
        if auth.jwks is not None and auth.jwks.file is not None:
            watched = Watched(auth.jwks.file, _read_set)
            self._files.append(watched)
            return LocalKeys(lambda: watched.content)
        source = auth.oidc or auth.jwks
        assert source is not None  # a rule of the settings
        return self._server(source)

    def _server(self, source: Jwks | Oidc) -> FetchedKeys:
        from wampd.router.fetching import Fetcher  # and with it a client of HTTP: only for those who want it
        from wampd.router.keyservers import FetchedKeys, fetched_set, provided_set

        authorities = None if source.ca is None else _read(source.ca)
        fetcher = Fetcher(self._reactor, source.timeout, authorities)
        if isinstance(source, Oidc):
            issuer, insecure = source.issuer, source.insecure
            name, fetch = issuer, lambda: provided_set(fetcher.get, issuer, insecure=insecure)
        else:
            assert source.url is not None
            url = source.url
            name, fetch = url, lambda: fetched_set(fetcher.get, url)
        fetched = FetchedKeys(
            self._reactor,
            fetch,
            name,
            refresh=source.refresh,
            pause=source.pause,
            keep=source.keep,
            failed=lambda: self._tally.strike(KEYS_NOT_FETCHED),
        )
        self._fetched.append(fetched)
        return fetched


def _rules(realm: Realm, auth: JwtAuth) -> Rules:
    if auth.algorithms is not None:
        algorithms = frozenset[str](auth.algorithms)
    else:
        algorithms = frozenset(jwk.PUBLIC if auth.secret is None else DEFAULT_SECRET_ALGORITHMS)
    return Rules(
        algorithms=algorithms,
        issuer=auth.oidc.issuer if auth.oidc is not None else auth.issuer,
        audience=None if auth.audience is None else frozenset(auth.audience),
        required=auth.required,
        leeway=auth.leeway,
        max_age=auth.max_age,
        authid=auth.authid,
        role=auth.role.claim or (),
        roles=auth.role.values or {role.name: role.name for role in realm.roles},
        default_role=auth.role.default,
        realm=auth.realm or (),
        extra=auth.extra,
        largest=auth.max_size,
        single_use=auth.single_use,
        ends_with_token=auth.end_with_token,
    )


def _read_set(file: Path) -> KeySet:
    return _usable(file, jwk.key_set)


def _usable(file: Path, read: Callable[[bytes], Content]) -> Content:
    """What ``read`` makes of a file. Raise `Unusable`."""
    try:
        return read(_read(file))
    except UnusableKeyError as why:
        raise Unusable(f"{file}: {why}") from None


def _read(file: Path) -> bytes:
    """Raise `Unusable`."""
    try:
        return read_keys(file)
    except ValueError as why:
        raise Unusable(str(why)) from None
