"""A router behind a balancer of TCP connections that speaks the PROXY protocol; a socket plays the balancer."""

import json
import socket
import ssl
import struct

import pytest

from tests.support.certificates import make_certificate
from tests.wire.test_proxy_header import LINE, binary

RAW = b"\x7f\xf1\x00\x00"
CLIENT, OTHER = "198.51.100.7", "203.0.113.9"
LISTENERS = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    proxies: {trusted: [127.0.0.1], header: proxy-protocol}
    limits: {connections_per_address: 1, handshake_timeout: 1 s}
    rawsocket: {}
    http: {/health: {type: health}}
"""


class Balancer:
    """One connection of its, for a client."""

    def __init__(self, port, header=b"", source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
        self.socket.sendall(header)

    def join(self):
        """The answer to a handshake, and to HELLO if there is one."""
        hello = json.dumps([1, "realm1", {"roles": {"caller": {}}}]).encode()
        self.socket.sendall(RAW + struct.pack(">I", len(hello)) + hello)
        answer = self.read(4)
        if answer[1] & 0x0F == 0:  # an error
            return answer
        return json.loads(self.read(struct.unpack(">I", self.read(4))[0]))

    def read(self, size):
        data = b""
        while len(data) < size and (more := self.socket.recv(size - len(data))):
            data += more
        return data

    def is_cut_off(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


@pytest.fixture
def router(start):
    return start(listeners=LISTENERS)


def test_sessions_are_their_clients(router):
    with Balancer(router.port, LINE) as balancer:
        assert balancer.join()[0] == 2
        router.wait_for_log(f"{CLIENT}) joined realm1")
        with Balancer(router.port, binary(CLIENT)) as another:
            assert another.join() == b"\x7f\x40\x00\x00"
        with Balancer(router.port, binary(OTHER)) as another:
            assert another.join()[0] == 2
            router.wait_for_log(f"{OTHER}) joined realm1")
    router.wait_for_log(f"{CLIENT}: refused: no more than 1 connections of one address")


def test_nobody_comes_in_beside_it(router):
    with Balancer(router.port, binary(CLIENT), source="127.0.0.5") as stranger:
        assert stranger.is_cut_off()
    router.wait_for_log("127.0.0.5: refused: it is none of the proxies that all come by")


def test_without_a_header_nothing_is_answered(router):
    for header in (RAW, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n", b"PROXY hunter2 hunter2\r\n", b"PROX"):
        with Balancer(router.port, header) as balancer:
            assert balancer.is_cut_off()
    assert "hunter2" not in router.log()


def test_the_header_is_before_tls(start, tmp_path):
    pem = make_certificate(tmp_path)
    tls = f"tls: {{certificate: {pem[0]}, key: {pem[1]}}}\n    rawsocket"
    router = start(listeners=LISTENERS.replace("rawsocket", tls))
    context = ssl.create_default_context(cafile=pem[0])  # which takes a while, and the handshake has a second
    with Balancer(router.port, LINE) as balancer:
        balancer.socket = context.wrap_socket(balancer.socket, server_hostname="localhost")
        assert balancer.join()[0] == 2
    router.wait_for_log(f"{CLIENT}) joined realm1")
