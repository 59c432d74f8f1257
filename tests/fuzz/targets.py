"""What must hold for any bytes whatever: driven by hypothesis in the suite, and by a coverage-guided fuzzer on request."""

import contextlib
import json
from typing import Any

import cbor2
import msgspec
from msgspec import Raw

from tests.support import flatbuffers, ubjson
from tests.wire.samples import MESSAGES, pack
from wampd.realms.messages import Event, Format
from wampd.realms.session import ProtocolViolation
from wampd.router.wire.codec import Uncarriable
from wampd.router.wire.serializers import RAW_SERIALIZERS
from wampd.router.wire.serializers import codecs as all_codecs
from wampd.router.wire.ubjson_values import load

CODECS = all_codecs(names=RAW_SERIALIZERS.values())
READERS = {
    "msgpack": msgspec.msgpack.decode,
    "cbor": cbor2.loads,
    "ubjson": ubjson.loads,
    "flatbuffers": flatbuffers.loads,
}
SEEDS = [bytes([index]) + pack(name, message) for index, name in enumerate(CODECS) for message in MESSAGES]
"""Inputs to start from: which codec, and a message."""


def codecs(data: bytes) -> None:
    """The first byte chooses the codec. A message is read or refused; what was read can be sent on to everybody."""
    if not data:
        return
    name = list(CODECS)[data[0] % len(CODECS)]
    try:
        message = CODECS[name].decode(data[1:])
    except ProtocolViolation as error:
        if not 0 < len(str(error)) <= 200:
            raise AssertionError(f"what a peer is told is empty or too long: {error}") from error
        return
    args, kwargs = getattr(message, "args", None), getattr(message, "kwargs", None)
    for part, container in ((args, list), (kwargs, dict)):
        if part is not None:
            _is_well_formed(name, part, container)
    event = Event(1, 2, {}, args, kwargs, Format(name))
    for receiver, codec in CODECS.items():
        try:
            written = codec.encode_event(event)
        except Uncarriable:
            if receiver == name:
                raise
            continue
        if receiver == "json":
            with contextlib.suppress(_HugeInteger):
                json.loads(written, parse_int=_integer, parse_constant=_refuse)
        elif receiver != name and {receiver, name} != {"cbor", "flatbuffers"}:
            # What was converted is free of all that decoders could stumble over.
            READERS[receiver](written)


class _HugeInteger(Exception):
    """An integer that Python declines to read; it is JSON all the same."""


def _integer(digits: str) -> int:
    if len(digits) > 4000:
        raise _HugeInteger
    return int(digits)


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")


def _is_well_formed(name: str, part: Raw, container: type) -> None:
    """A receiver's decoder must be able to read what is forwarded to it."""
    value: Any = container()
    if name == "json":
        with contextlib.suppress(_HugeInteger):
            value = json.loads(bytes(part), parse_int=_integer, parse_constant=_refuse)
    elif name == "msgpack":
        try:
            value = msgspec.msgpack.decode(part)
        except msgspec.ValidationError as error:
            if "Timestamp is out of range" not in str(error):
                raise
    elif name == "ubjson":
        try:
            value = load(bytes(part))
        except ValueError as error:
            if "digits" not in str(error) and "high precision" not in str(error):
                raise
    else:
        try:
            value = cbor2.loads(bytes(part), tag_hook=lambda _, tag: tag.tag)
        except cbor2.CBORDecodeError:
            # Tags that cbor2 gives a meaning may hold something else.
            if not any(0xC0 <= byte <= 0xDB for byte in bytes(part)):
                raise
    if type(value) is not container:
        raise AssertionError(f"{part!r} is no {container.__name__}")
