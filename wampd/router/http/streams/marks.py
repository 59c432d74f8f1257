"""Where a client is in the histories of its topics, as text: the ids of server-sent events.

Rules
-----
* A mark says for each topic, in the order of their names, how far its client has come in the history; or that none is kept.
* It is good for the same topics alone, and for the same run of the router: histories are in memory. To clients it is opaque.
* What clients send back is read with care: what is not a mark of ours for these topics is none at all.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from wampd.realms.options import Match

MOST_TOPICS: Final = 32
"""Topics of one stream, so that marks are short: they are a header of the next request."""
_MARK: Final = re.compile(r"[0-9a-f]{8}\.[0-9a-f]{8}\.((?:[0-9a-f]{1,14}|x)(?:-(?:[0-9a-f]{1,14}|x))*)")


class Topic(Struct, frozen=True, order=True):
    """What is subscribed to."""

    uri: str
    match: Match = "exact"


Place = int | None
"""How far one has come in a history: the place of the next event. `None`: there is no history."""


class Marks:
    """Writes and reads the marks of streams of the same topics."""

    def __init__(self, run: str, topics: Sequence[Topic]) -> None:
        """``run`` is a text of eight hexadecimal digits, another one for each run of the router; ``topics`` are sorted."""
        self._count = len(topics)
        named = "\n".join(f"{topic.match} {topic.uri}" for topic in topics)
        self._prefix = f"{run}.{zlib.crc32(named.encode('utf-8', 'surrogatepass')):08x}."

    def write(self, places: Sequence[Place]) -> str:
        """The mark of these places."""
        return self._prefix + "-".join("x" if place is None else f"{place:x}" for place in places)

    def read(self, mark: str) -> list[Place] | None:
        """The places of a mark; `None`: it is not of these topics and this run."""
        found = _MARK.fullmatch(mark) if mark.startswith(self._prefix) else None
        places = found[1].split("-") if found else []
        if len(places) != self._count:
            return None
        return [None if place == "x" else int(place, 16) for place in places]
