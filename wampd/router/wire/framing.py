"""What a connection needs of its framing, WebSocket and RawSocket alike."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from wampd.router.wire.batch import MOST_MESSAGES


class FrameLimits(Struct, frozen=True):
    """Limits on what a peer may send in one message."""

    message_size: int = 2**20
    """Bytes."""
    fragments: int = 1024
    batch: int = MOST_MESSAGES
    """Messages in one batch."""


class Framing(Protocol):
    """Bytes of a connection to messages' payloads and back. It never raises on what a peer sends.

    ``replies`` holds bytes that the framing itself wants sent (pongs, close frames); the connection takes them after
    every call. When ``ended`` is set, nothing more is read, and the connection is to be closed once all is sent.
    """

    max_send: int
    """The longest payload, in bytes, that the peer takes."""
    heads: list[bytes]
    """What `head` says of payloads shorter than this list, by their length; empty: a frame is more than head and payload."""
    replies: list[bytes]
    ended: bool
    failure: str
    """Why the peer's bytes were refused: for the log. Empty if they were not."""

    @property
    def may_speak(self) -> bool:
        """After a failure: the framing is intact, so that what is served may have a last word, and close."""
        ...

    @property
    def share(self) -> str | None:
        """Frames of the same payload may be shared by all connections with the same key; `None`: they may not."""
        ...

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was received; give the payloads of the messages that are complete."""
        ...

    def narrow(self, size: int) -> None:
        """Take no message of more than ``size`` bytes, be it less than what was agreed, until it is widened."""
        ...

    def widen(self) -> None:
        """Take from now on what was agreed."""
        ...

    def frame(self, payload: bytes) -> bytes:
        """One message, framed."""
        ...

    def head(self, length: int) -> bytes:
        """What `frame` puts before a payload of so many bytes, where there are ``heads``."""
        ...

    def ping(self, payload: bytes) -> bytes:
        """A ping that carries ``payload`` (at most 125 bytes)."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Say that the connection ends, if the framing has words for it (RFC 6455, section 7.4 for ``code``)."""
        ...

    def release(self) -> None:
        """Let go of everything: the connection is gone, and nothing more is asked."""
        ...
