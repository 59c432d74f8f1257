"""Who the client is whom a proxy speaks for: what of headers is believed, and what clients may try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.router.forwarded import MOST_HOPS, Client, Proxies, Trusted, address_in, values_in

PROXY, OTHER, CLIENT = "10.0.0.1", "10.0.0.2", "198.51.100.7"
TRUSTED = Trusted(["10.0.0.0/8", "2001:db8:1::/48", "unix"])


def told(header, *values, address=PROXY, **more):
    """Who sent a request with these values of a header; ``more``: other headers."""
    headers = {header: list(values), **{name.replace("_", "-"): [value] for name, value in more.items()}}
    return Proxies(TRUSTED, header).client(address, lambda name: headers.get(name, []))


def listed(*values, **more):
    return told("x-forwarded-for", *values, **more)


def forwarded(*values, **more):
    return told("forwarded", *values, **more)


def test_who_is_trusted():
    assert [each in TRUSTED for each in (PROXY, "::ffff:10.1.2.3", "2001:db8:1::5", "unix")] == [True] * 4
    assert [each in TRUSTED for each in (CLIENT, "2001:db8:2::5", "", "memory", "10.0.0.1, 10.0.0.2")] == [False] * 5
    assert [each in Trusted() for each in (PROXY, "unix", "")] == [False] * 3


# ------------------------------------------------------------------------------------------------------ X-Forwarded-For


def test_nobody_else_is_believed():
    assert listed("192.0.2.1", address=CLIENT) is None
    assert forwarded("for=192.0.2.1;proto=https", address="2001:db8:2::1") is None


def test_the_client_is_the_last_address_that_is_no_proxys():
    assert listed(CLIENT) == Client(CLIENT)
    assert listed(f"192.0.2.1, {CLIENT}") == Client(CLIENT)
    assert listed(f"192.0.2.1, {CLIENT},{OTHER} ,  10.3.3.3") == Client(CLIENT)
    assert listed(f"192.0.2.1,{CLIENT}", OTHER) == Client(CLIENT)


def test_a_client_that_writes_the_header_itself_gains_nothing():
    for spoofed in ("192.0.2.1", "10.0.0.9", "garbage", '"', ",", "unknown", "for=1", "x" * 9000, "192.0.2.1\\", "☃"):
        assert listed(f"{spoofed}, {CLIENT}") == Client(CLIENT)
        assert listed(spoofed, CLIENT) == Client(CLIENT)


def test_if_all_are_proxies_it_is_the_one_farthest_away():
    assert listed(f"{OTHER}, 10.0.0.3") == Client(OTHER)


@pytest.mark.parametrize(
    "hidden", ["unknown", "_secret", "nobody", "1.2.3", "::g", "fe80::1%eth0", "[::1", "1.2.3.4:x"]
)
def test_beyond_what_is_no_address_nothing_is_known(hidden):
    assert listed(hidden) is None
    assert listed(f"192.0.2.1, {hidden}, {OTHER}") == Client(OTHER)


def test_without_the_header_the_client_is_who_connects():
    assert listed() is None
    assert listed("") is None
    assert listed(" , ,, ") is None
    assert listed(forwarded=f"for={CLIENT}") is None
    assert forwarded(x_forwarded_for=CLIENT) is None


def test_only_so_many_proxies_are_listened_to():
    many = ", ".join(f"10.1.0.{number}" for number in range(100))
    assert listed(f"{CLIENT}, {many}") == Client(f"10.1.0.{100 - MOST_HOPS}")
    assert listed(CLIENT + "," * 10_000) is None


def test_whether_the_client_came_by_tls():
    assert listed(CLIENT, x_forwarded_proto="https") == Client(CLIENT, secure=True)
    assert listed(CLIENT, x_forwarded_proto="HTTPS ") == Client(CLIENT, secure=True)
    assert listed(CLIENT, x_forwarded_proto="http") == Client(CLIENT, secure=False)
    assert listed(CLIENT, x_forwarded_proto="https, https") == Client(CLIENT, secure=True)
    assert listed(CLIENT) == Client(CLIENT, secure=None)


@pytest.mark.parametrize("said", ["https, http", "http, https", "wss", "https, ", '"https"'])
def test_if_that_is_not_clear_it_did_not(said):
    assert listed(CLIENT, x_forwarded_proto=said) == Client(CLIENT, secure=False)


# ------------------------------------------------------------------------------------------------------------ Forwarded


def test_the_elements_of_forwarded():
    """The examples of RFC 7239, section 4."""
    assert forwarded('For="[2001:db8:cafe::17]:4711"') == Client("2001:db8:cafe::17", 4711)
    assert forwarded("for=192.0.2.60;proto=http;by=203.0.113.43") == Client("192.0.2.60", secure=False)
    assert forwarded("for=192.0.2.43, for=10.51.100.17") == Client("192.0.2.43")
    assert forwarded('for="_gazonk"') is None


def test_the_protocol_is_that_of_the_hop_which_tells_of_the_client():
    assert forwarded(f"for={CLIENT};proto=https, for={OTHER};proto=http") == Client(CLIENT, secure=True)
    assert forwarded(f"for={CLIENT};proto=http, for={OTHER};proto=https") == Client(CLIENT, secure=False)
    assert forwarded(f"for={CLIENT}", x_forwarded_proto="https") == Client(CLIENT, secure=None)


@pytest.mark.parametrize(
    "spoofed",
    [
        "for=192.0.2.1",
        "for=192.0.2.1;proto=https",
        'for="192.0.2.1',
        'for="',
        'for=x;by="\\',
        'for=192.0.2.1;x="',
        "garbage",
        "for=a;for=b",
        ";;;",
        "=",
        "for=",
        'x="a, for=b',
    ],
)
@pytest.mark.parametrize(
    "added", [f"for={CLIENT};proto=http", f'for="{CLIENT}:80";proto="http"', f"proto=http; for={CLIENT}"]
)
def test_what_a_client_leaves_open_does_not_swallow_what_a_proxy_adds(spoofed, added):
    found = forwarded(f"{spoofed}, {added}")
    assert (found.host, found.secure) == (CLIENT, False)
    found = forwarded(spoofed, added)
    assert (found.host, found.secure) == (CLIENT, False)


@pytest.mark.parametrize(
    "said",
    [
        "proto=https",
        f"for={CLIENT};for={OTHER}",
        f"for={CLIENT};proto",
        f"for {CLIENT}",
        'for="x',
        "for=unknown",
        "x, y",
    ],
)
def test_beyond_an_element_that_names_nobody_nothing_is_known(said):
    assert forwarded(said) is None
    assert forwarded(f"for=192.0.2.1, {said}, for={OTHER}") == Client(OTHER)


def test_a_comma_between_quotes_ends_no_element():
    assert forwarded(f'for=192.0.2.1, for={CLIENT};x="a, for=10.0.0.9, b\\", c"') == Client(CLIENT)


# ------------------------------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("text", "client"),
    [
        ("192.0.2.1", Client("192.0.2.1")),
        ("192.0.2.1:80", Client("192.0.2.1", 80)),
        ("192.0.2.1:_port", Client("192.0.2.1")),
        ("192.0.2.1:99999", Client("192.0.2.1")),
        ("2001:DB8::1", Client("2001:db8::1")),
        ("[2001:db8:0:0::1]", Client("2001:db8::1")),
        ("[2001:db8::1]:80", Client("2001:db8::1", 80)),
        ("::ffff:192.0.2.1", Client("192.0.2.1")),
        *((text, None) for text in ("", "[192.0.2.1]", "192.0.2.01", "192.0.2.1:", "[::1]80", "[::1]:", "localhost")),
        *((text, None) for text in ("192.0.2.1 192.0.2.2", "::1%\n", "١٩٢.0.2.1", "1" * 65, "192.0.2.1:80:80")),
    ],
)
def test_addresses(text, client):
    assert address_in(text) == client


@given(st.text(max_size=80))
def test_whatever_is_written_an_address_is_one(text):
    for found in (address_in(text), listed(text), forwarded(text)):
        assert found is None or address_in(found.host) == Client(found.host)


def test_the_headers_of_a_head_as_it_came():
    head = (
        b"GET /?x-forwarded-for:9 HTTP/1.1\r\nHost: x\r\nX-Forwarded-For:  a \r\nx-forwarded-FOR:b\r\n"
        b"X_Forwarded_For: c\r\nX-Forwarded-For : d\r\nY: X-Forwarded-For: e\r\n\r\nX-Forwarded-For: f\r\n"
    )
    values = values_in(head[: head.index(b"\r\n\r\n") + 4])
    assert values("x-forwarded-for") == ["a", "b"]
    assert values("forwarded") == []
