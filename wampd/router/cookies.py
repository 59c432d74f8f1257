"""Cookies on the wire: what a request shows, and what its answer sets.

Rules
-----
* A value is 192 random bits; what leaves this module is its digest.
* Headers are read strictly: a cookie counts if its name is the very name, its value can be one of ours, and there is only
  one. Two different ones were not both set here; which of them a browser sends first says nothing (RFC 6265, section 4.2.2).
* ``HttpOnly`` and ``Path=/`` always, so that one cookie serves every path of the host; ``Secure`` where there is TLS, and
  then the name gets the prefix ``__Host-``: no other host and no page without TLS can set such a one. Behind proxies that is
  decided for each request: one that came by TLS is given and shows such a cookie, and no other.
* Whether a page of this origin may come is decided before (`wampd.router.origins`). Programs, which send no ``Origin``, may
  show cookies: no page makes them do so, and browsers always send one.

Sources: RFC 6265; RFC 6265bis, section 4.1.3 (prefixes).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from wampd.auth.jar import Jar, Visit

SIZE: Final = 24
"""Random bytes of a value."""
HOST: Final = "__Host-"
_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{32}")


class Attributes(Struct, frozen=True):
    """What a path's cookies are like."""

    name: str = "wampd"
    max_age: float = 30 * 86_400.0
    """Seconds that a browser keeps it without a connection."""
    same_site: str = "strict"
    secure: bool = False


class Cookies:
    """The cookies of one path."""

    def __init__(
        self,
        jar: Jar,
        attributes: Attributes,
        draw: Callable[[], str] = lambda: secrets.token_urlsafe(SIZE),
        *,
        by_tls: Cookies | None = None,
    ) -> None:
        """``draw`` draws a value. ``by_tls``: the cookies of those who came to a proxy by TLS, if they have others."""
        self.secure = attributes.secure
        """Whether browsers send them over TLS alone."""
        self._by_tls = by_tls
        self._jar = jar
        self._draw = draw
        self.name = HOST + attributes.name if attributes.secure else attributes.name
        self._tail = "; ".join(
            [
                "",
                "Path=/",
                f"Max-Age={round(attributes.max_age)}",
                "HttpOnly",
                f"SameSite={attributes.same_site.capitalize()}",
                *(["Secure"] if attributes.secure else []),
            ]
        )

    def __repr__(self) -> str:
        return f"<Cookies {self.name}>"

    def over(self, secure: bool) -> Cookies:
        """The cookies for a request; ``secure``: it came by TLS."""
        return self._by_tls if secure and self._by_tls is not None else self

    def visit(self, headers: Sequence[str]) -> tuple[str, Visit]:
        """Take the ``Cookie`` headers of a request; return the value of the answer's ``Set-Cookie``, and what they meant."""
        value = self._draw()
        visit = self._jar.visit(self.shown(headers), digest_of(value))
        return f"{self.name}={value}{self._tail}", visit

    def shown(self, headers: Sequence[str]) -> bytes | None:
        """The digest of the value that these headers show."""
        shown = shown_in(headers, self.name)
        return None if shown is None else digest_of(shown)


def shown_in(headers: Sequence[str], name: str) -> str | None:
    """The one value that requests with these ``Cookie`` headers show under a name."""
    values = set()
    for header in headers:
        for pair in header.split(";"):
            found, _, value = pair.strip(" \t").partition("=")
            if found == name and _VALUE.fullmatch(value):
                values.add(value)
    return values.pop() if len(values) == 1 else None


def digest_of(value: str) -> bytes:
    """What is kept of a value."""
    return hashlib.sha256(value.encode("ascii")).digest()
