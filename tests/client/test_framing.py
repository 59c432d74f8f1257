"""The client's side of the two framings, against the router's, without sockets; and whatever else may answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.client.framing import MESSAGE_SIZE, RawSocketClient, WebSocketClient
from wampd.client.speech import SERIALIZERS, Speech
from wampd.client.urls import read_url
from wampd.router.transports.upgrade import Opened, WebSocketPath, open_websocket
from wampd.router.wire.framing import FrameLimits
from wampd.router.wire.rawsocket import HandshakeError, RawSocketFraming, handshake_reply, read_handshake

URL = read_url("ws://router.example:8080/ws")


def websocket(serializer="json", offered=None):
    """A client, and the router's framing that it is connected to."""
    client = WebSocketClient(Speech(serializer), URL, {"Cookie": "a=b"})
    head = client.hello()
    opened = open_websocket(head, WebSocketPath(serializers=(offered or serializer,)), FrameLimits())
    assert isinstance(opened, Opened)
    assert client.feed(opened.reply) == []
    return client, opened.framing


def rawsocket(serializer="json"):
    client = RawSocketClient(Speech(serializer))
    hello = read_handshake(client.hello(), frozenset({1, 2, 3, 4, 5}))
    assert hello.max_send == MESSAGE_SIZE
    assert client.feed(handshake_reply(hello.serializer, 2**16)) == []
    return client, RawSocketFraming(hello.max_send, 2**16)


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("connect", [websocket, rawsocket])
def test_messages_go_both_ways(connect, serializer):
    client, router = connect(serializer)
    assert client.opened
    for payload in (b"[1]", b"x" * 200, b"y" * 60_000):
        assert router.feed(client.frame(payload)) == [payload]
        assert client.feed(router.frame(payload)) == [payload]
    assert not client.ended


@pytest.mark.parametrize("connect", [websocket, rawsocket])
def test_messages_are_put_together_from_single_octets(connect):
    client, router = connect()
    data = router.frame(b"[1]") + router.frame(b"[2]" * 100)
    got = [message for octet in data for message in client.feed(bytes((octet,)))]
    assert got == [b"[1]", b"[2]" * 100]


@pytest.mark.parametrize("connect", [websocket, rawsocket])
def test_a_ping_of_the_router_is_answered(connect):
    client, router = connect()
    assert client.feed(router.ping(b"are you there")) == []
    (reply,) = client.replies
    client.replies.clear()
    assert router.feed(reply) == []
    assert not router.failure


def test_frames_of_a_websocket_client_are_masked():
    client, _ = websocket()
    first = client.frame(b"[1]")
    assert first[1] & 0x80
    assert first[2:6] != client.frame(b"[1]")[2:6]


def test_the_request_names_host_subprotocol_and_cookie():
    head = WebSocketClient(Speech("cbor"), URL, {"Cookie": "a=b"}).hello()
    assert head.startswith(b"GET /ws HTTP/1.1\r\n")
    for line in (b"Host: router.example:8080", b"Sec-WebSocket-Protocol: wamp.2.cbor", b"Cookie: a=b"):
        assert b"\r\n" + line + b"\r\n" in head


def test_rawsocket_keeps_to_what_the_router_takes():
    client, _ = rawsocket()
    with pytest.raises(ValueError, match="the router takes 65536"):
        client.frame(b"x" * 65_537)


@pytest.mark.parametrize("error", HandshakeError)
def test_a_rawsocket_router_that_refuses_is_understood(error):
    client = RawSocketClient(Speech("ubjson"))
    client.feed(error.reply())
    assert client.ended
    assert client.failure.startswith("the router refused: ")
    assert ("ubjson" in client.failure) is (error is HandshakeError.SERIALIZER_UNSUPPORTED)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "it answers in HTTP, so try a ws: URL"),
        (b"SSH-2.0-OpenSSH\r\n", "does not speak RawSocket"),
        (b"\x7f\xf2\x00\x00", "not an answer to ours"),
        (b"\x7f\xf1\x00\x01", "not an answer to ours"),
        (b"\x7f\xf0\x00\x00", "it gives the error 15"),
        (b"", "hung up in the handshake; does it take RawSocket there (rawsocket: {})?"),
        (b"\x7f\xf1\x00\x00\x10\x00\x00\x01x", "reserved bits"),
    ],
)
def test_who_answers_something_else_is_not_taken_for_a_rawsocket_router(octets, why):
    client = RawSocketClient(Speech("json"))
    assert client.feed(octets) == []
    assert client.ended
    assert why in client.failure


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing",
            "answered 404 Not Found: nothing; is the path right?",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<p>A page</p>",
            "answered 200 OK; is the path right? It often is /ws",
        ),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 15\r\n\r\n<html>\x1b[2J</htm", "answered 403 Forbidden"),
        (b"HTTP/1.1 503 No\r\n\r\nfull \x1b[2J up", "answered 503 No: full  [2J up"),
        (
            b"\x7f\x10\x00\x00 this is no HTTP\r\n\r\n",
            "does not speak WebSocket; if there is TLS on that port, the URL begins with wss:",
        ),
        (
            b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
            "no WebSocket",
        ),
    ],
)
def test_who_answers_something_else_is_not_taken_for_a_websocket(answer, why):
    client = WebSocketClient(Speech("json"), URL, {})
    client.hello()
    client.feed(answer)
    client.feed(b"")
    assert client.ended
    assert not client.opened
    assert why in client.failure
    assert "\x1b" not in client.failure


def test_a_websocket_that_speaks_no_wamp_is_refused():
    client = WebSocketClient(Speech("json"), URL, {})
    opened = open_websocket(client.hello(), WebSocketPath(), FrameLimits())
    client.feed(opened.reply)
    assert (client.opened, client.ended) == (False, True)
    assert client.failure == "the server at this path does not speak wamp.2.json"


def test_the_code_with_which_a_websocket_is_closed_is_told():
    client, router = websocket()
    router.close(1008, "slow \x1bconsumer")
    client.feed(b"".join(router.replies))
    assert client.ended
    assert client.failure == "closed with code 1008: slow  consumer"


def test_a_websocket_that_is_closed_in_order_is_no_failure():
    client, router = websocket()
    router.close(1000, "bye")
    client.feed(b"".join(router.replies))
    assert (client.ended, client.failure) == (True, "")
    assert client.frame(b"[1]") == b""


def test_text_where_binary_was_agreed_ends_the_connection():
    client, _ = websocket("cbor")
    client.feed(b"\x81\x03[1]")
    assert client.ended
    assert "text came where binary was agreed" in client.failure


@given(st.lists(st.binary(max_size=64), max_size=8))
def test_whatever_comes_is_taken_without_an_exception(chunks):
    for client in (RawSocketClient(Speech("json")), WebSocketClient(Speech("json"), URL, {})):
        client.hello()
        for chunk in chunks:
            client.feed(chunk)
            client.replies.clear()


@given(st.lists(st.binary(min_size=1, max_size=64), max_size=8))
def test_whatever_comes_after_the_handshake_is_taken_without_an_exception(chunks):
    for connect in (websocket, rawsocket):
        client, _ = connect()
        for chunk in chunks:
            client.feed(chunk)
            client.replies.clear()
