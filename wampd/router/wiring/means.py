"""What the parts of the composition root are given, and what several of them need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from wampd.auth.used import Used
from wampd.router.control.desk import Desk
from wampd.router.ends import Ends
from wampd.router.inside.insiders import Insiders
from wampd.router.realms import Realms
from wampd.router.settings.listeners import Listener, TransportLimits
from wampd.router.settings.model import Settings
from wampd.router.settings.paths import PathCookie
from wampd.router.transports.connection import Pace
from wampd.router.wheel import Wheel
from wampd.router.wiring.outgoing import Sender
from wampd.router.wiring.readiness import Readiness
from wampd.router.wiring.watching import Watching

if TYPE_CHECKING:
    from wampd.router.cookies import Cookies
    from wampd.router.stores.store import Store


class Means(Struct, frozen=True):
    """What everything is made with."""

    reactor: Any
    settings: Settings
    realms: Realms
    insiders: Insiders
    """How sessions of the router's own come into realms."""
    store: Store | None
    """The database; `None`: none is configured."""
    wheel: Wheel
    sender: Sender
    """Has the client for what is sent to others by HTTP."""
    watching: Watching
    """Has the watch over the router."""
    readiness: Readiness
    """Tells whether the router is ready for work."""
    desk: Desk
    """Where the router is operated, and the tickets of its components."""
    used: Used
    """Signatures of requests that were used, whatever path they came by."""
    ends: Ends
    """What is to be ended with what is being made."""
    began: float
    """When the router was made (Unix time): what was used before is not known."""


def pace_of(limits: TransportLimits) -> Pace:
    """The pace of a listener's connections."""
    return Pace(
        ping_interval=limits.ping_interval,
        ping_timeout=limits.ping_timeout,
        close_timeout=limits.close_timeout,
        send_queue=limits.send_queue,
        send_stall=limits.send_stall,
    )


def cookies_of(cookie: PathCookie | None, listener: Listener, realms: Realms) -> Cookies | None:
    """What gives cookies to the clients of a path."""
    if cookie is None or realms.returning is None:
        return None
    from wampd.router.cookies import Attributes, Cookies  # only where there are any

    secure = cookie.secure == "always" or (cookie.secure == "auto" and listener.tls is not None)
    attributes = Attributes(cookie.name, cookie.max_age, cookie.same_site, secure)
    by_tls = None
    if cookie.secure == "auto" and not secure and listener.proxies is not None:
        by_tls = Cookies(realms.returning.jar, replace(attributes, secure=True))
    return Cookies(realms.returning.jar, attributes, by_tls=by_tls)
