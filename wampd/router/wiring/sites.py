"""The web sites of listeners: from what is configured under HTTP paths to what serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct, structs
from twisted.web.resource import Resource

from wampd.router.http.guarded import Guarded
from wampd.router.http.logins import Logins
from wampd.router.http.longpoll import LongPollResource
from wampd.router.http.static import StaticFiles
from wampd.router.http.tree import build_site
from wampd.router.reception import Reception
from wampd.router.settings.http import LongPollPath, StaticPath
from wampd.router.settings.http.served import Served
from wampd.router.settings.listeners import Listener
from wampd.router.transports.longpoll import LongPoll, LongPollPort
from wampd.router.wiring.accesses import logins_of
from wampd.router.wiring.means import Means, cookies_of, pace_of


class Ground(Struct, frozen=True):
    """Where a site stands."""

    means: Means
    listener: Listener
    reception: Reception
    logins: Logins | None = None
    """Those who may come to the path; `None`: everybody may."""


def site_of(listener: Listener, reception: Reception, means: Means) -> Any:
    """The site of one listener: a Twisted factory."""
    ground = Ground(means, listener, reception)
    return build_site(
        {path: served_by(what, ground) for path, what in listener.http.items()},
        head_size=listener.limits.header_size,
        header_lines=listener.limits.header_lines,
        body_size=listener.limits.message_size,
    )


def served_by(what: Served, ground: Ground) -> Resource:
    """What serves a path that is configured so."""
    logins = logins_of(what, ground)
    if logins is None:
        return MAKERS[type(what)](what, ground)
    return Guarded(MAKERS[type(what)](what, structs.replace(ground, logins=logins)), logins)


def _static(path: StaticPath, ground: Ground) -> Resource:  # noqa: ARG001 - it needs nothing
    return StaticFiles(path.directory)


def _long_poll(path: LongPollPath, ground: Ground) -> Resource:
    limits, means = ground.listener.limits, ground.means
    speaks = LongPoll(
        serializers=path.serializers,
        batched=path.batched,
        most=limits.batch,
        pace=pace_of(limits),
        poll_timeout=path.poll_timeout,
        absence_timeout=path.absence_timeout,
        opening=path.opening,
    )
    transports = LongPollPort(speaks, ground.reception, means.wheel)
    cookies = cookies_of(path.cookie, ground.listener, means.realms)
    return LongPollResource(transports, origins=path.origins, no_content=path.no_content, cookies=cookies)


MAKERS: Final[Mapping[type[Served], Callable[[Any, Ground], Resource]]] = {
    LongPollPath: _long_poll,
    StaticPath: _static,
}
"""What makes each kind; a test sees that none is missing. What is heavy is imported where it is made."""
