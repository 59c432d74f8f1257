"""What is sent to the URLs of webhooks: events, pings, challenges. All of it is signed.

Rules
-----
* ``POST`` of JSON in the form that Standard Webhooks recommends (its specification, "Payload structure"), with its three
  headers and some of our own. Redirections are not followed: whoever registers a URL says where the events go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from wampd.realms.timestamps import rfc3339
from wampd.router.hooks.registry import Hook
from wampd.router.hooks.verdicts import Outcome
from wampd.router.outgoing.problems import OutgoingError
from wampd.router.outgoing.retrying import read_retry_after
from wampd.router.outgoing.signing import signed

if TYPE_CHECKING:
    from wampd.router.outgoing.client import Client, Response

ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read: nothing is done with them, but a connection whose answer was read can be used again."""


class Sending:
    """Sends to hooks."""

    def __init__(self, client: Client, wall: Callable[[], float], timeout: float) -> None:
        """``timeout``: seconds of one request."""
        self._client = client
        self._wall = wall
        self._timeout = timeout

    def post(self, hook: Hook, message: str, body: bytes, more: Sequence[tuple[str, str]] = ()) -> Deferred[Outcome]:
        """Send something under an id, with more headers; the Deferred always has what it came to."""
        return self.ask(hook, message, body, more).addCallbacks(self._answered, _not_answered)

    def ask(self, hook: Hook, message: str, body: bytes, more: Sequence[tuple[str, str]] = ()) -> Deferred[Response]:
        """Send something under an id. The Deferred has the answer, or fails with `OutgoingError`."""
        now = int(self._wall())
        headers = [
            ("content-type", "application/json"),
            *signed(hook.secret, message, now, body),
            ("wampd-hook-id", hook.id),
            ("wampd-hook-key", hook.key),
            ("wampd-hook-timestamp", str(now)),
            *more,
        ]
        return self._client.request("POST", hook.url, headers=headers, body=body, timeout=self._timeout, limit=ANSWER)

    def _answered(self, response: Response) -> Outcome:
        wanted = read_retry_after(response.header("retry-after"), self._wall())
        return Outcome(response.status, retry_after=wanted)


def write_body(key: str, now: float, data: Any) -> bytes:
    """The body of what is sent; ``now`` in seconds since 1970."""
    return msgspec.json.encode({"type": key, "timestamp": rfc3339(round(now * 1_000_000)), "data": data})


def _not_answered(failure: Failure) -> Outcome:
    failure.trap(OutgoingError)
    why: Any = failure.value
    return Outcome(reason=why.reason)
