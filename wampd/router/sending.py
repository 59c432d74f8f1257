"""The way out: what waits in a session's outbox, to bytes on its connection.

Rules
-----
* Everything of a turn goes out in one write. An event is encoded and framed once for all receivers that hear it alike.
* What cannot be carried to the receiver is not sent: an event is counted, a call ends with an ERROR.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from wampd.realms.messages import Event, Foreign, Format, Outgoing
from wampd.realms.session import Session
from wampd.router.audit import fields_of, who
from wampd.router.line import Line
from wampd.router.wire.codec import Codec, Uncarriable

if TYPE_CHECKING:
    from wampd.router.shells import RealmShell

log = Logger()

INVALID_ARGUMENT = "wamp.error.invalid_argument"
PAYLOAD_SIZE_EXCEEDED = "wamp.error.payload_size_exceeded"

WRITE_SIZE = 2**18
"""How many bytes are made before the connection sees them."""

FRAME_HEAD = 4
"""Bytes of a RawSocket frame's head; WebSocket has no limit on what is sent."""


class Sender:
    """The half of a `wampd.router.sessions.SessionPeer` that speaks."""

    __slots__ = ("_codec", "_connection", "_largest_frame", "_realm", "_share", "about", "session")

    def __init__(self, connection: Line, codec: Codec, about: dict[str, Any]) -> None:
        """``about`` tells where the connection comes from, and how."""
        self._connection = connection
        self._codec = codec
        self._share, self._largest_frame = _of_kind(connection.framing.share, codec.format, connection.framing.max_send)
        self._realm: RealmShell | None = None
        self.about = about
        self.session: Session | None = None

    @property
    def who(self) -> str:
        """For the log: the session, or where the connection comes from."""
        if self.session is None:
            return str(self.about["peer"])
        return who(self.session)

    @property
    def known(self) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """The same as fields of the log, each by itself."""
        if self.session is None or self._realm is None:
            return ("address",), (str(self.about["peer"]),)
        return fields_of(self.session, self._realm.core.name)

    @property
    def queued(self) -> tuple[int, float]:
        """How many bytes wait to be sent to the client, and since when any do (monotonic seconds)."""
        return self._connection.queued

    def _abort(self, reason: str, message: str) -> None:
        """End everything with an ABORT."""
        raise NotImplementedError

    def flush(self) -> None:
        """Encode and send everything in the outbox."""
        session = self.session
        if session is None:
            return
        outbox = session.outbox
        share = self._share
        if len(outbox) == 1 and outbox[0].__class__ is Event:  # the usual turn of a subscriber
            ready = outbox[0].frames.get(share)
            if ready is not None and len(ready) <= self._largest_frame:
                outbox.clear()
                session.sent += 1
                self._connection.write(ready)
                return
        session.spent = 0
        session.sent += len(outbox)
        connection = self._connection
        framing = connection.framing
        encode, heads, largest = self._codec.encode, framing.heads, framing.max_send
        short = len(heads)
        frames: list[bytes] = []
        size = 0
        for message in outbox:
            framed: bytes | None
            if message.__class__ is tuple:
                payload = encode(message)
                length = len(payload)
                if length < short:  # nearly always; to join heads and payloads once is less than to join each, then all
                    frames.append(heads[length])
                    framed = payload
                elif length > largest:
                    framed = self._give_up(session, message, largest)
                elif heads:
                    frames.append(framing.head(length))
                    framed = payload
                else:
                    framed = framing.frame(payload)
            else:
                framed = message.frames.get(share) if message.__class__ is Event else None
                if framed is None or len(framed) > self._largest_frame:
                    framed = self._with_payload(session, message)
            if framed is None:
                if self.session is not session:
                    return  # it was ended
                continue
            frames.append(framed)
            size += len(framed)
            if size > WRITE_SIZE:
                # What waits is bounded by the connection, so it must see it before the next megabytes are made.
                connection.write(b"".join(frames))
                frames.clear()
                size = 0
                if not connection.writable:
                    break
        outbox.clear()
        connection.write(frames[0] if len(frames) == 1 else b"".join(frames))

    def _with_payload(self, session: Session, message: Outgoing) -> bytes | None:
        """An event, or a message with a payload in another serialization, framed; `None`: it is not to be sent."""
        share = self._share
        if share is None or message.__class__ is not Event:
            framed = self._frame(message)
        elif share in message.frames:
            framed = message.frames[share]
        else:
            framed = message.frames[share] = self._frame(message)
        if framed is None:
            reason = "the payload cannot be carried to the receiver"
            assert self._realm is not None
            self._realm.core.undeliverable(session, message, INVALID_ARGUMENT, reason)
        elif len(framed) > self._largest_frame:
            return self._give_up(session, message, self._connection.framing.max_send)
        return framed

    def _frame(self, message: Outgoing) -> bytes | None:
        codec = self._codec
        try:
            if message.__class__ is Event:
                payload = codec.encode_event(message)
            else:
                assert isinstance(message, Foreign)
                payload = codec.encode_foreign(message)
        except Uncarriable as why:
            log.debug("{who}: not delivered: {why}", who=self.who, log_fields=self.known, why=str(why))
            return None
        return self._connection.framing.frame(payload)

    def _give_up(self, session: Session, message: Outgoing, largest: int) -> bytes | None:
        """A message is longer than the client takes: answer a call otherwise, or end a session that cannot do without."""
        assert self._realm is not None
        reason = f"the message is longer than the {largest} bytes that its receiver takes"
        if not self._realm.core.undeliverable(session, message, PAYLOAD_SIZE_EXCEEDED, reason):
            log.info(
                "{who}: its limit of {largest} bytes is too small for WAMP",
                who=self.who,
                log_fields=self.known,
                largest=largest,
            )
            session.outbox.clear()
            self._abort(PAYLOAD_SIZE_EXCEEDED, reason)
        return None

    def _say(self, message: tuple[Any, ...]) -> bool:
        """Send one message at once, outside any session's outbox; whether it is short enough for the client."""
        payload = self._codec.encode(message)
        framing = self._connection.framing
        if len(payload) > framing.max_send:
            return False
        self._connection.write(framing.frame(payload))
        return True


@lru_cache(maxsize=256)
def _of_kind(share: str | None, form: Format, max_send: int) -> tuple[str | None, int]:
    """By what connections of this kind find frames that are made already, and the longest frame they take.

    All of them have the same two objects. The first is a text, which knows its hash.
    """
    return f"{share} {form.value}" if share else None, max_send + FRAME_HEAD
