"""A session in memory that speaks any of the serializers, strictly."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import msgspec

from tests.attack.inside import EVERY_ROLE, House, frame
from tests.support import flatbuffers, ubjson

ENCODERS: dict[str, Any] = {
    "json": msgspec.json.encode,
    "msgpack": msgspec.msgpack.encode,
    "cbor": cbor2.dumps,
    "ubjson": ubjson.dumps,
    "flatbuffers": flatbuffers.dumps,
}
NUMBERS = {"json": 1, "msgpack": 2, "cbor": 3, "ubjson": 4, "flatbuffers": 5}


def _refuse(constant: str) -> Any:
    raise AssertionError(f"not JSON: {constant}")


DECODERS: dict[str, Any] = {
    "json": lambda data: json.loads(data, parse_constant=_refuse, parse_int=lambda digits: int(digits[:4000])),
    "msgpack": msgspec.msgpack.decode,
    "cbor": cbor2.loads,
    "ubjson": ubjson.loads,
    "flatbuffers": flatbuffers.loads,
}
OPAQUE = "a message that this decoder does not understand"
"""In place of a message that was passed on as it came, and holds what is well formed but means nothing."""


class Member:
    """A session over RawSocket."""

    def __init__(self, house: House, codec: str = "json", **details: Any) -> None:
        self.codec = codec
        self.wire = house.connect()
        self.wire.send(bytes((0x7F, 0xF0 | NUMBERS[codec], 0, 0)))
        ((code, self.id, self.welcome),) = self.say([1, "realm1", {"roles": EVERY_ROLE, **details}])
        assert code == 2

    def say(self, *messages: Any) -> list[list[Any]]:
        """Send messages (bytes go as they are); return what comes back in the same turn."""
        encode = ENCODERS[self.codec]
        payloads = [message if isinstance(message, bytes) else encode(message) for message in messages]
        return self._read(self.wire.send(b"".join(map(frame, payloads))))

    def heard(self) -> list[list[Any]]:
        """What came since."""
        return self._read(self.wire.taken())

    def _read(self, data: bytes) -> list[list[Any]]:
        messages = []
        while data:
            size = int.from_bytes(data[1:4], "big")
            try:
                messages.append(DECODERS[self.codec](data[4 : 4 + size]))
            except (cbor2.CBORDecodeError, msgspec.DecodeError, ValueError):
                messages.append([OPAQUE])
            data = data[4 + size :]
        return messages
