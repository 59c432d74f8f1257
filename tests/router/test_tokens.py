"""Tokens and passwords against a router that runs: keys from files and servers, and what happens when they change."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.auth.test_hashes import argon2_of, bcrypt_of
from tests.router.client import ABORT, GOODBYE, WELCOME, Session
from tests.router.test_returning import LISTENERS, Browser
from tests.support.certificates import make_certificate
from tests.support.tokens import SECRET, jwk, key_set_text, signed

REALM = """
realms:
  - name: realm1
    roles: [{{name: user, permissions: [{{uri: com., match: prefix, allow: [call, register]}}]}}, {{name: admin}}]
    auth: {auth}
"""
PATIENT = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
    limits: {join_timeout: 60 s}
"""
CHALLENGE, AUTHENTICATE = 4, 5
EXPIRED = [GOODBYE, {"message": "the authentication has expired"}, "wamp.close.killed"]
ROLES = {"caller": {}, "callee": {}}


SHOWN: list[str] = []
"""What clients proved themselves by."""


@pytest.fixture(autouse=True)
def nothing_that_was_shown_is_logged(tmp_path: Path) -> Iterator[None]:
    """A token does not hold the word by which secrets are found in logs, as its text is encoded."""
    SHOWN.clear()
    yield
    said = "".join(log.read_text() for log in tmp_path.glob("*.log"))
    assert said
    assert not [proof for proof in SHOWN if proof and (proof in said or proof.rpartition(".")[2] in said)]


def realm(auth: str) -> str:
    return REALM.format(auth=auth)


def good(**claims: Any) -> dict[str, Any]:
    return {"exp": time.time() + 3600, **claims}


def join(port: int, method: str, proof: str, **details: Any) -> tuple[Session, list[Any]]:
    """A session, and what the router says in the end."""
    SHOWN.append(proof)
    session = Session(port, join=False)
    session.send(1, "realm1", {"roles": ROLES, "authmethods": [method], **details})
    heard = session.receive()
    assert heard == [CHALLENGE, method, {}], heard
    session.send(AUTHENTICATE, proof, {})
    return session, session.receive(30)


def verdict(port: int, method: str, proof: str, **details: Any) -> str:
    """The role that the proof gives, or why it gives none."""
    session, heard = join(port, method, proof, **details)
    with session:
        if heard[0] == WELCOME:
            return heard[2]["authrole"]
        assert heard[0] == ABORT
        assert len(heard[1]) == 1
        return heard[2].removeprefix("wamp.error.")


