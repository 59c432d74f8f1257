"""Makes the bytes of the vectors with autobahn's serializers, and with others that write differently.

    python -m tests.vectors.generate           writes bytes/*.json
    python -m tests.vectors.generate --check   exit status 1 if they are not what they should be

Forms, of which a decoder must read each and an encoder write one:

* autobahn's message class, where it has everything that the sample has: its order of options;
* autobahn's serializer, given the message as a list: the order of the sample;
* JSON with spaces and escapes, MessagePack with the widest integers and lengths, CBOR with these and lengths left open, UBJSON
  as a client of the tests writes it;
* FlatBuffers as autobahn writes them, of the samples that it reads again as they were. It has no place for many options, and
  confuses others; so there may be no form.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from collections import defaultdict
from copy import deepcopy
from typing import Any

from autobahn.wamp import serializer
from autobahn.wamp.exception import InvalidUriError, ProtocolError

from tests.support import ubjson
from tests.support.flatbuffers import LIBRARY as FLATBUFFERS
from tests.support.values import SERIALIZERS
from tests.vectors.data import HERE, TEXTUAL, Sample, accepted, as_carried, bytes_file, forms
from wampd.realms.messages import ERROR, EVENT_RECEIVED


def second_opinion(message: list[Any]) -> list[Any] | None:
    """The message as autobahn's class for it understands it; `None` if it refuses it."""
    kind = serializer.Serializer.MESSAGE_TYPE_MAP[message[0]]
    try:
        return list(kind.parse(deepcopy(message)).marshal())
    except (ProtocolError, InvalidUriError, AssertionError):  # the last where it trusts what it has not checked
        return None


def written(sample: Sample, serialization: str) -> list[bytes]:
    """The forms of a sample, without repetition; what is there already if autobahn cannot write them here."""
    if serialization == "flatbuffers":
        return _flatbuffers(sample)
    if serialization not in AUTOBAHN:
        try:
            return forms(sample, serialization)
        except (FileNotFoundError, KeyError):
            raise SystemExit(f"{sample} is new: for its {serialization}, install what autobahn has it from") from None
    understood = second_opinion(sample.message)
    versions = [sample.message] if understood != sample.message else [understood, sample.message]
    found = [AUTOBAHN[serialization].serialize(version) for version in versions]
    return list(dict.fromkeys([*found, OTHERWISE[serialization](sample.message)]))


def _flatbuffers(sample: Sample) -> list[bytes]:
    if second_opinion(sample.message) != sample.message or sample.message[0] in _CONFUSED:
        return []
    message = FLATBUFFERS.MESSAGE_TYPE_MAP[sample.message[0]].parse(deepcopy(sample.message))
    try:
        written = bytes(FLATBUFFERS.serialize(message)[0])
    except ModuleNotFoundError:  # for what its generated code imports by a name that is not there
        return []
    return [written] if read_flatbuffers(written) == sample.message else []


def read_flatbuffers(payload: bytes) -> list[Any]:
    """A message as autobahn reads it; positional arguments that are not there are none."""
    message = list(FLATBUFFERS.unserialize(payload)[0].marshal())
    return [[] if each is None else each for each in message]


_CONFUSED = {ERROR, EVENT_RECEIVED}
"""Of the first autobahn looks for the payload in a wrong place; the second has another code there, which WAMP does not know."""


def _spacious_json(message: list[Any]) -> bytes:
    return json.dumps(as_carried(message, "json"), indent=1).encode()


def _wide_cbor(value: Any) -> bytes:
    """CBOR with nothing made short: eight octets for each number, the end of arrays and maps marked."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return b"\x1b" + value.to_bytes(8, "big") if value >= 0 else b"\x3b" + (-1 - value).to_bytes(8, "big")
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        return b"\x7b" + len(text).to_bytes(8, "big") + text
    if isinstance(value, bytes):
        return b"\x5b" + len(value).to_bytes(8, "big") + value
    if isinstance(value, list):
        return b"\x9f" + b"".join(map(_wide_cbor, value)) + b"\xff"
    return b"\xbf" + b"".join(_wide_cbor(part) for pair in value.items() for part in pair) + b"\xff"


def _wide_msgpack(value: Any) -> bytes:
    """MessagePack with nothing made short."""
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return b"\xcf" + value.to_bytes(8, "big") if value >= 0 else b"\xd3" + value.to_bytes(8, "big", signed=True)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        return b"\xdb" + len(text).to_bytes(4, "big") + text
    if isinstance(value, bytes):
        return b"\xc6" + len(value).to_bytes(4, "big") + value
    if isinstance(value, list):
        return b"\xdd" + len(value).to_bytes(4, "big") + b"".join(map(_wide_msgpack, value))
    parts = [_wide_msgpack(part) for pair in value.items() for part in pair]
    return b"\xdf" + len(value).to_bytes(4, "big") + b"".join(parts)


OTHERWISE = {"json": _spacious_json, "msgpack": _wide_msgpack, "cbor": _wide_cbor, "ubjson": ubjson.dumps}
"""By serialization: one that writes what autobahn would not."""

AUTOBAHN = {kind.NAME: kind() for kind in serializer.SERID_TO_OBJSER.values() if kind.NAME in OTHERWISE}
"""By serialization: autobahn's serializer of lists. It has UBJSON only where the package ``bjdata`` is installed."""


def documents() -> dict[str, str]:
    """By message type: the text of its file."""
    found: dict[str, dict[str, dict[str, list[str]]]] = defaultdict(dict)
    for sample in accepted():
        assert sample.what not in found[sample.type], f"two samples of {sample}"
        found[sample.type][sample.what] = {
            name: [each.decode() if name in TEXTUAL else each.hex() for each in written(sample, name)]
            for name in SERIALIZERS
        }
    return {name: json.dumps(samples, indent=1, ensure_ascii=False) + "\n" for name, samples in found.items()}


def outdated(texts: dict[str, str]) -> list[str]:
    """The files which are not as they should be, or should not be there."""
    wrong = [
        bytes_file(name).name
        for name, text in texts.items()
        if not bytes_file(name).exists() or bytes_file(name).read_text(encoding="utf-8") != text
    ]
    known = {bytes_file(path.stem).name for path in (HERE / "messages").iterdir()}
    return wrong + [path.name for path in (HERE / "bytes").iterdir() if path.name not in known]


def main() -> int:
    """Write the files, or check them; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; complain if something is not up to date")
    texts = documents()
    if parser.parse_args().check:
        wrong = outdated(texts)
        print(*(f"bytes/{name} is not up to date: python -m tests.vectors.generate" for name in wrong), sep="\n")
        return 1 if wrong else 0
    for name, text in texts.items():
        bytes_file(name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
