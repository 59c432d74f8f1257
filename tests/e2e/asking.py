"""Two clients of autobahn's: one asks the router all that the meta API tells, and sends the other away.

Run it with the URL of a router that allows everything and a serializer. It writes what was heard as one line of JSON.
"""

import asyncio
import json
import sys
from typing import Any

from autobahn.asyncio.component import Component
from autobahn.asyncio.wamp import Session
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CloseDetails, EventDetails, RegisterOptions, SubscribeOptions

heard: dict[str, Any] = {"events": []}


async def victim_of(
    component: Component, loop: asyncio.AbstractEventLoop
) -> tuple[Session, asyncio.Future[CloseDetails]]:
    """Join, and tell why the session has ended."""
    joined: asyncio.Future[Session] = loop.create_future()
    left: asyncio.Future[CloseDetails] = loop.create_future()
    component.on("join", lambda session, _: joined.set_result(session))
    component.on("leave", lambda _, details: left.set_result(details))
    component.start(loop=loop)
    return await joined, left


def note(*args: Any, details: EventDetails) -> None:
    """Keep an event."""
    heard["events"].append([details.topic, list(args)])


async def error_of(call: Any) -> str:
    """The URI of the error with which a call ends."""
    try:
        await call
    except ApplicationError as error:
        return str(error.error)
    return ""


async def ask(asker: Session, component: Component, loop: asyncio.AbstractEventLoop) -> None:
    """Ask for everything while the other comes, serves, listens, and is sent away."""
    options = SubscribeOptions(match="prefix", details_arg="details")
    for prefix in ("wamp.session.", "wamp.registration.", "wamp.subscription."):
        await asker.subscribe(note, prefix, options=options)
    other, left = await victim_of(component, loop)
    heard["victim"] = other._session_id
    registration = await other.register(lambda: None, "com.example.p", options=RegisterOptions(match="exact"))
    subscription = await other.subscribe(lambda: None, "com.example.t")
    heard["registration"], heard["subscription"] = registration.id, subscription.id
    for kind, found, members in (
        ("registration", registration, "callees"),
        ("subscription", subscription, "subscribers"),
    ):
        uri = "com.example.p" if kind == "registration" else "com.example.t"
        for procedure, args in {
            "list": [],
            "lookup": [uri],
            "match": [uri],
            "get": [found.id],
            f"list_{members}": [found.id],
            f"count_{members}": [found.id],
        }.items():
            heard[f"{kind}.{procedure}"] = await asker.call(f"wamp.{kind}.{procedure}", *args)
    heard["session.list"] = await asker.call("wamp.session.list")
    heard["session.count"] = await asker.call("wamp.session.count", ["anonymous"])
    heard["session.get"] = await asker.call("wamp.session.get", other._session_id)
    heard["own"] = await error_of(asker.call("wamp.session.kill", asker._session_id))
    heard["killed"] = await asker.call("wamp.session.kill", other._session_id, reason="com.bye", message="enough")
    details = await left
    heard["left"] = [details.reason, details.message]
    heard["gone"] = await error_of(asker.call("wamp.session.get", heard["victim"]))
    await asker.leave()


def main(url: str, serializer: str) -> None:
    """Run both."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    transport = {"type": "websocket", "url": url, "serializers": [serializer], "max_retries": 0}
    components = [Component(transports=[transport], realm="realm1") for _ in range(2)]
    done: asyncio.Future[None] = loop.create_future()

    def settle(task: asyncio.Task[None]) -> None:
        error = task.exception()
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    components[0].on(
        "join", lambda session, _: loop.create_task(ask(session, components[1], loop)).add_done_callback(settle)
    )
    components[0].start(loop=loop)
    loop.run_until_complete(asyncio.wait_for(done, 30))
    print(json.dumps(heard), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
