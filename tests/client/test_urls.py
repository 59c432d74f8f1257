"""URLs of routers: what they mean, and what is said of those that mean nothing."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.client.urls import Url, WrongUrl, read_url


@pytest.mark.parametrize(
    ("text", "kind", "host", "port", "socket", "resource", "secure"),
    [
        ("ws://example.com/ws", "websocket", "example.com", 80, "", "/ws", False),
        ("ws://example.com", "websocket", "example.com", 80, "", "/", False),
        ("wss://example.com/a/b?c=d", "websocket", "example.com", 443, "", "/a/b?c=d", True),
        ("wss://[::1]:8443/ws", "websocket", "::1", 8443, "", "/ws", True),
        ("rs://127.0.0.1:9000", "rawsocket", "127.0.0.1", 9000, "", "/", False),
        ("tcp://127.0.0.1:9000/", "rawsocket", "127.0.0.1", 9000, "", "/", False),
        ("rss://example.com:9443", "rawsocket", "example.com", 9443, "", "/", True),
        ("tls://example.com:9443", "rawsocket", "example.com", 9443, "", "/", True),
        ("rs+unix:///run/wampd/1.sock", "rawsocket", "", 0, "/run/wampd/1.sock", "/", False),
        ("ws+unix:///run/w.sock:/ws?x", "websocket", "", 0, "/run/w.sock", "/ws?x", False),
        ("ws+unix:///run/a%20b.sock", "websocket", "", 0, "/run/a b.sock", "/", False),
    ],
)
def test_a_url_says_transport_and_place(text, kind, host, port, socket, resource, secure):
    assert read_url(text) == Url(text, kind, host, port, socket, resource, secure)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with none of ws:"),
        ("localhost:8080", "begins with none of"),
        ("http://localhost/ws", "write ws://localhost/ws"),
        ("https://localhost/ws", "write wss://localhost/ws"),
        ("ws://", "names no host"),
        ("ws://joe:hunter2@localhost/ws", "no user and no password"),
        ("ws://localhost:99999/ws", "not a URL"),
        ("ws://localhost:0/ws", "port 0"),
        ("ws://[::1/ws", "not a URL"),
        ("ws://localhost/ws#top", "no fragment"),
        ("ws://localhost/my ws?a=\u00e9", "write /my%20ws?a=%C3%A9"),
        ("ws+unix:///run/w.sock:/my ws", "write /my%20ws"),
        ("rs://localhost", "names no port"),
        ("rs://localhost:1/ws", "no paths"),
        ("rs://localhost:1?a=b", "no paths"),
        ("rs+unix://run/w.sock", "absolute path"),
        ("rs+unix:run/w.sock", "absolute path"),
        ("rs+unix:///" + "a" * 107, "at most 107 bytes"),
        ("rs+unix:///run/%00", "NUL"),
        ("rs+unix:///run/w.sock?x", "no queries"),
    ],
)
def test_what_is_wrong_with_a_url_is_said(text, why):
    with pytest.raises(WrongUrl) as wrong:
        read_url(text)
    assert why in str(wrong.value)
    assert "hunter2" not in str(wrong.value)


@given(st.text())
def test_no_text_does_anything_else(text):
    with contextlib.suppress(WrongUrl):
        read_url(text)


def test_a_place_is_shown_as_people_write_it():
    assert read_url("ws://[::1]:80/ws").where == "[::1]:80"
    assert read_url("rs+unix:///a").where == "/a"
