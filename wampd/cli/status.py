"""``wampd status``: what runs, since when, and how it is."""

import time
from typing import Any

from .words import EXIT_USAGE, Failure, Seconds, command, option, router_argument

NOT_READY = 1
STEP = 0.2
"""Seconds between two looks at a router that is not ready yet."""


@command(examples="wampd status\nwampd status --wait 30 && echo ready\nwampd status --json | jq .listeners")
@router_argument
@option("--json", "as_json", is_flag=True, help="print one JSON object")
@option("--wait", type=Seconds(0), metavar="SECONDS", default=0.0, help="wait until it is ready, at most so long")
def status(file: str | None, socket: str | None, as_json: bool, wait: float) -> int:
    """Tell what a router that runs is doing.

    Exit status 0: it is ready; 1: it is not, or it does not answer; 3: none runs.
    """
    from . import showing
    from .routers import Meant

    told = _told(Meant(file, socket), time.monotonic() + wait)
    if as_json:
        showing.as_json(told)
    else:
        _show(told)
    return 0 if told["ready"] else NOT_READY


def _told(meant: Any, deadline: float) -> dict[str, Any]:
    """What the router tells: when it is ready, or when the time is up. Raise `Failure`."""
    from .routers import ask

    while True:
        is_last = time.monotonic() >= deadline
        try:
            told = ask(meant, _look)
        except Failure as failure:
            if is_last or failure.exit_code == EXIT_USAGE:
                raise
        else:
            if is_last or told["ready"]:
                return told
        time.sleep(STEP)


async def _look(session: Any, router: Any) -> dict[str, Any]:
    """All that the router tells of itself: its status, its process, its components."""
    from wampd.client import WampError

    told = dict(router.status)
    told["socket"] = str(router.socket)
    for key, procedure, part in (
        ("process", "wampd.monitor.overview", "process"),
        ("components", "wampd.component.list", None),
    ):
        try:
            answer = (await session.call(procedure, timeout=10)).value
        except WampError:  # a router that does not offer it
            answer, part = None, None
        told.setdefault(key, answer if part is None else answer[part])
    return told


def _show(told: dict[str, Any]) -> None:
    from wampd.router.settings.control import CONTROL_REALM

    from . import showing
    from .showing import BAD, BOLD, GOOD, Styled

    is_ready = told["ready"]
    realms = [realm for realm in told.get("realms") or [] if realm["name"] != CONTROL_REALM]
    sessions = sum(realm["sessions"] for realm in realms)
    showing.line(
        Styled(f"wampd {told['version']}, process {told['pid']}: {'ready' if is_ready else 'not ready'}", BOLD)
        if is_ready
        else Styled(f"wampd {told['version']}, process {told['pid']}: not ready", BAD)
    )
    facts = [
        ("configuration", told.get("configuration") or "none"),
        ("since", f"{told['started']} ({showing.duration(told['uptime'])})"),
        *(("listens", each) for each in told.get("listeners") or ["nowhere"]),
        ("clients", f"{showing.count(sessions, 'session')} in {showing.count(len(realms), 'realm')}"),
    ]
    process = told.get("process")
    if process:
        facts.append(("process", f"{showing.size(process['rss'])} of memory, {showing.percent(process['cpu'])} CPU"))
    checks = (told.get("checks") or {}).items()
    facts += [(f"check {name}", Styled(what, BAD) if what else Styled("ok", GOOD)) for name, what in checks]
    showing.facts(facts)
    if realms:
        print()
        showing.table(("realm", "sessions"), [(realm["name"], str(realm["sessions"])) for realm in realms])
    if told.get("components"):
        from .component import show_components

        print()
        show_components(told["components"])
