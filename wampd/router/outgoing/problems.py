"""What can go wrong with a request that the router sends: a closed set."""

from __future__ import annotations

from typing import Literal, TypeAlias

Reason: TypeAlias = Literal[
    "url",  # it is not a URL that may be asked for
    "denied",  # the policy forbids scheme, port or address
    "dns",  # the name has no address
    "connect",  # nobody answers there
    "tls",  # the certificate is not good for the name, or there is no TLS
    "timeout",  # it took too long
    "too_large",  # the answer is too long
    "redirect",  # it leads nowhere, or too far
    "broken",  # what came is no answer, or a part of one
    "busy",  # too much is under way
    "cancelled",  # whoever asked wants no answer any more
]


class OutgoingError(Exception):
    """A request has no answer. The text says why, in words that may be shown: no secret, no address of a name."""

    def __init__(self, reason: Reason, text: str, detail: str = "") -> None:
        """``detail`` is for the operator alone: what the library says of it."""
        super().__init__(reason, text)
        self.reason = reason
        self.text = text
        self.detail = detail

    def __str__(self) -> str:
        return self.text
