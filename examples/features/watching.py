"""Watching a realm: who comes and goes, and what is offered. It is what a dashboard asks for.

The router tells it by procedures and topics under ``wamp.``, for which a role needs rules like any others: see config.yaml.
"""

import asyncio

from autobahn.wamp.types import EventDetails, SubscribeOptions
from joining import joined, run


async def example() -> None:
    """Watch a visitor that comes, offers something and leaves."""
    left = asyncio.Event()

    def note(*_args: object, details: EventDetails) -> None:
        print(details.topic)
        if details.topic == "wamp.registration.on_delete":
            left.set()

    async with joined() as watcher:
        for prefix in ("wamp.session.", "wamp.registration."):
            await watcher.subscribe(note, prefix, options=SubscribeOptions(match="prefix", details_arg="details"))
        print("sessions:", await watcher.call("wamp.session.count"))
        async with joined() as visitor:
            await visitor.register(lambda: "hello", "com.example.greet")
            print("sessions:", await watcher.call("wamp.session.count"))
            registration = await watcher.call("wamp.registration.match", "com.example.greet")
            offered = await watcher.call("wamp.registration.get", registration)
            print("offered:", offered["uri"], offered["invoke"])
        await asyncio.wait_for(left.wait(), 5)


if __name__ == "__main__":
    run(example)
