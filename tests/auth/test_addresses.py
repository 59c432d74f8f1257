"""Addresses in one form: what is mapped into IPv6 is the IPv4 address that it is."""

from ipaddress import ip_address

import pytest

from wampd.auth.addresses import address_of


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("::192.0.2.1", "::c000:201"),  # "IPv4-compatible", RFC 4291, section 2.5.5.1: not the same thing
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_an_address_has_one_form(text, meant):
    assert address_of(text) == ip_address(meant)


@pytest.mark.parametrize("text", ["", "unix", "192.0.2.1:80", "[::1]", "192.0.2.01", "1.2.3", "::1 ", "１.2.3.4"])
def test_what_is_no_address(text):
    assert address_of(text) is None
