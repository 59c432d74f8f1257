"""The heads of requests and answers on their way through the proxy: what backends see, and what clients get."""

import h11
import pytest

from tests.http.house import logged
from tests.http.proxying import OK, Stage, body_of, head, lines_of, named
from tests.transports.port import status
from wampd.router.forwarded import Trusted
from wampd.router.http.proxy.heads import (
    HIGHEST_STATUS,
    Asked,
    Mapped,
    NotPassedOn,
    Withheld,
    answer_lines,
    check_framing,
    request_for,
)
from wampd.router.http.proxy.resource import Rights
from wampd.router.upstream import read_upstream

__all__ = ["logged"]  # a fixture

# ----------------------------------------------------------------------------------------------- what backends see


def test_a_request_arrives_with_its_target_octet_for_octet_and_with_what_is_known_of_the_client():
    stage = Stage(path="/api")
    stage.ask("/api/a%2Fb//c;d?x=%20&y=/../&&z", "Accept: text/plain", "X-Own: 1", "X-Own: 2")
    first, lines = lines_of(stage.server.heard())
    assert first == "GET /api/a%2Fb//c;d?x=%20&y=/../&&z HTTP/1.1"
    assert lines == [
        "Host: router.example",
        "Accept: text/plain",
        "X-Own: 1",
        "X-Own: 2",
        'Forwarded: for=127.0.0.1;host="router.example";proto=http',
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: router.example",
        "Via: 1.1 wampd",
    ]


def test_the_prefix_is_left_out_if_that_is_wanted_and_a_base_put_before():
    stage = Stage(["http://one.example:9000/base/"], path="/api", mapped=Mapped(strip=True, preserve_host=False))
    stage.ask("/%61pi/x%2Fy?q")
    heard = stage.server.heard()
    assert lines_of(heard)[0] == "GET /base/x%2Fy?q HTTP/1.1"
    assert named(heard, "Host") == ["one.example:9000"]
    assert named(heard, "X-Forwarded-Prefix") == ["/api"]
    assert named(heard, "X-Forwarded-Host") == ["router.example"]
    stage.ask("/api")
    assert lines_of(stage.server.heard())[0] == "GET /base/ HTTP/1.1"


@pytest.mark.parametrize(
    ("url", "target", "sent"),
    [
        ("http://one.example:9000/ws", "/api", "/ws"),
        ("http://one.example:9000/ws", "/%61pi?x=/", "/ws?x=/"),
        ("http://one.example:9000/ws", "/api/", "/ws/"),
        ("http://one.example:9000/ws/", "/api", "/ws/"),
        ("http://one.example:9000/ws/", "/api/", "/ws/"),
        ("http://one.example:9000", "/api", "/"),
        ("http://one.example:9000/", "/api?x", "/?x"),
    ],
)
def test_the_path_itself_is_what_the_url_of_the_backend_names(url, target, sent):
    stage = Stage([url], path="/api", mapped=Mapped(strip=True))
    stage.ask(target)
    assert lines_of(stage.server.heard())[0] == f"GET {sent} HTTP/1.1"


SPOOFED = [
    "Forwarded: for=1.2.3.4",
    "X-Forwarded-For: 1.2.3.4",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: bank.example",
    "X-Forwarded-Prefix: /x",
    "X-Real-IP: 1.2.3.4",
    "X_Forwarded_For: 1.2.3.4",
    "X_Real-IP: 1.2.3.4",
]


def test_what_clients_say_of_themselves_is_dropped():
    stage = Stage()
    stage.ask("/", *SPOOFED)
    heard = stage.server.heard()
    assert b"1.2.3.4" not in heard
    assert b"bank" not in heard
    assert b"/x" not in heard
    assert named(heard, "X-Forwarded-Proto") == ["http"]


SHOWN = [
    "Authorization: Basic am9lOmh1bnRlcjI=",
    "Cookie: a=1; wampd=hunter2; wampd2=b",
    "Cookie: __Host-wampd=hunter2",
]


def test_what_clients_have_shown_to_come_in_is_not_for_backends():
    stage = Stage(rights=Rights(withheld=Withheld(frozenset({b"wampd", b"__Host-wampd"}))))
    stage.ask("/", *SHOWN)
    heard = stage.server.heard()
    assert b"hunter2" not in heard
    assert named(heard, "Authorization") == []
    assert named(heard, "Cookie") == ["a=1; wampd2=b"]


