"""The client of HTTP for everything that the router sends to others: treq on an agent whose connections are guarded.

Rules
-----
* A request has one answer, or fails with `OutgoingError`. It takes its time at most, looking for addresses included; to cancel
  its Deferred ends it at once, and its connection with it.
* An answer is bounded, after decompression, which goes in small steps: a small body cannot become a large one unseen.
* Nothing is remembered from one request to the next: no cookies, and no proxy of the environment is used.
* Redirections are followed if that is asked for, so many of them; each is checked as the first URL was. None leads from
  ``https:`` to ``http:``. On another origin (RFC 6454) only headers go along that say nothing of anybody. After 303 (and after
  301 and 302 of a POST) the request is a GET: RFC 9110, sections 15.4.2 to 15.4.4.
* Connections are kept for a short while for the next request to the same origin; how many there are in all is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from hyperlink import EncodedURL
from msgspec import Struct
from treq.client import HTTPClient
from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred, fail, maybeDeferred, succeed
from twisted.internet.protocol import Protocol
from twisted.python.components import proxyForInterface
from twisted.python.failure import Failure
from twisted.web.client import Agent, ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from wampd.router.outgoing.connecting import Guard
from wampd.router.outgoing.names import Resolver, SystemResolver
from wampd.router.outgoing.policy import Policy
from wampd.router.outgoing.pool import Pool
from wampd.router.outgoing.problems import OutgoingError
from wampd.router.outgoing.targets import Target, follow, read_target

LARGEST: Final = 1024 * 1024
"""Bytes of an answer, if nothing else is said."""
LARGEST_EVER: Final = 16 * LARGEST
LONGEST: Final = 600.0
"""Seconds that a request may take, whatever is asked for."""
CONNECT_TIMEOUT: Final = 10.0
MOST_REQUESTS: Final = 500
"""Requests at once; connections that wait for the next one come on top, until there are as many in all."""
IDLE: Final = 5.0
"""Seconds that a connection is kept for the next request."""
STEP: Final = 1024
"""Bytes that are decompressed at once: deflate makes at most 1032 times as many of them."""
HEAD: Final = 64 * 1024

REDIRECTIONS: Final = frozenset({301, 302, 303, 307, 308})
HARMLESS: Final = frozenset({"accept", "accept-language", "content-type", "user-agent"})
"""Headers that go along to another origin."""
_CLOSED: Final = Failure(error.ConnectionDone())


class Response(Struct, frozen=True):
    """An answer, whatever its status is."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, in the order of the answer."""
    body: bytes
    url: str
    """What answered: after redirections another one than was asked."""

    def header(self, name: str) -> str | None:
        """The first header of a name (in lower case)."""
        return next((value for each, value in self.headers if each == name), None)


class _Wanted(Struct, frozen=True):
    """A request as it was asked for."""

    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    limit: int


