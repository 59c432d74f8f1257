"""Rules for the reverse proxy."""

from ipaddress import ip_network

from wampd.router.upstream import Upstream, read_upstream

from .checker import Here, repeated
from .http.proxy import ProxyPath
from .problems import quote, quote_file


def proxy(path: ProxyPath, here: Here) -> None:
    """Check what a proxy says of its backends, and of those before it."""
    urls = [(index, backend.url) for index, backend in here.each(path.backends, "backends")]
    for index, url in urls:
        read = read_upstream(url)
        if not isinstance(read, Upstream):
            here.problem(read, "backends", index, "url")  # without the URL: there may be a password in it
    for index, url in repeated(urls):
        here.problem(f"{quote(url)} is here twice; weight gives it more requests", "backends", index, "url")
    for index, network in here.each(path.trusted_proxies, "trusted_proxies"):
        try:
            ip_network(network)
        except ValueError:
            message = f"{quote(network)} is not an address or a network; write it like 10.0.0.0/8 or 2001:db8::1"
            here.problem(message, "trusted_proxies", index)
    if path.health is not None and not (path.health.path.startswith("/") and _is_target(path.health.path)):
        here.problem("a path begins with /, and has only ASCII in it, percent-encoded", "health", "path")
    _authorities(path, here)


def _authorities(path: ProxyPath, here: Here) -> None:
    if path.authorities is None:
        return
    if not any(backend.url.startswith("https:") for backend in path.backends):
        here.problem("no backend is reached by https", "authorities")
        return
    try:
        found = b"-----BEGIN CERTIFICATE-----" in path.authorities.read_bytes()
    except OSError as why:
        here.problem(f"cannot read {quote_file(path.authorities)}: {why.strerror}", "authorities")
        return
    if not found:
        here.problem(f"there is no certificate in {quote_file(path.authorities)}", "authorities")


def _is_target(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text and "#" not in text
