"""Endpoints that are sockets of the service manager, and when two endpoints are the same place."""

import pytest

from wampd.router.settings import endpoints


@pytest.mark.parametrize(
    "endpoint",
    [
        "systemd:web",
        "systemd:wampd.socket",
        "systemd:domain=INET6:name=web",
        "systemd:domain=UNIX:index=0",
        "systemd:name=a",
    ],
)
def test_sockets_of_the_service_manager_are_named_or_counted(endpoint):
    assert endpoints.fault(endpoint) is None


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("systemd", "write systemd:NAME"),
        ("systemd:", "write systemd:NAME"),
        ("systemd:domain=INET", "write systemd:NAME"),
        ("systemd:web:index=0", "write systemd:NAME"),
        ("systemd:web:mode=600", "write systemd:NAME"),
        ("systemd:index=first", "first is not the number of a socket"),
        ("systemd:domain=APPLETALK:name=web", "there is no domain APPLETALK here, only INET, INET6, UNIX"),
    ],
)
def test_what_names_no_socket_is_a_fault(endpoint, expected):
    assert (endpoints.fault(endpoint) or "").startswith(expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tcp:8080", "tcp:8080:backlog=5"),
        ("tcp:8080", "tcp:port=8080:interface=0.0.0.0"),
        ("tcp:8080:interface=\\:\\:", "tcp6:8080"),
        ("unix:/run/a.sock", "unix:/run/a.sock:mode=660"),
        ("systemd:web", "systemd:domain=INET:name=web"),
    ],
)
def test_strings_for_the_same_place_have_one(one, other):
    assert endpoints.place_of(one) == endpoints.place_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tcp:8080", "tcp:8081"),
        ("tcp:8080", "tcp:8080:interface=127.0.0.1"),
        ("systemd:a", "systemd:b"),
        ("tcp:1", "unix:1"),
    ],
)
def test_other_places_are_others(one, other):
    assert endpoints.place_of(one) != endpoints.place_of(other)
