"""A client's side of the serializations: what it says encoded, what routers say decoded.

Rules
-----
* The codecs are the router's (`wampd.router.wire`), which write any message; reading what routers say is here.
* A message is read whole, payload included, into plain values. In JSON, strings that stand for bytes become bytes.
* Whatever bytes come, `Speech.decode` raises `Unintelligible` and nothing else.

Sources: WAMP basic profile, "Serializers" and "Binary conversion of JSON strings".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from wampd.client.shapes import SHAPES, fits
from wampd.realms.messages import HELLO, Format
from wampd.router.wire.codec import MAX_DEPTH, MalformedError, Uncarriable
from wampd.router.wire.convert import load
from wampd.router.wire.serializers import RAW_SERIALIZERS, codecs

SERIALIZERS: Final = tuple(RAW_SERIALIZERS.values())
NUMBERS: Final = {name: number for number, name in RAW_SERIALIZERS.items()}
"""What RawSocket calls each serializer."""


NONSENSE: Final = "a message of the router's makes no sense"


class Unintelligible(Exception):
    """What came is no message of a router's."""


class CannotSay(Exception):
    """What is to be said has no form in this serialization."""


class Speech:
    """One serialization, spoken as a client does."""

    def __init__(self, serializer: str) -> None:
        self.serializer = serializer
        self.binary = serializer != "json"
        self._codec = codecs(names=[serializer])[serializer]
        self._load = _reader(self._codec.format)

    def encode(self, message: tuple[Any, ...]) -> bytes:
        """Write a message. Raise `CannotSay`."""
        if self._codec.format is Format.FLATBUFFERS and message[0] == HELLO:
            _see_methods(message[2].get("authmethods", ()))
        try:
            return self._codec.encode(message)
        except Uncarriable as why:
            raise CannotSay(str(why)) from None

    def decode(self, payload: bytes) -> list[Any]:
        """Read a message of a router's, which has the shape that its code says. Raise `Unintelligible`."""
        try:
            message = self._load(payload)
        except (MalformedError, ValueError, IndexError, KeyError, TypeError, RecursionError):
            raise Unintelligible(f"what came is no {self.serializer}") from None
        if type(message) is not list or not message or type(message[0]) is not int or message[0] not in SHAPES:
            raise Unintelligible("what came is no message that routers send")
        if not fits(message):
            raise Unintelligible(NONSENSE)
        return message


def _see_methods(names: Sequence[str]) -> None:
    """FlatBuffers would leave out the methods that have no number there: then none of them may be all that is offered."""
    from wampd.router.wire.flatbuffers_schema import METHODS

    if names and not any(name in METHODS for name in names):
        raise CannotSay(f"FlatBuffers has no number for the method {names[0]}; take another --serializer")


def _reader(form: Format) -> Callable[[bytes], Any]:
    if form is Format.FLATBUFFERS:
        return _read_flatbuffers()
    if form is Format.JSON:
        return _read_json()
    if form is Format.UBJSON:
        return _read_ubjson()
    return lambda payload: load(Raw(payload), form)


def _read_json() -> Callable[[bytes], Any]:
    """JSON, the common case made short: nothing in it stands for bytes."""
    plain = msgspec.json.Decoder().decode

    def read(payload: bytes) -> Any:
        return load(Raw(payload), Format.JSON) if b"\\u0000" in payload else plain(payload)

    return read


def _read_ubjson() -> Callable[[bytes], Any]:
    """UBJSON, walked over first: what reads its values trusts their lengths."""
    from wampd.router.wire.ubjson_scan import walk

    def read(payload: bytes) -> Any:
        if walk(payload, 0, MAX_DEPTH) != len(payload):
            raise ValueError("trailing octets")
        return load(Raw(payload), Format.UBJSON)

    return read


def _read_flatbuffers() -> Callable[[bytes], Any]:
    import cbor2

    from wampd.router.wire.flatbuffers_schema import MESSAGES as TABLES
    from wampd.router.wire.flatbuffers_schema import OPTIONS, SHAPES
    from wampd.router.wire.flatbuffers_values import Reader

    def read(payload: bytes) -> Any:
        reader = Reader(payload)
        code, table = reader.root()
        values = reader.table(table, TABLES[code])
        parts = [values.pop(name, b"") for name in ("args", "kwargs")]
        packed = values.pop("payload", b"")
        shape = SHAPES[code]
        options = {name: value for name, value in values.items() if name not in shape and value not in ("", None)}
        message: list[Any] = [code]
        for name in shape:
            message.append(options if name == OPTIONS else values.get(name, {} if name == "extra" else None))
        if packed:
            return [*message, [packed]]
        if parts[1]:
            return [*message, cbor2.loads(parts[0]) if parts[0] else [], cbor2.loads(parts[1])]
        return [*message, cbor2.loads(parts[0])] if parts[0] else message

    def guarded(payload: bytes) -> Any:
        try:
            return read(payload)
        except cbor2.CBORError as error:
            raise ValueError("no FlatBuffers") from error

    return guarded
