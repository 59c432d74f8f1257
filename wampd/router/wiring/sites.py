"""The web sites of listeners: from what is configured under HTTP paths to what serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, structs
from twisted.logger import Logger
from twisted.web.resource import Resource

from wampd.router.ends import Ends
from wampd.router.http.access.guarded import Guarded
from wampd.router.http.access.logins import Logins
from wampd.router.http.hosts import Fits
from wampd.router.http.lasting import Lasting
from wampd.router.http.longpoll import LongPollResource
from wampd.router.http.policy import Cors, Policy
from wampd.router.http.site import BoundedSite
from wampd.router.http.static.resource import StaticFiles, caching
from wampd.router.http.tree import root_of
from wampd.router.reception import Reception
from wampd.router.settings.dashboard_rules import connected_to, methods_of, site_of_dashboard
from wampd.router.settings.http import (
    CallPath,
    DashboardPath,
    EventsPath,
    HealthPath,
    HookPath,
    JsonPath,
    LongPollPath,
    MetricsPath,
    OpenApiPath,
    PagePath,
    ProxyPath,
    PublishPath,
    RedirectPath,
    ResourcePath,
    StaticPath,
    UploadPath,
    WebhookPath,
    WsgiPath,
)
from wampd.router.settings.http.served import Cors as CorsSettings
from wampd.router.settings.http.served import Served
from wampd.router.settings.listeners import Listener
from wampd.router.settings.policy import AccessLog as AccessLogSettings
from wampd.router.settings.policy import Hsts
from wampd.router.settings.realms import Realm
from wampd.router.transports.longpoll import LongPoll, LongPollPort
from wampd.router.wiring.accesses import logins_of
from wampd.router.wiring.means import Means, cookies_of, pace_of
from wampd.router.wiring.shelves import Shelf

if TYPE_CHECKING:
    from wampd.router.forwarded import Proxies
    from wampd.router.http.introduced import Introduced

log = Logger()


ACCESS_LOG: Final = ("", "access log")
"""Where the access log stands on the shelf; no path is called so."""


class Ground(Struct, frozen=True):
    """Where a site stands."""

    means: Means
    listener: Listener
    reception: Reception
    logins: Logins | None = None
    """Those who may come to the path; `None`: everybody may."""


def site_of(
    listener: Listener,
    reception: Reception,
    means: Means,
    shelf: Shelf,
    fits: Fits | None = None,
    proxies: Proxies | None = None,
) -> BoundedSite:
    """The site of one listener: a Twisted factory. ``fits``: see `Fits`, where hosts have certificates of their own.

    ``proxies`` say in requests who the client is.

    What the ``shelf`` has already is not made anew.
    """
    ground = Ground(means, listener, reception)
    strict = () if listener.hsts is None else ((b"Strict-Transport-Security", hsts(listener.hsts)),)
    hosts = {name: _tree(name, host.http, ground, shelf) for name, host in listener.hosts.items()}
    return BoundedSite(
        root_of(_tree("", listener.http, ground, shelf), hosts, fits),
        head_size=listener.limits.header_size,
        header_lines=listener.limits.header_lines,
        body_size=listener.limits.message_size,
        headers=() if listener.tls is None else strict,
        headers_by_tls=strict if listener.tls is None else (),
        introduced=None if proxies is None else _introduced(proxies, reception),
        access_log=shelf.serve(ACCESS_LOG, listener.access_log, partial(_access_log, listener.access_log)),
        is_watched=means.watching.debugs("http"),
        strike=means.realms.tally.strike,
    )


def _introduced(proxies: Proxies, reception: Reception) -> Introduced:
    from wampd.router.http.introduced import Introduced  # only where there are proxies

    return Introduced(proxies, reception)


def _tree(host: str, paths: Mapping[str, Served], ground: Ground, shelf: Shelf) -> dict[str, Resource]:
    def make(what: Served, ends: Ends) -> Resource:
        return served_by(what, structs.replace(ground, means=structs.replace(ground.means, ends=ends)))

    return {
        path: shelf.serve((host, path), (what, basis_of(what, ground)), partial(make, what))
        for path, what in paths.items()
    }


def basis_of(what: Served, ground: Ground) -> Any:
    """What of the configuration beside its own settings matters to a path."""
    listener, settings = ground.listener, ground.means.settings
    by_tls = listener.tls is None, listener.proxies is None
    basis: list[Any] = [listener.limits, by_tls, settings.outgoing, ground.means.realms.returning]
    if isinstance(what, DashboardPath):
        basis.append((listener.websocket, listener.hosts, [(realm.name, realm.auth) for realm in settings.realms]))
    if isinstance(what, MetricsPath):
        basis.append([realm.name for realm in settings.realms])
    named = {getattr(part, "realm", None) for part in (what, what.access, getattr(what, "events", None))}
    realms = [realm for realm in settings.realms if realm.name in named and realm.match == "exact"]
    return basis + [_rights(realm, proved=what.access is not None) for realm in realms]


def _rights(realm: Realm, *, proved: bool) -> Any:
    """What of a realm is looked at when a path is made; what its roles may do is asked when somebody comes.

    Where it has to be ``proved`` who comes, nobody is believed any more who has proved it before.
    """
    roles = [(role.name, role.privileged, role.limits) for role in realm.roles]
    return realm.name, realm.auth if proved else None, realm.limits, realm.hooks, roles


def served_by(what: Served, ground: Ground) -> Resource:
    """What serves a path that is configured so."""
    logins = logins_of(what, ground)
    served = MAKERS[type(what)](what, ground if logins is None else structs.replace(ground, logins=logins))
    if isinstance(what, ProxyPath | UploadPath | WsgiPath):
        served = Lasting(served, ground.reception.lobby)
    if logins is not None:
        served = Guarded(served, logins)
    if what.cors is None and not what.headers:
        return served
    return Policy(served, cors=None if what.cors is None else _cors(what.cors), headers=what.headers)


def _cors(settings: CorsSettings) -> Cors:
    return Cors(
        origins=settings.origins,
        methods=settings.methods,
        headers=settings.headers,
        expose=settings.expose,
        credentials=settings.credentials,
        max_age=settings.max_age,
    )


def hsts(settings: Hsts) -> bytes:
    """The value of ``Strict-Transport-Security`` (RFC 6797, section 6.1)."""
    more = "; includeSubDomains" if settings.subdomains else ""
    return f"max-age={settings.max_age:.0f}{more}{'; preload' if settings.preload else ''}".encode()


def _access_log(settings: AccessLogSettings | None, ends: Ends) -> Callable[[Any], None] | None:
    if settings is None:
        return None
    from wampd.router.http.accesslog import FORMATS, AccessLog

    if settings.file is None:
        return AccessLog(
            FORMATS[settings.format], lambda line: log.info("{request}", request=line.decode().rstrip(), log_every=True)
        )
    from wampd.router.observe.logfile import LogFile

    file = LogFile(settings.file)
    ends.add(file.close, "after")
    return AccessLog(FORMATS[settings.format], file.write)


def _static(path: StaticPath, ground: Ground) -> Resource:
    return StaticFiles(
        path.directory,
        index=path.index,
        fallback=path.fallback,
        fallback_for_files=path.fallback_for_files,
        not_found=path.not_found,
        listing=path.listing,
        precompressed=path.precompressed,
        cache=caching(path.cache.max_age, path.cache.immutable, private=ground.logins is not None),
    )


def _redirect(path: RedirectPath, ground: Ground) -> Resource:  # noqa: ARG001
    from wampd.router.http.redirect import Redirect

    return Redirect(path.to, int(path.status), keep_path=path.keep_path, keep_query=path.keep_query)


def _json(path: JsonPath, ground: Ground) -> Resource:
    from wampd.router.http.json_value import JsonValue

    private = ground.logins is not None
    return JsonValue(path.value, pretty=path.pretty, max_age=path.max_age, private=private)


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


def _pages(path: PagePath, ground: Ground) -> Resource:
    from wampd.router.wiring.pages import pages_of

    return pages_of(path, ground)


def _events(path: EventsPath, ground: Ground) -> Resource:
    from wampd.router.wiring.streams import events_of

    return events_of(path, ground)


def _hook(path: HookPath, ground: Ground) -> Resource:
    from wampd.router.wiring.hooks import posts_of

    return posts_of(path, ground)


def _openapi(path: OpenApiPath, ground: Ground) -> Resource:
    from wampd.router.wiring.descriptions import openapi_of

    return openapi_of(path, ground)


def _metrics(path: MetricsPath, ground: Ground) -> Resource:  # noqa: ARG001 - it has no settings
    from wampd.router.http.metrics import MetricsResource

    return MetricsResource(ground.means.watching.metrics(ground.means.settings, ground.means.store))


def _health(path: HealthPath, ground: Ground) -> Resource:  # noqa: ARG001 - it has no settings
    from wampd.router.http.health import HealthResource

    return HealthResource(ground.means.readiness.look)


def _publish(path: PublishPath, ground: Ground) -> Resource:
    from wampd.router.wiring.bridges import publish_of

    return publish_of(path, ground)


def _webhook(path: WebhookPath, ground: Ground) -> Resource:
    from wampd.router.wiring.webhooks_in import webhook_of

    return webhook_of(path, ground)


def _call(path: CallPath, ground: Ground) -> Resource:
    from wampd.router.wiring.bridges import call_of

    return call_of(path, ground)


def _upload(path: UploadPath, ground: Ground) -> Resource:
    from wampd.router.wiring.uploads import upload_of

    return upload_of(path, ground.means)


def _wsgi(path: WsgiPath, ground: Ground) -> Resource:
    from wampd.router.wiring.python import wsgi_of

    return wsgi_of(path, ground.means)


def _resource(path: ResourcePath, ground: Ground) -> Resource:  # noqa: ARG001 - what it needs are its arguments
    from wampd.router.wiring.python import resource_of

    return resource_of(path)


MAKERS: Final[Mapping[type[Served], Callable[[Any, Ground], Resource]]] = {
    CallPath: _call,
    JsonPath: _json,
    HealthPath: _health,
    DashboardPath: _dashboard,
    EventsPath: _events,
    HookPath: _hook,
    LongPollPath: _long_poll,
    MetricsPath: _metrics,
    OpenApiPath: _openapi,
    PagePath: _pages,
    ProxyPath: _proxy,
    PublishPath: _publish,
    RedirectPath: _redirect,
    ResourcePath: _resource,
    StaticPath: _static,
    UploadPath: _upload,
    WebhookPath: _webhook,
    WsgiPath: _wsgi,
}
"""What makes each kind; a test sees that none is missing. What is heavy is imported where it is made."""
