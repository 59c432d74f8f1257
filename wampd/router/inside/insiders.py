"""How sessions of the router's own come into realms.

Rules
-----
* Three ways: as the router itself, who may do everything (`Insiders.enter`); in a role that the configuration names, without
  proof (`Insiders.enter` with a role); and by what somebody shows who speaks HTTP, through the door that all clients pass
  (`Insiders.log_in`): the methods, the throttle and the books are the same.
* A line in memory is all that it has below it. It counts as a session of its realm, and can be sent away like every other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw
from twisted.internet.defer import Deferred

from wampd.auth.handshake import NO_SUCH_REALM
from wampd.auth.methods import Deny
from wampd.auth.outcomes import Accept
from wampd.realms.messages import ABORT, AUTHENTICATE, CHALLENGE, HELLO, WELCOME
from wampd.realms.options import ClientRole, ClientRoles
from wampd.router.inside.coming import Credentials, NotLetIn
from wampd.router.inside.insider import Insider
from wampd.router.inside.own import ROUTER, Everything, OwnGrants
from wampd.router.realms import Realms
from wampd.router.transports.memory import MemoryLine
from wampd.router.wire.json_codec import JsonCodec

__all__ = ["Credentials", "Insiders", "NotLetIn"]

METHOD: Final = "internal"
"""``authmethod`` of those who prove nothing."""
FEATURES: Final[Mapping[str, Mapping[str, Any]]] = {
    "publisher": {"publisher_exclusion": True, "publisher_identification": True},
    "subscriber": {
        "pattern_based_subscription": True,
        "publisher_identification": True,
        "event_history": True,
        "subscription_revocation": True,
    },
    "caller": {"progressive_call_results": True, "call_canceling": True, "call_timeout": True},
    "callee": {
        "progressive_call_results": True,
        "call_canceling": True,
        "caller_identification": True,
        "pattern_based_registration": True,
        "shared_registration": True,
    },
}
ROLES: Final = ClientRoles(**{name: ClientRole(dict.fromkeys(own, True)) for name, own in FEATURES.items()})
_HELLO_ROLES: Final = {name: {"features": own} for name, own in FEATURES.items()}
_elements = msgspec.json.Decoder(list[Raw])


class Insiders:
    """Lets sessions of the router's own into realms."""

    def __init__(self, realms: Realms, clock: Any) -> None:
        """``clock`` is an ``IReactorTime``."""
        self._realms = realms
        self._clock = clock
        self._codec = JsonCodec()

    def enter(
        self,
        realm: str,
        authid: str = ROUTER,
        role: str | None = None,
        *,
        method: str = METHOD,
        about: Mapping[str, Any] | None = None,
    ) -> Insider:
        """Join a realm, in a role of it; `None`: as the router itself, which may do everything. Raise `NotLetIn`.

        ``about`` tells of what stands behind the session: ``type`` and ``peer``, as of a transport.
        """
        insider, line = self._line(about)
        door = self._realms.door(realm)
        if door is None:
            raise NotLetIn(NO_SUCH_REALM, f"there is no realm {realm!r}")
        session_id = self._realms.new_session_id()
        grants = OwnGrants(Everything()) if role is None else door.grants_of(role, authid, session_id)
        if isinstance(grants, Deny):
            raise NotLetIn(grants.uri, grants.message)
        accept = Accept(
            realm=realm,
            session_id=session_id,
            authid=authid,
            authrole=ROUTER if role is None else role,
            authmethod=method,
            authprovider=ROUTER,
            authextra=None,
            grants=grants,
            roles=ROLES,
            agent=ROUTER,
            client=ROUTER,
        )
        refusal = line.peer.let_in(accept)
        if refusal is not None:
            raise NotLetIn(refusal.reason, refusal.message)
        insider.id, insider.details = session_id, accept.details()
        return insider

    def log_in(self, realm: str, shown: Credentials, about: Mapping[str, Any]) -> Deferred[Insider]:
        """Join a realm as whoever can show this; the Deferred fails with `NotLetIn`. Cancelling it ends the attempt.

        ``about`` tells who comes: ``type``, ``peer`` (the address), and for some methods ``cookie`` or ``channel``.
        """
        insider, line = self._line(about)
        joined: Deferred[Insider] = Deferred(lambda _: line.drop())

        def answer(payload: bytes) -> None:
            elements = _elements.decode(payload)
            kind = msgspec.json.decode(elements[0])
            if kind == CHALLENGE:
                line.send_payloads([msgspec.json.encode([AUTHENTICATE, shown.secret, {}])])
                return
            line.on_payload = insider.heard
            line.on_close = lambda _, reason: insider.lost(reason)
            insider.heard(payload)
            if joined.called:
                insider.leave()
            elif kind == WELCOME:
                joined.callback(insider)
            elif kind == ABORT:
                details = msgspec.json.decode(elements[1])
                why = msgspec.json.decode(elements[2])
                joined.errback(NotLetIn(why, str(details.get("message", "")), details))

        def closed(_: int, reason: str) -> None:
            if not joined.called:
                joined.errback(NotLetIn("wamp.error.authentication_failed", reason))

        line.on_payload, line.on_close = answer, closed
        details: dict[str, Any] = {"roles": _HELLO_ROLES, "authmethods": [shown.method], "agent": ROUTER}
        if shown.authid is not None:
            details["authid"] = shown.authid
        line.send_payloads([msgspec.json.encode([HELLO, realm, details])])
        return joined

    def _line(self, about: Mapping[str, Any] | None) -> tuple[Insider, MemoryLine]:
        """A session that is not in yet, and its line."""
        told = {"type": METHOD, "peer": ROUTER, **(about or {})}
        send: list[Callable[[Sequence[bytes]], None]] = []
        insider = Insider(self._clock, lambda payloads: send[0](payloads))
        line = MemoryLine(
            self._realms,
            self._clock,
            self._codec,
            insider.heard,
            lambda _, reason: insider.lost(reason),
            about=told,
        )
        send.append(line.send_payloads)
        insider.on_over.append(lambda _: line.drop())  # it serves no second session, and waits for none
        return insider, line
