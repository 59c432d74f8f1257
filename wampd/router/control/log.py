"""``wampd.log.*``: the levels of the log, for those who operate the router."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger

from wampd.realms.meta.shapes import Nothing
from wampd.realms.services import INVALID_ARGUMENT, Arguments
from wampd.router.inside.insider import Handler, Refusal, Reply
from wampd.router.inside.taking import taken
from wampd.router.observe.levels import LEVELS, LONGEST, Levels
from wampd.router.subsystems import SUBSYSTEMS

log = Logger()


class Change(Arguments, frozen=True):
    """Another level of a subsystem, for a while or until it is changed again."""

    subsystem: str
    level: str | None = None
    """`None`: as configured."""
    for_seconds: float | None = None


def procedures_of(levels: Levels) -> Mapping[str, Handler]:
    """What is served, by URI."""

    def tell(call: Reply) -> dict[str, Any]:
        taken(Nothing, call)
        return levels.tell()

    def change(call: Reply) -> dict[str, Any]:
        given = taken(Change, call)
        subsystem, level, seconds = given.subsystem, given.level, given.for_seconds
        if subsystem not in SUBSYSTEMS:
            raise Refusal(INVALID_ARGUMENT, f"there is no such subsystem; there are {', '.join(SUBSYSTEMS)}")
        if level is not None and level not in LEVELS:
            raise Refusal(INVALID_ARGUMENT, f"there is no such level; there are {', '.join(LEVELS)}")
        if seconds is not None and not 0 < seconds <= LONGEST:
            raise Refusal(INVALID_ARGUMENT, f"for_seconds is a number above 0, and not above {LONGEST:g}")
        levels.set(subsystem, level, seconds)
        log.info(
            "the level of {which} is {now_is} now{how_long}",
            which=subsystem,
            now_is=levels.level(subsystem),
            how_long="" if seconds is None else f", for {seconds:g} s",
        )
        return levels.tell()

    return {"wampd.log.levels": tell, "wampd.log.set": change}
