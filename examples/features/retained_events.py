"""The last event of a topic, for those who come later: a thermometer that speaks seldom, and a display switched on late."""

import asyncio

from autobahn.wamp.types import EventDetails, PublishOptions, SubscribeOptions
from joining import joined, run

TOPIC = "com.example.temperature"


async def example() -> None:
    """Publish, then subscribe."""
    heard = asyncio.Event()

    def show(celsius: float, details: EventDetails) -> None:
        print(celsius, "degrees,", "retained" if details.retained else "just now")
        if not details.retained:
            heard.set()

    async with joined() as thermometer, joined() as display:
        for celsius in (20.5, 21.0):
            await thermometer.publish(TOPIC, celsius, options=PublishOptions(retain=True, acknowledge=True))
        await display.subscribe(show, TOPIC, options=SubscribeOptions(get_retained=True, details_arg="details"))
        await thermometer.publish(TOPIC, 21.5, options=PublishOptions(retain=True, acknowledge=True))
        await asyncio.wait_for(heard.wait(), 5)


if __name__ == "__main__":
    run(example)
