"""Tickets for components that the router hosts: made when a component's process is started, void when it has ended.

Rules
-----
* A ticket is good on the private socket alone, for one realm, authid and role; and for processes of one group alone, once it
  is said which, where the system tells whose process a connection is.
* Kept is its digest. Who knows the ticket is the component: it gets it by its environment, or by a pipe.
"""

from __future__ import annotations

import os
import secrets
from collections import defaultdict

from wampd.auth.accounts import Account
from wampd.auth.methods import Deny, shown
from wampd.auth.questions import FindAccount
from wampd.auth.ticket import digest_of

PROVIDER = "wampd"
"""``authprovider`` of the sessions of hosted components."""


class MintedAccounts:
    """The accounts of hosted components in one realm: a place as those of `wampd.router.stores.accounts`."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._groups: dict[str, int] = {}

    def mint(self, authid: str, role: str) -> str:
        """Let a component come in by this authid, in this role; return its ticket. An earlier one of the authid is void."""
        ticket = secrets.token_urlsafe(32)
        self._accounts[authid] = Account(authid=authid, role=role, provider=PROVIDER, ticket=digest_of(ticket))
        return ticket

    def bind(self, authid: str, group: int) -> None:
        """Let it come in only from processes of this group."""
        self._groups[authid] = group

    def revoke(self, authid: str) -> None:
        """Let it come in no more."""
        self._accounts.pop(authid, None)
        self._groups.pop(authid, None)

    def find(self, question: FindAccount) -> Account | Deny | None:
        """The account that is asked for."""
        authid, process = question.value, question.request.transport.get("process", 0)
        account = self._accounts.get(authid) if isinstance(authid, str) else None
        if account is not None and process and not _is_of(self._groups.get(account.authid, 0), process):
            return Deny(f"ticket: the process {process} is none of the component {shown(authid)}")
        return account


class Minted:
    """The accounts of hosted components in all realms."""

    def __init__(self) -> None:
        self._realms: defaultdict[str, MintedAccounts] = defaultdict(MintedAccounts)

    def of(self, realm: str) -> MintedAccounts | None:
        """Those of one realm; `None`: there are none."""
        return self._realms.get(realm)

    def mint(self, realm: str, authid: str, role: str) -> str:
        """Let a component come into a realm; return its ticket."""
        return self._realms[realm].mint(authid, role)

    def bind(self, realm: str, authid: str, group: int) -> None:
        """Let it come in only from processes of this group."""
        self._realms[realm].bind(authid, group)

    def revoke(self, realm: str, authid: str) -> None:
        """Let it come in no more."""
        self._realms[realm].revoke(authid)


def _is_of(group: int, process: int) -> bool:
    """Whether a process belongs to a process group."""
    try:
        return group != 0 and os.getpgid(process) == group
    except ProcessLookupError:
        return False
