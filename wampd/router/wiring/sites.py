"""The web sites of listeners: from what is configured under HTTP paths to what serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct
from twisted.web.resource import Resource

from wampd.router.http.longpoll import LongPollResource
from wampd.router.http.static import StaticFiles
from wampd.router.http.tree import build_site
from wampd.router.reception import Reception
from wampd.router.settings.dashboard_rules import connected_to, methods_of, site_of_dashboard
from wampd.router.settings.http import DashboardPath, LongPollPath, ProxyPath, StaticPath
from wampd.router.settings.http.served import Served
from wampd.router.settings.listeners import Listener
from wampd.router.transports.longpoll import LongPoll, LongPollPort
from wampd.router.wiring.means import Means, cookies_of, pace_of


class Ground(Struct, frozen=True):
    """Where a site stands."""

    means: Means
    listener: Listener
    reception: Reception


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
    return MAKERS[type(what)](what, ground)


def _static(path: StaticPath, ground: Ground) -> Resource:  # noqa: ARG001 - it needs nothing
    return StaticFiles(path.directory)


def _dashboard(path: DashboardPath, ground: Ground) -> Resource:
    from wampd.router.http.dashboard.page import Dashboard

    return Dashboard(
        {
            "title": path.title,
            "realm": path.realm,
            "websocket": connected_to(path, site_of_dashboard(path, ground.listener)),
            "methods": methods_of(path, ground.means.settings),
        }
    )


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


def _proxy(path: ProxyPath, ground: Ground) -> Resource:
    from wampd.router.wiring.proxies import proxy_of

    return proxy_of(path, ground.means)


MAKERS: Final[Mapping[type[Served], Callable[[Any, Ground], Resource]]] = {
    DashboardPath: _dashboard,
    LongPollPath: _long_poll,
    ProxyPath: _proxy,
    StaticPath: _static,
}
"""What makes each kind; a test sees that none is missing. What is heavy is imported where it is made."""
