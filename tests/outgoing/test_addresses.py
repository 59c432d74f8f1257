"""Which addresses are public, and which are not."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.router.outgoing.addresses import embedded, why_not_public

NOT_PUBLIC = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254 168.63.129.16
169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1
198.19.255.255 198.51.100.1 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::a00:1 64:ff9b:1::1 64:ff9b:1::808:808 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:10::1 2001:20::1
2001:db8::1 2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fe80::1%1
febf::1 fec0::1 ff02::1 ff0e::1 4000::1 8000::1 e000::1 1000::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 172.15.255.255 172.32.0.0
192.167.255.255 192.169.0.0 223.255.255.255 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1 2001:200::1 2001:4860:4860::8888
2606:4700:4700::1111 2a00:1450::1
"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_not_public(address):
    assert why_not_public(ip_address(address)) is not None


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public(address):
    assert why_not_public(ip_address(address)) is None


@given(st.integers(0, 2**32 - 1))
def test_what_embeds_an_address_is_as_public_as_that_one(number):
    inner = IPv4Address(number)
    for form in (f"::ffff:{inner}", f"64:ff9b::{inner}", str(IPv6Address((0x2002 << 112) + (number << 80) + 1))):
        assert embedded(IPv6Address(form)) == inner
        assert why_not_public(IPv6Address(form)) == why_not_public(inner)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_is_public_that_python_calls_private_or_reserved(address):
    # what IANA has listed as globally reachable inside of its blocks for protocols is not public here: nobody serves there
    inner = embedded(address)
    if inner.is_private or inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_reserved:
        assert why_not_public(address) is not None
