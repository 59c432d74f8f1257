"""Where `wampd top` has its figures from: the monitor of a router, by its private socket or as any client.

Rules
-----
* A look is two calls: the overview, and one list. A list that is not to be seen says so in its place; without the overview
  there is nothing to show.
* A session that ends is opened anew, for as long as it takes; the first one must succeed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final

from wampd.cli.routers import Meant, find
from wampd.cli.top.state import Snapshot, State
from wampd.client.errors import ClientError, ConnectionLost, TimeOver, WampError
from wampd.client.session import Session

OVERVIEW: Final = "wampd.monitor.overview"
PATIENCE: Final = 5.0

Source = Callable[[], AbstractAsyncContextManager[Session]]
"""Opens a session with the router."""


def on_private_socket(meant: Meant) -> Source:
    """The router that the command line means, by its private socket."""

    @asynccontextmanager
    async def source() -> AsyncIterator[Session]:
        async with AsyncExitStack() as stack:
            yield (await find(meant, stack)).session

    return source


async def look(session: Session, state: State, rows: int) -> Snapshot:
    """Ask for what is shown. Raise `ClientError`."""
    overview = await _ask(session, OVERVIEW, {})
    view = state.shown
    try:
        told = await _ask(session, view.procedure, state.question(rows))
    except (ConnectionLost, TimeOver):
        raise
    except ClientError as error:
        return Snapshot(overview, trouble=str(error))
    listed: list[Mapping[str, Any]] = [row for row in told.get(view.rows) or [] if isinstance(row, dict)]
    return Snapshot(overview, listed, told.get("found", len(listed)))


async def look_at_all(session: Session) -> dict[str, Any]:
    """Everything, for programs. Raise `ClientError`."""
    from wampd.cli.top.state import VIEWS

    told: dict[str, Any] = dict(await _ask(session, OVERVIEW, {}))
    for number, view in enumerate(VIEWS):
        name = view.title.lower().replace(" ", "_")
        try:
            told[name] = (await _ask(session, view.procedure, State(number).question(50))).get(view.rows)
        except WampError as error:
            told[name] = {"error": error.uri}
    return told


async def _ask(session: Session, procedure: str, arguments: dict[str, Any]) -> dict[str, Any]:
    answer = (await session.call(procedure, [], arguments, timeout=PATIENCE)).value
    if not isinstance(answer, dict):
        raise WampError(procedure, ["the answer is none of a monitor"])
    return answer
