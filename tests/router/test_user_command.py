"""``wampd user`` beside a router that runs: what it does counts at once, by every method that it is for."""

import os
import signal
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from OpenSSL import SSL

from tests.router.client import ABORT, GOODBYE, WELCOME, Session
from tests.router.conftest import LISTENERS
from tests.router.test_tls_logins import Client
from tests.support.authority import Authority
from tests.support.certificates import make_certificate
from tests.support.process import environment, wampd_command
from tests.support.proving import CrossbarProver, Prover, sign
from wampd.router.stores.sqlite import open_store

HELLO, CHALLENGE, AUTHENTICATE = 1, 4, 5
DENIED = "wamp.error.authentication_denied"
PASSWORD = "hunter2 of joe"

REALMS = """
store: {file: wampd.sqlite}
realms:
  - name: realm1
    roles: [{name: user}, {name: admin}]
    auth: {ticket: {}, wampcra: {iterations: 10}, scram: {iterations: 1, memory: 64}, cryptosign: {}, store: true}
"""


class Played:
    """A router that runs, and the command beside it."""

    def __init__(self, router):
        self.router = router

    def user(self, *words, stdin=""):
        command = wampd_command("user", words[0], "--config", self.router.config, *words[1:])
        env = environment(WAMPD_PORT=str(self.router.port))
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, env=env, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def join(self, authid, method, answer, **extra):
        """The session that this answer to the CHALLENGE opens, or the reason why it opens none."""
        session = Session(self.router.port, join=False)
        details = {"roles": {"caller": {}}, "authmethods": [method], "authextra": extra}
        session.send(HELLO, "realm1", details | ({"authid": authid} if authid else {}))
        kind, *rest = session.receive()
        if kind == CHALLENGE:
            session.send(AUTHENTICATE, *answer(rest[1]))
            kind, *rest = session.receive()
        if kind == ABORT:
            session.close()
            return rest[1]
        assert kind == WELCOME
        session.who = (rest[1]["authid"], rest[1]["authrole"], rest[1]["authmethod"], rest[1]["authprovider"])
        return session

    def who(self, *arguments, **extra):
        session = self.join(*arguments, **extra)
        if isinstance(session, str):
            return session
        with session:
            return session.who

    def by_ticket(self, ticket, authid="joe"):
        return self.who(authid, "ticket", lambda _: (ticket, {}))

    def by_wampcra(self, password):
        return self.who("joe", "wampcra", lambda extra: (sign(extra, password), {}))

    def by_scram(self, prover, method):
        def answer(extra):
            return prover.prove(extra), prover.answer(extra)

        return self.who("joe", method, answer, **prover.authextra)

    def by_key(self, key, authid):
        public = key.public_key().public_bytes_raw().hex()

        def answer(extra):
            challenge = bytes.fromhex(extra["challenge"])
            return (key.sign(challenge) + challenge).hex(), {}

        return self.who(authid, "cryptosign", answer, pubkey=public)


@pytest.fixture
def played(start):
    return Played(start(realms=REALMS))


def test_a_password_lets_in_by_every_method_and_a_new_one_takes_its_place(played):
    assert played.by_ticket(PASSWORD) == DENIED
    played.user("add", "joe", "--role", "user", "--password-stdin", stdin=PASSWORD)
    for password, wrong in ((PASSWORD, "hunter3"), ("hunter2 new", PASSWORD)):
        assert played.by_ticket(password) == ("joe", "user", "ticket", "store")
        assert played.by_wampcra(password) == ("joe", "user", "wampcra", "store")
        for prover, name in ((Prover, "wamp-scram"), (CrossbarProver, "scram")):
            assert played.by_scram(prover("joe", password), name) == ("joe", "user", name, "store")
            assert played.by_scram(prover("joe", wrong), name) == DENIED
        assert played.by_ticket(wrong) == DENIED
        assert played.by_wampcra(wrong) == DENIED
        played.user("passwd", "joe", "--password-stdin", stdin="hunter2 new")


