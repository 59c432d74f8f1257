"""One connection of the web server: Twisted's HTTP/1.1, within limits of size and time.

Rules
-----
* A request's head, and the body of a resource that wants all of it, are complete within `PATIENCE` seconds of the connection's
  beginning or of the last answer; a client that sends an octet at a time has no more time than others. Of a body that is taken
  while it comes (`body.py`), so much comes in each `PATIENCE` seconds as its rate asks for, while somebody wants it.
* The bodies that are kept until they are complete and answered have room together (`BoundedSite.room`): beyond it they are
  refused, 503. What nobody reads is not kept.
* A body over its limit is refused when it is announced, or when it grows that long; it is not kept, and what the client still
  sends is read and dropped for a short while, so that the answer reaches it. The same happens after an answer that was given
  before the body's end.
* Requests that two servers might read differently are refused (`head.py`), and the connection is closed: what follows cannot be
  trusted to begin a request. One line of the log says so.
* Requests that came together are answered one after the other; when the client does not read its answers, or when there are
  very many, the rest waits.
* A client that does not read its answer is cut off after `STALL` seconds without progress.
* A failure of ours shows no traceback to the client.
* A request for WebSocket that is not the first one of its connection is given back to the port, with the connection.

Of Twisted's own attributes that are not public, those that `TWISTED` names are touched, in this file alone; so it is long.

Sources: RFC 9110 (HTTP semantics), RFC 9112 (HTTP/1.1 messages).
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from twisted.logger import Logger

from wampd.router.http import hasty
from wampd.router.http.body import Body, Intake
from wampd.router.http.clocked import ClockedChannel
from wampd.router.http.giving_back import Drained, Port, head_of
from wampd.router.http.head import REASONS, Refusal, RequestLine, fault_of_head, fault_of_line, read_line
from wampd.router.http.request import SmallRequest, address_of
from wampd.router.tally import ANSWERS_NOT_READ

log = Logger()

MAX_BODY: Final = 2**20
PATIENCE: Final = 30.0
STALL: Final = 30.0
LINGER: Final = 2.0
"""Seconds that a refused client's bytes are read and dropped."""
AHEAD: Final = 16 * 1024
"""Octets that are kept of requests whose turn has not come."""
AT_ONCE: Final = 16
"""Requests of one read that are answered before others have a turn."""
LEAN: Final = 16 * 1024
"""Octets that the chunks of a body may cost beside `FRAMED` for each of its own."""
FRAMED: Final = 4
TWISTED: Final = (
    "_dataBuffer",
    "_receivedHeaderCount",
    "_receivedHeaderSize",
    "_respondToBadRequestAndDisconnect",
    "_send100Continue",
    "_waitingForTransport",
)


