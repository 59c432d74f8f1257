"""Who the client is whom a proxy speaks for: what requests say in ``Forwarded`` or ``X-Forwarded-For``. No I/O.

Rules
-----
* Headers count only of a connection that comes from a proxy that is trusted, and only the one header that the proxies are known
  to write: a proxy that writes one lets the other through as the client sent it.
* They are read from the right, where each proxy adds whom it has seen: the client is the first address that is not a trusted
  proxy's; if all are, the one farthest left. What stands left of the client is what the client says, and is not looked at, not
  even whether it is well-formed.
* Where a proxy says that it does not know (``unknown``), hides it (``_name``), or writes what is no address, nothing is known
  beyond; nor beyond `MOST_HOPS`.
* The protocol (``proto``, ``X-Forwarded-Proto``) is that by which the client came to the proxy that tells of it. If proxies
  disagree in ``X-Forwarded-Proto`` it is not ``https``: with more values than one, nobody knows who wrote which.
* An address is written in one way: an IPv4 address that is mapped into IPv6 is that IPv4 address; a zone (``%eth0``) is none.

Sources: RFC 7239 (Forwarded), sections 4 to 6 and 8.1; RFC 9110, section 5.6.1 (lists);
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import islice
from typing import Final, Literal

from msgspec import Struct

from wampd.auth.addresses import address_of

Networks = Sequence[IPv4Network | IPv6Network]
Values = Callable[[str], Sequence[str]]
"""Gives all values of a header, in their order."""

UNIX: Final = "unix"
"""What stands for the address of who comes by a Unix socket."""
MOST_HOPS: Final = 16
"""Proxies, one behind the other, that are listened to."""
LONGEST: Final = 64
"""The most characters of an address with its port."""
_PORT: Final = re.compile(r":([0-9]{1,5}|_[A-Za-z0-9._-]+)")  # RFC 7239, section 6
_VALUE: Final = r"""(?:[!#$%&'*+.^_`|~0-9A-Za-z:\[\]-]+|"(?:[^"\\]|\\.)*")"""
"""Of a parameter. Colons and brackets are allowed outside quotes, too, as many write them so."""
_PAIR: Final = re.compile(rf"([A-Za-z0-9-]+)=({_VALUE})")
_ELEMENT: Final = re.compile(rf"[ \t]*{_PAIR.pattern}(?:[ \t]*;[ \t]*{_PAIR.pattern})*[ \t]*;?[ \t]*", re.DOTALL)
_COMMAS: Final = 8
"""Commas that are tried for the beginning of an element; between quotes they begin none."""
_HEADER: Final = re.compile(rb"\r\n([A-Za-z-]+):[ \t]*([^\r\n]*)")


class Client(Struct, frozen=True):
    """Whom a proxy speaks for."""

    host: str
    """An IP address."""
    port: int = 0
    """0: nobody has said."""
    secure: bool | None = None
    """Whether the client came to the proxy by TLS; `None`: nobody has said."""


class Trusted:
    """The addresses of proxies that are believed."""

    def __init__(self, addresses: Sequence[str] = ()) -> None:
        """``addresses`` are IP addresses and networks, and ``unix``. Raise `ValueError`."""
        self._unix = UNIX in addresses
        self._networks: Networks = tuple(ip_network(each) for each in addresses if each != UNIX)

    def __contains__(self, address: object) -> bool:
        """Whether who has this address is believed."""
        if address == UNIX:
            return self._unix
        known = address_of(str(address))  # mapped at a socket for both
        return known is not None and any(known in network for network in self._networks)


class Proxies:
    """The proxies before a listener, and what of their headers is believed."""

    def __init__(self, trusted: Trusted, header: Literal["forwarded", "x-forwarded-for"]) -> None:
        """``header``: where they tell of their clients."""
        self.trusted = trusted
        self._hops = _hops_forwarded if header == "forwarded" else _hops_listed

    def client(self, address: str, values: Values) -> Client | None:
        """Who has sent a request with these headers on a connection from ``address``; `None`: whoever has that."""
        if address not in self.trusted:
            return None
        found = None
        for hop in islice(self._hops(values), MOST_HOPS):
            if hop is None:
                break
            found = hop
            if hop.host not in self.trusted:
                break
        return found

    def client_in(self, address: str, head: bytes) -> Client | None:
        """The same, of a request by its head as it came."""
        return self.client(address, values_in(head)) if address in self.trusted else None


def values_in(head: bytes) -> Values:
    """The headers of a request, from its head as it came."""

    def values(name: str) -> list[str]:
        wanted = name.encode()
        return [value.decode("latin-1").strip(" \t") for each, value in _HEADER.findall(head) if each.lower() == wanted]

    return values


def address_in(text: str, secure: bool | None = None) -> Client | None:
    """The address that is written here, maybe with its port: ``192.0.2.1:80``, ``2001:db8::1``, ``[2001:db8::1]:80``."""
    if len(text) > LONGEST:
        return None
    host, port = text, ""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or ":" not in host:
            return None
    elif text.count(":") == 1:
        host, port = text[: (colon := text.index(":"))], text[colon:]
    found = _PORT.fullmatch(port)
    if (port and found is None) or (known := plain(host)) is None:
        return None
    number = int(found[1]) if found is not None and found[1].isdigit() else 0
    return Client(known, number if number < 2**16 else 0, secure)


def plain(host: str) -> str | None:
    """An IP address as it is written here; `None`: it is none."""
    if "%" in host:  # a zone, which may be any text, means something on one machine alone (RFC 4007, section 11.2)
        return None
    known = address_of(host)
    return None if known is None else str(known)


# ------------------------------------------------------------------------------------- hops, the nearest one first


def _hops_listed(values: Values) -> Iterator[Client | None]:
    """By ``X-Forwarded-For``."""
    said = {each.strip(" \t").lower() for value in values("x-forwarded-proto") for each in value.split(",")}
    secure = said == {"https"} if said else None
    # Beyond that many commas nothing is looked at; empty elements count for nothing (RFC 9110, section 5.6.1).
    listed = ",".join(values("x-forwarded-for")).rsplit(",", 2 * MOST_HOPS)
    for each in reversed(listed):
        if text := each.strip(" \t"):
            yield address_in(text, secure)


def _hops_forwarded(values: Values) -> Iterator[Client | None]:
    """By ``Forwarded``, element by element: what clients have left open must not swallow what proxies add."""
    rest: str | None = ",".join(values("forwarded"))
    while rest is not None and rest.strip(" \t,"):
        element, rest = _last_element(rest)
        if element != {}:
            yield None if element is None else _hop(element)


def _last_element(text: str) -> tuple[dict[str, str] | None, str | None]:
    """The last element, `None` if that is malformed, and what stands before it, if anything."""
    comma = len(text)
    for _ in range(_COMMAS):
        comma = text.rfind(",", 0, comma)
        last = text[comma + 1 :]
        rest = text[:comma] if comma >= 0 else None
        if not last.strip(" \t"):
            return {}, rest
        if _ELEMENT.fullmatch(last):
            pairs = [(name.lower(), value) for name, value in _PAIR.findall(last)]
            return (dict(pairs) if len(dict(pairs)) == len(pairs) else None), rest
        if rest is None:
            break
    return None, None


def _hop(element: dict[str, str]) -> Client | None:
    proto = _unquoted(element.get("proto", "")).lower()
    return address_in(_unquoted(element.get("for", "")), proto == "https" if proto else None)


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL) if value.startswith('"') else value
