"""Requests of clients whom a proxy speaks for, on connections that are the proxy's.

Rules
-----
* Who sent a request is found out for each anew: proxies send those of many on one connection.
* Where an address may have so many connections, a client behind a proxy may have so many requests under way: one that is served
  counts for it as a connection would, from its head to the end of its answer.
* What has no client in its headers was sent by whoever is at the other end of the connection.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from twisted.internet.address import IPv4Address, IPv6Address

from wampd.router.forwarded import Client, Proxies


class Visitors(Protocol):
    """Where clients are counted."""

    def enters(self, client: str) -> bool:
        """Count a client in whose request is on the connection of a proxy; whether there is room for it."""
        ...

    def leaves(self, client: str) -> None:
        """Count it out."""
        ...


class Introduced:
    """Has proxies introduce the clients of their requests."""

    def __init__(self, proxies: Proxies, visitors: Visitors) -> None:
        self._proxies = proxies
        self._visitors = visitors

    def __call__(self, request: Any) -> bool:
        """Find out who sent a request whose headers are there; whether there is room for that client."""
        headers = request.requestHeaders

        def values(name: str) -> list[str]:
            return [value.decode("latin-1") for value in headers.getRawHeaders(name.encode(), ())]

        client = self._proxies.client(request.channel.client, values)
        if client is None:
            return True
        request.client, request.told_secure = endpoint_of(client), client.secure
        if not self._visitors.enters(client.host):
            return False
        request.leave = partial(self._visitors.leaves, client.host)
        return True


def endpoint_of(client: Client) -> IPv4Address | IPv6Address:
    """The address of a client as Twisted has it."""
    kind = IPv6Address if ":" in client.host else IPv4Address
    return kind("TCP", client.host, client.port)
