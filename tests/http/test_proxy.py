"""The reverse proxy: what backends see, what clients get, and what happens when either of them misbehaves."""

from ipaddress import ip_network

import pytest
from twisted.logger import globalLogPublisher

from tests.http.proxying import OK, Stage, body_of, head, lines_of, named
from tests.transports.port import status
from wampd.router.http.proxy.backends import Room
from wampd.router.http.proxy.exchange import Patience
from wampd.router.http.proxy.heads import Mapped
from wampd.router.http.proxy.resource import Rights


@pytest.fixture(autouse=True)
def logged():
    """What was logged; no test here may find a bug of ours."""
    events = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)
    assert [event for event in events if "log_failure" in event] == []


def warnings(events):
    return [event for event in events if event["log_level"].name == "warn"]


# ----------------------------------------------------------------------------------------------------- bad backends


def test_a_backend_that_refuses_gives_502_and_one_line_in_the_log(logged):
    stage = Stage()
    stage.server.refuses = True
    answer = stage.ask().client.read()
    assert status(answer) == 502
    assert b"refused" not in answer
    assert stage.busy == [0]
    assert stage.strikes == 1
    (line,) = warnings(logged)
    assert line["backend"] == "http://one.example:9000"


def test_a_backend_that_cannot_be_reached_in_time_gives_504():
    stage = Stage(patience=Patience(connect=5))
    stage.server.hangs = True
    port = stage.ask()
    stage.loop.run(4)
    assert port.client.read() == b""
    stage.loop.run(2)
    assert status(port.client.read()) == 504
    assert stage.server.given_up == 1
    assert stage.busy == [0]


def test_a_backend_that_never_answers_gives_504_and_is_left():
    stage = Stage(patience=Patience(answer=20))
    port = stage.ask()
    stage.loop.run(19)
    assert port.client.read() == b""
    stage.loop.run(2)
    assert status(port.client.read()) == 504
    assert stage.server.end.is_cut_off()
    assert stage.busy == [0]


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 80_000,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_nonsense_gives_502_and_nothing_of_it_reaches_the_client(said, logged):
    stage = Stage()
    port = stage.ask()
    stage.server.says(said)
    answer = port.client.read()
    assert status(answer) == 502
    assert answer.count(b"HTTP/1.1") == 1
    assert stage.server.end.is_cut_off()
    assert stage.busy == [0]
    assert len(warnings(logged)) == 1


def test_a_backend_that_hangs_up_before_its_answer_gives_502():
    stage = Stage()
    port = stage.ask(method="POST", body=b"")
    stage.server.hangs_up()
    assert status(port.client.read()) == 502


@pytest.mark.parametrize(
    ("begun", "how"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "hangs_up"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "hangs_up"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalfNO", None),
        (b"HTTP/1.1 200 OK\r\n\r\nhalf", "resets"),
    ],
)
def test_an_answer_that_breaks_off_never_looks_whole(begun, how, logged):
    stage = Stage()
    port = stage.ask()
    sound, half, rest = begun.partition(b"half")
    stage.server.says(sound + half)
    stage.server.says(rest)
    if how:
        getattr(stage.server, how)()
    answer = port.client.read()
    assert status(answer) == 200
    assert not answer.endswith(b"0\r\n\r\n")
    assert port.client.is_cut_off()
    assert port.house.inside == 0
    assert stage.busy == [0]
    assert len(warnings(logged)) == 1


def test_an_answer_that_stalls_is_broken_off():
    stage = Stage(patience=Patience(idle=10))
    port = stage.ask()
    stage.server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nha")
    stage.loop.run(8)
    stage.server.says(b"lf")
    stage.loop.run(8)
    assert body_of(port.client.read()) == b"half"
    assert not port.client.is_cut_off()
    stage.loop.run(4)
    assert port.client.is_cut_off()
    assert stage.busy == [0]


