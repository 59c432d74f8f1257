"""What the answer of a dynamic authenticator holds to prove a client, for each method: as an account keeps it.

Every reader raises `ValueError` if something does not fit; it names the key, never the value. Dashes in keys are underscores
here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, get_args

import msgspec
from msgspec import Meta, Struct

from wampd.auth.accounts import CraKey, Kdf, ScramKeys
from wampd.auth.certificates import fingerprint_name
from wampd.auth.keys import read_public_key
from wampd.auth.questions import FindAccount
from wampd.auth.ticket import digest_of

KEY_OCTETS: Final = 32
_Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_Octets = Any
"""Octets as they are, or in hexadecimal; msgspec knows no union of the two."""


class _Ticket(Struct, frozen=True):
    ticket: str | None = None
    secret: str | None = None
    salt: str | None = None


class _Cra(Struct, frozen=True):
    secret: Annotated[str, Meta(min_length=1)]
    salt: str | None = None
    iterations: _Positive = 1000
    keylen: _Positive = 32


class _Cryptosign(Struct, frozen=True):
    pubkey: str | list[str]


class _Tls(Struct, frozen=True):
    fingerprint: str | list[str]


class _Scram(Struct, frozen=True):
    kdf: str
    salt: _Octets
    iterations: _Positive
    stored_key: _Octets
    server_key: _Octets
    memory: _Positive | None = None


def _ticket(question: FindAccount, value: Mapping[str, Any]) -> dict[str, Any]:
    """The procedure has judged the ticket; unless it tells the one that is right."""
    said = msgspec.convert(value, _Ticket)
    for key in ("ticket", "secret"):
        if key in value and value[key] is None:  # of somebody who has none; that is no word on what the client sent
            raise ValueError(f"{key!r} is there and is null")
    if said.ticket is None and said.secret is not None and said.salt is not None:
        raise ValueError("'salt': no ticket can be compared with a salted 'secret'")
    right = said.ticket if said.ticket is not None else said.secret
    right = question.proof if right is None else right
    return {"ticket": None if right is None else digest_of(right)}


def _wampcra(_question: FindAccount, value: Mapping[str, Any]) -> dict[str, Any]:
    said = msgspec.convert(value, _Cra)
    key = said.secret.encode()
    if said.salt is None:
        return {"wampcra": CraKey(key=key)}
    return {"wampcra": CraKey(key=key, salt=said.salt, iterations=said.iterations, keylen=said.keylen)}


def _scram(_question: FindAccount, value: Mapping[str, Any]) -> dict[str, Any]:
    said = msgspec.convert(value, _Scram)
    if said.kdf not in get_args(Kdf):
        raise ValueError(f"'kdf' is none of {', '.join(get_args(Kdf))}")
    if said.kdf != "pbkdf2" and said.memory is None:
        raise ValueError("'memory' is missing")
    keys = ScramKeys(
        kdf=said.kdf,  # type: ignore[arg-type]  # it is one of them
        salt=_octets("salt", said.salt),
        iterations=said.iterations,
        memory=None if said.kdf == "pbkdf2" else said.memory,
        stored_key=_octets("stored_key", said.stored_key, KEY_OCTETS),
        server_key=_octets("server_key", said.server_key, KEY_OCTETS),
    )
    return {"scram": (keys,)}


def _cryptosign(_question: FindAccount, value: Mapping[str, Any]) -> dict[str, Any]:
    """The procedure tells the keys that are right: so one that only knows names opens the door to no key."""
    said = msgspec.convert(value, _Cryptosign)
    told = [said.pubkey] if isinstance(said.pubkey, str) else said.pubkey
    keys = [read_public_key(key) for key in told]
    if None in keys:
        raise ValueError("'pubkey' is not 64 hex digits of an Ed25519 key")
    return {"keys": tuple(keys)}


def _tls(_question: FindAccount, value: Mapping[str, Any]) -> dict[str, Any]:
    """The procedure tells the certificates that are right, for the same reason."""
    said = msgspec.convert(value, _Tls)
    told = [said.fingerprint] if isinstance(said.fingerprint, str) else said.fingerprint
    names = [fingerprint_name(each) for each in told]
    if None in names:
        raise ValueError("'fingerprint' is not 64 hex digits")
    return {"certificates": tuple(names)}


def _octets(key: str, value: _Octets, length: int | None = None) -> bytes:
    try:
        octets = value if isinstance(value, bytes) else bytes.fromhex(value)
    except (TypeError, ValueError):
        raise ValueError(f"{key!r} is not hexadecimal") from None
    if not octets or (length is not None and len(octets) != length):
        raise ValueError(f"{key!r} is not {length or 'some'} octets long")
    return octets


Reader = Callable[[FindAccount, Mapping[str, Any]], dict[str, Any]]

READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {"ticket": _ticket, "wampcra": _wampcra, "scram": _scram, "cryptosign": _cryptosign, "tls": _tls}
)
"""By method; where there is none, the procedure alone has judged."""
