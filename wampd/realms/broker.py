"""The broker: who subscribed to what, and who gets an event.

Rules
-----
* Subscribers of the same topic with the same match policy share one subscription and its id; subscribing again gives the
  id that is there already; one UNSUBSCRIBE ends it (basic profile, "Publish and Subscribe").
* Every matching subscription fires once, in the order of `UriMap.matching`, with one publication id (advanced profile,
  "Pattern-based Subscriptions"). The publisher is left out unless it says ``exclude_me: false``.
* A PUBLISH that does not ask for acknowledgement is never answered, whatever is wrong with it.
* An unfiltered event is one object for all subscribers of a subscription, so that it is encoded once.
* Topics of ``wamp`` and ``wampd`` reach a pattern only if what granted the pattern names that namespace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

from wampd.realms.grants import DISCLOSURE_DISALLOWED, NOT_AUTHORIZED
from wampd.realms.messages import (
    PUBLISH,
    PUBLISHED,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    Event,
    Format,
    Publish,
    Subscribe,
    Unsubscribe,
)
from wampd.realms.options import Match, PublishOptions
from wampd.realms.outside import Outside
from wampd.realms.session import ProtocolViolation, Session
from wampd.realms.uris import UriMap
from wampd.realms.watcher import Watcher

NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription"


class Subscription:
    """A topic or pattern, and the sessions that want its events."""

    __slots__ = ("id", "match", "subscribers", "uri")

    def __init__(self, subscription_id: int, uri: str, match: Match) -> None:
        self.id = subscription_id
        self.uri = uri
        self.match: Match = match
        self.subscribers: dict[Session, None] = {}


class Broker:
    """Publish and subscribe in one realm."""

    watcher: Watcher
    """Is told of subscriptions; set by the realm."""

    def __init__(self, touched: list[Session], outside: Outside, max_subscriptions: int, struck: Counter[str]) -> None:
        """``max_subscriptions`` is per session; ``struck`` counts what is dropped."""
        self._touched = touched
        self._new_id = outside.new_id
        self._max_subscriptions = max_subscriptions
        self._struck = struck
        self._ids = count(1)
        self.subscriptions: UriMap[Subscription] = UriMap()

    # ------------------------------------------------------------------------------------------------- publications

    def publish(self, session: Session, message: Publish) -> None:
        """Serve a PUBLISH."""
        uri = message.uri
        options = message.options
        grant = session.grants.publications.get(uri) or session.grants.publish(uri)
        if options.ppt_scheme:
            raise ProtocolViolation("payload passthru mode is not announced by this router")
        if grant.refusal is not None:
            if options.acknowledge:
                session.refuse(PUBLISH, message.id, grant.refusal, grant.reason)
            return
        if options.disclose_me and grant.disclose == "never":
            if options.acknowledge:
                session.refuse(PUBLISH, message.id, DISCLOSURE_DISALLOWED)
            return

        subscriptions = self.subscriptions.matching(uri)
        if options.acknowledge:
            publication = self._new_id()
            session.send((PUBLISHED, message.id, publication))
        elif subscriptions:
            publication = self._new_id()
        if not subscriptions:
            return

        details: dict[str, Any] = {}
        if options.disclose_me or grant.disclose == "always":
            details = {
                "publisher": session.id,
                "publisher_authid": session.authid,
                "publisher_authrole": session.authrole,
            }
        if grant.trustlevel is not None:
            details["trustlevel"] = grant.trustlevel
        excluded = session if options.exclude_me else None
        admits = _audience(options)
        touched = self._touched
        for subscription in subscriptions:
            told = {**details, "topic": uri} if subscription.match != "exact" else details
            event = Event(subscription.id, publication, told, message.args, message.kwargs, session.format)
            for receiver in subscription.subscribers:
                if receiver is excluded or (admits is not None and not admits(receiver)):
                    continue
                if receiver.deaf:
                    receiver.dropped += 1
                    self._struck["events dropped"] += 1
                    continue
                outbox = receiver.outbox
                if not outbox:
                    touched.append(receiver)
                outbox.append(event)

    def emit(self, topic: str, args: list[Any], unless: tuple[Session, Subscription] | None = None) -> None:
        """Publish an event of the router's own; the session in ``unless`` does not get it through that subscription."""
        subscriptions = self.subscriptions.matching(topic)
        if not subscriptions:
            return
        publication = self._new_id()
        for subscription in subscriptions:
            details = {} if subscription.match == "exact" else {"topic": topic}
            event = Event(subscription.id, publication, details, args, None, Format.PLAIN)
            for receiver in subscription.subscribers:
                if receiver.deaf:
                    receiver.dropped += 1
                    self._struck["events dropped"] += 1
                elif unless != (receiver, subscription):
                    receiver.send(event)

    # ------------------------------------------------------------------------------------------------ subscriptions

    def subscribe(self, session: Session, message: Subscribe) -> None:
        """Serve a SUBSCRIBE."""
        match = message.options.match
        grant = session.grants.decide("subscribe", message.uri, match)
        if grant.refusal is not None:
            session.refuse(SUBSCRIBE, message.id, grant.refusal, grant.reason)
            return
        held = session.subscriptions
        if held is None:
            held = session.subscriptions = {}
        subscription = self.subscriptions.get(message.uri, match)
        new = subscription is None
        if subscription is None or subscription.id not in held:
            if len(held) >= self._max_subscriptions:
                reason = f"no more than {self._max_subscriptions} subscriptions in one session"
                self._struck["subscriptions over the limit"] += 1
                session.refuse(SUBSCRIBE, message.id, NOT_AUTHORIZED, reason)
                return
            if subscription is None:
                subscription = Subscription(next(self._ids), message.uri, match)
                self.subscriptions.add(message.uri, match, subscription)
            subscription.subscribers[session] = None
            held[subscription.id] = subscription
            session.send((SUBSCRIBED, message.id, subscription.id))
            self.watcher.subscribed(session, subscription, created=new)
        else:
            session.send((SUBSCRIBED, message.id, subscription.id))

    def unsubscribe(self, session: Session, message: Unsubscribe) -> None:
        """Serve an UNSUBSCRIBE."""
        subscription = (session.subscriptions or {}).pop(message.subscription, None)
        if subscription is None:
            session.refuse(UNSUBSCRIBE, message.id, NO_SUCH_SUBSCRIPTION)
            return
        session.send((UNSUBSCRIBED, message.id))
        self._detach(session, subscription)

    def detach(self, session: Session, most: int) -> int:
        """Take a session that has left off at most so many of its subscriptions; return how many are still to go."""
        held = session.subscriptions
        while held and most > 0:
            self._detach(session, held.popitem()[1])
            most -= 1
        return len(held or ())

    def _detach(self, session: Session, subscription: Subscription) -> None:
        del subscription.subscribers[session]
        deleted = not subscription.subscribers
        if deleted:
            self.subscriptions.remove(subscription.uri, subscription.match)
        self.watcher.unsubscribed(session, subscription, deleted=deleted)


def _audience(options: PublishOptions) -> Callable[[Session], bool] | None:
    """Who may get an event: in every list of eligibles given, and in none of the exclusions; `None`: everybody.

    An eligible list that is there but empty names nobody (advanced profile, "Subscriber Black- and Whitelisting").
    """
    tests: list[tuple[str, frozenset[Any], bool]] = []
    for attribute, eligible, exclude in (
        ("id", options.eligible, options.exclude),
        ("authid", options.eligible_authid, options.exclude_authid),
        ("authrole", options.eligible_authrole, options.exclude_authrole),
    ):
        if eligible is not None:
            tests.append((attribute, frozenset(eligible), True))
        if exclude:
            tests.append((attribute, frozenset(exclude), False))
    if not tests:
        return None
    return lambda session: all((getattr(session, attribute) in names) is wanted for attribute, names, wanted in tests)
