"""Proofs of scram that are bound to a TLS connection, against the running router."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from tests.support.certificates import Pem, make_certificate
from tests.support.process import running_wampd
from tests.support.proving import Prover

HELLO, WELCOME, ABORT, CHALLENGE, AUTHENTICATE = range(1, 6)

CONFIGURATION = """\
realms:
  - name: realm1
    roles: [{name: member}]
    auth:
      scram: {iterations: 1, memory: 8, channel_binding: %s}
      principals: [{authid: joe, role: member, password: hunter2}]
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    rawsocket: {}
    tls: {certificate: cert.pem, key: key.pem}
"""


class End:
    """The client's end of a connection: RawSocket with JSON, inside TLS."""

    def __init__(self, connection: SSL.Connection) -> None:
        self.connection = connection
        connection.sendall(b"\x7f\xf1\x00\x00")
        assert self._read(4)[0] == 0x7F

    def say(self, *message: Any) -> Any:
        """Send a message; the answer."""
        payload = json.dumps(message).encode()
        self.connection.sendall(struct.pack(">I", len(payload)) + payload)
        return json.loads(self._read(struct.unpack(">I", self._read(4))[0]))

    def hello(self, prover: Prover) -> Any:
        """Say HELLO; the answer."""
        details = {"authmethods": ["wamp-scram"], "authid": "joe", "authextra": prover.authextra}
        return self.say(HELLO, "realm1", {"roles": {"caller": {}}, **details})

    def binding(self, kind: str) -> bytes:
        """The channel id as this end knows it."""
        if kind == "tls-unique":
            return self.connection.get_finished()
        if kind == "tls-exporter":
            return self.connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
        certificate: x509.Certificate = self.connection.get_peer_certificate(as_cryptography=True)
        return certificate.fingerprint(hashes.SHA256())

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self.connection.recv(count - len(data))
        return data


@contextmanager
def connected(port: int, version: int) -> Iterator[End]:
    """A connection of this version of TLS."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        plain.setblocking(True)  # pyOpenSSL knows no timeouts
        connection = SSL.Connection(context, plain)
        connection.set_connect_state()
        connection.do_handshake()
        yield End(connection)


@pytest.fixture(scope="module", params=["optional", "required"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("bound")
    made: Pem = make_certificate(folder)
    made.certificate.rename(folder / "cert.pem")
    made.key.rename(folder / "key.pem")
    configuration = folder / "config.yaml"
    configuration.write_text(CONFIGURATION % request.param)
    with running_wampd(configuration, folder / "wampd.log") as (wampd, number):
        yield number
        said = wampd.log()
    assert "Traceback" not in said, said
    assert "hunter2" not in said


KINDS = pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("tls-unique", SSL.TLS1_2_VERSION),
        ("tls-exporter", SSL.TLS1_3_VERSION),
        ("tls-server-end-point", SSL.TLS1_2_VERSION),
        ("tls-server-end-point", SSL.TLS1_3_VERSION),
    ],
)


@KINDS
@pytest.mark.spec("SCR-09", "SCR-03", "SCR-01")
def test_a_proof_that_is_bound_to_the_connection_is_welcome(port, kind, version):
    with connected(port, version) as end:
        prover = Prover("joe", "hunter2").bound(kind, end.binding(kind))
        _, method, extra = end.hello(prover)
        assert method == "wamp-scram"
        code, _, details = end.say(AUTHENTICATE, prover.prove(extra), prover.answer(extra))
        assert code == WELCOME
        assert prover.believes(details["authextra"]["verifier"])


@pytest.mark.parametrize(
    ("kind", "version"), [("tls-unique", SSL.TLS1_2_VERSION), ("tls-exporter", SSL.TLS1_3_VERSION)]
)
@pytest.mark.spec("SCR-09", "SCR-03")
def test_a_proof_that_is_passed_on_to_another_connection_is_not(port, kind, version):
    with connected(port, version) as end, connected(port, version) as thief:
        prover = Prover("joe", "hunter2").bound(kind, end.binding(kind))
        _, _, extra = thief.hello(prover)  # who stands in between asks in the name of the client …
        proof = prover.prove(extra)  # … and has the client answer
        answer = thief.say(AUTHENTICATE, proof, prover.answer(extra))
        assert answer == [
            ABORT,
            {"message": "authentication failed", "scram": "channel-bindings-dont-match"},
            "wamp.error.authentication_denied",
        ]


@pytest.mark.parametrize(
    ("kind", "version"), [("tls-exporter", SSL.TLS1_2_VERSION), ("tls-unique", SSL.TLS1_3_VERSION)]
)
@pytest.mark.spec("SCR-01", "SCR-09")
def test_a_version_of_tls_has_not_every_kind(port, kind, version):
    with connected(port, version) as end:
        code, details, reason = end.hello(Prover("joe", "hunter2").bound(kind, b"hunter2"))
        assert (code, details["scram"], reason) == (
            ABORT,
            "unsupported-channel-binding-type",
            "wamp.error.authentication_failed",
        )


@pytest.mark.spec("SCR-09")
def test_who_binds_nothing_comes_in_only_where_that_is_optional(port, request):
    required = "required" in request.node.name
    with connected(port, SSL.TLS1_3_VERSION) as end:
        prover = Prover("joe", "hunter2")
        answer = end.hello(prover)
        if required:
            assert answer[0] == ABORT
            assert answer[1]["scram"] == "server-does-support-channel-binding"
        else:
            assert end.say(AUTHENTICATE, prover.prove(answer[2]), prover.answer(answer[2]))[0] == WELCOME
