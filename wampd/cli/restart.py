"""``wampd restart``: puts a new process in the place of a router that runs, with nobody turned away."""

from typing import Any

from .words import command, option, router_argument

LONGEST = 90.0
"""Seconds: longer than a new router may take to be ready."""


@command(examples="wampd restart\nwampd restart /etc/wampd/config.yaml")
@router_argument
@option("--json", "as_json", is_flag=True, help="print one JSON object")
def restart(file: str | None, socket: str | None, as_json: bool) -> int:
    """Put a new process in the place of a router that runs: after an upgrade, or for settings that a reload cannot change.

    It is started as the old one was, and takes over the listening sockets when it is ready: nobody is refused meanwhile.
    The old one then finishes calls under way, and tells its clients to go, who come back to the new one. If the new one
    does not start, the old one goes on. Exit status 0: done; 1: there is no new one, and it is said why; 3: none runs.
    """
    from . import showing
    from .routers import Meant, ask

    async def work(session: Any, router: Any) -> tuple[int, int]:
        answer = await session.call("wampd.node.handover", timeout=LONGEST)
        return router.pid, int(answer.value["pid"])

    old, new = ask(Meant(file, socket), work)
    if as_json:
        showing.as_json({"pid": new, "was": old})
    else:
        print(f"process {new} has taken over from process {old}")
    return 0