def test_a_key_lets_in_with_and_without_a_name(played, tmp_path):
    played.user("add", "ann", "--role", "user", "--ticket")
    seed = tmp_path / "seed"
    done = subprocess.run(
        wampd_command("key", "new", seed), capture_output=True, text=True, env=environment(), check=True
    )
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed.read_text()))
    assert done.stdout.strip() == key.public_key().public_bytes_raw().hex()
    assert played.by_key(key, None) == DENIED
    played.user("add", "joe", "--role", "user", "--key-file", seed)
    assert played.by_key(key, "joe") == ("joe", "user", "cryptosign", "store")
    assert played.by_key(key, None) == ("joe", "user", "cryptosign", "store")
    assert played.by_key(key, "ann") == DENIED
    played.user("disable", "joe")
    assert played.by_key(key, None) == DENIED


def test_who_is_disabled_given_another_role_removed_or_logged_out_is_sent_away(played):
    ticket = played.user("add", "joe", "--role", "user", "--ticket")
    other = played.user("add", "ann", "--role", "user", "--ticket")
    with played.join("ann", "ticket", lambda _: (other, {})) as ann:
        for words, message, next_role in (
            (["role", "joe", "admin"], "this principal has another role now", "admin"),
            (["logout", "joe"], "this principal was logged out", "admin"),
            (["disable", "joe"], "this principal is not let in any more", None),
            (["enable", "joe"], None, "admin"),
            (["remove", "joe"], "this principal is not let in any more", None),
        ):
            session = played.join("joe", "ticket", lambda _: (ticket, {})) if message else None
            played.user(*words)
            if session is not None:
                with session:
                    assert session.receive() == [GOODBYE, {"message": message}, "wamp.close.killed"]
            joined = played.by_ticket(ticket)
            assert joined == (("joe", next_role, "ticket", "store") if next_role else DENIED)
        with pytest.raises(TimeoutError):
            ann.receive(timeout=0.5)


def test_a_new_password_ends_no_session(played):
    ticket = played.user("add", "joe", "--role", "user", "--ticket")
    with played.join("joe", "ticket", lambda _: (ticket, {})) as session:
        played.user("passwd", "joe", "--ticket")
        with pytest.raises(TimeoutError):
            session.receive(timeout=2.5)
    assert played.by_ticket(ticket) == DENIED


def test_what_is_kept_outlives_the_router_even_one_that_is_killed(played, start):
    ticket = played.user("add", "joe", "--role", "user", "--ticket")
    played.router.signal(signal.SIGKILL)
    played.router.wait()
    again = Played(start(realms=REALMS))
    assert again.by_ticket(ticket) == ("joe", "user", "ticket", "store")


def test_a_store_that_is_gone_lets_nobody_of_it_in_and_is_an_error(played, tmp_path):
    ticket = played.user("add", "joe", "--role", "user", "--ticket")
    assert played.by_ticket(ticket)[0] == "joe"
    with played.join("joe", "ticket", lambda _: (ticket, {})) as session:
        for file in tmp_path.glob("wampd.sqlite*"):
            os.rename(file, tmp_path / f"old-{file.name}")
        played.router.wait_for_log("the file was removed or replaced while it was in use")
        with pytest.raises(TimeoutError):
            session.receive(timeout=1)
        for file in tmp_path.glob("old-*"):
            os.rename(file, tmp_path / file.name.removeprefix("old-"))
        played.router.wait_for_log("works again")


def test_a_store_that_is_damaged_while_the_router_runs_lets_nobody_of_it_in(played, tmp_path):
    ticket = played.user("add", "joe", "--role", "user", "--ticket")
    connection = open_store(tmp_path / "wampd.sqlite")
    pages = [
        row[0]
        for row in connection.execute("SELECT rootpage FROM sqlite_schema WHERE name IN ('principals', 'changes')")
    ]
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").get  # noqa: B018 - carried out by that
    connection.close()
    with (tmp_path / "wampd.sqlite").open("r+b") as stream:
        for page in pages:
            stream.seek((page - 1) * 4096)
            stream.write(b"\xff" * 4096)
    assert played.by_ticket(ticket) == "wamp.error.authentication_failed"
    played.router.wait_for_log("it is damaged")
    assert "Traceback" not in played.router.log()


