"""Registrations of principals who are not let in any more, or may not be told any more: they end, as sessions do.

Rules
-----
* Only principals that are kept are concerned (see `wampd.router.recall`). It is looked when something is said to have changed
  of them, and when the registry begins, for it outlives what is configured.
* Who is not found has no registration. Who is found has those whose topic may be subscribed to in the role that it has now. If
  nobody knows, or an authorizer would have to be asked, the registration stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from wampd.auth.accounts import Account
from wampd.auth.methods import Deny, Failed
from wampd.auth.questions import NOBODY, FindAccount

if TYPE_CHECKING:
    from wampd.auth.door import RealmAuth
    from wampd.router.hooks.courier import Courier
    from wampd.router.hooks.registry import Hook

log = Logger()


class Owners:
    """Those who have registered something in one realm."""

    def __init__(self, courier: Courier, topic_prefix: str, door: Callable[[], RealmAuth | None], answers: Any) -> None:
        """``door`` is that of the realm; ``answers`` a `wampd.router.answers.Answers`."""
        self._courier = courier
        self._prefix = topic_prefix
        self._door = door
        self._answers = answers
        self._accounts: Any = None

    def begin(self) -> None:
        """The registry has been read."""
        if self._accounts is not None:
            self._look(self._accounts, None)

    def changed(self, door: RealmAuth, accounts: Any, authids: Collection[str] | None) -> None:
        """Something may have changed of these principals, `None`: of any, of those who come in by a door."""
        if door is self._door():
            self._accounts = accounts
            self._look(accounts, authids)

    def _look(self, accounts: Any, authids: Collection[str] | None) -> None:
        kept = {hook.owner for hook in self._courier.registry if hook.is_of_kept}
        for owner in kept if authids is None else kept.intersection(authids):
            self._answers.tell(FindAccount(accounts, "authid", owner, "", NOBODY), self._found, owner)

    def _found(self, account: Account | Failed | None, owner: str) -> None:
        if account is not None and not isinstance(account, Account):
            return
        for hook in [each for each in self._courier.registry if each.owner == owner and each.is_of_kept]:
            if account is None or not self._may_have(hook, account):
                log.info(
                    "the webhook {hook} of {key} ends: {owner} may not have it any more",
                    hook=hook.id,
                    key=hook.key,
                    owner=owner,
                )
                self._courier.end(hook)

    def _may_have(self, hook: Hook, account: Account) -> bool:
        door = self._door()
        grants = None if door is None else door.grants_of(account.role, account.authid, 0)
        if grants is None or isinstance(grants, Deny):
            return False
        grant = grants.known("subscribe", self._prefix + hook.key)
        return grant.refusal is None or grant.undecided
