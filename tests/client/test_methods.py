"""Every way to prove who one is, over every transport, in every serialization, against a router that runs."""

import json
import secrets
import socket
from contextlib import ExitStack

import jwt
import pytest
from websockets.sync.client import connect as browser

from tests.support.authority import Authority
from tests.support.certificates import make_certificate
from tests.support.loops import run
from tests.support.process import free_port, running_wampd
from wampd.auth.keys import SigningKey
from wampd.client import CannotConnect, Credentials, NotLetIn, Trust, WampError, connect
from wampd.client.proving import Prover
from wampd.client.speech import SERIALIZERS
from wampd.realms import messages as m

PASSWORD = "hunter2, mit ü"
TICKET = "hunter2-ticket"
TOKEN_KEY = "hunter2 " * 8
SEED = bytes.fromhex("5a" * 32)
KEY = SigningKey(SEED)

CONFIG = """
realms:
  - name: realm1
    roles:
      - name: user
        permissions: [{{uri: com.example., match: prefix, allow: [call, register, publish, subscribe]}}]
    auth:
      anonymous: {{role: user}}
      ticket: {{}}
      wampcra: {{iterations: 1000}}
      scram: {{kdf: argon2id13, iterations: 1, memory: 1024}}
      cryptosign: {{}}
      tls: {{}}
      cookie: {{}}
      jwt:
        secret: "{token_key}"
        issuer: https://login.example.com/
        audience: [wampd]
        role: {{default: user}}
      principals:
        - {{authid: joe, role: user, password: "{password}"}}
        - {{authid: tim, role: user, ticket: "{ticket}"}}
        - {{authid: "a=b,c", role: user, password: "{password}"}}
        - {{authid: kim, role: user, keys: [{key}]}}
        - {{authid: cert, role: user, certificates: [{{subject: "CN=cert,O=Example\\\\, Inc."}}]}}
        - {{authid: both, role: user, keys: [{key2}], ticket: "{ticket}", factors: [cryptosign, ticket]}}
  - name: pbkdf2
    roles: [{{name: user}}]
    auth:
      scram: {{kdf: pbkdf2, iterations: 4096}}
      principals: [{{authid: joe, role: user, password: "{password}"}}]
listeners:
  - endpoint: tcp:${{WAMPD_PORT}}:interface=127.0.0.1
    websocket: {{/ws: {{type: wamp, cookie: {{}}, serializers: &every [json, msgpack, cbor, ubjson, flatbuffers]}}}}
    rawsocket: {{serializers: *every}}
  - endpoint: unix:{directory}/w.sock
    websocket: {{/ws: {{type: wamp, serializers: *every}}}}
    rawsocket: {{serializers: *every}}
  - endpoint: tcp:{tls_port}:interface=127.0.0.1
    tls:
      certificate: {certificate}
      key: {private}
      client_certificates: {{authorities: {authority}, required: false}}
    websocket: {{/ws: {{type: wamp, serializers: *every}}}}
    rawsocket: {{serializers: *every}}
"""
SEED2 = bytes.fromhex("5b" * 32)


class Place:
    """Where the router is."""

    def __init__(self, directory, port, tls_port, server, client):
        self.urls = {
            "ws": f"ws://127.0.0.1:{port}/ws",
            "rs": f"rs://127.0.0.1:{port}",
            "ws+unix": f"ws+unix://{directory}/w.sock:/ws",
            "rs+unix": f"rs+unix://{directory}/w.sock",
            "wss": f"wss://localhost:{tls_port}/ws",
            "rss": f"rss://127.0.0.1:{tls_port}",
        }
        self.server, self.client = server, client
        self.trust = Trust(ca=server.certificate)
        self.shown = Trust(ca=server.certificate, certificate=client.certificate, key=client.key)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    directory = tmp_path_factory.mktemp("r")
    authority = Authority(directory)
    server = make_certificate(directory)
    client = authority.client("cert")
    tls_port = free_port()
    config = directory / "config.yaml"
    config.write_text(
        CONFIG.format(
            directory=directory,
            password=PASSWORD,
            ticket=TICKET,
            token_key=TOKEN_KEY,
            key=KEY.public.hex(),
            key2=SigningKey(SEED2).public.hex(),
            tls_port=tls_port,
            certificate=server.certificate,
            private=server.key,
            authority=authority.certificate,
        )
    )
    config.chmod(0o600)
    with ExitStack() as stack:
        process, port = stack.enter_context(running_wampd(config, directory / "log"))
        process.wait_for_port(tls_port)
        yield Place(directory, port, tls_port, server, client)


def token():
    claims = {"iss": "https://login.example.com/", "aud": "wampd", "sub": "joe", "exp": 2**33}
    return jwt.encode(claims, TOKEN_KEY, "HS256")


