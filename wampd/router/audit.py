"""The books: who joined, who was refused what, who sent others away; in the log, and as events for those who may know.

Rules
-----
* One template each; what is in it also stands in fields of its own, which the JSON log has as keys: ``audit`` (what this is),
  ``realm``, ``session``, ``authid``, ``role``, ``method``, ``address``; and ``action``, ``uri``, ``request``, ``reason``,
  ``duration`` (seconds), ``received`` and ``sent`` (messages) and others where there are such.
* The same is published as ``wampd.audit.joined``, ``denied``, ``failed`` and ``killed`` in the realm concerned, if anybody is
  subscribed there; only rules that name ``wampd.`` allow that. Of realms that do not exist nothing is published.
* Sessions of the control realm come and go at level debug: `wampd status`, which health checks run again and again, is one.
  What operators change has lines of its own.
* Floods are summed up: of denials so many of a session are told in a second, and of failures so many of an address; then
  only how many more there were. Of failures the log has every one that is not left out for its own reasons.
* Nothing that proves who somebody is stands in any of it: no ticket, signature, key, cookie or token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from time import time
from typing import Any, Final

from twisted.logger import Logger

from wampd.auth.handshake import Abort
from wampd.realms.audit import Denial, Entry
from wampd.realms.realm import Realm
from wampd.realms.session import Session
from wampd.router.settings.control import CONTROL_REALM

log = Logger()
doors = Logger(namespace=f"{__name__}.auth")  # what the subsystem `auth` logs

Fields = dict[str, Any]

TOLD: Final = 5
"""How many of a kind are told in a second one by one."""
SECOND: Final = 1.0
LISTED: Final = 100
"""How many of the sessions that were sent away at once are named."""
LONGEST: Final = 100
"""Characters of what a client says of itself."""


def who(session: Session) -> str:
    """A session, as the log names it."""
    return f"{session.id} ({session.authid}, {session.authrole}, {session.transport.get('peer', '')})"


ABOUT: Final = ("session", "authid", "role", "method", "address")
"""The fields that tell of a session, beside the realm."""
IN_REALM: Final = (*ABOUT, "realm")


def about(session: Session, realm: str) -> Fields:
    """The fields that tell of a session."""
    return {"realm": realm, **dict(zip(ABOUT, _values(session), strict=True))}


def fields_of(session: Session, realm: str) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The same as names and values, for ``log_fields``: a dictionary is made of it only where one is needed."""
    return IN_REALM, (*_values(session), realm)


def _values(session: Session) -> tuple[Any, ...]:
    peer = session.transport.get("peer", "")
    return session.id, session.authid, session.authrole, session.authmethod, peer


class Auditor:
    """Keeps the books of all realms."""

    def __init__(self, clock: Any, find: Callable[[str], Realm | None], end_of_turn: Callable[[], None]) -> None:
        """``clock`` is an ``IReactorTime``; ``find`` finds an open realm."""
        self._clock = clock
        self._find = find
        self._end_of_turn = end_of_turn
        self._told: Counter[tuple[str, str, str]] = Counter()  # in this second, by audit, realm and whose they are
        self._whose: dict[tuple[str, str, str], Fields] = {}

    def joined(self, session: Session, realm: Realm) -> None:
        """A session has joined."""
        name = realm.name
        note = log.debug if name == CONTROL_REALM else log.info
        note("{who} joined {realm}", who=who(session), realm=name, audit="joined", log_fields=fields_of(session, name))
        if realm.broker.subscriptions.matching("wampd.audit.joined"):
            _tell(realm, "joined", about(session, name))

    def left(self, session: Session, realm: Realm, why: str) -> None:
        """A session has left."""
        name = realm.name
        note = log.debug if name == CONTROL_REALM else log.info
        note(
            "{who} left {realm}: {why} (after {duration:.1f} s; messages: {received} in, {sent} out)",
            who=who(session),
            realm=name,
            why=why,
            audit="left",
            duration=round(max(0.0, time() - session.since), 3),
            received=session.received,
            sent=session.sent,
            log_fields=fields_of(session, name),
        )

    def failed(self, comer: str, claims: Mapping[str, str], refusal: Abort) -> None:
        """A client was not let in; ``claims`` are its realm, authid, method and address, as far as it got."""
        fields = {"audit": "failed", "reason": refusal.reason, **{key: said[:LONGEST] for key, said in claims.items()}}
        if not refusal.quiet:
            doors.info("{who}: refused: {reason}: {why}", who=comer, why=refusal.log, **fields)
        realm = self._find(claims.get("realm", ""))
        address = claims.get("address", "")
        if realm is not None and self._may_tell(
            "failed", realm.name, address, {"realm": realm.name, "address": address}
        ):
            _tell(realm, "failed", fields)

    def write(self, entry: Entry) -> None:
        """Write down what a realm has left."""
        realm = self._find(entry.realm)
        if isinstance(entry, Denial):
            self._denied(entry, realm)
            return
        fields = about(entry.session, entry.realm)
        fields.update(procedure=entry.procedure, reason=entry.reason, count=len(entry.victims))
        ids = [victim.id for victim in entry.victims[:LISTED]]
        log.info(
            "{who} sent {count} sessions of {realm} away by {procedure}: {reason}: {victims}",
            who=who(entry.session),
            audit="killed",
            victims=", ".join(map(str, ids)) + (", …" if len(entry.victims) > LISTED else ""),
            **fields,
        )
        if realm is not None:
            _tell(realm, "killed", {**fields, "victims": ids})

    def _denied(self, entry: Denial, realm: Realm | None) -> None:
        whose = about(entry.session, entry.realm)
        if not self._may_tell("denied", entry.realm, who(entry.session), whose):
            return
        fields = {**whose, "action": entry.action, "uri": entry.uri, "match": entry.match, "reason": entry.reason}
        if entry.request is not None:
            fields["request"] = entry.request
        doors.info(
            "{who}: denied in {realm}: {action} {uri}: {reason}", who=who(entry.session), audit="denied", **fields
        )
        if realm is not None:
            _tell(realm, "denied", fields)

    # ---------------------------------------------------------------------------------------------------- in the small

    def _may_tell(self, audit: str, realm: str, whom: str, whose: Fields) -> bool:
        """Count one; whether it is to be told by itself."""
        key = audit, realm, whom
        if not self._told:
            self._clock.callLater(SECOND, self._sum_up)
        self._told[key] += 1
        if self._told[key] == TOLD + 1:
            self._whose[key] = whose
        return self._told[key] <= TOLD

    def _sum_up(self) -> None:
        """A second is over: tell how many were not told."""
        told, whose = self._told, self._whose
        self._told, self._whose = Counter(), {}
        for key, fields in whose.items():
            audit, name, whom = key
            fields = {**fields, "more": told[key] - TOLD}
            if audit == "denied":
                doors.info("{who}: denied in {realm}: … and {more:,} more", who=whom, audit=audit, **fields)
            realm = self._find(name)
            if realm is not None:
                _tell(realm, audit, fields)
        self._end_of_turn()


def _tell(realm: Realm, audit: str, fields: Fields) -> None:
    """Publish an event, if anybody wants it."""
    topic = f"wampd.audit.{audit}"
    if realm.broker.subscriptions.matching(topic):
        realm.broker.emit(topic, [{key: value for key, value in fields.items() if key != "audit"}])
