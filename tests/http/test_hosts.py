"""Hosts by name: which tree answers, and what is no host."""

import pytest
from twisted.web.resource import Resource

from tests.http.asking import ask, body
from tests.support.sites import build_site
from tests.transports.port import ALL, EVERYTHING, Port, headers, request, status
from wampd.router.hostnames import BadHost, ByHost, host_in, host_of
from wampd.router.http.json_value import JsonValue
from wampd.router.transports.universal import Speaks
from wampd.router.transports.upgrade import WebSocketPath


@pytest.fixture
def site():
    return build_site(
        {"/": JsonValue("own")},
        hosts={
            "www.example.com": {"/": JsonValue("www"), "/deep": JsonValue("deep")},
            "*.example.com": {"/": JsonValue("any")},
            "[::1]": {"/": JsonValue("six")},
        },
    )


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("www.example.com", "www"),
        ("WWW.Example.COM", "www"),
        ("www.example.com:8080", "www"),
        ("www.example.com.", "www"),
        ("a.example.com", "any"),
        ("a.b.example.com", "own"),
        ("example.com", "own"),
        ("other", "own"),
        ("127.0.0.1:80", "own"),
        ("[::1]:80", "six"),
    ],
)
def test_the_tree_of_the_host_answers(site, host, found):
    assert body(ask(site, "/", host=host)) == b'"%b"\n' % found.encode()


def test_a_host_has_its_own_paths_and_none_of_the_listener(site):
    assert body(ask(site, "/deep", host="www.example.com")) == b'"deep"\n'
    nothing = ask(site, "/deep", host="a.example.com")
    assert (status(nothing), headers(nothing)["content-type"]) == (404, "text/plain; charset=utf-8")
    assert nothing.endswith(b"\r\n\r\nnothing is here\n")


class _Named(Resource):
    """Says its name, whatever is asked for below it."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, name):
        super().__init__()
        self._name = name

    def render(self, _):
        return self._name


def _three():
    return build_site({"/": _Named(b"root"), "/api": _Named(b"api"), "/api/admin": _Named(b"admin")})


@pytest.mark.parametrize(
    "path",
    [
        "/api//admin/x",
        "//api/admin",
        "/api/%2Fadmin",
        "/api%2Fadmin",
        "/api%252Fadmin",
        "/api/admin;a=b/x",
        "/api/x/../admin",
        "/api/x/%2e%2E/admin",
        "/api/./admin/",
        "/api\\admin",
        "/api/x%5C..%5Cadmin",
        "/api/admin/..%2Fx",
    ],
)
def test_what_somebody_may_take_for_the_path_of_another_entry_is_nowhere(path):
    assert status(ask(_three(), path)) == 404


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/api/a%2Fb;x//y/../z", "api"),
        ("/%61pi/%61dmin", "admin"),
        ("/api/admin//x", "admin"),
        ("/api/", "api"),
        ("/x;y", "root"),
    ],
)
def test_odd_paths_that_all_take_for_the_same_entry_are_served(path, found):
    assert body(ask(_three(), path)) == found.encode()


def test_a_target_in_absolute_form_goes_before_the_header(site):
    assert body(ask(site, "http://www.example.com/", host="a.example.com")) == b'"www"\n'


def test_each_request_of_a_connection_is_for_its_own_host(site):
    both = b"".join(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host for host in (b"www.example.com", b"a.example.com"))
    answers = Port(site=site).ask(both)
    assert b'"www"' in answers
    assert b'"any"' in answers


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "a b",
        "a/b",
        "a@b",
        "a,b",
        "..",
        "www.example.com..",
        "www..example.com",
        "a..:80",
        "[::1",
        "a:b",
        "a:123456",
        "a%41",
        "\xe4",
    ],
)
def test_what_is_no_host_is_refused(site, host):
    assert status(ask(site, "/", host=host)) == 400


def test_two_hosts_are_refused(site):
    assert status(ask(site, "/", "Host: www.example.com", host="www.example.com")) == 400


def test_a_request_of_http_1_0_may_have_none(site):
    assert body(ask(site, "/", host=None, version="HTTP/1.0")) == b'"own"\n'


def test_after_a_request_for_no_host_the_connection_is_over(site):
    answer = Port(site=site).ask(b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert headers(answer)["connection"] == "close"


def test_a_connection_for_another_certificate_is_misdirected():
    asked = []

    def fits(transport, host):
        asked.append((transport, host))
        return host == "www.example.com"

    site = build_site({"/": JsonValue("own")}, hosts={"www.example.com": {"/": JsonValue("www")}}, fits=fits)
    assert status(ask(site, "/", host="www.example.com")) == 200
    assert status(ask(site, "/", host="other.example.com")) == 421
    assert asked[0][0] is not None


# ------------------------------------------------------------------------------------------------------ WebSocket

HOSTS = Speaks(
    websocket={"/ws": WebSocketPath(serializers=("json",))},
    hosts=ByHost(
        {"www.example.com": {"/chat": WebSocketPath(serializers=ALL)}}, {"/ws": WebSocketPath(serializers=("json",))}
    ),
    fits=lambda _transport, host: host != "misdirected.example",
)


@pytest.mark.parametrize(
    ("target", "host", "code"),
    [
        ("/chat", "www.example.com", 101),
        ("/chat", "WWW.example.com:80", 101),
        ("http://www.example.com/chat", "www.example.com", 101),
        ("/ws", "other", 101),
        ("/ws", "misdirected.example", 421),
        ("/ws", "www.example.com", 404),
        ("/chat", "other", 404),
    ],
)
def test_a_host_has_websocket_paths_of_its_own(target, host, code):
    assert status(Port(HOSTS, web=False).ask(request(target, Host=host))) == code


def test_a_websocket_request_without_a_host_is_refused():
    assert status(Port(HOSTS, web=False).ask(request("/ws", without=("Host",)))) == 400
    assert status(Port(HOSTS, web=False).ask(request("/ws", "Host: www.example.com", Host="other"))) == 400


def test_a_listener_that_has_only_hosts_speaks_http():
    speaks = Speaks(hosts=ByHost({"a.example": {"/ws": WebSocketPath(serializers=ALL)}}, {}))
    assert status(Port(speaks, web=False).ask(request("/ws", Host="a.example"))) == 101
    assert status(Port(EVERYTHING, web=False).ask(request("/ws", Host="a.example"))) == 101


# --------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("head", "host"),
    [
        (b"GET / HTTP/1.1\r\nHost: A.example:80\r\n\r\n", "a.example"),
        (b"GET / HTTP/1.1\r\nX: 1\r\nhost:a\r\n\r\n", "a"),
        (b"GET / HTTP/1.1\r\nX-Host: a\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", ""),
        (b"GET http://b:1/ HTTP/1.1\r\nHost: a\r\n\r\n", "b"),
        (b"GET /\r\n\r\n", ""),
    ],
)
def test_the_host_is_found_in_a_head(head, host):
    assert host_in(head) == host


def test_what_names_no_host_says_so():
    for values in ([], ["a", "b"], ["a b"], ["a\n"]):
        with pytest.raises(BadHost):
            host_of(values)
    assert host_of([], may_be_missing=True) == ""
