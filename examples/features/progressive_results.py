"""A result in parts: a worker that counts, and a caller that hears every number at once.

A callee is told that its caller takes parts (``details.progress``), and hears it if the caller does not want any more.
"""

import asyncio

from autobahn.wamp.types import CallDetails, CallOptions, RegisterOptions
from joining import joined, run


async def count(to: int, details: CallDetails) -> str:
    """Say every number on the way, if the caller wants to hear them."""
    for number in range(1, to + 1):
        if details.progress is not None:
            details.progress(number)
        await asyncio.sleep(0.05)
    return f"counted to {to}"


async def example() -> None:
    """Call once with parts, and once without."""
    async with joined() as worker, joined() as caller:
        await worker.register(count, "com.example.count", options=RegisterOptions(details_arg="details"))
        options = CallOptions(on_progress=lambda number: print("so far:", number))
        print(await caller.call("com.example.count", 3, options=options))
        print(await caller.call("com.example.count", 2))


if __name__ == "__main__":
    run(example)
