"""A WebSocket path that sends every message back: the very same connection and framing, for conformance suites."""

from __future__ import annotations

from twisted.logger import Logger

from wampd.router.transports.connection import Connection
from wampd.router.wire.websocket import OtherType, WebSocketFraming

log = Logger()

UNACCEPTABLE = 1003  # RFC 6455 section 7.4.1


class EchoPeer:
    """What serves a connection that echoes. Binary is what its framing expects; text comes as `OtherType`."""

    is_in = True

    def __init__(self, connection: Connection) -> None:
        assert isinstance(connection.framing, WebSocketFraming)
        self._connection = connection
        self._framing = connection.framing
        self.deadline: float | None = None

    def receive(self, payloads: list[bytes]) -> None:
        """Send messages back."""
        for payload in payloads:
            if isinstance(payload, OtherType):
                self._connection.write(self._framing.frame_other(payload))
            else:
                self._connection.write(self._framing.frame(payload))

    def late(self) -> None:
        """There is no deadline."""

    def congested(self, is_congested: bool) -> bool:
        """Reading stops while too much waits; that is enough."""
        return is_congested

    def violated(self, why: str) -> None:
        """What is not for this connection ends it."""
        self._connection.close(UNACCEPTABLE, why)

    def failed(self, why: str) -> None:
        """The connection cannot go on."""
        log.debug("echo: {why}", why=why)

    def too_slow(self, why: str) -> None:
        """The connection is ended for that."""
        log.debug("echo: {why}", why=why)

    def lost(self, why: str) -> None:
        """The connection is gone."""
