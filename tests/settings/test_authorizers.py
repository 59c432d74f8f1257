"""Dynamic authorizers in the configuration: what asks them, and that they can be there."""

from __future__ import annotations

import pytest

from tests.settings.conftest import LISTENER

REALMS = """\
realms:
  - name: com.one
    roles:
      - name: backend
        permissions: [{uri: com.auth., match: prefix, allow: [register]}]
      - name: visitor
        authorizer: {%s}
    auth: {anonymous: {role: visitor}}
  - name: com.two
    uri_check: strict
    roles:
      - name: backend
        permissions: [{uri: com.auth., match: prefix, allow: [register]}]
    auth: {anonymous: {role: backend}}
"""


def text(authorizer: str) -> str:
    return REALMS % authorizer + LISTENER


def test_an_authorizer_of_a_role(config):
    role = config.load(text("procedure: com.auth.decide")).realms[0].roles[1]
    assert (role.authorizer.procedure, role.authorizer.realm) == ("com.auth.decide", None)
    assert (role.authorizer.timeout, role.authorizer.ttl) == (5.0, 60.0)
    role = config.load(text("procedure: com.auth.x, realm: com.two, timeout: 500 ms, ttl: 0")).realms[0].roles[1]
    assert (role.authorizer.realm, role.authorizer.timeout, role.authorizer.ttl) == ("com.two", 0.5, 0.0)


@pytest.mark.parametrize(
    ("authorizer", "problem"),
    [
        ("timeout: 1 s", "realms[0].roles[1].authorizer.procedure: this key is missing"),
        ("procedur: com.auth.x, procedure: com.auth.x", "realms[0].roles[1].authorizer.procedur: unknown key"),
        ("procedure: com.auth.x, timeout: 0", "realms[0].roles[1].authorizer.timeout: "),
        ("procedure: com.auth.x, ttl: -1", "realms[0].roles[1].authorizer.ttl: "),
        ("procedure: com auth, timeout: 1 s", '"com auth" is not a URI (uri_check: loose)'),
        ("procedure: com.AUTH.x, realm: com.two", '"com.AUTH.x" is not a URI (uri_check: strict)'),
        ("procedure: wamp.auth", "nobody can register procedures under wamp."),
        ("procedure: com.other", 'no role of the realm "com.one" may register it'),
        ("procedure: com.auth.x, realm: com.tow", 'there is no realm "com.tow"; did you mean "com.two"?'),
    ],
)
def test_what_is_wrong_with_an_authorizer_is_told_where_it_stands(config, authorizer, problem):
    (told,) = config.problems(text(authorizer))
    assert told.startswith("config.yaml:7:")
    assert problem in told


def test_a_role_that_asks_another_authorizer_may_be_allowed_to_register_one(config):
    assert config.load(
        text("procedure: com.other").replace(
            "- name: backend\n", "- name: backend\n        authorizer: {procedure: com.auth.x}\n", 1
        )
    )
