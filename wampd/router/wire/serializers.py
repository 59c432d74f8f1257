"""The serializations that the router speaks, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wampd.router.wire.json_codec import JsonCodec
from wampd.router.wire.msgpack_codec import MsgpackCodec

if TYPE_CHECKING:
    from wampd.router.wire.codec import Codec

CODECS: dict[str, Codec] = {"json": JsonCodec(), "msgpack": MsgpackCodec()}
"""One stateless codec per serialization, by the name that WebSocket subprotocols (``wamp.2.<name>``) use."""
