"""What is kept of passwords, by the vectors of others."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

import msgspec
import pytest
from argon2.low_level import Type, hash_secret

from wampd.auth.accounts import Account, CraKey
from wampd.auth.passwords import CraCost, ScramCost, cra_key, cra_secret, saslprep, scram_keys

CHEAP = ScramCost("argon2id13", 1, 8)
SALT = b"salt of hunter2"


@pytest.mark.spec("CRA-04")
def test_the_key_of_a_salted_password_is_the_base64_text_of_pbkdf2():
    # as autobahn derives it, which has the same secret and salt in its own tests
    assert cra_key("L3L1YUE8Txlw", "salt123", CraCost(1000, 32)) == CraKey(
        key=b"qzcdsr9uu/L5hnss3kjNTRe490ETgA70ZBaB5rvnJ5Y=", salt="salt123", iterations=1000, keylen=32
    )


@pytest.mark.spec("CRA-04")
def test_a_key_has_the_length_that_is_asked_for():
    # RFC 7914, section 11
    first = "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
    key = cra_key("passwd", "salt", CraCost(1, 64)).key
    assert b64decode(key)[:32].hex() == first
    assert len(b64decode(key)) == 64


@pytest.mark.spec("CRA-02")
def test_a_secret_that_is_not_salted_is_the_key_itself():
    assert cra_secret("hunter2 ☃") == CraKey(key="hunter2 ☃".encode())


@pytest.mark.spec("SCR-05", "SCR-06")
def test_the_keys_of_rfc_7677():
    (keys,) = scram_keys("pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), ScramCost("pbkdf2", 4096))
    assert (keys.kdf, keys.iterations, keys.memory) == ("pbkdf2", 4096, None)
    assert b64encode(keys.stored_key) == b"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    assert b64encode(keys.server_key) == b"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="


@pytest.mark.spec("SCR-06")
def test_argon2_gives_keys_for_both_kinds_of_client():
    text, crossbar = scram_keys("hunter2", SALT, CHEAP)
    assert (text.kdf, crossbar.kdf) == ("argon2id13", "argon2id-13")
    encoded = hash_secret(b"hunter2", SALT, 1, 8, 1, 32, Type.ID, 0x13).rpartition(b"$")[2]
    hashed = b64decode(encoded + b"=")
    for keys, salted in ((text, hashed), (crossbar, encoded)):
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        assert keys.stored_key == hashlib.sha256(client_key).digest()
        assert keys.server_key == hmac.digest(salted, b"Server Key", "sha256")
        assert (keys.salt, keys.iterations, keys.memory) == (SALT, 1, 8)


@pytest.mark.spec("SCR-06")
def test_argon2_is_argon2id_version_1_3_with_one_lane_and_32_octets():
    # printf p4ssw0rd | argon2 1234567890abcdef -id -t 32 -m 9 -p 1 -l 32
    hashed = bytes.fromhex("ee4a8acf9d5958354fb79a95ae20692d05e42591ba49fae85eb6700e8b0ed293")
    keys = scram_keys("p4ssw0rd", b"1234567890abcdef", ScramCost("argon2id13", 32, 512))[0]
    assert keys.server_key == hmac.digest(hashed, b"Server Key", "sha256")


@pytest.mark.spec("SCR-05")
def test_passwords_that_look_the_same_have_the_same_keys():
    composed, decomposed = "caf\N{LATIN SMALL LETTER E WITH ACUTE} hunter2", "cafe\N{COMBINING ACUTE ACCENT} hunter2"
    one, other = scram_keys(composed, SALT, CHEAP), scram_keys(decomposed, SALT, CHEAP)
    assert one[0] == other[0]
    assert one[1] != other[1]  # what autobahn makes of it


@pytest.mark.parametrize("password", ["", "\N{SOFT HYPHEN}", "a\nb", "\U0001f525", "\u0627 b"])
def test_a_password_that_scram_cannot_have_is_refused(password):
    with pytest.raises(ValueError, match=r"password must|SASLprep"):
        scram_keys(password, SALT, CHEAP)


@pytest.mark.spec("SCR-05")
@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("user", "user"),
        ("USER", "USER"),
        ("I\u00adX", "IX"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0627\u0628", "\u0627\u0628"),
        ("", ""),
    ],
)
def test_names_and_passwords_are_normalized(text, normal):
    # RFC 4013, section 3, and its like
    assert saslprep(text, stored=True) == normal
    assert saslprep(text, stored=False) == normal


@pytest.mark.spec("SCR-05")
@pytest.mark.parametrize(
    "text", ["\u0007", "\u0627\u0031", "\u0627a\u0627", "\ue000", "\ufdd0", "\u202a", "\U000e0001"]
)
def test_what_saslprep_prohibits_is_refused(text):
    with pytest.raises(ValueError, match="SASLprep"):
        saslprep(text, stored=False)


@pytest.mark.spec("SCR-05")
def test_what_unicode_3_2_did_not_know_may_be_in_names_but_not_in_what_is_stored():
    assert saslprep("\U0001f525", stored=False) == "\U0001f525"
    with pytest.raises(ValueError, match="does not know"):
        saslprep("\U0001f525", stored=True)


@pytest.mark.spec("SCR-06")
def test_an_account_survives_json_and_shows_nothing():
    account = Account(
        authid="joe",
        role="member",
        wampcra=cra_secret("hunter2"),
        scram=scram_keys("hunter2", SALT, CHEAP),
    )
    text = msgspec.json.encode(account)
    assert msgspec.json.decode(text, type=Account) == account
    shown = f"{account!r} {account.wampcra!r} {account.scram!r}"
    assert "hunter2" not in shown
    assert repr(account.scram[0].stored_key) not in shown
