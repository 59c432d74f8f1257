"""What a request's head must be like: the rules themselves, whatever else looks at a request before or after."""

import pytest

from wampd.router.http.head import (
    MAX_DIGITS,
    MAX_METHOD,
    MAX_SEGMENTS,
    RequestLine,
    fault_of_head,
    fault_of_line,
    read_line,
)

LINE = RequestLine(b"POST", b"/", b"HTTP/1.1")
OLD = RequestLine(b"POST", b"/", b"HTTP/1.0")


def code(fault):
    return None if fault is None else getattr(fault, "status", 200)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET / HTTP/1.1", 200),
        (b"GET  / HTTP/1.1", 400),
        (b"GET /", 400),
        (b"GET / HTTP/1.1 ", 400),
        (b"G(T / HTTP/1.1", 400),
        (b"G\x0bT / HTTP/1.1", 400),
        (b"GET\xe9 / HTTP/1.1", 400),
        (b" / HTTP/1.1", 400),
        (b"GET / http/1.1", 400),
        (b"GET / HTTP/11", 400),
        (b"GET / HTTP/2.0", 505),
        (b"GET / HTTP/0.9", 505),
        (b"M" * MAX_METHOD + b" / HTTP/1.1", 200),
        (b"M" * (MAX_METHOD + 1) + b" / HTTP/1.1", 501),
        (b"CONNECT x:443 HTTP/1.1", 501),
        (b"GET /\x00 HTTP/1.1", 400),
        (b"GET /# HTTP/1.1", 400),
        (b"GET /%0 HTTP/1.1", 400),
        (b"GET /%00 HTTP/1.1", 400),
        (b"GET x HTTP/1.1", 400),
        (b"GET * HTTP/1.1", 400),
        (b"OPTIONS * HTTP/1.1", 200),
        (b"GET " + b"/" * MAX_SEGMENTS + b" HTTP/1.1", 200),
        (b"GET " + b"/" * (MAX_SEGMENTS + 1) + b" HTTP/1.1", 414),
        (b"GET /?" + b"/" * MAX_SEGMENTS + b" HTTP/1.1", 200),
        (b"GET http:/// HTTP/1.1", 400),
        (b"GET http://a@b/ HTTP/1.1", 400),
    ],
)
def test_a_first_line_is_one_or_is_refused(line, status):
    assert code(read_line(line)) == status


@pytest.mark.parametrize(
    ("line", "target", "authority"),
    [
        (b"GET /a?b HTTP/1.7", b"/a?b", None),
        (b"OPTIONS * HTTP/1.1", b"*", None),
        (b"OPTIONS http://a.example HTTP/1.1", b"*", b"a.example"),
        (b"OPTIONS http://a.example/ HTTP/1.1", b"/", b"a.example"),
        (b"OPTIONS http://a.example?b HTTP/1.1", b"/?b", b"a.example"),
        (b"GET http://a.example HTTP/1.1", b"/", b"a.example"),
        (b"GET HTTPS://a.example:8443?b HTTP/1.1", b"/?b", b"a.example:8443"),
        (b"GET http://[::1]:80/b HTTP/1.1", b"/b", b"[::1]:80"),
    ],
)
def test_a_target_is_read_in_one_way(line, target, authority):
    read = read_line(line)
    assert (read.target, read.authority, read.version) == (target, authority, b"HTTP/1.1")
    assert bytes(read).split(b" ")[1] == target


def test_the_version_before_is_kept():
    assert read_line(b"GET / HTTP/1.0").version == b"HTTP/1.0"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"X-Any: \x80", None),
        (b" X-Any: folded", 400),
        (b"\tX-Any: folded", 400),
        (b"Content-Length: 5", None),
        (b"content-length:\t5 ", None),
        (b"Content-Length: +5", 400),
        (b"Content-Length: -5", 400),
        (b"Content-Length: 0x5", 400),
        (b"Content-Length: 5, 5", 400),
        (b"Content-Length: 5_0", 400),
        (b"Content-Length: \xb2", 400),
        (b"Content-Length:", 400),
        (b"Content-Length: " + b"1" * MAX_DIGITS, None),
        (b"Content-Length: " + b"1" * (MAX_DIGITS + 1), 413),
        (b"Transfer-Encoding: Chunked", None),
        (b"Transfer-Encoding: gzip, chunked", 501),
        (b"Transfer-Encoding: chunked, gzip", 400),
        (b"Transfer-Encoding: chunked, chunked", 400),
        (b"Transfer-Encoding: \x0bchunked", 400),
        (b"Transfer-Encoding: identity", 400),
        (b"Transfer-Encoding:", 400),
        (b"Expect: 100-Continue", None),
        (b"Expect: 200-ok", 417),
    ],
)
@pytest.mark.trap(10)
def test_a_header_line_is_sound_or_refused(line, status):
    assert code(fault_of_line(line)) == status


@pytest.mark.parametrize(
    ("line", "hosts", "lengths", "codings", "status"),
    [
        (LINE, [b"x"], [], [], None),
        (LINE, [b"x"], [b"5"], [], None),
        (LINE, [b"x"], [], [b"chunked"], None),
        (LINE, [], [], [], 400),
        (OLD, [], [], [], None),
        (OLD, [b"x"], [], [], None),
        (OLD, [b"x", b"x"], [], [], 400),
        (LINE, [b"x", b"x"], [], [], 400),
        (LINE, [b""], [], [], None),
        (LINE, [b"x y"], [], [], 400),
        (LINE, [b"x/y"], [], [], 400),
        (LINE, [b"x@y"], [], [], 400),
        (LINE, [b"x:123456"], [], [], 400),
        (LINE, [b"x"], [b"5", b"5"], [], 400),
        (LINE, [b"x"], [b"5", b"6"], [], 400),
        (LINE, [b"x"], [b"5"], [b"chunked"], 400),
        (LINE, [b"x"], [], [b"chunked", b"chunked"], 400),
        (OLD, [b"x"], [], [b"chunked"], 400),
    ],
)
def test_a_head_tells_host_and_length_in_one_way_only(line, hosts, lengths, codings, status):
    assert code(fault_of_head(line, hosts, lengths, codings)) == status