class Client:
    """Sends requests to where a policy allows."""

    def __init__(
        self,
        reactor: Any,
        policy: Policy,
        *,
        resolver: Resolver | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        most: int = MOST_REQUESTS,
        trust_root: Any = None,
    ) -> None:
        """``trust_root`` vouches for certificates (an ``IOpenSSLTrustRoot``); `None`: those whom the system trusts."""
        self.policy = policy
        self.under_way = 0
        self._reactor = reactor
        self._most = most
        self._guard = Guard(
            reactor,
            policy,
            resolver or SystemResolver(reactor),
            connect_timeout=connect_timeout,
            largest=LARGEST_EVER + HEAD,
            trust_root=trust_root,
        )
        self._pool = Pool(reactor, persistent=True)
        self._pool.cachedConnectionTimeout = IDLE  # type: ignore[assignment]  # it says int, and means seconds
        self._agent = Agent.usingEndpointFactory(reactor, self._guard, self._pool)

    def check(self, url: str) -> str:
        """The URL in its one form, if it may be asked for as far as that can be told at once. Raise `OutgoingError`."""
        target = read_target(url)
        self.policy.check(target)
        return target.url

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        timeout: float,
        limit: int = LARGEST,
        redirects: int = 0,
    ) -> Deferred[Response]:
        """Send a request. The Deferred fails with `OutgoingError`.

        ``timeout`` in seconds is for all of it, ``limit`` the most bytes of the answer's body, and ``redirects`` how many
        redirections are followed; beyond that, and if there are to be none, the redirection itself is the answer.
        """
        if self.under_way >= self._most:
            return fail(OutgoingError("busy", "too many requests are under way"))
        if self._guard.open >= self._most:
            self._pool.closeCachedConnections().addErrback(lambda _: None)
        self.under_way += 1
        wanted = _Wanted(method, tuple(headers), body, min(limit, LARGEST_EVER))
        answered: Deferred[Response] = maybeDeferred(self._begin, wanted, url, redirects)
        timer = self._reactor.callLater(min(timeout, LONGEST), answered.cancel)
        return answered.addBoth(self._ended, timer)

    def close(self) -> Deferred[None]:
        """Close the connections that wait for requests."""
        closed: Deferred[None] = self._pool.closeCachedConnections()
        return closed

    def _ended(self, result: Any, timer: Any) -> Any:
        self.under_way -= 1
        in_time = timer.active()
        if in_time:
            timer.cancel()
        return _explain(result, in_time=in_time) if isinstance(result, Failure) else result

    def _begin(self, wanted: _Wanted, url: str, redirects: int) -> Deferred[Response]:
        target = read_target(url)
        self.policy.check(target)
        return self._ask(wanted, target, redirects)

    def _ask(self, wanted: _Wanted, target: Target, redirects: int) -> Deferred[Response]:
        body = _Body(wanted.limit)
        headers = Headers()
        for name, value in wanted.headers:
            headers.addRawHeader(name, value)
        if not headers.hasHeader("user-agent"):
            headers.addRawHeader("user-agent", "wampd")
        agent: Any = _InSteps(self._agent, body)
        producer: Any = _Bytes
        client = HTTPClient(agent, data_to_body_producer=producer)  # one for each request: it would keep cookies
        sent: Deferred[Any] = client.request(
            wanted.method,
            _Url.from_text(target.url),
            headers=headers,
            data=wanted.body,
            allow_redirects=False,
            unbuffered=True,
            reactor=self._reactor,
        )
        sent.addCallback(_deliver, body, target)
        return sent.addCallback(self._follow, wanted, target, redirects)

    def _follow(self, response: Response, wanted: _Wanted, target: Target, redirects: int) -> Any:
        location = response.header("location")
        if response.status not in REDIRECTIONS or location is None or not redirects:
            return response
        to = follow(target, location)
        if target.scheme == "https" and to.scheme != "https":
            raise OutgoingError("redirect", "a redirection leads from https: to http:")
        self.policy.check(to)
        return self._ask(_redirected(wanted, response.status, to.origin != target.origin), to, redirects - 1)


def _redirected(wanted: _Wanted, status: int, elsewhere: bool) -> _Wanted:
    """What is asked after a redirection; ``elsewhere``: of another origin."""
    method, body, headers = wanted.method, wanted.body, wanted.headers
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, body = "GET", None
        headers = tuple((name, value) for name, value in headers if not name.lower().startswith("content-"))
    if elsewhere:
        headers = tuple((name, value) for name, value in headers if name.lower() in HARMLESS)
    return _Wanted(method, headers, body, wanted.limit)


class _Url(EncodedURL):
    """The URL of a `Target`. hyperlink would read its host once more, as a name, which an IPv6 address is not."""

    def to_uri(self) -> _Url:
        """Itself: it was written as a URI (RFC 3986) from parts that were checked."""
        return self


@implementer(IBodyProducer)
class _Bytes:
    """A body that is there as a whole."""

    def __init__(self, data: bytes) -> None:
        self.length = len(data)
        self._data = data

    def startProducing(self, consumer: Any) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Send all of it."""
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:  # noqa: N802 - likewise
        """There is nothing to pause."""

    def resumeProducing(self) -> None:  # noqa: N802 - likewise
        """There is nothing to go on with."""

    def stopProducing(self) -> None:  # noqa: N802 - likewise
        """It has been sent."""


class _Body(Protocol):
    """Collects a body up to its bound."""

    def __init__(self, limit: int) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self._abort())
        self.full = False
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take a part."""
        if self.full:
            return
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._limit:
            self.refuse(OutgoingError("too_large", f"the answer is longer than {self._limit} bytes"))

    def connectionLost(self, reason: Failure = _CLOSED) -> None:  # noqa: N802 - likewise
        """That was all."""
        if self.full or self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):  # the latter: its end is the end of the connection
            self.done.callback(b"".join(self._parts))
        else:
            self.done.errback(OutgoingError("broken", "the answer was cut short"))

    def refuse(self, why: OutgoingError) -> None:
        """There is no answer."""
        if not self.full:
            self._abort()
            self.done.errback(why)

    def _abort(self) -> None:
        """Take no more."""
        self.full = True
        self._parts.clear()
        transport: Any = self.transport
        if transport is not None:
            transport.loseConnection()


