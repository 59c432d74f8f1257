"""Publishing by HTTP: one event, or a batch of them.

Rules
-----
* ``POST`` of ``{"topic", "args", "kwargs", "options"}`` answers ``{"id": …}`` when the event is published, 202 and ``{}`` at
  once if ``acknowledge`` is false. The topic may stand in the path, too (`asked.py`).
* A batch is an array of such objects, ``{"batch": […]}``, or a line each. All are looked at before the first is published; then
  each is published for itself, in order: ``{"batch": […]}`` has what became of each, and the status is 207 if not all were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from wampd.router.envoy import TIMEOUT, CallFailed
from wampd.router.http.access.access import Access
from wampd.router.http.answer import Later
from wampd.router.http.bridges.asked import JSON, NDJSON, Wish, items, kind_of, publishing, uri_in_path
from wampd.router.http.bridges.bridge import Bridge
from wampd.router.http.bridges.errors import Errors, Unfit

if TYPE_CHECKING:
    from wampd.router.inside.insider import Insider


class PublishResource(Bridge):
    """What publishes."""

    def __init__(
        self, access: Access, errors: Errors, clock: Any, *, timeout: float, batch: int = 100, depth: int = 64
    ) -> None:
        """``timeout``: seconds that the router may take; ``batch``: events of one request."""
        super().__init__(access, errors)
        self._clock = clock
        self._timeout = timeout
        self._batch = batch
        self._reading = publishing(depth)

    def read(self, request: Any, later: Later) -> Callable[[Insider], Deferred[None] | None]:
        """Look at what is to be published."""
        kind = kind_of(request, JSON, NDJSON)
        request.content.seek(0)
        body = request.content.read()
        topic = uri_in_path(request)
        batch = None if topic is not None else items(body, kind, self._batch)
        if batch is not None:
            wishes = [self._reading.wish(item, None) for item in batch]
            return lambda insider: self._publish_all(insider, wishes, later)
        if kind != JSON:
            raise Unfit(415, "the Content-Type must be application/json")
        wish = self._reading.wish(body, topic)
        return lambda insider: self._publish_one(insider, wish, later)

    def _publish_one(self, insider: Insider, wish: Wish, later: Later) -> Deferred[None] | None:
        published = self._publish(insider, wish)
        if not wish.options.acknowledge:
            published.addErrback(lambda _: None)  # nobody wants to know
            later.json(202, {})
            return None
        return published.addCallback(lambda number: later.json(200, {"id": number}))

    def _publish_all(self, insider: Insider, wishes: Sequence[Wish], later: Later) -> Deferred[None]:
        each = [self._publish(insider, wish).addCallbacks(_id, self._error) for wish in wishes]

        def answer(results: Sequence[tuple[bool, Any]]) -> None:
            said = [what for _, what in results]
            later.json(207 if any("error" in what for what in said) else 200, {"batch": said})

        return DeferredList(each, fireOnOneErrback=True, consumeErrors=True).addCallback(answer)

    def _error(self, failure: Failure) -> dict[str, Any]:
        failure.trap(CallFailed)
        why: Any = failure.value
        return self._errors.body(why)

    def _publish(self, insider: Insider, wish: Wish) -> Deferred[int]:
        options = msgspec.to_builtins(wish.options)
        published = insider.publish(wish.uri, wish.args, wish.kwargs, options)
        return published.addTimeout(self._timeout, self._clock, lambda *_: Failure(CallFailed(TIMEOUT)))


def _id(number: int) -> dict[str, Any]:
    return {"id": number}