def test_where_nobody_has_to_come_in_backends_see_what_is_for_them():
    stage = Stage()
    stage.ask("/", *SHOWN)
    heard = stage.server.heard()
    assert named(heard, "Authorization") == ["Basic am9lOmh1bnRlcjI="]
    assert len(named(heard, "Cookie")) == 2


def test_trusted_proxies_are_believed_and_added_to():
    stage = Stage(rights=Rights(trusted=Trusted(["127.0.0.0/8"])))
    stage.ask("/", *SPOOFED)
    heard = stage.server.heard()
    assert named(heard, "X-Forwarded-For") == ["1.2.3.4, 127.0.0.1"]
    assert named(heard, "Forwarded") == ['for=1.2.3.4, for=127.0.0.1;host="router.example";proto=http']
    assert named(heard, "X-Forwarded-Proto") == ["https"]
    assert named(heard, "X-Forwarded-Host") == ["bank.example"]
    assert named(heard, "X_Forwarded_For") == []

    two = Stage(["http://a", "http://b"], policy="address", rights=Rights(trusted=Trusted(["127.0.0.1"])))
    for number in range(64):
        two.ask("/", f"X-Forwarded-For: 1.2.3.4, 10.0.0.{number}")
    assert min(two.busy) > 16  # they are told apart by whom the proxy has seen

    stage = Stage(rights=Rights(trusted=Trusted(["10.0.0.0/8"])))
    stage.ask("/", *SPOOFED)
    assert b"1.2.3.4" not in stage.server.heard()


def test_behind_proxies_of_the_listener_backends_are_told_of_the_client():
    stage = Stage()
    stage.behind("127.0.0.1", "10.0.0.0/8")
    lines = "X-Forwarded-For: 1.2.3.4, 198.51.100.7, 10.0.0.2", "X-Forwarded-Proto: https", "X-Real-IP: 1.2.3.4"
    stage.ask("/", *lines, "Forwarded: for=1.2.3.4")
    heard = stage.server.heard()
    assert named(heard, "X-Forwarded-For") == ["198.51.100.7"]
    assert named(heard, "Forwarded") == ['for=198.51.100.7;host="router.example";proto=https']
    assert named(heard, "X-Forwarded-Proto") == ["https"]
    assert named(heard, "X-Real-IP") == []


def test_who_is_told_all_that_proxies_say_is_told_of_the_last_of_them_by_its_address():
    stage = Stage(rights=Rights(trusted=Trusted(["127.0.0.1"])))
    stage.behind("127.0.0.1")
    stage.ask("/", "X-Forwarded-For: 1.2.3.4, 198.51.100.7", "X-Forwarded-Proto: https")
    heard = stage.server.heard()
    assert named(heard, "X-Forwarded-For") == ["1.2.3.4, 198.51.100.7, 127.0.0.1"]
    assert named(heard, "Forwarded") == ['for=127.0.0.1;host="router.example";proto=http']
    assert named(heard, "X-Forwarded-Proto") == ["https"]


def test_what_is_for_one_hop_ends_here():
    stage = Stage()
    stage.ask(
        "/",
        "Connection: X-Secret, x_other, keep-alive",
        "X-Secret: s",
        "X_Other: o",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic x",
        "TE: trailers",
        "Upgrade: h2c",
        "HTTP2-Settings: x",
        "Via: 1.0 fred",
    )
    heard = stage.server.heard()
    for name in (
        "Connection",
        "X-Secret",
        "X_Other",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authorization",
        "TE",
        "Upgrade",
    ):
        assert named(heard, name) == []
    assert named(heard, "Via") == ["1.0 fred, 1.1 wampd"]


@pytest.mark.parametrize(
    "name", ["Transfer_Encoding", "Content_Length", "Host_", "TE", "proxy_authorization", "X_Real_IP"]
)
def test_underscores_do_not_stand_for_hyphens(name):
    stage = Stage()
    stage.ask("/", f"{name}: chunked", "X_Own: 1")
    heard = stage.server.heard()
    assert named(heard, name) == (["chunked"] if name == "Host_" else [])
    assert named(heard, "X_Own") == ["1"]


