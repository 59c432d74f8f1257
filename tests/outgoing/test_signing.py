"""Signatures of Standard Webhooks."""

import base64

import pytest

from wampd.router.outgoing.signing import read_secret, sign, write_secret


def test_the_example_of_standard_webhooks():
    # of https://github.com/standard-webhooks/standard-webhooks, as its libraries test themselves
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign(read_secret(secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_part_counts():
    key = b"k" * 24
    signatures = {
        sign(*each)
        for each in [
            (key, "a", 1, b"x"),
            (key, "b", 1, b"x"),
            (key, "a", 2, b"x"),
            (key, "a", 1, b"y"),
            (b"l" * 24, "a", 1, b"x"),
        ]
    }
    assert len(signatures) == 5


@pytest.mark.parametrize("size", [24, 32, 64])
def test_secrets_as_text(size):
    key = bytes(range(size))
    assert read_secret(write_secret(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        "whsec_",
        "whsec_hunter2",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        base64.b64encode(b"x" * 32).decode(),
        "whsec_" + "ä" * 40,
    ],
)
def test_what_is_no_secret(text):
    with pytest.raises(ValueError, match="a secret is whsec_") as why:
        read_secret(text)
    assert "hunter2" not in str(why.value)
