"""What a sender says of a payload that the router neither reads nor changes: told to the receiver as it came.

Rules
-----
* ``ppt_scheme`` switches payload passthru mode on; ``ppt_serializer``, ``ppt_cipher`` and ``ppt_keyid`` mean nothing without
  it. Who uses it without having announced it breaks the protocol.
* ``enc_algo``, ``enc_key`` and ``enc_serializer`` are the older form: one binary payload in the place of Arguments.
* Which schemes, serializers and ciphers there are is not the router's business.

Sources: WAMP advanced profile, "Payload Passthru Mode"; the messages of the specification's test suite for the older form.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

PASSTHRU = "payload_passthru_mode"
"""The feature's name."""

PASSED_ON: dict[str, tuple[str, ...]] = {
    "ppt_scheme": ("ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid"),
    "enc_algo": ("enc_algo", "enc_key", "enc_serializer"),
}
"""What is passed on if the first of these is there and not empty."""


def passed_on(options: Struct) -> dict[str, Any]:
    """What the other side is told of the payload, as the sender says it in the options of its message."""
    told: dict[str, Any] = {}
    for switch, keys in PASSED_ON.items():
        if getattr(options, switch):
            told.update((key, value) for key in keys if (value := getattr(options, key)) is not None)
    return told
