"""A component that decides who may read which document, and two who want to.

``WAMP_URL`` names another router than ``ws://127.0.0.1:8080/ws``; ``LIBRARY_TICKET`` and so on the tickets, as for the router.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import txaio
from autobahn.asyncio.component import Component
from autobahn.asyncio.wamp import Session
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import RegisterOptions

URL = os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws")
LENT = {"com.example.document.1": {"joe", "ann"}, "com.example.document.2": {"ann"}}
"""Who may read which document."""


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
        arrival.result().leave()
        await asyncio.wait([ended])
        ended.exception()


def may(who: dict[str, Any], uri: str, action: str, _options: dict[str, Any]) -> dict[str, bool]:
    """The authorizer: the router calls it about what no rule of the role names."""
    allowed = action == "call" and who["authid"] in LENT.get(uri, ())
    print(f"  may {who['authid']} {action} {uri}? {'yes' if allowed else 'no'}")
    return {"allow": allowed, "disclose": True}


async def tell(who: str, what: Awaitable[Any]) -> None:
    """Print what became of a call."""
    try:
        print(f"{who} got {await what}")
    except ApplicationError as error:
        print(f"{who} got {error.error}")


async def example() -> None:
    """Let joe and ann read what they may, and take a document back."""
    async with joined("library") as library, joined("joe") as joe, joined("ann") as ann:
        await library.register(may, "com.example.may")
        await library.register(lambda: sorted(LENT), "com.example.catalog")
        await library.register(
            lambda *_, **__: "a document", "com.example.document.", options=RegisterOptions(match="prefix")
        )
        denied: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        await library.subscribe(denied.put_nowait, "wampd.audit.denied")

        await tell("joe", joe.call("com.example.catalog"))
        for document in LENT:
            await tell("joe", joe.call(document))
            await tell("ann", ann.call(document))
        await tell("ann", ann.call("com.example.document.2"))  # the answer is remembered
        LENT["com.example.document.2"].clear()
        forgotten = await library.call("wampd.authorization.invalidate", authid="ann")
        print(f"the answers about {forgotten} principal are forgotten")
        await tell("ann", ann.call("com.example.document.2"))
        await tell("ann", ann.call("com.example.secret.plan"))

        for _ in range(3):
            entry = await asyncio.wait_for(denied.get(), 5)
            print(f"in the books: {entry['authid']} was refused to {entry['action']} {entry['uri']}")


if __name__ == "__main__":
    txaio.start_logging(level="critical")
    try:
        asyncio.run(example())
    except ConnectionError as trouble:
        raise SystemExit(f"{trouble}; start one with: wampd run examples/authorizer/config.yaml") from None
