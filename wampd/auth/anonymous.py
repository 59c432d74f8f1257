"""Authentication method ``anonymous``: everybody is let in, under one role.

Rules
-----
* The authid is drawn, never the one that the client asks for: what is granted or sent to an authid (black- and
  whitelisting, disclosed callers) must not be had by merely naming it. WELCOME tells the drawn one.
* The role is the configured one, whatever role the client asks for.
* Where a dynamic authenticator is asked, it is told the drawn authid, and decides: who this is, in what role, or nobody.

The specification names the method and says no more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wampd.auth.accounts import Account
from wampd.auth.methods import Deny, Principal, Request, Step, Unchallenged, Wait
from wampd.auth.questions import FindAccount


class Anonymous:
    """The method, with the role of its sessions and what draws their authids."""

    __slots__ = ("_new_authid", "_role")

    name = "anonymous"

    def __init__(self, role: str, new_authid: Callable[[], str]) -> None:
        self._role = role
        self._new_authid = new_authid

    @property
    def role(self) -> str:
        """The role of all who come in by it."""
        return self._role

    def begin(self, request: Request) -> AnonymousExchange:  # noqa: ARG002 - nothing of the client is believed
        """Start with one client."""
        return AnonymousExchange(Principal(self._new_authid(), self._role, "static"))


class AnonymousExchange(Unchallenged):
    """One client's way: in."""

    __slots__ = ("_principal",)

    method = "anonymous"

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    def challenge(self) -> Step:
        """Nothing is asked."""
        return self._principal


class Unknown:
    """The method ``anonymous`` where somebody else says who may come in."""

    __slots__ = ("_accounts", "_new_authid")

    name = "anonymous"

    def __init__(self, accounts: Any, new_authid: Callable[[], str]) -> None:
        """``accounts`` is where to ask: see `FindAccount`."""
        self._accounts = accounts
        self._new_authid = new_authid

    def begin(self, request: Request) -> UnknownExchange:
        """Start with one client."""
        return UnknownExchange(FindAccount(self._accounts, "authid", self._new_authid(), "anonymous", request))


class UnknownExchange(Unchallenged):
    """One client's way: whether it may come in, and as whom, is asked."""

    __slots__ = ("_question",)

    method = "anonymous"

    def __init__(self, question: FindAccount) -> None:
        self._question = question

    def challenge(self) -> Step:
        """Ask; not of the client."""
        return Wait(self._question, _let_in)


def _let_in(account: Account | None) -> Step:
    return Deny("anonymous: not let in") if account is None else account.principal()
