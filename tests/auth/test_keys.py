"""Ed25519 keys as text and in use."""

from __future__ import annotations

import pytest

from wampd.auth.keys import SigningKey, is_signed, read_hex, read_public_key

# RFC 8032, section 7.1, test 2
SEED = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
IDENTITY = "01" + "00" * 31


def test_the_vector_of_rfc_8032_is_signed_and_verified():
    key = SigningKey.from_text(SEED)
    assert key.public.hex() == PUBLIC
    assert key.sign(b"\x72").hex() == SIGNATURE
    assert is_signed(key.public, bytes.fromhex(SIGNATURE), b"\x72")


@pytest.mark.parametrize("position", [0, 31, 32, 63])
def test_a_changed_signature_is_none(position):
    signature = bytearray.fromhex(SIGNATURE)
    signature[position] ^= 1
    assert not is_signed(bytes.fromhex(PUBLIC), bytes(signature), b"\x72")


def test_a_signature_is_of_one_message_and_one_key():
    signature = bytes.fromhex(SIGNATURE)
    assert not is_signed(bytes.fromhex(PUBLIC), signature, b"\x73")
    assert not is_signed(SigningKey(bytes(32)).public, signature, b"\x72")
    assert not is_signed(b"\xff" * 32, signature, b"\x72")


def test_a_signature_has_one_form_only():
    order = 2**252 + 27742317777372353535851937790883648493
    signature = bytes.fromhex(SIGNATURE)
    other = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    assert not is_signed(bytes.fromhex(PUBLIC), signature[:32] + other, b"\x72")


@pytest.mark.parametrize(
    "text",
    [
        None,
        32,
        b"00" * 32,
        "",
        "0" * 63,
        "0" * 65,
        "0" * 64 + "\n",
        " " + "0" * 63,
        "00 " * 21 + "0",
        "0x" + "0" * 62,
        "g" + "0" * 63,
        "٠" * 64,
    ],
)
def test_what_is_not_64_hex_digits_is_not_read(text):
    assert read_hex(text, 32) is None
    assert read_public_key(text) is None


def test_hex_digits_may_be_of_either_case():
    assert read_public_key(PUBLIC.upper()) == read_public_key(PUBLIC) == bytes.fromhex(PUBLIC)


@pytest.mark.parametrize("end", ["00", "80"])
def test_a_key_for_which_anybody_can_sign_is_none(end):
    key = IDENTITY[:-2] + end
    anything = bytes.fromhex(IDENTITY) + bytes(32)
    assert is_signed(bytes.fromhex(IDENTITY), anything, b"whatever") is True, "the reason for the rule"
    assert read_public_key(key) is None


@pytest.mark.parametrize(
    "key",
    [
        "00" * 32,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "C7176A703D4DD84FBA3C0B760D10670F2A2053FA2C39CCC64EC7FD7792AC037A",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 31,
        "ee" + "ff" * 30 + "7f",
    ],
)
def test_no_point_of_small_order_is_a_key(key):
    assert read_public_key(key) is None


@pytest.mark.parametrize("text", ["", SEED + "0", SEED[:-1], f" {SEED}", "hunter2" * 10])
def test_what_is_no_seed_is_refused_and_not_shown(text):
    with pytest.raises(ValueError, match="64 hex digits") as raised:
        SigningKey.from_text(text)
    assert not text or text not in str(raised.value)


def test_a_key_does_not_show_its_seed():
    key = SigningKey.from_text(SEED)
    assert repr(key) == str(key) == f"<SigningKey of {PUBLIC}>"
