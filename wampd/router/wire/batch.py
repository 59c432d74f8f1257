r"""Several messages in one: how the subprotocols ``wamp.2.<serializer>.batched`` join and part them, without I/O.

Rules
-----
* JSON: each message is followed by one octet, also where there is only one message. The specification says 0x1E; some
  clients use 0x18, a misreading of its octal "\30". Both are understood, and a client is answered with its own. Neither octet
  can be within a message, as JSON has control characters in escaped form only.
* Binary serializers: each message is preceded by its length, an unsigned 32-bit integer in big-endian order.
* A batch of no message is illegal, as is one that ends within a message, or holds more messages than a limit.
* A joined batch is nothing but its elements one after the other: elements can be made before it is known what they are
  joined with, and shared by several receivers.

Source: WAMP advanced profile, "Batched WebSocket transport".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from wampd.realms.session import ProtocolViolation

MOST_MESSAGES: Final = 4096
"""How many messages a batch may hold, unless something else is said."""
SUFFIX: Final = ".batched"
"""What the names of the batched subprotocols end in."""

_SEPARATOR: Final = 0x1E
_MISREAD: Final = 0x18
_HEAD: Final = 4


class EmptyBatchError(ProtocolViolation):
    """The batch holds no message: the transport is to be failed. The text is for the peer."""

    def __init__(self) -> None:
        super().__init__("a batch without a message")


class Batch(Protocol):
    """How one connection batches."""

    def split(self, payload: bytes) -> list[bytes]:
        """The messages of a batch of the client's.

        Raises `EmptyBatchError`, or `ProtocolViolation` for a batch that is cut off or too long.
        """
        ...

    def element(self, message: bytes) -> bytes:
        """One message as an element of a batch; the same for all connections that batch in this way."""
        ...

    def finish(self, elements: bytes) -> bytes:
        """Elements, one after the other, as this client reads them."""
        ...

    def join(self, messages: Iterable[bytes]) -> bytes:
        """The batch of these messages, as this client reads it."""
        ...

    def cut(self, elements: bytes, size: int) -> list[bytes]:
        """The elements in pieces of at most ``size`` bytes, but of one element at least, in their order."""
        ...


class TextBatch:
    """Messages with a separator after each."""

    __slots__ = ("_most", "_separator")

    def __init__(self, most: int = MOST_MESSAGES) -> None:
        self._most = most
        self._separator = _SEPARATOR

    def split(self, payload: bytes) -> list[bytes]:
        """The messages of a batch of the client's; from now on the client is answered with its separator."""
        if not payload:
            raise EmptyBatchError
        separator = payload[-1]
        if separator not in (_SEPARATOR, _MISREAD):
            raise ProtocolViolation("the batch does not end in a separator (0x1E): truncated")
        mark = bytes((separator,))
        if payload.count(mark) > self._most:
            raise _too_many(self._most)
        self._separator = separator
        return payload[:-1].split(mark)

    def element(self, message: bytes) -> bytes:
        """One message with its separator."""
        return message + b"\x1e"

    def finish(self, elements: bytes) -> bytes:
        """The elements with the client's own separator."""
        return elements if self._separator == _SEPARATOR else elements.replace(b"\x1e", b"\x18")

    def join(self, messages: Iterable[bytes]) -> bytes:
        """The batch of these messages."""
        return self.finish(b"".join(map(self.element, messages)))

    def cut(self, elements: bytes, size: int) -> list[bytes]:
        """Pieces that end in a separator."""
        pieces: list[bytes] = []
        begin = 0
        while len(elements) - begin > size:
            end = elements.rfind(b"\x1e", begin, begin + size) + 1 or elements.find(b"\x1e", begin + size) + 1
            pieces.append(elements[begin:end])
            begin = end
        if begin < len(elements):
            pieces.append(elements[begin:])
        return pieces


class BinaryBatch:
    """Messages with their length before each."""

    __slots__ = ("_most",)

    def __init__(self, most: int = MOST_MESSAGES) -> None:
        self._most = most

    def split(self, payload: bytes) -> list[bytes]:
        """The messages of a batch of the client's."""
        if not payload:
            raise EmptyBatchError
        messages: list[bytes] = []
        position, size = 0, len(payload)
        while position < size:
            if len(messages) == self._most:
                raise _too_many(self._most)
            begin = position + _HEAD
            position = begin + int.from_bytes(payload[position:begin], "big")
            messages.append(payload[begin:position])
        if position > size:
            raise ProtocolViolation("the batch ends within a message or its length: truncated")
        return messages

    def element(self, message: bytes) -> bytes:
        """One message with its length."""
        return len(message).to_bytes(_HEAD, "big") + message

    def finish(self, elements: bytes) -> bytes:
        """The elements as they are."""
        return elements

    def join(self, messages: Iterable[bytes]) -> bytes:
        """The batch of these messages."""
        return b"".join(map(self.element, messages))

    def cut(self, elements: bytes, size: int) -> list[bytes]:
        """Pieces of whole elements."""
        pieces: list[bytes] = []
        begin = position = 0
        while position < len(elements):
            end = position + _HEAD + int.from_bytes(elements[position : position + _HEAD], "big")
            if end - begin > size and position > begin:
                pieces.append(elements[begin:position])
                begin = position
            position = end
        if begin < position:
            pieces.append(elements[begin:])
        return pieces


def batch(*, text: bool, most: int = MOST_MESSAGES) -> Batch:
    """How to batch messages of a text serializer, or of a binary one; ``most``: messages in a batch of the client's."""
    return TextBatch(most) if text else BinaryBatch(most)


def _too_many(most: int) -> ProtocolViolation:
    return ProtocolViolation(f"the batch holds more than {most} messages")