class Provider(ThreadingHTTPServer):
    """A provider of OpenID Connect, or just a server of keys."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server_port}"
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.url = f"https://localhost:{self.server_port}"
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.serves(jwk("ES256", "a"))
        self.pages["/.well-known/openid-configuration"] = json.dumps(
            {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        ).encode()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def serves(self, *jwks: Any) -> None:
        self.pages["/keys"] = key_set_text(*jwks)


class Answering(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        self.send_response(200 if page is not None else 503)
        self.end_headers()
        self.wfile.write(page or b"")

    def handle(self) -> None:
        with contextlib.suppress(ssl.SSLError, ConnectionError):  # whoever does not trust us
            super().handle()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    with contextlib.suppress(OSError):
        provider.shutdown()
        provider.server_close()


def by_key(name: str, kid: str | None, **claims: Any) -> str:
    header = {} if kid is None else {"kid": kid}
    return signed(good(**claims), by=name, alg=name.split()[0], **header)


# --- tokens


def test_a_session_ends_with_its_token(start):
    router = start(realms=realm(f"{{jwt: {{secret: {SECRET!r}, leeway: 0 s, role: {{default: user}}}}}}"))
    session, heard = join(router.port, "jwt", signed({"exp": time.time() + 5}))
    with session:
        assert heard[0] == WELCOME
        session.register("com.here")
        assert session.receive() == EXPIRED
        session.send(GOODBYE, {}, "wamp.close.goodbye_and_out")
        assert session.closed_with()[0] == 1001
    router.wait_for_log("what proved who this is has expired")
    session, heard = join(router.port, "jwt", signed(good()))
    with session:
        session.register("com.here")
    assert verdict(router.port, "jwt", signed({"exp": time.time() - 1})) == "authentication_denied"
    assert "hunter2" not in router.log()


def test_a_cookie_and_its_sessions_end_with_the_token_too(start):
    auth = f"{{cookie: {{}}, jwt: {{secret: {SECRET!r}, leeway: 0 s, role: {{default: user}}}}}}"
    router = start(realms=realm(auth), listeners=LISTENERS)
    browser = Browser(router.port)
    first = browser.connect()
    assert first.hello("jwt") == [CHALLENGE, "jwt", {}]
    first.send(AUTHENTICATE, signed({"exp": time.time() + 6}), {})
    assert first.welcomed()["authmethod"] == "jwt"
    second = browser.connect()
    second.come_back()
    for connection in (first, second):
        assert connection.receive() == EXPIRED
        connection.close()
    third = browser.connect()
    assert third.hello("cookie")[0] == ABORT
    third.close()


def test_keys_of_a_provider(start, provider):
    auth = f"{{jwt: {{oidc: {{issuer: '{provider.url}', pause: 1 s}}, audience: [wampd], role: {{claim: [role]}}}}}}"
    router = start(realms=realm(auth))
    router.wait_for_log(f"1 keys of {provider.url}")
    mine = {"iss": provider.url, "aud": "wampd"}
    assert verdict(router.port, "jwt", by_key("ES256", "a", **mine)) == "user"
    assert verdict(router.port, "jwt", by_key("ES256", "a", **mine, role="admin"), authid="joe") == "admin"
    for wrong in ({"iss": provider.url + "/"}, {"iss": None}, {"aud": "other"}, {"aud": None}):
        assert verdict(router.port, "jwt", by_key("ES256", "a", **{**mine, **wrong})) == "authentication_denied"

    asked = len(provider.asked)
    time.sleep(1)
    begun = time.monotonic()
    provider.serves(jwk("ES256", "a"), jwk("EdDSA", "b"))
    assert verdict(router.port, "jwt", by_key("EdDSA", "b", **mine)) == "user", "a new key is learnt of"
    assert provider.asked[asked:] == ["/.well-known/openid-configuration", "/keys"]
    for _ in range(5):
        assert verdict(router.port, "jwt", by_key("EdDSA", "c", **mine)) == "authentication_denied"
    assert len(provider.asked) <= asked + 2 * (
        2 + time.monotonic() - begun
    )  # at most one fetch of two pages in a second

    provider.pages.clear()
    time.sleep(1)
    assert verdict(router.port, "jwt", by_key("EdDSA", "c", **mine)) == "authentication_denied"
    router.wait_for_log(f"no keys of {provider.url}: ")
    assert verdict(router.port, "jwt", by_key("ES256", "a", **mine)) == "user", "what was fetched before counts"


def test_a_server_of_keys_that_is_not_there_lets_nobody_in(start, provider):
    provider.pages.clear()
    auth = f"{{jwt: {{jwks: {{url: '{provider.url}/keys', pause: 1 s}}, audience: [], role: {{default: user}}}}}}"
    router = start(realms=realm(auth))
    router.wait_for_log("the answer has the status 503")
    assert verdict(router.port, "jwt", by_key("ES256", "a")) == "authentication_failed"
    assert verdict(router.port, "jwt", by_key("ES256", None)) == "authentication_failed"
    provider.serves(jwk("ES256", "a"))
    router.wait_for_log(f"1 keys of {provider.url}/keys")
    assert verdict(router.port, "jwt", by_key("ES256", "a")) == "user"
    assert "Traceback" not in router.log()


def test_a_server_of_keys_over_tls_must_be_vouched_for(start, tmp_path):
    pem = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem.certificate, pem.key)
    provider = Provider(context)
    auth = f"{{jwt: {{jwks: {{url: '{provider.url}/keys', ca: {pem.certificate}}}, audience: [], role: {{default: user}}}}}}"
    router = start(realms=realm(auth))
    router.wait_for_log(f"1 keys of {provider.url}/keys")
    assert verdict(router.port, "jwt", by_key("ES256", "a")) == "user"
    router = start(realms=realm(auth.replace(f", ca: {pem.certificate}", "")))
    router.wait_for_log("certificate verify failed")
    assert verdict(router.port, "jwt", by_key("ES256", "a")) == "authentication_failed"
    assert provider.asked == ["/keys"]
    provider.shutdown()
    provider.server_close()


def test_a_file_of_keys_is_read_again_when_it_changes(start, tmp_path):
    file = tmp_path / "keys.json"
    file.write_bytes(key_set_text(jwk("ES256", "a")))
    router = start(realms=realm("{jwt: {jwks: {file: keys.json}, role: {default: user}}}"))
    assert verdict(router.port, "jwt", by_key("ES256", "a")) == "user"
    file.write_bytes(key_set_text(jwk("ES256 2", "b")))
    router.wait_for_log("was read again")
    assert verdict(router.port, "jwt", by_key("ES256", "a")) == "authentication_denied"
    assert verdict(router.port, "jwt", by_key("ES256 2", "b")) == "user"
    file.write_bytes(b"{}")
    router.wait_for_log("it is no JWK Set")
    assert verdict(router.port, "jwt", by_key("ES256 2", "b")) == "user"


# --- passwords


PASSWORDS = "{ticket: {}, password_files: [{file: users, role: user}]}"


@pytest.mark.spec("TIC-01")
def test_a_password_file_is_read_again_when_it_changes(start, tmp_path):
    file = tmp_path / "users"
    file.touch(0o600)
    file.write_text(f"joe:{bcrypt_of('hunter2 of joe', '2y')}\nann:{argon2_of('hunter2 of ann')}\n")
    router = start(realms=realm(PASSWORDS))
    assert verdict(router.port, "ticket", "hunter2 of joe", authid="joe") == "user"
    assert verdict(router.port, "ticket", "hunter2 of ann", authid="ann") == "user"
    for authid, sent in (("joe", "hunter2 of ann"), ("eve", "hunter2 of joe"), ("joe", "")):
        assert verdict(router.port, "ticket", sent, authid=authid) == "authentication_denied"

    file.write_text(f"joe:{bcrypt_of('hunter2, the second')}\n")
    router.wait_for_log("was read again")
    assert verdict(router.port, "ticket", "hunter2, the second", authid="joe") == "user"
    assert verdict(router.port, "ticket", "hunter2 of joe", authid="joe") == "authentication_denied"
    assert verdict(router.port, "ticket", "hunter2 of ann", authid="ann") == "authentication_denied"

    file.write_text("joe:$apr1$hunter2$x\n")
    router.wait_for_log("the hash of 'joe' cannot be used: it is MD5 (apr1)")
    assert verdict(router.port, "ticket", "hunter2, the second", authid="joe") == "user"
    assert "hunter2" not in router.log()


def test_slow_hashes_do_not_keep_others_waiting(start, tmp_path):
    file = tmp_path / "users"
    file.touch(0o600)
    file.write_text("joe:" + "$2b$12$" + "." * 53 + "\n")  # a quarter of a second of work, or more
    auth = PASSWORDS.replace("ticket: {}", "ticket: {}, anonymous: {role: user}")
    router = start(realms=realm(auth), listeners=PATIENT)
    guesses = []
    for _ in range(3):
        session = Session(router.port, join=False)
        session.send(1, "realm1", {"roles": ROLES, "authmethods": ["ticket"], "authid": "joe"})
        assert session.receive()[0] == CHALLENGE
        guesses.append(session)
    with Session(router.port) as callee, Session(router.port) as caller:
        callee.register("com.quick")
        for session in guesses:
            session.send(AUTHENTICATE, "hunter2", {})
        for _ in range(5):
            caller.call("com.quick")
            invocation = callee.receive()
            callee.send(70, invocation[1], {}, [])
            assert caller.receive()[0] == 50
        with pytest.raises(TimeoutError):
            guesses[-1].receive(0)
    for session in guesses:
        with session:
            assert session.receive(60)[2] == "wamp.error.authentication_denied"
