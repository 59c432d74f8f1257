"""Fetches small documents over HTTP: key sets, and what providers of OpenID Connect say of themselves.

Rules
-----
* The server must show a certificate for its name from an authority that is trusted; over ``http:`` nobody is verified, and
  whoever gives the URL has to allow that.
* Only status 200 counts. Redirections are not followed, neither to plain HTTP nor to anywhere else.
* An answer has a bounded size, and a fetch a bounded time. Whatever goes wrong is a `FetchError`.

Twisted's own client is used, without persistent connections: nothing else is needed, and so nothing else to install.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TimeIsUp
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

CLOSED: Final = Failure(error.ConnectionDone())
OK: Final = 200
LARGEST: Final = 256 * 1024
"""Bytes of a document."""


class FetchError(Exception):
    """A document could not be fetched; the text says why."""


class Fetcher:
    """Fetches from servers that certain authorities vouch for."""

    def __init__(self, reactor: Any, timeout: float, authorities: bytes | None = None) -> None:
        """``authorities`` is PEM; `None`: those of the system. ``timeout`` in seconds."""
        self._reactor = reactor
        self._timeout = timeout
        trusted = None if authorities is None else trustRootFromCertificates(_certificates(authorities))
        policy = BrowserLikePolicyForHTTPS() if trusted is None else BrowserLikePolicyForHTTPS(trusted)
        self._agent = Agent(reactor, policy, connectTimeout=timeout)

    def get(self, url: str) -> Deferred[bytes]:
        """The document at a URL. The Deferred fails with `FetchError`."""
        headers = Headers({"accept": ["application/json"], "user-agent": ["wampd"]})
        fetched: Deferred[Any] = self._agent.request(b"GET", url.encode("ascii"), headers)
        fetched.addCallback(_body)
        fetched.addTimeout(self._timeout, self._reactor)
        return fetched.addErrback(_explain, url)


class _Body(Protocol):
    """Collects a body up to its bound."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self.abort())
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take a part."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > LARGEST and not self.done.called:
            self.done.errback(FetchError(f"the answer is longer than {LARGEST} bytes"))
            self.abort()

    def connectionLost(self, reason: Failure = CLOSED) -> None:  # noqa: N802 - likewise
        """That was all."""
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):  # the latter: its end is the end of the connection
            self.done.callback(b"".join(self._parts))
        else:
            self.done.errback(FetchError("the answer was cut short"))

    def abort(self) -> None:
        """Take no more."""
        if self.transport is not None:
            transport: Any = self.transport
            getattr(transport, "abortConnection", transport.loseConnection)()


def _body(response: Any) -> Deferred[bytes]:
    body = _Body()
    if response.code != OK:
        body.done.errback(FetchError(f"the answer has the status {response.code}"))
    response.deliverBody(body)
    if body.done.called:
        body.abort()
    return body.done


def _explain(failure: Failure, url: str) -> Failure:
    """What went wrong, as a `FetchError`."""
    why = failure.value
    if isinstance(why, ResponseFailed) and why.reasons:
        why = why.reasons[0].value
    if isinstance(why, FetchError):
        text = str(why)
    elif isinstance(why, CancelledError | TimeIsUp | error.TimeoutError):
        text = "it took too long"
    elif failure.check(error.ConnectError, error.DNSLookupError):
        text = str(why)
    else:
        text = f"{type(why).__name__}: {why}"
    return Failure(FetchError(f"{url}: {text}"))


def _certificates(pem: bytes) -> list[Certificate]:
    end = b"-----END CERTIFICATE-----"
    return [Certificate.loadPEM(part + end + b"\n") for part in pem.split(end)[:-1]]
