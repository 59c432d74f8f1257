"""``wampd.node.*``: the router as a whole, for those who operate it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from wampd.realms.meta.shapes import Nothing
from wampd.realms.timestamps import rfc3339
from wampd.router.inside.insider import Handler, Reply
from wampd.router.inside.taking import taken

MOST: Final = 1_000
"""Realms that one answer tells of."""


def status_of(
    *,
    version: str,
    configuration: str,
    began: float,
    now: Callable[[], float],
    checks: Callable[[], Mapping[str, str]],
    listeners: Callable[[], list[str]],
    connections: Callable[[], int],
    realms: Callable[[], Mapping[str, int]],
) -> Handler:
    """What serves ``wampd.node.status``.

    ``configuration`` is the absolute path of the file, or ``""``; ``began`` and ``now`` are Unix time; ``checks`` tells of each
    thing that is looked at what is wrong with it, ``""`` for nothing; ``listeners`` are endpoints, ``realms`` tells how many
    sessions there are in each.
    """

    def status(call: Reply) -> dict[str, Any]:
        taken(Nothing, call)
        looked = checks()
        return {
            "version": version,
            "pid": os.getpid(),
            "configuration": configuration,
            "started": rfc3339(int(began * 1_000_000), 3),
            "uptime": round(now() - began, 3),
            "ready": not any(looked.values()),
            "checks": dict(looked),
            "listeners": listeners(),
            "connections": connections(),
            "realms": [{"name": name, "sessions": count} for name, count in sorted(realms().items())[:MOST]],
        }

    return status
