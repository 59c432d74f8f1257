"""Which web pages may talk to the router: the ``Origin`` of a browser's request (RFC 6454; RFC 6455, section 10.2).

Programs send no ``Origin``, and are let in; a page of this very host is what ``same-host`` means.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

SAME_HOST = "same-host"
ANY = "*"


def origin_allowed(
    origins: Sequence[str], hosts: Sequence[str], allowed: tuple[str, ...], *, secure: bool = False
) -> bool:
    """Whether a request with these ``Origin`` and ``Host`` headers may be served.

    ``allowed`` holds ``same-host``, ``*`` (any), or origins. ``secure``: of this host, only pages that came by TLS; others can
    have been made by anybody on their way.
    """
    if not origins or ANY in allowed:
        return True
    if len(origins) != 1:
        return False
    origin = origins[0].lower()
    return is_named(origin, allowed) or (SAME_HOST in allowed and _is_same_host(origin, hosts, secure=secure))


def is_named(origin: str, allowed: tuple[str, ...]) -> bool:
    """Whether ``allowed`` names this very origin; what stands for others there is no origin."""
    origin = origin.lower()
    return origin in allowed and origin not in (ANY, SAME_HOST)


def _is_same_host(origin: str, hosts: Sequence[str], *, secure: bool) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in (("https",) if secure else ("http", "https")) or not parts.netloc or len(hosts) != 1:
        return False
    return _with_port(parts.netloc, parts.scheme) == _with_port(hosts[0].lower(), parts.scheme)


def _with_port(netloc: str, scheme: str) -> tuple[str, str]:
    """Host and port, the port of the origin's scheme if there is none."""
    host, colon, port = netloc.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = netloc, ""
    return host, port or ("443" if scheme == "https" else "80")
