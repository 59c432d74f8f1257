"""Methods that prove a shared secret without telling it: wampcra and scram."""

from __future__ import annotations

import json

import pytest

from tests.support.play import ANY, closed
from tests.support.proving import CrossbarProver, Prover, sign
from wampd.auth.passwords import CraCost, ScramCost, cra_key, scram_keys
from wampd.realms.messages import (
    ABORT,
    AUTHENTICATE,
    CALL,
    CHALLENGE,
    ERROR,
    INVOCATION,
    REGISTER,
    REGISTERED,
    YIELD,
)

PROVERS = pytest.mark.parametrize(
    ("kind", "name"), [(Prover, "wamp-scram"), (Prover, "scram"), (CrossbarProver, "scram")]
)


def challenged(play, method, authid, name="alice", **details):
    """Let somebody new say HELLO, and be asked; who it is, and what CHALLENGE holds."""
    actor = play.newcomer(name)
    actor.hello("proving", authmethods=[method], authid=authid, **details)
    actor < [CHALLENGE, method, ANY.as_(f"extra_of_{name}")]
    return actor, getattr(play, f"extra_of_{name}")


def refused(actor, **details):
    actor < [ABORT, {"message": "authentication failed", **details}, "wamp.error.authentication_denied"]
    actor < closed


@pytest.mark.spec("CRA-01", "CRA-02", "CRA-04", "AUT-01")
@pytest.mark.parametrize("authid", ["joe", "ann", "bob"])
def test_who_signs_the_challenge_is_welcome(play, authid):
    alice, extra = challenged(play, "wampcra", authid)
    assert ("salt" in extra) == (authid != "ann")
    text = json.loads(extra["challenge"])
    alice > [AUTHENTICATE, sign(extra, f"hunter2-of-{authid}"), {}]
    alice.welcome()
    assert text["session"] == alice.id
    assert {key: text[key] for key in ("authid", "authrole", "authmethod", "authprovider")} == {
        key: alice.details[key] for key in ("authid", "authrole", "authmethod", "authprovider")
    }
    alice > [CALL, 1, {}, "com.app.add"]
    alice < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ...]


@pytest.mark.spec("CRA-05", "CRA-04")
@pytest.mark.parametrize(
    ("authid", "secret"), [("wamp-cra-user", "cra-secret"), ("wamp-cra-salt-user", "cra-salt-secret")]
)
def test_users_of_the_test_suites_of_others_can_be_set_up(play, authid, secret):
    alice, extra = challenged(play, "wampcra", authid)
    assert extra.get("salt") == ("cra-salt" if authid == "wamp-cra-salt-user" else None)
    alice > [AUTHENTICATE, sign(extra, secret), {}]
    alice.welcome()


@pytest.mark.spec("CRA-02", "CRA-03", "AUT-04", "AUT-08")
@pytest.mark.parametrize("authid", ["joe", "ann", "nobody"])
def test_who_signs_it_with_another_secret_is_refused(play, authid):
    alice, extra = challenged(play, "wampcra", authid)
    alice > [AUTHENTICATE, sign(extra, "hunter2"), {}]
    refused(alice)


@pytest.mark.spec("CRA-01", "CRA-03")
def test_no_challenge_of_wampcra_comes_twice(play):
    texts = []
    for name in ("alice", "bob", "carol"):
        actor, extra = challenged(play, "wampcra", "joe", name)
        texts.append(json.loads(extra["challenge"]))
        actor > [ABORT, {}, "com.app.changed.my.mind"]
        actor < closed
    assert len({text["nonce"] for text in texts}) == 3
    assert len({text["session"] for text in texts}) == 3
    assert all(text["timestamp"].endswith("Z") for text in texts)


@pytest.mark.spec("CRA-03")
def test_who_signs_too_late_is_refused(memory_play):
    play = memory_play
    _, extra = challenged(play, "wampcra", "joe")
    play.stage.clock.advance(11)
    play.alice < [ABORT, {"message": str}, "wamp.error.authentication_failed"]
    play.alice.say([AUTHENTICATE, sign(extra, "hunter2-of-joe"), {}])
    play.alice < closed


@pytest.mark.spec("SCR-02", "SCR-03", "SCR-04", "AMB-15")
@PROVERS
@pytest.mark.parametrize("authid", ["joe", "bob"])
def test_who_proves_to_know_the_password_is_welcome_and_has_the_router_proved(play, kind, name, authid):
    prover = kind(authid, f"hunter2-of-{authid}")
    alice, extra = challenged(play, name, authid, authextra=prover.authextra)
    alice > [AUTHENTICATE, prover.prove(extra), prover.answer(extra)]
    alice.welcome()
    assert (alice.details["authid"], alice.details["authmethod"]) == (authid, name)
    words = {"verifier"} if name == "wamp-scram" else {"verifier", "scram_server_signature"}
    assert set(alice.details["authextra"]) == words
    assert all(prover.believes(proof) for proof in alice.details["authextra"].values())


@pytest.mark.spec("SCR-03", "SCR-07", "SCR-08", "AUT-04")
@PROVERS
@pytest.mark.parametrize("authid", ["joe", "ann", "nobody"])
def test_who_proves_nothing_is_refused(play, kind, name, authid):
    prover = kind(authid, "hunter2")
    alice, extra = challenged(play, name, authid, authextra=prover.authextra)
    alice > [AUTHENTICATE, prover.prove(extra), prover.answer(extra)]
    refused(alice, scram="invalid-proof")


