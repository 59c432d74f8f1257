"""Signatures of what is delivered, as Standard Webhooks has them.

Rules
-----
* HMAC-SHA256 over ``id.timestamp.body`` with the bytes of the secret; the header is ``v1,`` and its base64. Each attempt has a
  timestamp of its own, and the id that the first one had.
* A secret is ``whsec_`` and the base64 of 24 to 64 random bytes.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, "Webhook signature".
"""

from __future__ import annotations

import base64
import hmac
from typing import Final

PREFIX: Final = "whsec_"
LEAST, MOST = 24, 64
"""Bytes of a secret."""


def read_secret(text: str) -> bytes:
    """The bytes of a secret; raise `ValueError` if it is none."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not text.startswith(PREFIX) or not LEAST <= len(key) <= MOST:
        raise ValueError(f"a secret is {PREFIX} and {LEAST} to {MOST} bytes in base64")
    return key


def write_secret(key: bytes) -> str:
    """A secret as text."""
    return PREFIX + base64.b64encode(key).decode()


def sign(key: bytes, message: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature`` of a message; ``timestamp`` is in seconds since 1970."""
    signed = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def signed(key: bytes, message: str, timestamp: int, body: bytes) -> tuple[tuple[str, str], ...]:
    """The headers of a message that is signed."""
    return (
        ("webhook-id", message),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", sign(key, message, timestamp, body)),
    )
