"""What a method asks of the outside, as data: the shell carries it out and hands the answer to the handshake.

Whatever cannot be answered (missing, broken, too slow) is answered with `wampd.auth.methods.Failed`, which lets nobody in;
whoever is asked and says no answers with `wampd.auth.methods.Deny`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import Struct

from wampd.auth.methods import Request
from wampd.auth.throttle import Attempt
from wampd.realms.options import ClientRoles, HelloDetails

NOBODY: Final = Request("", 0, HelloDetails(ClientRoles()), {})
"""Whom it is asked for where no client asks."""


class FindAccount(Struct, frozen=True):
    """Which account is this? The answer is an `wampd.auth.accounts.Account`, or `None`: there is none, or it is disabled."""

    accounts: Any
    """Where to look, as the shell knows it; opaque here."""
    by: Literal["authid", "key", "certificate"]
    """What ``value`` is: an authid, an Ed25519 public key (32 octets), or a name of a TLS certificate (see `Account`)."""
    value: str | bytes
    method: str
    """The method that asks."""
    request: Request
    """The client that it asks for."""
    proof: str | None = None
    """What the client sent as proof, for those who judge it themselves; only of methods that send the secret as it is."""

    def __repr__(self) -> str:
        return f"<FindAccount of {self.request!r}>"


class CheckPassword(Struct, frozen=True):
    """Is this the password of this hash? The answer is a bool; it is slow to find on purpose."""

    hash: str
    """See `wampd.auth.hashes`."""
    password: str
    peer: str = ""
    """The client's address, so that no address takes the turns of the others."""

    def __repr__(self) -> str:
        return "<CheckPassword>"


class FindKeys(Struct, frozen=True):
    """Which keys may a token be signed with? The answer is a tuple of `wampd.auth.jwk.Key`, empty if there is none."""

    keys: Any
    """Where to look, as the shell knows it; opaque here."""
    kid: str | None
    """What the token says of its key; `None`: nothing."""

    def __repr__(self) -> str:
        return "<FindKeys>"


class AwaitTurn(Struct, frozen=True):
    """When is it this attempt's turn? The answer, which says nothing, comes when it is to be begun again."""

    attempt: Attempt