def test_connection_cannot_name_what_backends_must_be_told():
    stage = Stage()
    stage.ask("/", "Connection: host, x-forwarded-for, forwarded, content-length, via", "Content-Length: 2", body=b"ok")
    heard = stage.server.heard()
    assert named(heard, "Host") == ["router.example"]
    assert named(heard, "X-Forwarded-For") == ["127.0.0.1"]
    assert named(heard, "Content-Length") == ["2"]
    assert named(heard, "Via") == ["1.1 wampd"]


@pytest.mark.parametrize(
    ("lines", "sent", "framing", "seen"),
    [
        (["Content-Length: 5"], b"hello", {"Content-Length": ["5"], "Transfer-Encoding": []}, b"hello"),
        (["Content-Length: 0"], b"", {"Content-Length": ["0"], "Transfer-Encoding": []}, b""),
        ([], b"", {"Content-Length": [], "Transfer-Encoding": []}, b""),
        (
            ["Transfer-Encoding: chunked"],
            b"3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX-Trailer: t\r\n\r\n",
            {"Content-Length": [], "Transfer-Encoding": ["chunked"]},
            b"5\r\nhello\r\n0\r\n\r\n",
        ),
    ],
)
def test_bodies_are_framed_anew(lines, sent, framing, seen):
    stage = Stage()
    stage.ask("/", "Content-Type: text/x", *lines, method="POST", body=sent)
    heard = stage.server.heard()
    assert {name: named(heard, name) for name in framing} == framing
    assert named(heard, "Content-Type") == ["text/x"]
    assert body_of(heard) == seen


def test_a_body_is_passed_on_while_it_comes():
    stage = Stage()
    port = stage.ask("/", "Content-Length: 6", method="PUT")
    for part in (b"one", b"two"):
        port.client.send(part)
        assert stage.server.heard().endswith(part)
    stage.server.says(OK)
    assert body_of(port.client.read()) == b"ok"


