"""The subscription meta API: which topics are subscribed to, and by whom.

Rules
-----
* Subscriptions of topics of the meta API are subscriptions as all others. But who subscribes is not told of it through
  the very subscription that it has just made: SUBSCRIBED says so already.
* Subscribing again to what one is subscribed to changes nothing, and is not told.
* A subscription that stands whether anybody subscribes or not, for the sake of its history, is neither created nor deleted.

Sources: WAMP advanced profile, "Subscription Meta API" and "Subscription Revocation".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wampd.realms.meta.shapes import (
    ById,
    ByUri,
    Known,
    Lookup,
    LookupOptions,
    Nothing,
    Removal,
    counted,
    ids_by_match,
    not_among_them,
    those_here,
)
from wampd.realms.services import Procedure, Result, taking

if TYPE_CHECKING:
    from wampd.realms.broker import Broker
    from wampd.realms.session import Session
    from wampd.realms.subscription import Subscription

NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription"


class SubscriptionMeta:
    """The subscription meta API of one realm."""

    def __init__(self, broker: Broker, wall: Callable[[], float]) -> None:
        """``wall`` tells Unix time."""
        self._broker = broker
        self._emit = broker.emit
        self._wall = wall
        self.known: Known[Subscription] = Known(NO_SUCH_SUBSCRIPTION)
        for standing in broker.by_id.values():  # for the sake of its history
            self.known.add(standing, wall())

    def procedures(self) -> dict[str, Procedure]:
        """What is served, by URI."""
        return {
            "wamp.subscription.list": taking(Nothing, self.list_subscriptions),
            "wamp.subscription.lookup": taking(Lookup, self.lookup),
            "wamp.subscription.match": taking(ByUri, self.match),
            "wamp.subscription.get": taking(ById, self.get),
            "wamp.subscription.list_subscribers": taking(ById, self.list_subscribers),
            "wamp.subscription.count_subscribers": taking(ById, self.count_subscribers),
            "wamp.subscription.remove_subscriber": taking(Removal, self.remove_subscriber),
        }

    # ------------------------------------------------------------------------------------------------------- events

    def added(self, session: Session, subscription: Subscription, *, created: bool) -> None:
        """Tell of a subscriber."""
        own = session, subscription
        if created:
            self.known.add(subscription, self._wall())
            told = [session.id, self.known.details(subscription.id)]
            self._emit("wamp.subscription.on_create", told, own)
        self._emit("wamp.subscription.on_subscribe", [session.id, subscription.id], own)

    def removed(self, session: Session, subscription: Subscription, *, deleted: bool) -> None:
        """Tell of a subscriber that is no more."""
        if deleted:
            self.known.remove(subscription)
        if session.quiet:
            return
        self._emit("wamp.subscription.on_unsubscribe", [session.id, subscription.id])
        if deleted:
            self._emit("wamp.subscription.on_delete", [session.id, subscription.id])

    # --------------------------------------------------------------------------------------------------- procedures

    def list_subscriptions(self, _caller: Session, _given: Nothing) -> dict[str, list[int]]:
        """The ids of all subscriptions, by match policy."""
        return ids_by_match(self._broker.subscriptions)

    def lookup(self, _caller: Session, given: Lookup) -> int | None:
        """The subscription of exactly this topic and match policy."""
        found = self._broker.subscriptions.get(given.uri, (given.options or LookupOptions()).match)
        return None if found is None else found.id

    def match(self, _caller: Session, given: ByUri) -> list[int] | None:
        """The subscriptions whose subscribers a publication to this topic reaches."""
        return [found.id for found in self._broker.subscriptions.matching(given.uri)] or None

    def get(self, _caller: Session, given: ById) -> dict[str, Any]:
        """What a subscription is."""
        return self.known.details(given.id)

    def list_subscribers(self, _caller: Session, given: ById) -> list[int]:
        """The ids of the sessions that are subscribed."""
        return those_here(self.known.find(given.id).subscribers)

    def count_subscribers(self, _caller: Session, given: ById) -> Result:
        """The number of sessions that are subscribed."""
        return counted(self.known.find(given.id).subscribers)

    def remove_subscriber(self, _caller: Session, given: Removal) -> Result:
        """Take a subscriber off a subscription; it is told if it understands that."""
        subscription = self.known.find(given.id)
        session = self._broker.subscriber(subscription, given.session)
        if session is None:
            raise not_among_them(given.session)
        self._broker.revoke(subscription, session, given.why)
        return Result()
