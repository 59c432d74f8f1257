"""What strangers can do to the doors: long names and messages, very many guesses, answers to other challenges."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from tests.attack.client import Client, joined, memory, singing
from tests.attack.conftest import Attacked, running, settings
from tests.attack.inside import EVERY_ROLE

KIB = 2**10
DENIED = "wamp.error.authentication_denied"
PATIENT = {"pair": None, "address": None, "principal": None}
"""Nobody has to wait, so that the doors are what is tried, and not how often one may."""


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A router with a realm of many doors, beside the open one."""
    directory = tmp_path_factory.mktemp("closed")
    passwords = directory / "users.htpasswd"
    passwords.write_text("ann:" + bcrypt.hashpw(b"ann's hunter2", bcrypt.gensalt(10)).decode() + "\n")
    passwords.chmod(0o600)
    config = settings(process={"failed_joins": PATIENT, "drain": 1.0, "stop": 5.0})
    config["realms"].append(many_doors(passwords))
    with running(config, directory) as attacked:
        yield attacked


def many_doors(passwords: Path) -> dict[str, Any]:
    proofs = {"role": "user", "ticket": "joe's hunter2", "wampcra": {"secret": "hunter2 of cra"}}
    return {
        "name": "closed",
        "roles": [{"name": "user"}, {"name": "guest"}],
        "auth": {
            "anonymous": {"role": "guest"},
            "ticket": {},
            "wampcra": {},
            "scram": {"kdf": "pbkdf2", "iterations": 4096},
            "principals": [
                {"authid": "joe", **proofs},
                {"authid": "twice", **proofs, "factors": ["ticket", "wampcra"]},
            ],
            "password_files": [{"file": str(passwords), "role": "user"}],
        },
    }


def knocking(port: int, authid: str, *methods: str, transport: str = "rawsocket", **details: Any) -> Client:
    client = Client(port, transport)
    client.shake_hands()
    client.send(hello(authid, *methods, **details))
    return client


def hello(authid: str, *methods: str, **details: Any) -> list[Any]:
    return [1, "closed", {"roles": EVERY_ROLE, "authid": authid, "authmethods": list(methods), **details}]


def signed(challenge: str) -> str:
    return b64encode(hmac.digest(b"hunter2 of cra", challenge.encode(), hashlib.sha256)).decode()


@pytest.mark.trap(16)
@pytest.mark.parametrize("transport", ["rawsocket", "websocket"])
def test_who_has_not_joined_may_send_only_short_messages(closed, transport):
    client = Client(closed.port, transport)
    client.shake_hands()
    client.send(hello("joe", "ticket", authextra={"x": "x" * 64 * KIB}))
    assert client.is_cut_off()
    client = knocking(closed.port, "joe", "ticket", transport=transport, authextra={"x": "x" * 60 * KIB})
    assert client.receive()[0] == 4
    client.send([5, "x" * 64 * KIB, {}])
    assert client.is_cut_off()
    member = Client(closed.port, transport)
    member.shake_hands()
    member.join()
    assert member.ask(16, {"acknowledge": True}, "com.topic", ["x" * 900 * KIB])[0] == 17


def test_messages_that_never_end_take_little_memory_before_joining(closed):
    before = memory(closed.pid)
    clients = [Client(closed.port) for _ in range(100)]
    for client in clients:
        client.shake_hands()
        client.socket.sendall(bytes(1) + (2**20 - 1).to_bytes(3, "big") + b"[" * 2**19)
    assert all(client.is_cut_off() for client in clients)
    assert memory(closed.pid) - before < 20 * 2**20


@pytest.mark.trap(16)
def test_long_names_delay_nobody(closed):
    with singing(closed.port, closed.pid) as canary:
        for _ in range(20):
            client = knocking(closed.port, "\ufdfa" * 5_000, "scram", authextra={"nonce": "abcd"})
            assert client.receive()[2] == "wamp.error.authentication_failed"
        assert canary.measure() < 0.1


def test_guesses_at_slow_passwords_delay_nobody_who_is_in(closed):
    with singing(closed.port, closed.pid) as canary:
        guessing = [knocking(closed.port, name, "ticket") for name in ["ann", "nobody"] * 40]
        for number, client in enumerate(guessing):
            assert client.receive()[0] == 4
            client.send([5, f"hunter{number}", {}])
        leaving = guessing[40:]
        for client in leaving:
            client.close()
        answers = [client.receive() for client in guessing[:40]]
        assert {answer[2] for answer in answers} <= {DENIED, "wamp.error.authentication_failed"}
        assert canary.measure() < 0.25
    ann = knocking(closed.port, "ann", "ticket")
    assert ann.receive()[0] == 4
    ann.send([5, "ann's hunter2", {}])
    assert ann.receive()[0] == 2


def test_an_answer_is_of_use_for_its_own_challenge_alone(closed):
    """The proof of one method, or of another connection, is none for the method that asks."""
    joe = knocking(closed.port, "joe", "wampcra")
    challenge = joe.receive()[2]["challenge"]
    other = knocking(closed.port, "joe", "wampcra")
    other.receive()
    other.send([5, signed(challenge), {}])
    assert other.receive()[2] == DENIED
    for method in ("ticket", "wampcra"):
        client = knocking(closed.port, "joe", method)
        client.receive()
        client.send([5, "hunter2 of cra" if method == "ticket" else "joe's hunter2", {}])
        assert client.receive()[2] == DENIED
    joe.send([5, signed(challenge), {}])
    assert joe.receive()[0] == 2


