"""Rules for the reverse proxy, and for proxies before a listener."""

from collections.abc import Mapping
from ipaddress import ip_network

from wampd.router.upstream import Upstream, read_upstream

from .checker import Here, Rule, repeated
from .endpoints import SYSTEMD, place_of
from .http.proxy import ProxyPath
from .listeners import Listener, sites
from .problems import quote, quote_file
from .proxies import UNIX, Proxies


def proxy(path: ProxyPath, here: Here) -> None:
    """Check what a proxy says of its backends, and of those before it."""
    urls = [(index, backend.url) for index, backend in here.each(path.backends, "backends")]
    for index, url in urls:
        read = read_upstream(url)
        if not isinstance(read, Upstream):
            here.problem(read, "backends", index, "url")  # without the URL: there may be a password in it
    for index, url in repeated(urls):
        here.problem(f"{quote(url)} is here twice; weight gives it more requests", "backends", index, "url")
    _networks(path.trusted_proxies, here, "trusted_proxies")
    if path.health is not None and not (path.health.path.startswith("/") and _is_target(path.health.path)):
        here.problem("a path begins with /, and has only ASCII in it, percent-encoded", "health", "path")
    _authorities(path, here)


def _networks(addresses: tuple[str, ...], here: Here, key: str, *, others: tuple[str, ...] = ()) -> None:
    for index, address in here.each(addresses, key):
        if address in others:
            continue
        try:
            ip_network(address)
        except ValueError:
            message = f"{quote(address)} is not an address or a network; write it like 10.0.0.0/8 or 2001:db8::1"
            here.problem(message, key, index)


def _proxies(proxies: Proxies, here: Here) -> None:
    _networks(proxies.trusted, here, "trusted", others=(UNIX,))


def proxies_of_listener(listener: Listener, here: Here) -> None:
    """See that what proxies say can be heard here, and that there may be such proxies."""
    proxies = listener.proxies
    if proxies is None or not here.is_sound("proxies"):
        return
    heard = proxies.header == "proxy-protocol" or any(site.websocket or site.http for _, site in sites(listener))
    if not heard and here.is_sound():
        here.problem("RawSocket has no headers: that takes header: proxy-protocol", "proxies", "header")
    kind = place_of(listener.endpoint)[0] if here.is_sound("endpoint") else SYSTEMD
    if kind == "unix" and UNIX not in proxies.trusted:
        here.problem('who connects to a Unix socket has no address: name "unix"', "proxies", "trusted")
    elif kind == "tcp" and set(proxies.trusted) == {UNIX}:
        here.problem('this is no Unix socket, so nobody who connects is "unix": name addresses', "proxies", "trusted")


PROXY_RULES: Mapping[type, Rule] = {Proxies: _proxies}


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
