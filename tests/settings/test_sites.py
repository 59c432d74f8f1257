"""Rules of web sites: hosts, static files, redirects, JSON values, other origins, headers, TLS alone, the access log."""

import pytest

from tests.support.certificates import make_certificate

from .conftest import REALM

LISTENER = "listeners:\n  - endpoint: tcp:8080\n"


@pytest.fixture
def site(config):
    (config.directory / "site").mkdir()
    (config.directory / "site" / "index.html").write_text("x")

    def make(lines):
        return REALM + LISTENER + "".join(f"    {line}\n" for line in lines.splitlines())

    return make


@pytest.fixture
def path(config, site):
    """The one problem of a path."""

    def problem(what):
        return config.problem(site(f"http: {{/: {what}}}")).removeprefix('listeners[0].http["/"].')

    return problem


def test_the_defaults(config, site):
    listener = config.load(site("http: {/: {type: static, directory: site}}")).listeners[0]
    static = listener.http["/"]
    assert (static.index, static.fallback, static.not_found, static.listing) == (("index.html",), None, None, False)
    assert (static.precompressed, static.cache.max_age, static.cache.immutable) == (True, 0, ())
    assert (static.cors, static.headers) == (None, {})
    assert (listener.hosts, listener.access_log, listener.hsts) == ({}, None, None)


def test_any_yaml_is_a_json_value(config, site):
    text = "http: {/: {type: json, value: !include value.yaml}}"
    config.write("a: [1, 2.5, true, null, on, '1', \"${N:-5}\"]\nb: ${N:-5}\n", "value.yaml")
    value = config.load(site(text)).listeners[0].http["/"].value
    assert value == {"a": [1, 2.5, True, None, "on", "1", "5"], "b": 5}
    assert config.load(site("http: {/: {type: json, value: null}}")).listeners[0].http["/"].value is None


def test_a_host_has_paths_of_its_own(config, site):
    text = """\
hosts:
  www.example.com: {http: {/: {type: static, directory: site}}, websocket: {/ws: {type: wamp}}}
  "*.example.com": {http: {/: {type: redirect, to: "https://{host}/", keep_path: true, status: 308}}}"""
    hosts = config.load(site(text)).listeners[0].hosts
    assert hosts["www.example.com"].websocket["/ws"].serializers == ("json", "msgpack", "cbor")
    assert hosts["*.example.com"].http["/"].status == "308"


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("{type: static, directory: none}", "directory: there is no directory "),
        ("{type: static, directory: site, index: [a/b]}", 'index[0]: "a/b" is not a name of a file that can be seen'),
        ("{type: static, directory: site, index: [.x]}", 'index[0]: ".x" is not a name of a file that can be seen'),
        ("{type: static, directory: site, fallback: none.html}", "fallback: there is no file "),
        ("{type: static, directory: site, not_found: ../x}", 'not_found: "../x" is not the path of a file that can be seen'),
        ("{type: static, directory: site, fallback_for_files: true}", "fallback_for_files: there is no fallback to send"),
        ("{type: static, directory: site, cache: {maxage: 1}}", 'cache.maxage: unknown key; did you mean "max_age"?'),
        ("{type: static, directory: site, cache: 5}", "cache: expected a mapping; known here: max_age, immutable"),
        ("{type: redirect}", "to: this key is missing"),
        ("{type: redirect, to: x}", "to: not a place to go to; "),
        ("{type: redirect, to: //evil.example/}", "to: not a place to go to; "),
        ("{type: redirect, to: 'ftp://x/'}", "to: not a place to go to; "),
        ("{type: redirect, to: '/a b'}", "to: not a place to go to; "),
        ("{type: redirect, to: 'https://{hots}/'}", "to: the one thing in braces that means something is {host}"),
        ("{type: redirect, to: '/x?y', keep_path: true}", "to: a path cannot be appended to what has a query or a fragment"),
        ("{type: redirect, to: /x, status: 304}", "status: expected one of 301, 302, 303, 307, 308, not \"304\""),
        ("{type: json}", "value: this key is missing"),
        ("{type: json, value: [.nan]}", "value: infinity, and what is not a number, is not JSON"),
        ("{type: json, value: 1, headers: {a b: c}}", 'headers["a b"]: "a b" cannot be the name of a header'),
        ("{type: json, value: 1, headers: {Content-Length: 5}}", "headers.Content-Length: how an answer is sent is not"),
        ('{type: json, value: 1, headers: {X: "a\\nSet-Cookie: b"}}', "headers.X: the value of a header is one line, "),
        ("{type: json, value: 1, headers: {X: \"\\u20ac\"}}", "headers.X: the value of a header is one line, "),
        ("{type: json, value: 1, headers: {X-A: b, x-a: c}}", 'headers: "x-a" is here twice'),
        (
            "{type: json, value: 1, headers: {Access-Control-Allow-Origin: '*'}, cors: {origins: ['*']}}",
            "headers.Access-Control-Allow-Origin: cors says that already",
        ),
        ("{type: json, value: 1, cors: {}}", "cors.origins: this key is missing"),
        ("{type: json, value: 1, cors: {origins: []}}", "cors.origins: the list must not be empty"),
        ("{type: json, value: 1, cors: {origins: [https://a.example/]}}", "cors.origins[0]: not an origin; "),
        ("{type: json, value: 1, cors: {origins: [same-host]}}", "cors.origins[0]: not an origin; "),
        ("{type: json, value: 1, cors: {origins: ['*'], methods: ['*']}}", "cors.methods[0]: name them; * has no meaning here"),
        ("{type: json, value: 1, cors: {origins: ['*'], headers: [a b]}}", 'cors.headers[0]: "a b" is not the name of'),
        ("{type: longpoll, cors: {origins: ['*']}}", "cors: long-poll has origins for that"),
        ("{type: statik, directory: site}", 'type: unknown type; did you mean "static"?'),
    ],
)  # fmt: skip
def test_mistakes_of_paths(path, what, expected):
    assert path(what).startswith(expected)


