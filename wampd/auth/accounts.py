"""Those who may come in: who they are, and what proves it.

Rules
-----
* An account holds what proves its principal, as derived as the method allows: digests, keys, verifiers; never what a client
  sends as it is. No ``repr`` shows any of it.
* Where accounts are kept (configuration, files, a database) is not known here: a method asks for one with a question
  (`wampd.auth.questions.FindAccount`). One that is disabled is not found.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from wampd.auth.methods import Principal
from wampd.realms.options import JsonDict

NO_PROOF = frozenset({"authid", "role", "provider", "extra"})
"""Fields of an account that prove nothing. Of the others those count that hold something, so a field that is added later
changes no digest."""


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

    def __repr__(self) -> str:
        return f"<Account {self.authid}/{self.role}>"

    def digest(self, salt: bytes) -> bytes:
        """What tells whether anything that proves this principal has changed, and nothing else of it."""
        proofs = {
            name: value
            for name, value in zip(self.__struct_fields__, msgspec.structs.astuple(self), strict=True)
            if value and name not in NO_PROOF
        }
        return hashlib.sha256(salt + msgspec.json.encode(proofs, order="deterministic")).digest()

    def principal(self) -> Principal:
        """Who this is, once it is proved."""
        return Principal(self.authid, self.role, self.provider, self.extra, self)
