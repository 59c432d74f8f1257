"""URLs that the router may be asked to send something to: read once, strictly, and written anew.

Rules
-----
* ``http:`` and ``https:``, a host, maybe a port, a path and a query. No name and password (RFC 3986, section 3.2.1, warns of
  them), no fragment: it is not sent. No whitespace, control characters or backslash, which parsers disagree about.
* A host is a name, or an address as it is usually written. What other programs would take for a number (``2130706433``,
  ``0x7f.1``, ``127.1``, ``0177.0.0.1``) is refused: RFC 3986, section 7.4; "ends in a number" of https://url.spec.whatwg.org.
* Names are made ASCII by IDNA 2008 with the mapping of UTS 46: full stops and letters that only look different become what
  they stand for before anything is compared. A name has no dot at its end.
* What is sent is put together from the parts that were checked, so that no other parser reads the text.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import idna
from msgspec import Struct

from wampd.router.outgoing.addresses import Address
from wampd.router.outgoing.problems import OutgoingError

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
LONGEST: Final = 8000
"""Characters of a URL: what RFC 9110, section 4.1, wants everybody to take."""
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_REFUSED: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")
_KEPT: Final = "!$&'()*+,;=:@/?%-._~[]"
"""What is left as it is in a path and a query."""


class Target(Struct, frozen=True):
    """Where a request goes."""

    scheme: str
    host: str
    """As it is compared and sent: lower case, ASCII; an IPv6 address without brackets."""
    port: int
    path: str
    """With the query."""

    @property
    def address(self) -> Address | None:
        """The address that stands in the place of a name; `None`: there is a name."""
        return as_address(self.host)

    @property
    def origin(self) -> tuple[str, str, int]:
        """RFC 6454, section 4."""
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        """The URL of it, in its one form."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def read_target(url: str) -> Target:
    """What a URL says. Raise `OutgoingError`."""
    if len(url) > LONGEST or _REFUSED.search(url):
        raise _no("it is too long, or holds characters that a URL has not")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _no("it is not a URL") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise _no("write it like https://www.example.com/path")
    if "@" in parts.netloc:
        raise _no("it must not hold a name or password")
    if "#" in url:
        raise _no("it must not have a fragment")
    if port == 0:
        raise _no("it must not have the port 0")
    path = quote(parts.path or "/", safe=_KEPT)
    query = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    host = read_host(f"[{parts.hostname}]" if "[" in parts.netloc else parts.hostname)
    return Target(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], path + query)


def read_host(text: str) -> str:
    """A host as it is compared: a name, or an address (IPv6 in brackets). Raise `OutgoingError`."""
    if text.startswith("["):
        try:
            address = IPv6Address(text[1:-1])
        except AddressValueError:
            raise _no("its host is not an address") from None
        if address.scope_id is not None:
            raise _no("its host has a zone")
        return str(address)
    try:
        name = text if text.isascii() else idna.encode(text, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise _no("its host is not a name") from None
    name = name.lower()
    if _NUMBER.fullmatch(name.rstrip(".").rpartition(".")[2]):
        try:
            return str(IPv4Address(name))
        except AddressValueError:
            raise _no("its host is a number, or an address that is not written as one") from None
    if not _NAME.fullmatch(name):
        raise _no("its host is not a name")
    return name


def as_address(host: str) -> Address | None:
    """The address that a host is; `None`: it is a name."""
    for kind in (IPv4Address, IPv6Address):
        try:
            return kind(host)
        except AddressValueError:
            continue
    return None


def follow(target: Target, location: str) -> Target:
    """Where a redirection leads: RFC 9110, section 10.2.2. Raise `OutgoingError`."""
    try:
        return read_target(urljoin(target.url, location.partition("#")[0]))
    except ValueError:
        raise _no("it is not a URL") from None


def _no(text: str) -> OutgoingError:
    return OutgoingError("url", f"the URL cannot be used: {text}")
