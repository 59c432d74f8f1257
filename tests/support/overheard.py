"""What is logged meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twisted.logger import LogLevel, formatEvent, globalLogPublisher

Event = dict[str, Any]


@contextmanager
def overheard(take: Callable[[Event], Any] = lambda event: event) -> Iterator[list[Any]]:
    """What ``take`` makes of the events of a block, as they come; those that it makes `None` of are left out."""
    taken: list[Any] = []

    def observe(event: Event) -> None:
        if (found := take(event)) is not None:
            taken.append(found)

    globalLogPublisher.addObserver(observe)
    try:
        yield taken
    finally:
        globalLogPublisher.removeObserver(observe)


def text(event: Event) -> str:
    """What it says."""
    return formatEvent(event)


def failure(event: Event) -> Event | None:
    """It, if it has a traceback."""
    return event if "log_failure" in event else None


def warning(event: Event) -> Event | None:
    """It, if it is of the router's own, and a warning or worse."""
    is_ours = event["log_namespace"].startswith("wampd.")
    return event if is_ours and event["log_level"] >= LogLevel.warn else None