WHO = {
    "anonymous": Credentials(),
    "ticket": Credentials(method="ticket", authid="tim", secret=TICKET),
    "password by ticket": Credentials(method="ticket", authid="joe", secret=PASSWORD),
    "wampcra": Credentials(method="wampcra", authid="joe", secret=PASSWORD),
    "scram": Credentials(method="scram", authid="joe", secret=PASSWORD),
    "escaped": Credentials(method="scram", authid="a=b,c", secret=PASSWORD),
    "cryptosign": Credentials(method="cryptosign", seed=SEED),
    "key of somebody": Credentials(authid="kim", seed=SEED),
    "whatever is there": Credentials(authid="joe", secret=PASSWORD),
    "two factors": Credentials(authid="both", seed=SEED2, secret=TICKET),
    "jwt": Credentials(method="jwt", secret=token()),
}
NOT_IN_FLATBUFFERS = {"scram", "escaped", "wampcra", "jwt", "whatever is there", "two factors"}
"""Its schema has one text for what CHALLENGE holds, and no number for some methods."""


def joined(url, who, serializer, trust, realm="realm1"):
    """The details of WELCOME, after one call that came back."""

    async def join():
        uri = f"com.example.{secrets.token_hex(4)}"
        async with connect(url, realm, credentials=who, serializer=serializer, trust=trust) as session:

            async def echo(invocation):
                return invocation.args[0]

            await session.register(uri, echo)
            assert (await session.call(uri, [b"\0\xff"])).value == b"\0\xff"
            return session.details

    return run(join())


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("way", ["ws", "rs", "ws+unix", "rs+unix", "wss", "rss"])
def test_every_method_over_every_transport_in_every_serialization(place, way, serializer):
    for name, who in WHO.items():
        if serializer == "flatbuffers" and name in NOT_IN_FLATBUFFERS:
            continue
        details = joined(place.urls[way], who, serializer, place.trust)
        assert details["authrole"] == "user", name
        if who.authid is not None:
            assert details["authid"] == who.authid


@pytest.mark.parametrize("way", ["wss", "rss"])
@pytest.mark.parametrize("serializer", ["json", "cbor"])
def test_a_certificate_lets_its_owner_in(place, way, serializer):
    who = Credentials(method="tls", has_certificate=True)
    assert joined(place.urls[way], who, serializer, place.shown)["authid"] == "cert"


def test_scram_by_pbkdf2_proves_both_sides(place):
    async def join():
        who = Credentials(method="scram", authid="joe", secret=PASSWORD)
        async with connect(place.urls["rs"], "pbkdf2", credentials=who) as session:
            return session.details["authmethod"]

    assert run(join()) in ("scram", "wamp-scram")


def refused(url, who, trust=None, realm="realm1", **more):
    async def join():
        async with connect(url, realm, credentials=who, trust=trust, **more):
            raise AssertionError("it was let in")

    with pytest.raises(CannotConnect) as why:
        run(join())
    assert "hunter2" not in str(why.value)
    assert "\n" not in str(why.value)
    return why.value


@pytest.mark.parametrize(
    "who",
    [
        Credentials(method="ticket", authid="tim", secret="hunter2 not"),
        Credentials(method="wampcra", authid="joe", secret="hunter2 not"),
        Credentials(method="scram", authid="joe", secret="hunter2 not"),
        Credentials(method="scram", authid="nobody", secret="hunter2 not"),
        Credentials(method="cryptosign", seed=bytes(32)),
        Credentials(authid="both", seed=SEED2),
    ],
)
def test_who_does_not_prove_it_is_not_let_in(place, who):
    error = refused(place.urls["rs"], who)
    assert isinstance(error, NotLetIn)
    assert str(error).startswith("not let into the realm 'realm1': wamp.error.")


def test_why_there_is_no_session_is_told_in_a_line(place):
    assert "there is no realm 'nowhere'" in str(refused(place.urls["ws"], Credentials(), realm="nowhere"))
    wrong = place.urls["ws"].replace("/ws", "/sw")
    assert "answered 404 Not Found" in str(refused(wrong, Credentials()))
    assert "is not to be trusted: self" in str(refused(place.urls["wss"], Credentials()))
    named = place.urls["wss"].replace("localhost", "127.0.0.2")
    assert "nobody listens there" in str(refused(named, Credentials(), place.trust))
    assert "no such socket" in str(refused("rs+unix:///nowhere/w.sock", Credentials()))
    missing = Trust(ca=place.server.key.with_name("none"))
    assert "cannot read" in str(refused(place.urls["wss"], Credentials(), missing))
    assert "no certificates" in str(refused(place.urls["wss"], Credentials(), Trust(ca=place.server.key)))


def test_a_key_that_others_can_read_is_not_used(place, tmp_path):
    key = tmp_path / "client.key"
    key.write_bytes(place.client.key.read_bytes())
    key.chmod(0o644)
    trust = Trust(ca=place.server.certificate, certificate=place.client.certificate, key=key)
    assert "open to other users" in str(refused(place.urls["wss"], Credentials(), trust))


def test_who_accepts_and_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rs://127.0.0.1:{silent.getsockname()[1]}"
        assert "no session within 0.2 s" in str(refused(url, Credentials(), timeout=0.2))