def test_what_a_backend_says_unasked_is_no_answer_to_the_next_request():
    stage = Stage()
    port = stage.ask("/first")
    stage.server.says(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
    assert body_of(port.client.read()) == b"ok"
    second = stage.ask("/second")
    assert len(stage.server.accepted) == 2
    stage.server.says(OK)
    assert body_of(second.client.read()) == b"ok"

    stage = Stage()
    first = stage.ask("/first")
    stage.server.says(OK)
    assert body_of(first.client.read()) == b"ok"
    stage.server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
    second = stage.ask("/second")
    assert len(stage.server.accepted) == 2
    stage.server.says(OK)
    assert body_of(second.client.read()) == b"ok"


def test_very_many_early_answers_neither_reach_the_client_nor_buy_time():
    stage = Stage(patience=Patience(answer=10))
    port = stage.ask()
    for _ in range(11):
        stage.server.says(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 5)
        stage.loop.run(1)
    answer = port.client.read()
    assert answer.count(b"103 Early Hints") == 20
    assert b"HTTP/1.1 504" in answer


# ------------------------------------------------------------------------------------------------------ bad clients


@pytest.mark.parametrize(
    "target",
    [
        "/api/../admin",
        "/api/..",
        "/api/./x",
        "/api/%2e%2e/admin",
        "/api/.%2E/admin",
        "/api/..%2fadmin",
        "/api/..%5cadmin",
        "/api/..\\admin",
        "/api/%252e%252e/admin",
        "/api/..;/admin",
        "/api/x/..;a=b/admin",
    ],
)
def test_what_leads_upwards_is_refused_in_any_encoding(target):
    stage = Stage(path="/api")
    assert status(stage.ask(target).client.read()) in (400, 404)
    assert stage.server.accepted == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_some_methods_are_for_no_backend(method):
    stage = Stage()
    assert status(stage.ask(method=method).client.read()) in (400, 405, 501)
    assert stage.server.accepted == []


@pytest.mark.parametrize("target", ["/\xff", "/a\x7fb"])
def test_octets_that_no_server_need_understand_are_refused(target):
    stage = Stage()
    assert status(stage.ask(target).client.read()) == 400
    assert stage.busy == [0]


def test_a_client_that_leaves_ends_its_request_at_the_backend():
    stage = Stage()
    port = stage.ask()
    assert stage.server.heard().startswith(b"GET / ")
    port.client.take_up()
    assert stage.server.end.is_cut_off()
    assert stage.busy == [0]


def test_a_client_that_leaves_while_its_backend_is_being_connected_ends_that():
    stage = Stage()
    stage.server.hangs = True
    port = stage.ask()
    port.client.close()
    stage.loop.run()
    assert stage.server.given_up == 1
    assert stage.busy == [0]


def test_a_client_that_leaves_in_the_middle_of_its_body_ends_the_request():
    stage = Stage()
    port = stage.ask("/", "Content-Length: 10", method="POST", body=b"half")
    assert body_of(stage.server.heard()) == b"half"
    port.client.close()
    stage.loop.run()
    assert stage.server.end.is_cut_off()
    assert stage.busy == [0]


def test_a_client_that_does_not_read_makes_the_backend_wait_and_is_cut_off():
    stage = Stage()
    port = stage.ask()
    left = stage.server.end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 5_000_000)
    assert left > 4_000_000
    assert len(port.wire.dataBuffer) + port.wire._tempDataLen < 300_000
    stage.loop.run(40)
    assert port.house.inside == 0
    assert stage.server.end.is_cut_off()
    assert stage.busy == [0]


def test_a_backend_that_does_not_read_makes_the_client_wait_and_is_too_slow():
    stage = Stage(patience=Patience(idle=10), rights=Rights(body_size=10_000_000))
    port = stage.ask("/", "Content-Length: 5000000", method="POST")
    left = port.client.send(b"x" * 5_000_000)
    assert left > 4_000_000
    assert len(stage.server.wires[-1].dataBuffer) + stage.server.wires[-1]._tempDataLen < 300_000
    stage.loop.run(12)
    assert status(port.client.read()) == 504
    assert stage.busy == [0]


def test_a_body_over_the_limit_is_refused():
    stage = Stage(rights=Rights(body_size=10))
    assert status(stage.ask("/", "Content-Length: 11", method="POST").client.read()) == 413
    assert stage.server.accepted == []
    port = stage.ask("/", "Transfer-Encoding: chunked", method="POST", body=b"b\r\nxxxxxxxxxxx\r\n0\r\n\r\n")
    assert status(port.client.read()) == 413
    assert stage.busy == [0]


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


