"""What is kept of a password: nothing that it could be read from.

Rules
-----
* Salts are given: drawn for each principal, and never used for another.
* The derivations are slow on purpose (tens of milliseconds): they are made once, when a password is set or read, not when
  somebody joins, and may be made in a thread.
* SCRAM normalizes passwords by SASLprep; WAMP-CRA takes them as they are.
* The salted password is not Argon2's hash but the base64 text of it, without padding, for Crossbar.io and for autobahn, which
  call that ``argon2id-13`` and normalize nothing. Accounts hold the keys of both ways, so that clients of either kind get in.

Sources: WAMP advanced profile, "Challenge Response Authentication" (password salting) and "Salted Challenge Response
Authentication Mechanism" (key derivation functions);
RFC 8018 (PBKDF2), RFC 9106 (Argon2), RFC 5802 and 7677 (SCRAM), RFC 4013 (SASLprep).
"""

from __future__ import annotations

import hashlib
import hmac
import stringprep
from base64 import b64encode
from typing import Literal
from unicodedata import ucd_3_2_0

from msgspec import Struct

from wampd.auth.accounts import CraKey, Kdf, ScramKeys

SCRAM_KEY = 32
"""Octets of each key of SCRAM with SHA-256."""
SCRAM_SALT = 16
"""Octets of a salt for ``scram``, where we choose it (RFC 9106, section 3.1)."""
CRA_SALT = 18
"""Octets whose base64 text is a salt for ``wampcra``, where we choose it: so many that it needs no padding."""


class CraCost(Struct, frozen=True):
    """What deriving a key for ``wampcra`` is to cost, and its length in octets.

    Clients derive it each time that they join, those in browsers in JavaScript.
    """

    iterations: int = 100_000
    keylen: int = 32


class ScramCost(Struct, frozen=True):
    """What deriving the keys for ``scram`` is to cost; ``memory`` in KiB, only of Argon2.

    The defaults are the second recommendation of OWASP's "Password Storage Cheat Sheet".
    """

    kdf: Literal["argon2id13", "pbkdf2"] = "argon2id13"
    iterations: int = 2
    memory: int | None = 19 * 1024


def cra_secret(secret: str) -> CraKey:
    """What is kept of a secret that both sides have as it is."""
    return CraKey(key=secret.encode())


def cra_key(password: str, salt: str, cost: CraCost) -> CraKey:
    """What is kept of a password for ``wampcra``."""
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), cost.iterations, cost.keylen)
    return CraKey(key=b64encode(key), salt=salt, iterations=cost.iterations, keylen=cost.keylen)


def scram_keys(password: str, salt: bytes, cost: ScramCost) -> tuple[ScramKeys, ...]:
    """What is kept of a password for ``scram``. Raise `ValueError` if SASLprep prohibits it, or it is empty."""
    prepared = saslprep(password, stored=True).encode()
    if not prepared:
        raise ValueError("a password must hold something that can be seen")
    if cost.kdf == "pbkdf2":
        salted = hashlib.pbkdf2_hmac("sha256", prepared, salt, cost.iterations, SCRAM_KEY)
        return (_keys("pbkdf2", salted, salt, cost),)
    hashed = _argon2id(prepared, salt, cost)
    plain = password.encode()
    as_it_is = hashed if plain == prepared else _argon2id(plain, salt, cost)
    return (
        _keys("argon2id13", hashed, salt, cost),
        _keys("argon2id-13", b64encode(as_it_is).rstrip(b"="), salt, cost),
    )


def _argon2id(password: bytes, salt: bytes, cost: ScramCost) -> bytes:
    from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw  # only for those who have such passwords

    assert cost.memory is not None
    return hash_secret_raw(password, salt, cost.iterations, cost.memory, 1, SCRAM_KEY, Type.ID, ARGON2_VERSION)


def _keys(kdf: Kdf, salted: bytes, salt: bytes, cost: ScramCost) -> ScramKeys:
    """The keys of a salted password (RFC 5802, section 3)."""
    return ScramKeys(
        kdf=kdf,
        salt=salt,
        iterations=cost.iterations,
        memory=None if kdf == "pbkdf2" else cost.memory,
        stored_key=hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest(),
        server_key=hmac.digest(salted, b"Server Key", "sha256"),
    )


def saslprep(text: str, *, stored: bool) -> str:
    """Normalize a name or a password (RFC 4013). Raise `ValueError` if it holds what is prohibited.

    What is ``stored``, as a password, may not hold code points that Unicode 3.2 does not know (RFC 3454, section 7).
    """
    if text.isascii() and text.isprintable():
        return text
    spaced = (" " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char))
    normal = ucd_3_2_0.normalize("NFKC", "".join(spaced))
    if any(prohibits(char) for char in normal for prohibits in _PROHIBITED):
        raise ValueError("it holds a character that SASLprep prohibits")
    if stored and any(map(stringprep.in_table_a1, normal)):
        raise ValueError("it holds a character that SASLprep does not know")
    if any(map(stringprep.in_table_d1, normal)):
        mixed = any(map(stringprep.in_table_d2, normal))
        if mixed or not (stringprep.in_table_d1(normal[0]) and stringprep.in_table_d1(normal[-1])):
            raise ValueError("it mixes directions of writing as SASLprep prohibits")
    return normal


_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)
"""RFC 4013, section 2.3."""
