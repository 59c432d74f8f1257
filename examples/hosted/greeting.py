"""A function is enough: it is called when there is a session, and the component goes on when it returns."""

import os

from autobahn.asyncio.component import Component, run
from autobahn.asyncio.wamp import Session


async def serve(session: Session, extra: str = "Hello") -> None:
    """Offer ``com.example.greet``."""
    await session.register(lambda name: f"{extra}, {name}!", "com.example.greet")
    print("serving com.example.greet")


if __name__ == "__main__":
    component = Component(transports=os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws"), realm="realm1")
    component.on_join(lambda session, _details: serve(session))
    run([component])