def test_trusted_proxies_are_believed_and_added_to():
    stage = Stage(rights=Rights(trusted=[ip_network("127.0.0.0/8")]))
    stage.ask("/", *SPOOFED)
    heard = stage.server.heard()
    assert named(heard, "X-Forwarded-For") == ["1.2.3.4, 127.0.0.1"]
    assert named(heard, "Forwarded") == ['for=1.2.3.4, for=127.0.0.1;host="router.example";proto=http']
    assert named(heard, "X-Forwarded-Proto") == ["https"]
    assert named(heard, "X-Forwarded-Host") == ["bank.example"]
    assert named(heard, "X_Forwarded_For") == []

    stage = Stage(rights=Rights(trusted=[ip_network("10.0.0.0/8")]))
    stage.ask("/", *SPOOFED)
    assert b"1.2.3.4" not in stage.server.heard()


def test_what_is_for_one_hop_ends_here():
    stage = Stage()
    stage.ask(
        "/",
        "Connection: X-Secret, keep-alive",
        "X-Secret: s",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic x",
        "TE: trailers",
        "Upgrade: h2c",
        "HTTP2-Settings: x",
        "Via: 1.0 fred",
    )
    heard = stage.server.heard()
    for name in ("Connection", "X-Secret", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "TE", "Upgrade"):
        assert named(heard, name) == []
    assert named(heard, "Via") == ["1.0 fred, 1.1 wampd"]


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
            b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
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
    ("Location", "/base", "/api/"),
    ("Location", "/base/x", "/api/x"),
    ("Location", "/basement", "/basement"),
    ("Location", "/other", "/other"),
    ("Location", "https://elsewhere.example/base/x", "https://elsewhere.example/base/x"),
    ("Location", "http://one.example:9000.evil.example/", "http://one.example:9000.evil.example/"),
    ("Location", "//elsewhere.example/base", "//elsewhere.example/base"),
    ("Location", "x", "x"),
    ("Set-Cookie", "a=/base; Path=/base/x; HttpOnly", "a=/base; Path=/api/x; HttpOnly"),
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


# --------------------------------------------------------------------------------------- connections and retries


def test_a_connection_is_used_again():
    stage = Stage()
    port = stage.port()
    for number in range(3):
        port.client.send(head(f"/{number}"))
        assert lines_of(stage.server.heard())[0] == f"GET /{number} HTTP/1.1"
        stage.server.says(OK)
        assert body_of(port.client.read()) == b"ok"
    assert len(stage.server.accepted) == 1
    stage.loop.run(5)
    assert stage.server.end.is_cut_off()


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_a_connection_that_the_backend_will_close_is_not_used_again(said):
    stage = Stage()
    port = stage.ask()
    stage.server.says(said)
    assert body_of(port.client.read()) == b"ok"
    stage.ask()
    assert len(stage.server.accepted) == 2


def test_no_more_connections_are_kept_than_may_be():
    stage = Stage(room=Room(kept=1))
    ports = [stage.ask() for _ in range(3)]
    for server, port in zip(list(stage.server.accepted), ports, strict=True):
        server.send(OK)
        assert body_of(port.client.read()) == b"ok"
    assert [each.is_cut_off() for each in stage.server.accepted] == [False, True, True]


def test_a_kept_connection_that_was_closed_meanwhile_costs_nothing_but_a_new_one(logged):
    stage = Stage()
    port = stage.ask()
    stage.server.says(OK)
    port.client.read()
    port.client.send(head("/again"))
    stage.server.resets()
    assert len(stage.server.accepted) == 2
    assert lines_of(stage.server.heard())[0] == "GET /again HTTP/1.1"
    stage.server.says(OK)
    assert body_of(port.client.read()) == b"ok"
    assert stage.strikes == 0
    assert warnings(logged) == []
    assert stage.busy == [0]


def test_what_cannot_be_sent_again_is_not_sent_on_a_connection_that_was_idle_for_long():
    stage = Stage()
    port = stage.ask()
    stage.server.says(OK)
    port.client.read()
    stage.loop.run(2)
    port.client.send(head("/", "Content-Length: 0", method="POST"))
    assert len(stage.server.accepted) == 2
    stage.server.says(OK)
    port.client.read()
    port.client.send(head("/", "Content-Length: 0", method="POST"))
    assert len(stage.server.accepted) == 2


TWO = ("http://one.example", "http://two.example")