def test_what_is_sent_before_it_is_asked_for_is_no_proof(closed):
    """HELLO, AUTHENTICATE and more in one write; and what a session has proved before GOODBYE is not of the next one."""
    client = Client(closed.port)
    client.shake_hands()
    client.send(hello("joe", "wampcra"), [5, "", {}], [5, signed("{}"), {}], [32, 1, {}, "com.topic"])
    assert client.receive()[0] == 4
    assert client.receive()[2] == DENIED
    assert client.is_cut_off()
    joe = knocking(closed.port, "joe", "ticket")
    joe.receive()
    joe.send([5, "joe's hunter2", {}])
    assert joe.receive()[2]["authrole"] == "user"
    joe.send([6, {}, "wamp.close.close_realm"], hello("joe", "ticket"), [5, "", {}])
    assert [joe.receive()[0] for _ in range(2)] == [6, 4]
    assert joe.receive()[2] == DENIED


def test_the_second_factor_is_asked_for_whatever_is_offered(closed):
    for offered in (["ticket"], ["ticket", "anonymous"], ["ticket", "scram", "wamp-scram", "ticket"]):
        client = knocking(closed.port, "twice", *offered)
        assert client.receive()[:2] == [4, "ticket"]
        client.send([5, "joe's hunter2", {}])
        assert client.receive()[2] == "wamp.error.no_matching_auth_method"
    client = knocking(closed.port, "twice", "ticket", "wampcra")
    client.receive()
    client.send([5, "joe's hunter2", {}], [5, "joe's hunter2", {}])
    assert client.receive()[:2] == [4, "wampcra"]
    assert client.receive()[2] == DENIED
    client = knocking(closed.port, "twice", "wampcra", "anonymous", "ticket")
    client.send([5, signed(client.receive()[2]["challenge"]), {}])
    assert client.receive()[:2] == [4, "ticket"]
    client.send(hello("joe", "anonymous"))
    assert client.receive()[2] == "wamp.error.protocol_violation"


def test_nothing_that_was_sent_to_the_doors_is_in_the_log(closed):
    for said in ([5, {"hunter2": 1}, {}], [5, "hunter2", "hunter2"], [5, "hunter2", {"hunter2": 1}], [8, "hunter2"]):
        client = knocking(closed.port, "joe", "ticket", authextra={"hunter2": ["hunter2"]})
        client.receive()
        client.send(said)
        assert "hunter2" not in json.dumps(client.receive())
    assert "hunter2" not in closed.log()


def judged(timeout: float) -> dict[str, Any]:
    judge = {"procedure": "com.judge", "realm": "realm1", "timeout": timeout, "pending_calls": 200}
    return {"name": "judged", "roles": [{"name": "user"}], "auth": {"ticket": {"authenticator": judge}}}


@pytest.mark.parametrize("leave", ["by closing", "by a violation", "when time is up"])
def test_those_who_wait_for_a_judge_leave_nothing_behind(tmp_path, leave):
    """An authenticator that does not answer, and hundreds of clients who ask for it."""
    config = settings(limits={"join_timeout": 60.0}, process={"failed_joins": PATIENT, "drain": 1.0, "stop": 5.0})
    config["realms"].append(judged(3.0 if leave == "when time is up" else 60.0))
    with running(config, tmp_path) as router, singing(router.port, router.pid) as canary:
        judge = joined(router.port)
        registration = judge.ask(64, {}, "com.judge")[2]
        before = memory(router.pid)
        for _ in range(2):
            crowd = [knocking_at_the_judge(router.port) for _ in range(200)]
            assert canary.measure() < 0.25
            if leave == "by a violation":
                for client in crowd:
                    client.send([5, "hunter2", {}])
                assert {client.receive()[2] for client in crowd} == {"wamp.error.protocol_violation"}
            elif leave == "when time is up":
                assert {client.receive()[2] for client in crowd} == {"wamp.error.authentication_failed"}
            for client in crowd:
                client.close()
        assert memory(router.pid) - before < 12 * 2**20
        last = knocking_at_the_judge(router.port, "last")
        answer(judge, registration, "last")
        assert last.receive()[0] == 2
        judge.close()


def knocking_at_the_judge(port: int, authid: str = "joe") -> Client:
    client = Client(port)
    client.shake_hands()
    client.send([1, "judged", {"roles": EVERY_ROLE, "authid": authid, "authmethods": ["ticket"]}])
    assert client.receive()[0] == 4
    client.send([5, "hunter2", {}])
    return client


def answer(judge: Client, registration: int, authid: str) -> None:
    """Let this one in, and none of those who were asked about before."""
    while True:
        said = judge.receive()
        if said[0] == 68:
            assert said[2] == registration
            if authid in said[4]:
                break
    judge.send([70, said[1], {}, ["user"]])
