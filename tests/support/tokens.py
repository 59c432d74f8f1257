"""Tokens, and the keys that they are signed with; private keys are made once for all tests."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.api_jws import PyJWS
from jwt.utils import base64url_encode

SECRET = "hunter2 " * 8
"""Long enough for every HMAC."""
NOW = 1_800_000_000.0

KINDS = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


@cache
def private(name: str) -> Any:
    """A private key for an algorithm (``RS256``), or another of the same kind (``RS256 2``)."""
    kind = name.split()[0]
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind]())
    if kind == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    if kind == "ES256K":
        return ec.generate_private_key(ec.SECP256K1())
    return rsa.generate_private_key(65537, 1024 if kind == "short" else 2048)


def rsa_name(algorithm: str) -> str:
    """The name of the key for an algorithm: one key does for all of RSA."""
    return "RS256" if algorithm[:2] in ("RS", "PS") else algorithm


def pem(name: str) -> bytes:
    """The public key in PEM."""
    return (
        private(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def private_pem(name: str) -> bytes:
    """The private key in PEM."""
    return private(name).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def jwk(name: str, kid: str | None = None, *, whole: bool = False, **more: Any) -> dict[str, Any]:
    """The public key as a JWK, ``whole`` with its private part."""
    key = private(name)
    kind = (
        "RSA" if isinstance(key, rsa.RSAPrivateKey) else "EC" if isinstance(key, ec.EllipticCurvePrivateKey) else "OKP"
    )
    found = json.loads(KINDS[kind].to_jwk(key if whole else key.public_key()))
    found.pop("key_ops", None)
    return {**found, **({} if kid is None else {"kid": kid}), **more}


def key_set_text(*jwks: Any) -> bytes:
    """A JWK Set."""
    return json.dumps({"keys": jwks}).encode()


def signed(claims: Any = None, *, by: Any = SECRET, alg: str = "HS256", **header: Any) -> str:
    """A token of joe's that is good for an hour, but for what ``claims`` say; what they say to be `None` is left out."""
    whole = {"sub": "joe", "role": "user", "exp": NOW + 3600, **(claims or {})}
    whole = {name: value for name, value in whole.items() if value is not None}
    key = by if by == SECRET else private(by)
    return PyJWS().encode(json.dumps(whole).encode(), key, alg, headers=header or None)


def raw(header: bytes, payload: bytes, *, by: str = SECRET, alg: str = "HS256") -> str:
    """A token of any octets, signed well."""
    head = b".".join(map(base64url_encode, (header, payload)))
    signer = jwt.get_algorithm_by_name(alg)
    key = signer.prepare_key(by if by == SECRET else private(by))
    return (head + b"." + base64url_encode(signer.sign(head, key))).decode()
