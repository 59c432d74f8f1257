"""Users with a space of their own each, an inbox that others write to, and an operator who may send them away.

``WAMP_URL`` names another router than ``ws://127.0.0.1:8080/ws``; ``JOE_TICKET`` and so on the tickets, as for the router.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any

import txaio
from autobahn.asyncio.component import Component
from autobahn.asyncio.wamp import Session
from autobahn.exception import Disconnected
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import EventDetails, PublishOptions, RegisterOptions, SubscribeOptions

URL = os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws")
INBOX = "com.example.inbox.joe"
ACKNOWLEDGE = PublishOptions(acknowledge=True)


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


async def tell(what: str, request: Awaitable[Any]) -> None:
    """Print what became of a request."""
    try:
        await request
    except ApplicationError as error:
        print(f"{what}: {error.error}, {error.args[0] if error.args else ''}")
    else:
        print(f"{what}: done")


async def example() -> None:
    """Let joe and ann try what they may, and the operator send ann away."""
    letters: asyncio.Queue[str] = asyncio.Queue()

    def letter(text: str, details: EventDetails) -> None:
        letters.put_nowait(f"{text} from {details.publisher_authid}")

    async with joined("joe") as joe, joined("ann") as ann, joined("eve") as eve:
        prefix = RegisterOptions(match="prefix")
        await tell("joe offers com.example.user.joe.", joe.register(lambda: "joe's", "com.example.user.joe.", prefix))
        await tell("ann offers com.example.user.joe.x", ann.register(lambda: "ann's", "com.example.user.joe.x"))
        await tell("ann calls com.example.user.joe.x", ann.call("com.example.user.joe.x"))
        await tell("ann calls com.example.admin.x", ann.call("com.example.admin.x"))

        await joe.subscribe(letter, INBOX, options=SubscribeOptions(details_arg="details"))
        await tell("ann reads joe's inbox", ann.subscribe(letter, INBOX))
        for number in (1, 2, 3):
            await tell(f"ann writes letter {number}", ann.publish(INBOX, f"letter {number}", options=ACKNOWLEDGE))
        for _ in (1, 2):
            print("joe got", await asyncio.wait_for(letters.get(), 5))

        await tell("joe sends ann away", joe.call("wamp.session.kill", ann.session_id))
        await tell("eve sends ann away", eve.call("wamp.session.kill", ann.session_id))


if __name__ == "__main__":
    txaio.start_logging(level="critical")  # what the library tells of every step would hide what the example says
    try:
        asyncio.run(example())
    except ConnectionError as error:
        raise SystemExit(f"{error}; start one with: wampd run examples/access/config.yaml") from None
