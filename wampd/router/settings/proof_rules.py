"""What types cannot say of what proves a principal: rules about secrets and derived keys."""

import re
from base64 import b64decode
from collections.abc import Mapping

from .auth import CraProof, Principal, ScramProof
from .checker import Here, Rule
from .secret import Secret

LEAST_MOCK_SECRET = 16
"""Characters."""

_SALT = range(8, 65)
"""Octets of a salt: Argon2 takes no less, and a longer one could not be imitated for unknown principals."""


def scram_takes(principal: Principal, here: Here, *where: str | int) -> None:
    """See that name and password of a principal are such that ``scram`` can serve it."""
    from wampd.auth.passwords import saslprep  # only for those who offer the method

    password = "" if principal.password is None or principal.scram is not None else principal.password.reveal()
    if not password and principal.scram is None:
        return
    for key, text, is_stored in (("authid", principal.authid, False), ("password", password, True)):
        try:
            fits = not text or bool(saslprep(text, stored=is_stored))
        except ValueError:
            fits = False
        if not fits:
            here.problem(
                "the method scram cannot take this: SASLprep (RFC 4013) prohibits a character in it", *where, key
            )


def _cra_proof(proof: CraProof, here: Here) -> None:
    if proof.key is None:
        is_missing = here.is_sound("key")
        if proof.secret is None and here.is_sound("secret") and is_missing:
            here.problem("nothing proves who this is: give it secret, or key, salt and iterations")
        for key in ("salt", "iterations"):
            if getattr(proof, key) is not None and is_missing:
                here.problem("this belongs to key, which is missing", key)
        return
    if proof.secret is not None:
        here.problem("there is a secret already; give one of the two", "key")
    if len(_octets(proof.key.reveal())) != proof.keylen:
        here.problem(f"expected {proof.keylen} octets in base64", "key")
    for key in ("salt", "iterations"):
        if getattr(proof, key) is None and here.is_sound(key):
            here.problem("this key is missing, which belongs to key", key)


def _scram_proof(proof: ScramProof, here: Here) -> None:
    if len(_octets(proof.salt)) not in _SALT:
        here.problem(f"expected {_SALT[0]} to {_SALT[-1]} octets in base64", "salt")
    for key in ("stored_key", "server_key"):
        if len(_octets(getattr(proof, key).reveal())) != 32:
            here.problem(f"expected 32 octets in base64{_if_hex(getattr(proof, key))}", key)
    if proof.kdf == "pbkdf2" and proof.memory is not None:
        here.problem("this belongs to Argon2", "memory")
    if proof.kdf != "pbkdf2" and proof.memory is None and here.is_sound("memory"):
        here.problem("this key is missing, which belongs to Argon2", "memory")


def _if_hex(secret: Secret) -> str:
    """A hint for whoever has it as Crossbar.io does."""
    return ", not in hexadecimal" if re.fullmatch("[0-9a-fA-F]{64}", secret.reveal()) else ""


def _octets(text: str) -> bytes:
    """What base64 says; nothing if it is not that."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""


PROOF_RULES: Mapping[type, Rule] = {CraProof: _cra_proof, ScramProof: _scram_proof}
