"""Events for webhooks from whoever speaks HTTP: ``POST PATH/<key>`` with JSON.

Rules
-----
* The body, any JSON value, is the one argument of the event. It is posted by ``wampd.hook.post`` in the session that `Access`
  finds for the request: permissions, bounds and refusals are those of WAMP.
* 202 says that the event is on the disk, with the deliveries that were to be made then; the answer tells its id, and how many.
* ``Content-Type`` must be JSON's. Forms of browsers cannot send that, so no page of another origin posts unasked (CORS).
* A client that leaves takes its request back, unless the event is accepted already.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from wampd.router.envoy import CallFailed
from wampd.router.http.access import Access, Refused
from wampd.router.http.answer import say, say_json
from wampd.router.http.body import Intake
from wampd.router.inside.insider import Insider, Reply
from wampd.router.wire.json_codec import json_shape

DEEPEST: Final = 60
"""Levels of a body: those of a message, less those of the call that it goes in."""
TIMEOUT: Final = 15.0
STATUS: Final = {
    "wamp.error.invalid_argument": (400, "the key is not one"),
    "wamp.error.not_authorized": (403, "not allowed"),
    "wamp.error.authorization_denied": (403, "not allowed"),
    "wamp.error.payload_size_exceeded": (413, "the event is too large"),
    "wamp.error.timeout": (504, "it took too long"),
}
"""What a refused post is answered with."""
LATER: Final = (503, "not now")


class HookResource(Resource):
    """What serves the path."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, access: Access, size: int) -> None:
        """``size``: most bytes of a body."""
        super().__init__()
        self._access = access
        self._size = size

    def intake(self, request: Any) -> Intake:  # noqa: ARG002 - for every request
        """Bodies are taken in full."""
        return Intake(streamed=False, size=self._size)

    def render(self, request: Any) -> Any:
        """Post an event."""
        refusal = _fault(request)
        if refusal is not None:
            return say(request, *refusal)
        body = request.content.read()
        if not _is_json(body):
            return say(request, 400, "the body is not JSON")
        key = b"".join(request.postpath).decode(errors="replace")
        args = Raw(b"[%s,[%s]]" % (msgspec.json.encode(key), body))
        posting = self._access.session(request).addCallback(_post, args)
        request.notifyFinish().addErrback(lambda _: posting.cancel())
        posting.addCallbacks(_accepted, _refused, callbackArgs=(request,), errbackArgs=(request,))
        return NOT_DONE_YET


def _fault(request: Any) -> tuple[int, str] | None:
    """Why a request is no post."""
    if request.method != b"POST":
        request.setHeader(b"Allow", b"POST")
        return 405, "POST alone"
    if len(request.postpath) != 1 or not request.postpath[0]:
        return 404, "the path ends with a key"
    kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != b"application/json" and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
        return 415, "the body must be JSON, and Content-Type say so"
    return None


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return False
    return json_shape(body)[0] <= DEEPEST


def _post(session: Insider, args: Raw) -> Any:
    return session.call("wampd.hook.post", args, timeout=TIMEOUT)


def _accepted(reply: Reply, request: Any) -> None:
    _finish(request, say_json(request, 202, reply.values()[0]))


def _refused(failure: Failure, request: Any) -> None:
    """Say why an event was not accepted, unless nobody is there any more."""
    if failure.check(CancelledError) or request.finished or getattr(request, "_disconnected", False):
        return
    failure.trap(CallFailed, Refused)
    why: Any = failure.value
    if isinstance(why, Refused):
        for name, value in why.headers:
            request.setHeader(name, value)
        status, text = why.status, why.text
    else:
        status, text = STATUS.get(why.uri, LATER)
        if (status, text) == LATER:
            request.setHeader(b"Retry-After", b"5")
    _finish(request, say(request, status, text))


def _finish(request: Any, content: bytes) -> None:
    request.setHeader(b"Content-Length", b"%d" % len(content))
    request.write(content)
    request.finish()
