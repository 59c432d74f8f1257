"""HTTP requests made to confuse: they are refused in one line, and nothing breaks (limits and trust, trap 10)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.logger import LogLevel, formatEvent

from tests.attack.inside import House, websocket_request
from tests.support.overheard import overheard
from wampd.router.observe.lines import text_line

pytestmark = pytest.mark.trap(10)


@pytest.fixture
def log() -> Iterator[list[dict[str, Any]]]:
    """The events logged during a test; none of them may be an error."""
    with overheard() as events:
        yield events
    assert not [formatEvent(event) for event in events if event.get("log_level") in (LogLevel.error, LogLevel.critical)]


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


SEPARATORS = (0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0x0D, 0x0A, 0x00)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_only_crlf_ends_a_header(log: list[dict[str, Any]], separator: int) -> None:
    hidden = b"X-One: a" + bytes((separator,)) + b"Origin: http://evil.example\r\n"
    answer = House().connect().send(websocket_request(extra=hidden))
    # 0x85 is an octet like others in a value; the rest may not be in one. In no case does the hidden header count.
    assert status(answer) == (101 if separator == 0x85 else 400)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_only_crlf_ends_the_request_line(log: list[dict[str, Any]], separator: int) -> None:
    request = b"GET /ws HTTP/1.1" + bytes((separator,)) + websocket_request()[len(b"GET /ws HTTP/1.1\r\n") :]
    assert status(House().connect().send(request)) in (400, 404)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_nothing_but_a_blank_line_of_crlf_ends_the_head(log: list[dict[str, Any]], separator: int) -> None:
    wire = House().connect()
    head = websocket_request()[:-4] + bytes((separator, separator))
    answer = wire.send(head)
    if separator == 0x0A:  # refused as soon as it is seen
        assert status(answer) == 400
    else:
        assert answer == b""
        assert not wire.transport.lost


@pytest.mark.parametrize(
    "origins",
    [
        (b"http://evil.example",),
        (b"http://localhost", b"http://localhost"),
        (b"http://localhost, http://evil.example",),
        (b"http://[",),
        (b"http://localhost:x",),
        (b"\xff",),
        (b"null",),
        (b"",),
    ],
)
def test_an_origin_that_is_not_this_host_is_refused(log: list[dict[str, Any]], origins: tuple[bytes, ...]) -> None:
    extra = b"".join(b"Origin: " + origin + b"\r\n" for origin in origins)
    assert status(House().connect().send(websocket_request(extra=extra))) == 403
    assert len(log) == 1


def test_no_host_is_the_same_as_no_origin() -> None:
    request = websocket_request(extra=b"Origin: null\r\n").replace(b"Host: localhost", b"Host: ")
    assert status(House().connect().send(request)) == 403


@pytest.mark.parametrize("path", [b"/a\nFAKE", b"/a\rFAKE", b"/\x1b[31m", b"/\xc2\x85FAKE", b"/" + b"x" * 5000])
def test_a_path_is_logged_in_one_short_line(log: list[dict[str, Any]], path: bytes) -> None:
    answer = House().connect().send(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status(answer) in (400, 404)
    (line,) = map(text_line, log)
    assert line.count("\n") == 1
    assert line.isprintable() or line[:-1].isprintable()
    assert len(line) < 500
    assert len(answer) < 1000


def test_the_answer_to_a_request_tells_nothing_of_a_page_to_a_browser_but_text() -> None:
    answer = House().connect().send(b"GET /<script> HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"Content-Type: text/plain; charset=utf-8\r\n" in answer


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 17_000, 431),
        (b"G" * 17_000, 414),
    ],
    ids=["lines", "header", "line"],
)
def test_a_head_beyond_its_limits_is_refused_before_it_ends(request_: bytes, code: int) -> None:
    assert status(House().connect().send(request_)) == code


@pytest.mark.parametrize("begin", [b"\x00", b"\x16\x03\x01", b"\xff" * 100, b"\r\n", b" GET", b"\x7e\xf1\0\0"])
def test_what_is_neither_rawsocket_nor_http_is_closed_without_a_word(log: list[dict[str, Any]], begin: bytes) -> None:
    wire = House().connect()
    assert wire.send(begin) == b""
    assert wire.transport.lost
    assert len(log) == 1
