"""A Component on asyncio: offers ``com.example.words.count``, and asks its neighbour for a greeting once it is there.

Hosted, the router says where to connect and who it is; alone it is what stands here.
"""

import os
from collections import Counter

from autobahn.asyncio.component import Component, run
from autobahn.asyncio.wamp import Session
from autobahn.wamp.types import SessionDetails

component = Component(transports=os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws"), realm="realm1")


@component.register("com.example.words.count")
def count(text: str) -> dict[str, int]:
    """How often each word stands in a text."""
    return dict(Counter(text.lower().split()))


@component.on_join
async def joined(session: Session, details: SessionDetails) -> None:
    """Say hello to a neighbour, which the router has started before."""
    print(await session.call("com.example.greet", details.authid))


if __name__ == "__main__":
    run([component])