class Channel(ClockedChannel):
    """One connection."""

    transport: Any
    requestFactory = SmallRequest  # noqa: N815 - Twisted's name
    site: Any
    timeOut: Any  # noqa: N815 - Twisted's name
    port: Port | None = None
    body_size = MAX_BODY
    """The longest body of a request, in bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._over = False
        """Whether all that the client still sends is dropped."""
        self._line: RequestLine | None = None
        """Of the request whose head is being read, or whose body."""
        self._body: Body | None = None
        """The one that is taken while it comes."""
        self._intake = Intake(streamed=False)
        self._continue = False
        """Whether the client waits to be told to send the body."""
        self._raw = 0
        """Octets of the body as they came; after the body, those that came ahead of their turn."""
        self._plain = 0
        """Those that are its own."""
        self.is_direct = False
        """Whether what is sent goes to a socket, not through TLS."""
        self._pace: Any = None
        self._at_once = 0
        self._done: Any = None
        """The request that was answered, whose successor has to wait."""

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Start the clock."""
        super().connectionMade()
        self.is_direct = hasty.is_direct(self.transport)

    # ----------------------------------------------------------------------------------------------- what is read

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take what was read."""
        if not self._over:
            self._at_once = 0
            super().dataReceived(data)

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take some of a body, or of what comes after it."""
        if self._over:
            return
        self._raw += len(data)
        if self._line is None and self._raw > AHEAD:
            self.transport.pauseProducing()  # Twisted itself does not, if the client does not read its answer
        super().rawDataReceived(data)
        if self._body is not None and not self._over:
            self._body.deliver()
        if self._line is not None and self._raw > LEAN + FRAMED * (self._plain + 1):
            self.refuse(Refusal(400, "the chunks of the body are wasteful"))

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take a line of a head."""
        if self._over:
            return
        if self._receivedHeaderSize + len(line) > self.totalHeadersSize:
            self.lineLengthExceeded(line)
            return
        if self._line is None and line:
            read = read_line(line)
            if isinstance(read, Refusal):
                self.refuse(read)
                return
            self._line, line = read, bytes(read)
        elif line and (fault := fault_of_line(line)):
            self.refuse(fault)
            return
        super().lineReceived(line)

    def headerReceived(self, line: bytes) -> Any:  # noqa: N802 - Twisted's name
        """Take a whole header line."""
        if self._receivedHeaderCount >= self.maxHeaders:
            self.refuse(Refusal(431, "too many header lines"))
            return False
        return not self._over and super().headerReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: ARG002, N802 - Twisted's name
        """A line of a head is too long, or the head is."""
        self.refuse(Refusal(414 if self._line is None else 431, "the head, or a line of it, is too long"))

    def allHeadersReceived(self) -> None:  # noqa: N802 - Twisted's name
        """The head is there."""
        if self._over or self._line is None:
            return
        request, line = self.requests[-1], self._line
        headers = request.requestHeaders
        if line.authority is not None:
            headers.setRawHeaders(b"Host", [line.authority])
        values = [headers.getRawHeaders(name, []) for name in (b"Host", b"Content-Length", b"Transfer-Encoding")]
        if fault := fault_of_head(line, *values):
            self.refuse(fault)
            return
        if self.site.beside is not None and self.port is not None and headers.hasHeader(b"Upgrade"):
            head = head_of(request, line)
            if self.port.wants(self.site.beside, head):
                self._give_back(head)
                return
        if self.site.introduced is not None and not self.site.introduced(request):
            self.refuse(Refusal(503, "too many connections of one address"))
            return
        super().allHeadersReceived()
        if self._body is not None and not self._over:
            request.begin(line, self._body)

    def allContentReceived(self) -> None:  # noqa: N802 - Twisted's name
        """The request is there in full."""
        if self._over:
            return
        self._keep_pace(False)
        if self._body is not None and self._plain:
            self.setTimeout(PATIENCE)  # Twisted takes it off, and sets it again for the next request
            self._read_on()  # so that it is seen when the client leaves
        self._line, self._body, self._continue = None, None, False
        self._raw = self._plain = 0
        super().allContentReceived()

    def checkPersistence(self, request: Any, version: bytes) -> bool:  # noqa: N802 - Twisted's name
        """Whether there may be another request: not if this one says ``close``, in whatever list (RFC 9110, section 7.6.1)."""
        said = b",".join(request.requestHeaders.getRawHeaders(b"Connection", [])).lower()
        if version != b"HTTP/1.1" or b"close" in [option.strip(b" \t") for option in said.split(b",")]:
            request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
            return False
        return True

    # --------------------------------------------------------------------------------------------------- the body

    def announced(self, request: Any, length: int | None) -> Body | None:
        """The length of the body is known, or `None`: chunks. Return the body if it is taken while it comes."""
        assert self._line is not None
        self._intake = request.intake(self._line)
        if length is not None and length > self._limit:
            self.refuse(Refusal(413, "the body is too long"))
        elif self._intake.streamed:
            self._body = Body(request, length)
            if length != 0:
                self.setTimeout(None)  # from now on it is the pace of the body that counts
                self.transport.pauseProducing()
        return self._body

    def fits(self, more: int) -> bool:
        """Whether so much more of the body may come; if not, it is refused."""
        self._plain += more
        if self._plain > self._limit:
            self.refuse(Refusal(413, "the body is too long"))
        return not self._over

    def keep(self, more: int) -> bool:
        """Whether to keep so much more of the body, for which room is taken; if there is none, it is refused."""
        if not self._intake.kept:
            return False
        if self.site.room < more:
            self.refuse(Refusal(503, "too many bodies at a time"))
            return False
        self.site.room -= more
        return True

    def want_body(self) -> None:
        """Read on."""
        if self._over or self._line is None:
            return
        if self._continue:
            self._continue = False
            super()._send100Continue()
        self._keep_pace(True)
        self._read_on()

    def hold_body(self) -> None:
        """Read nothing for now."""
        if not self._over and self._line is not None:
            self._keep_pace(False)
            self.transport.pauseProducing()

    @property
    def _limit(self) -> int:
        return self.body_size if self._intake.size is None else self._intake.size

    def _send100Continue(self) -> None:  # noqa: N802 - Twisted's name
        if self._body is not None:
            self._continue = True
        elif not self._over:
            super()._send100Continue()

    def _keep_pace(self, wanted: bool) -> None:
        """Watch how fast the body comes, or do not."""
        if self._pace is not None and self._pace.active():
            self._pace.cancel()
        self._pace = self.callLater(PATIENCE, partial(self._check_pace, self._plain)) if wanted else None

    def _check_pace(self, before: int) -> None:
        if self._plain - before < self._intake.rate * PATIENCE:
            self.refuse(Refusal(408, "the body comes too slowly"))
        else:
            self._keep_pace(True)

    def _read_on(self) -> None:
        if not self._waitingForTransport:
            self.transport.resumeProducing()

    # ----------------------------------------------------------------------------------------------- what is sent

    def send_at_once(self, data: bytes) -> None:
        """Send what is complete."""
        if self.is_direct:
            hasty.send(self.transport, data)
        else:
            self.transport.write(data)

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:  # noqa: N802 - Twisted's name
        """Send the head of an answer. If the body is not there yet, it is the last one."""
        if self._line is not None or self.site.is_over:
            self.persistent = 0
            headers.setRawHeaders(b"Connection", [b"close"])
        super().writeHeaders(version, code, reason, headers)

    def requestDone(self, request: Any) -> None:  # noqa: N802 - Twisted's name
        """A request was answered; the next one may be served, now or a little later."""
        if self._over:
            return
        if self._line is not None:
            self._part()
            return
        self._at_once += 1
        if self.persistent and (self._waitingForTransport or self._at_once > AT_ONCE):
            self._done = request
            if not self._waitingForTransport:
                self.callLater(0, self._next)
        else:
            self._raw = 0
            super().requestDone(request)

    def _next(self) -> None:
        """Serve the request that had to wait."""
        done, self._done = self._done, None
        if done is not None and not self._over:
            self._at_once = self._raw = 0
            super().requestDone(done)

    def refuse(self, refusal: Refusal) -> None:
        """Answer with this status, unless an answer has begun, and close."""
        if self._over:
            return
        client = address_of(self.requests[-1]) if self._line is not None and self.requests else self.client
        log.info("{client}: {status}: {why}", client=client, status=refusal.status, why=refusal.why)
        self.site.strike(refusal.counts_as)
        if self.requests and self.requests[-1].startedWriting:
            self._drop_all(refusal.why)
            self.transport.abortConnection()
            return
        self.transport.write(
            b"HTTP/1.1 %d %s\r\nServer: wampd\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            % (refusal.status, REASONS[refusal.status])
        )
        self._drop_all(refusal.why)
        self._part()

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802 - Twisted's name
        self.refuse(Refusal(400, "the request is malformed"))

    def _drop_all(self, why: str) -> None:
        """Drop what the client still sends; who waits for the body is told why there is no more."""
        self._over = True
        if self._body is not None:
            self._body.end(why)

    def _part(self) -> None:
        """Send what is still to be sent, and close; what the client sends until then is dropped."""
        self._over = True
        self.setTimeout(None)
        self._keep_pace(False)
        if self._body is not None:
            self._body.forget()
        transport = self.transport
        transport.unregisterProducer()
        transport.resumeProducing()
        # Asked of the class: inside TLS only all of a connection can be closed.
        if hasattr(type(transport), "loseWriteConnection"):
            transport.loseWriteConnection()
        else:
            transport.loseConnection()
        self._watch(STALL if self._waitingForTransport else LINGER)

    # ------------------------------------------------------------------------------------------------------- time

    def timeoutConnection(self) -> None:  # noqa: N802 - Twisted's name
        """Time is up: for a request that is being read, or for a connection that nobody uses."""
        if self._line is not None:
            self.refuse(Refusal(408, "the request comes too slowly"))
        else:
            self.loseConnection()
            self._watch(self.abortTimeout)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client does not read as fast as the answer comes."""
        super().pauseProducing()
        self._keep_pace(False)
        self._watch(STALL, self._not_read)

    def _not_read(self) -> None:
        """Nothing of the answer was read for too long."""
        self.site.strike(ANSWERS_NOT_READ)
        self.transport.abortConnection()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client has read something."""
        if self._over:
            return
        self._watch(None)
        super().resumeProducing()
        if self._body is not None:
            if self._body.is_wanted:
                self._keep_pace(True)
            else:
                self.transport.pauseProducing()
        self._next()

    def loseConnection(self) -> None:  # noqa: N802 - Twisted's name
        """Close once all is read; if nobody reads it, all the same."""
        super().loseConnection()
        self._watch(STALL)

    def hand_over(self, request: Any, protocol: Any) -> None:
        """Let another protocol have the connection of a request that is not answered, and what was read of it and not used.

        What this channel stands in asks it for `dataReceived` and `connectionLost` each time: from here on it gets the other's.
        The request is over when the connection is.
        """

        def lost(reason: Any) -> None:
            protocol.connectionLost(reason)
            request.finished = 1  # it is in the log already
            request.connectionLost(reason)

        self.setTimeout(None)
        self._watch(None)
        self._keep_pace(False)
        rest = b"".join(self._dataBuffer)
        self._dataBuffer.clear()
        self.transport.unregisterProducer()
        handed: Any = self
        handed.dataReceived, handed.connectionLost = protocol.dataReceived, lost
        protocol.makeConnection(self.transport)
        self.transport.resumeProducing()  # it may wait, because much came before there was an answer
        self.factory.log(request)
        if rest:
            protocol.dataReceived(rest)

    def _give_back(self, head: bytes) -> None:
        """Give the connection back to the port, once the answers before are sent; nothing is read meanwhile."""
        self._over = True
        self.setTimeout(None)
        self._watch(STALL)
        transport = self.transport
        transport.unregisterProducer()
        transport.pauseProducing()
        given = partial(self._given_back, head + self.clearLineBuffer())
        if self.is_direct:
            Drained(transport, given)
        else:
            given()

    def _given_back(self, read: bytes) -> None:
        assert self.port is not None
        self._watch(None)
        self.requests.clear()  # which ends the circle of references between them and this
        self.transport.resumeProducing()
        self.port.resume(self.site.beside, read)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone."""
        self._keep_pace(False)
        self._drop_all("the client has left")
        super().connectionLost(reason)
