"""Who subscribed to what: the subscriptions of one realm, with what is kept of their topics.

Rules
-----
* Subscribers of the same topic with the same match policy share one subscription and its id; subscribing again gives the
  id that is there already; one UNSUBSCRIBE ends it (basic profile, "Publish and Subscribe").
* A subscription is gone with its last subscriber, unless it has a history: that one stands.
* Who asks for retained events gets them after the SUBSCRIBED, unless it has asked for very much in one turn already.
* A subscriber that is taken off without having asked for it is told, if it announced that it understands (advanced profile,
  "Subscription Revocation").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count

from wampd.realms.abilities import has
from wampd.realms.grants import NOT_AUTHORIZED
from wampd.realms.history import History, HistoryRule
from wampd.realms.limits import Quota, beyond
from wampd.realms.messages import SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED, Subscribe, Unsubscribe
from wampd.realms.options import Match
from wampd.realms.outside import Outside
from wampd.realms.publications import Publication
from wampd.realms.retained import Retained, Retention
from wampd.realms.session import Session
from wampd.realms.subscription import Subscription
from wampd.realms.uris import UriMap
from wampd.realms.watcher import Watcher

NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription"
OUTBOX = 10_000
"""With more than so many messages waiting to be sent in this turn, a session gets no retained events."""
SPENT = 40_000
"""Nor does it when so many were looked at for it in this turn; what the router's own answers cost counts, too."""


