"""``wampd.log.*``: the levels of the log, for those who operate the router."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from twisted.logger import Logger

from wampd.realms.services import INVALID_ARGUMENT
from wampd.router.inside.insider import Handler, Refusal, Reply
from wampd.router.observe.levels import LEVELS, LONGEST, Levels
from wampd.router.subsystems import SUBSYSTEMS

log = Logger()

_NAMES: Final = ("subsystem", "level", "for_seconds")


def procedures_of(levels: Levels) -> Mapping[str, Handler]:
    """What is served, by URI."""

    def tell(call: Reply) -> dict[str, Any]:
        if call.values() or call.named():
            raise Refusal(INVALID_ARGUMENT, "the procedure takes no arguments")
        return levels.tell()

    def change(call: Reply) -> dict[str, Any]:
        given = _arguments(call)
        subsystem, level, seconds = given.get("subsystem", ""), given.get("level"), given.get("for_seconds")
        if subsystem not in SUBSYSTEMS:
            raise Refusal(INVALID_ARGUMENT, f"there is no such subsystem; there are {', '.join(SUBSYSTEMS)}")
        if level is not None and level not in LEVELS:
            raise Refusal(INVALID_ARGUMENT, f"there is no such level; there are {', '.join(LEVELS)}")
        if seconds is not None and (type(seconds) not in (int, float) or not 0 < seconds <= LONGEST):
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


def _arguments(call: Reply) -> dict[str, Any]:
    """What was given, by position or by name."""
    values, named = call.values(), call.named()
    given = dict(zip(_NAMES, values, strict=False))
    if len(values) > len(_NAMES) or set(named) - set(_NAMES) or set(named) & set(given):
        raise Refusal(INVALID_ARGUMENT, f"the arguments are {', '.join(_NAMES)}")
    given.update(named)
    if any(isinstance(given.get(name), list | dict) for name in _NAMES):
        raise Refusal(INVALID_ARGUMENT, "the arguments are two texts and a number")
    return given
