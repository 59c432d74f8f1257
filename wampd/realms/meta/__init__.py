"""The meta API of a realm: who is here, what is registered and subscribed, as ordinary procedures and topics.

Rules
-----
* No other module knows the names and shapes of the meta API: the realm, the broker and the dealer tell a `Watcher` what
  changes, and the procedures are served as all others of the router's are.
* Whoever may call a procedure or subscribe to a topic of the meta API learns all that it tells: permissions are the roles'
  business (``wamp.*`` is closed unless a rule names it).
* A session's own joining and leaving is not told to itself, nor is a subscription told of through itself.
* Nothing is told of a session that is sent away quietly (``wamp.session.kill_all``).

Sources: WAMP advanced profile, "Session Meta API", "Registration Meta API" and "Subscription Meta API".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wampd.realms.meta.registrations import RegistrationMeta
from wampd.realms.meta.sessions import SessionMeta
from wampd.realms.meta.subscriptions import SubscriptionMeta
from wampd.realms.reflection import Reflection

if TYPE_CHECKING:
    from wampd.realms.outside import Outside
    from wampd.realms.realm import Realm
    from wampd.realms.registrations import Registration
    from wampd.realms.session import Session
    from wampd.realms.subscription import Subscription


class Meta:
    """The meta API of one realm; the realm's `wampd.realms.watcher.Watcher`."""

    def __init__(self, realm: Realm, outside: Outside) -> None:
        self.denied = realm.books.denied
        self._sessions = SessionMeta(realm)
        self._registrations = RegistrationMeta(realm.dealer, realm.broker, outside.wall, realm.sessions)
        self._subscriptions = SubscriptionMeta(realm.broker, outside.wall)
        self.registrations_known = self._registrations.known
        self.subscriptions_known = self._subscriptions.known
        self.reflection = Reflection(realm.broker, realm.dealer, realm.struck)
        for part in (self._sessions, self._registrations, self._subscriptions, self.reflection):
            realm.dealer.services.procedures.update(part.procedures())

    def joined(self, session: Session) -> None:
        """Tell of a session that has joined."""
        self._sessions.joined(session)

    def left(self, session: Session) -> None:
        """Tell of a session that has left."""
        self._sessions.left(session)
        self.reflection.left(session)

    def subscribed(self, session: Session, subscription: Subscription, *, created: bool) -> None:
        """Tell of a subscription."""
        self._subscriptions.added(session, subscription, created=created)

    def unsubscribed(self, session: Session, subscription: Subscription, *, deleted: bool) -> None:
        """Tell of the end of a subscription."""
        self._subscriptions.removed(session, subscription, deleted=deleted)

    def registered(self, session: Session, registration: Registration, *, created: bool) -> None:
        """Tell of a registration."""
        self._registrations.added(session, registration, created=created)

    def unregistered(self, session: Session, registration: Registration, *, deleted: bool) -> None:
        """Tell of the end of a registration."""
        self._registrations.removed(session, registration, deleted=deleted)
