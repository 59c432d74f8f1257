"""A hosted component on asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any

from . import connecting, printing
from .course import Course
from .description import Description
from .finding import Found
from .session import maker
from .trouble import UNREACHABLE


def run(description: Description, found: Found) -> int:
    """Run an event loop until the component has ended; return the exit status. Raise `ImportError` without autobahn."""
    import txaio
    from autobahn.asyncio.websocket import WampWebSocketClientFactory

    printing.begin_asyncio()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    txaio.config.loop = loop
    over = loop.create_future()

    def ended() -> None:
        if not over.done():
            over.set_result(None)

    course = Course(ended)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, course.leave)

    async def begin() -> None:
        if found.component is not None:
            found.component.fire("start", loop, found.component)
        make = maker(description, found, course, loop)
        factory = WampWebSocketClientFactory(make, url=connecting.URL, serializers=connecting.serializers(), loop=loop)
        factory.setProtocolOptions(**connecting.OPTIONS)
        try:
            await loop.create_unix_connection(factory, description.socket)
        except OSError as error:
            course.failed(UNREACHABLE, f"no router at {description.socket}: {error.strerror or error}")
            course.over()
        await over

    try:
        _run(loop, begin(), course)
    finally:
        loop.close()
    return course.status


def _run(loop: asyncio.AbstractEventLoop, main: Any, course: Course) -> None:
    """Run until the component has ended, or has stopped the loop itself, as autobahn's examples do; then let all else end."""
    task = loop.create_task(main)
    task.add_done_callback(lambda _: loop.stop())
    try:
        loop.run_forever()
    finally:  # sys.exit in a task or a handler comes out here
        if not course.is_over:
            course.leave()
            loop.call_later(connecting.OPTIONS["closeHandshakeTimeout"], loop.stop)
            loop.run_forever()
        _end_all(loop)
    if task.done() and not task.cancelled():
        task.result()


def _end_all(loop: asyncio.AbstractEventLoop) -> None:
    """Let no task be left that one would be told of."""
    others = asyncio.all_tasks(loop)
    for other in others:
        other.cancel()
    with contextlib.suppress(Exception):
        loop.run_until_complete(asyncio.gather(*others, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
