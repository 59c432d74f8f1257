"""The page of the dashboard: built files that are shipped with the router, and what the page must know to begin.

Rules
-----
* The page is a WAMP client and has no way of its own into the router. All that is told here, to anybody who asks, is where to
  connect, to which realm, and by which methods.
* It runs no script and shows no style but its own: no inline script, nothing from other hosts, no text that becomes markup
  (Content Security Policy Level 3, with Trusted Types), and no other page may frame it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from twisted.web.resource import Resource

from wampd.router.http.body import no_body
from wampd.router.http.json_value import JsonValue
from wampd.router.http.static.resource import StaticFiles, caching

ASSETS: Final = Path(__file__).parent / "assets"
"""What the sources in ``dashboard/`` of the repository are built to."""
HASHED: Final = ("*-*.js", "*-*.css", "*-*.svg")
"""Files whose names change with what is in them, so that browsers may keep them for ever."""
SETTINGS: Final = b"settings.json"
_HOST: Final = re.compile(rb"[A-Za-z0-9._-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")
POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'%b; base-uri 'none';"
    b" form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""With room for what else the page may connect to."""
HEADERS: Final[Mapping[bytes, bytes]] = {
    b"Cross-Origin-Opener-Policy": b"same-origin",
    b"Cross-Origin-Resource-Policy": b"same-origin",
    b"Referrer-Policy": b"no-referrer",
    b"X-Frame-Options": b"DENY",
}


class Dashboard(Resource):
    """The page, its files, and ``settings.json`` beside them."""

    isLeaf = True  # noqa: N815 - Twisted's name
    intake = no_body

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """``settings`` is what the page gets to know."""
        super().__init__()
        self._settings = JsonValue(settings)
        self._files = StaticFiles(ASSETS, cache=caching(0, HASHED))

    def render(self, request: Any) -> Any:
        """Answer with a file, or with the settings."""
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        request.setHeader(b"Content-Security-Policy", POLICY % _sockets(request.getHeader(b"host") or b""))
        if request.postpath == [SETTINGS]:
            request.prepath, request.postpath = [*request.prepath, SETTINGS], []
            return self._settings.render(request)
        return self._files.render(request)


def _sockets(host: bytes) -> bytes:
    """WebSockets of the host that was asked for: not every browser takes them to be of ``'self'``."""
    return b" ws://%b wss://%b" % (host, host) if _HOST.fullmatch(host) else b""
