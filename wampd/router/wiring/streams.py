"""Streams of server-sent events: from settings to what serves them."""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import TYPE_CHECKING

from wampd.router.http.streams.events import EventsResource, Streams
from wampd.router.settings.http import EventsPath
from wampd.router.shutdown import SYSTEM_SHUTDOWN
from wampd.router.wiring.accesses import access_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampd.realms.history import History
    from wampd.realms.options import Match
    from wampd.realms.realm import Realm
    from wampd.realms.session import Session
    from wampd.router.wiring.sites import Ground


class _Past:
    """The histories of one realm."""

    def __init__(self, core: Callable[[], Realm]) -> None:
        self._core = core

    def history(self, topic: str, match: Match) -> History | None:
        """That of a topic or pattern."""
        subscription = self._core().broker.subscriptions.get(topic, match)
        return None if subscription is None else subscription.history

    def session(self, session_id: int) -> Session | None:
        """The session of this id."""
        return self._core().sessions.get(session_id)


def events_of(path: EventsPath, ground: Ground) -> EventsResource:
    """The streams of a path."""
    means = ground.means
    streams = Streams(
        event=path.event,
        heartbeat=path.heartbeat,
        retry=path.retry,
        most=path.streams,
        most_per_address=path.streams_per_address,
        buffer=path.buffer,
        resent=path.resent,
    )
    resource = EventsResource(
        access_of(path, ground),
        _Past(lambda: means.realms[path.realm].core),
        means.reactor,
        time.time,
        means.realms.tally.strike,
        secrets.token_hex(4),
        streams,
    )
    means.ends.add(partial(resource.end, SYSTEM_SHUTDOWN))
    return resource
