"""URLs of routers: which transport, where.

=====================================  ==========================================
URL                                    transport
=====================================  ==========================================
``ws://host:port/path``                WebSocket over TCP; port 80 unless said
``wss://host:port/path``               WebSocket over TLS; port 443 unless said
``ws+unix:///run/x.sock:/path``        WebSocket over a Unix socket, then the path
``rs://host:port``, ``tcp://…``        RawSocket over TCP
``rss://host:port``, ``tls://…``       RawSocket over TLS
``rs+unix:///run/x.sock``              RawSocket over a Unix socket
=====================================  ==========================================

Rules
-----
* A URL holds no user and no password: everybody on the machine can read command lines.
* What does not belong into a URL of its kind is an error, not ignored.
"""

from __future__ import annotations

import re
from typing import Final, Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit

from msgspec import Struct

LONGEST_SOCKET_PATH: Final = 107
"""Bytes of the path of a Unix socket, on Linux (unix(7))."""

_SCHEMES: Final = ("ws", "wss", "ws+unix", "rs", "rss", "rs+unix", "tcp", "tls")
_SECURE: Final = frozenset({"wss", "rss", "tls"})
_PORTS: Final = {"ws": 80, "wss": 443}
_PLACE: Final = re.compile(r"[\w.-]+:\d+(/|$)", re.ASCII)
"""Host and port, as people write them for other programs."""
_TARGET: Final = re.compile(r"[!-~]+", re.ASCII)
"""What the line of a request can hold: RFC 9112, section 3.2."""
_KEPT: Final = "".join(map(chr, range(0x21, 0x7F)))


class WrongUrl(ValueError):
    """The text is no URL of a router; `str` of it says why."""


class Url(Struct, frozen=True):
    """Where a router is, and how it is spoken to."""

    text: str
    """As it was given."""
    kind: Literal["websocket", "rawsocket"]
    host: str = ""
    port: int = 0
    socket: str = ""
    """The path of a Unix socket; empty: host and port count."""
    resource: str = "/"
    """What a WebSocket's request asks for: path and query."""
    secure: bool = False

    @property
    def where(self) -> str:
        """The place alone, for messages."""
        if self.socket:
            return self.socket
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_url(text: str) -> Url:
    """What a URL means. Raise `WrongUrl`."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise WrongUrl(f"not a URL: {text!r}: {error}") from None
    scheme = parts.scheme
    if scheme not in _SCHEMES:
        raise WrongUrl(_unknown(scheme, text))
    if parts.username is not None or parts.password is not None:
        raise WrongUrl("a URL holds no user and no password; say who you are with --authid and --secret-file")
    if parts.fragment:
        raise WrongUrl(f"a URL of a router has no fragment: #{parts.fragment}")
    if scheme.endswith("+unix"):
        return _on_unix(text, parts)
    return _on_tcp(text, parts, port)


def _unknown(scheme: str, text: str) -> str:
    if scheme in ("http", "https"):
        return f"{scheme}: is no transport here; write {'ws' if scheme == 'http' else 'wss'}:{text.partition(':')[2]}"
    known = ", ".join(f"{each}:" for each in _SCHEMES)
    hint = f"; did you mean ws://{text}{'' if '/' in text else '/ws'}?" if _PLACE.match(text) else ""
    return f"{text!r} begins with none of {known}{hint}"


def _on_tcp(text: str, parts: SplitResult, port: int | None) -> Url:
    scheme, host = parts.scheme, parts.hostname
    if not host:
        raise WrongUrl(f"{text!r} names no host")
    if port is None:
        port = _PORTS.get(scheme)
    if port is None:
        raise WrongUrl(f"{text!r} names no port, and {scheme}: has none by itself")
    if not port:
        raise WrongUrl(f"{text!r}: nobody listens on port 0")
    if scheme.startswith("ws"):
        return Url(text, "websocket", host, port, resource=_resource(parts.path, parts.query), secure=scheme in _SECURE)
    if parts.path not in ("", "/") or parts.query:
        raise WrongUrl(f"{scheme}: is RawSocket, which has no paths: {parts.path or '?' + parts.query}")
    return Url(text, "rawsocket", host, port, secure=scheme in _SECURE)


def _on_unix(text: str, parts: SplitResult) -> Url:
    scheme = parts.scheme
    if parts.netloc or not parts.path.startswith("/"):
        raise WrongUrl(f"{scheme}: takes an absolute path: {scheme}:///run/router.sock")
    if scheme == "rs+unix":
        if parts.query:
            raise WrongUrl(f"rs+unix: is RawSocket, which has no queries: ?{parts.query}")
        return Url(text, "rawsocket", socket=_socket(parts.path))
    path, _, resource = parts.path.partition(":")
    return Url(text, "websocket", socket=_socket(path), resource=_resource(resource, parts.query))


def _socket(path: str) -> str:
    path = unquote(path)
    if "\0" in path:
        raise WrongUrl("the path of a Unix socket holds no NUL")
    if len(path.encode()) > LONGEST_SOCKET_PATH:
        raise WrongUrl(f"the path of a Unix socket has at most {LONGEST_SOCKET_PATH} bytes: {path}")
    return path


def _resource(path: str, query: str) -> str:
    resource = (path or "/") + (f"?{query}" if query else "")
    if not _TARGET.fullmatch(resource):
        raise WrongUrl(
            f"the path of a URL holds no spaces and no characters beyond ASCII: write {quote(resource, _KEPT)}"
        )
    return resource
