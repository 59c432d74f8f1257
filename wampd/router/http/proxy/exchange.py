"""One request on its way through the proxy: to a backend, and its answer back.

Rules
-----
* Until the first octet of an answer is there, a request that changes nothing (RFC 9110, section 9.2.2) and has no body may
  be sent to another backend, or on another connection. Anything else is sent once.
* A backend that cannot be reached, breaks off or talks nonsense gives 502, one that is too slow 504; if none is there, 503
  with ``Retry-After``. Each of these is one line in the log, and counted; but the last is not a line for each request.
* After the head of the answer is with the client there is no way back: what breaks off then breaks the client's connection,
  too, so that half an answer never looks like a whole one.
* A client that leaves ends the request at the backend. Whoever does not read makes the other side wait, by TCP.
* Time counts against the backend only while it is the backend's turn.

Sources: RFC 9110, sections 9.2.2, 10.1.1, 15.2 and 15.6; RFC 9112, section 9.3.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any, Final

import h11
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimeIsUp
from twisted.internet.error import TimeoutError as TcpTimeoutError
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from zope.interface import implementer

from wampd.router.http.answer import give, say
from wampd.router.http.body import Body
from wampd.router.http.proxy.backends import FRESH, Backend, Backends, lacks_descriptors
from wampd.router.http.proxy.connection import BackendConnection
from wampd.router.http.proxy.heads import (
    Asked,
    Lines,
    Mapped,
    NotPassedOn,
    answer_lines,
    as_lists,
    early_lines,
    request_for,
    switched_lines,
)
from wampd.router.http.proxy.tunnel import Tunnel

log = Logger()

IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
MOST_TRIES: Final = 3
EXPECTING: Final = 1.0
"""Seconds that a backend has to say whether it wants the body, if the client waits for that."""
MOST_EARLY: Final = 20
"""Answers before the answer (1xx) that a client is shown."""


class Patience(Struct, frozen=True):
    """Seconds."""

    connect: float = 5.0
    answer: float = 60.0
    """From the end of the request until the head of its answer."""
    idle: float = 60.0
    """Between two parts of a body, in either direction."""
    tunnel: float = 300.0
    """Of silence in both directions, once another protocol is spoken."""


class Ways(Struct, frozen=True):
    """How requests are passed on."""

    backends: Backends
    mapped: Mapped
    patience: Patience
    failing: Collection[int]
    """The statuses by which a backend says that it is not well."""
    strike: Callable[[], None]
    """Counts a failure of a backend."""
    clock: Any


@implementer(IPushProducer)
class Exchange:
    """One request; it is a `User` of connections, and takes the body of the request as a sink."""

    def __init__(self, request: Any, asked: Asked, ways: Ways) -> None:
        self._request = request
        self._body: Body = request.body
        self._asked = asked
        self._ways = ways
        self._backend: Backend | None = None
        self._head: h11.Request | None = None
        self._tried: list[Backend] = []
        self._connecting: Deferred[Any] | None = None
        self._connection: BackendConnection | None = None
        self._body_is_wanted = False
        self._body_is_sent = False
        self._has_answered = False
        self._early = 0
        self._over = False
        self._timer: Any = None
        self._time_is: float | None = None
        self._progressed = 0.0
        request.notifyFinish().addErrback(self._left)

    # ------------------------------------------------------------------------------------------ the client's side

    def start(self) -> None:
        """Find a backend, and send the request."""
        backend = self._ways.backends.choose(self._asked.client)
        if backend is not None:
            self._try(backend)
            return
        self._ways.strike()
        self._request.setHeader(b"Retry-After", b"%d" % max(1, self._ways.backends.wait()))
        self._say(503, "no backend is there")

    def write(self, data: bytes) -> None:
        """Pass on a part of the body."""
        if self._connection is not None:
            self._connection.send(data)
            self._progress()

    def finish(self) -> None:
        """The body is complete."""
        self._body_is_sent = True
        if self._connection is not None:
            self._connection.finish()
            if not self._has_answered:
                self._give(self._ways.patience.answer)

    def lost(self, why: str) -> None:  # noqa: ARG002 - it is logged where it is found
        """The body will never be complete."""
        self._left()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client does not read."""
        self._give(None)
        if self._connection is not None:
            self._connection.hold()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client reads again."""
        if self._connection is not None and not self._over:
            self._give(self._ways.patience.idle)
            self._connection.release()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client is gone."""
        self._left()

    def _left(self, _: object = None) -> None:
        """The client is gone: nobody waits for an answer."""
        if not self._over:
            self._finish_with_backend()
            if self._connection is not None:
                self._connection.abort()
            if self._connecting is not None:
                self._connecting.cancel()

    # ----------------------------------------------------------------------------------------- the backend's side

    def _try(self, backend: Backend, most_idle: float = math.inf) -> None:
        try:
            self._head = request_for(self._asked, self._ways.mapped, backend.upstream)
        except NotPassedOn as why:
            self._say(400, str(why))
            return
        self._backend = backend
        self._tried.append(backend)
        backend.busy += 1
        connecting = self._connecting = backend.connection(min(most_idle, self._most_idle()))
        connecting.addTimeout(self._ways.patience.connect, self._ways.clock)
        connecting.addCallbacks(self._connected, self._not_connected)

    def _connected(self, connection: BackendConnection) -> None:
        self._connecting = None
        if self._over:
            connection.close()
            return
        assert self._head is not None
        self._connection = connection
        connection.begin(self, self._head)
        if self._body_is_sent:  # on another connection, which failed: there is none, or this would not be tried again
            self.finish()
        elif self._asked.expects:
            self._timer = self._ways.clock.callLater(EXPECTING, self._want_body)
        else:
            self._want_body()

    def _not_connected(self, failure: Failure) -> None:
        self._connecting = None
        if not self._over:
            if failure.check(TimeIsUp, TcpTimeoutError):
                self._trouble(504, "it cannot be reached in time", again=True)
            elif lacks_descriptors(failure):
                self._crowded()
            else:  # in words of the system
                self._trouble(502, f"it cannot be reached: {failure.getErrorMessage()}"[:200], again=True)

    def _want_body(self) -> None:
        """Let the client send the body; if it waits to be told that, it is told."""
        if not self._body_is_wanted and not self._over:
            self._body_is_wanted = True
            self._give(None)
            self._body.into(self)

    def early(self, response: h11.InformationalResponse) -> None:
        """Pass on what comes before the answer, to clients that know that; 100 is for the body."""
        self._early += 1
        request = self._request
        if response.status_code == 100:
            self._want_body()
        elif self._body.is_complete and request.clientproto == b"HTTP/1.1" and self._early <= MOST_EARLY:
            _write_head(request, response.status_code, response.reason, early_lines(response))

    def answered(self, response: h11.Response) -> None:
        """Pass on the head of the answer."""
        backend, request = self._backend, self._request
        assert backend is not None
        self._has_answered = True
        if response.status_code in self._ways.failing:
            self._failed(f"status {response.status_code}")
        else:
            backend.health.succeeded()
        request.setResponseCode(response.status_code, response.reason or None)
        lines = answer_lines(response, self._ways.mapped, backend.upstream, self._asked)
        _put_headers(request, lines)
        request.registerProducer(self, True)
        self._give(self._ways.patience.idle)
        request.write(b"")

    def received(self, data: bytes) -> None:
        """Pass on a part of the answer."""
        self._progress()
        self._request.write(data)

    def ended(self) -> None:
        """The answer is complete."""
        self._connection = None
        self._finish_with_backend()
        self._request.unregisterProducer()
        self._request.finish()

    def switched(self, response: h11.InformationalResponse) -> None:
        """Let client and backend speak to each other."""
        backend, connection = self._backend, self._connection
        assert backend is not None
        assert connection is not None
        self._over = True
        self._give(None)
        backend.health.succeeded()
        request = self._request
        request.setResponseCode(101)
        _write_head(request, 101, response.reason, switched_lines(response))
        tunnel = Tunnel(self._ways.clock, self._ways.patience.tunnel, lambda: _count_out(backend))
        request.channel.hand_over(request, tunnel.client)
        connection.hand_over(tunnel.backend)

    def failed(self, why: str) -> None:
        """The backend broke off."""
        connection, backend = self._connection, self._backend
        assert connection is not None
        assert backend is not None
        again = self._is_safe() and not connection.has_received
        self._connection = None
        if again and connection.was_used and len(self._tried) < MOST_TRIES:
            self._finish_with_backend()  # it was closed while it was idle, which is nobody's failure
            self._over = False
            self._try(backend, most_idle=0.0)
        else:
            self._trouble(502, why, again=again)

    def pause_upload(self) -> None:
        """The backend does not take the body as fast as it comes."""
        if not self._body_is_sent:
            self._body.pause()
            self._give(self._ways.patience.idle)

    def resume_upload(self) -> None:
        """The backend takes more."""
        if not self._body_is_sent and not self._over:
            self._give(None)
            self._body.resume()

    # ------------------------------------------------------------------------------------------------- misfortunes

    def _trouble(self, status: int, why: str, *, again: bool = False) -> None:
        """There is no answer of this backend, or no more of it. ``again``: another one may be asked."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        self._failed(why)
        self._finish_with_backend()
        if self._has_answered:
            self._request.unregisterProducer()
            self._request.channel.transport.abortConnection()
            return
        backends = self._ways.backends
        other = backends.choose(self._asked.client, self._tried) if again and len(self._tried) < MOST_TRIES else None
        if other is not None:
            self._over = False
            self._try(other)
        else:
            self._say(status, "the backend is too slow" if status == 504 else "the backend does not answer")

    def _crowded(self) -> None:
        """There are no file descriptors left, which no backend can help."""
        log.warn("no backend can be reached: there are too many open files here")
        self._ways.strike()
        self._finish_with_backend()
        self._request.setHeader(b"Retry-After", b"1")
        self._say(503, "too many requests at a time")

    def _failed(self, why: str) -> None:
        """Count a failure of the backend, and say it."""
        backend = self._backend
        assert backend is not None
        self._ways.strike()
        pause = backend.health.failed(self._ways.clock.seconds())
        out = f"; it gets no requests for {pause:g} s" if pause else ""
        log.warn("{backend}: {why}{out}", backend=backend.upstream.name, why=why, out=out)

    def _most_idle(self) -> float:
        """How long a connection may have been idle. For another protocol it is a new one: not all servers change later on."""
        if self._asked.upgrade:
            return 0.0
        return math.inf if self._is_safe() else FRESH

    def _is_safe(self) -> bool:
        """Whether the request may be sent a second time."""
        return self._asked.method in IDEMPOTENT and self._asked.length == 0 and not self._asked.upgrade

    def _say(self, status: int, text: str) -> None:
        """Answer in our own words."""
        self._over = True
        give(self._request, say(self._request, status, text))

    def _finish_with_backend(self) -> None:
        """Nothing of this is under way any more."""
        self._over = True
        self._give(None)
        if self._backend is not None:
            _count_out(self._backend)
            self._backend = None

    # -------------------------------------------------------------------------------------------------------- time

    def _give(self, seconds: float | None) -> None:
        """Let the backend have this time from now on, or all."""
        self._time_is = seconds
        self._progress()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None if seconds is None else self._ways.clock.callLater(seconds, self._is_late)

    def _progress(self) -> None:
        self._progressed = self._ways.clock.seconds()

    def _is_late(self) -> None:
        if self._time_is is None:
            return
        left = self._progressed + self._time_is - self._ways.clock.seconds()
        if left > 0:
            self._timer = self._ways.clock.callLater(left, self._is_late)
        else:
            self._trouble(504, "it is too slow")


def _count_out(backend: Backend) -> None:
    backend.busy -= 1


def _put_headers(request: Any, lines: Lines) -> None:
    """Set what the backend says; it may not take away a cookie, or a ``Vary``, that was set here.

    What type an answer has that does not say it, nobody else does: Twisted's own default would make pages of texts.
    """
    request.defaultContentType = None
    for name, values in as_lists(lines).items():
        kept = request.responseHeaders.getRawHeaders(name, []) if name in (b"set-cookie", b"vary") else []
        request.responseHeaders.setRawHeaders(name, [*kept, *values])


def _write_head(request: Any, status: int, reason: bytes, lines: Lines) -> None:
    """Write the head of an answer that is not the last one."""
    headers = Headers()
    for name, value in lines:
        headers.addRawHeader(name, value)
    request.channel.writeHeaders(b"HTTP/1.1", b"%d" % status, reason, headers)
