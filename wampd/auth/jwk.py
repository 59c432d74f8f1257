"""Keys that signatures of tokens are verified with.

Rules
-----
* A key says itself which algorithms it is for, by its kind, curve and length. A secret is for HMAC and nothing else, a public
  key never for HMAC: so whoever knows a public key cannot use it as a secret (RFC 8725, section 2.1).
* Of a key set (JWK Set) the keys for signatures are taken that wampd knows how to use; the others are left out, and it is
  said why. A set may not hold secrets: neither private nor symmetric keys.
* No ``repr`` shows a key.

Sources: RFC 7517 (JSON Web Key), RFC 7518 (JSON Web Algorithms), RFC 8037 (EdDSA), RFC 8725 (best current practices).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError
from msgspec import Struct

HMAC: Final[Mapping[str, int]] = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Algorithms with a shared secret, and the octets that it has at least (RFC 7518, section 3.2)."""
RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
CURVES: Final[Mapping[str, str]] = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
PUBLIC: Final = RSA | {"EdDSA"} | set(CURVES.values())
"""Algorithms with a public key."""
LEAST_RSA: Final = 2048
"""Bits (RFC 7518, section 3.3)."""
MOST_KEYS: Final = 100
"""Keys of one set."""

_FROM_JWK: Final[Mapping[str, Any]] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}


class UnusableKeyError(Exception):
    """A key, or a set of keys, cannot be used; the text says why."""


class Key(Struct, frozen=True):
    """One key."""

    algorithms: frozenset[str]
    """That it may be used with."""
    material: Any
    """What the library takes: octets, or a public key of ``cryptography``."""
    kid: str | None = None
    """Its name in its set."""

    def __repr__(self) -> str:
        return f"<Key {self.kid!r} for {', '.join(sorted(self.algorithms))}>"


class KeySet(Struct, frozen=True):
    """The keys of one JWK Set."""

    keys: tuple[Key, ...]
    left_out: tuple[str, ...] = ()
    """Why others were left out, for the log."""

    def named(self, kid: str | None) -> tuple[Key, ...]:
        """The keys that a token may be signed with which names this one, or none."""
        return self.keys if kid is None else tuple(key for key in self.keys if key.kid == kid)


def secret(text: str) -> Key:
    """A shared secret."""
    octets = text.encode()
    return Key(frozenset(name for name, least in HMAC.items() if len(octets) >= least), octets)


def public(pem: bytes) -> Key:
    """A public key, or that of a certificate, in PEM. Raise `UnusableKeyError`."""
    if b"PRIVATE KEY-----" in pem:
        raise UnusableKeyError("it holds a private key; the router needs only the public one")
    try:
        if b"-----BEGIN CERTIFICATE-----" in pem:
            material: Any = x509.load_pem_x509_certificate(pem).public_key()
        else:
            material = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKeyError("it holds no public key in PEM, and no certificate") from None
    return Key(_algorithms(material), material)


def key_set(text: bytes) -> KeySet:
    """The keys of a JWK Set in JSON. Raise `UnusableKeyError` if it is none, or holds no key that can be used."""
    try:
        found = msgspec.json.decode(text, type=dict[str, Any]).get("keys")
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(jwk, dict) for jwk in found):
        raise UnusableKeyError("it is no JWK Set: a JSON object with a list of keys")
    if len(found) > MOST_KEYS:
        raise UnusableKeyError(f"it holds more than {MOST_KEYS} keys")
    keys: list[Key] = []
    left_out: list[str] = []
    for number, jwk in enumerate(found):
        try:
            keys.append(_from_jwk(jwk))
        except UnusableKeyError as why:
            left_out.append(f"key {number}: {why}")
    if not keys:
        raise UnusableKeyError("; ".join(["it holds no key that can be used", *left_out[:5]]))
    return KeySet(tuple(keys), tuple(left_out))


def _from_jwk(jwk: dict[str, Any]) -> Key:
    kid, use, operations, alg = (jwk.get(name) for name in ("kid", "use", "key_ops", "alg"))
    if jwk.get("kty") == "oct" or "d" in jwk or "k" in jwk:
        raise UnusableKeyError("it is secret, and known to all who can read the set")
    if use not in (None, "sig") or not (
        operations is None or (isinstance(operations, list) and "verify" in operations)
    ):
        raise UnusableKeyError("it is not for signatures")
    if not (kid is None or isinstance(kid, str)):
        raise UnusableKeyError("its kid is no text")
    kind = _FROM_JWK.get(jwk["kty"]) if isinstance(jwk.get("kty"), str) else None
    if kind is None:
        raise UnusableKeyError("its kty is none of RSA, EC and OKP")
    try:
        material = kind.from_jwk(jwk)
    except (InvalidKeyError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError):
        raise UnusableKeyError("it cannot be read") from None
    algorithms = _algorithms(material)
    if alg is not None:
        algorithms = algorithms & {alg} if isinstance(alg, str) else frozenset()
        if not algorithms:
            raise UnusableKeyError("its alg is not one that fits it and is known here")
    return Key(algorithms, material, kid)


def _algorithms(material: Any) -> frozenset[str]:
    """The algorithms that a public key is for. Raise `UnusableKeyError` if there is none."""
    if isinstance(material, rsa.RSAPublicKey):
        if material.key_size < LEAST_RSA:
            raise UnusableKeyError(f"its {material.key_size} bits are too few: an RSA key needs {LEAST_RSA}")
        return RSA
    if isinstance(material, ec.EllipticCurvePublicKey) and material.curve.name in CURVES:
        return frozenset({CURVES[material.curve.name]})
    if isinstance(material, ed25519.Ed25519PublicKey):
        return frozenset({"EdDSA"})
    raise UnusableKeyError("it is none of RSA, ECDSA on P-256, P-384 or P-521, and Ed25519")
