"""The subsystems of the log: what each line belongs to, so that each can have a level of its own.

Rules
-----
* A line belongs to the subsystem of the longest name that its logger's begins with; all else of wampd's is the
  ``router``'s, and what is not wampd's is ``twisted``.
* The list is fixed: it is what the configuration and ``wampd.log.set`` know.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

SUBSYSTEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "router": ("",),
    "sessions": ("audit", "entrance", "realms", "sending", "sessions", "shells"),
    "auth": (
        "answers",
        "audit.auth",
        "authorizers",
        "fetching",
        "hashing",
        "keyrings",
        "keyservers",
        "recall",
        "returning",
    ),
    "transports": ("transports", "wheel", "wire"),
    "http": ("http", "wiring.sites", "wiring.uploads"),
    "outgoing": ("outgoing", "wiring.requests"),
    "hooks": ("hooks", "wiring.hooks"),
    "hosting": ("hosting",),
    "store": ("stores", "wiring.places"),
    "limits": ("memory", "reception", "tally"),
    "control": ("control",),
    "twisted": (),
}
"""By subsystem, what the names of its loggers begin with, after ``wampd.router.``."""

OURS: Final = "wampd"
_ROOM: Final = "wampd.router."
_BY_PREFIX: Final = {prefix: name for name, prefixes in SUBSYSTEMS.items() for prefix in prefixes}


@lru_cache(maxsize=1024)
def subsystem_of(logger: str) -> str:
    """The subsystem that a logger of this name belongs to."""
    if logger != OURS and not logger.startswith(OURS + "."):
        return "twisted"
    prefix = logger.removeprefix(_ROOM) if logger.startswith(_ROOM) else ""
    while prefix and prefix not in _BY_PREFIX:
        prefix = prefix.rpartition(".")[0]
    return _BY_PREFIX[prefix]
