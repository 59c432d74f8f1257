"""Tokens: who comes in by them, and that nobody else does."""

from __future__ import annotations

import base64
import json
from typing import Any
from unittest.mock import ANY

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.utils import base64url_encode

from tests.auth.door import ABORT, AUTHENTICATE, CHALLENGE, WELCOME, Client, hello, wamp_error
from tests.support.tokens import NOW, SECRET, jwk, key_set_text, pem, raw, rsa_name, signed
from wampd.auth.handshake import RealmAuth
from wampd.auth.jwk import HMAC, PUBLIC, KeySet, key_set, public, secret
from wampd.auth.jwt import LONGEST_NAME, Jwt, Rules
from wampd.auth.methods import Failed
from wampd.auth.questions import FindKeys
from wampd.auth.roles import Role
from wampd.auth.used import Used
from wampd.realms.session import ProtocolViolation
from wampd.router.keyrings import FixedKey, LocalKeys

DENIED = [ABORT, {"message": "authentication failed"}, wamp_error("authentication_denied")]
FAILED = [ABORT, {"message": ANY}, wamp_error("authentication_failed")]
USER = {"user": "user", "admin": "admin"}

BY_SECRET = FixedKey(secret(SECRET))


class Holder(Client):
    """A client with a token, at a door that takes tokens."""

    def __init__(self, keys: Any = BY_SECRET, used: Used | None = None, **rules: Any) -> None:
        self.now = NOW
        given = {"algorithms": frozenset({"HS256"}), "role": ("role",), "roles": USER, **rules}
        method = Jwt(Rules(**given), keys, lambda: self.now, used)
        door = RealmAuth([method], [Role("user"), Role("admin")])
        self.asked: list[FindKeys] = []
        super().__init__({"realm1": door, "realm2": door})

    def answer(self, question: Any) -> Any:
        assert isinstance(question, FindKeys)
        self.asked.append(question)
        return question.keys.find(question)

    def shows(self, token: Any, realm: str = "realm1", **details: Any) -> Holder:
        """Come again, with a token in HELLO."""
        self.handshake = Client(self.doors).handshake
        self > hello(realm, authmethods=["jwt"], authextra={"token": token}, **details)
        return self


# --- the way in


@pytest.mark.spec("AUT-01", "AUT-05")
def test_a_token_in_hello_lets_its_owner_in_at_once():
    client = Holder().shows(signed())
    client < [WELCOME, 1001]
    details = client.accepted.details()
    assert (details["authid"], details["authrole"]) == ("joe", "user")
    assert (details["authmethod"], details["authprovider"]) == ("jwt", "jwt")
    assert "authextra" not in details


def test_the_token_may_be_called_a_ticket():
    client = Holder()
    client > hello(authmethods=["jwt"], authextra={"ticket": signed()})
    client < [WELCOME, 1001]


@pytest.mark.spec("AUT-01", "AUT-08")
def test_without_a_token_in_hello_a_challenge_asks_for_it_once():
    client = Holder()
    client > hello(authmethods=["jwt"], authid="joe", authextra={"other": 1})
    client < [CHALLENGE, "jwt", {}]
    client > [AUTHENTICATE, signed(), {}]
    client < [WELCOME, 1001]
    client = Holder()
    client > hello(authmethods=["jwt"])
    client > [AUTHENTICATE, "wrong", {}]
    client < DENIED
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, signed(), {}]


@pytest.mark.parametrize("token", [None, 1, ["a.b.c"], {"a": 1}])
def test_a_token_is_text(token):
    Holder().shows(token) < DENIED


@pytest.mark.spec("AUT-04")
@pytest.mark.parametrize("answer", [Failed("the server is down"), ()])
def test_without_keys_nobody_gets_in(answer):
    client = Holder()
    client.answer = lambda _: answer
    client.shows(signed()) < (FAILED if answer else DENIED)


def test_hello_may_not_name_somebody_else():
    assert Holder().shows(signed(), authid="joe").accepted.authid == "joe"
    client = Holder().shows(signed(), authid="ann")
    client < DENIED
    assert client.aborted.log == "jwt: it is of 'joe', and HELLO names 'ann'"


# --- signatures


ALGORITHMS = [*HMAC, *sorted(PUBLIC)]


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_each_algorithm_verifies_its_own_signatures(alg):
    if alg in HMAC:
        token, keys = signed(alg=alg), BY_SECRET
    else:
        token, keys = signed(by=rsa_name(alg), alg=alg), FixedKey(public(pem(rsa_name(alg))))
    client = Holder(keys, algorithms=frozenset({alg}))
    client.shows(token) < [WELCOME, 1001]
    others = frozenset(ALGORITHMS) - {alg}
    refused = Holder(keys, algorithms=others).shows(token)
    refused < DENIED
    assert refused.aborted.log == f"jwt: its algorithm '{alg}' is not among the configured ones"


