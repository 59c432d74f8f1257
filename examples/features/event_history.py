"""Events of the past: the router keeps those of the topics that its configuration names, though nobody listens.

config.yaml beside this file has ``history`` for everything under ``com.example.price.``. Who subscribes to that is told the
id of the history.
"""

from autobahn.wamp.types import PublishOptions, SubscribeOptions
from joining import joined, run


async def example() -> None:
    """Publish to nobody, and ask for it afterwards."""
    async with joined() as market, joined() as reader:
        for topic, price in (("tea", 3), ("milk", 1), ("tea", 4), ("tea", 5)):
            await market.publish(f"com.example.price.{topic}", price, options=PublishOptions(acknowledge=True))
        subscription = await reader.subscribe(print, "com.example.price.", options=SubscribeOptions(match="prefix"))
        events = await reader.call(
            "wamp.subscription.get_events", subscription.id, topic="com.example.price.tea", reverse=True, limit=2
        )
    for event in events:
        print(event["details"]["topic"], *event["args"])


if __name__ == "__main__":
    run(example)
