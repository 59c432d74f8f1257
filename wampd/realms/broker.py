"""The broker: who gets an event. Who subscribed to what is in `wampd.realms.subscribing`.

Rules
-----
* Every matching subscription fires once, in the order of `UriMap.matching`, with one publication id (advanced profile,
  "Pattern-based Subscriptions"). The publisher is left out unless it says ``exclude_me: false``.
* A PUBLISH that does not ask for acknowledgement is never answered, whatever is wrong with it.
* An event is one object for all subscribers of a subscription, so that it is encoded once.
* A publication without unusual options goes straight to the outboxes; any other becomes a `Publication` first.
* A deputy stands for others who have no session here: an event with lists of receivers goes to it whomever these name, and
  tells it the lists, as ``audience`` in its details.
* Topics of ``wamp`` and ``wampd`` reach a pattern only if what granted the pattern names that namespace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from wampd.realms.abilities import PASSTHRU, has
from wampd.realms.grants import DISCLOSURE_DISALLOWED, Grant
from wampd.realms.history import HistoryRule
from wampd.realms.limits import UNAVAILABLE, Quota
from wampd.realms.messages import (
    PUBLISH,
    PUBLISHED,
    Event,
    EventReceived,
    Format,
    Publish,
)
from wampd.realms.options import PublishOptions
from wampd.realms.outside import Outside
from wampd.realms.publications import Audience, Publication, audience, told
from wampd.realms.retained import Retention
from wampd.realms.services import Refused
from wampd.realms.session import Breather, ProtocolViolation, Session, State
from wampd.realms.subscribing import Subscribing
from wampd.realms.subscription import Subscription

_PLAIN = PublishOptions()
_ACKNOWLEDGED = PublishOptions(acknowledge=True)


class Broker(Subscribing):
    """Publish and subscribe in one realm."""

    def __init__(
        self,
        touched: list[Session],
        outside: Outside,
        struck: Counter[str],
        *,
        sessions: Mapping[int, Session],
        quota: Quota,
        retention: Retention,
        history: Iterable[HistoryRule],
    ) -> None:
        """``struck`` counts what is dropped; ``sessions`` finds them by id."""
        super().__init__(outside, struck, sessions=sessions, quota=quota, retention=retention, history=history)
        self._touched = touched
        self._new_id = outside.new_id
        self.publications = 0
        """How many were let through, so far."""
        self.events = 0
        """How many were put into outboxes, one for each receiver."""
        self._work = WORK
        self._pause_at = WORK
        """When so many were, who published last has a breather."""
        self._turn_now = outside.turn
        self._turn = -1
        self.deputies: dict[Session, None] = {}
        """Sessions of the router's own that know themselves who may get an event."""

    # ------------------------------------------------------------------------------------------------- publications

    def publish(self, session: Session, message: Publish) -> None:
        """Serve a PUBLISH."""
        options = message.options
        if options != _PLAIN and options != _ACKNOWLEDGED:
            self._publish_with_options(session, message)
            return
        uri = message.uri
        grant = session.grants.publications.get(uri) or session.grants.publish(uri)
        if grant.refusal is not None:
            self.watcher.denied(session, "publish", uri, grant, request=message.id)
            if options.acknowledge:
                session.refuse(PUBLISH, message.id, grant.refusal, grant.reason, uri)
            return
        self.publications += 1
        subscriptions = self.subscriptions.matching(uri)
        if options.acknowledge:
            publication = self._new_id()
            session.send((PUBLISHED, message.id, publication))
        elif subscriptions:
            publication = self._new_id()
        if not subscriptions:
            return
        details = told(session, grant) if grant.disclose == "always" or grant.trustlevel is not None else {}
        for subscription in subscriptions:
            if subscription.match == "exact":
                event = Event(subscription.id, publication, details, message.args, message.kwargs, session.format)
            else:
                about = {**details, "topic": uri}
                event = Event(subscription.id, publication, about, message.args, message.kwargs, session.format)
                self._pause_at -= OWN_EVENT
            subscription.events += 1
            self._fire(event, subscription.subscribers, session)
            if subscription.history is not None:
                subscription.history.add(event, uri)
        if self.events >= self._pause_at:
            self._pause()

    def _pause(self) -> None:
        """Very many events were sent; if they were in one turn, the next publication waits for another one."""
        self._pause_at = self.events + self._work
        turn, self._turn = self._turn, self._turn_now()
        if turn == self._turn or not self._work:
            raise Breather

    def hurry(self, hurry: bool) -> None:
        """Whether publications may follow one another as fast as they can be served; if not, each has a breather."""
        self._work = WORK if hurry else 0
        self._pause_at = self.events + self._work

    def _publish_with_options(self, session: Session, message: Publish) -> None:
        options = message.options
        if options.ppt_scheme and not has(session.roles.publisher, PASSTHRU):
            raise ProtocolViolation("payload passthru mode is used, and was not announced")
        try:
            grant = self.permit(session, message.uri, options, request=message.id)
            publication = self.publication(
                session, grant, message.uri, options, message.args, message.kwargs, session.format
            )
            full = self.retain(publication) if options.retain else None
            if full is not None and options.acknowledge:
                raise Refused(UNAVAILABLE, full)
        except Refused as refused:
            if options.acknowledge:
                session.refuse(PUBLISH, message.id, refused.uri, refused.reason, message.uri)
            return
        if options.acknowledge:
            session.send((PUBLISHED, message.id, publication.id))
        self.deliver(publication)
        if self.events >= self._pause_at:
            self._pause()

    def permit(
        self,
        session: Session,
        topic: str,
        options: PublishOptions,
        *,
        request: int | None = None,
        ending: bool = False,
    ) -> Grant:
        """What allows a session to publish to a topic with these options. Raises `Refused`.

        ``ending``: the session is over, and waits for no authorizer.
        """
        grant = session.grants.known("publish", topic) if ending else session.grants.publish(topic)
        if grant.refusal is not None:
            self.watcher.denied(session, "publish", topic, grant, request=request)
            raise Refused(grant.refusal, grant.reason)
        if options.disclose_me and grant.disclose == "never":
            raise Refused(DISCLOSURE_DISALLOWED)
        return grant

    def publication(
        self,
        session: Session,
        grant: Grant,
        topic: str,
        options: PublishOptions,
        args: Any,
        kwargs: Any,
        form: Format,
    ) -> Publication:
        """A publication of a session's, under a new id."""
        return Publication(
            self._new_id(),
            topic,
            told(session, grant, options),
            args,
            kwargs,
            form,
            session.id if options.exclude_me else None,
            audience(options),
            options.rkey,
        )

    def retain(self, publication: Publication) -> str | None:
        """Keep a publication for later subscribers; if there is no room for it, return what to tell of that."""
        full = self.retained.keep(publication)
        if full is not None:
            self.struck["retained events over the limit"] += 1
        return full

    def deliver(self, publication: Publication) -> None:
        """Send a publication to its subscribers."""
        self.publications += 1
        lists, rkey = publication.audience, publication.rkey
        excluded = None if publication.excluded is None else self._sessions.get(publication.excluded)
        for subscription in self.subscriptions.matching(publication.topic):
            event = publication.event(subscription.id, subscription.match)
            self._pause_at -= OWN_EVENT
            receivers = subscription.subscribers if rkey is None else subscription.of_shard(rkey)
            if lists is not None:
                receivers = lists.of(receivers, self._sessions)
                if self.deputies:
                    receivers = self._tell_deputies(publication, lists, subscription, receivers, excluded)
            subscription.events += 1
            self._fire(event, receivers, excluded)
            if subscription.history is not None:
                subscription.history.add(event, publication.topic, lists)

    def _tell_deputies(
        self,
        publication: Publication,
        lists: Audience,
        subscription: Subscription,
        receivers: Collection[Session],
        excluded: Session | None,
    ) -> Collection[Session]:
        """Send a publication to a subscription's deputies, with its lists; return the other receivers."""
        here = [deputy for deputy in self.deputies if deputy in subscription.subscribers]
        if not here:
            return receivers
        event = publication.event(subscription.id, subscription.match, audience=lists.told())
        self._fire(event, here, excluded)
        return [receiver for receiver in receivers if receiver not in self.deputies]

    def _fire(self, event: Event, receivers: Collection[Session], excluded: Session | None) -> None:
        """Put an event into the outboxes of its receivers."""
        touched = self._touched
        fired = len(receivers)
        for receiver in receivers:
            if receiver is excluded:
                fired -= 1
                continue
            if receiver.deaf:
                fired -= 1
                self._pause_at -= 1
                if receiver.state is not State.CLOSED:  # else it has left, and is still to be taken off
                    receiver.dropped += 1
                    self.struck["events dropped"] += 1
                continue
            outbox = receiver.outbox
            if not outbox:
                touched.append(receiver)
            outbox.append(event)
        self.events += fired

    def emit(self, topic: str, args: list[Any], unless: tuple[Session, Subscription] | None = None) -> None:
        """Publish an event of the router's own; the session in ``unless`` does not get it through that subscription."""
        subscriptions = self.subscriptions.matching(topic)
        if not subscriptions:
            return
        publication = self._new_id()
        for subscription in subscriptions:
            details = {} if subscription.match == "exact" else {"topic": topic}
            event = Event(subscription.id, publication, details, args, None, Format.PLAIN)
            excluded = unless[0] if unless is not None and unless[1] is subscription else None
            subscription.events += 1
            self._fire(event, subscription.subscribers, excluded)
            if subscription.history is not None:
                subscription.history.add(event, topic)

    def received(self, session: Session, message: EventReceived) -> None:
        """Serve an EVENT_RECEIVED: it is taken, and has no consequence, since no event asks for one."""


WORK = 10_000
"""Events of one turn after which the session that publishes has a breather: 10 to 20 ms of work, with the sending."""
OWN_EVENT = 5
"""An event that is made for one subscription alone costs as much more as sending it to so many receivers."""
