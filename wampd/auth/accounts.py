"""Those who may come in: who they are, and what proves it.

Rules
-----
* An account holds what proves its principal, as derived as the method allows: digests, keys, verifiers; never what a client
  sends as it is. No ``repr`` shows any of it.
* Where accounts are kept (configuration, files, a database) is not known here: a method asks for one with a question
  (`wampd.auth.questions.FindAccount`). One that is disabled is not found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from wampd.auth.methods import Principal
from wampd.realms.options import JsonDict

JUDGED = "dynamic"
"""The provider of accounts that somebody judges anew each time: they may hold nothing that could be compared."""
NO_PROOF = frozenset({"authid", "role", "provider", "extra"})
"""Fields of an account that prove nothing. Of the others those count that hold something, so a field that is added later
changes no digest."""

Kdf: TypeAlias = Literal["argon2id13", "pbkdf2", "argon2id-13"]
"""What makes the salted password of SCRAM. The last is how Crossbar.io and autobahn do it: see `wampd.auth.passwords`."""


class CraKey(Struct, frozen=True, kw_only=True):
    """What signatures of the method ``wampcra`` are made with."""

    key: bytes
    """The key of the HMAC: a shared secret, or the base64 text of what PBKDF2 makes of a password."""
    salt: str | None = None
    """What the password is salted with; `None`: ``key`` is the secret itself."""
    iterations: int = 0
    keylen: int = 0
    """Octets that PBKDF2 makes."""

    def __repr__(self) -> str:
        return "<CraKey>"


class ScramKeys(Struct, frozen=True, kw_only=True):
    """What proofs of the method ``scram`` are verified with (RFC 5802, section 3): neither it nor a proof is the password."""

    kdf: Kdf
    salt: bytes
    iterations: int
    memory: int | None = None
    """KiB; only of Argon2."""
    stored_key: bytes
    server_key: bytes

    def __repr__(self) -> str:
        return f"<ScramKeys {self.kdf}>"


def usable(keys: Iterable[ScramKeys], kdfs: Container[Kdf]) -> ScramKeys | None:
    """The first of these keys that is of one of these functions."""
    return next((each for each in keys if each.kdf in kdfs), None)


class Account(Struct, frozen=True, kw_only=True):
    """One principal of a realm, with what proves it; a method for which it holds nothing does not let it in."""

    authid: str
    role: str
    provider: str = "static"
    """Where it is kept, as ``WELCOME.Details.authprovider`` tells."""
    extra: JsonDict | None = None
    """``WELCOME.Details.authextra``."""
    ticket: bytes | None = None
    """The SHA-256 digest of its ticket."""
    keys: tuple[bytes, ...] = ()
    """Its Ed25519 public keys (32 octets each)."""
    certificates: tuple[str, ...] = ()
    """Names of its TLS certificates, as `wampd.auth.certificates` writes them."""
    wampcra: CraKey | None = None
    scram: tuple[ScramKeys, ...] = ()
    """Of one password; a client is asked for the first whose ``kdf`` it knows."""
    password: str | None = None
    """A slow hash of its password, which it may send as its ticket: see `wampd.auth.hashes`."""

    factors: tuple[str, ...] = ()
    """The methods by which all it has to prove itself, in one handshake; none: any one will do."""

    def __repr__(self) -> str:
        return f"<Account {self.authid}/{self.role}>"

    def marks(self) -> list[tuple[Literal["key", "certificate"], bytes]]:
        """By what else than its authid it is found; see `wampd.auth.questions.FindAccount`."""
        keys: list[tuple[Literal["key", "certificate"], bytes]] = [("key", key) for key in self.keys]
        return [*keys, *(("certificate", name.encode()) for name in self.certificates)]

    def digest(self, salt: bytes) -> bytes:
        """What tells whether anything that proves this principal has changed, and nothing else of it."""
        proofs = {
            name: value
            for name, value in zip(self.__struct_fields__, msgspec.structs.astuple(self), strict=True)
            if value and name not in NO_PROOF
        }
        return hashlib.sha256(salt + msgspec.json.encode(proofs, order="deterministic")).digest()

    def principal(self) -> Principal:
        """Who this is, once it is proved."""
        return Principal(self.authid, self.role, self.provider, self.extra, self, factors=self.factors)
