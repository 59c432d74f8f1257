"""WebSocket framing of the batched subprotocols: a frame holds one message or several (`batch`).

Rules
-----
* What is received is split here: who takes the messages does not see that they came together. What comes before the fault
  in a bad batch does not count either: a batch is read as a whole.
* What is sent is an element until it is written: `frame` gives one, `seal` makes frames of those of one write, in their
  order. So the elements of an event are shared by all its receivers, also where frames are compressed.
* A batch that is sent is at most `BATCH_SIZE` long, unless it is one message that is longer: clients bound what they take.

Source: WAMP advanced profile, "Batched WebSocket transport".
"""

from __future__ import annotations

from typing import Final

from websockets.extensions import Extension

from wampd.realms.session import ProtocolViolation
from wampd.router.wire.batch import EmptyBatchError, batch
from wampd.router.wire.framing import FrameLimits
from wampd.router.wire.websocket import WebSocketFraming

BATCH_SIZE: Final = 2**16
"""Bytes of the longest batch of several messages that is sent."""


class BatchedFraming(WebSocketFraming):
    """Frames of one connection that batches."""

    __slots__ = ("_batch", "_text")

    def __init__(self, *, binary: bool, limits: FrameLimits, extensions: list[Extension] | None = None) -> None:
        super().__init__(binary=binary, limits=limits, extensions=extensions)
        self._batch = batch(text=not binary, most=limits.batch)
        self._text = not binary
        self.heads = []

    @property
    def share(self) -> str:
        """Elements depend on nothing but the kind of batch."""
        return "batch of text" if self._text else "batch"

    def feed(self, data: bytes | bytearray) -> list[bytes]:
        """Take what was received; give the messages in the batches that are complete."""
        messages: list[bytes] = []
        for payload in super().feed(data):
            try:
                messages += self._batch.split(payload)
            except EmptyBatchError as error:
                self.fail(1002, str(error))
                break
            except ProtocolViolation as error:
                self.failure = str(error)
                self.may_speak = self.ended = True
                break
        return messages

    def frame(self, payload: bytes) -> bytes:
        """One message, as an element of a batch that is still to be sealed."""
        return self._batch.element(payload)

    def seal(self, elements: bytes) -> bytes:
        """Elements, one after the other, as frames."""
        its, seal = self._batch, super().frame
        if len(elements) <= BATCH_SIZE:
            return seal(its.finish(elements))
        return b"".join([seal(its.finish(piece)) for piece in its.cut(elements, BATCH_SIZE)])