# ------------------------------------------------------------------------------------------- what routers may not do


@pytest.mark.parametrize(
    ("method", "extra"),
    [
        ("ticket", {}),  # not offered
        ("wamp-scram", {}),
        ("wamp-scram", {"nonce": "other", "salt": "AAAA", "kdf": "pbkdf2", "iterations": 1}),
        ("wamp-scram", {"kdf": "argon2id13", "iterations": 2**40, "memory": 8, "salt": "AAAAAAAAAAA="}),
        ("wamp-scram", {"kdf": "argon2id13", "iterations": 1, "memory": 2**40, "salt": "AAAAAAAAAAA="}),
        ("wamp-scram", {"kdf": "pbkdf2", "iterations": 2**40, "salt": "AAAAAAAAAAA="}),
        ("wamp-scram", {"kdf": "md5", "iterations": 1, "salt": "AAAAAAAAAAA="}),
        ("wamp-scram", {"kdf": "pbkdf2", "iterations": "1", "salt": "AAAAAAAAAAA="}),
        ("wamp-scram", {"kdf": "argon2id13", "iterations": 1, "memory": 8, "salt": "AAAA"}),
        ("wamp-scram", {"kdf": "argon2id13", "iterations": 1, "memory": 1, "salt": "AAAAAAAAAAA="}),
    ],
)
def test_a_challenge_that_makes_no_sense_or_costs_too_much_is_not_answered(method, extra):
    prover = Prover(Credentials(method="scram", authid="joe", secret=PASSWORD))
    nonce = prover.details()["authextra"]["nonce"]
    with pytest.raises(CannotConnect):
        prover.answer(method, {"nonce": nonce + "more", **extra})


@pytest.mark.parametrize("extra", [{}, {"challenge": 5}, {"challenge": "x", "salt": 5, "iterations": 1, "keylen": 32}])
def test_a_challenge_of_wampcra_without_one_is_not_answered(extra):
    prover = Prover(Credentials(method="wampcra", authid="joe", secret=PASSWORD))
    with pytest.raises(CannotConnect):
        prover.answer("wampcra", extra)


@pytest.mark.parametrize(
    "extra", [{}, {"challenge": "zz"}, {"challenge": "00"}, {"challenge": "00" * 32, "channel_binding": "x"}]
)
def test_a_key_signs_nothing_but_a_challenge(extra):
    prover = Prover(Credentials(seed=SEED))
    with pytest.raises(CannotConnect):
        prover.answer("cryptosign", extra)


def test_a_router_that_does_not_know_the_password_is_not_believed():
    prover = Prover(Credentials(method="scram", authid="joe", secret=PASSWORD))
    nonce = prover.details()["authextra"]["nonce"]
    prover.answer("wamp-scram", {"nonce": nonce + "x", "salt": "AAAAAAAAAAA=", "kdf": "pbkdf2", "iterations": 1})
    for details in ({}, {"authextra": {}}, {"authextra": {"verifier": "AAAA"}}):
        with pytest.raises(CannotConnect, match="did not prove"):
            prover.check_welcome(details)


def test_what_a_method_needs_is_said_before_anything_is_sent():
    for method, needed in {"ticket": "secret", "cryptosign": "key", "tls": "certificate", "cookie": "cookie"}.items():
        with pytest.raises(CannotConnect, match=needed):
            Credentials(method=method)
    with pytest.raises(CannotConnect, match="--authid"):
        Credentials(secret=TICKET)


def test_a_method_that_flatbuffers_have_no_number_for_is_not_left_out_in_silence(place):
    error = refused(place.urls["rs"], WHO["jwt"], serializer="flatbuffers")
    assert "FlatBuffers has no number for the method jwt" in str(error)


def test_nothing_secret_is_shown():
    assert "hunter2" not in repr(WHO["ticket"])
    assert "hunter2" not in str(WHO)


def test_a_call_of_nothing_is_an_error(place):
    async def call():
        async with connect(place.urls["ws"], "realm1") as session:
            await session.call("com.example.nothing")

    with pytest.raises(WampError) as error:
        run(call())
    assert error.value.uri == "wamp.error.no_such_procedure"


def test_who_comes_back_with_a_cookie_need_not_prove_it_again(place):
    with browser(place.urls["ws"], subprotocols=["wamp.2.json"]) as first:
        cookie = first.response.headers["Set-Cookie"].split(";")[0]
        first.send(
            json.dumps([m.HELLO, "realm1", {"authmethods": ["ticket"], "authid": "tim", "roles": {"caller": {}}}])
        )
        assert json.loads(first.recv())[0] == m.CHALLENGE
        first.send(json.dumps([m.AUTHENTICATE, TICKET, {}]))
        assert json.loads(first.recv())[0] == m.WELCOME
    details = joined(place.urls["ws"], Credentials(cookie=cookie), "cbor", place.trust)
    assert (details["authid"], details["authmethod"]) == ("tim", "cookie")
    refused(place.urls["ws"], Credentials(method="cookie", cookie=cookie[:-4] + "AAAA"))