@pytest.mark.parametrize("alg", ["HS256", "RS256", "PS256", "ES256", "EdDSA"])
def test_a_signature_by_another_key_is_wrong(alg):
    other = "hunter2 " * 9 if alg == "HS256" else f"{rsa_name(alg)} 2"
    token = jwt.encode({"sub": "joe"}, other, alg) if alg == "HS256" else signed(by=other, alg=alg)
    keys = BY_SECRET if alg == "HS256" else FixedKey(public(pem(rsa_name(alg))))
    client = Holder(keys, algorithms=frozenset({alg})).shows(token)
    client < DENIED
    assert client.aborted.log == "jwt: its signature is wrong"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_token_of_which_one_character_is_changed_is_refused(part):
    parts = signed().split(".")
    for position in range(0, len(parts[part]) - 1, 3):
        text = parts[part]
        other = "A" if text[position] != "A" else "B"
        changed = [*parts]
        changed[part] = text[:position] + other + text[position + 1 :]
        Holder().shows(".".join(changed)) < DENIED


ALL = frozenset(ALGORITHMS)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS1", "hs256", "HS256 ", "RS256\x00"])
def test_what_is_not_signed_is_refused(alg):
    head = base64url_encode(json.dumps({"alg": alg}).encode()).decode()
    _, payload, signature = signed().split(".")
    for end in ("", signature, "AAAA"):
        client = Holder(algorithms=ALL).shows(f"{head}.{payload}.{end}")
        client < DENIED
        assert client.asked == []
    _, payload, _ = signed().split(".")
    Holder(algorithms=ALL).shows(f"{signed().split('.')[0]}.{payload}.") < DENIED


@pytest.mark.parametrize("name", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("alg", sorted(HMAC))
def test_a_public_key_is_no_secret(name, alg):
    """HMAC with the text of the public key as its secret is what RFC 8725, section 2.1, warns of."""
    for known in (pem(name), pem(name).strip(), json.dumps(jwk(name)).encode()):
        head, payload, _ = signed(alg=alg).split(".")
        signer = jwt.get_algorithm_by_name(alg)
        signature = base64url_encode(signer.sign(f"{head}.{payload}".encode(), known)).decode()
        for keys in (FixedKey(public(pem(name))), _set(jwk(name, alg=None))):
            client = Holder(keys, algorithms=ALL).shows(f"{head}.{payload}.{signature}")
            client < DENIED
            assert client.aborted.log == f"jwt: there is no key None for {alg}"


def _set(*jwks: Any) -> LocalKeys:
    found: KeySet = key_set(key_set_text(*({k: v for k, v in each.items() if v is not None} for each in jwks)))
    return LocalKeys(lambda: found)


def test_the_kid_chooses_among_known_keys_and_does_nothing_else():
    keys = _set(jwk("ES256", "a"), jwk("ES256 2", "b"))
    rules = {"algorithms": frozenset({"ES256"})}
    Holder(keys, **rules).shows(signed(by="ES256", alg="ES256", kid="a")) < [WELCOME, 1001]
    Holder(keys, **rules).shows(signed(by="ES256 2", alg="ES256", kid="b")) < [WELCOME, 1001]
    Holder(keys, **rules).shows(signed(by="ES256 2", alg="ES256")) < [WELCOME, 1001]
    Holder(keys, **rules).shows(signed(by="ES256", alg="ES256", kid="b")) < DENIED
    for kid in ("", "c", "/dev/null", "../../key", "a' OR '1'='1", "http://127.0.0.1/key", "a\x00", "A"):
        client = Holder(keys, **rules).shows(signed(by="ES256", alg="ES256", kid=kid))
        client < DENIED
        assert [question.kid for question in client.asked] == [kid]


@pytest.mark.parametrize("kid", [1, None, ["a"], {"a": 1}, "x" * (LONGEST_NAME + 1)])
def test_a_kid_of_another_kind_asks_for_no_key(kid):
    header = json.dumps({"alg": "HS256", "kid": kid}).encode()
    client = Holder().shows(raw(header, b"{}"))
    client < DENIED
    assert client.asked == [] or kid is None


@pytest.mark.parametrize("place", ["jku", "x5u", "jwk", "x5c"])
def test_keys_that_a_token_brings_along_are_not_looked_at(place):
    own = {
        "jku": "http://127.0.0.1:1/keys",
        "x5u": "http://127.0.0.1:1/certificate",
        "jwk": jwk("ES256 2"),
        "x5c": [base64.b64encode(pem("ES256 2")).decode()],
    }[place]
    keys = _set(jwk("ES256", "a"))
    client = Holder(keys, algorithms=frozenset({"ES256"}))
    client.shows(signed(by="ES256 2", alg="ES256", **{place: own})) < DENIED
    assert client.aborted.log == "jwt: its signature is wrong"
    client.shows(signed(by="ES256", alg="ES256", **{place: own})) < [WELCOME, 1001]


def test_a_key_is_used_with_its_own_algorithms_alone():
    keys = _set(jwk("RS256", "a", alg="RS256"))
    rules = {"algorithms": frozenset({"RS256", "PS256", "RS512"})}
    Holder(keys, **rules).shows(signed(by="RS256", alg="RS256", kid="a")) < [WELCOME, 1001]
    for alg in ("PS256", "RS512"):
        Holder(keys, **rules).shows(signed(by="RS256", alg=alg, kid="a")) < DENIED


HEADERS = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"HS256"',
    b'{"alg": null}',
    b'{"alg": ["HS256"]}',
    b'{"alg": "HS256"',
    b'{"alg": "HS256", "crit": []}',
    b'{"alg": "HS256", "crit": ["exp"], "exp": 1}',
    b'{"alg": "HS256", "crit": ["b64"], "b64": false}',
    b'{"alg": "HS256", "b64": false}',
    b'{"alg": "HS256", "typ": "logout+jwt"}',
    b'{"alg": "HS256", "typ": 1}',
    b"\xff",
    b'{"alg": "HS256", "x": ' + b"[" * 4000,
]


