"""Rules of what speaks WAMP for those who speak HTTP: who may, as whom, signed how."""

import pytest

REALM = """\
realms:
  - name: realm1
    roles: [{name: user, permissions: [{uri: com.app., match: prefix, allow: [publish]}]}, {name: anonymous}]
    auth: {anonymous: {}, ticket: {}, principals: [{authid: joe, role: user, ticket: hunter2}]}
  - name: com.example.
    match: prefix
    roles: [{name: user}]
    auth: {anonymous: {role: user}}
"""
KEYS = "keys: [{key: k, secret: hunter2 and some more}]"


def listening(path):
    return REALM + f'listeners: [{{endpoint: "tcp:8080", http: {{/p: {{{path}}}}}}}]\n'


@pytest.mark.parametrize(
    "path",
    [
        "type: static, directory: ., access: {realm: realm1, basic: true}",
        "type: static, directory: ., access: {realm: realm1, basic: true, anonymous: true, roles: [user]}",
        "type: publish, realm: realm1, access: {basic: true}",
        "type: publish, realm: realm1, access: {realm: realm1, basic: true}",
        "type: publish, realm: realm1, role: user, access: {basic: true}",
        "type: publish, realm: realm1, role: user, insecure: true",
        f"type: call, realm: realm1, role: user, {KEYS}",
        "type: call, realm: realm1, keys: [{key: k, secret: hunter2 and some more, role: user}], schemes: [wampd, crossbar]",
        "type: call, realm: realm1, access: {basic: true}, errors: {com.app.error.missing: 404}",
        "type: webhook, provider: github, realm: realm1, role: user, secrets: [hunter2 x], topic: 'com.app.{event}'",
        "type: webhook, provider: generic, realm: realm1, role: user, secrets: [hunter2 x], topic: com.app.x,"
        " signature: {header: X-S, timestamp_header: X-T, signed: '{timestamp}.{body}'}",
    ],
)
def test_what_is_good(config, path):
    assert set(config.load(listening(path)).listeners[0].http) == {"/p"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "type: static, directory: ., access: {realm: realm1}",
            "access: nobody can come: name basic, bearer, cookie or anonymous",
        ),
        (
            "type: static, directory: ., access: {basic: true}",
            "access.realm: this key is missing: the realm that lets them in",
        ),
        (
            "type: static, directory: ., access: {realm: realm2, basic: true}",
            'access.realm: there is no realm "realm2"; did you mean "realm1"?',
        ),
        (
            "type: static, directory: ., access: {realm: com.example., anonymous: true}",
            'access.realm: "com.example." is a template: name a realm that is always there',
        ),
        (
            "type: static, directory: ., access: {realm: realm1, bearer: true}",
            'access.bearer: the auth of the realm "realm1" does not name the method jwt',
        ),
        (
            "type: static, directory: ., access: {realm: realm1, basic: true, roles: [usr]}",
            'access.roles[0]: the realm "realm1" has no role "usr"; did you mean "user"?',
        ),
        (
            "type: static, directory: ., access: {realm: realm1, basic: true, origins: [www.example.com]}",
            "access.origins[0]: not an origin; write same-host, *, or an origin such as https://www.example.com (lower case,"
            " no path)",
        ),
        ("type: static, directory: ., access: {realm: realm1, basc: true}", "access.basc: unknown key"),
        (
            "type: publish, realm: realm1",
            "as whom is it done? Give it access or keys, or a role for everybody and insecure: true",
        ),
        (
            "type: publish, realm: realm1, role: user",
            "role: anybody could do this in the role: give it access or keys, or insecure: true",
        ),
        ("type: publish, realm: realm1, access: {basic: true}, insecure: true", "insecure: it is not: there is access"),
        (f"type: publish, realm: realm1, role: user, {KEYS}, insecure: true", "insecure: it is not: there is keys"),
        (
            "type: publish, realm: realm2, access: {basic: true}",
            'realm: there is no realm "realm2"; did you mean "realm1"?',
        ),
        (
            "type: publish, realm: realm1, role: usr, insecure: true",
            'role: the realm "realm1" has no role "usr"; did you mean "user"?',
        ),
        (f"type: publish, realm: realm1, {KEYS}", "keys[0].role: this key is missing, and the path has no role"),
        (
            "type: publish, realm: realm1, role: user, keys: [{key: k, secret: hunter2}]",
            "keys[0].secret: too short: at least 16 characters",
        ),
        (
            "type: publish, realm: realm1, role: user, keys: [{key: 'a,b', secret: hunter2 and some more}]",
            'keys[0].key: "a,b" cannot be told in a header: ASCII without space and comma',
        ),
        (
            "type: call, realm: realm1, keys: [{key: k, secret: hunter2 and some more, role: usr}]",
            'keys[0].role: the realm "realm1" has no role "usr"; did you mean "user"?',
        ),
        (
            "type: call, realm: realm1, role: user, keys: [{key: k, secret: &s hunter2 and some more}, {key: k, secret: *s}]",
            'keys[1].key: there is another key "k"',
        ),
        (f"type: call, realm: realm1, role: user, {KEYS}, schemes: [crossbr]", "schemes[0]: expected one of"),
        (
            "type: call, realm: realm1, access: {basic: true}, errors: {com..x: 404}",
            'errors["com..x"]: "com..x" is not a URI',
        ),
        ("type: call, realm: realm1, access: {basic: true}, errors: {com.x: 200}", 'errors["com.x"]: must be'),
        (
            "type: webhook, provider: github, realm: realm1, secrets: [hunter2 x], topic: com.app.x",
            "role: this key is missing: the role that publishes",
        ),
        (
            "type: webhook, provider: githb, realm: realm1, role: user, secrets: [hunter2 x], topic: com.app.x",
            "provider: expected one of",
        ),
        (
            "type: webhook, provider: github, realm: realm1, role: user, secrets: [hunter], topic: com.app.x",
            "secrets[0]: too short: at least 8 characters",
        ),
        (
            "type: webhook, provider: generic, realm: realm1, role: user, secrets: [hunter2 x], topic: com.app.x",
            "signature: this key is missing: how the provider signs",
        ),
        (
            "type: webhook, provider: github, realm: realm1, role: user, secrets: [hunter2 x], topic: 'com.app.{evnt}'",
            'topic: the one thing in braces that means something is {event}, not "{evnt}"',
        ),
        (
            "type: webhook, provider: generic, realm: realm1, role: user, secrets: [hunter2 x], topic: 'com.{event}',"
            " signature: {header: X-S}",
            "topic: nothing says what happened: give signature event_header or event_field",
        ),
        (
            "type: webhook, provider: generic, realm: realm1, role: user, secrets: [hunter2 x], topic: com.x,"
            " signature: {header: X-S, signed: '{timestamp}'}",
            "signature.signed: the body has to be signed: {body}, once",
        ),
        (
            "type: webhook, provider: generic, realm: realm1, role: user, secrets: [hunter2 x], topic: com.x,"
            " signature: {header: X-S, secret_encoding: base64}",
            "secrets[0]: this is not base64 of at least 8 bytes, which signature.secret_encoding says that it is",
        ),
        (
            "type: webhook, provider: generic, realm: realm1, role: user, secrets: ['whsec_aHVudGVyMg=='], topic: com.x,"
            " signature: {header: X-S, secret_encoding: base64}",
            "secrets[0]: this is not base64 of at least 8 bytes, which signature.secret_encoding says that it is",
        ),
        (
            "type: webhook, provider: github, realm: realm1, role: user, secrets: [hunter2 x], topic: 'wampd.x.{event}'",
            "topic: this namespace is reserved",
        ),
    ],
)
def test_what_is_not(config, path, expected):
    problems = [line.split(" ", 1)[1] for line in config.problems(listening(path))]
    where = 'listeners[0].http["/p"]'
    assert any(
        problem.startswith((f"{where}.{expected}", f"{where}: {expected}", f"{where}{expected}"))
        for problem in problems
    ), problems
    assert "hunter2" not in "".join(problems)
