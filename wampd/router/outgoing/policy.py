"""Where requests may go.

Rules
-----
* To public addresses, and to what is allowed beside: networks, addresses, and hosts by name, whatever their addresses are.
* Of a name **every** address must be allowed: one that is public does not make another one so.
* Ports below 1024 are those of services which are no web servers, but for 80 and 443; they are allowed one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Final

from msgspec import Struct

from wampd.router.outgoing.addresses import Address, Network, embedded, why_not_public
from wampd.router.outgoing.problems import OutgoingError
from wampd.router.outgoing.targets import Target, read_host

WEB: Final = frozenset({80, 443})
FREE: Final = 1024
"""Ports from here on are open to everybody who serves something."""


class Policy(Struct, frozen=True):
    """What is allowed."""

    networks: tuple[Network, ...] = ()
    """Addresses that are allowed although they are not public."""
    hosts: frozenset[str] = frozenset()
    """Hosts that are allowed whatever their addresses are."""
    ports: frozenset[int] = WEB
    """Ports below `FREE` that are allowed."""
    schemes: frozenset[str] = frozenset({"http", "https"})

    def check(self, target: Target) -> None:
        """Raise `OutgoingError` if a target is not allowed, as far as that can be told without asking for addresses."""
        if target.scheme not in self.schemes:
            raise OutgoingError("denied", f"{target.scheme}: is not allowed")
        if target.port < FREE and target.port not in self.ports:
            raise OutgoingError("denied", f"the port {target.port} is not allowed")
        address = target.address
        if address is not None:
            self.check_addresses(target, [address])

    def check_addresses(self, target: Target, addresses: Iterable[Address]) -> None:
        """Raise `OutgoingError` if one of the addresses of a target is not allowed."""
        if target.host in self.hosts:
            return
        for address in addresses:
            why = why_not_public(address)
            if why is not None and not self._is_excepted(address):
                raise OutgoingError("denied", f"{target.host} is not public: {why}")

    def _is_excepted(self, address: Address) -> bool:
        """Whether somebody has allowed an address, in the form in which packets arrive at it."""
        return any(each in network for each in (address, embedded(address)) for network in self.networks)


def policy_of(allow_private: Iterable[str], ports: Iterable[int] = WEB, *, plain: bool = True) -> Policy:
    """A policy that allows these networks, addresses and hosts. Raise `OutgoingError` if one is none of them.

    ``plain`` allows ``http:``.
    """
    networks: list[Network] = []
    hosts: set[str] = set()
    for each in allow_private:
        try:
            networks.append(ip_network(each))
        except ValueError:
            hosts.add(read_host(each))
    schemes = frozenset({"http", "https"} if plain else {"https"})
    return Policy(tuple(networks), frozenset(hosts), frozenset(ports), schemes)
