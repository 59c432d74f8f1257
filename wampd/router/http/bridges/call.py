"""Calling procedures by HTTP.

Rules
-----
* ``POST`` of ``{"procedure", "args", "kwargs", "options"}`` answers ``{"args": […], "kwargs": {…}}``. The procedure may stand
  in the path, too (`asked.py`). What the callee returned goes out as it came.
* Every call has a timeout: what the client asks for, and at most what the path allows. A client that leaves cancels its call.
* With ``Accept: application/x-ndjson`` the callee may answer in parts, each a line as soon as it comes:
  ``{"progress": true, "args", "kwargs"}``. The last line is the result or the error. Nobody can hold a callee back that answers
  faster than its client reads: what waits is bounded, and a client beyond that is cut off, which cancels the call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from wampd.router.envoy import CallFailed
from wampd.router.http.accepting import named
from wampd.router.http.access.access import Access
from wampd.router.http.answer import Later
from wampd.router.http.bridges.asked import JSON, NDJSON, Wish, calling, kind_of, uri_in_path
from wampd.router.http.bridges.bridge import Bridge
from wampd.router.http.bridges.errors import Errors, Unfit
from wampd.router.inside.insider import Reply

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from wampd.router.inside.insider import Insider

MOST_WAITING: Final = 2**20
"""Bytes of parts that wait for their client."""
TOO_SLOW: Final = "readers of results in parts cut off"
_NO_ARGS: Final = Raw(b"[]")
_NO_KWARGS: Final = Raw(b"{}")
_encode: Final = msgspec.json.Encoder().encode


class CallResource(Bridge):
    """What calls."""

    def __init__(
        self,
        access: Access,
        errors: Errors,
        strike: Callable[[str], None],
        *,
        timeout: float,
        depth: int = 64,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """``strike`` counts misfortunes; ``timeout``: seconds that a call may take at most."""
        super().__init__(access, errors)
        self._strike = strike
        self._timeout = timeout
        self._most_waiting = most_waiting
        self._reading = calling(depth)

    def read(self, request: Any, later: Later) -> Callable[[Insider], Deferred[None] | None]:
        """Look at what is to be called."""
        request.content.seek(0)
        body = request.content.read()
        procedure = uri_in_path(request)
        kind_of(request, JSON)
        wish = self._reading.wish(body, procedure)
        if wish.options.timeout < 0:
            raise Unfit(400, "a timeout is not negative")
        accepted = named(request)
        in_parts = accepted.get("application/x-ndjson", 0.0)
        if in_parts > 0 and in_parts >= accepted.get("application/json", 0.0):
            lines = Lines(request, later, self._most_waiting, lambda: self._strike(TOO_SLOW))
            return lambda insider: self._stream(insider, wish, lines)
        return lambda insider: self._call(insider, wish).addCallback(lambda reply: later.whole(JSON, shown(reply)))

    def _call(
        self, insider: Insider, wish: Wish, on_progress: Callable[[Reply], None] | None = None
    ) -> Deferred[Reply]:
        options = msgspec.to_builtins(wish.options)
        asked = options.pop("timeout", 0) / 1000
        timeout = min(asked, self._timeout) if asked else self._timeout
        return insider.call(wish.uri, wish.args, wish.kwargs, timeout=timeout, options=options, on_progress=on_progress)

    def _stream(self, insider: Insider, wish: Wish, lines: Lines) -> Deferred[None]:
        answer = self._call(insider, wish, lambda part: lines.part(shown(part, progress=True)))
        return answer.addCallbacks(
            lambda reply: lines.last(200, shown(reply)), self._stream_failed, errbackArgs=(lines,)
        )

    def _stream_failed(self, failure: Failure, lines: Lines) -> Any:
        """End with what went wrong: as a line if there are some already."""
        if not lines.has_begun:
            return failure
        if failure.check(CallFailed):
            why: Any = failure.value
            lines.last(200, _encode(self._errors.body(why)))  # which the status was is said already
            return None
        return failure


@implementer(IPushProducer)
class Lines:
    """An answer that is a line of JSON for each part."""

    def __init__(self, request: Any, later: Later, most: int, on_slow: Callable[[], None]) -> None:
        """``most``: bytes that may wait for the client; ``on_slow`` is called before one is cut off that does not read."""
        self._request = request
        self._later = later
        self._most = most
        self._on_slow = on_slow
        self._waiting = 0
        self._paused = False
        self._is_cut_off = False
        self.has_begun = False

    def part(self, line: bytes) -> None:
        """Send a line now."""
        if self._later.is_left or self._is_cut_off:
            return
        self._begin(200)
        if self._paused:
            self._waiting += len(line) + 1
            if self._waiting > self._most:
                self._is_cut_off = True
                self._on_slow()
                self._request.channel.transport.abortConnection()
                return
        self._request.write(line + b"\n")

    def last(self, status: int, line: bytes) -> None:
        """Send the last line."""
        if self._later.is_left:
            return
        self._begin(status)
        self._request.write(line + b"\n")
        self._request.unregisterProducer()
        self._request.finish()

    def _begin(self, status: int) -> None:
        if not self.has_begun:
            self.has_begun = True
            self._request.setResponseCode(status)
            self._request.setHeader(b"Content-Type", NDJSON)
            self._request.setHeader(b"X-Accel-Buffering", b"no")  # nginx passes lines on as they come
            self._request.registerProducer(self, True)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client does not read as fast as lines come."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client has read what waited."""
        self._paused = False
        self._waiting = 0

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client is gone, which others hear of, too."""


def shown(reply: Reply, *, progress: bool = False) -> bytes:
    """A result as JSON, its payload as it came."""
    begin = b'{"progress":true,' if progress else b"{"
    return b'%b"args":%b,"kwargs":%b}' % (
        begin,
        bytes(_one_line(reply.args or _NO_ARGS)),
        bytes(_one_line(reply.kwargs or _NO_KWARGS)),
    )


def _one_line(text: Raw) -> bytes:
    """JSON without line breaks: within strings there are none, and outside they are nothing but space (RFC 8259)."""
    return bytes(text).translate(None, b"\r\n")
