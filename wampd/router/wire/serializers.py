"""The serializations that the router speaks, by name.

The three that nearly all clients speak are always there. The others are imported when they are asked for, so that they cost
nobody else memory or time to start.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from wampd.router.wire.cbor_codec import CborCodec
from wampd.router.wire.codec import MAX_DEPTH, Codec
from wampd.router.wire.json_codec import JsonCodec
from wampd.router.wire.msgpack_codec import MsgpackCodec

USUAL: Final = ("json", "msgpack", "cbor")
"""What is offered unless something else is said."""
RAW_SERIALIZERS: Final = {1: "json", 2: "msgpack", 3: "cbor", 4: "ubjson", 5: "flatbuffers"}
"""All serializers, by the numbers that RawSocket has for them (WAMP advanced profile, "RawSocket Transport")."""


def codecs(depth: int = MAX_DEPTH, names: Iterable[str] = USUAL) -> dict[str, Codec]:
    """One stateless codec per serialization, by the name that WebSocket subprotocols (``wamp.2.<name>``) use.

    ``depth`` is how deep a message may nest.
    """
    return {name: _codec(name, depth) for name in dict.fromkeys(names)}


def shallower(codec: Codec, depth: int) -> Codec:
    """The codec of the same serialization for messages that nest at most ``depth`` deep, and no deeper than it takes now."""
    return codec if codec.depth <= depth else _shallow(type(codec), depth)


@cache  # there are as many as there are depths in the configuration
def _shallow(kind: type[Codec], depth: int) -> Codec:
    return kind(depth)


def _codec(name: str, depth: int) -> Codec:
    if name == "ubjson":
        from wampd.router.wire.ubjson_codec import UbjsonCodec

        return UbjsonCodec(depth)
    if name == "flatbuffers":
        from wampd.router.wire.flatbuffers_codec import FlatBuffersCodec

        return FlatBuffersCodec(depth)
    usual: dict[str, type[Codec]] = {"json": JsonCodec, "msgpack": MsgpackCodec, "cbor": CborCodec}
    return usual[name](depth)
