"""Addresses of clients, each in one form: an IPv4 address that is mapped into IPv6 is that IPv4 address.

Sources: RFC 4291, section 2.5.5.2 (mapped addresses); RFC 4007, section 11 (zones).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


def address_of(text: str) -> Address | None:
    """The address that is written here, maybe with a zone; `None`: it is none."""
    try:
        known = ip_address(text)
    except ValueError:
        return None
    return (known.ipv4_mapped or known) if isinstance(known, IPv6Address) else known
