"""wampcra: who comes in, and that nobody else does."""

from __future__ import annotations

import hmac
import itertools
import json
from base64 import b64encode
from unittest.mock import ANY

import msgspec
import pytest

from tests.auth.door import ABORT, AUTHENTICATE, CHALLENGE, WELCOME, Client, hello, wamp_error
from tests.support.proving import sign
from wampd.auth import wampcra as wampcra_module
from wampd.auth.accounts import Account, CraKey
from wampd.auth.handshake import RealmAuth
from wampd.auth.lookalikes import Lookalikes
from wampd.auth.passwords import CraCost, cra_key, cra_secret
from wampd.auth.roles import Role
from wampd.auth.wampcra import Wampcra
from wampd.realms.session import ProtocolViolation
from wampd.router.stores.accounts import FixedAccounts

DENIED = [ABORT, {"message": "authentication failed"}, wamp_error("authentication_denied")]
NOON = 1_795_262_400_123_456
"""2026-11-21, 12:00, and a little more, in microseconds."""
COST = CraCost(10)

PLAIN = Account(authid="joe", role="member", wampcra=cra_secret("hunter2"))
SALTED = Account(authid="ann", role="staff", wampcra=cra_key("hunter2 of ann", "salt123", COST), extra={"desk": 7})
WITHOUT = Account(authid="bob", role="member")
USUAL = Account(authid="", role="member", wampcra=CraKey(key=b"", salt="." * 24, iterations=10, keylen=32))


def door(*accounts: Account, secret: bytes = b"of the mock challenges") -> dict[str, RealmAuth]:
    lookalikes = Lookalikes(secret, "realm1", [USUAL])
    lookalikes.imitate(accounts)
    nonces = map("nonce-{}".format, itertools.count(1)).__next__
    method = Wampcra(FixedAccounts(accounts), lookalikes, nonces, lambda: NOON)
    return {"realm1": RealmAuth([method], [Role("member"), Role("staff")])}


@pytest.fixture
def client() -> Client:
    return Client(door(PLAIN, SALTED, WITHOUT))


def challenged(client: Client, authid: str) -> dict[str, object]:
    client > hello(authmethods=["wampcra"], authid=authid)
    client < [CHALLENGE, "wampcra", ANY]
    return client.outcome.extra


@pytest.mark.spec("CRA-01")
def test_the_challenge_is_a_json_text_that_names_the_principal_and_the_session_to_be(client):
    extra = challenged(client, "joe")
    assert list(extra) == ["challenge"]
    assert json.loads(extra["challenge"]) == {
        "authid": "joe",
        "authrole": "member",
        "authmethod": "wampcra",
        "authprovider": "static",
        "nonce": "nonce-1",
        "timestamp": "2026-11-21T12:00:00.123Z",
        "session": 1001,
    }


@pytest.mark.spec("CRA-01", "CRA-02", "AUT-05")
def test_a_signature_with_the_secret_lets_its_owner_in(client):
    client > [AUTHENTICATE, sign(challenged(client, "joe"), "hunter2"), {}]
    client < [WELCOME, 1001]
    details = client.accepted.details()
    assert (details["authid"], details["authrole"], details["authmethod"]) == ("joe", "member", "wampcra")


@pytest.mark.spec("CRA-02")
def test_a_signature_is_the_base64_of_an_hmac_of_the_text():
    # The vector of autobahn-python's own tests.
    # The router must agree with it: see above.
    assert sign({"challenge": "[1, 2, 3]"}, "L3L1YUE8Txlw") == "1njQtmmeYO41N5EWEzD2kAjjEKRZ5kPZt/TzpYXOzR0="


@pytest.mark.spec("CRA-04")
def test_a_salted_password_is_derived_by_the_client_too(client):
    extra = challenged(client, "ann")
    assert {key: extra[key] for key in extra if key != "challenge"} == {
        "salt": "salt123",
        "iterations": 10,
        "keylen": 32,
    }
    client > [AUTHENTICATE, sign(extra, "hunter2 of ann"), {}]
    client < [WELCOME, 1001]
    assert client.accepted.authrole == "staff"
    assert client.accepted.authextra == {"desk": 7}


