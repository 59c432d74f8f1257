"""Password files: what is read from them, and what is wrong with those that cannot be used."""

from __future__ import annotations

import pytest

from tests.auth.test_hashes import argon2_of, bcrypt_of
from wampd.router.stores import htpasswd

JOE = bcrypt_of("hunter2 of joe", "2y")
ANN = argon2_of("hunter2 of ann")


def faults(text: str) -> tuple[tuple[int, str], ...]:
    with pytest.raises(htpasswd.PasswordFileError) as caught:
        htpasswd.parse(text)
    return caught.value.faults


def test_each_line_is_a_name_and_a_hash():
    text = f"joe:{JOE}\n\n# people\r\nann b@example.com:{ANN}\r\n"
    assert htpasswd.parse(text) == {"joe": JOE, "ann b@example.com": ANN}
    assert htpasswd.parse("") == {}
    (joe, ann) = htpasswd.accounts_of(htpasswd.parse(text), "user")
    assert (joe.authid, joe.role, joe.password, joe.ticket) == ("joe", "user", JOE, None)
    assert ann.provider == "password file"


def test_every_line_that_cannot_be_used_is_named_without_its_secret():
    lines = [
        f"joe:{JOE}",
        "hunter2",
        ":hunter2",
        "bob:hunter2",
        "eve:$apr1$hunter2$eIMz/iKDkbtys/uU7LEK00",
        f"joe:{ANN}",
        f"kit:{JOE}:Kit",
        "kat:",
    ]
    found = faults("\n".join(lines))
    assert [line for line, _ in found] == [2, 3, 4, 5, 6, 7, 8]
    said = [why for _, why in found]
    assert said[:2] == ["expected NAME:HASH"] * 2
    assert said[2].startswith("the hash of 'bob' cannot be used: it is plain text")
    assert said[3] == "the hash of 'eve' cannot be used: it is MD5 (apr1), neither bcrypt nor argon2"
    assert said[4] == "'joe' is there twice"
    assert "hunter2" not in str(found)
    assert JOE not in str(found)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"joe:\xff", "it is not UTF-8"), (b"#" * (htpasswd.LARGEST + 1), "it is longer than 16777216 bytes")],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, why):
    file = tmp_path / "users"
    file.write_bytes(content)
    with pytest.raises(htpasswd.PasswordFileError, match=why):
        htpasswd.read(file)
    with pytest.raises(htpasswd.PasswordFileError, match="No such file"):
        htpasswd.read(tmp_path / "none")


def test_a_name_that_nobody_may_have_spoils_the_file():
    with pytest.raises(htpasswd.PasswordFileError, match="line 1: a name has at most 255 characters"):
        htpasswd.parse("a" * 256 + ":hunter2")
