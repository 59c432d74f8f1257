"""Sessions of autobahn-python on either framework, and what scenarios do with them.

The command line names the framework, ``twisted`` or ``asyncio``; ``WAMP_URL`` is ``ws://…`` or ``rs://…``, ``WAMP_SERIALIZER``
``json``, ``msgpack`` or ``cbor``.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

import txaio
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import PublishOptions, SubscribeOptions
from twisted.internet.defer import Deferred

FRAMEWORK = sys.argv[1]

if FRAMEWORK == "twisted":
    from autobahn.twisted.component import Component
    from twisted.internet import reactor, task
else:
    from autobahn.asyncio.component import Component


PATIENCE = 20.0
"""Seconds that anything may take."""

JOINED: list[tuple[Any, Any]] = []
"""Sessions, and what fires with the reason when they have left."""


def transport() -> dict[str, Any]:
    """Where the router is."""
    url, serializer = os.environ["WAMP_URL"], os.environ["WAMP_SERIALIZER"]
    parts = urlsplit(url)
    if parts.scheme == "ws":
        return {"type": "websocket", "url": url, "serializers": [serializer], "max_retries": 0}
    endpoint = {"type": "tcp", "host": parts.hostname, "port": parts.port}
    return {"type": "rawsocket", "url": url, "endpoint": endpoint, "serializer": serializer, "max_retries": 0}


async def join(authid: str = "") -> Any:
    """A session: in ``realm1``, or as somebody in the realm ``guarded``."""
    if not authid:
        session, _ = await enter("realm1")
    else:
        session, _ = await enter("guarded", {"ticket": {"authid": authid, "ticket": f"hunter2-of-{authid}"}})
    return session


async def enter(realm: str, authentication: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """A session with what WELCOME says of it. Raises `Refused`."""
    component = Component(transports=[transport()], realm=realm, authentication=authentication)
    joined = txaio.create_future()
    left = txaio.create_future()
    component.on("join", lambda session, details: txaio.resolve(joined, (session, details)))
    component.on("leave", lambda _, details: txaio.resolve(left, details.reason))
    ended = component.start(reactor if FRAMEWORK == "twisted" else asyncio.get_running_loop())
    txaio.add_callbacks(ended, None, lambda failed: None if txaio.is_called(joined) else txaio.reject(joined, failed))
    try:
        session, details = await joined
    except RuntimeError as error:  # the library has tried every transport
        if not txaio.is_called(left):
            raise
        raise Refused(await left) from error
    JOINED.append((session, left))
    return session, details


class Refused(Exception):
    """The router sent ABORT for this reason."""


async def leave() -> None:
    """Close every session in good order."""
    for session, left in JOINED:
        if not session.is_attached():
            continue  # the scenario has seen to its end
        session.leave()
        reason = await left
        assert reason == "wamp.close.goodbye_and_out", reason


def pause(seconds: float) -> Awaitable[Any]:
    """Wait."""
    result: Awaitable[Any] = (
        task.deferLater(reactor, seconds) if FRAMEWORK == "twisted" else asyncio.sleep(seconds)  # type: ignore[arg-type]
    )
    return result


async def until(condition: Callable[[], Any]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        await pause(0.01)


async def subscribed(session: Any, topic: str, into: list[Any], pick: Any, **options: Any) -> Any:
    """Collect what ``pick`` makes of the events of a topic."""

    def on_event(*args: Any, details: Any = None, **kwargs: Any) -> None:
        into.append(pick(args, kwargs, details))

    return await session.subscribe(on_event, topic, options=SubscribeOptions(details_arg="details", **options))


async def publish(session: Any, topic: str, *args: Any, **options: Any) -> None:
    """Publish, and wait for the acknowledgement."""
    await session.publish(topic, *args, options=PublishOptions(acknowledge=True, **options))


async def failure(awaited: Awaitable[Any]) -> list[Any]:
    """The URI and the arguments of the error that something ends with."""
    try:
        await awaited
    except ApplicationError as error:
        return [error.error, list(error.args)]
    return ["no error", []]


def pending(canceled: list[bool]) -> Any:
    """A result that never comes; ``canceled`` says when it is no longer wanted."""
    if FRAMEWORK == "twisted":
        return Deferred(canceller=lambda _: canceled.append(True))
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: canceled.append(done.cancelled()))
    return future


def coroutine(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """A procedure that is a coroutine, as the framework has it."""
    return (
        function
        if FRAMEWORK == "asyncio"
        else lambda *args, **kwargs: Deferred.fromCoroutine(function(*args, **kwargs))
    )


def counting() -> Callable[..., Any]:
    """A procedure that counts up to its argument, by progressive results if the caller takes them."""

    async def count(most: int, details: Any = None) -> str:
        for number in range(most if details.progress is not None else 0):
            details.progress(number)
            await pause(0.01)
        return "done" if details.progress is not None else "done at once"

    return coroutine(count)


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine to its end."""
    if FRAMEWORK == "twisted":
        task.react(lambda _: Deferred.fromCoroutine(main()))
    else:
        asyncio.run(main())