@pytest.mark.parametrize("trouble", ["refuses", "hangs_up", "resets"])
def test_a_safe_request_is_sent_to_another_backend_if_nothing_came_of_the_first(trouble):
    stage = Stage(TWO)
    one, two = stage.servers
    one.refuses = trouble == "refuses"
    port = stage.ask("/x")
    if trouble != "refuses":
        getattr(one, trouble)()
    assert lines_of(two.heard())[0] == "GET /x HTTP/1.1"
    two.says(OK)
    assert body_of(port.client.read()) == b"ok"
    assert stage.busy == [0, 0]
    assert stage.strikes == 1


def test_what_never_was_sent_is_sent_to_another_backend_whatever_it_is():
    stage = Stage(TWO)
    one, two = stage.servers
    one.refuses = True
    port = stage.ask("/x", "Content-Length: 5", method="POST", body=b"hello")
    assert body_of(two.heard()) == b"hello"
    two.says(OK)
    assert body_of(port.client.read()) == b"ok"


@pytest.mark.parametrize(("method", "body"), [("POST", b""), ("PATCH", b""), ("PUT", b"hello")])
def test_what_may_change_something_is_sent_once(method, body):
    stage = Stage(TWO)
    one, two = stage.servers
    port = stage.ask("/x", f"Content-Length: {len(body)}", method=method, body=body)
    one.hangs_up()
    assert status(port.client.read()) == 502
    assert two.accepted == []


def test_nothing_is_sent_again_once_something_came():
    stage = Stage(TWO)
    one, two = stage.servers
    port = stage.ask("/x")
    one.says(b"HTTP/1.1 200")
    one.hangs_up()
    assert status(port.client.read()) == 502
    assert two.accepted == []


def test_a_request_is_not_tried_for_ever():
    stage = Stage([f"http://{number}.example" for number in range(6)])
    for server in stage.servers:
        server.refuses = True
    assert status(stage.ask().client.read()) == 502
    assert stage.strikes == 3


def test_a_backend_without_room_is_passed_over_and_if_none_has_any_the_answer_is_503():
    stage = Stage(TWO, room=Room(connections=1))
    stage.ask("/1")
    stage.ask("/2")
    assert stage.busy == [1, 1]
    answer = stage.ask("/3").client.read()
    assert status(answer) == 503
    assert named(answer, "Retry-After") == ["1"]


def test_backends_that_fail_are_out_for_longer_and_longer(logged):
    stage = Stage(failures=2)
    stage.server.refuses = True
    for _ in range(2):
        assert status(stage.ask().client.read()) == 502
    answer = stage.ask().client.read()
    assert (status(answer), named(answer, "Retry-After")) == (503, ["1"])
    stage.loop.run(1.5)
    assert status(stage.ask().client.read()) == 502
    answer = stage.ask().client.read()
    assert (status(answer), named(answer, "Retry-After")) == (503, ["2"])
    assert len(warnings(logged)) == 3  # none for what was not tried
    stage.loop.run(2.5)
    stage.server.refuses = False
    port = stage.ask()
    stage.server.says(OK)
    assert status(port.client.read()) == 200
    stage.server.refuses = True
    stage.loop.run(5)
    assert status(stage.ask().client.read()) == 502
    assert status(stage.ask().client.read()) == 502


def test_statuses_that_say_so_count_as_failures_and_are_passed_on():
    stage = Stage(failures=2)
    for code in (500, 503, 500, 503, 503):
        port = stage.ask()
        stage.server.says(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % code)
        assert status(port.client.read()) == code
    assert stage.backends.choose("x") is None


def test_a_client_that_leaves_is_no_failure_of_the_backend():
    stage = Stage(failures=1)
    for _ in range(3):
        stage.ask().client.close()
        stage.loop.run()
    assert stage.strikes == 0
    assert stage.backends.choose("x") is not None


def test_clients_that_pipeline_get_their_answers_in_order():
    stage = Stage()
    port = stage.port()
    port.client.send(head("/1") + head("/2"))
    assert lines_of(stage.server.heard())[0] == "GET /1 HTTP/1.1"
    stage.server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")
    assert lines_of(stage.server.heard())[0] == "GET /2 HTTP/1.1"
    stage.server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo")
    answer = port.client.read()
    assert answer.index(b"one") < answer.index(b"two")
