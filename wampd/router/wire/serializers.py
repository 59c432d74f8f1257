"""The serializations that the router speaks, by name.

JSON and MessagePack, which share a library, are always there. The others are imported when the first client speaks them, so
that they cost nobody else memory or time to start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final

from wampd.router.wire.codec import MAX_DEPTH, Codec
from wampd.router.wire.json_codec import JsonCodec
from wampd.router.wire.msgpack_codec import MsgpackCodec

USUAL: Final = ("json", "msgpack", "cbor")
"""What is offered unless something else is said."""
RAW_SERIALIZERS: Final = {1: "json", 2: "msgpack", 3: "cbor", 4: "ubjson", 5: "flatbuffers"}
"""All serializers, by the numbers that RawSocket has for them (WAMP advanced profile, "RawSocket Transport")."""


class Codecs(Mapping[str, Codec]):
    """One stateless codec per serialization, by the name that WebSocket subprotocols (``wamp.2.<name>``) use.

    Each is made when it is first asked for.
    """

    def __init__(self, depth: int, names: Iterable[str]) -> None:
        self._depth = depth
        self._made: dict[str, Codec | None] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Codec:
        """The codec of one serialization."""
        codec = self._made[name]
        if codec is None:
            codec = self._made[name] = _codec(name, self._depth)
        return codec

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._made)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._made)


def codecs(depth: int = MAX_DEPTH, names: Iterable[str] = USUAL) -> Codecs:
    """The codecs for messages that nest at most ``depth`` deep."""
    return Codecs(depth, names)


def shallower(codec: Codec, depth: int) -> Codec:
    """The codec of the same serialization for messages that nest at most ``depth`` deep, and no deeper than it takes now."""
    return codec if codec.depth <= depth else _shallow(type(codec), depth)


@cache  # there are as many as there are depths in the configuration
def _shallow(kind: type[Codec], depth: int) -> Codec:
    return kind(depth)


def _codec(name: str, depth: int) -> Codec:
    if name == "cbor":
        from wampd.router.wire.cbor_codec import CborCodec

        return CborCodec(depth)
    if name == "ubjson":
        from wampd.router.wire.ubjson_codec import UbjsonCodec

        return UbjsonCodec(depth)
    if name == "flatbuffers":
        from wampd.router.wire.flatbuffers_codec import FlatBuffersCodec

        return FlatBuffersCodec(depth)
    usual: dict[str, type[Codec]] = {"json": JsonCodec, "msgpack": MsgpackCodec}
    return usual[name](depth)
