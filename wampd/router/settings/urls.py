"""URLs that the router itself fetches something from, on whose word people are let in."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def fault(url: str, *, insecure: bool = False) -> str | None:
    """What is wrong with a URL; `None`: nothing. ``insecure`` allows ``http:`` to other hosts."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "it is not a URL"
    if parts.scheme not in ("https", "http") or not host or not url.isascii() or not url.isprintable() or " " in url:
        return "write it like https://login.example.com/keys"
    if port == 0 or parts.username is not None or parts.password is not None or "#" in url:
        return "it must have neither a name and password, nor a fragment, nor the port 0"
    if parts.scheme == "http" and not insecure and not _is_loopback(host):
        return "over http: anybody on the way could give the keys; use https:, or allow it with insecure: true"
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