@pytest.mark.spec("CRA-02", "AUT-04")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda signature: "",
        lambda signature: signature[:-1],
        lambda signature: signature + "=",
        lambda signature: signature + "\n",
        lambda signature: " " + signature,
        lambda signature: signature.swapcase(),
        lambda signature: ("B" if signature[0] == "A" else "A") + signature[1:],
        lambda signature: signature.replace("=", ""),
        lambda signature: "\U0001f600",
        lambda signature: "x" * 100_000,
    ],
)
@pytest.mark.parametrize(("authid", "secret"), [("joe", "hunter2"), ("ann", "hunter2 of ann")])
def test_another_signature_is_denied(client, authid, secret, spoil):
    signature = sign(challenged(client, authid), secret)
    client > [AUTHENTICATE, spoil(signature), {}]
    client < DENIED
    assert client.aborted.log == f"wampcra: wrong signature of {authid!r}"


@pytest.mark.spec("CRA-02", "AUT-04")
@pytest.mark.parametrize("secret", ["", "hunter", "Hunter2", "hunter2 ", "hunter2 of ann"])
def test_another_secret_is_denied(client, secret):
    client > [AUTHENTICATE, sign(challenged(client, "joe"), secret), {}]
    client < DENIED


@pytest.mark.spec("CRA-04", "AUT-04")
def test_the_derived_key_is_no_password(client):
    # Who has read the key where it is kept must not get in by saying that it is the password.
    extra = challenged(client, "ann")
    client > [AUTHENTICATE, sign(extra, SALTED.wampcra.key.decode()), {}]
    client < DENIED


@pytest.mark.spec("CRA-01", "CRA-02")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authid", "ann"),
        ("authrole", "staff"),
        ("authmethod", "ticket"),
        ("authprovider", "dynamic"),
        ("nonce", "nonce-2"),
        ("timestamp", "2026-11-21T12:00:00.124Z"),
        ("session", 1002),
    ],
)
def test_a_signature_of_another_challenge_is_denied(client, field, value):
    extra = challenged(client, "joe")
    text = json.loads(extra["challenge"])
    same = msgspec.json.encode(text).decode()
    assert same == extra["challenge"]
    client > [AUTHENTICATE, sign({"challenge": msgspec.json.encode(text | {field: value}).decode()}, "hunter2"), {}]
    client < DENIED


@pytest.mark.spec("CRA-03", "AUT-08")
def test_a_signature_is_good_for_no_other_challenge():
    doors = door(PLAIN)
    first, second = Client(doors), Client(doors)
    signature = sign(challenged(first, "joe"), "hunter2")
    assert json.loads(challenged(second, "joe")["challenge"])["nonce"] == "nonce-2"
    second > [AUTHENTICATE, signature, {}]
    second < DENIED


@pytest.mark.spec("CRA-03", "AUT-08")
def test_a_challenge_takes_one_guess(client):
    signature = sign(challenged(client, "joe"), "hunter2")
    client > [AUTHENTICATE, "wrong", {}]
    client < DENIED
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, signature, {}]


@pytest.mark.spec("CRA-03", "AUT-08")
def test_a_signature_that_is_late_is_denied(client):
    signature = sign(challenged(client, "joe"), "hunter2")
    client.outcome = client.handshake.expire()
    client < [ABORT, {"message": "no AUTHENTICATE in time"}, wamp_error("authentication_failed")]
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, signature, {}]


@pytest.mark.spec("CRA-02")
def test_wampcra_needs_an_authid(client):
    client > hello(authmethods=["wampcra"])
    client < [ABORT, {"message": "the method 'wampcra' needs an authid in HELLO"}, wamp_error("authentication_failed")]


