"""Scenarios of events that are kept: retained, in a history, in a testament."""

from typing import Any

from sessions import FRAMEWORK, failure, join, publish, subscribed, until

Facts = dict[str, Any]


async def retention() -> Facts:
    """The last event of a topic is kept for those who come later."""
    publisher, subscriber = await join(), await join()
    topic = f"com.interop.kept.{FRAMEWORK}"
    heard: list[Any] = []

    def pick(args: Any, kwargs: Any, details: Any) -> Any:
        return [args[0], bool(details.retained)]

    await publish(publisher, topic, "old", retain=True)
    await publish(publisher, topic, "kept", retain=True)
    await publish(publisher, topic, "passing")
    await subscribed(subscriber, topic, heard, pick, get_retained=True)
    await publish(publisher, topic, "live")
    await until(lambda: len(heard) == 2)
    return {"heard": heard}


async def history() -> Facts:
    """What was published can be asked for afterwards."""
    publisher, reader = await join(), await join()
    for number in range(3):
        await publish(publisher, "com.interop.log", number)
    subscription = await subscribed(reader, "com.interop.log", [], print)
    events = await reader.call("wamp.subscription.get_events", subscription.id, reverse=True, limit=2)
    return {"newest": [event["args"] for event in events]}


async def testaments() -> Facts:
    """What a session wants to be published when it is gone."""
    heir, owner = await join(), await join()
    heard: list[Any] = []
    await subscribed(heir, "com.interop.will", heard, lambda args, kwargs, _: [list(args), kwargs])
    add, flush = "wamp.session.add_testament", "wamp.session.flush_testaments"
    await owner.call(add, "com.interop.will", ["flushed"], {}, scope="detached")
    await owner.call(flush, scope="detached")
    await owner.call(add, "com.interop.will", ["last"], {"words": "adieu"})
    await owner.call(add, "com.interop.will", ["first"], {}, scope="detached")
    wrong = await failure(owner.call(add, "com.interop.will", [], {}, scope="whenever"))
    owner.leave()
    await until(lambda: len(heard) == 2)
    return {"heard": heard, "wrong": wrong[0]}
