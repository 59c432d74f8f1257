"""What is measured: the catalogue of cells.

A *shape* is a traffic pattern (so many callers, so many subscribers); a *cell* is a shape over one transport, with one
serializer and one payload size. The full cross product would take hours and say little that is new, so the catalogue
is a star: every shape at its centre (WebSocket, JSON, 16 B), and from there one step along each axis for the two shapes
that show per-message cost best, ``rpc-8x32`` and ``fan-100``. Payloads cross serializers there too, because how
a payload is carried is the serializer's doing. The other shapes take one step where a step can tell something.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Scenario = Literal["rpc", "pubsub", "conns", "scale"]
Transport = Literal["ws", "rs"]
Serializer = Literal["json", "msgpack", "cbor"]

TRANSPORTS: Final[dict[Transport, str]] = {"ws": "WebSocket", "rs": "RawSocket"}
SERIALIZERS: Final[dict[Serializer, str]] = {"json": "JSON", "msgpack": "MessagePack", "cbor": "CBOR"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A traffic pattern: the generator's scenario and its arguments."""

    key: str
    title: str
    scenario: Scenario
    arguments: tuple[str, ...]
    fresh: bool = False
    """Whether it needs a router that has served nothing yet, because memory is what it measures."""
    share: bool = False
    """Whether the generator runs on the router's core, so that no other core has to be woken for each message."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the tables: a shape over a transport, with a serializer and a payload of so many bytes."""

    shape: Shape
    transport: Transport
    serializer: Serializer
    payload: int

    @property
    def key(self) -> str:
        """The name in results and on the command line."""
        return f"{self.shape.key}/{self.transport}-{self.serializer}-{self.payload}"

    @property
    def title(self) -> str:
        """The name in tables."""
        way = f"{TRANSPORTS[self.transport]} {SERIALIZERS[self.serializer]}"
        if self.shape.scenario in ("conns", "scale"):
            return f"{self.shape.title}, {way}"
        return f"{self.shape.title}, {way}, {bytes_text(self.payload)}"


def bytes_text(size: int) -> str:
    """``16`` → ``16 B``, ``1024`` → ``1 KiB``."""
    return f"{size // 1024} KiB" if size >= 1024 and size % 1024 == 0 else f"{size} B"


def _rpc(callers: int, inflight: int) -> tuple[str, ...]:
    return "--callers", str(callers), "--inflight", str(inflight)


def _pubsub(publishers: int, subscribers: int, inflight: int, topics: int = 1) -> tuple[str, ...]:
    return (
        *("--pubs", str(publishers), "--subs", str(subscribers)),
        *("--topics", str(topics), "--inflight", str(inflight)),
    )


def _scale(kind: str, match: str, count: int, holders: int) -> tuple[str, ...]:
    return "--kind", kind, "--match", match, "--count", str(count), "--holders", str(holders)


# Publications in flight fall as the fan-out grows, so that one round of deliveries fits the time of one measurement.
_SHAPES: Final = (
    Shape("rpc-1", "RPC, 1 caller × 1 in flight", "rpc", _rpc(1, 1)),
    Shape("rpc-1-shared", "RPC, 1 caller × 1 in flight, all on one core", "rpc", _rpc(1, 1), share=True),
    Shape("rpc-256x1", "RPC, 256 callers × 1", "rpc", _rpc(256, 1)),
    Shape("rpc-8x32", "RPC, 8 callers × 32", "rpc", _rpc(8, 32)),
    Shape("pub-1", "pub/sub 1→1", "pubsub", _pubsub(1, 1, 32)),
    Shape("fan-10", "fan-out 1→10", "pubsub", _pubsub(1, 10, 16)),
    Shape("fan-100", "fan-out 1→100", "pubsub", _pubsub(1, 100, 8)),
    Shape("fan-1000", "fan-out 1→1000", "pubsub", _pubsub(1, 1000, 4)),
    Shape("topics-50", "50 topics, each 1→4", "pubsub", _pubsub(50, 200, 4, topics=50)),
    Shape("sessions", "5,000 idle sessions", "conns", ("--sessions", "5000"), fresh=True),
    # Spread over sessions, as a router may bound what one session holds.
    Shape("registrations", "100,000 registrations", "scale", _scale("reg", "exact", 100_000, 20), fresh=True),
    Shape("patterns", "10,000 wildcard subscriptions", "scale", _scale("sub", "wildcard", 10_000, 10), fresh=True),
)
SHAPES: Final = {shape.key: shape for shape in _SHAPES}


