"""What the web server refuses: with which status, and that the connection ends there.

Each request is sent first on a fresh connection, where the universal port reads its head, then as the second of a connection
that has been served, where the web server alone does. Sources: RFC 9110, RFC 9112.
"""

import re
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.web.resource import Resource

from tests.http.house import Reader, Watched, body, connect, head
from tests.transports.port import headers, status
from wampd.router.http.body import Intake
from wampd.router.http.channel import AT_ONCE, MAX_BODY, PATIENCE

FIRST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
EVIL = b"GET /evil HTTP/1.1\r\nHost: x\r\n\r\n"


class Mirror(Resource):
    """Says what it was asked."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self):
        super().__init__()
        self.seen = []

    def render(self, request):
        self.seen.append(request.uri)
        return b"%s %s %s %d" % (
            request.method,
            request.uri,
            b"/".join(request.postpath),
            len(request.content.read()),
        )


def site():
    return {"/": Mirror(), "/stream": Reader(Intake())}


def codes(answer):
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def get(target="/", version="HTTP/1.1", method="GET"):
    return b"%s %s %s\r\nHost: x\r\n\r\n" % (method.encode(), target.encode("latin-1"), version.encode())


def post(*lines, rest=b"", target="/", version="HTTP/1.1"):
    return head(f"POST {target} {version}", *lines, host="x") + rest


REFUSED = {
    # --- the first line (RFC 9112, section 3)
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a tab": (b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a space at the end": (b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
    "a target with a space": (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no such version": (get(version="HTTP/x.y"), 400),
    "lower case": (get(version="http/1.1"), 400),
    "HTTP/2": (get(version="HTTP/2.0"), 505),
    "HTTP/3": (get(version="HTTP/3.0"), 505),
    "HTTP/0.1": (get(version="HTTP/0.1"), 505),
    "a version of two digits": (get(version="HTTP/1.10"), 400),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a method that is no token": (get(method="G(T"), 400),
    "a method that nobody has": (get(method="G" * 33), 501),
    "CONNECT": (get("example.com:443", method="CONNECT"), 501),
    "a path of too many segments": (get("/a" * 257), 414),
    "a target that is too long": (get("/" + "x" * 20_000), 414),
    # --- the target
    "a target without a slash": (get("index.html"), 400),
    "a star for GET": (get("*"), 400),
    "another scheme": (get("ftp://x/"), 400),
    "no host in the target": (get("http:///path"), 400),
    "a user in the target": (get("http://user@x/"), 400),
    "a fragment": (get("/a#b"), 400),
    "half an escape": (get("/a%2"), 400),
    "no escape": (get("/a%zz"), 400),
    "an escape of nothing": (get("/a%"), 400),
    "an escaped NUL": (get("/a%00b"), 400),
    "an escaped NUL in the query": (get("/?a=%00"), 400),
    "an octet beyond ASCII": (get("/\xe4"), 400),
    "DEL": (get("/\x7f"), 400),
    "a control character": (get("/\x0b"), 400),
    # --- lines
    "LF alone": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "LF alone in the midst": (b"GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400),
    "CR alone": (b"GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", 400),
    "CR before CRLF": (b"GET / HTTP/1.1\r\nHost: x\r\r\n\r\n", 400),
    "NUL": (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", 400),
    "NUL in a name": (b"GET / HTTP/1.1\r\nHost: x\r\nX\0: ab\r\n\r\n", 400),
    "an escape for terminals": (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x1b[31m\r\n\r\n", 400),
    "a bell": (b"GET / HTTP/1.1\r\nHost: x\r\nX: \x07\r\n\r\n", 400),
    "DEL in a header": (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x7f\r\n\r\n", 400),
    "obs-fold": (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400),
    "obs-fold with a tab": (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n\tb\r\n\r\n", 400),
    "a first line that goes on": (b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "no colon": (b"GET / HTTP/1.1\r\nHost: x\r\nX\r\n\r\n", 400),
    "no name": (b"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400),
    "a name with a space": (b"GET / HTTP/1.1\r\nHost: x\r\nA B: y\r\n\r\n", 400),
    # --- Host (RFC 9112, section 3.2)
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
    "a Host that is two": (head("GET / HTTP/1.1", host="a, b"), 400),
    "a Host with a path": (head("GET / HTTP/1.1", host="a/b"), 400),
    "a Host with a user": (head("GET / HTTP/1.1", host="a@b"), 400),
    "a Host with a port that is none": (head("GET / HTTP/1.1", host="a:b"), 400),
    # --- the length of the body (RFC 9112, section 6)
    "both": (post("Content-Length: 5", "Transfer-Encoding: chunked", rest=b"0\r\n\r\n" + EVIL), 400),
    "both, the other way round": (
        post("Transfer-Encoding: chunked", "Content-Length: 5", rest=b"0\r\n\r\n" + EVIL),
        400,
    ),
    "two lengths": (post("Content-Length: 0", "Content-Length: 44", rest=EVIL), 400),
    "the same length twice": (post("Content-Length: 0", "Content-Length: 0", rest=EVIL), 400),
    "a list of lengths": (post("Content-Length: 0, 0", rest=EVIL), 400),
    "a length with a sign": (post("Content-Length: +0", rest=EVIL), 400),
    "a negative length": (post("Content-Length: -1", rest=EVIL), 400),
    "a length in hexadecimal": (post("Content-Length: 0x0", rest=EVIL), 400),
    "a length with an underscore": (post("Content-Length: 1_0", rest=EVIL), 400),
    "no length": (post("Content-Length:", rest=EVIL), 400),
    "a length in other digits": (post("Content-Length: \xb2", rest=EVIL), 400),
    "a length beyond all": (post("Content-Length: " + "9" * 5000), 413),
    "a length beyond the limit": (post(f"Content-Length: {MAX_BODY + 1}"), 413),
    "not chunked": (post("Transfer-Encoding: gzip", rest=EVIL), 400),
    "chunked, but not at the end": (post("Transfer-Encoding: chunked, gzip", rest=EVIL), 400),
    "chunked twice": (post("Transfer-Encoding: chunked, chunked", rest=EVIL), 400),
    "chunked in two lines": (post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", rest=EVIL), 400),
    "xchunked": (post("Transfer-Encoding: xchunked", rest=EVIL), 400),
    "chunked in quotes": (post('Transfer-Encoding: "chunked"', rest=EVIL), 400),
    "chunked after a strange space": (post("Transfer-Encoding: \x0bchunked", rest=EVIL), 400),
    "identity": (post("Transfer-Encoding: identity", "Content-Length: 0", rest=EVIL), 400),
    "no coding": (post("Transfer-Encoding:", rest=EVIL), 400),
    "another coding": (post("Transfer-Encoding: gzip, chunked", rest=b"0\r\n\r\n" + EVIL), 501),
    "chunks in HTTP/1.0": (post("Transfer-Encoding: chunked", version="HTTP/1.0", rest=b"0\r\n\r\n" + EVIL), 400),
    "an expectation": (post("Expect: miracles", "Content-Length: 5"), 417),
    # --- chunks (RFC 9112, section 7.1)
    **{
        f"a chunk: {name}": (post("Transfer-Encoding: chunked", rest=chunk + EVIL), code)
        for name, chunk, code in (
            ("no number", b"x\r\n", 400),
            ("no size", b"\r\n", 400),
            ("in C", b"0x5\r\nhello\r\n", 400),
            ("with a sign", b"+5\r\nhello\r\n", 400),
            ("negative", b"-5\r\nhello\r\n", 400),
            ("with a space", b" 5\r\nhello\r\n", 400),
            ("with an underscore", b"1_0\r\n", 400),
            ("LF alone", b"5\nhello\r\n", 400),
            ("shorter than it is", b"4\r\nhello\r\n0\r\n\r\n", 400),
            ("longer than it is", b"6\r\nhello\r\n0\r\n\r\n", 400),
            ("too long a size", b"0" * 2000 + b"\r\n", 400),
            ("too long an extension", b"5;" + b"x" * 2000 + b"\r\nhello\r\n", 400),
            ("NUL in an extension", b"5;\0\r\nhello\r\n", 400),
            ("LF in an extension", b"5;\n\r\nhello\r\n", 400),
            ("too long a trailer", b"0\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", 400),
            ("too many trailers", b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", 400),
        )
    },
    # --- size
    "a header line that is too long": (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
    "a head that is too long": (b"GET / HTTP/1.1\r\nHost: x\r\n" + (b"X: " + b"y" * 4000 + b"\r\n") * 5 + b"\r\n", 431),
    "too many header lines": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
}


@pytest.mark.trap(10)
@pytest.mark.parametrize("first", [b"", FIRST], ids=["first", "second"])
@pytest.mark.parametrize(("sent", "code"), REFUSED.values(), ids=REFUSED)
def test_a_bad_request_is_refused_and_what_follows_is_no_request(sent, code, first):
    served = site()
    with Watched() as watched:
        port = connect(served)
        assert codes(port.ask(first)) == ([200] if first else [])
        port.client.send(sent)
        port.client.send(EVIL)
        answer = port.client.read()
        assert codes(answer) == [code]
        assert "content-length" in headers(answer)
        port.loop.run(6)
        assert port.house.inside == 0
    assert b"/evil" not in served["/"].seen
    assert len(served["/"].seen) == (1 if first else 0)
    assert watched.failures == []
    assert len(watched.lines) == 1


@pytest.mark.parametrize(("sent", "code"), [each for name, each in REFUSED.items() if "chunk" in name], ids=repr)
def test_bad_chunks_are_refused_on_the_way_to_a_sink_too(sent, code):
    served = site()
    port = connect(served)
    assert codes(port.ask(sent.replace(b"POST / ", b"POST /stream ", 1))) == [code]
    assert b"/evil" not in served["/"].seen
    assert "finish" not in served["/stream"].told


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (get("/a/../b"), b"GET /a/../b a/../b 0"),
        (get("/a%2Fb/c"), b"GET /a%2Fb/c a/b/c 0"),
        (get("/%2e%2e/%2E%2e"), b"GET /%2e%2e/%2E%2e ../.. 0"),
        (get("//a//b"), b"GET //a//b /a//b 0"),
        (get("/%c0%ae"), b"GET /%c0%ae \xc0\xae 0"),
        (get("http://other/a?b"), b"GET /a?b a 0"),
        (get("HTTPS://other:99?b"), b"GET /?b  0"),
        (get(version="HTTP/1.2"), b"GET /  0"),
        (get(version="HTTP/1.0"), b"GET /  0"),
        (b"GET / HTTP/1.0\r\n\r\n", b"GET /  0"),
        (get(method="BREW"), b"BREW /  0"),
        (post("Content-Length: 00005", rest=b"hello"), b"POST /  5"),
        (post("Content-Length:\t5 ", rest=b"hello"), b"POST /  5"),
        (post("Transfer-Encoding: Chunked", rest=b'5;a=b;c="d"\r\nhello\r\n0\r\nX: y\r\n\r\n'), b"POST /  5"),
        (post("Transfer-Encoding: chunked", rest=b"005\r\nhello\r\n00\r\n\r\n"), b"POST /  5"),
        (post("Content-Length: 0"), b"POST /  0"),
        (post(), b"POST /  0"),
    ],
)
def test_what_is_unusual_but_sound_is_served(sent, said):
    answer = connect(site()).ask(sent)
    assert (status(answer) if answer.startswith(b"HTTP/1.1") else codes(answer)[0]) == 200
    assert body(answer) == said


def test_the_authority_of_a_target_counts_and_not_host():
    class Hosted(Mirror):
        def render(self, request):
            return request.getHeader(b"host")

    answer = connect({"/": Hosted()}).ask(head("GET http://inside:81/ HTTP/1.1", host="outside"))
    assert body(answer) == b"inside:81"


def test_a_star_asks_for_the_options_of_the_server():
    answer = connect(site()).ask(get("*", method="OPTIONS"))
    assert codes(answer) == [200]
    assert b"Server: wampd\r\n" in answer


def test_the_answer_to_head_has_no_body():
    answer = connect(site()).ask(get(method="HEAD") + FIRST)
    assert codes(answer) == [200, 200]
    assert answer.count(b"GET /") == 1


@pytest.mark.parametrize("line", ["close", "Close", "keep-alive, close", "close,TE", "TE , close"])
def test_a_connection_that_is_to_be_closed_is_closed(line):
    port = connect(site())
    answer = port.ask(head("GET / HTTP/1.1", f"Connection: {line}") + EVIL)
    assert codes(answer) == [200]
    assert headers(answer)["connection"] == "close"
    assert port.client.is_cut_off()


@pytest.mark.parametrize("line", ["X: close", "Connection: closed", "Connection: keep-alive"])
def test_others_are_not(line):
    port = connect(site())
    assert codes(port.ask(head("GET / HTTP/1.1", line) + FIRST)) == [200, 200]


# ----------------------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("sent", "trickle"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n"),
        (post("Content-Length: 1000"), b"x"),
        (post("Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        (post("Transfer-Encoding: chunked"), b"0"),
    ],
)
def test_a_request_that_trickles_in_is_told_that_it_is_too_slow(sent, trickle):
    port = connect(site())
    assert codes(port.ask(FIRST)) == [200]
    port.client.send(sent)
    for _ in range(int(PATIENCE) + 1):
        port.client.send(trickle)
        port.loop.run(1)
    assert codes(port.client.read()) == [408]
    port.loop.run(3)
    assert port.house.inside == 0


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        (get(version="HTTP/2.0"), "HTTP requests malformed"),
        (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP requests malformed"),
        (get("/" + "x" * 20_000), "HTTP requests over a limit"),
        (post(f"Content-Length: {MAX_BODY + 1}"), "HTTP requests over a limit"),
        (post("Content-Length: 5", rest=b"abc"), "HTTP requests too slow"),
    ],
)
def test_what_is_refused_is_counted(sent, what):
    struck = []
    port = connect(site(), strike=struck.append)
    port.ask(FIRST)
    assert struck == []
    port.client.send(sent)
    port.loop.run(PATIENCE + 1)
    assert struck == [what]


def test_answers_that_nobody_reads_are_counted():
    class Big(Mirror):
        def render(self, request):
            return b"x" * 2_000_000

    struck = []
    port = connect({"/": Big()}, strike=struck.append)
    port.client.send(FIRST * 20)
    port.loop.run(2 * PATIENCE)
    assert struck == ["HTTP answers not read"]


def test_a_connection_that_nobody_uses_is_closed_without_a_word():
    with Watched() as watched:
        port = connect(site())
        port.ask(FIRST)
        port.loop.run(PATIENCE + 1)
        assert port.client.read() == b""
        assert port.client.is_cut_off()
    assert watched.lines == []


# ------------------------------------------------------------------------------------------------ many at a time


def test_requests_that_come_together_are_answered_in_their_order():
    many = b"".join(get(f"/{number}") for number in range(5 * AT_ONCE))
    served = site()
    port = connect(served)
    answer = port.ask(many)
    assert codes(answer) == [200] * 5 * AT_ONCE
    assert served["/"].seen == [b"/%d" % number for number in range(5 * AT_ONCE)]


def test_others_have_a_turn_between_requests_that_came_together():
    served = site()
    port = connect(served)
    port.protocol.dataReceived(b"".join(get(f"/{number}") for number in range(3 * AT_ONCE)))
    assert len(served["/"].seen) == AT_ONCE + 1
    port.loop.run()
    assert len(served["/"].seen) == 3 * AT_ONCE


def test_a_client_that_asks_much_and_reads_nothing_makes_us_keep_little():
    class Big(Mirror):
        def render(self, request):
            super().render(request)
            return b"x" * 100_000

    big = Big()
    port = connect({"/": big})
    left = port.client.send(FIRST * 10_000)
    assert left > 100_000
    assert len(big.seen) <= 3
    assert len(port.wire.dataBuffer) + port.wire._tempDataLen < 400_000
    port.loop.run(2 * PATIENCE)
    assert port.house.inside == 0


def test_a_client_that_reads_its_answers_later_has_them_all():
    class Big(Mirror):
        def render(self, request):
            return b"x" * 50_000

    port = connect({"/": Big()})
    port.client.send(FIRST * 30)
    answer = b""
    for _ in range(30):
        port.loop.run(1)
        answer += port.client.read(100_000)
    assert len(codes(answer + port.client.read())) == 30


def test_a_chunk_beyond_all_is_read_as_far_as_the_limit_goes():
    port = connect(site())
    assert port.ask(post("Transfer-Encoding: chunked") + b"F" * 20 + b"\r\n" + EVIL) == b""
    port.client.send(b"x" * MAX_BODY)
    assert codes(port.client.read()) == [413]


def test_chunks_that_are_mostly_framing_are_refused():
    port = connect(site())
    port.client.send(post("Transfer-Encoding: chunked"))
    port.client.send((b"1;" + b"x" * 500 + b"\r\ny\r\n") * 100)
    assert codes(port.client.read()) == [400]
    port = connect(site())
    assert codes(port.ask(post("Transfer-Encoding: chunked") + b"2\r\nyy\r\n" * 20_000 + b"0\r\n\r\n")) == [200]


# ----------------------------------------------------------------------------------------------------- anything

_pieces = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"POST /stream HTTP/1.1\r\n",
        b"POST / HTTP/1.0\r\n",
        b"Host: x\r\n",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"\r\n",
        b"\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"hello",
        b"%",
        b" ",
        b":",
        FIRST,
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    pieces=st.lists(st.one_of(_pieces, st.binary(max_size=20)), max_size=30),
    cuts=st.lists(st.integers(0, 200), max_size=5),
    first=st.booleans(),
)
def test_whatever_comes_there_is_an_answer_or_a_close_and_never_a_failure(pieces, cuts, first):
    sent = (FIRST if first else b"") + b"".join(pieces)
    with Watched() as watched:
        port = connect(site())
        for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(sent)], strict=True):
            with suppress(BrokenPipeError):  # it has been closed
                port.client.send(sent[begin:end])
        answer = port.client.read()
        port.loop.run(3 * PATIENCE, step=1)
        answer += port.client.read()
        assert port.house.inside == 0, "the connection is still there"
    assert watched.failures == []
    assert all(100 <= code < 500 or code in (501, 505) for code in codes(answer))
    if first:
        assert codes(answer)[0] == 200