@pytest.mark.spec("AUT-04", "CRA-01")
@pytest.mark.parametrize("authid", ["nobody", "bob", "", "Joe", "joe\x00", "j\U0001f600e"])
def test_an_unknown_principal_is_challenged_like_a_known_one(authid):
    doors = door(PLAIN, WITHOUT)
    known, unknown = Client(doors), Client(doors)
    one, other = challenged(known, "joe"), challenged(unknown, authid)
    assert json.loads(one["challenge"]) | {"authid": authid, "nonce": "nonce-2"} == json.loads(other["challenge"])
    known > [AUTHENTICATE, "wrong", {}]
    unknown > [AUTHENTICATE, sign(other, "hunter2"), {}]
    assert known.aborted.wire() == unknown.aborted.wire()


@pytest.mark.spec("AUT-04")
def test_an_unknown_principal_has_the_same_salt_each_time_and_another_than_others():
    doors = door(SALTED)
    salts = {name: [challenged(Client(doors), name)["salt"] for _ in range(3)] for name in ("x", "y", "z", "bob")}
    assert all(len(set(each)) == 1 for each in salts.values())
    assert len({each[0] for each in salts.values()}) == 4
    assert {len(each[0]) for each in salts.values()} == {len("salt123")}
    again = door(SALTED)  # as after a restart, with the same secret
    assert challenged(Client(again), "x")["salt"] == salts["x"][0]
    other = door(SALTED, secret=b"another")
    assert challenged(Client(other), "x")["salt"] != salts["x"][0]


@pytest.mark.spec("AUT-04")
def test_unknown_principals_are_as_different_as_the_known():
    doors = door(PLAIN, SALTED)
    looks = set()
    for number in range(60):
        extra = challenged(Client(doors), f"nobody-{number}")
        looks.add((json.loads(extra["challenge"])["authrole"], extra.get("iterations")))
    assert looks == {("member", None), ("staff", 10)}


@pytest.mark.spec("AUT-08")
@pytest.mark.parametrize("authid", ["joe", "ann", "nobody"])
@pytest.mark.parametrize("signature", ["", "wrong", "x" * 44])
def test_signatures_are_compared_once_and_in_constant_time(client, monkeypatch, authid, signature):
    compared = []

    class Watched:
        digest = staticmethod(hmac.digest)

        @staticmethod
        def compare_digest(one: bytes, other: bytes) -> bool:
            compared.append(one)
            return hmac.compare_digest(one, other)

    monkeypatch.setattr(wampcra_module, "hmac", Watched)
    challenged(client, authid)
    client > [AUTHENTICATE, signature, {}]
    assert [len(each) for each in compared] == [44]
    client < DENIED


def test_no_secret_is_seen_in_what_is_printed_or_logged(client):
    extra = challenged(client, "joe")
    exchange = client.handshake._exchange
    assert "hunter2" not in f"{extra!r} {exchange!r} {client.outcome!r} {PLAIN!r} {PLAIN.wampcra!r}"
    client > [AUTHENTICATE, sign(extra, "wrong hunter2"), {}]
    assert exchange._expected.decode() not in f"{client.outcome!r} {client.aborted.log}"


@pytest.mark.spec("AUT-04")
@pytest.mark.parametrize("authid", ["bob", "nobody"])
def test_the_key_of_a_lookalike_lets_nobody_in(client, authid):
    """Not even whoever has learned the secret that they are made of is a principal that has no key."""
    extra = challenged(client, authid)
    lookalikes = Lookalikes(b"of the mock challenges", "realm1", [USUAL])
    lookalikes.imitate((PLAIN, SALTED, WITHOUT))
    key = lookalikes.wampcra(authid).wampcra.key
    client > [AUTHENTICATE, b64encode(hmac.digest(key, extra["challenge"].encode(), "sha256")).decode(), {}]
    client < DENIED
    assert "wrong signature" not in client.aborted.log
