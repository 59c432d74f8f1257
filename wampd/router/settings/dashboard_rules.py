"""What types cannot say of dashboards: where they connect to, which realm they join, and how visitors log in."""

from collections.abc import Iterator
from typing import get_args

from .checker import Here, repeated
from .http import DashboardPath
from .http.dashboard import LoginMethod
from .listeners import Listener, VirtualHost, WampPath, http_paths, sites
from .model import Settings
from .problems import did_you_mean, quote
from .realms import Realm


def site_of_dashboard(path: DashboardPath, listener: Listener) -> Listener | VirtualHost:
    """The site of a listener that this very dashboard is on: the listener's own, or that of a host."""
    return next(site for _, site in sites(listener) if any(what is path for what in site.http.values()))


def connected_to(path: DashboardPath, site: Listener | VirtualHost) -> str | None:
    """The WebSocket path that a dashboard connects to, if there is one for it."""
    found = [name for name, what in site.websocket.items() if isinstance(what, WampPath) and "json" in what.serializers]
    if path.websocket is not None:
        return path.websocket if path.websocket in found else None
    return found[0] if found else None


def methods_of(path: DashboardPath, settings: Settings) -> tuple[str, ...]:
    """The ways to log in that a dashboard offers."""
    if path.methods is not None:
        return path.methods
    realm = _named(path.realm, settings)
    known: tuple[str, ...] = get_args(LoginMethod)
    return tuple(method for method in known if realm is None or _offers(realm, method))


def dashboards_of_listener(listener: Listener, here: Here) -> None:
    """See that there is something to connect to."""
    for where, path in _dashboards(listener):
        site = site_of_dashboard(path, listener)
        if connected_to(path, site) is not None or not here.is_sound(*where[:-2], "websocket"):
            continue
        if path.websocket is None:
            here.problem("the page has nothing to connect to: no WebSocket path here speaks WAMP in JSON", *where)
        else:
            hint = did_you_mean(path.websocket, site.websocket)
            here.problem(
                f"no WebSocket path here speaks WAMP in JSON at {quote(path.websocket)}{hint}", *where, "websocket"
            )


def dashboards_of_settings(settings: Settings, here: Here) -> None:
    """See that the realm is there, and lets in by these methods."""
    if not here.is_sound("realms"):
        return
    for index, listener in here.each(settings.listeners, "listeners"):
        for where, path in _dashboards(listener):
            _realm_of(path, settings, here, "listeners", index, *where)


def _realm_of(path: DashboardPath, settings: Settings, here: Here, *where: str | int) -> None:
    realm = _named(path.realm, settings)
    if realm is None:
        if all(other.match == "exact" for other in settings.realms):  # else it may be of a template
            hint = did_you_mean(path.realm, [other.name for other in settings.realms])
            here.problem(f"there is no realm {quote(path.realm)}{hint}", *where, "realm")
        return
    for position, method in here.each(path.methods or (), *where, "methods"):
        if _is_bound(realm, method):
            message = f"the realm's auth demands a channel binding for {method}, which browsers cannot have"
            here.problem(message, *where, "methods", position)
        elif not _offers(realm, method):
            here.problem(f"the realm's auth does not offer {method}", *where, "methods", position)
    for position, method in repeated(here.each(path.methods or (), *where, "methods")):
        here.problem(f"{method} is here twice", *where, "methods", position)
    if not methods_of(path, settings) and here.is_sound(*where, "methods"):
        here.problem(
            f"nobody can log in: the realm's auth offers none of {', '.join(get_args(LoginMethod))}", *where, "realm"
        )
    if realm.monitor is None and here.is_sound("realms", settings.realms.index(realm)):
        message = f'the realm {quote(realm.name)} has nothing to show; write "monitor: {{}}" in it'
        here.problem(message, *where, "realm")


def _dashboards(listener: Listener) -> Iterator[tuple[tuple[str, ...], DashboardPath]]:
    for where, what in http_paths(listener):
        if isinstance(what, DashboardPath):
            yield where, what


def _named(name: str, settings: Settings) -> Realm | None:
    return next((realm for realm in settings.realms if realm.name == name and realm.match == "exact"), None)


def _offers(realm: Realm, method: str) -> bool:
    """Whether somebody in a browser can come in by a method."""
    return getattr(realm.auth, method) is not None and not _is_bound(realm, method)


def _is_bound(realm: Realm, method: str) -> bool:
    return getattr(getattr(realm.auth, method), "channel_binding", None) == "required"
