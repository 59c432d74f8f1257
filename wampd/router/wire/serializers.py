"""The serializations that the router speaks, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from wampd.router.wire.cbor_codec import CborCodec
from wampd.router.wire.codec import MAX_DEPTH, Codec
from wampd.router.wire.json_codec import JsonCodec
from wampd.router.wire.msgpack_codec import MsgpackCodec


def codecs(depth: int = MAX_DEPTH) -> dict[str, Codec]:
    """One stateless codec per serialization, by the name that WebSocket subprotocols (``wamp.2.<name>``) use.

    ``depth`` is how deep a message may nest.
    """
    return {"json": JsonCodec(depth), "msgpack": MsgpackCodec(depth), "cbor": CborCodec(depth)}


def shallower(codec: Codec, depth: int) -> Codec:
    """The codec of the same serialization for messages that nest at most ``depth`` deep, and no deeper than it takes now."""
    return codec if codec.depth <= depth else _shallow(type(codec), depth)


@cache  # there are as many as there are depths in the configuration
def _shallow(kind: Callable[[int], Codec], depth: int) -> Codec:
    return kind(depth)
