"""scram: who comes in, that nobody else does, and that the router proves itself."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from typing import Any
from unittest.mock import ANY

import pytest

from tests.auth.door import ABORT, AUTHENTICATE, CHALLENGE, WELCOME, Client, hello, wamp_error
from tests.support.proving import CrossbarProver, Prover
from wampd.auth import scram as scram_module
from wampd.auth.accounts import Account, ScramKeys
from wampd.auth.handshake import RealmAuth
from wampd.auth.lookalikes import Lookalikes
from wampd.auth.passwords import ScramCost, scram_keys
from wampd.auth.roles import Role
from wampd.auth.scram import NAMES, Scram
from wampd.realms.session import ProtocolViolation
from wampd.router.stores.accounts import FixedAccounts

SERVER_NONCE = "SBmkFIh7sSo="
SALT = b"salt of hunter2."
ARGON2, PBKDF2 = ScramCost("argon2id13", 1, 8), ScramCost("pbkdf2", 10)

JOE = Account(authid="joe", role="member", scram=scram_keys("hunter2", SALT, ARGON2), extra={"desk": 7})
ANN = Account(authid="ann", role="member", scram=scram_keys("hunter2 of ann", SALT[:8], PBKDF2))
ODD = Account(authid="a,b=c", role="member", scram=scram_keys("hunter2", SALT, ARGON2))
NINTH = Account(authid="\u2168", role="member", scram=scram_keys("hunter2", SALT, ARGON2))
TEXT_ONLY = Account(authid="tex", role="member", scram=scram_keys("hunter2", SALT, ARGON2)[:1])
WITHOUT = Account(authid="bob", role="member")
USUAL = Account(
    authid="",
    role="member",
    scram=tuple(
        ScramKeys(kdf=kdf, salt=bytes(16), iterations=1, memory=8, stored_key=b"", server_key=b"")
        for kdf in ("argon2id13", "argon2id-13")
    ),
)
EVERYBODY = (JOE, ANN, ODD, NINTH, TEXT_ONLY, WITHOUT)


class Channel:
    """What TLS would know."""

    certificate = None

    def __init__(self, **ids: bytes) -> None:
        self.ids = {kind.replace("_", "-"): value for kind, value in ids.items()}

    def binding(self, kind: str) -> bytes | None:
        return self.ids.get(kind)


TLS = Channel(tls_exporter=b"exported of hunter2", tls_server_end_point=b"hash of a certificate")


def door(
    *accounts: Account, secret: bytes = b"of the mock challenges", nonce: str = SERVER_NONCE, required: bool = False
) -> dict[str, RealmAuth]:
    lookalikes = Lookalikes(secret, "realm1", [USUAL])
    lookalikes.imitate(accounts)
    found = FixedAccounts(accounts)
    methods = [Scram(name, found, lookalikes, lambda: nonce, is_binding_required=required) for name in NAMES]
    return {"realm1": RealmAuth(methods, [Role("member")])}


def client(transport: dict[str, Any] | None = None, *, required: bool = False) -> Client:
    return Client(door(*EVERYBODY, required=required), transport)


def challenged(client: Client, prover: Prover, name: str = "wamp-scram", authid: str | None = None) -> dict[str, Any]:
    client > hello(authmethods=[name], authid=authid or prover.user, authextra=prover.authextra)
    client < [CHALLENGE, name, ANY]
    extra: dict[str, Any] = client.outcome.extra
    return extra


def proved(client: Client, prover: Prover, name: str = "wamp-scram", authid: str | None = None) -> None:
    extra = challenged(client, prover, name, authid)
    client > [AUTHENTICATE, prover.prove(extra), prover.answer(extra)]


def denied(error: str, reason: str = "authentication_denied", message: Any = "authentication failed") -> list[Any]:
    return [ABORT, {"message": message, "scram": error}, wamp_error(reason)]


def failed(error: str) -> list[Any]:
    return denied(error, "authentication_failed", ANY)


# ------------------------------------------------------------------------------------------------------ who comes in


@pytest.mark.spec("SCR-02")
def test_the_challenge_prolongs_the_nonce_and_tells_salt_and_costs():
    prover = Prover("joe", "hunter2", nonce="egVDf3DMJh0=")
    assert challenged(client(), prover) == {
        "nonce": "egVDf3DMJh0=" + SERVER_NONCE,
        "salt": b64encode(SALT).decode(),
        "kdf": "argon2id13",
        "iterations": 1,
        "memory": 8,
    }
    assert challenged(client(), Prover("ann", "hunter2 of ann")) == {
        "nonce": "rOprNGfwEbeRWgbNEkqO" + SERVER_NONCE,
        "salt": b64encode(SALT[:8]).decode(),
        "kdf": "pbkdf2",
        "iterations": 10,
        "memory": None,
    }


@pytest.mark.spec("SCR-03", "SCR-04", "SCR-06", "AUT-05", "AMB-15")
@pytest.mark.parametrize(("authid", "password"), [("joe", "hunter2"), ("ann", "hunter2 of ann"), ("a,b=c", "hunter2")])
@pytest.mark.parametrize("name", NAMES)
def test_who_knows_the_password_comes_in_and_learns_that_the_router_knows_it(authid, password, name):
    joe, prover = client(), Prover(authid, password)
    proved(joe, prover, name)
    joe < [WELCOME, 1001]
    details = joe.accepted.details()
    assert (details["authid"], details["authrole"], details["authmethod"]) == (authid, "member", name)
    assert prover.believes(details["authextra"]["verifier"])
    assert not details["authextra"]["verifier"].startswith("v=")


@pytest.mark.spec("SCR-04", "AMB-15")
def test_each_name_has_its_own_words_for_the_proof_of_the_router():
    extras = {}
    for name in NAMES:
        joe = client()
        proved(joe, Prover("joe", "hunter2"), name)
        extras[name] = joe.accepted.authextra
    verifier = extras["wamp-scram"]["verifier"]
    assert extras["wamp-scram"] == {"desk": 7, "verifier": verifier}
    assert extras["scram"] == {"desk": 7, "verifier": verifier, "scram_server_signature": verifier}


@pytest.mark.spec("AMB-15")
@pytest.mark.parametrize(("authid", "password"), [("joe", "hunter2"), ("ann", "hunter2 of ann"), ("a,b=c", "hunter2")])
def test_who_does_as_autobahn_does_comes_in_too(authid, password):
    joe, prover = client(), CrossbarProver(authid, password)
    extra = challenged(joe, prover, "scram")
    assert extra["kdf"] == ("pbkdf2" if authid == "ann" else "argon2id-13")
    assert ("memory" in extra) == (authid != "ann")  # autobahn cannot read null
    joe > [AUTHENTICATE, prover.prove(extra), {}]
    assert prover.believes(joe.accepted.authextra["scram_server_signature"])


@pytest.mark.spec("AMB-15")
def test_who_does_as_autobahn_does_may_send_the_nonce_back_and_is_spoken_to_as_the_text_has_it_then():
    ann, prover = client(), Prover("ann", "hunter2 of ann")
    ann > hello(authmethods=["scram"], authid="ann", authextra={"nonce": prover.nonce})
    extra = ann.outcome.extra
    ann > [AUTHENTICATE, prover.prove(extra), {"nonce": extra["nonce"]}]
    assert prover.believes(ann.accepted.authextra["verifier"])


@pytest.mark.spec("AMB-15")
def test_wamp_scram_is_never_spoken_as_autobahn_speaks():
    joe, prover = client(), CrossbarProver("ann", "hunter2 of ann")
    extra = challenged(joe, prover, "wamp-scram")
    joe > [AUTHENTICATE, prover.prove(extra), {"nonce": extra["nonce"]}]
    joe < denied("invalid-proof")


VECTORS = {
    "RFC 7677, section 3": (
        ("rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "W22ZaJ0SNY7soEsUEjb6gQ=="),
        ("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
    ),
    "the nonces and salt of WAMP's example": (
        ("egVDf3DMJh0=", "SBmkFIh7sSo=", "aBc+fx0NAVA="),
        ("L1uwjEEL7BdbtlWMKxNcQ1A/CmNjct+7xdAguB/rpnA=", "AyTAljdPHv74Zx+gn+6DqiFnl4XOZUXpC7k/pSkjBOg="),
    ),
}


@pytest.mark.spec("SCR-05", "SCR-03", "SCR-04")
@pytest.mark.parametrize("vector", VECTORS)
def test_vectors(vector):
    (nonce, server_nonce, salt), (proof, verifier) = VECTORS[vector]
    account = Account(
        authid="user", role="member", scram=scram_keys("pencil", b64decode(salt), ScramCost("pbkdf2", 4096))
    )
    user = Client(door(account, nonce=server_nonce))
    user > hello(authmethods=["wamp-scram"], authid="user", authextra={"nonce": nonce, "channel_binding": None})
    user < [CHALLENGE, "wamp-scram", ANY]
    assert user.outcome.extra == {
        "nonce": nonce + server_nonce,
        "salt": salt,
        "kdf": "pbkdf2",
        "iterations": 4096,
        "memory": None,
    }
    user > [AUTHENTICATE, proof, {"nonce": nonce + server_nonce, "channel_binding": None, "cbind_data": None}]
    assert user.accepted.authextra == {"verifier": verifier}


@pytest.mark.spec("SCR-05")
def test_what_is_signed_holds_the_normalized_name():
    ninth, prover = client(), Prover("IX", "hunter2")
    proved(ninth, prover, authid="\u2168")
    assert ninth.accepted.authid == "\u2168"
    other, prover = client(), Prover("\u2168", "hunter2")
    proved(other, prover)
    other < denied("invalid-proof")


# ------------------------------------------------------------------------------------------------------ who does not


@pytest.mark.spec("SCR-01", "SCR-08")
@pytest.mark.parametrize(
    ("extra", "error"),
    [
        (None, "invalid-encoding"),
        ({}, "invalid-encoding"),
        ({"nonce": None}, "invalid-encoding"),
        ({"nonce": 7}, "invalid-encoding"),
        ({"nonce": ["a"]}, "invalid-encoding"),
        ({"nonce": ""}, "invalid-encoding"),
        ({"nonce": "a,b"}, "invalid-encoding"),
        ({"nonce": "abcd\n"}, "invalid-encoding"),
        ({"nonce": "\u0661\u0661"}, "invalid-encoding"),
        ({"nonce": "a" * 257}, "invalid-encoding"),
        ({"nonce": "YWJj", "channel_binding": "tls-unique"}, "channel-binding-not-supported"),
        ({"nonce": "YWJj", "channel_binding": ""}, "channel-binding-not-supported"),
        ({"nonce": "YWJj", "channel_binding": False}, "channel-binding-not-supported"),
    ],
)
@pytest.mark.parametrize("authid", ["joe", "nobody"])
@pytest.mark.parametrize("name", NAMES)
def test_a_hello_that_cannot_be_served_is_refused(authid, name, extra, error):
    joe = client()
    joe > hello(authmethods=[name], authid=authid, authextra=extra)
    joe < failed(error)


@pytest.mark.spec("SCR-01")
@pytest.mark.parametrize("kind", ["tls-unique", "tls-server", "", "TLS-EXPORTER", 7, False, ["tls-exporter"]])
def test_a_channel_binding_that_there_is_not_is_refused(kind):
    joe = client({"channel": TLS})
    joe > hello(authmethods=["wamp-scram"], authid="joe", authextra={"nonce": "YWJj", "channel_binding": kind})
    joe < failed("unsupported-channel-binding-type")


@pytest.mark.spec("SCR-05", "SCR-08")
@pytest.mark.parametrize("authid", ["", "\u00ad", "joe\x00", "\ue000"])
def test_a_name_that_saslprep_prohibits_is_refused(authid):
    joe = client()
    joe > hello(authmethods=["wamp-scram"], authid=authid, authextra={"nonce": "YWJj"})
    joe < failed("invalid-username-encoding")


def test_scram_needs_an_authid():
    joe = client()
    joe > hello(authmethods=["wamp-scram"], authextra={"nonce": "YWJj"})
    joe < [ABORT, {"message": "the method 'wamp-scram' needs an authid in HELLO"}, wamp_error("authentication_failed")]


@pytest.mark.spec("SCR-03", "AUT-04")
@pytest.mark.parametrize("password", ["", "hunter", "Hunter2", "hunter2 ", "hunter2 of ann"])
@pytest.mark.parametrize(("kind", "name"), [(Prover, "wamp-scram"), (Prover, "scram"), (CrossbarProver, "scram")])
def test_another_password_is_denied(kind, name, password):
    joe = client()
    proved(joe, kind("joe", password), name)
    joe < denied("invalid-proof")
    assert joe.aborted.log == f"{name}: 'joe': wrong proof"


@pytest.mark.spec("SCR-03", "SCR-08")
@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda proof: "", "invalid-encoding"),
        (lambda proof: proof[:-4], "invalid-encoding"),
        (lambda proof: proof.rstrip("="), "invalid-encoding"),
        (lambda proof: proof + "\n", "invalid-encoding"),
        (lambda proof: proof + proof, "invalid-encoding"),
        (lambda proof: "%" + proof[1:], "invalid-encoding"),
        (lambda proof: "\U0001f600", "invalid-encoding"),
        (lambda proof: b64encode(bytes(32)).decode(), "invalid-proof"),
        (lambda proof: b64encode(bytes([b64decode(proof)[0] ^ 1]) + b64decode(proof)[1:]).decode(), "invalid-proof"),
        (lambda proof: b64encode(b64decode(proof)[::-1]).decode(), "invalid-proof"),
    ],
)
@pytest.mark.parametrize("authid", ["joe", "nobody"])
def test_another_proof_is_denied(authid, spoil, error):
    joe, prover = client(), Prover(authid, "hunter2")
    extra = challenged(joe, prover)
    joe > [AUTHENTICATE, spoil(prover.prove(extra)), prover.answer(extra)]
    joe < denied(error)


@pytest.mark.spec("SCR-03")
def test_base64_is_canonical():
    joe, prover = client(), Prover("joe", "hunter2")
    extra = challenged(joe, prover)
    proof = prover.prove(extra)
    same = next(text for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                if (text := f"{proof[:42]}{last}=") != proof and b64decode(text) == b64decode(proof))  # fmt: skip
    joe > [AUTHENTICATE, same, prover.answer(extra)]
    joe < denied("invalid-encoding")


@pytest.mark.spec("SCR-03", "SCR-08")
@pytest.mark.parametrize("authid", ["joe", "nobody"])
@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("nonce", None, "other-error"),
        ("nonce", "", "other-error"),
        ("nonce", "rOprNGfwEbeRWgbNEkqO", "other-error"),
        ("nonce", "rOprNGfwEbeRWgbNEkqOSBmkFIh7sSp=", "other-error"),
        ("nonce", 7, "other-error"),
        ("channel_binding", None, "channel-bindings-dont-match"),
        ("channel_binding", "tls-server-end-point", "channel-bindings-dont-match"),
        ("channel_binding", "", "channel-bindings-dont-match"),
        ("cbind_data", None, "channel-bindings-dont-match"),
        ("cbind_data", "", "channel-bindings-dont-match"),
        ("cbind_data", 7, "channel-bindings-dont-match"),
        ("cbind_data", b64encode(b"of another channel").decode(), "channel-bindings-dont-match"),
    ],
)
def test_an_answer_for_another_nonce_or_channel_is_denied(authid, field, value, error):
    joe = client({"channel": TLS})
    prover = Prover(authid, "hunter2").bound("tls-exporter", b"exported of hunter2")
    extra = challenged(joe, prover)
    joe > [AUTHENTICATE, prover.prove(extra), prover.answer(extra) | {field: value}]
    joe < denied(error)


@pytest.mark.spec("SCR-03")
@pytest.mark.parametrize("field", ["salt", "iterations", "nonce"])
def test_a_challenge_that_was_changed_on_its_way_makes_the_proof_wrong(field):
    # Whoever stands in between wants the client to derive cheaper, or with a salt of its own.
    ann, prover = client(), Prover("ann", "hunter2 of ann")
    extra = challenged(ann, prover)
    changed = {"salt": b64encode(b"of another").decode(), "iterations": 1, "nonce": prover.nonce + "YWJj"}
    ann > [AUTHENTICATE, prover.prove(extra | {field: changed[field]}), prover.answer(extra)]
    ann < denied("invalid-proof")


@pytest.mark.spec("SCR-03", "AUT-08")
def test_a_proof_is_good_for_no_other_challenge():
    prover = Prover("joe", "hunter2")
    first, second = client(), Client(door(*EVERYBODY, nonce="YW5vdGhlcg=="))
    extra = challenged(first, prover)
    proof = prover.prove(extra)
    challenged(second, prover)
    second > [AUTHENTICATE, proof, prover.answer(extra)]
    second < denied("other-error")
    third = Client(door(*EVERYBODY, nonce="YW5vdGhlcg=="))
    challenged(third, prover)
    third > [AUTHENTICATE, proof, {"nonce": prover.nonce + "YW5vdGhlcg==", "channel_binding": None}]
    third < denied("invalid-proof")


@pytest.mark.spec("SCR-03", "AUT-08")
def test_a_challenge_takes_one_guess():
    joe, prover = client(), Prover("joe", "hunter2")
    extra = challenged(joe, prover)
    joe > [AUTHENTICATE, "wrong", {}]
    with pytest.raises(ProtocolViolation):
        joe > [AUTHENTICATE, prover.prove(extra), prover.answer(extra)]


@pytest.mark.spec("SCR-03")
def test_a_proof_that_is_late_is_denied():
    joe, prover = client(), Prover("joe", "hunter2")
    extra = challenged(joe, prover)
    joe.outcome = joe.handshake.expire()
    joe < [ABORT, {"message": "no AUTHENTICATE in time"}, wamp_error("authentication_failed")]
    with pytest.raises(ProtocolViolation):
        joe > [AUTHENTICATE, prover.prove(extra), prover.answer(extra)]


@pytest.mark.spec("SCR-06")
@pytest.mark.parametrize("which", ["stored_key", "server_key"])
def test_who_has_read_the_stored_keys_does_not_get_in(which):
    # RFC 5802, section 9: it takes both the keys and a proof of somebody else to do so.
    class Thief(Prover):
        def derive(self, extra: dict[str, Any]) -> bytes:
            return getattr(JOE.scram[0], which)

    joe = client()
    proved(joe, Thief("joe", ""))
    joe < denied("invalid-proof")


# --------------------------------------------------------------------------------------------------- channel binding


@pytest.mark.spec("SCR-09", "SCR-01", "SCR-03")
@pytest.mark.parametrize("kind", ["tls-unique", "tls-server-end-point", "tls-exporter"])
@pytest.mark.parametrize("required", [False, True])
def test_a_proof_is_bound_to_its_channel(kind, required):
    channel = Channel(**{kind.replace("-", "_"): b"id of hunter2"})
    joe, prover = client({"channel": channel}, required=required), Prover("joe", "hunter2")
    proved(joe, prover.bound(kind, b"id of hunter2"))
    assert prover.believes(joe.accepted.authextra["verifier"])


@pytest.mark.spec("SCR-09", "SCR-03")
def test_a_proof_that_is_passed_on_from_another_channel_is_denied():
    # Who stands in between has a channel with each of the two, and they differ.
    joe = client({"channel": TLS})
    prover = Prover("joe", "hunter2").bound("tls-exporter", b"of the channel to the one in between")
    extra = challenged(joe, prover)
    proof = prover.prove(extra)
    ours = b64encode(b"exported of hunter2").decode()
    joe > [AUTHENTICATE, proof, prover.answer(extra) | {"cbind_data": ours}]
    joe < denied("invalid-proof")


@pytest.mark.spec("SCR-09")
@pytest.mark.parametrize(("kind", "name"), [(Prover, "wamp-scram"), (Prover, "scram"), (CrossbarProver, "scram")])
def test_where_binding_is_required_nobody_can_do_without(kind, name):
    joe, prover = client({"channel": TLS}, required=True), kind("joe", "hunter2")
    joe > hello(authmethods=[name], authid="joe", authextra=prover.authextra)
    joe < failed("server-does-support-channel-binding")


@pytest.mark.spec("SCR-09")
def test_a_client_cannot_be_talked_out_of_binding():
    joe = client({"channel": TLS})
    prover = Prover("joe", "hunter2").bound("tls-exporter", b"exported of hunter2")
    joe > hello(authmethods=["wamp-scram"], authid="joe", authextra={"nonce": prover.nonce, "channel_binding": None})
    extra = joe.outcome.extra
    joe > [AUTHENTICATE, prover.prove(extra), {"nonce": extra["nonce"], "channel_binding": None}]
    joe < denied("invalid-proof")


# -------------------------------------------------------------------------------------------------- unknown principals


@pytest.mark.spec("SCR-07", "AUT-04")
@pytest.mark.parametrize("authid", ["nobody", "bob", "Joe", "joe ", "j\U0001f600e"])
@pytest.mark.parametrize(("kind", "name"), [(Prover, "wamp-scram"), (Prover, "scram"), (CrossbarProver, "scram")])
def test_an_unknown_principal_is_challenged_and_denied_like_a_known_one(kind, name, authid):
    doors = door(JOE, WITHOUT)
    known, unknown = Client(doors), Client(doors)
    extras = challenged(known, kind("joe", "wrong"), name), challenged(unknown, kind(authid, "hunter2"), name)
    one, other = (extra | {"salt": len(extra["salt"])} for extra in extras)
    assert one == other
    for comer, prover, extra in ((known, kind("joe", "x"), extras[0]), (unknown, kind(authid, "hunter2"), extras[1])):
        comer > [AUTHENTICATE, prover.prove(extra), prover.answer(extra)]
    assert known.aborted.wire() == unknown.aborted.wire() == tuple(denied("invalid-proof"))
    assert unknown.aborted.log.endswith("unknown authid")


@pytest.mark.spec("SCR-07")
def test_an_unknown_principal_has_the_same_salt_each_time_and_another_than_others():
    doors = door(JOE, ANN)
    salts = {
        name: [challenged(Client(doors), Prover(name, ""))["salt"] for _ in range(3)] for name in ("x", "y", "bob")
    }
    assert all(len(set(each)) == 1 for each in salts.values())
    assert len({each[0] for each in salts.values()}) == 3
    again = door(JOE, ANN)  # as after a restart, with the same secret
    assert challenged(Client(again), Prover("x", ""))["salt"] == salts["x"][0]
    other = door(JOE, ANN, secret=b"another")
    assert challenged(Client(other), Prover("x", ""))["salt"] != salts["x"][0]


@pytest.mark.spec("SCR-07")
def test_unknown_principals_are_as_different_as_the_known():
    doors = door(JOE, ANN)
    looks = set()
    for number in range(60):
        extra = challenged(Client(doors), Prover(f"nobody-{number}", ""))
        looks.add((extra["kdf"], extra["iterations"], extra["memory"], len(b64decode(extra["salt"]))))
    assert looks == {("argon2id13", 1, 8, 16), ("pbkdf2", 10, None, 8)}


@pytest.mark.spec("SCR-07", "AMB-15")
@pytest.mark.parametrize("accounts", [(JOE,), (TEXT_ONLY,)])
def test_asking_in_both_ways_does_not_tell_who_is_known(accounts):
    doors = door(*accounts)
    pairs = {}
    for authid in (accounts[0].authid, "nobody", "bob"):
        text = challenged(Client(doors), Prover(authid, ""), "scram")
        crossbar = challenged(Client(doors), CrossbarProver(authid, ""), "scram")
        pairs[authid] = (text["kdf"], crossbar["kdf"], text["salt"] == crossbar["salt"])
    assert len(set(pairs.values())) == 1


@pytest.mark.spec("SCR-07", "AMB-15")
def test_keys_of_the_one_way_are_no_use_in_the_other():
    tex = client()
    proved(tex, CrossbarProver("tex", "hunter2"), "scram")
    tex < denied("invalid-proof")
    tex = client()
    proved(tex, Prover("tex", "hunter2"), "scram")
    assert tex.accepted.authid == "tex"


@pytest.mark.spec("AUT-08", "SCR-07")
@pytest.mark.parametrize("authid", ["joe", "ann", "bob", "nobody"])
def test_proofs_are_compared_once_and_in_constant_time(monkeypatch, authid):
    compared = []

    class Watched:
        digest = staticmethod(hmac.digest)

        @staticmethod
        def compare_digest(one: bytes, other: bytes) -> bool:
            compared.append((len(one), len(other)))
            return hmac.compare_digest(one, other)

    monkeypatch.setattr(scram_module, "hmac", Watched)
    joe = client()
    proved(joe, Prover(authid, "wrong"))
    assert compared == [(32, 32)]


def test_no_secret_is_seen_in_what_is_printed_or_logged():
    joe, prover = client({"channel": TLS}), Prover("joe", "wrong hunter2").bound("tls-exporter", b"exported of hunter2")
    extra = challenged(joe, prover)
    proof = prover.prove(extra)
    exchange = joe.handshake._exchange
    assert "hunter2" not in f"{exchange!r} {exchange._hello!r} {joe.outcome!r} {JOE!r}"
    joe > [AUTHENTICATE, proof, prover.answer(extra)]
    said = f"{joe.outcome!r} {joe.aborted.log}"
    assert "hunter2" not in said
    assert proof not in said


@pytest.mark.spec("AUT-04")
@pytest.mark.parametrize("authid", ["bob", "nobody"])
def test_a_proof_that_fits_a_lookalike_lets_nobody_in(authid):
    """Whoever knew a password of the lookalikes would still be no principal that has keys."""

    class Known(Lookalikes):
        def scram(self, authid: str, kdfs: Any, known: Any) -> ScramKeys:
            return JOE.scram[0]

    method = Scram("wamp-scram", FixedAccounts(EVERYBODY), Known(b"", "realm1", [USUAL]), lambda: SERVER_NONCE)
    play = Client({"realm1": RealmAuth([method], [Role("member")])})
    proved(play, Prover(authid, "hunter2"))
    play < denied("invalid-proof")
    assert "wrong proof" not in play.aborted.log
