"""The reverse proxy as something that is served under a path.

Rules
-----
* A request that asks for WebSocket is passed on as that, if the path allows it and the page may come here (`origins`); any
  other wish for another protocol is left out, as a server may (RFC 9110, section 7.8).
* CONNECT and TRACE are for nobody: the one is a tunnel to anywhere, the other shows what only backends are told.
* What a client has shown to come in here is not for backends: who has it can come in, too.
* What is said of the client in headers is passed on if the one at the other end of the connection is among the trusted; then it
  is that one's address that is added. Otherwise backends are told of the client alone, as the listener knows it.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from wampd.router.forwarded import Trusted
from wampd.router.http.answer import say
from wampd.router.http.body import Intake
from wampd.router.http.proxy.exchange import Exchange, Ways
from wampd.router.http.proxy.heads import VIA, Asked, Withheld, leads_upwards, tokens
from wampd.router.http.request import address_of
from wampd.router.origins import origin_allowed

NEVER: Final = frozenset({b"CONNECT", b"TRACE"})
WEBSOCKET: Final = b"websocket"
MOST_TIMES: Final = 8
"""That a request may have come by wampd; a proxy whose backend is itself must not take all connections there are."""


class Rights(Struct, frozen=True):
    """Who may do what."""

    trusted: Trusted = Trusted()
    """The proxies that are believed."""
    websocket: bool = True
    origins: tuple[str, ...] = ("same-host",)
    body_size: int | None = None
    """Most bytes of a request's body; `None`: as many as the listener allows."""
    withheld: Withheld | None = None
    """What backends do not see; `None`: they see everything."""


class ReverseProxy(Resource):
    """What others serve."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, ways: Ways, rights: Rights) -> None:
        super().__init__()
        self._ways = ways
        self._rights = rights

    def intake(self, request: Any) -> Intake:  # noqa: ARG002 - whatever it is
        """Bodies are passed on while they come."""
        return Intake(size=self._rights.body_size)

    def render(self, request: Any) -> Any:
        """Pass the request on."""
        if request.method in NEVER:
            return say(request, 405, "that method is not for servers behind this one")
        if leads_upwards(request.uri):
            return say(request, 400, "paths with . or .. in them are not passed on")
        asked = self._asked(request)
        if tokens(asked.values(b"via")).count(VIA) >= MOST_TIMES:
            return say(request, 508, "this request goes in circles")
        if asked.upgrade and not self._may_come(asked):
            return say(request, 403, "pages from there may not connect here")
        Exchange(request, asked, self._ways).start()
        return NOT_DONE_YET

    def _asked(self, request: Any) -> Asked:
        headers = [(name, value) for name, values in request.requestHeaders.getAllRawHeaders() for value in values]
        connected = request.channel.client
        trusted = connected in self._rights.trusted
        asked = Asked(
            method=request.method,
            target=request.uri,
            prefix=b"".join(b"/" + quote(segment, safe="").encode() for segment in request.prepath),
            headers=headers,
            address=connected if trusted else address_of(request),
            secure=request.channel.isSecure() if trusted else request.isSecure(),
            trusted=trusted,
            length=request.body.length,
            withheld=self._rights.withheld,
        )
        modern = request.clientproto == b"HTTP/1.1"
        upgrade = WEBSOCKET if modern and self._rights.websocket and _asks_for_websocket(asked) else b""
        expects = modern and asked.length != 0 and tokens(asked.values(b"expect")) == [b"100-continue"]
        return replace(asked, upgrade=upgrade, expects=expects)

    def _may_come(self, asked: Asked) -> bool:
        origins, hosts = ([each.decode("latin-1") for each in asked.values(name)] for name in (b"origin", b"host"))
        return origin_allowed(origins, hosts, self._rights.origins)


def _asks_for_websocket(asked: Asked) -> bool:
    return (
        asked.method == b"GET"
        and asked.length == 0
        and tokens(asked.values(b"upgrade")) == [WEBSOCKET]
        and b"upgrade" in tokens(asked.values(b"connection"))
    )
