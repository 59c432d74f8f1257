"""What types cannot say of cookies: rules between paths, TLS, origins and realms."""

from collections.abc import Iterator, Mapping
from itertools import chain

from wampd.router.headers import is_token

from .checker import Here, Rule
from .http import LongPollPath
from .http.access import PathAccess
from .http.served import Served
from .listeners import Listener, WampPath, http_paths, websocket_paths
from .model import Settings
from .paths import PathCookie
from .problems import KeyPath, quote


def _cookie(cookie: PathCookie, here: Here) -> None:
    if not is_token(cookie.name):  # RFC 6265, section 4.1.1
        here.problem(f"{quote(cookie.name)} cannot be the name of a cookie: letters, digits, -, _ and . can", "name")
    elif cookie.name.lower().startswith(("__host-", "__secure-")):
        here.problem("the prefix is put before the name by itself, where the cookie is Secure", "name")


def _paths(listener: Listener) -> Iterator[tuple[KeyPath, WampPath | LongPollPath | PathAccess]]:
    """What gives cookies of a listener, and where it is."""
    for where, what in chain(websocket_paths(listener), http_paths(listener)):
        if isinstance(what, WampPath | LongPollPath) and what.cookie is not None:
            yield where, what
        if isinstance(what, Served) and what.access is not None and what.access.cookie is not None:
            yield (*where, "access"), what.access


def cookies_of_listener(listener: Listener, here: Here) -> None:
    """See that a cookie is sent by no page but those that may, and that browsers take it at all."""
    for where, path in _paths(listener):
        cookie = path.cookie
        assert cookie is not None
        for index, origin in here.each(path.origins, *where, "origins"):
            if origin == "*":
                here.problem(
                    "a path with a cookie names its origins: any page could connect as who visits it",
                    *where,
                    "origins",
                    index,
                )
        secure = cookie.secure == "always" or (cookie.secure == "auto" and listener.tls is not None)
        if (
            cookie.same_site == "none"
            and not secure
            and here.is_sound("tls")
            and here.is_sound(*where, "cookie", "secure")
        ):
            here.problem(
                "browsers take such a cookie only if it is Secure: add TLS, or secure: always",
                *where,
                "cookie",
                "same_site",
            )


def cookies_of_settings(settings: Settings, here: Here) -> None:
    """See that cookies that are given can be used, and the other way round."""
    given = [
        ("listeners", index, *where, "cookie")
        for index, listener in here.each(settings.listeners, "listeners")
        for where, _ in _paths(listener)
    ]
    used = [
        ("realms", index, "auth", "cookie")
        for index, realm in here.each(settings.realms, "realms")
        if realm.auth.cookie is not None
    ]
    if not given and here.is_sound("listeners"):
        for where in used:
            here.problem("no browser has one: no WebSocket or long-poll path has the key cookie", *where)
    if not used and here.is_sound("realms"):
        for place in given:
            here.problem("nobody can come back by it: no realm's auth names the method cookie", *place)


COOKIE_RULES: Mapping[type, Rule] = {PathCookie: _cookie}
