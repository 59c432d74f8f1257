"""The settings of the reverse proxy: what is wrong with them is said where it stands."""

import pytest

from tests.support.certificates import make_certificate

from .conftest import LISTENER, REALM


def proxy(lines):
    return f"{REALM}{LISTENER}    http:\n      /api: {{type: proxy, {lines}}}\n"


ONE = "backends: [{url: http://127.0.0.1:9000}]"


def test_a_proxy_needs_no_more_than_a_backend(config):
    (path,) = config.load(proxy(ONE)).listeners[0].http.values()
    assert [(backend.url, backend.weight) for backend in path.backends] == [("http://127.0.0.1:9000", 1)]
    assert (path.policy, path.strip_prefix, path.preserve_host, path.trusted_proxies) == (
        "round_robin",
        False,
        True,
        (),
    )


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("backends: []", "backends: the list must not be empty"),
        ("policy: address", "backends: this key is missing"),
        ("backends: [{url: ftp://x}]", "backends[0].url: "),
        ("backends: [{url: http://u:p@x}]", "backends[0].url: "),
        ("backends: [{url: http://x}, {url: http://y}, {url: http://x}]", "backends[2].url: "),
        ("backends: [{url: http://x, weight: 0}]", "backends[0].weight: "),
        (f"{ONE}, policy: least_bussy", "policy: "),
        (f"{ONE}, trusted_proxies: [10.0.0.0/8, 10.0.0.1/8]", "trusted_proxies[1]: "),
        (f"{ONE}, trusted_proxies: [all]", "trusted_proxies[0]: "),
        (f"{ONE}, origins: [example.com]", "origins[0]: not an origin"),
        (f"{ONE}, failing: [404]", "failing[0]: "),
        (f"{ONE}, health: {{path: health}}", "health.path: "),
        (f"{ONE}, health: {{path: '/a b'}}", "health.path: "),
        (f"{ONE}, health: {{intervall: 5 s}}", 'unknown key; did you mean "interval"?'),
        (f"{ONE}, authorities: ca.pem", "authorities: no backend is reached by https"),
        ("backends: [{url: https://x}], authorities: ca.pem", "authorities: cannot read"),
        ("backends: [{url: https://x}], authorities: empty.pem", "authorities: there is no certificate"),
        (f"{ONE}, strip_prefx: true", 'unknown key; did you mean "strip_prefix"?'),
    ],
)
def test_what_is_wrong_is_said_at_its_place(config, lines, problem):
    config.write("", "empty.pem")
    said = config.problem(proxy(lines))
    assert problem in said
    assert "listeners[0].http./api" in said or 'listeners[0].http["/api"]' in said, said


def test_authorities_of_backends_are_read(config):
    made, _ = make_certificate(config.directory)
    lines = f"backends: [{{url: https://x}}], authorities: {made.name}"
    (path,) = config.load(proxy(lines)).listeners[0].http.values()
    assert path.authorities == made
