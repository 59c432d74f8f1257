"""Who is not let in any more is sent away; so is who would come in with another role by now.

Rules
-----
* When something is said to have changed of principals, it is asked of their accounts what became of those who are in. Who is
  not found, or has another role, gets GOODBYE ``wamp.close.killed``. If nobody knows, the session stays: whoever has the
  trouble logs it.
* What those prove who are at the door when the change comes may be older: until all of them have joined or gone, it is asked of
  the accounts once more before anybody is let in whom the change concerns. Who is not found by then, has another role, or other
  proofs, is refused. Those who are in without a handshake are looked at when that time is over.
* Only sessions of principals that are kept (`PROVIDERS`) are concerned, and not the nameless.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple, TypeAlias

from twisted.logger import Logger

from wampd.auth.accounts import Account
from wampd.auth.handshake import RealmAuth
from wampd.auth.methods import AUTHENTICATION_DENIED as DENIED
from wampd.auth.methods import Failed
from wampd.auth.outcomes import Abort, Accept
from wampd.auth.questions import NOBODY, FindAccount
from wampd.realms.limits import UNAVAILABLE
from wampd.realms.meta.sessions import KILLED
from wampd.realms.session import Session
from wampd.router.audit import fields_of
from wampd.router.realms import Realms
from wampd.router.shells import RealmShell
from wampd.router.stores.accounts import Accounts

log = Logger()

PROVIDERS: Final = frozenset({"static", "file", "password file", "store"})
"""``authprovider`` of principals that are kept, and may be so no more."""
GONE: Final = "this principal is not let in any more"
ANOTHER_ROLE: Final = "this principal has another role now"
OTHER_PROOFS: Final = "this principal proves itself otherwise now"
LOGGED_OUT: Final = "this principal was logged out"

_Here: TypeAlias = list[tuple[RealmShell, Session]]


class _Change(NamedTuple):
    """Something that has changed of principals; see `Recall.changed`."""

    door: RealmAuth
    accounts: Accounts
    authids: Collection[str] | None


class Recall:
    """Sends sessions away."""

    def __init__(self, clock: Any, realms: Realms, again_after: float) -> None:
        """``clock`` is an ``IReactorTime``. Nobody who is at the door now joins later than in ``again_after`` seconds."""
        self._clock = clock
        self._realms = realms
        self.again_after = again_after
        self._doubtful: list[_Change] = []  # those of late
        realms.doubts = self

    def changed(self, door: RealmAuth, accounts: Accounts, authids: Collection[str] | None) -> None:
        """See what became of those who came in by this door, with these authids; `None`: of all."""
        self._look(door, accounts, authids)
        for told in self._realms.followers:
            told(door, accounts, authids)
        if self._realms.returning is not None:
            self._realms.returning.changed(door, accounts, authids)
        change = _Change(door, accounts, authids)
        self._doubtful.append(change)
        self._clock.callLater(self.again_after, self._settled, change)

    def question(self, accept: Accept) -> FindAccount | None:
        """What is to be asked before somebody is let in who has proved itself; `None`: nothing."""
        if not self._doubtful or not is_kept(accept):
            return None
        door = self._realms.door(accept.realm)
        for change in reversed(self._doubtful):
            if change.door is door and (change.authids is None or accept.authid in change.authids):
                return FindAccount(change.accounts, "authid", accept.authid, "", NOBODY)
        return None

    def verdict(self, accept: Accept, account: Account | Failed | None) -> Abort | None:
        """Why somebody is not let in, given its account as it is now; `None`: it is."""
        if isinstance(account, Failed):
            return Abort(UNAVAILABLE, "it is not known who you are", account.log)
        if account is None:
            return Abort(DENIED, "not authenticated", GONE)
        if account.role != accept.authrole:
            return Abort(DENIED, "not authenticated", ANOTHER_ROLE)
        proved = accept.account
        if isinstance(proved, Account) and proved.digest(b"") != account.digest(b""):
            return Abort(DENIED, "not authenticated", OTHER_PROOFS)
        return None

    def _settled(self, change: _Change) -> None:
        """Nobody is at the door any more who was there when this changed."""
        self._doubtful = [each for each in self._doubtful if each is not change]
        self._look(change.door, change.accounts, change.authids)

    def begin(self, door: RealmAuth, accounts: Accounts) -> None:
        """Let those have a look who keep what outlives sessions."""
        for told in self._realms.followers:
            told(door, accounts, None)

    def logged_out(self, door: RealmAuth, authids: Collection[str]) -> None:
        """Send the sessions of these authids away that came in by this door."""
        for here in self._sessions(door, authids).values():
            self._expel(here, LOGGED_OUT)
        if self._realms.returning is not None:
            self._realms.returning.logged_out(door, authids)

    def _look(self, door: RealmAuth, accounts: Accounts, authids: Collection[str] | None) -> None:
        for authid, here in self._sessions(door, authids).items():
            question = FindAccount(accounts, "authid", authid, "", NOBODY)
            self._realms.answers.tell(question, self._found, here)

    def _sessions(self, door: RealmAuth, authids: Collection[str] | None) -> dict[str, _Here]:
        """The sessions that came in by a door, by authid."""
        here: dict[str, _Here] = defaultdict(list)
        for shell in self._realms.all():
            if self._realms.door(shell.core.name) is door:
                for session in shell.core.sessions.values():
                    if (authids is None or session.authid in authids) and is_kept(session):
                        here[session.authid].append((shell, session))
        return here

    def _found(self, account: Account | Failed | None, here: _Here) -> None:
        if account is None:
            self._expel(here, GONE)
        elif isinstance(account, Account):
            self._expel(here, ANOTHER_ROLE, lambda session: session.authrole != account.role)

    def _expel(self, here: _Here, why: str, is_meant: Callable[[Session], bool] = lambda _: True) -> None:
        for shell, session in here:
            if is_meant(session) and session.id in shell.core.sessions:
                log.info(
                    "{id} ({authid}) is sent away: {why}",
                    id=session.id,
                    authid=session.authid,
                    why=why,
                    log_fields=fields_of(session, shell.core.name),
                )
                shell.core.expel([session], KILLED, why)
                shell.tidy()
        self._realms.end_of_turn()


def is_kept(session: Session | Accept) -> bool:
    """Whether a session is of a principal that is kept."""
    return session.authprovider in PROVIDERS and session.authmethod != "anonymous"
