"""How a hosted component speaks to the router: WebSocket over the router's private Unix socket.

WebSocket and not RawSocket, because the router finds out by pings whether the component's event loop still turns: autobahn's
RawSocket on Twisted takes a ping for a message that is too long, and hangs up.
"""

from __future__ import annotations

from typing import Any

URL = "ws://localhost/ws"
"""What the handshake names; the way there is the socket."""
OPTIONS: dict[str, Any] = {"openHandshakeTimeout": 30.0, "closeHandshakeTimeout": 5.0, "autoPingInterval": 0.0}
"""Patience: many components may start at once."""


def serializers() -> list[Any]:
    """The fastest that the component's autobahn has, first."""
    from autobahn.wamp import serializer

    # What is missing there is not defined, or cannot be made.
    for name in ("MsgPackSerializer", "CBORSerializer"):
        kind = getattr(serializer, name, None)
        if kind is not None:
            try:
                return [kind(), serializer.JsonSerializer()]
            except Exception:  # noqa: BLE001, S112 - the package below it is not there
                continue
    return [serializer.JsonSerializer()]