@pytest.mark.trap(1)
@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header[:40].decode("latin1"))
def test_a_header_that_is_not_as_it_should_be_is_refused(header):
    Holder().shows(raw(header, b'{"sub": "joe", "role": "user", "exp": 2e9}')) < DENIED


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
def test_kinds_of_tokens_that_are_taken(kind):
    Holder().shows(raw(json.dumps({"alg": "HS256", "typ": kind}).encode(), _good())) < [WELCOME, 1001]


def _good(**claims: Any) -> bytes:
    return json.dumps({"sub": "joe", "role": "user", "exp": NOW + 60, **claims}).encode()


@pytest.mark.parametrize("change", ["{}.x", "{}.", ".{}", "{}=", " {}", "{}\n", "ü{}", "{}.{}", "Bearer {}"])
def test_what_is_not_a_token_and_nothing_else_is_refused(change):
    Holder().shows(change.replace("{}", signed())) < DENIED


def test_a_token_has_a_bounded_size():
    token = signed({"x": "x" * 100})
    Holder(largest=len(token)).shows(token) < [WELCOME, 1001]
    client = Holder(largest=len(token) - 1).shows(token)
    client < DENIED
    assert client.aborted.log == f"jwt: the token is longer than {len(token) - 1} characters"
    assert client.asked == []


# --- claims


PAYLOADS = [
    b"",
    b"null",
    b"[]",
    b'"joe"',
    b'{"sub": "joe", "role": "user", "exp": NaN}',
    b'{"sub": "joe", "role": "user", "exp": Infinity}',
    b'{"sub": "joe", "role": "user", "exp": 1e400}',
    b'{"sub": "joe", "role": "user", "exp": ' + b"9" * 5000 + b"}",
    b'{"sub": "\xff", "role": "user", "exp": 2e9}',
    b'{"sub": "\\ud800x", "role": "user", "exp": 2e9}',
    b"[" * 4000,
]


DEEP = b"[" * 100_000 + b"]" * 100_000
"""Deeper than any interpreter recurses: how deep that is differs between the versions of Python."""


@pytest.mark.trap(1)
@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (b'{"alg": "HS256", "x": ' + DEEP + b"}", b'{"sub": "joe", "role": "user", "exp": 2e9}'),
        (b'{"alg": "HS256"}', b'{"sub": "joe", "role": "user", "exp": 2e9, "x": ' + DEEP + b"}"),
    ],
    ids=["header", "claims"],
)
def test_what_is_nested_without_end_is_refused(header, payload):
    Holder(largest=10**6).shows(raw(header, payload)) < DENIED


@pytest.mark.trap(1)
@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload[:50].decode("latin1"))
def test_what_is_signed_and_yet_no_set_of_claims_is_refused(payload):
    Holder().shows(raw(b'{"alg": "HS256"}', payload)) < DENIED


