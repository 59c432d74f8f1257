"""Checks of the backends: each is asked in a while how it is.

Rules
-----
* Each check has a connection of its own, so that it sees whether new ones can be made. Any status of 2xx or 3xx is well.
* The log has a line when a backend falls ill, and one when it is well again; not one for each check.
"""

from __future__ import annotations

from typing import Any

import h11
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.http.proxy.backends import Backend, Backends
from wampd.router.http.proxy.connection import BackendConnection

log = Logger()


class Checks:
    """The checks of all backends of a proxy."""

    def __init__(self, backends: Backends, target: bytes, interval: float, timeout: float, clock: Any) -> None:
        """Times in seconds; ``clock`` is an ``IReactorTime``."""
        self._backends = backends
        self._target = target
        self._interval = interval
        self._timeout = timeout
        self._clock = clock
        self._timer: Any = None
        self._under_way: set[_Check] = set()

    def start(self) -> None:
        """Check all now, and again and again."""
        self._timer = self._clock.callLater(self._interval, self.start)
        for backend in self._backends.all:
            if all(check.backend is not backend for check in self._under_way):
                check = _Check(backend)
                self._under_way.add(check)
                done = check.begin(self._target)
                done.addTimeout(self._timeout, self._clock)
                done.addBoth(self._done, check)

    def stop(self) -> None:
        """Check no more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        for check in list(self._under_way):
            check.done.cancel()

    def _done(self, came: Any, check: _Check) -> None:
        self._under_way.discard(check)
        check.end()
        backend = check.backend
        ill, was_ill = isinstance(came, Failure) or not 200 <= came < 400, backend.health.is_ill
        if isinstance(came, Failure) and self._timer is not None and not self._timer.active():
            return  # stopped
        backend.health.is_ill = ill
        if ill and not was_ill:
            why = came.getErrorMessage() or type(came.value).__name__ if isinstance(came, Failure) else f"status {came}"
            log.warn("{backend}: ill: {why}", backend=backend.upstream.name, why=why[:200])
        elif was_ill and not ill:
            log.info("{backend}: well again", backend=backend.upstream.name)


class _Check:
    """One check: a `User` of a connection."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.done: Deferred[int] = Deferred(lambda _: self.end())
        self._connecting: Deferred[Any] | None = None
        self._connection: BackendConnection | None = None

    def begin(self, target: bytes) -> Deferred[int]:
        """Ask; the Deferred has the status."""
        self._connecting = self.backend.connection(0.0)
        self._connecting.addCallbacks(self._ask, self._refused, callbackArgs=(target,))
        return self.done

    def end(self) -> None:
        """Wait for nothing any more."""
        connecting, self._connecting = self._connecting, None
        connection, self._connection = self._connection, None
        if connecting is not None:
            connecting.cancel()
        if connection is not None:
            connection.abort()

    def _ask(self, connection: BackendConnection, target: bytes) -> None:
        upstream = self.backend.upstream
        self._connecting, self._connection = None, connection
        lines = [(b"Host", upstream.authority), (b"User-Agent", b"wampd"), (b"Connection", b"close")]
        connection.begin(self, h11.Request(method=b"GET", target=upstream.base + target, headers=lines))
        connection.finish()

    def _refused(self, failure: Failure) -> None:
        self._connecting = None
        if not self.done.called:
            self.done.errback(failure)

    def early(self, response: h11.InformationalResponse) -> None:
        """That is not the answer."""

    def answered(self, response: h11.Response) -> None:
        """But this is."""
        self.done.callback(response.status_code)

    def received(self, data: bytes) -> None:
        """Whatever it says."""

    def ended(self) -> None:
        """There is nothing more."""

    def switched(self, response: h11.InformationalResponse) -> None:
        """Nobody asked for that, so it does not happen."""

    def failed(self, why: str) -> None:
        """There is no answer."""
        if not self.done.called:
            self.done.errback(Failure(ConnectionError(why)))

    def pause_upload(self) -> None:
        """There is none."""

    def resume_upload(self) -> None:
        """There is none."""
