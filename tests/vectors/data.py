"""The vectors of `messages`: what a message looks like, what may not be said, and the bytes of it all.

Rules
-----
* ``messages/<name>.yaml`` has the samples of one message type, written by hand: ``samples`` are well formed, ``from_router``
  are more of them which only a router sends, ``refused`` break the protocol. The first element of a message is its name in the
  table of message types, and so is what an ERROR answers.
* ``key`` of a refused sample is the attribute which the refusal must name.
* ``autobahn`` says where autobahn, the second opinion, sees a sample in another way, and why. Without it, both agree.
* ``bytes/<name>.json`` is made from that by `tests.vectors.generate`.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wampd.realms.messages import ERROR, MESSAGES, Sender

HERE = Path(__file__).parent
CODES = {row.name: row.code for row in MESSAGES.values()}
TEXTUAL = frozenset({"json"})
"""The serializations whose bytes are kept as text; others in hexadecimal."""


@dataclass(frozen=True)
class Sample:
    """One message, and what is to be thought of it."""

    type: str
    what: str
    message: list[Any]
    autobahn: str = ""
    """Why autobahn thinks otherwise; empty if it does not."""
    key: str = ""
    """What a refusal must name."""
    from_router: bool = False
    """Whether only a router may send it."""

    def __str__(self) -> str:
        return f"{self.type}: {self.what}"


def _samples(kind: str) -> list[Sample]:
    found = []
    for row in MESSAGES.values():
        document = yaml.safe_load((HERE / "messages" / f"{row.name.lower()}.yaml").read_text(encoding="utf-8"))
        assert document.keys() <= {"samples", "from_router", "refused"}, row.name
        for entry in document.get(kind, []):
            from_router = kind == "from_router" or Sender.CLIENT not in row.sender
            found.append(Sample(row.name, **{**entry, "message": coded(entry["message"])}, from_router=from_router))
    return found


def coded(message: list[Any]) -> list[Any]:
    """A message with the names of message types made codes."""
    first, *rest = message
    code = CODES[first]
    if code == ERROR and isinstance(rest[0], str):
        rest[0] = CODES[rest[0]]
    return [code, *rest]


def accepted() -> list[Sample]:
    """Every well-formed sample."""
    return [*_samples("samples"), *_samples("from_router")]


def refused() -> list[Sample]:
    """Every sample that breaks the protocol."""
    return _samples("refused")


def of_client(samples: list[Sample]) -> list[Sample]:
    """Those that a client may send."""
    return [sample for sample in samples if not sample.from_router]


def of_router(samples: list[Sample]) -> list[Sample]:
    """Those that a router may send."""
    both = {row.name for row in MESSAGES.values() if row.sender is Sender.BOTH}
    return [sample for sample in samples if sample.from_router or sample.type in both - {"ERROR"}]


def bytes_file(name: str) -> Path:
    """Where the bytes of a message type are."""
    return HERE / "bytes" / f"{name.lower()}.json"


def forms(sample: Sample, serialization: str) -> list[bytes]:
    """Every way in which a sample is written in a serialization."""
    written = json.loads(bytes_file(sample.type).read_text(encoding="utf-8"))[sample.what][serialization]
    return [each.encode() if serialization in TEXTUAL else bytes.fromhex(each) for each in written]


def as_carried(value: Any, serialization: str) -> Any:
    """A value as a client reads it from a serialization: in JSON, binary is a string."""
    if serialization not in TEXTUAL:
        return value
    if isinstance(value, bytes):
        return "\0" + base64.b64encode(value).decode()
    if isinstance(value, list):
        return [as_carried(each, serialization) for each in value]
    if isinstance(value, dict):
        return {key: as_carried(each, serialization) for key, each in value.items()}
    return value