class Subscribing:
    """The subscriptions of one realm, of which the broker is one half."""

    watcher: Watcher
    """Is told of subscriptions; set by the realm."""

    def __init__(
        self,
        outside: Outside,
        struck: Counter[str],
        *,
        sessions: Mapping[int, Session],
        quota: Quota,
        retention: Retention,
        history: Iterable[HistoryRule],
    ) -> None:
        """``struck`` counts what is dropped; ``sessions`` finds them by id."""
        self.struck = struck
        """How often limits struck here, and in what works by publishing."""
        self._sessions = sessions
        self._ids = count(1)
        self.subscriptions: UriMap[Subscription] = UriMap()
        self.by_id: dict[int, Subscription] = {}
        self.retained = Retained(retention, quota, outside.now)
        self.histories = [History(rule, outside) for rule in history]
        for kept in self.histories:
            self._new_subscription(kept.rule.uri, kept.rule.match, kept)

    def subscribe(self, session: Session, message: Subscribe) -> None:
        """Serve a SUBSCRIBE."""
        options = message.options
        match = options.match
        grant = session.grants.decide("subscribe", message.uri, match)
        if grant.refusal is not None:
            self.watcher.denied(session, "subscribe", message.uri, grant, match, message.id)
            session.refuse(SUBSCRIBE, message.id, grant.refusal, grant.reason, message.uri)
            return
        held = session.subscriptions
        if held is None:
            held = session.subscriptions = {}
        subscription = self.subscriptions.get(message.uri, match)
        new = subscription is None
        joins = subscription is None or subscription.id not in held
        if joins and len(held) >= session.limits.subscriptions:
            reason = beyond("subscriptions", session.limits.subscriptions)
            self.struck["subscriptions over the limit"] += 1
            session.refuse(SUBSCRIBE, message.id, NOT_AUTHORIZED, reason, message.uri)
            return
        if subscription is None:
            subscription = self._new_subscription(message.uri, match)
        subscription.subscribers[session] = None
        held[subscription.id] = subscription
        subscription.place(session, options.nkey)
        session.send((SUBSCRIBED, message.id, subscription.id))
        if options.get_retained:
            self._replay(session, subscription)
        if joins:
            self.watcher.subscribed(session, subscription, created=new)

    def _replay(self, session: Session, subscription: Subscription) -> None:
        """Send a subscriber what its subscription's topics retain for it."""
        # It may have asked for very much in one turn already.
        if session.deaf or len(session.outbox) > OUTBOX or session.spent >= SPENT:
            self.struck["requests for retained events not served"] += 1
            return
        nodes = 0 if subscription.shards is None else len(subscription.shards.nkeys)
        me = session.id

        def admits(publication: Publication) -> bool:
            rkey, lists = publication.rkey, publication.audience
            return (
                publication.excluded != me
                and (lists is None or lists.admits(session))
                and (rkey is None or subscription.is_of_shard(session, rkey))
            )

        replay = self.retained.replay(subscription.uri, subscription.match, admits, nodes)
        session.spent += replay.looked
        for publication in replay.events:
            session.send(publication.event(subscription.id, subscription.match, retained=True))

    def _new_subscription(self, uri: str, match: Match, history: History | None = None) -> Subscription:
        subscription = Subscription(next(self._ids), uri, match, history)
        self.subscriptions.add(uri, match, subscription)
        self.by_id[subscription.id] = subscription
        return subscription

    def keep(self, rules: Iterable[HistoryRule], outside: Outside) -> tuple[list[Subscription], list[Subscription]]:
        """Keep these histories from now on, and no others; the subscriptions that are there for them, and are no more."""
        there = {(history.rule.uri, history.rule.match): history for history in self.histories}
        created: list[Subscription] = []
        self.histories = []
        for rule in rules:
            history = there.pop((rule.uri, rule.match), None)
            if history is None:
                history = History(rule, outside)
                subscription = self.subscriptions.get(rule.uri, rule.match)
                if subscription is None:
                    created.append(self._new_subscription(rule.uri, rule.match, history))
                else:
                    subscription.history = history
            history.change(rule)
            self.histories.append(history)
        deleted = [subscription for uri, match in there if (subscription := self._without_history(uri, match))]
        return created, deleted

    def _without_history(self, uri: str, match: Match) -> Subscription | None:
        """Keep no history of a subscription; return it if it is gone with that."""
        subscription = self.subscriptions.get(uri, match)
        assert subscription is not None, "a subscription with a history stands"
        subscription.history = None
        if subscription.subscribers:
            return None
        self._remove(subscription)
        return subscription

    def unsubscribe(self, session: Session, message: Unsubscribe) -> None:
        """Serve an UNSUBSCRIBE."""
        subscription = (session.subscriptions or {}).pop(message.subscription, None)
        if subscription is None:
            session.refuse(UNSUBSCRIBE, message.id, NO_SUCH_SUBSCRIPTION)
            return
        session.send((UNSUBSCRIBED, message.id))
        self._detach(session, subscription)

    def revoke(self, subscription: Subscription, session: Session, reason: str) -> bool:
        """Take a subscriber off, and tell it if it understands that; whether it was one.

        Advanced profile, "Subscription Revocation": the message is an UNSUBSCRIBED that answers no request.
        """
        if subscription.id not in (session.subscriptions or {}):
            return False
        assert session.subscriptions is not None
        del session.subscriptions[subscription.id]
        if has(session.roles.subscriber, "subscription_revocation"):
            session.send((UNSUBSCRIBED, 0, {"subscription": subscription.id, "reason": reason}))
        self._detach(session, subscription)
        return True

    def subscriber(self, subscription: Subscription, session_id: int) -> Session | None:
        """The session of this id, if it is here and subscribed."""
        session = self._sessions.get(session_id)
        return session if session in subscription.subscribers else None

    def detach(self, session: Session, most: int) -> int:
        """Take a session that has left off at most so many of its subscriptions; return how many are still to go."""
        held = session.subscriptions
        while held and most > 0:
            self._detach(session, held.popitem()[1])
            most -= 1
        return len(held or ())

    def _detach(self, session: Session, subscription: Subscription) -> None:
        del subscription.subscribers[session]
        subscription.displace(session)
        deleted = not subscription.subscribers and subscription.history is None
        if deleted:
            self._remove(subscription)
        self.watcher.unsubscribed(session, subscription, deleted=deleted)

    def _remove(self, subscription: Subscription) -> None:
        self.subscriptions.remove(subscription.uri, subscription.match)
        del self.by_id[subscription.id]
