"""An event as those get it who do not speak WAMP: one JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from wampd.realms.timestamps import rfc3339
from wampd.router.inside.insider import Reply


class Told(Struct, frozen=True, omit_defaults=True):
    """The object: what is not there is left out. Arguments stay the JSON text that they are."""

    topic: str
    publication: int
    time: str
    """RFC 3339: when it was published, or heard."""
    args: Any = None
    kwargs: Any = None
    details: Mapping[str, Any] = {}
    """What else is told of the publication: its publisher, if that is disclosed …"""


def told(reply: Reply, topic: str, now: float) -> Told:
    """What a session has heard; ``topic`` is what was subscribed to, ``now`` Unix time."""
    details = dict(reply.details)
    publication, topic = details.pop("publication"), details.pop("topic", topic)
    return Told(topic, publication, rfc3339(round(now * 1_000_000)), reply.args, reply.kwargs, details)
