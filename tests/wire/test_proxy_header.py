"""The PROXY protocol's header: what is one, what it tells, and that nothing else is taken for one."""

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.router.forwarded import Client
from wampd.router.wire.proxy_header import LONGEST, V2, BadHeader, Header, read_header

LINE = b"PROXY TCP4 198.51.100.7 192.0.2.1 56324 443\r\n"


def binary(source="198.51.100.7", port=56324, *, command=0x21, family=None, more=b"", length=None):
    """A header of version 2."""
    address = ipaddress.ip_address(source).packed
    body = address + address + struct.pack("!HH", port, 443) + more
    kind = (0x11 if len(address) == 4 else 0x21) if family is None else family
    return V2 + struct.pack("!BBH", command, kind, len(body) if length is None else length) + body


def tls(flags):
    """What version 2 says of TLS (section 2.2.6), with the version in it."""
    value = bytes([flags, 0, 0, 0, 0]) + b"\x21\x00\x07TLSv1.3"
    return b"\x20" + struct.pack("!H", len(value)) + value


@pytest.mark.parametrize(
    ("data", "client"),
    [
        (LINE, Client("198.51.100.7", 56324)),
        (b"PROXY TCP6 2001:DB8::7 ::1 1 65535\r\n", Client("2001:db8::7", 1)),
        (b"PROXY TCP6 ::ffff:198.51.100.7 ::1 0 0\r\n", Client("198.51.100.7", 0)),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
        (b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n", None),
        (binary(), Client("198.51.100.7", 56324)),
        (binary("2001:db8::7", 7), Client("2001:db8::7", 7)),
        (binary("::ffff:198.51.100.7", 7), Client("198.51.100.7", 7)),
        (binary(more=tls(1)), Client("198.51.100.7", 56324, True)),
        (binary(more=b"\x04\x00\x03abc" + tls(7) + b"\x03\x00\x04crc!"), Client("198.51.100.7", 56324, True)),
        (binary(more=tls(0)), Client("198.51.100.7", 56324, False)),
        (binary(command=0x20), None),
        (binary(command=0x20, family=0x00, more=b"whatever"), None),
        (V2 + b"\x20\x00\x00\x00", None),
        (V2 + b"\x21\x00\x00\x00", None),
        (binary(family=0x12), None),
        (V2 + struct.pack("!BBH", 0x21, 0x31, 216) + b"/run/x".ljust(216, b"\0"), None),
        (binary(more=b"\x04" + struct.pack("!H", LONGEST - 31) + bytes(LONGEST - 31)), Client("198.51.100.7", 56324)),
    ],
)
def test_what_is_a_header(data, client):
    assert read_header(data) == Header(len(data), client)
    assert read_header(data + b"\x7f\xf1\x00\x00") == Header(len(data), client)
    for size in range(1, len(data)):
        assert read_header(data[:size]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x7f\xf1\x00\x00",
        b"\x16\x03\x01",
        b"\r\n\r\nGET",
        b" PROXY TCP4",
        b"proxy TCP4 198.51.100.7 192.0.2.1 1 2\r\n",
        b"PROXY\r\n",
        b"PROXYTCP4 ",
        b"PROXY TCP5 198.51.100.7 192.0.2.1 1 2\r\n",
        b"PROXY UDP4 198.51.100.7 192.0.2.1 1 2\r\n",
        b"PROXY  TCP4 198.51.100.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 1\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 1 2 3\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 1 2 \r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 01 2\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 65536 2\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 1 99999\r\n",
        b"PROXY TCP4 198.51.100.07 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP6 198.51.100.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 198.51.100 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 198.51.100.7 nowhere 1 2\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 1 2\nPROXY\r\n",
        b"PROXY UNKNOWNx\r\n",
        b"PROXY UNKNOWN \x00\r\n",
        b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
        b"PROXY TCP4 " + b"1" * 96,
        binary(command=0x11),
        binary(command=0x22),
        binary(command=0x2F),
        binary(family=0x13),
        binary(family=0x41),
        binary(length=11),
        binary("2001:db8::7", length=35),
        binary(length=LONGEST - 15),
        binary(length=65535),
        binary(more=b"\x04"),
        binary(more=b"\x04\x00\x05abcd"),
        binary(more=b"\x20\x00\x04\x01\x00\x00\x00"),
    ],
)
def test_what_is_none(data):
    with pytest.raises(BadHeader) as refused:
        read_header(data)
    assert str(refused.value)[:20].isprintable()
    assert "198.51" not in str(refused.value)


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", V2, V2 + b"\x21\x11\x00"])
)
def test_whatever_comes_it_is_a_header_or_the_beginning_of_one_or_refused(data, beginning):
    try:
        header = read_header(beginning + data)
    except BadHeader:
        return
    if header is not None:
        assert 0 < header.size <= len(beginning + data)
        assert header.client is None or ipaddress.ip_address(header.client.host)
