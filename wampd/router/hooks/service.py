"""The registry of webhooks of one realm as something that the router does: a `wampd.router.duties.Duty`.

Rules
-----
* It begins with what is kept in the store. Until that is read, its procedures are not there.
* It is a session of the router's own in the realm: it serves the procedures, and subscribes to the topics of all keys. What is
  published there is accepted like any event; unlike a post, whoever publishes is not told whether it is on the disk.
* If its session ends, it comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Raw
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.hooks.courier import Courier, Overfull
from wampd.router.hooks.keeping import Keeping, Kept
from wampd.router.hooks.procedures import Procedures
from wampd.router.hooks.registry import is_key
from wampd.router.inside.coming import NotLetIn
from wampd.router.inside.insider import Insider, Reply

log = Logger()

AGAIN: Final = 5.0
"""Seconds until what could not be begun is tried again."""


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
        read: Callable[[], object] = lambda: None,
    ) -> None:
        """``enter`` joins the realm as the router; ``procedures`` makes those that publish by what they are given.

        ``read`` is called when the registry has been read.
        """
        self._realm = realm
        self._courier = courier
        self._keeping = keeping
        self._enter = enter
        self._procedures = procedures(self._publish)
        self._prefix = topic_prefix
        self._clock = clock
        self._strike = strike
        self._read = read
        self._insider: Insider | None = None
        self._stopped = False
        self._timer: Any = None
        self.ready: Deferred[None] = Deferred()
        """Fires when it serves for the first time."""

    def start(self) -> None:
        """Read what is kept, then serve."""
        if not self._stopped:
            self._keeping.load().addCallbacks(self._begin, self._not_read)

    def stop(self) -> None:
        """Serve no more; what is pending stays so."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._courier.stop()
        if self._insider is not None:
            self._insider.leave()

    def _begin(self, kept: Kept) -> None:
        if self._stopped:
            return
        self._courier.start(kept)
        self._read()
        told = {"webhooks": len(kept.hooks), "pending": len(kept.pending), "dead": len(kept.dead)}
        log.info(
            "webhooks of {realm}: {webhooks} registered, {pending} deliveries pending, {dead} dead letters",
            realm=self._realm,
            **told,
        )
        self._join()

    def _not_read(self, _: Failure) -> None:
        """The store has said why."""
        self._timer = self._clock.callLater(AGAIN, self.start)

    def _join(self) -> None:
        try:
            insider = self._insider = self._enter()
        except NotLetIn as why:  # the realm is full
            log.error("the webhooks of {realm} cannot be served yet: {why}", realm=self._realm, why=why.text)
            self._timer = self._clock.callLater(AGAIN, self._join)
            return
        insider.on_over.append(self._over)
        waiting: list[Deferred[Any]] = [
            insider.register(uri, handler, {"disclose_caller": True}) for uri, handler in self._procedures.all().items()
        ]
        waiting.append(insider.subscribe(self._prefix, self._published, "prefix"))
        gatherResults(waiting, consumeErrors=True).addCallbacks(self._serves, self._does_not_serve)

    def _serves(self, _: Any) -> None:
        if not self.ready.called:
            self.ready.callback(None)

    def _does_not_serve(self, failure: Failure) -> None:
        if not self._stopped:
            log.error("the webhooks of {realm} cannot be served: {why}", realm=self._realm, why=failure.value)

    def _over(self, reason: str) -> None:
        if not self._stopped:
            log.warn(
                "the webhooks of {realm} were sent away ({reason}); they come back", realm=self._realm, reason=reason
            )
            self._timer = self._clock.callLater(AGAIN, self._join)

    def _publish(self, topic: str, args: Raw, kwargs: Raw) -> None:
        """Tell subscribers of a post. This session is the publisher, so it is not told itself."""
        if self._insider is not None:
            self._insider.publish(topic, args, kwargs).addErrback(lambda _: self._strike("posts not published"))

    def _published(self, event: Reply) -> None:
        key = event.details["topic"].removeprefix(self._prefix)
        if is_key(key):
            self._courier.accept(key, event.args, event.kwargs).addErrback(self._not_accepted)

    def _not_accepted(self, failure: Failure) -> None:
        """Nobody waits for an answer: it is counted, and what is wrong with the store the store has said."""
        if failure.check(Overfull):
            self._strike("events refused by webhooks")
        else:
            self._strike("events not kept for webhooks")