def test_a_client_that_waits_is_told_to_send_its_body_when_the_backend_wants_it():
    stage = Stage()
    port = stage.ask("/", "Content-Length: 3", "Expect: 100-continue", method="POST")
    assert named(stage.server.heard(), "Expect") == ["100-continue"]
    assert port.client.read() == b""
    stage.server.says(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert port.client.read() == b"HTTP/1.1 100 Continue\r\n\r\n"
    port.client.send(b"abc")
    assert stage.server.heard() == b"abc"
    stage.server.says(OK)
    assert status(port.client.read()) == 200


def test_a_backend_that_does_not_want_a_body_says_so_and_the_client_never_sends_it():
    stage = Stage()
    port = stage.ask("/", "Content-Length: 3", "Expect: 100-continue", method="POST")
    stage.server.says(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
    stage.loop.run(2)
    answer = port.client.read()
    assert status(answer) == 413
    assert b"100 Continue" not in answer
    assert stage.server.end.is_cut_off()
    assert stage.busy == [0]


def test_a_backend_that_knows_nothing_of_expectations_gets_the_body_after_a_while():
    stage = Stage()
    port = stage.ask("/", "Content-Length: 3", "Expect: 100-continue", method="POST")
    stage.loop.run(1.5)
    assert port.client.read() == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_an_answer_before_the_end_of_the_body_is_passed_on_and_both_connections_end():
    stage = Stage()
    port = stage.ask("/", "Content-Length: 1000", method="POST", body=b"abc")
    stage.server.says(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
    answer = port.client.read()
    assert status(answer) == 401
    assert named(answer, "Connection") == ["close"]
    assert stage.server.end.is_cut_off()
    stage.loop.run(4)
    assert port.house.inside == 0
    assert stage.busy == [0]


# --------------------------------------------------------------------------------------------- what clients get


def test_an_answer_comes_back_without_what_was_for_one_hop():
    stage = Stage()
    port = stage.ask()
    stage.server.says(
        b"HTTP/1.1 404 Nothing Here\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nServer: other\r\n"
        b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Content-Type-Options: sniff\r\nProxy-Authenticate: x\r\n"
        b"Trailer: X\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\nno"
    )
    answer = port.client.read()
    assert lines_of(answer)[0] == "HTTP/1.1 404 Nothing Here"
    assert body_of(answer) == b"no"
    for name in ("Connection", "X-Hop", "Keep-Alive", "Proxy-Authenticate", "Trailer", "Transfer-Encoding"):
        assert named(answer, name) == []
    assert named(answer, "Set-Cookie") == ["a=1", "b=2"]
    assert named(answer, "Server") == ["other"]
    assert named(answer, "Content-Length") == ["2"]
    assert named(answer, "Via") == ["1.1 wampd"]


@pytest.mark.parametrize("head", [b"Content-Length: 3", b"Transfer-Encoding: chunked"])
def test_an_answer_without_a_type_has_none(head):
    stage = Stage()
    port = stage.ask()
    stage.server.says(
        b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + (b"3\r\n<b>\r\n0\r\n\r\n" if b"chunked" in head else b"<b>")
    )
    answer = port.client.read()
    assert lines_of(answer)[0] == "HTTP/1.1 200 OK"
    assert named(answer, "Content-Type") == []


@pytest.mark.parametrize("code", [204, 304])
def test_answers_without_a_body_have_none(code):
    stage = Stage()
    port = stage.ask()
    stage.server.says(b'HTTP/1.1 %d X\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n' % code)
    answer = port.client.read()
    assert status(answer) == code
    assert body_of(answer) == b""
    assert named(answer, "Content-Length") == []
    assert named(answer, "Transfer-Encoding") == []
    port.client.send(head("/next"))
    assert b"\r\n\r\nGET /next " in stage.server.heard()


def test_head_has_the_length_and_no_body():
    stage = Stage()
    port = stage.ask(method="HEAD")
    stage.server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    answer = port.client.read()
    assert named(answer, "Content-Length") == ["500"]
    assert body_of(answer) == b""
    port.client.send(head("/next"))
    stage.server.says(OK)
    assert body_of(port.client.read()) == b"ok"
    assert len(stage.server.accepted) == 1


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\no",
        b"HTTP/1.1 200 OK\r\n\r\no",
        b"HTTP/1.0 200 OK\r\n\r\no",
    ],
)
def test_a_body_of_unknown_length_is_passed_on_while_it_comes(said):
    stage = Stage()
    port = stage.ask()
    stage.server.says(said)
    answer = port.client.read()
    assert answer.endswith(b"1\r\no\r\n")
    assert named(answer, "Transfer-Encoding") == ["chunked"]
    stage.server.says(b"k\r\n0\r\n\r\n" if b"chunked" in said else b"k")
    if b"chunked" not in said:
        stage.server.hangs_up()
    assert port.client.read() == b"1\r\nk\r\n0\r\n\r\n"
    assert not port.client.is_cut_off()


def test_an_old_client_gets_a_body_that_ends_with_the_connection():
    stage = Stage()
    port = stage.ask(version="HTTP/1.0")
    stage.server.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    answer = port.client.read()
    assert body_of(answer) == b"ok"
    assert named(answer, "Transfer-Encoding") == []
    assert port.client.is_cut_off()


def test_trailers_are_left_out():
    stage = Stage()
    port = stage.ask()
    stage.server.says(
        b"HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n"
    )
    answer = port.client.read()
    assert answer.endswith(b"2\r\nok\r\n0\r\n\r\n")
    assert b"X-T" not in answer


def test_early_hints_are_passed_on_but_not_to_old_clients():
    stage = Stage()
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nConnection: x\r\nX: 1\r\n\r\n"
    port = stage.ask()
    stage.server.says(hints)
    early = port.client.read()
    assert lines_of(early) == ("HTTP/1.1 103 Early Hints", ["Link: </style.css>"])
    stage.server.says(OK)
    assert status(port.client.read()) == 200
    old = stage.ask(version="HTTP/1.0")
    stage.server.says(hints + OK)
    assert lines_of(old.client.read())[0] == "HTTP/1.0 200 OK"


REWRITTEN = [
    ("Location", "http://one.example:9000/base/x?y", "/api/x?y"),
    ("Location", "http://router.example/base/x", "/api/x"),
    ("Location", "/base", "/api"),
    ("Location", "http://one.example:9000/base?x", "/api?x"),
    ("Location", "/base/", "/api/"),
    ("Location", "/base/x", "/api/x"),
    ("Location", "/basement", "/basement"),
    ("Location", "/other", "/other"),
    ("Location", "https://elsewhere.example/base/x", "https://elsewhere.example/base/x"),
    ("Location", "http://one.example:9000.evil.example/", "http://one.example:9000.evil.example/"),
    ("Location", "//elsewhere.example/base", "//elsewhere.example/base"),
    ("Location", "x", "x"),
    ("Set-Cookie", "a=/base; Path=/base/x; HttpOnly", "a=/base; Path=/api/x; HttpOnly"),
    ("Set-Cookie", "a=1; Path=/base", "a=1; Path=/api"),
    ("Set-Cookie", "a=1; path=/other; domain=one.example", "a=1; Path=/other"),
    ("Set-Cookie", "a=1; Domain=elsewhere.example", "a=1; Domain=elsewhere.example"),
]


@pytest.mark.parametrize(("name", "value", "rewritten"), REWRITTEN)
def test_answers_are_made_to_fit_the_clients_side_if_that_is_wanted(name, value, rewritten):
    for rewrite, expected in ((True, rewritten), (False, value)):
        mapped = Mapped(strip=True, rewrite=rewrite)
        stage = Stage(["http://one.example:9000/base"], path="/api", mapped=mapped)
        port = stage.ask("/api/")
        stage.server.says(f"HTTP/1.1 302 X\r\n{name}: {value}\r\nContent-Length: 0\r\n\r\n".encode())
        assert named(port.client.read(), name) == [expected]


def test_what_a_backend_calls_its_base_has_the_slash_of_its_url():
    stage = Stage(["http://one.example:9000/base/"], path="/api", mapped=Mapped(strip=True, rewrite=True))
    port = stage.ask("/api/")
    stage.server.says(b"HTTP/1.1 302 X\r\nLocation: /base\r\nContent-Length: 0\r\n\r\n")
    assert named(port.client.read(), "Location") == ["/api/"]


# ------------------------------------------------------------------------------------------------ the rules themselves

BACKEND = read_upstream("http://one.example:9000/base")


def sent(asked, **mapped):
    return [(name.title(), value) for name, value in request_for(asked, Mapped(**mapped), BACKEND).headers]


def test_a_backend_is_told_of_tls():
    lines = dict(sent(Asked(b"GET", b"/", b"", [(b"Host", b"a.example")], "192.0.2.1", secure=True)))
    assert lines[b"X-Forwarded-Proto"] == b"https"
    assert lines[b"Forwarded"] == b'for=192.0.2.1;host="a.example";proto=https'


def test_a_request_without_a_host_has_that_of_the_backend():
    lines = sent(Asked(b"GET", b"/", b"", [], "192.0.2.1"), preserve_host=True)
    assert [value for name, value in lines if name == b"Host"] == [b"one.example:9000"]
    assert b"X-Forwarded-Host" not in dict(lines)


def test_a_request_with_two_hosts_goes_to_none():
    with pytest.raises(NotPassedOn):
        sent(Asked(b"GET", b"/", b"", [(b"Host", b"a"), (b"host", b"b")], "192.0.2.1"))


@pytest.mark.parametrize("scheme", [b"http:", b"https:", b"HTTPS:", b""])
@pytest.mark.parametrize(("strip", "told"), [(True, b"/api/x?y"), (False, b"/x?y")])
def test_a_backend_that_names_itself_names_a_path_of_the_client_then(scheme, strip, told):
    asked = Asked(b"GET", b"/api/", b"/api", [(b"Host", b"a.example")], "192.0.2.1")
    for host in (b"one.example:9000", b"a.example"):
        location = scheme + b"//" + host + b"/base/x?y"
        response = h11.Response(status_code=302, http_version=b"1.1", headers=[(b"Location", location)])
        lines = dict(answer_lines(response, Mapped(strip=strip, rewrite=True), BACKEND, asked))
        assert lines.get(b"Location", lines.get(b"location")) == told


@pytest.mark.parametrize(("code", "is_good"), [(200, True), (HIGHEST_STATUS, True), (HIGHEST_STATUS + 1, False)])
def test_an_answer_has_a_status_that_there_is(code, is_good):
    assert (check_framing(h11.Response(status_code=code, http_version=b"1.1", headers=[])) == "") is is_good