def _cells(shape: str, transport: Transport, serializers: Iterable[Serializer], payloads: Iterable[int]) -> list[Cell]:
    return [Cell(SHAPES[shape], transport, serializer, size) for serializer in serializers for size in payloads]


_ALL: Final[tuple[Serializer, ...]] = ("json", "msgpack", "cbor")
_BINARY: Final[tuple[Serializer, ...]] = ("msgpack", "cbor")

CATALOGUE: Final[tuple[Cell, ...]] = (
    *_cells("rpc-1", "ws", _ALL, [16]),
    *_cells("rpc-1", "rs", ["msgpack"], [16]),
    *_cells("rpc-1-shared", "ws", ["json"], [16]),
    *_cells("rpc-256x1", "ws", _ALL, [16]),
    *_cells("rpc-256x1", "rs", ["msgpack"], [16]),
    *_cells("rpc-8x32", "ws", _ALL, [16, 1024, 65536]),
    *_cells("rpc-8x32", "rs", _ALL, [16]),
    *_cells("rpc-8x32", "rs", ["msgpack"], [65536]),
    *_cells("pub-1", "ws", _ALL, [16]),
    *_cells("pub-1", "ws", ["json"], [1024, 65536]),
    *_cells("pub-1", "rs", ["msgpack"], [16]),
    *_cells("fan-10", "ws", ["json"], [16]),
    *_cells("fan-100", "ws", ["json"], [16, 1024, 65536]),
    *_cells("fan-100", "ws", _BINARY, [16]),
    *_cells("fan-100", "rs", _ALL, [16]),
    *_cells("fan-1000", "ws", ["json"], [16]),
    *_cells("topics-50", "ws", ["json", "msgpack"], [16]),
    *_cells("sessions", "ws", ["json"], [16]),
    *_cells("sessions", "rs", ["msgpack"], [16]),
    *_cells("registrations", "ws", ["json"], [16]),
    *_cells("patterns", "ws", ["json"], [16]),
)

QUICK: Final = (
    "rpc-1/ws-json-16",
    "rpc-1-shared/ws-json-16",
    "rpc-256x1/ws-json-16",
    "rpc-8x32/ws-json-16",
    "rpc-8x32/ws-msgpack-16",
    "rpc-8x32/ws-cbor-16",
    "fan-100/ws-json-16",
    "sessions/ws-json-16",
)
"""The cells that the targets speak of (``bench.targets``), and what tells how much of the latency is the machine's."""

COMPARE: Final = (*QUICK, "pub-1/ws-json-16", "rpc-8x32/rs-msgpack-16", "rpc-8x32/ws-json-1024")
"""What two revisions of wampd are compared by."""


def select(patterns: Iterable[str]) -> list[Cell]:
    """The cells whose key, or whose shape's key, is one of `patterns`; ``ValueError`` when one of those fits none."""
    wanted = list(patterns)
    for pattern in wanted:
        if not any(_fits(cell, pattern) for cell in CATALOGUE):
            raise ValueError(f"no cell or shape is called {pattern!r}; `python -m bench cells` lists them")
    return [cell for cell in CATALOGUE if any(_fits(cell, pattern) for pattern in wanted)]


def _fits(cell: Cell, pattern: str) -> bool:
    return pattern in (cell.key, cell.shape.key)
