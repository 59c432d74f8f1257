"""One connection to a backend: h11 says what the octets mean, Twisted carries them.

Rules
-----
* One exchange at a time. Afterwards the connection can be used again only if both sides have said all, nothing is left
  over, and the backend wants that.
* What a backend sends when nothing was asked ends the connection: an answer that nobody waits for must not become the
  answer to the next request.
* An answer without a length ends with the connection, and only with an orderly end of it: one that was reset is cut short.
* A backend that answers early and closes may have reset the connection before its answer is read: what is there is still read.
* The upload is paused while the backend does not take it, and the backend while the client does not take the answer.

Source: RFC 9112 (HTTP/1.1), sections 6.3, 9.3 and 9.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import h11
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer
from twisted.internet.main import CONNECTION_DONE
from twisted.internet.protocol import Protocol as TwistedProtocol
from zope.interface import implementer

from wampd.router.http.proxy.heads import check_framing

MAX_HEAD: Final = 64 * 1024
"""Octets of the head of an answer."""
LAST_READS: Final = 8
"""Of what came before a write failed."""


class User(Protocol):
    """Who has a connection for one exchange. Of `ended`, `switched` and `failed` one is called, once."""

    def early(self, response: h11.InformationalResponse) -> None:
        """Something came before the answer (1xx)."""
        ...

    def answered(self, response: h11.Response) -> None:
        """The head of the answer is there."""
        ...

    def received(self, data: bytes) -> None:
        """A part of the answer is there."""
        ...

    def ended(self) -> None:
        """The answer is complete; the connection is no longer this one's."""
        ...

    def switched(self, response: h11.InformationalResponse) -> None:
        """The backend speaks another protocol now; the connection stays this one's."""
        ...

    def failed(self, why: str) -> None:
        """There is no answer, or no more of it; the connection is no longer this one's."""
        ...

    def pause_upload(self) -> None:
        """The backend does not take the body as fast as it comes."""
        ...

    def resume_upload(self) -> None:
        """The backend takes more of the body."""
        ...


@implementer(IPushProducer)
class BackendConnection(TwistedProtocol):
    """One connection to a backend."""

    transport: Any

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._user: User | None = None
        self._heir: TwistedProtocol | None = None
        self.is_over = False
        self.has_received = False
        """Whether anything came of the answer under way."""
        self.was_used = False
        self.idle_since = 0.0
        self.on_idle: Callable[[BackendConnection], None] | None = None
        """Called when the connection can be used again."""
        self.on_over: Callable[[BackendConnection], None] | None = None
        """Called when it has ended."""

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is there."""
        _hear_last_words(getattr(self.transport, "transport", self.transport))  # of TLS, what is below it

    # ---------------------------------------------------------------------------------------------- what is sent

    def begin(self, user: User, request: h11.Request) -> None:
        """Send the head of a request."""
        self._user, self.has_received = user, False
        self.transport.registerProducer(self, True)
        self._write(request)

    def send(self, data: bytes) -> None:
        """Send a part of the body."""
        if self._http.our_state is h11.SEND_BODY:
            self._write(h11.Data(data=data))

    def finish(self) -> None:
        """The request is complete."""
        if self._http.our_state is h11.SEND_BODY:
            self._write(h11.EndOfMessage())

    def abort(self) -> None:
        """Nobody waits for the answer any more."""
        self._user = None
        self._end()

    def close(self) -> None:
        """End a connection on which nothing is under way."""
        # Asked of the class: inside TLS an orderly end waits for the other side, maybe for ever.
        if not self.is_over and hasattr(type(self.transport), "loseWriteConnection"):
            self.is_over = True
            self.transport.loseConnection()
        else:
            self._end()

    def hold(self) -> None:
        """The client does not take the answer as fast as it comes."""
        if not self.is_over:
            self.transport.pauseProducing()

    def release(self) -> None:
        """The client takes more."""
        if not self.is_over:
            self.transport.resumeProducing()

    def hand_over(self, heir: TwistedProtocol) -> None:
        """After `User.switched`: another protocol has the connection from here on, and what has come since."""
        self._user, self._heir = None, heir
        self.transport.unregisterProducer()
        heir.makeConnection(self.transport)
        rest = self._http.trailing_data[0]
        if rest:
            heir.dataReceived(rest)

    # ------------------------------------------------------------------------------------- as the transport's producer

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The backend does not read."""
        if self._user is not None:
            self._user.pause_upload()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The backend reads again."""
        if self._user is not None:
            self._user.resume_upload()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone; `connectionLost` says so, too."""

    # ------------------------------------------------------------------------------------------------- what comes

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take what was read."""
        if self._heir is not None:
            self._heir.dataReceived(data)
            return
        if self._user is None:
            self._end()
            return
        self.has_received = True
        self._http.receive_data(data)
        self._take_events()

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone."""
        self.is_over = True
        if self._heir is not None:
            self._heir.connectionLost(reason)
            return
        user = self._user
        if user is not None:
            if reason is not None and reason.check(ConnectionDone):
                self._http.receive_data(b"")
                self._take_events()
            else:
                why = reason.getErrorMessage() if reason is not None else "lost"
                self._fail(f"it broke the connection off: {why}"[:200])
        if self.on_over is not None:
            self.on_over(self)

    def _take_events(self) -> None:
        while self._user is not None:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as why:
                self._fail("it closed the connection" if self.is_over else f"it does not speak HTTP: {why}"[:200])
                return
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            self._take(event)

    def _take(self, event: Any) -> None:
        user = self._user
        assert user is not None
        if isinstance(event, h11.Data):
            user.received(bytes(event.data))
        elif isinstance(event, h11.Response):
            wrong = check_framing(event)
            if wrong:
                self._fail(f"its answer is malformed: {wrong}")
            else:
                user.answered(event)
        elif isinstance(event, h11.InformationalResponse):
            if event.status_code < 100:
                self._fail("its answer is malformed: its status is none")
            else:
                (user.switched if event.status_code == 101 else user.early)(event)
        elif isinstance(event, h11.EndOfMessage):
            self._exchanged(user)
        else:
            self._fail("it closed the connection")

    def _exchanged(self, user: User) -> None:
        """The answer is complete: keep the connection if that is right."""
        self._user = None
        http = self._http
        again = http.our_state is h11.DONE and http.their_state is h11.DONE and not http.trailing_data[0]
        if again and not self.is_over:
            http.start_next_cycle()
            self.was_used = True
            self.transport.unregisterProducer()
            self.transport.resumeProducing()
        user.ended()
        if again and not self.is_over and self.on_idle is not None:
            self.on_idle(self)
        elif http.our_state is h11.SEND_BODY:
            self._end()
        else:
            self.close()

    def _fail(self, why: str) -> None:
        user, self._user = self._user, None
        self._end()
        if user is not None:
            user.failed(why)

    def _write(self, event: Any) -> None:
        """Send what h11 makes of this."""
        for data in self._http.send_with_data_passthrough(event) or ():
            self.transport.write(data)

    def _end(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.transport.abortConnection()


def _hear_last_words(transport: Any) -> None:
    """Read what is there before a transport is closed whose write has failed (RFC 9112, section 9.6, tells of that reset).

    Twisted would drop it. `doWrite` and `doRead` are those of its ``IWriteDescriptor`` and ``IReadDescriptor``.
    """
    write = transport.doWrite

    def write_or_read() -> Any:
        why = write()
        if isinstance(why, Exception) and why is not CONNECTION_DONE:
            for _ in range(LAST_READS):
                if transport.doRead() is not None:
                    break
        return why

    transport.doWrite = write_or_read