def test_who_is_at_the_door_when_it_is_disabled_is_not_let_in(start):
    played = Played(start(realms=REALMS, listeners=LISTENERS.replace("close_timeout: 1 s", "join_timeout: 60 s")))
    played.user("add", "joe", "--role", "user", "--password-stdin", stdin=PASSWORD)

    def answer(extra):
        played.user("disable", "joe")
        gone = "this principal is not let in any more"
        assert inside.receive() == [GOODBYE, {"message": gone}, "wamp.close.killed"]  # so the router knows of it
        return sign(extra, PASSWORD), {}

    with played.join("joe", "wampcra", lambda extra: (sign(extra, PASSWORD), {})) as inside:
        assert played.join("joe", "wampcra", answer) == DENIED  # what it proves is older


def test_a_challenge_does_not_tell_who_is_in_the_store(played):
    seen = []

    def look(extra):
        seen.append({key: extra[key] for key in ("salt", "iterations", "keylen")})
        return "hunter3", {}

    def challenge():
        assert played.who("joe", "wampcra", look) == DENIED

    challenge()
    played.user("add", "joe", "--role", "user", "--password-stdin", stdin=PASSWORD)
    challenge()
    played.user("disable", "joe")
    challenge()
    played.user("remove", "joe")
    challenge()
    assert seen == [seen[0]] * 4


def test_realms_of_a_template_have_their_principals_in_common(start):
    template = REALMS.replace("name: realm1", "name: com.tenant.\n    match: prefix")
    played = Played(start(realms=template))
    ticket = played.user("add", "joe", "--role", "user", "--ticket")
    sessions = []
    for realm in ("com.tenant.a", "com.tenant.b"):
        session = Session(played.router.port, join=False)
        session.send(HELLO, realm, {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": "joe"})
        assert session.receive()[0] == CHALLENGE
        session.send(AUTHENTICATE, ticket, {})
        assert session.receive()[0] == WELCOME
        sessions.append(session)
    played.user("disable", "joe", "--realm", "com.tenant.")
    for session in sessions:
        with session:
            assert session.receive()[0] == GOODBYE


SHOWN = REALMS.replace("cryptosign: {}", "cryptosign: {}, tls: {}")
ASKING = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    tls:
      certificate: localhost.crt
      key: localhost.key
      client_certificates: {authorities: authority.crt, required: false}
    rawsocket: {}
"""


@pytest.mark.spec("AUT-06", "TLA-02")
def test_a_certificate_lets_in_until_a_ticket_is_demanded_too(start, tmp_path):
    make_certificate(tmp_path)
    pem = Authority(tmp_path).client("joe")
    played = Played(start(realms=SHOWN, listeners=ASKING))
    ticket = played.user("add", "joe", "--role", "user", "--ticket", "--certificate-file", pem.certificate)

    def greeted(*methods):
        client = Client(played.router.port, SSL.TLS1_3_VERSION, pem)
        client.say(HELLO, "realm1", {"roles": {"caller": {}}, "authmethods": methods, "authid": "joe"})
        return client, client.hear()

    client, welcome = greeted("tls")
    with client:
        assert (welcome[0], welcome[2]["authid"], welcome[2]["authprovider"]) == (WELCOME, "joe", "store")
    played.user("passwd", "joe", "--factor", "tls", "--factor", "ticket")
    client, refused = greeted("tls")
    with client:
        assert refused[::2] == [ABORT, "wamp.error.no_matching_auth_method"]
    for word, expected in (("hunter2", ABORT), (ticket, WELCOME)):
        client, asked = greeted("tls", "ticket")
        with client:
            assert asked[:2] == [CHALLENGE, "ticket"]
            client.say(AUTHENTICATE, word, {})
            assert client.hear()[0] == expected
