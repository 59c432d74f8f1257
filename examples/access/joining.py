"""How the examples join the router: sessions of autobahn-python on asyncio, each with the ticket of its principal.

``WAMP_URL`` names another router than ``ws://127.0.0.1:8080/ws``; ``JOE_TICKET`` and so on the tickets, as for the router.
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


@asynccontextmanager
async def joined(authid: str) -> AsyncIterator[Session]:
    """A session of this principal. ConnectionError if there is no router that lets it in."""
    ticket = os.environ.get(f"{authid.upper()}_TICKET", authid)
    component = Component(
        transports=[{"type": "websocket", "url": URL, "max_retries": 0}],
        realm="realm1",
        authentication={"ticket": {"authid": authid, "ticket": ticket}},
    )
    arrival: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
    component.on("join", lambda session, _details: arrival.set_result(session))
    ended = component.start(asyncio.get_running_loop())
    await asyncio.wait([arrival, ended], return_when=asyncio.FIRST_COMPLETED)
    if not arrival.done():
        raise ConnectionError(f"no router lets {authid} in at {URL}") from ended.exception()
    try:
        yield arrival.result()
    finally:
        with suppress(Disconnected):  # it may have been sent away
            arrival.result().leave()
        await asyncio.wait([ended])
        ended.exception()


def run(example: Callable[[], Coroutine[Any, Any, None]], configuration: str) -> None:
    """Run an example to its end; SystemExit with a line if there is no router with this configuration."""
    txaio.start_logging(level="critical")  # what the library tells of every step would hide what the example says
    try:
        asyncio.run(example())
    except ConnectionError as error:
        raise SystemExit(f"{error}; start one with: wampd run examples/access/{configuration}") from None
