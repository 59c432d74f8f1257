"""A component whose results are pages: it knows nothing of HTML.

``WAMP_URL`` names another router than ``ws://127.0.0.1:8080/ws``.
"""

import os
from typing import Any

from autobahn.asyncio.component import Component, run
from autobahn.wamp.exception import ApplicationError

PEOPLE = {1: {"name": "Ann <ann@example.com>", "town": "Erlangen"}, 2: {"name": "Bo"}}

component = Component(transports=os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws"), realm="realm1")


@component.register("com.example.people.list")
def everybody(of: str | None = None) -> list[dict[str, Any]]:
    """All people, or those of a town."""
    return [
        {"number": number, "name": person["name"]}
        for number, person in PEOPLE.items()
        if of is None or person.get("town") == of
    ]


@component.register("com.example.people.get")
def one(number: int) -> dict[str, str]:
    """One of them."""
    if number not in PEOPLE:
        raise ApplicationError("com.example.people.error.nobody")
    return PEOPLE[number]


@component.on_ready
def ready(_session: Any) -> None:
    """Say that pages can be made."""
    print("ready", flush=True)


if __name__ == "__main__":
    run([component], log_level="warn")
