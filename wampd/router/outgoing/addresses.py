"""Which addresses are public: where requests may go whose URLs come from somebody who is not the operator.

Rules
-----
* What IANA lists as special, and is not meant to be reached by everybody, is not public. So is what is not listed but answers
  for machines of a provider's network, as their metadata services do.
* Of IPv6 only global unicast (2000::/3) is public. An address that embeds one of IPv4 is as public as that one, since a
  translator on the way would send the packets there.
* The properties of `ipaddress` are not asked: what they say differs from one version of Python to the next (CVE-2024-4032).

Sources: https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
(both RFC 6890), and the documents named in the table.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

SPECIAL_V4: Final[tuple[tuple[IPv4Network, str], ...]] = tuple(
    (IPv4Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "this network"),  # RFC 791, section 3.2
        ("10.0.0.0/8", "private"),  # RFC 1918
        ("100.64.0.0/10", "shared by a provider"),  # RFC 6598; 100.100.100.200 is a metadata service
        ("127.0.0.0/8", "loopback"),  # RFC 1122, section 3.2.1.3
        ("168.63.129.16/32", "a service of a provider"),  # Azure's platform channel
        ("169.254.0.0/16", "link-local"),  # RFC 3927; 169.254.169.254 is a metadata service
        ("172.16.0.0/12", "private"),  # RFC 1918
        ("192.0.0.0/24", "of protocols"),  # RFC 6890, section 2.1; 192.0.0.192 is a metadata service
        ("192.0.2.0/24", "documentation"),  # RFC 5737
        ("192.88.99.0/24", "of protocols"),  # RFC 7526: relays of 6to4, deprecated
        ("192.168.0.0/16", "private"),  # RFC 1918
        ("198.18.0.0/15", "for benchmarks"),  # RFC 2544
        ("198.51.100.0/24", "documentation"),  # RFC 5737
        ("203.0.113.0/24", "documentation"),  # RFC 5737
        ("224.0.0.0/4", "multicast"),  # RFC 5771
        ("240.0.0.0/4", "reserved"),  # RFC 1112, section 4; 255.255.255.255 is broadcast, RFC 8190
    )
)
SPECIAL_V6: Final[tuple[tuple[IPv6Network, str], ...]] = tuple(
    (IPv6Network(network), why)
    for network, why in (
        ("::/128", "unspecified"),  # RFC 4291, section 2.5.2
        ("::1/128", "loopback"),  # RFC 4291, section 2.5.3
        ("64:ff9b:1::/48", "of translators"),  # RFC 8215
        ("100::/64", "discarded"),  # RFC 6666
        ("2001::/23", "of protocols"),  # RFC 2928; Teredo (RFC 4380), ORCHIDv2 (RFC 7343), benchmarks (RFC 5180)
        ("2001:db8::/32", "documentation"),  # RFC 3849
        ("3fff::/20", "documentation"),  # RFC 9637
        ("5f00::/16", "of segment routing"),  # RFC 9602
        ("fc00::/7", "private"),  # RFC 4193; fd00:ec2::254 is a metadata service
        ("fe80::/10", "link-local"),  # RFC 4291, section 2.5.6
        ("fec0::/10", "private"),  # RFC 3879: site-local, deprecated
        ("ff00::/8", "multicast"),  # RFC 4291, section 2.7
    )
)
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""RFC 4291, section 2.4, and https://www.iana.org/assignments/ipv6-unicast-address-assignments."""
EMBEDDING: Final[tuple[tuple[IPv6Network, int], ...]] = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped: RFC 4291, section 2.5.5.2
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64: RFC 6052, section 2.1
    (IPv6Network("2002::/16"), 80),  # 6to4: RFC 3056, section 2
)
"""Networks whose addresses hold an IPv4 address, and how many bits stand after it."""


def embedded(address: Address) -> Address:
    """The IPv4 address in an IPv6 address, if there is one; else the address itself."""
    if isinstance(address, IPv6Address):
        for network, after in EMBEDDING:
            if address in network:
                return IPv4Address(int(address) >> after & 0xFFFF_FFFF)
    return address


def why_not_public(address: Address) -> str | None:
    """Why an address is not public; `None`: it is."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "link-local"  # RFC 4007, section 6: a zone has no meaning beyond this machine
    address = embedded(address)
    if isinstance(address, IPv4Address):
        return next((why for network, why in SPECIAL_V4 if address in network), None)
    why = next((why for network, why in SPECIAL_V6 if address in network), None)
    return why or (None if address in GLOBAL_UNICAST else "not assigned")
