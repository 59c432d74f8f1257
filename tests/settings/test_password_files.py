"""Password files in the configuration: what is wrong with them is told by their own lines."""

from __future__ import annotations

import pytest

from tests.auth.test_hashes import bcrypt_of
from tests.settings.conftest import LISTENER

REALM = """\
realms:
  - name: realm1
    roles: [{name: user}]
    auth: {%s, password_files: [{file: users, role: user}]}
"""
TEXT = REALM % "ticket: {}" + LISTENER
JOE = f"joe:{bcrypt_of('hunter2')}\n"


def test_a_good_file_is_no_problem(config):
    file = config.write(JOE, "users")
    (listed,) = config.load(TEXT).realms[0].auth.password_files
    assert (listed.file, listed.role) == (file, "user")


def test_lines_that_cannot_be_used_are_told_with_their_place(config):
    config.write(JOE + "ann:hunter2\n\neve:$apr1$a$b\n", "users")
    key = "realms[0].auth.password_files[0].file"
    assert config.problems(TEXT) == [
        f"users:2:1: {key}: the hash of 'ann' cannot be used: it is plain text, or of a form that is not known,"
        " neither bcrypt nor argon2",
        f"users:4:1: {key}: the hash of 'eve' cannot be used: it is MD5 (apr1), neither bcrypt nor argon2",
    ]


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        (None, 0, 'cannot read "users": No such file or directory'),
        (JOE, 0o644, '"users" is open to other users (mode 0644); chmod o= it'),
        (b"\xff", 0o600, 'cannot use "users": it is not UTF-8'),
    ],
    ids=["missing", "open to others", "not UTF-8"],
)
def test_a_file_that_cannot_be_used_is_told(config, content, mode, problem):
    if content is not None:
        config.write(content, "users", mode)
    assert config.problem(TEXT) == f"realms[0].auth.password_files[0].file: {problem}"


def test_some_method_must_use_the_file(config):
    config.write(JOE, "users")
    found = config.problem(REALM % "anonymous: {role: user}" + LISTENER)
    assert found == "realms[0].auth.password_files: no method uses this: the realm's auth does not name ticket"


def test_the_role_of_a_file_exists(config):
    config.write(JOE, "users")
    found = config.problem(TEXT.replace("role: user", "role: usr"))
    assert found == 'realms[0].auth.password_files[0].role: the realm has no role "usr"; did you mean "user"?'
