"""Ed25519 keys, as text and in use.

Rules
-----
* As text, a public key, a seed (the private key) and a challenge are 64 hex digits each, a signed message is 192: the
  signature, then the message. Nothing else is read: no blanks, no prefix.
* A public key of small order is none: anybody can sign for it.
* A seed is not shown by any ``repr``.

Source: RFC 8032, "Edwards-Curve Digital Signature Algorithm".
"""

from __future__ import annotations

import re

SEED_SIZE = 32
KEY_SIZE = 32
SIGNATURE_SIZE = 64

_SMALL_ORDER = frozenset(
    y + end
    for y, ends in (
        ("00" * 31, ("00", "80")),
        ("01" + "00" * 30, ("00", "80")),
        ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc", ("05", "85")),
        ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03", ("7a", "fa")),
        ("ec" + "ff" * 30, ("7f", "ff")),
        ("ed" + "ff" * 30, ("7f", "ff")),
        ("ee" + "ff" * 30, ("7f", "ff")),
    )
    for end in ends
)
"""The points whose eightfold is zero, in every form in which they are read."""


def read_hex(text: object, size: int) -> bytes | None:
    """The octets that ``2 * size`` hex digits stand for; `None`: ``text`` is something else."""
    if not isinstance(text, str) or not re.fullmatch(f"[0-9a-fA-F]{{{2 * size}}}", text):
        return None
    return bytes.fromhex(text)


def read_public_key(text: object) -> bytes | None:
    """The public key that 64 hex digits stand for; `None`: ``text`` is something else, or no key to be trusted."""
    key = read_hex(text, KEY_SIZE)
    return None if key is None or key.hex() in _SMALL_ORDER else key


def is_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the owner of this public key has signed the message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


class SigningKey:
    """A private key. Raise `ValueError` if the seed does not have 32 octets."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: bytes = self._key.public_key().public_bytes_raw()
        """The public key: 32 octets."""

    @classmethod
    def from_text(cls, text: str) -> SigningKey:
        """The key whose seed these 64 hex digits are. Raise `ValueError` if they are not; it does not show them."""
        seed = read_hex(text, SEED_SIZE)
        if seed is None:
            raise ValueError("not a seed of a key: that is 64 hex digits")
        return cls(seed)

    def __repr__(self) -> str:
        return f"<SigningKey of {self.public.hex()}>"

    def sign(self, message: bytes) -> bytes:
        """The signature: 64 octets."""
        return self._key.sign(message)
