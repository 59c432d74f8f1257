"""Events for webhooks from whoever speaks HTTP: ``POST PATH/<key>`` with JSON.

Rules
-----
* The body, any JSON value, is the one argument of the event. It is posted by ``wampd.hook.post`` in the session that `Access`
  finds for the request: permissions, bounds and refusals are those of WAMP.
* 202 says that the event is on the disk, with the deliveries that were to be made then; the answer tells its id, and how many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw

from wampd.router.http.access.access import Access
from wampd.router.http.answer import Later
from wampd.router.http.body import Intake
from wampd.router.http.bridges.asked import JSON, CallOptions, Wish, calling, decoded, kind_of, uri_in_path
from wampd.router.http.bridges.bridge import Bridge
from wampd.router.http.bridges.errors import Errors, Unfit

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from wampd.router.inside.insider import Insider

POST: Final = "wampd.hook.post"
STATUSES: Final[Mapping[str, int]] = {"wamp.error.no_such_procedure": 503}
"""It is not there yet, or not at the moment."""
_any: Final = msgspec.json.Decoder(Any)


class HookResource(Bridge):
    """What posts events."""

    def __init__(self, access: Access, errors: Errors, *, size: int, timeout: float, depth: int = 64) -> None:
        """``size``: most bytes of a body; ``timeout``: seconds that a post may take."""
        super().__init__(access, errors)
        self._size = size
        self._timeout = timeout
        self._reading = calling(depth)

    def intake(self, request: Any) -> Intake:  # noqa: ARG002 - for every request
        """Bodies are taken in full."""
        return Intake(streamed=False, size=self._size)

    def read(self, request: Any, later: Later) -> Callable[[Insider], Deferred[None]]:
        """Look at an event."""
        key = uri_in_path(request)
        if key is None:
            raise Unfit(404, "the path ends with a key")
        kind_of(request, JSON)
        request.content.seek(0)
        body = request.content.read()
        decoded(_any, body, "the body is not JSON")
        args = Raw(b"[%s,[%s]]" % (msgspec.json.encode(key), body))
        wish = self._reading.checked(Wish(POST, CallOptions(), args))
        return lambda insider: self._post(insider, wish, later)

    def _post(self, insider: Insider, wish: Wish, later: Later) -> Deferred[None]:
        posted = insider.call(POST, wish.args, timeout=self._timeout)
        return posted.addCallback(lambda reply: later.json(202, reply.values()[0]))
