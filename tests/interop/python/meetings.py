"""Scenarios that clients of several kinds hold together."""

import os
import time
from typing import Any

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import RegisterOptions
from sessions import FRAMEWORK, JOINED, PATIENCE, coroutine, counting, join, pause, pending, publish, until


async def called_when_there(session: Any, procedure: str, *args: Any) -> Any:
    """The result of a procedure that may not be registered yet."""
    deadline = time.monotonic() + 3 * PATIENCE
    while True:
        try:
            return await session.call(procedure, *args)
        except ApplicationError as error:
            if error.error != ApplicationError.NO_SUCH_PROCEDURE or time.monotonic() > deadline:
                raise
        await pause(0.05)


async def neighbours() -> dict[str, Any]:
    """Every client calls every other; none leaves before all have said that they are done with it."""
    names = os.environ["NEIGHBOURS"].split(",")
    session = await join()
    farewells: list[str] = []
    await session.register(farewells.append, f"com.neighbour.{FRAMEWORK}.farewell")
    await session.register(lambda *args: list(args), f"com.neighbour.{FRAMEWORK}.echo")
    value = [1, -1.5, 2**40, "zwei ☃", None, {"a": [True, []]}]
    echoes = {name: await called_when_there(session, f"com.neighbour.{name}.echo", *value) for name in names}
    for name in names:
        await session.call(f"com.neighbour.{name}.farewell", FRAMEWORK)
    await until(lambda: sorted(farewells) == sorted(names))
    await session.call(f"com.neighbour.{FRAMEWORK}.echo")  # on the way the last of them is answered, too
    return {name: echo == value for name, echo in echoes.items()}


async def host() -> dict[str, Any]:
    """Serve what clients of other kinds call, until the end."""
    session = await join()
    waiting: list[Any] = []
    canceled: list[bool] = []

    def wait() -> Any:
        waiting.append(pending(canceled))
        return waiting[-1]

    await session.register(wait, "com.host.wait")
    await session.register(lambda: len(waiting), "com.host.waiting")
    await session.register(lambda: len(canceled), "com.host.canceled")
    await session.register(
        coroutine(lambda topic, text, retain: publish(session, topic, text, retain=retain)), "com.host.publish"
    )
    await session.register(counting(), "com.host.count", options=RegisterOptions(details_arg="details"))
    print("serving", flush=True)
    return {"left": await JOINED[0][1]}
