"""Keys of tokens: what each is for, and which are not taken."""

from __future__ import annotations

import pytest

from tests.support.certificates import make_certificate
from tests.support.tokens import SECRET, jwk, key_set_text, pem, private_pem
from wampd.auth.jwk import HMAC, PUBLIC, RSA, Key, UnusableKeyError, key_set, public, secret

FOR = {
    "RS256": RSA,
    "ES256": {"ES256"},
    "ES384": {"ES384"},
    "ES512": {"ES512"},
    "EdDSA": {"EdDSA"},
}
"""What each key is for."""


@pytest.mark.parametrize("name", FOR)
def test_a_public_key_is_for_the_algorithms_of_its_kind(name):
    assert public(pem(name)).algorithms == FOR[name]
    (key,) = key_set(key_set_text(jwk(name, "k"))).keys
    assert (key.algorithms, key.kid) == (FOR[name], "k")
    assert not key.algorithms & HMAC.keys()


def test_no_algorithm_is_for_both_kinds_of_keys():
    assert not PUBLIC & HMAC.keys()
    assert "none" not in PUBLIC | HMAC.keys()


@pytest.mark.parametrize(
    ("length", "algorithms"), [(31, set()), (32, {"HS256"}), (48, {"HS256", "HS384"}), (64, set(HMAC))]
)
def test_a_secret_is_for_hashes_that_are_not_longer(length, algorithms):
    assert secret("x" * length).algorithms == algorithms


def test_no_key_is_seen_when_it_is_printed():
    assert "hunter2" not in repr(secret(SECRET))
    assert repr(Key(frozenset({"HS256"}), b"hunter2", "a")) == "<Key 'a' for HS256>"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "it holds no public key in PEM, and no certificate"),
        (b"hunter2", "it holds no public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "it holds no public key"),
        (pem("ES256")[:-60], "it holds no public key"),
        (private_pem("ES256"), "it holds a private key"),
        (pem("short"), "its 1024 bits are too few: an RSA key needs 2048"),
        (pem("ES256K"), "it is none of RSA, ECDSA"),
        (pem("Ed448"), "it is none of RSA, ECDSA"),
    ],
    ids=["empty", "text", "no certificate", "cut", "private", "short", "ES256K", "Ed448"],
)
def test_a_file_that_holds_no_usable_public_key_is_refused(text, why):
    with pytest.raises(UnusableKeyError, match=why):
        public(text)


BAD = {
    "an octet sequence": ({"kty": "oct", "k": "aHVudGVyMg"}, "it is secret"),
    "a private key": (jwk("ES256", whole=True), "it is secret"),
    "for encryption": (jwk("ES256", use="enc"), "it is not for signatures"),
    "for signing only": (jwk("ES256", key_ops=["sign"]), "it is not for signatures"),
    "operations of another type": (jwk("ES256", key_ops="verify"), "it is not for signatures"),
    "kid of another type": ({**jwk("ES256"), "kid": 1}, "its kid is no text"),
    "no kty": ({"crv": "P-256"}, "its kty is none of"),
    "kty of another type": ({"kty": ["RSA"]}, "its kty is none of"),
    "another kty": ({"kty": "PQC"}, "its kty is none of"),
    "another curve": (jwk("Ed448"), "it is none of RSA, ECDSA"),
    "no curve": ({"kty": "EC", "x": "AA", "y": "AA"}, "it cannot be read"),
    "no numbers": ({"kty": "RSA"}, "it cannot be read"),
    "numbers of another type": ({"kty": "RSA", "n": 5, "e": 3}, "it cannot be read"),
    "not on the curve": ({**jwk("ES256"), "x": "AAAA"}, "it cannot be read"),
    "short": (jwk("short"), "its 1024 bits are too few"),
    "alg that does not fit": (jwk("ES256", alg="ES384"), "its alg is not one that fits"),
    "alg of a secret": (jwk("RS256", alg="HS256"), "its alg is not one that fits"),
    "alg of another type": (jwk("ES256", alg=["ES256"]), "its alg is not one that fits"),
    "alg none": (jwk("ES256", alg="none"), "its alg is not one that fits"),
}


@pytest.mark.parametrize(("bad", "why"), BAD.values(), ids=BAD)
def test_a_key_of_a_set_that_cannot_be_used_is_left_out_with_the_reason(bad, why):
    found = key_set(key_set_text(bad, jwk("ES256", "good")))
    assert [key.kid for key in found.keys] == ["good"]
    (said,) = found.left_out
    assert said.startswith(f"key 0: {why}")
    with pytest.raises(UnusableKeyError, match="it holds no key that can be used; key 0: "):
        key_set(key_set_text(bad))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": [1]}',
        b"\xff",
        b'{"keys":' + b"[" * 100_000,
        b'{"keys": [' + b"{}," * 100 + b"{}]}",
        b'{"keys": []}',
    ],
    ids=lambda text: text[:12].decode("latin1"),
)
def test_what_is_no_set_of_keys_is_refused(text):
    with pytest.raises(UnusableKeyError):
        key_set(text)


def test_the_keys_of_a_set_are_found_by_name():
    found = key_set(key_set_text(jwk("ES256", "a"), jwk("RS256", "b", alg="RS512"), jwk("EdDSA"), jwk("ES384", "a")))
    assert [len(found.named(kid)) for kid in ("a", "b", "c", "", None)] == [2, 1, 0, 0, 4]
    assert found.named("b")[0].algorithms == {"RS512"}


def test_a_key_may_come_in_a_certificate(tmp_path):
    assert public(make_certificate(tmp_path).certificate.read_bytes()).algorithms == {"ES256"}
