"""How the examples join the router: sessions of autobahn-python on asyncio.

``WAMP_URL`` names another router than ``ws://127.0.0.1:8080/ws``; ``EXAMPLE_SECRET`` is what all secrets begin with.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import txaio
from autobahn.asyncio.component import Component
from autobahn.asyncio.wamp import Session
from autobahn.wamp.types import CloseDetails, SessionDetails

URL = os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws")
PRIVATE = Path(__file__).with_name("private")


class Refused(Exception):
    """The router does not let us in; the text is the reason's URI."""


def secret_of(name: str) -> str:
    """A ticket or password of this example."""
    return f"{os.environ.get('EXAMPLE_SECRET', 'change-me')}-{name}"


def key_of(name: str) -> str:
    """A key that ``prepare`` has made."""
    return (PRIVATE / f"{name}.key").read_text(encoding="ascii").strip()


@asynccontextmanager
async def joined(
    authentication: dict[str, Any], realm: str = "realm1"
) -> AsyncIterator[tuple[Session, SessionDetails]]:
    """A session that is in the realm as long as the block lasts. Raise `Refused`; ConnectionError without a router."""
    component = Component(
        transports=[{"type": "websocket", "url": URL, "max_retries": 0}], realm=realm, authentication=authentication
    )
    arrival: asyncio.Future[tuple[Session, SessionDetails]] = asyncio.get_running_loop().create_future()

    def left(_session: Session, details: CloseDetails) -> None:
        if not arrival.done():
            arrival.set_exception(Refused(details.reason))

    component.on("join", lambda session, details: arrival.set_result((session, details)))
    component.on("leave", left)
    ended = component.start(asyncio.get_running_loop())
    await asyncio.wait([arrival, ended], return_when=asyncio.FIRST_COMPLETED)
    if not arrival.done():
        raise ConnectionError(f"there is no router at {URL}") from ended.exception()
    try:
        session, details = arrival.result()
        yield session, details
        session.leave()
    finally:
        await asyncio.wait([ended])
        ended.exception()


async def tell(what: str, authentication: dict[str, Any], realm: str = "realm1") -> None:
    """Print who the router says that we are, or why it does not let us in."""
    try:
        async with joined(authentication, realm) as (_, details):
            methods = (details.authextra or {}).get("authfactors", [details.authmethod])
            print(f"{what}: {details.authid}, {details.authrole}, {' and '.join(methods)}, {details.authprovider}")
    except Refused as why:
        print(f"{what}: {why}")


def run(example: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run an example to its end; SystemExit with a line if there is no router."""
    txaio.start_logging(level="critical")  # what the library tells of every step would hide what the example says
    try:
        asyncio.run(example())
    except ConnectionError as error:
        raise SystemExit(f"{error}; start one with: wampd run examples/authentication/config.yaml") from None
