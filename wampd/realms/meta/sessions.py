"""The session meta API: who is here, and sending sessions away.

Rules
-----
* Of a session's transport its kind and subprotocol are shown, and nothing else: no address, header, cookie or token.
* Killing never strikes the caller itself. Who is killed is gone when the call is answered: it is in no list, gets no event
  and no call, and what it still says is dropped. It is told with GOODBYE.
* ``kill_all`` tells nobody: neither meta events nor testaments come of it.

Source: WAMP advanced profile, "Session Meta API".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from wampd.realms.meta.shapes import NO_SUCH_SESSION, Text, reason_of
from wampd.realms.options import Id
from wampd.realms.services import Arguments, Procedure, Refused, Result, taking

if TYPE_CHECKING:
    from wampd.realms.realm import Realm
    from wampd.realms.session import Session

KILLED = "wamp.close.killed"

SHOWN = ("type", "protocol")
"""What is shown of a session's transport."""


class ByRoles(Arguments, frozen=True):
    """Of which roles; `None`: of all."""

    filter_authroles: list[str] | None = None


class BySession(Arguments, frozen=True):
    """Which session."""

    session: Id


class Kill(Arguments, frozen=True):
    """Which session is to go, and what it is told."""

    session: Id
    reason: str | None = None
    message: Text | None = None


class KillByAuthid(Arguments, frozen=True):
    """Whose sessions are to go, and what they are told."""

    authid: str
    reason: str | None = None
    message: Text | None = None


class KillByAuthrole(Arguments, frozen=True):
    """The sessions of which role are to go, and what they are told."""

    authrole: str
    reason: str | None = None
    message: Text | None = None


class KillAll(Arguments, frozen=True):
    """What all sessions are told that are to go."""

    reason: str | None = None
    message: Text | None = None


class SessionMeta:
    """The session meta API of one realm."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._here = realm.sessions
        self._emit = realm.broker.emit

    def procedures(self) -> dict[str, Procedure]:
        """What is served, by URI."""
        return {
            "wamp.session.count": taking(ByRoles, self.count),
            "wamp.session.list": taking(ByRoles, self.list_sessions),
            "wamp.session.get": taking(BySession, self.get),
            "wamp.session.kill": taking(Kill, self.kill),
            "wamp.session.kill_by_authid": taking(KillByAuthid, self.kill_by_authid),
            "wamp.session.kill_by_authrole": taking(KillByAuthrole, self.kill_by_authrole),
            "wamp.session.kill_all": taking(KillAll, self.kill_all),
        }

    # ------------------------------------------------------------------------------------------------------- events

    def joined(self, session: Session) -> None:
        """Tell of a session that has joined."""
        self._emit("wamp.session.on_join", [details(session)])

    def left(self, session: Session) -> None:
        """Tell of a session that has left."""
        if not session.quiet:
            self._emit("wamp.session.on_leave", [session.id, session.authid, session.authrole])

    # --------------------------------------------------------------------------------------------------- procedures

    def count(self, _caller: Session, given: ByRoles) -> Result:
        """The number of sessions, of all roles or of some."""
        if given.filter_authroles is None:
            return Result([len(self._here)])
        return Result([len(self._of_roles(given.filter_authroles))], cost=len(self._here))

    def list_sessions(self, _caller: Session, given: ByRoles) -> Result:
        """The ids of sessions, of all roles or of some."""
        ids = list(self._here) if given.filter_authroles is None else self._of_roles(given.filter_authroles)
        return Result([ids], cost=len(self._here))

    def get(self, _caller: Session, given: BySession) -> dict[str, Any]:
        """Who a session is."""
        return details(self._find(given.session))

    def kill(self, caller: Session, given: Kill) -> Result:
        """Send one session away."""
        reason = reason_of(given.reason, KILLED)
        victim = self._find(given.session)
        if victim is caller:
            raise Refused(NO_SUCH_SESSION, "a session does not kill itself")
        self._realm.books.killed(caller, "wamp.session.kill", [victim], reason)
        self._realm.expel([victim], reason, given.message or "")
        return Result()

    def kill_by_authid(self, caller: Session, given: KillByAuthid) -> Result:
        """Send the sessions of one authid away; return their ids."""
        cost = len(self._here)
        killed = self._kill(
            caller, "wamp.session.kill_by_authid", given, lambda session: session.authid == given.authid
        )
        return Result([killed], cost=cost)

    def kill_by_authrole(self, caller: Session, given: KillByAuthrole) -> Result:
        """Send the sessions of one role away; return how many."""
        cost = len(self._here)
        killed = self._kill(
            caller, "wamp.session.kill_by_authrole", given, lambda session: session.authrole == given.authrole
        )
        return Result([len(killed)], cost=cost)

    def kill_all(self, caller: Session, given: KillAll) -> Result:
        """Send all sessions away but the caller's; return how many. Nobody is told of it but they."""
        return Result([len(self._kill(caller, "wamp.session.kill_all", given, lambda _session: True, quietly=True))])

    def _kill(
        self,
        caller: Session,
        procedure: str,
        given: KillByAuthid | KillByAuthrole | KillAll,
        is_meant: Callable[[Session], bool],
        *,
        quietly: bool = False,
    ) -> list[int]:
        reason = reason_of(given.reason, KILLED)
        victims = [session for session in self._here.values() if session is not caller and is_meant(session)]
        if victims:
            self._realm.books.killed(caller, procedure, victims, reason)
        self._realm.expel(victims, reason, given.message or "", quietly=quietly)
        return [session.id for session in victims]

    def _of_roles(self, authroles: list[str]) -> list[int]:
        wanted = frozenset(authroles)
        return [session.id for session in self._here.values() if session.authrole in wanted]

    def _find(self, session_id: int) -> Session:
        session = self._here.get(session_id)
        if session is None:
            raise Refused(NO_SUCH_SESSION, f"there is no session {session_id} here")
        return session


def details(session: Session, shown: Sequence[str] = SHOWN) -> dict[str, Any]:
    """Who a session is, for those who may know; of its transport they are ``shown`` this."""
    return {
        "session": session.id,
        "authid": session.authid,
        "authrole": session.authrole,
        "authmethod": session.authmethod,
        "authprovider": session.authprovider,
        "transport": {key: session.transport[key] for key in shown if key in session.transport},
    }
