"""The registry of webhooks of one realm as something that the router does: a `wampd.router.duties.Duty`.

Rules
-----
* It begins with what is kept in the store. Until that is read, its procedures are not there.
* It is a session of the router's own in the realm: it serves the procedures, and subscribes to the topics of all keys. What is
  published there is accepted like any event; unlike a post, whoever publishes is not told whether it is on the disk.
* For lists of receivers it is a deputy of those who have registered something (`wampd.realms.broker`): each of them gets what
  its owner may get.
* If its session ends, or cannot do all that, it comes back (`Resident`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Raw, convert
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.realms.publications import Audience
from wampd.router.hooks.courier import Courier, Overfull
from wampd.router.hooks.keeping import Keeping, Kept
from wampd.router.hooks.procedures import Procedures
from wampd.router.hooks.registry import is_key
from wampd.router.inside.insider import Insider, Reply
from wampd.router.inside.resident import Resident
from wampd.router.inside.together import together

log = Logger()

AGAIN: Final = 5.0
"""Seconds until what could not be read is read again."""


class Hooks:
    """The registry of one realm."""

    def __init__(
        self,
        realm: str,
        courier: Courier,
        keeping: Keeping,
        *,
        enter: Callable[[], Insider],
        procedures: Callable[[Callable[[str, Raw, Raw], object]], Procedures],
        topic_prefix: str,
        clock: Any,
        strike: Callable[[str], None],
        review: Callable[[], object] = lambda: None,
    ) -> None:
        """``enter`` joins the realm as the router, and as a deputy; ``procedures`` makes those that publish by what they are
        given. ``review`` is called when the registry has been read, and when the roles of the realm are others.
        """
        self._realm = realm
        self._courier = courier
        self._keeping = keeping
        self._resident = Resident(clock, f"the registry of webhooks of the realm {realm}", enter, self._settle)
        self._procedures = procedures(self._publish)
        self._prefix = topic_prefix
        self._clock = clock
        self._strike = strike
        self._review = review
        self._insider: Insider | None = None
        self._stopped = False
        self._timer: Any = None

    def start(self) -> None:
        """Read what is kept, then serve."""
        if not self._stopped:
            self._keeping.load().addCallbacks(self._begin, self._not_read)

    def renew(self) -> None:
        """The roles of the realm are others: who has registered something may have lost the right to it."""
        self._review()

    def stop(self) -> None:
        """Serve no more; what is pending stays so."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._courier.stop()
        self._resident.stop()

    def _begin(self, kept: Kept) -> None:
        if self._stopped:
            return
        self._courier.start(kept)
        self._review()
        told = {"webhooks": len(kept.hooks), "pending": len(kept.pending), "dead": len(kept.dead)}
        log.info(
            "webhooks of {realm}: {webhooks} registered, {pending} deliveries pending, {dead} dead letters",
            realm=self._realm,
            **told,
        )
        self._resident.start()

    def _not_read(self, _: Failure) -> None:
        """The store has said why."""
        self._timer = self._clock.callLater(AGAIN, self.start)

    def _settle(self, insider: Insider) -> Deferred[Any]:
        self._insider = insider
        registered = [
            insider.register(uri, handler, {"disclose_caller": True}) for uri, handler in self._procedures.all().items()
        ]
        return together([*registered, insider.subscribe(self._prefix, self._published, "prefix")])

    def _publish(self, topic: str, args: Raw, kwargs: Raw) -> None:
        """Tell subscribers of a post. This session is the publisher, so it is not told itself."""
        if self._insider is not None:
            self._insider.publish(topic, args, kwargs).addErrback(lambda _: self._strike("posts not published"))

    def _published(self, event: Reply) -> None:
        key = event.details["topic"].removeprefix(self._prefix)
        if is_key(key):
            lists = event.details.get("audience")
            audience = None if lists is None else convert(lists, Audience)
            self._courier.accept(key, event.args, event.kwargs, audience).addErrback(self._not_accepted)

    def _not_accepted(self, failure: Failure) -> None:
        """Nobody waits for an answer: it is counted, and what is wrong with the store the store has said."""
        if failure.check(Overfull):
            self._strike("events refused by webhooks")
        else:
            self._strike("events not kept for webhooks")
