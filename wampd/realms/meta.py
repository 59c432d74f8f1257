"""The meta API of a realm: who is here, what is registered and subscribed, as ordinary procedures and topics.

Rules
-----
* No other module knows the names and shapes of the meta API.
* A session's own joining and leaving is not told to itself, nor is a subscription told of to itself.

Sources: WAMP advanced profile, "Session Meta API".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wampd.realms.broker import Broker
    from wampd.realms.registrations import Registration
    from wampd.realms.session import Session
    from wampd.realms.subscription import Subscription


class Meta:
    """The meta API of one realm."""

    def __init__(self, broker: Broker) -> None:
        self._emit = broker.emit

    def joined(self, session: Session) -> None:
        """Tell of a session that has joined."""
        self._emit("wamp.session.on_join", [session.details()])

    def left(self, session: Session) -> None:
        """Tell of a session that has left."""
        self._emit("wamp.session.on_leave", [session.id, session.authid, session.authrole])

    def subscribed(self, session: Session, subscription: Subscription, *, created: bool) -> None:
        """Tell of a subscription."""
        own = session, subscription
        if created:
            details = {"id": subscription.id, "uri": subscription.uri, "match": subscription.match}
            self._emit("wamp.subscription.on_create", [session.id, details], own)
        self._emit("wamp.subscription.on_subscribe", [session.id, subscription.id], own)

    def unsubscribed(self, session: Session, subscription: Subscription, *, deleted: bool) -> None:
        """Tell of the end of a subscription."""
        self._emit("wamp.subscription.on_unsubscribe", [session.id, subscription.id])
        if deleted:
            self._emit("wamp.subscription.on_delete", [session.id, subscription.id])

    def registered(self, session: Session, registration: Registration, *, created: bool) -> None:
        """Tell of a registration."""
        if created:
            details = {"id": registration.id, "uri": registration.uri, "match": registration.match}
            self._emit("wamp.registration.on_create", [session.id, details])
        self._emit("wamp.registration.on_register", [session.id, registration.id])

    def unregistered(self, session: Session, registration: Registration, *, deleted: bool) -> None:
        """Tell of the end of a registration."""
        self._emit("wamp.registration.on_unregister", [session.id, registration.id])
        if deleted:
            self._emit("wamp.registration.on_delete", [session.id, registration.id])
