"""How the examples join the router: sessions of autobahn-python on asyncio.

``WAMP_URL`` names another router than ``ws://127.0.0.1:8080/ws``, ``WAMP_REALM`` another realm than ``realm1``.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import txaio
from autobahn.asyncio.component import Component
from autobahn.asyncio.wamp import Session
from autobahn.exception import Disconnected

URL = os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws")
REALM = os.environ.get("WAMP_REALM", "realm1")


@asynccontextmanager
async def joined() -> AsyncIterator[Session]:
    """A session that is in the realm as long as the block lasts. ConnectionError if it cannot be."""
    component = Component(transports=[{"type": "websocket", "url": URL, "max_retries": 0}], realm=REALM)
    arrival: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
    component.on("join", lambda session, _details: arrival.set_result(session))
    ended = component.start(asyncio.get_running_loop())
    await asyncio.wait([arrival, ended], return_when=asyncio.FIRST_COMPLETED)
    if not arrival.done():
        raise ConnectionError(f"no router lets us join {REALM!r} at {URL}") from ended.exception()
    session = arrival.result()
    try:
        yield session
    finally:
        with suppress(Disconnected):  # the example may have cut its connection off by itself
            session.leave()
        await asyncio.wait([ended])
        ended.exception()


def run(example: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run an example to its end; SystemExit with a line if there is no router."""
    txaio.start_logging(level="critical")  # what the library tells of every step would hide what the example says
    try:
        asyncio.run(example())
    except ConnectionError as error:
        raise SystemExit(f"{error}; start one with: wampd run examples/features/config.yaml") from None
