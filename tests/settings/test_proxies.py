"""Proxies before a listener: what can be said of them, and what is wrong with it."""

import pytest

from .conftest import REALM

WEB = "http: {/: {type: json, value: 1}}"


def listening(proxies, *lines, endpoint="tcp:8080"):
    more = "".join(f"    {line}\n" for line in (lines or (WEB,)))
    said = f"    proxies: {proxies}\n" if proxies else ""
    return f"{REALM}listeners:\n  - endpoint: {endpoint}\n{said}{more}"


def test_nobody_is_believed_unless_it_is_said(config):
    assert config.load(listening("")).listeners[0].proxies is None


def test_proxies_are_addresses_networks_and_sockets(config):
    proxies = config.load(listening("{trusted: [127.0.0.1, 10.0.0.0/8, '2001:db8::/32', unix]}")).listeners[0].proxies
    assert (proxies.header, len(proxies.trusted)) == ("x-forwarded-for", 4)


@pytest.mark.parametrize(
    ("proxies", "lines", "endpoint"),
    [
        ("{trusted: [127.0.0.1], header: proxy-protocol}", ("rawsocket: {}",), "tcp:8080"),
        ("{trusted: [127.0.0.1], header: forwarded}", ("rawsocket: {}", "websocket: {/ws: {type: wamp}}"), "tcp:8080"),
        ("{trusted: [unix]}", (WEB,), "unix:/tmp/wampd-proxies.sock"),
        ("{trusted: [unix]}", (WEB,), "systemd:web"),
        ("{trusted: [127.0.0.1]}", (WEB, "hsts: {}"), "tcp:8080"),
    ],
)
def test_where_proxies_can_be(config, proxies, lines, endpoint):
    assert config.load(listening(proxies, *lines, endpoint=endpoint)).listeners[0].proxies.trusted


@pytest.mark.parametrize(
    ("proxies", "lines", "endpoint", "expected"),
    [
        ("{}", (), "tcp:8080", "proxies.trusted: this key is missing"),
        ("{trusted: []}", (), "tcp:8080", "proxies.trusted: the list must not be empty"),
        ("{trusted: [nginx]}", (), "tcp:8080", 'proxies.trusted[0]: "nginx" is not an address or a network; write it like '),
        ("{trusted: [unix, 10.0.0.1/8]}", (), "tcp:8080", 'proxies.trusted[1]: "10.0.0.1/8" is not an address or a network'),
        ("{trusted: ['*']}", (), "tcp:8080", 'proxies.trusted[0]: "*" is not an address or a network'),
        ("{trusted: [127.0.0.1], header: proxy_protocol}", (), "tcp:8080", 'did you mean "proxy-protocol"?'),
        ("{trusted: [127.0.0.1], header: x-real-ip}", (), "tcp:8080", "proxies.header: expected one of forwarded, "),
        ("{trust: [127.0.0.1]}", (), "tcp:8080", 'proxies.trust: unknown key; did you mean "trusted"?'),
        ("[127.0.0.1]", (), "tcp:8080", "proxies: expected a mapping with the key trusted"),
        ("{trusted: [127.0.0.1]}", ("rawsocket: {}",), "tcp:8080", "proxies.header: RawSocket has no headers: "),
        ("{trusted: [127.0.0.1]}", (), "unix:/tmp/x.sock", "proxies.trusted: who connects to a Unix socket has no address"),
        ("{trusted: [unix]}", (), "tcp:8080", "proxies.trusted: this is no Unix socket, so nobody who connects is"),
    ],
)  # fmt: skip
def test_mistakes(config, proxies, lines, endpoint, expected):
    assert expected in "\n".join(config.problems(listening(proxies, *lines, endpoint=endpoint)))


def test_a_mistake_is_shown_where_it_stands(config):
    (problem,) = config.problems(listening("{trusted: [127.0.0.1, localhost]}"))
    assert problem.startswith("config.yaml:7:")


def test_without_proxies_and_tls_nobody_came_by_tls(config):
    assert "with tls, or with proxies" in config.problem(listening("", WEB, "hsts: {}"))
