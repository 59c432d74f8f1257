"""Users with a space of their own each, an inbox that others write to, and an operator who may send them away."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import EventDetails, PublishOptions, RegisterOptions, SubscribeOptions
from joining import joined, run

INBOX = "com.example.inbox.joe"
ACKNOWLEDGE = PublishOptions(acknowledge=True)


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
    run(example, "config.yaml")
