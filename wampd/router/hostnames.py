"""Names of hosts: the ``Host`` of a request, and what is there for which host.

Rules
-----
* A request of HTTP/1.1 has one ``Host``, and that is a name or an address, maybe with a port (RFC 9112, section 3.2); a
  request of HTTP/1.0 may have none.
* Names are compared in lower case, without port and without a dot at the end. ``*.example.com`` stands for all names with one
  label in place of the asterisk, as in certificates (RFC 9525, section 6.3); an exact name goes before that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_HOST: Final = re.compile(
    r"((?![^:]*\.\.)[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?"
)
_IN_HEAD: Final = re.compile(rb"\r\nhost:[ \t]*([^\r\n]*)", re.IGNORECASE)
_ABSOLUTE: Final = re.compile(rb"[A-Z]+ https?://([^/?# \r\n]*)", re.IGNORECASE)


class BadHost(Exception):
    """It does not say which host is asked for; the text says why."""


def host_of(values: Sequence[str], *, may_be_missing: bool = False) -> str:
    """The host that a request with these ``Host`` headers asks for, as it is compared; raise `BadHost`.

    It is empty if there is none, which is allowed only if that ``may_be_missing``.
    """
    if not values and may_be_missing:
        return ""
    if len(values) != 1:
        raise BadHost("a request has one Host header")
    found = _HOST.fullmatch(values[0])
    if found is None:
        raise BadHost("the Host header names no host")
    return found[1].lower().rstrip(".")


def host_in(head: bytes) -> str:
    """The host that the head of a request asks for; empty if that cannot be told.

    A target in absolute form goes before the header (RFC 9112, section 3.2.2).
    """
    absolute = _ABSOLUTE.match(head)
    try:
        if absolute is not None:
            return host_of([absolute[1].decode("latin-1")])
        return host_of([value.strip(b" \t").decode("latin-1") for value in _IN_HEAD.findall(head)])
    except BadHost:
        return ""


class ByHost(Generic[T]):
    """What is there for which host."""

    def __init__(self, named: Mapping[str, T], otherwise: T) -> None:
        """``named`` is by exact name, or by ``*.`` and the rest of one; ``otherwise`` is for all that it does not name."""
        self._named = {name.lower(): what for name, what in named.items()}
        self._otherwise = otherwise

    def find(self, host: str) -> T:
        """What is there for a host as `host_of` gives it."""
        named = self._named
        if not named:
            return self._otherwise
        found = named.get(host)
        if found is None:
            found = named.get("*." + host.partition(".")[2], self._otherwise)
        return found
