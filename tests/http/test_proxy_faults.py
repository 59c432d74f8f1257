"""The reverse proxy when backends or clients misbehave."""

import errno

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.error import ConnectBindError

from tests.http.house import logged
from tests.http.proxying import OK, Stage, body_of, named, warnings
from tests.transports.port import headers, status
from wampd.router.http.proxy.exchange import Patience
from wampd.router.http.proxy.resource import Rights

__all__ = ["logged"]  # a fixture

PIECES = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 204 X\r\n",
    b"HTTP/1.1 100 X\r\n\r\n",
    b"HTTP/1.1 103 X\r\n\r\n",
    b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.0 200\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"hello",
    OK,
]


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
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
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


def test_a_request_that_goes_in_circles_comes_to_an_end():
    stage = Stage()
    stage.ask("/", "Via: 1.1 wampd, 1.0 other", *["Via: 1.1 wampd"] * 6)
    assert named(stage.server.heard(), "Via") == ["1.1 wampd, 1.0 other" + ", 1.1 wampd" * 7]
    assert status(stage.ask("/", "Via: 1.1 wampd, 1.0 other", *["Via: 1.1 wampd"] * 7).client.read()) == 508
    assert len(stage.server.accepted) == 1


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_some_methods_are_for_no_backend(method):
    stage = Stage()
    assert status(stage.ask(method=method).client.read()) in (400, 405, 501)
    assert stage.server.accepted == []


@pytest.mark.parametrize("target", ["/\xff", "/a\x7fb"])
def test_octets_that_no_server_need_understand_are_refused(target):
    stage = Stage()
    assert status(stage.ask(target).client.read()) == 400
    assert stage.server.accepted == []
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


@pytest.mark.trap(10)
@pytest.mark.parametrize("octet", [b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\x85", b"\r", b"\n", b"\x00"])
def test_no_octet_but_crlf_makes_a_header_line_of_a_backend_or_of_a_client(octet):
    stage = Stage()
    port = stage.ask()
    stage.server.says(b"HTTP/1.1 200 OK\r\nX: a" + octet + b"Set-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n")
    answer = port.client.read()
    assert (
        b"\r\nSet-Cookie" not in answer or octet == b"\n"
    )  # a line of a backend may end in LF alone (RFC 9112, section 2.2)

    stage = Stage()
    port = stage.port()
    port.client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: a" + octet + b"X-Evil: 1\r\n\r\n")
    if stage.server.accepted:
        assert named(stage.server.heard(), "X-Evil") == []


@settings(max_examples=80, deadline=None)
@given(parts=st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(PIECES)), max_size=12), closes=st.booleans())
def test_whatever_a_backend_says_a_client_gets_an_answer_or_an_end(parts, closes):
    stage = Stage(patience=Patience(answer=5, idle=5))
    port = stage.ask()
    stage.server.says(*parts)
    if closes:
        stage.server.hangs_up()
    else:
        stage.loop.run(6)
    assert is_one_answer(port.client.read()) or port.client.is_cut_off()
    assert stage.busy == [0]


def is_one_answer(octets):
    """Whether a client sees one answer in them, complete and with nothing after it."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(octets)
    event = None
    while event is not h11.NEED_DATA:
        event = client.next_event()  # raises if there is anything else
        if isinstance(event, h11.EndOfMessage):
            return client.trailing_data == (b"", False)
    return False


def test_a_lack_of_descriptors_is_no_fault_of_the_backend(logged):
    stage = Stage(failures=1)
    stage.server.refuses = ConnectBindError(errno.EMFILE, "Too many open files")
    for _ in range(3):
        answer = stage.ask().client.read()
        assert status(answer) == 503
        assert headers(answer)["retry-after"] == "1"
    assert stage.busy == [0]
    stage.server.refuses = False
    port = stage.ask()
    stage.server.says(OK)
    assert status(port.client.read()) == 200
    assert len(warnings(logged)) == 3