@pytest.mark.parametrize(
    ("claims", "is_good"),
    [
        ({"exp": NOW}, True),
        ({"exp": NOW - 9}, True),
        ({"exp": NOW - 10}, False),
        ({"exp": NOW - 9.5}, True),
        ({"exp": None}, False),
        ({"exp": "2000000000"}, False),
        ({"exp": True}, False),
        ({"exp": [2e9]}, False),
        ({"exp": -1}, False),
        ({"exp": 1e300}, False),
        ({"nbf": NOW + 10}, True),
        ({"nbf": NOW + 11}, False),
        ({"nbf": "1"}, False),
        ({"iat": NOW + 10}, True),
        ({"iat": NOW + 11}, False),
        ({"iat": False}, False),
    ],
)
def test_a_token_counts_in_its_time_and_clocks_may_differ(claims, is_good):
    Holder().shows(signed(claims)) < ([WELCOME, 1001] if is_good else DENIED)


def test_a_token_may_be_too_old():
    for age, is_good in ((69, True), (70, False)):
        Holder(max_age=60).shows(signed({"iat": NOW - age})) < ([WELCOME, 1001] if is_good else DENIED)
    Holder(max_age=60).shows(signed()) < DENIED


@pytest.mark.parametrize(
    ("rules", "claims", "is_good"),
    [
        ({"issuer": "us"}, {"iss": "us"}, True),
        ({"issuer": "us"}, {"iss": "us/"}, False),
        ({"issuer": "us"}, {"iss": ["us"]}, False),
        ({"issuer": "us"}, {}, False),
        ({}, {"iss": "them"}, True),
        ({}, {"aud": "wampd"}, False),
        ({"audience": frozenset({"wampd"})}, {"aud": "wampd"}, True),
        ({"audience": frozenset({"wampd", "x"})}, {"aud": ["y", 1, "x"]}, True),
        ({"audience": frozenset({"wampd"})}, {"aud": "wampd2"}, False),
        ({"audience": frozenset({"wampd"})}, {"aud": ["w", "a"]}, False),
        ({"audience": frozenset({"wampd"})}, {"aud": {"wampd": 1}}, False),
        ({"audience": frozenset({"wampd"})}, {}, False),
        ({"audience": frozenset()}, {"aud": "any"}, True),
        ({"audience": frozenset()}, {}, True),
        ({"required": ("email",)}, {"exp": None, "email": "a@b"}, True),
        ({"required": ("email",)}, {"email": None}, False),
        ({"realm": ("realm",)}, {"realm": "realm1"}, True),
        ({"realm": ("realm",)}, {"realm": ["realm0", "realm1"]}, True),
        ({"realm": ("realm",)}, {"realm": "realm2"}, False),
        ({"realm": ("realm",)}, {"realm": "realm1 "}, False),
        ({"realm": ("realm",)}, {"realm": {"realm1": True}}, False),
        ({"realm": ("realm",)}, {}, False),
        ({"realm": ("a", "b")}, {"a": {"b": "realm1"}}, True),
        ({"realm": ("a", "b")}, {"a": "realm1", "a.b": "realm1"}, False),
    ],
)
def test_a_token_is_from_whom_and_for_whom_it_should_be(rules, claims, is_good):
    Holder(**rules).shows(signed(claims)) < ([WELCOME, 1001] if is_good else DENIED)


def test_the_realm_of_a_token_is_the_one_that_is_joined():
    client = Holder(realm=("realm",))
    client.shows(signed({"realm": "realm2"}), "realm2") < [WELCOME, 1001]
    client.shows(signed({"realm": "realm2"}), "realm1") < DENIED


@pytest.mark.parametrize(
    ("claims", "authid"),
    [
        ({"email": "joe@example.com"}, "joe@example.com"),
        ({"email": "x" * LONGEST_NAME}, "x" * LONGEST_NAME),
        ({"email": "x" * (LONGEST_NAME + 1)}, None),
        ({"email": ""}, None),
        ({"email": 5}, None),
        ({"email": ["joe"]}, None),
        ({}, None),
    ],
)
def test_the_authid_is_a_claim_that_is_a_name(claims, authid):
    client = Holder(authid=("email",)).shows(signed(claims))
    if authid is None:
        client < DENIED
    else:
        assert client.accepted.authid == authid