@pytest.mark.spec("SCR-01", "SCR-08", "SCR-09")
@pytest.mark.parametrize("binding", ["tls-unique", "tls-server-end-point", "tls-exporter", "of no kind"])
def test_without_tls_there_is_no_channel_to_bind_to(play, binding):
    alice = play.newcomer("alice")
    extra = {"nonce": "rOprNGfwEbeRWgbNEkqO", "channel_binding": binding}
    alice.hello("proving", authmethods=["wamp-scram"], authid="joe", authextra=extra)
    alice < [
        ABORT,
        {"message": str, "scram": "channel-binding-not-supported"},
        "wamp.error.authentication_failed",
    ]
    alice < closed


@pytest.mark.spec("SCR-03")
def test_who_proves_it_too_late_is_refused(memory_play):
    play, prover = memory_play, Prover("joe", "hunter2-of-joe")
    _, extra = challenged(play, "wamp-scram", "joe", authextra=prover.authextra)
    play.stage.clock.advance(11)
    play.alice < [ABORT, {"message": str}, "wamp.error.authentication_failed"]
    play.alice.say([AUTHENTICATE, prover.prove(extra), prover.answer(extra)])
    play.alice < closed


@pytest.mark.spec("SCR-07", "CRA-01")
@pytest.mark.parametrize(
    ("authid", "salt"), [("joe", "SjLex8h5rsrHurrksW0Bsg=="), ("nobody", "JT7mRtHPmNeyq6lfr2zMCg==")]
)
def test_the_salts_of_passwords_and_of_unknown_principals_stay_if_their_secret_is_configured(play, authid, salt):
    prover = Prover(authid, "hunter2")
    alice, extra = challenged(play, "wamp-scram", authid, authextra=prover.authextra)
    assert extra["salt"] == salt
    alice > [ABORT, {}, "com.app.changed.my.mind"]
    alice < closed


# ------------------------------------------------------------------------------------------ keys that a component tells

CRA = cra_key("hunter2-of-joe", "salt of joe", CraCost(10))
TEXT, CROSSBAR = scram_keys("hunter2-of-joe", b"salt of joe", ScramCost("argon2id13", 1, 8))


def in_hexadecimal(keys):
    """As Crossbar.io's dynamic authenticators tell them."""
    return {
        "kdf": keys.kdf,
        "salt": keys.salt.hex(),
        "iterations": keys.iterations,
        "memory": keys.memory,
        "stored-key": keys.stored_key.hex(),
        "server-key": keys.server_key.hex(),
    }


def told(play, method, answer, **details):
    """Let somebody new say HELLO, and a component tell the keys; who it is, and what CHALLENGE holds."""
    oracle = play.session("authenticator", "asking")
    oracle > [REGISTER, 1, {}, "com.auth.keys"]
    oracle < [REGISTERED, 1, int]
    alice = play.newcomer("alice")
    alice.hello("asked", authmethods=[method], authid="joe", **details)
    oracle < [INVOCATION, ANY.as_("question"), int, {...: ...}, ["asked", "joe", {"authmethod": ANY, ...: ...}]]
    oracle > answer(play.question)
    alice < [CHALLENGE, method, ANY.as_("extra")]
    return alice, play.extra


def known(value):
    return lambda question: [YIELD, question, {}, [value]]


def unknown(question):
    return [ERROR, INVOCATION, question, {}, "wamp.error.no_such_principal"]


@pytest.mark.spec("AUT-10", "CRA-01", "CRA-04")
@pytest.mark.parametrize(
    "answer",
    [
        {"role": "member", "secret": "hunter2-of-joe"},
        {"role": "member", "secret": CRA.key.decode(), "salt": CRA.salt, "iterations": 10, "keylen": 32},
    ],
)
def test_a_component_tells_the_key_of_wampcra(play, answer):
    alice, extra = told(play, "wampcra", known(answer))
    assert json.loads(extra["challenge"])["authprovider"] == "dynamic"
    alice > [AUTHENTICATE, sign(extra, "hunter2-of-joe"), {}]
    alice.welcome()
    assert alice.details["authprovider"] == "dynamic"


@pytest.mark.spec("AUT-10", "SCR-02", "SCR-06", "AMB-15")
@pytest.mark.parametrize(
    ("kind", "name", "keys"),
    [(Prover, "wamp-scram", TEXT), (Prover, "scram", TEXT), (CrossbarProver, "scram", CROSSBAR)],
)
def test_a_component_tells_the_keys_of_scram(play, kind, name, keys):
    prover = kind("joe", "hunter2-of-joe")
    answer = known({"role": "member", **in_hexadecimal(keys)})
    alice, extra = told(play, name, answer, authextra=prover.authextra)
    alice > [AUTHENTICATE, prover.prove(extra), prover.answer(extra)]
    alice.welcome()
    assert prover.believes(alice.details["authextra"]["verifier"])


@pytest.mark.spec("AUT-10", "AUT-04", "SCR-07")
@pytest.mark.parametrize("method", ["wampcra", "wamp-scram"])
def test_whom_the_component_does_not_know_is_challenged_all_the_same(play, method):
    prover = Prover("joe", "hunter2-of-joe")
    alice, extra = told(play, method, unknown, authextra=prover.authextra)
    if method == "wampcra":
        assert json.loads(extra["challenge"])["authprovider"] == "dynamic"
        alice > [AUTHENTICATE, sign(extra, "hunter2-of-joe"), {}]
        refused(alice)
    else:
        alice > [AUTHENTICATE, prover.prove(extra), prover.answer(extra)]
        refused(alice, scram="invalid-proof")


@pytest.mark.spec("AUT-01")
def test_one_password_serves_every_method_that_takes_one(play):
    alice = play.newcomer("alice")
    alice.hello("proving", authmethods=["ticket"], authid="joe")
    alice < [CHALLENGE, "ticket", {}]
    alice > [AUTHENTICATE, "hunter2-of-joe", {}]
    alice.welcome()
    assert alice.details["authmethod"] == "ticket"
