"""What things are called elsewhere: words that people bring along, and what to write here.

Sources: the web services of Crossbar.io's configuration, and of nginx; a word of WAMP where one of HTTP is wanted.
"""

from collections.abc import Mapping
from typing import Final

OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "alias": ("directory",),
    "backend": ("backends",),
    "caller": ("call",),
    "classname": ("class",),
    "dir": ("directory",),
    "file": ("static",),
    "files": ("static",),
    "key": ("keys",),
    "module": ("application",),
    "object": ("application",),
    "paths": ("http",),
    "publisher": ("publish",),
    "reverseproxy": ("proxy",),
    "root": ("directory",),
    "schemadoc": ("openapi",),
    "secret": ("secrets", "keys", "access"),
    "sse": ("events",),
    "target": ("to",),
    "transports": ("listeners",),
    "upstream": ("backends",),
    "url": ("to", "backends"),
    "websocket": ("wamp",),
}
"""By the word in lower case; the first that is known where the word stands is meant."""

_IN_WEBSOCKET: Final = 'WebSocket paths stand under "websocket", beside "http"'
_IN_HTTP: Final = 'what is no WebSocket stands under "http", beside "websocket"'
ADVICE: Final[Mapping[str, str]] = {
    "cgi": "CGI programs run behind a server of their own, and proxy leads to it",
    "echo": _IN_WEBSOCKET,
    "longpoll": _IN_HTTP,
    "nodeinfo": "health tells whether the router is well, dashboard what it does",
    "path": 'paths do not nest: write what is below it beside it, as "/a/b"',
    "static": _IN_HTTP,
    "wamp": _IN_WEBSOCKET,
    "websocket": _IN_WEBSOCKET,
}
"""Kinds of what is served that cannot be written where they stand, and what to do instead."""

_OF_CROSSBAR: Final = "this is a node configuration of Crossbar.io, which wampd import-crossbar translates"
FOREIGN: Final[Mapping[str, str]] = {"controller": _OF_CROSSBAR, "workers": _OF_CROSSBAR}
"""Keys that there are nowhere here, and what they say of the file that they stand in."""
