"""The PROXY protocol, versions 1 and 2: what a balancer says of the client before the first octet of it. No I/O.

Rules
-----
* The header is the first thing on the connection, and all of it is there before anything else is read. Version 1 is one line
  of 107 octets at most, its CRLF included; version 2 says its length, which with all before it is `LONGEST` octets at most.
* What does not begin as one of the two, or is not exactly as the text below has it, is refused: nobody guesses.
* ``LOCAL``, ``UNKNOWN``, and families that are not TCP over IP, say nothing of a client: the connection is the proxy's own.
* Of what else version 2 may tell, one thing is taken: whether the client came by TLS (``PP2_TYPE_SSL``).

Twisted has parsers of its own for this, which take other lines for headers, and want the beginning of version 2 in one piece.

Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, sections 2.1, 2.2 and 2.2.6.
"""

from __future__ import annotations

import re
import struct
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

from wampd.router.forwarded import Client, plain

V1: Final = b"PROXY "
V2: Final = b"\r\n\r\n\x00\r\nQUIT\n"
LONGEST_LINE: Final = 107
LONGEST: Final = 4096
"""Of version 2: certificates of clients may be told of, but nobody needs more."""
_FIXED: Final = struct.Struct("!12sBBH")
_LINE: Final = re.compile(rb"PROXY (TCP[46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})")
_UNKNOWN: Final = re.compile(rb"PROXY UNKNOWN(?: [ -~]*)?")
_LOCAL: Final = 0x20
_PROXY: Final = 0x21
"""Version 2, and the two commands that there are."""
_ADDRESSES: Final = {0x11: (4, 12), 0x21: (16, 36)}
"""TCP over IPv4 and over IPv6: octets of one address, and of both with their ports."""
_FAMILIES: Final = frozenset(family << 4 | kind for family in range(4) for kind in range(3))
"""What may be said: UNSPEC, INET, INET6 and UNIX; UNSPEC, STREAM and DGRAM."""
_TLS: Final = 0x20
"""``PP2_TYPE_SSL``."""
_BY_TLS: Final = 0x01
"""``PP2_CLIENT_SSL``."""


class BadHeader(Exception):
    """It is no header of the PROXY protocol; the text says why, without a word of it."""


class Header(Struct, frozen=True):
    """What was said."""

    size: int
    """Octets of it."""
    client: Client | None
    """`None`: nothing is said of a client."""


def read_header(data: bytes) -> Header | None:
    """The header that these octets begin with; `None`: it is not complete. Raise `BadHeader`."""
    if data.startswith(V1[: len(data)]):
        return _version_1(data)
    if data.startswith(V2[: len(data)]):
        return _version_2(data)
    raise BadHeader("it does not begin with a header of the PROXY protocol")


def _version_1(data: bytes) -> Header | None:
    end = data.find(b"\r\n", 0, LONGEST_LINE)
    if end < 0:
        if len(data) >= LONGEST_LINE:
            raise BadHeader("the line of the PROXY protocol is too long")
        return None
    line = data[:end]
    if _UNKNOWN.fullmatch(line):
        return Header(end + 2, None)
    found = _LINE.fullmatch(line)
    if found is None:
        raise BadHeader("the line of the PROXY protocol is malformed")
    family, version = found[1], 4 if found[1] == b"TCP4" else 6
    hosts = [_address(text.decode("ascii"), version) for text in found.group(2, 3)]
    ports = [int(text) for text in found.group(4, 5)]
    if None in hosts or max(ports) >= 2**16:
        raise BadHeader(f"the line of the PROXY protocol has no address of {family.decode('ascii')}")
    return Header(end + 2, Client(hosts[0] or "", ports[0]))


def _address(text: str, version: int) -> str | None:
    host = plain(text)
    return host if host is not None and ip_address(text).version == version else None


def _version_2(data: bytes) -> Header | None:
    if len(data) < _FIXED.size:
        return None
    _, command, family, length = _FIXED.unpack_from(data)
    size = _FIXED.size + length
    if command not in (_LOCAL, _PROXY) or family not in _FAMILIES:
        raise BadHeader("the header of the PROXY protocol has a command or a family that there is not")
    if size > LONGEST:
        raise BadHeader("the header of the PROXY protocol is too long")
    if len(data) < size:
        return None
    if command == _LOCAL or family not in _ADDRESSES:
        return Header(size, None)
    octets, both = _ADDRESSES[family]
    if length < both:
        raise BadHeader("the header of the PROXY protocol is too short for its addresses")
    told = data[_FIXED.size : size]
    host = plain(str(ip_address(told[:octets]))) or ""
    (port,) = struct.unpack_from("!H", told, 2 * octets)
    return Header(size, Client(host, port, _by_tls(told[both:])))


def _by_tls(told: bytes) -> bool | None:
    """Whether the client came to the proxy by TLS; `None`: nobody has said."""
    secure = None
    while told:
        if len(told) < 3 or len(told) < 3 + (size := int.from_bytes(told[1:3], "big")):
            raise BadHeader("the header of the PROXY protocol ends too early")
        if told[0] == _TLS:
            if size < 5:  # the octet of flags, and four that tell of a certificate
                raise BadHeader("the header of the PROXY protocol says nothing of TLS where it begins to")
            secure = bool(told[3] & _BY_TLS)
        told = told[3 + size :]
    return secure
