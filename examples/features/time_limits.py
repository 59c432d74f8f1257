"""Calls that take too long: the caller sets a time, and the worker is interrupted when it is up.

A timeout is in milliseconds. The router watches it, so the caller gets its answer even if the worker never says anything.
"""

import asyncio

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions
from joining import joined, run


async def example() -> None:
    """Ask somebody who dreams."""
    interrupted = asyncio.Event()

    async def dream() -> str:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            interrupted.set()
            raise
        return "an hour later"

    async with joined() as worker, joined() as caller:
        await worker.register(dream, "com.example.dream")
        try:
            await caller.call("com.example.dream", options=CallOptions(timeout=200))
        except ApplicationError as error:
            print("the caller got", error.error)
        await asyncio.wait_for(interrupted.wait(), 5)
        print("the worker was interrupted")


if __name__ == "__main__":
    run(example)