@pytest.mark.trap(12)
def test_any_origin_with_credentials_is_a_mistake(path):
    found = path("{type: json, value: 1, cors: {origins: [https://a.example, '*'], credentials: true}}")
    assert (
        found
        == "cors.origins[1]: with credentials the origins are named: any page could read what is meant for who visits it"
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("http: {/: {type: json, value: 1}}\nhsts: {}", "hsts: only a listener with tls, or with proxies, can have this"),
        ("http: {/: {type: json, value: 1}}\naccess_log: {file: none/x.log}", "access_log.file: there is no directory "),
        ("http: {/: {type: json, value: 1}}\naccess_log: {file: site}", "access_log.file: "),
        ("rawsocket: {}\naccess_log: {}", "access_log: nothing is served by HTTP here"),
        ("rawsocket: {}\nhosts: {Www.example.com: {http: {/: ONE}}}", "hosts[\"Www.example.com\"]: not the name of a host; "),
        ("rawsocket: {}\nhosts: {'www.example.com:80': {http: {/: ONE}}}", "hosts[\"www.example.com:80\"]: not the name"),
        ("rawsocket: {}\nhosts: {'*': {http: {/: ONE}}}", 'hosts["*"]: not the name of a host; '),
        ("rawsocket: {}\nhosts: {a.example: {}}", 'hosts["a.example"]: nothing is there: give it websocket or http'),
        ("rawsocket: {}\nhosts: {a.example: {http: {x: ONE}}}", 'hosts["a.example"].http.x: not a path; '),
        (
            "rawsocket: {}\nhosts: {a.example: {websocket: {/ws: {type: wamp, cookie: {}}}}}",
            'hosts["a.example"].websocket["/ws"].cookie: nobody can come back by it',
        ),
        ("hosts: {}", ": the listener speaks nothing: "),
    ],
)  # fmt: skip
def test_mistakes_of_listeners(config, site, lines, expected):
    lines = lines.replace("ONE", "{type: json, value: 1}")
    assert config.problem(site(lines)).removeprefix("listeners[0]").removeprefix(".").startswith(expected)


def test_a_listener_with_tls_may_tell_browsers_to_come_by_it_alone(config, site):
    make_certificate(config.directory)
    tls = "http: {/: {type: json, value: 1}}\ntls: {certificate: localhost.crt, key: localhost.key}\nhsts: "
    hsts = config.load(site(tls + "{max_age: 30 d, subdomains: true}")).listeners[0].hsts
    assert (hsts.max_age, hsts.subdomains, hsts.preload) == (30 * 86_400, True, False)
    assert config.problem(site(tls + "{preload: true}")) == (
        "listeners[0].hsts.preload: the list takes only hosts with subdomains: true and a max_age of a year or more"
    )
