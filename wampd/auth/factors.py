"""Principals that prove who they are more than once: by every method of a list, in one handshake.

Rules
-----
* The first method is the client's choice; it must be one of the factors. The others follow in the order of the list. The client
  must have offered each of them.
* Who it is stays the same: a factor that proves another principal, or the same in another role, lets nobody in.
* The session lasts no longer than any of the proofs.
* WELCOME tells the first method as ``authmethod``, and all of them, in their order, as ``authfactors`` in ``authextra``.
"""

from __future__ import annotations

from typing import Final

from msgspec import structs

from wampd.auth.methods import Deny, Principal, shown

AUTHFACTORS: Final = "authfactors"
NAMES: Final = {"wamp-scram": "scram"}
"""Methods that clients know by two names."""


def factor(method: str) -> str:
    """The name of a method among factors."""
    return NAMES.get(method, method)


class Factors:
    """What one client has proved so far."""

    __slots__ = ("_passed", "_principal", "method")

    def __init__(self, method: str, principal: Principal) -> None:
        """``method`` was the first."""
        self.method = method
        self._principal = principal
        self._passed: list[str] = []

    def passed(self, method: str, principal: Principal) -> Deny | None:
        """A method says who the client is; or why that does not count."""
        name, first = factor(method), self._principal
        if name not in first.factors or name in self._passed:
            return Deny(f"{method}: is no factor of {shown(first.authid)}")
        if (principal.authid, principal.role) != (first.authid, first.role):
            return Deny(f"{method}: proves {shown(principal.authid)}, but {self.method} {shown(first.authid)}")
        self._passed.append(name)
        extra = {**(first.extra or {}), **(principal.extra or {}), AUTHFACTORS: list(self._passed)}
        ends = [each for each in (first.lasts, principal.lasts) if each is not None]
        self._principal = structs.replace(first, extra=extra, lasts=min(ends, default=None))
        return None

    @property
    def next(self) -> str | None:
        """The factor that is to follow; `None`: that was all."""
        return next((name for name in self._principal.factors if name not in self._passed), None)

    @property
    def principal(self) -> Principal:
        """Who the client is, with what there is to say of all factors."""
        return self._principal
