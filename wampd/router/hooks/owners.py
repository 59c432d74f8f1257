"""Registrations of principals who are not let in any more, or may not be told any more: they end, as sessions do.

Rules
-----
* It is looked when something is said to have changed of principals, when the roles of the realm have changed, and when the
  registry begins, for it outlives what is configured.
* Of principals that are kept (see `wampd.router.recall`) it is asked who they are now: who is not found has no registration,
  and who has another role has it for its registrations, too.
* Others have the role that is known of them; nobody says when they have it no more.
* A registration ends when its topic may not be subscribed to in that role. If nobody knows, or an authorizer would have to be
  asked, the registration stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from twisted.logger import Logger

from wampd.auth.accounts import Account
from wampd.auth.methods import Deny, Failed
from wampd.auth.questions import NOBODY, FindAccount
from wampd.router.inside.own import ROUTER

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

    def review(self) -> None:
        """The registry has been read, or the roles are others: look at all."""
        if self._accounts is not None:
            self._look(self._accounts, None)
        for hook in [each for each in self._courier.registry if each.role and not each.is_of_kept]:
            self._judge(hook, hook.role)

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
            if account is None:
                self._end(hook)
            else:
                self._judge(hook, account.role)

    def _judge(self, hook: Hook, role: str) -> None:
        """See whether a registration may stay, whose owner has this role."""
        if not self._may_have(hook, role):
            self._end(hook)
        elif role != hook.role:
            self._courier.amend(replace(hook, role=role))

    def _end(self, hook: Hook) -> None:
        log.info(
            "the webhook {hook} of {key} ends: {owner} may not have it any more",
            hook=hook.id,
            key=hook.key,
            owner=hook.owner,
        )
        self._courier.end(hook)

    def _may_have(self, hook: Hook, role: str) -> bool:
        if role == ROUTER:  # one of its own sessions, which may do everything
            return True
        door = self._door()
        grants = None if door is None else door.grants_of(role, hook.owner, 0)
        if grants is None or isinstance(grants, Deny):
            return False
        grant = grants.known("subscribe", self._prefix + hook.key)
        return grant.refusal is None or (grant.undecided and grants.authorizer is not None)
