"""Messages to bytes and back as clients do it: by other libraries than the router's codecs, where there are any."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import cbor2
import msgspec

from tests.support import ubjson

SERIALIZERS = ("json", "msgpack", "cbor", "ubjson", "flatbuffers")
BATCHED = SERIALIZERS
"""Those that have a batched form over WebSocket."""


def _json_default(value: object) -> str:
    assert isinstance(value, bytes), f"JSON cannot carry {value!r}"
    return "\0" + base64.b64encode(value).decode()


def _dump_json(value: Any) -> bytes:
    return json.dumps(value, default=_json_default, ensure_ascii=False, allow_nan=False).encode()


def _load_json(payload: bytes) -> Any:
    def constant(name: str) -> None:
        raise AssertionError(f"the router sent {name}, which is no JSON: {payload!r}")

    return json.loads(payload.decode(), parse_constant=constant)


def _dump_flatbuffers(value: Any) -> bytes:
    from tests.support import flatbuffers  # and with it autobahn: only for those who need it

    return flatbuffers.dumps(value)


def _load_flatbuffers(payload: bytes) -> Any:
    from tests.support import flatbuffers

    return flatbuffers.loads(payload)


DUMP: dict[str, Callable[[Any], bytes]] = {
    "json": _dump_json,
    "msgpack": msgspec.msgpack.encode,
    "cbor": cbor2.dumps,
    "ubjson": ubjson.dumps,
    "flatbuffers": _dump_flatbuffers,
}
LOAD: dict[str, Callable[[bytes], Any]] = {
    "json": _load_json,
    "msgpack": msgspec.msgpack.decode,
    "cbor": cbor2.loads,
    "ubjson": ubjson.loads,
    "flatbuffers": _load_flatbuffers,
}
