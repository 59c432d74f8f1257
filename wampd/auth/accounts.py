"""Those who may come in: who they are, and what proves it.

Rules
-----
* An account holds what proves its principal, as derived as the method allows: digests, keys, verifiers; never what a client
  sends as it is. No ``repr`` shows any of it.
* Where accounts are kept (configuration, files, a database) is not known here: a method asks for one with a question
  (`wampd.auth.questions.FindAccount`). One that is disabled is not found.
"""

from __future__ import annotations

from msgspec import Struct

from wampd.auth.methods import Principal
from wampd.realms.options import JsonDict


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

    def __repr__(self) -> str:
        return f"<Account {self.authid}/{self.role}>"

    def principal(self) -> Principal:
        """Who this is, once it is proved."""
        return Principal(self.authid, self.role, self.provider, self.extra)