class _Steps(Protocol):
    """Hands a body on in small steps, until whoever collects it has enough."""

    def __init__(self, to: Any, body: _Body) -> None:
        self._to = to
        self._body = body

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """It begins."""
        self._to.makeConnection(self.transport)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - likewise
        """Hand on what came."""
        try:
            for start in range(0, len(data), STEP):
                if not self._body.full:
                    self._to.dataReceived(data[start : start + STEP])
        except ResponseFailed:
            self._body.refuse(OutgoingError("broken", "what came cannot be decompressed"))

    def connectionLost(self, reason: Failure = _CLOSED) -> None:  # noqa: N802 - likewise
        """It ends."""
        try:
            self._to.connectionLost(reason)
        except ResponseFailed:
            self._body.refuse(OutgoingError("broken", "what came cannot be decompressed"))


class _SteppedResponse(proxyForInterface(IResponse)):  # type: ignore[misc]
    """A response whose body comes in small steps."""

    def __init__(self, original: Any, body: _Body) -> None:
        super().__init__(original)
        self._body = body

    def deliverBody(self, protocol: Any) -> None:  # noqa: N802 - Twisted's name
        """Deliver it."""
        self.original.deliverBody(_Steps(protocol, self._body))


@implementer(IAgent)
class _InSteps:
    """An agent below whatever decompresses answers."""

    def __init__(self, agent: Any, body: _Body) -> None:
        self._agent = agent
        self._body = body

    def request(self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None) -> Deferred[Any]:  # noqa: N803
        """Send a request."""
        sent: Deferred[Any] = self._agent.request(method, uri, headers, bodyProducer)
        return sent.addCallback(self._stepped)

    def _stepped(self, response: Any) -> Any:
        encodings = b",".join(response.headers.getRawHeaders(b"content-encoding", []))
        if b"," in encodings:  # each layer could make a thousand bytes of one
            response.deliverBody(_Nothing())
            raise OutgoingError("broken", "the answer is compressed more than once")
        return _SteppedResponse(response, self._body)


class _Nothing(Protocol):
    """Takes nothing of a body."""

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """End it."""
        transport: Any = self.transport
        transport.loseConnection()


def _deliver(response: Any, body: _Body, target: Target) -> Deferred[Response]:
    headers = tuple(
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, values in response.headers.getAllRawHeaders()
        for value in values
        if value or name.lower() != b"content-encoding"  # empty, it is Twisted's decoder's and not the server's
    )
    response.deliverBody(body)
    return body.done.addCallback(lambda content: Response(response.code, headers, content, target.url))


def _explain(failure: Failure, *, in_time: bool) -> Failure:
    """What went wrong, as an `OutgoingError`."""
    why: Any = failure.value
    if not in_time:
        return Failure(OutgoingError("timeout", "it took too long"))
    while getattr(why, "reasons", None):  # of Twisted's, which wraps what happened
        why = why.reasons[0].value
    return Failure(why if isinstance(why, OutgoingError) else _meaning(why))


def _meaning(why: BaseException) -> OutgoingError:
    if isinstance(why, error.TimeoutError):
        return OutgoingError("timeout", "nobody answered in time")
    if isinstance(why, CancelledError | error.ConnectingCancelledError):
        return OutgoingError("cancelled", "it was given up")
    if type(why).__module__.partition(".")[0] in ("OpenSSL", "service_identity"):
        return OutgoingError("tls", "there is no TLS, or no certificate that is good for the name", str(why))
    if isinstance(why, error.ConnectError):
        return OutgoingError("connect", "nobody answers there", str(why))
    if isinstance(why, error.ConnectionClosed):
        return OutgoingError("broken", "the connection was closed before there was an answer")
    if isinstance(why, OSError):  # of the socket itself: no descriptor is left, or no memory
        return OutgoingError("busy", "no connection can be opened", str(why))
    return OutgoingError("broken", f"what came is no answer ({type(why).__name__})")
