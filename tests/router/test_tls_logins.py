"""The running router, and clients that log in over TLS: bound to the connection, or by their certificate."""

import json
import socket

import pytest
from OpenSSL import SSL

from tests.router.client import ABORT, WELCOME, Session
from tests.support.authority import Authority, fingerprint
from tests.support.certificates import make_certificate
from wampd.auth.keys import SigningKey

HELLO, CHALLENGE, AUTHENTICATE, CALL, RESULT, REGISTER, REGISTERED, INVOCATION, YIELD = 1, 4, 5, 48, 50, 64, 65, 68, 70
ROLES = {"caller": {}, "callee": {}}
JOE = SigningKey(b"hunter2 of joe".ljust(32, b"."))
REALMS = f"""
realms:
  - name: realm1
    roles:
      - name: user
        permissions: [{{uri: wamp., match: prefix, allow: [call]}}]
    auth:
      cryptosign: {{channel_binding: required}}
      tls: {{}}
      principals:
        - {{authid: joe, role: user, keys: [{JOE.public.hex()}]}}
        - {{authid: ann, role: user, certificates: [{{subject: "CN=ann,O=Example\\\\, Inc."}}]}}
  - name: asked
    roles: [{{name: user}}]
    auth:
      tls: {{authenticator: {{procedure: com.auth.tls, realm: asking}}}}
  - name: asking
    roles: [{{name: oracle, permissions: [{{uri: com.auth., match: prefix, allow: [register]}}]}}]
    auth: {{anonymous: {{role: oracle}}}}
"""
LISTENERS = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    tls:
      certificate: localhost.crt
      key: localhost.key
      client_certificates: {authorities: authority.crt, required: false}
    websocket: {/ws: {type: wamp}}
    rawsocket: {}
  - endpoint: unix:plain
    websocket: {/ws: {type: wamp}}
"""


class Client:
    """RawSocket with JSON inside TLS, by means of OpenSSL's own client."""

    def __init__(self, port, version, pem=None):
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
        if pem is not None:
            context.use_certificate_file(str(pem.certificate))
            context.use_privatekey_file(str(pem.key))
        self._socket = socket.create_connection(("127.0.0.1", port))
        self.tls = SSL.Connection(context, self._socket)
        self.tls.set_connect_state()
        self.tls.do_handshake()
        self.tls.sendall(b"\x7f\xf1\x00\x00")
        assert self._read(4) == b"\x7f\xb1\x00\x00"

    def say(self, *message):
        data = json.dumps(message).encode()
        self.tls.sendall(len(data).to_bytes(4, "big") + data)

    def hear(self):
        return json.loads(self._read(int.from_bytes(self._read(4), "big")))

    def _read(self, size):
        data = b""
        while len(data) < size:
            data += self.tls.recv(size - len(data))
        return data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


@pytest.fixture
def router(start, tmp_path):
    make_certificate(tmp_path)
    router = start(realms=REALMS, listeners=LISTENERS)
    yield router
    assert router.stop() == 0
    said = router.log()
    assert "Traceback" not in said
    assert "a bug in wampd" not in said


@pytest.fixture(autouse=True)
def authority(tmp_path):
    return Authority(tmp_path)


def bound(client, kind, channel_id):
    """Log in with a signature for this channel."""
    extra = {"pubkey": JOE.public.hex(), "channel_binding": kind}
    client.say(HELLO, "realm1", {"roles": ROLES, "authmethods": ["cryptosign"], "authextra": extra})
    asked = client.hear()
    assert asked[:2] == [CHALLENGE, "cryptosign"]
    assert asked[2]["channel_binding"] == kind
    message = bytes(a ^ b for a, b in zip(bytes.fromhex(asked[2]["challenge"]), channel_id, strict=True))
    client.say(AUTHENTICATE, (JOE.sign(message) + message).hex(), {})
    return client.hear()


def exported(client):
    return client.tls.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")


@pytest.mark.spec("CSG-04")
def test_a_login_on_tls_1_3_is_bound_by_what_tls_exports(router):
    with Client(router.port, SSL.TLS1_3_VERSION) as joe, Client(router.port, SSL.TLS1_3_VERSION) as other:
        welcome = bound(joe, "tls-exporter", exported(joe))
        assert welcome[0] == WELCOME
        assert welcome[2]["authid"] == "joe"
        # What somebody in between has of the client's own connection is of no use on another one.
        assert bound(other, "tls-exporter", exported(joe))[::2] == [ABORT, "wamp.error.authentication_denied"]


@pytest.mark.spec("CSG-04", "TLA-02", "AUT-07")
def test_others_see_nothing_of_the_channel(router):
    with Client(router.port, SSL.TLS1_3_VERSION) as joe:
        session = bound(joe, "tls-exporter", exported(joe))[1]
        joe.say(CALL, 1, {}, "wamp.session.get", [session])
        result = joe.hear()
        assert result[:2] == [RESULT, 1]
        assert result[3][0]["transport"].keys() <= {"type", "protocol"}


@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_a_certificate_lets_its_owner_in_and_none_is_not_served(router, authority, version):
    hello = {"roles": ROLES, "authmethods": ["tls"]}
    with Client(router.port, version, authority.client("ann")) as ann:
        ann.say(HELLO, "realm1", hello)
        welcome = ann.hear()
        assert (welcome[0], welcome[2]["authid"], welcome[2]["authmethod"]) == (WELCOME, "ann", "tls")
    with Client(router.port, version) as nobody:
        nobody.say(HELLO, "realm1", hello)
        assert nobody.hear()[::2] == [ABORT, "wamp.error.no_matching_auth_method"]


@pytest.mark.spec("AUT-07", "AUT-10", "TLA-02")
@pytest.mark.parametrize(
    ("said", "uri"),
    [
        (lambda shown: {"role": "user", "fingerprint": shown}, None),
        (lambda shown: {"role": "user", "fingerprint": ["00" * 32, shown.upper()]}, None),
        (lambda _: {"role": "user", "fingerprint": "00" * 32}, "authentication_denied"),
        (lambda _: {"role": "user", "fingerprint": []}, "authentication_denied"),
        (lambda _: {"role": "user", "fingerprint": "hunter2"}, "authentication_failed"),
        (lambda _: {"role": "user"}, "authentication_failed"),
        (lambda _: "user", "authentication_failed"),
    ],
)
def test_a_component_is_told_the_certificate_and_says_whose_it_is(router, authority, tmp_path, said, uri):
    pem = authority.client("probe")
    with (
        Session(unix=tmp_path / "plain", realm="asking") as oracle,
        Client(router.port, SSL.TLS1_3_VERSION, pem) as probe,
    ):
        oracle.register("com.auth.tls")
        probe.say(HELLO, "asked", {"roles": ROLES, "authmethods": ["tls"], "authid": "probe-7"})
        kind, request, _, _, (realm, authid, details) = oracle.receive()
        assert (kind, realm, authid) == (INVOCATION, "asked", "probe-7")
        assert details["authmethod"] == "tls"
        assert details["transport"]["auth"] == {
            "certificate": {
                "fingerprint": fingerprint(pem.certificate),
                "subject": r"CN=probe,O=Example\, Inc.",
                "san": [],
            }
        }
        oracle.send(YIELD, request, {}, [said(fingerprint(pem.certificate))])
        answer = probe.hear()
        if uri is None:
            assert (answer[0], answer[2]["authid"], answer[2]["authprovider"]) == (WELCOME, "probe-7", "dynamic")
        else:
            assert answer[::2] == [ABORT, f"wamp.error.{uri}"]
