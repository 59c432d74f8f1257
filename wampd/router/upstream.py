"""Where a backend of the reverse proxy is: what its URL says.

Rules
-----
* ``http://HOST[:PORT][/BASE]``, ``https://…``, or ``unix:/PATH`` of a socket. No user, query or fragment.
* The path of a request is put after BASE.

Sources: RFC 3986 (URIs), RFC 9110, section 4.2 (http and https).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-zA-Z0-9_.-]+|[0-9a-fA-F:.]+")
_BASE: Final = re.compile(r"(/[\x21\x24-\x3b\x3d\x40-\x5b\x5d-\x7e]*)?")


class Upstream(Struct, frozen=True):
    """Where a backend is."""

    scheme: str
    """``http``, ``https`` or ``unix``."""
    host: str
    port: int
    socket: str = ""
    """The path of a Unix socket."""
    base: bytes = b""
    """What comes before every path, without a slash at its end."""
    itself: bytes = b"/"
    """The path of its URL: with a slash at its end, if it is written so."""

    @property
    def authority(self) -> bytes:
        """The backend's own ``Host``."""
        if self.scheme == "unix":
            return b"localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == PORTS[self.scheme] else f"{host}:{self.port}").encode()

    @property
    def name(self) -> str:
        """What the log calls it."""
        return f"unix:{self.socket}" if self.scheme == "unix" else f"{self.scheme}://{self.authority.decode()}"


def read_upstream(url: str) -> Upstream | str:
    """What a URL says, or what is wrong with it."""
    if url.startswith("unix:"):
        path = url.removeprefix("unix:")
        return Upstream("unix", "", 0, path) if path.startswith("/") else "a Unix socket is written unix:/path"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "not a URL"
    if parts.scheme not in PORTS:
        return "a backend is written http://host:port, https://host:port or unix:/path"
    if parts.username is not None or parts.query or parts.fragment or "?" in url or "#" in url:
        return "the URL of a backend has no user, no query and no fragment"
    if not parts.hostname or not _HOST.fullmatch(parts.hostname) or port == 0:
        return "there is no host in this URL that could be one"
    if not _BASE.fullmatch(parts.path):
        return "the path of this URL has octets in it that need percent-encoding"
    itself = (parts.path or "/").encode("ascii")
    return Upstream(parts.scheme, parts.hostname, port or PORTS[parts.scheme], base=itself.rstrip(b"/"), itself=itself)
