"""Several workers for one procedure: the router gives each of them only as many calls as it can take; the others wait.

``invoke`` says who is asked next: ``roundrobin``, ``random``, ``first``, ``last``, or wampd's own ``load``, which is who has
the fewest calls. ``concurrency`` is how many calls a worker takes at once.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from autobahn.wamp.types import RegisterOptions
from joining import joined, run

PROCEDURE = "com.example.resize"


async def example() -> None:
    """Twelve calls for two workers, of whom one can do two things at once."""
    busy: Counter[str] = Counter()
    most: Counter[str] = Counter()

    def worker(name: str) -> Callable[[int], Coroutine[Any, Any, str]]:
        async def resize(picture: int) -> str:
            busy[name] += 1
            most[name] = max(most[name], busy[name])
            await asyncio.sleep(0.05)
            busy[name] -= 1
            return f"picture {picture}"

        return resize

    async with joined() as ann, joined() as bob, joined() as caller:
        await ann.register(worker("ann"), PROCEDURE, options=RegisterOptions(invoke="roundrobin", concurrency=1))
        await bob.register(worker("bob"), PROCEDURE, options=RegisterOptions(invoke="roundrobin", concurrency=2))
        done = await asyncio.gather(*(caller.call(PROCEDURE, picture) for picture in range(12)))
    print(len(done), "pictures are done, the last is", done[-1])
    for name in ("ann", "bob"):
        print(name, "did at most", most[name], "at once")


if __name__ == "__main__":
    run(example)
