"""How many sessions there are, of the realm, of roles and of principals, and whether there is room for one more.

Rules
-----
* Only what has a limit is counted; a count that is nought is not kept.
* A principal is an authid, in whatever roles its sessions are.
"""

from __future__ import annotations

from collections import Counter

from wampd.realms.limits import Quota, beyond
from wampd.realms.session import Session


class Occupancy:
    """The sessions of one realm, counted."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._sessions = 0
        self._of_role: Counter[str] = Counter()
        self._of_principal: Counter[str] = Counter()
        self._counts_principals = bool(quota.sessions_per_principal or quota.sessions_per_principal_by_role)

    def full(self, authrole: str, authid: str) -> str | None:
        """What keeps one more session of this role and principal out, for the client to read; `None`: there is room for it."""
        quota = self._quota
        if quota.sessions is not None and self._sessions >= quota.sessions:
            return beyond("sessions", quota.sessions)
        most = quota.sessions_by_role.get(authrole)
        if most is not None and self._of_role[authrole] >= most:
            return f"{beyond('sessions', most)}, of the role {authrole!r}"
        most = quota.sessions_per_principal_by_role.get(authrole, quota.sessions_per_principal)
        if most is not None and self._of_principal[authid] >= most:
            return beyond("sessions_per_principal", most)
        return None

    def joined(self, session: Session) -> None:
        """There is one more."""
        self._count(session, 1)

    def left(self, session: Session) -> None:
        """There is one less."""
        self._count(session, -1)

    def _count(self, session: Session, number: int) -> None:
        self._sessions += number
        if session.authrole in self._quota.sessions_by_role:
            self._of_role[session.authrole] += number
        if self._counts_principals:
            self._of_principal[session.authid] += number
            if not self._of_principal[session.authid]:
                del self._of_principal[session.authid]