@pytest.mark.parametrize(
    ("rules", "claims", "role"),
    [
        ({}, {"role": "user"}, "user"),
        ({}, {"role": ["admin", "user"]}, "user"),  # the order is the configuration's
        ({}, {"role": ["guest", "admin", 3]}, "admin"),
        ({}, {"role": "guest"}, None),
        ({}, {"role": None}, None),
        ({}, {"role": {"user": True}}, None),
        ({}, {"role": True}, None),
        ({"default_role": "user"}, {"role": "guest"}, "user"),
        ({"default_role": "user"}, {"role": "admin"}, "admin"),
        ({"roles": {"boss": "admin", "staff": "user"}}, {"role": ["staff", "boss"]}, "admin"),
        ({"roles": {"boss": "admin"}}, {"role": "admin"}, None),
        ({"role": (), "default_role": "user"}, {"role": "admin"}, "user"),
        ({"role": ("realm_access", "roles")}, {"realm_access": {"roles": ["admin"]}}, "admin"),
        ({"role": ("realm_access", "roles")}, {"realm_access": ["admin"], "roles": ["admin"]}, None),
        ({"role": ("https://example.com/role",)}, {"https://example.com/role": "admin"}, "admin"),
    ],
)
def test_the_role_is_what_the_configuration_makes_of_a_claim(rules, claims, role):
    client = Holder(**rules).shows(signed(claims), authrole="admin")
    if role is None:
        client < DENIED
        assert client.aborted.log == "jwt: 'joe' has none of the known roles"
    else:
        assert client.accepted.authrole == role


def test_the_client_is_told_of_claims_that_are_named_and_can_be_carried():
    claims = {
        "email": "joe@example.com",
        "big": 2**70,
        "deep": [[[[[[[[[[1]]]]]]]]]],
        "flag": True,
        "private": "hunter2",
    }
    client = Holder(extra=("email", "big", "deep", "flag", "missing")).shows(signed(claims))
    assert client.accepted.details()["authextra"] == {"email": "joe@example.com", "flag": True}
    assert "authextra" not in Holder(extra=("missing",)).shows(signed()).accepted.details()


# --- the end of a token


def test_a_session_lasts_as_long_as_its_token():
    assert Holder().shows(signed()).accepted.lasts == 3610
    assert Holder(leeway=0.0).shows(signed({"exp": NOW + 1.5})).accepted.lasts == 1.5
    assert Holder(ends_with_token=False).shows(signed()).accepted.lasts is None
    assert Holder(required=()).shows(signed({"exp": None})).accepted.lasts is None


def test_a_token_for_single_use_counts_once():
    client = Holder(single_use=True)
    client.shows(signed({"jti": "a"})) < [WELCOME, 1001]
    client.shows(signed({"jti": "a"})) < DENIED
    assert client.aborted.log == "jwt: the token 'a' was used before"
    client.shows(signed({"jti": "b"})) < [WELCOME, 1001]
    client.shows(signed({"jti": "a", "exp": NOW + 99}), "realm2") < DENIED


@pytest.mark.parametrize("claims", [{}, {"jti": ""}, {"jti": 5}, {"jti": "x" * 256}, {"jti": "a", "exp": None}])
def test_a_token_without_a_name_or_an_end_is_not_for_single_use(claims):
    Holder(single_use=True, required=()).shows(signed(claims)) < DENIED


def test_a_token_that_is_refused_is_not_used_up():
    client = Holder(single_use=True)
    client.shows(signed({"jti": "a", "role": "guest"})) < DENIED
    client.shows(signed({"jti": "a"})) < [WELCOME, 1001]


@pytest.mark.trap(16)
def test_used_tokens_are_forgotten_when_they_have_expired_and_bounded_before():
    used = Used(most=2)
    client = Holder(single_use=True, used=used, leeway=0.0)
    for name, end in (("a", 10), ("b", 20)):
        client.shows(signed({"jti": name, "exp": NOW + end})) < [WELCOME, 1001]
    client.shows(signed({"jti": "c"})) < FAILED
    client.now = NOW + 10
    client.shows(signed({"jti": "c"})) < [WELCOME, 1001]
    assert [name in used for name in "abc"] == [False, True, True]


# --- secrets


def test_no_token_is_seen_in_what_is_printed_or_logged():
    client = Holder()
    token = signed({"role": "hunter2", "private": "hunter2"})
    client.shows(token)
    assert token.split(".")[2] not in repr(client.outcome)
    assert "hunter2" not in f"{client.outcome!r} {client.asked!r} {BY_SECRET!r}"
    assert "hunter2" not in client.aborted.log


@settings(max_examples=300)
@given(st.text(max_size=60) | st.lists(st.text("AQ_-ab=", max_size=20), min_size=3, max_size=3).map(".".join))
def test_nothing_that_is_not_signed_gets_in_or_breaks_anything(token):
    Holder(algorithms=ALL).shows(token) < DENIED
