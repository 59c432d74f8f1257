"""A component that decides who may read which document, and two who want to."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import RegisterOptions
from joining import joined, run

LENT = {"com.example.document.1": {"joe", "ann"}, "com.example.document.2": {"ann"}}
"""Who may read which document."""


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
    run(example, "library.yaml")
