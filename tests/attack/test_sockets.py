"""Bytes of all sorts on the sockets of a running router: each bad connection ends with about one line in the log, in bounded
memory, and nobody else notices.
"""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.attack.client import Client, ClosedError, joined, memory, singing
from tests.attack.conftest import Attacked, running, settings
from tests.attack.inside import EVERY_ROLE, frame, masked, websocket_request

MIB = 2**20
SHORT = {"handshake_timeout": 0.5, "join_timeout": 1.0, "close_timeout": 0.5, "ping_interval": 0.5, "ping_timeout": 2.0}

CHANCE = random.Random(20)  # the same every time


def raw(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 60)


def until_ended(peer: socket.socket) -> bytes:
    """All that the router says until it closes or resets the connection."""
    received = b""
    try:
        while data := peer.recv(65536):
            received += data
    except ConnectionError:
        pass
    return received


def lines(router: Attacked) -> int:
    return router.log().count("\n")


def settled(router: Attacked) -> int:
    """The number of lines in the log once no more are added."""
    count = -1
    while count != (count := lines(router)):
        time.sleep(0.1)
    return count


BAD: dict[str, bytes] = {
    "zeros": bytes(100),
    "noise": CHANCE.randbytes(5_000),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + CHANCE.randbytes(500),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP 0.9": b"GET /\r\n\r\n",
    "another path": b"GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a long line": b"GET /" + b"a" * 20_000,
    "many headers": b"GET /ws HTTP/1.1\r\n" + b"A: b\r\n" * 200,
    "WebSocket without a key": b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "unknown subprotocol": websocket_request(protocol="soap"),
    "RawSocket with a serializer of 9": b"\x7f\xf9\0\0",
    "RawSocket with reserved bits": b"\x7f\xf1\1\0",
    "RawSocket frame of type 7": b"\x7f\xf1\0\0\7\0\0\1x",
    "RawSocket frame of 16 MiB": b"\x7f\xf1\0\0\x00\xff\xff\xff",
    "RawSocket nonsense": b"\x7f\xf1\0\0" + frame(b"nonsense"),
    "RawSocket empty message": b"\x7f\xf1\0\0" + frame(b""),
    "RawSocket MessagePack nonsense": b"\x7f\xf2\0\0" + frame(b"\xc1"),
    "RawSocket CBOR nonsense": b"\x7f\xf3\0\0" + frame(b"\x9f\x01"),
    "unmasked frame": websocket_request() + b"\x81\x02hi",
    "reserved opcode": websocket_request() + masked(b"hi", 0x83),
    "frame of 2^63 bytes": websocket_request() + b"\x81\xff" + b"\xff" * 8 + bytes(4),
    "binary for JSON": websocket_request() + masked(b"hi", 0x82),
    "not UTF-8": websocket_request() + masked(b"[1,\xff"),
    "close of one byte": websocket_request() + masked(b"\x03", 0x88),
    "continuation of nothing": websocket_request() + masked(b"hi", 0x80),
    "long ping": websocket_request() + b"\x89\xfe\x00\x7e" + bytes(4 + 126),
    "HELLO of a list": b"\x7f\xf1\0\0" + frame(b'[1,"realm1",[]]'),
    "HELLO without roles": b"\x7f\xf1\0\0" + frame(b'[1,"realm1",{}]'),
    "HELLO to nowhere": b"\x7f\xf1\0\0" + frame(json.dumps([1, "nowhere", {"roles": EVERY_ROLE}]).encode()),
    "CALL before HELLO": b"\x7f\xf1\0\0" + frame(b'[48,1,{},"a.b"]'),
}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A router that does not wait long."""
    with running(settings(limits=SHORT), tmp_path_factory.mktemp("quick")) as attacked:
        yield attacked


@pytest.mark.parametrize("name", BAD)
def test_a_bad_connection_is_ended_and_told_in_one_line(quick: Attacked, name: str) -> None:
    router = quick
    before = settled(router)
    with raw(router.port) as peer:
        peer.sendall(BAD[name])
        received = until_ended(peer)
    router.process.wait_until(lambda: lines(router) > before, "it is told")
    assert settled(router) - before == 1
    assert len(received) < 2_000


def test_noise_after_a_handshake_does_not_add_up(router: Attacked) -> None:
    with singing(router.port):
        memories = []
        for _ in range(3):
            for _ in range(20):
                for begin in (b"", b"\x7f\xf1\0\0", b"\x7f\xf2\0\0", b"\x7f\xf3\0\0", websocket_request()):
                    with raw(router.port) as peer:
                        peer.sendall(begin + CHANCE.randbytes(CHANCE.randrange(1, 3_000)))
            memories.append(memory(router.pid))
        assert memories[-1] - memories[0] < 8 * MIB, memories


def test_garbage_in_a_session_ends_that_session_alone(router: Attacked) -> None:
    with singing(router.port):
        for transport in ("rawsocket", "websocket"):
            for codec in ("json", "msgpack", "cbor"):
                for _ in range(10):
                    client = joined(router.port, transport, codec)
                    client.socket.sendall(client.framed(CHANCE.randbytes(40)))
                    answer: list[Any] = [3]
                    try:
                        answer = client.receive()
                    except ClosedError:  # not UTF-8: the WebSocket itself fails
                        assert (transport, codec) == ("websocket", "json")
                    assert answer[0] == 3
                    client.close()


def test_resets_at_every_moment(router: Attacked) -> None:
    conversation = b"\x7f\xf1\0\0" + b"".join(
        frame(json.dumps(message).encode())
        for message in ([1, "realm1", {"roles": EVERY_ROLE}], [32, 1, {}, "com.reset"], [48, 2, {}, "com.reset"])
    )
    with singing(router.port):
        for size in range(0, len(conversation), 3):
            peer = Client(router.port)
            peer.socket.sendall(conversation[:size])
            peer.reset()
        with joined(router.port) as client:
            answer = client.ask(16, {"acknowledge": True}, "com.reset")
            assert answer[0] == 17


def test_messages_dripped_byte_by_byte_are_served(router: Attacked) -> None:
    for transport in ("rawsocket", "websocket"):
        with Client(router.port, transport) as client:
            client.shake_hands()
            for message in ([1, "realm1", {"roles": {"caller": {}}}], [48, 1, {}, "com.nobody"]):
                for byte in client.framed(client.encode(message)):
                    client.socket.sendall(bytes((byte,)))
                assert client.receive()[0] in (2, 8)


@pytest.mark.trap(15)
@pytest.mark.parametrize(
    ("begin", "within"),
    [
        (b"", 5.0),
        (b"\x7f", 5.0),
        (b"GET /ws HTTP/1.1\r\n", 5.0),
        (b"\x7f\xf1\0\0", 10.0),
        (b"\x7f\xf1\0\0\0\0\0\x50[1,", 10.0),
        (websocket_request(), 10.0),
        (websocket_request() + b"\x01\x85\0\0\0\0[1,\"r", 10.0),
        (websocket_request() + masked(b"\x03\xe8", 0x88)[:5], 10.0),
        (websocket_request() + masked(b"\x83", 0x83), 5.0),
    ],
    ids=range(9),
)  # fmt: skip
def test_who_does_not_go_on_is_cut_off(quick: Attacked, begin: bytes, within: float) -> None:
    """``within`` is what would be waited if nothing were configured: ten times what is."""
    with singing(quick.port):
        started = time.monotonic()
        with raw(quick.port) as peer:
            peer.settimeout(20)
            peer.sendall(begin)
            until_ended(peer)
        assert time.monotonic() - started < within


@pytest.mark.trap(15)
def test_a_drip_does_not_hold_a_handshake_open(start: Callable[..., Attacked]) -> None:
    router = start(limits=SHORT)
    with singing(router.port):
        for begin in (b"GET /ws HTTP/1.1\r\n", b"\x7f\xf1\0\0\0\0\xff\xff"):
            started = time.monotonic()
            with raw(router.port) as peer:
                peer.sendall(begin)
                try:
                    while time.monotonic() < started + 20:
                        peer.sendall(b"a")
                        time.sleep(0.02)
                except ConnectionError:
                    pass
            assert time.monotonic() - started < 10.0


@pytest.mark.trap(15)
def test_who_never_answers_a_ping_is_gone(start: Callable[..., Attacked]) -> None:
    router = start(limits=SHORT)
    with singing(router.port) as canary:
        mute = [joined(router.port, transport) for transport in ("rawsocket", "websocket")]
        for client in mute:
            assert client.is_cut_off()
            client.close()
        canary.measure(1.0)
    assert router.log().count("connection lost: no answer to a ping") == 2


@pytest.mark.trap(15)
def test_who_never_closes_after_the_close_frame_is_gone(start: Callable[..., Attacked]) -> None:
    router = start(limits=SHORT)
    client = joined(router.port, "websocket")
    client.send([48, 1, {}, 7])
    assert client.receive()[2] == "wamp.error.protocol_violation"
    assert client.receive_frame()[0] == 8
    time.sleep(1.0)  # neither a close frame nor the end of the stream is sent
    assert client.is_reset()
    client.close()
