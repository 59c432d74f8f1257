"""What is to be said of a session that is gone, however it went: a lamp that cannot say that its power failed."""

import asyncio

from joining import joined, run

TOPIC = "com.example.lamp"


async def example() -> None:
    """Leave a testament, and lose the connection."""
    heard = asyncio.Event()

    def on_lamp(state: str, **more: str) -> None:
        print("the lamp:", state, more)
        if state == "gone":
            heard.set()

    async with joined() as house, joined() as lamp:
        await house.subscribe(on_lamp, TOPIC)
        await lamp.call("wamp.session.add_testament", TOPIC, ["gone"], {"room": "kitchen"})
        lamp.publish(TOPIC, "on")
        lamp.disconnect()
        await asyncio.wait_for(heard.wait(), 5)


if __name__ == "__main__":
    run(example)
