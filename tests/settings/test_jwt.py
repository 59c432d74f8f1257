"""The method jwt in the configuration: what is wrong with keys, algorithms and claims is told where it stands."""

from __future__ import annotations

import pytest

from tests.settings.conftest import LISTENER
from tests.support.certificates import make_certificate
from tests.support.tokens import SECRET, jwk, key_set_text, pem, private_pem

REALM = """\
realms:
  - name: realm1
    roles: [{name: user}, {name: admin}]
    auth:
      jwt: {%s}
"""
ROLE = "role: {default: user}"
SHORT = "hunter2" * 4
GOOD = f"secret: {SECRET!r}"


@pytest.fixture
def jwt(config):
    """The problems of a configuration whose method jwt is so, without what they have in common."""

    def problems(lines, role=ROLE):
        text = REALM % ", ".join([lines, role]).strip(", ") + LISTENER
        return [line.split(" ", 1)[1].removeprefix("realms[0].auth.jwt") for line in config.problems(text)]

    return problems


@pytest.mark.parametrize(
    "lines",
    [
        GOOD,
        f"{GOOD}, algorithms: [HS256, HS512]",
        "public_key: es.pem",
        "public_key: rs.pem, algorithms: [RS256, PS512]",
        "public_key: localhost.crt",
        "jwks: {file: keys.json}",
        "jwks: {url: 'https://keys.example.com/', refresh: 10 min, ca: localhost.crt}, audience: [wampd]",
        "jwks: {url: 'http://127.0.0.1:8080/keys'}, audience: []",
        "jwks: {url: 'http://localhost/keys'}, audience: []",
        "jwks: {url: 'http://[::1]/keys'}, audience: []",
        "jwks: {url: 'http://keys.example.com/', insecure: true}, audience: []",
        "oidc: {issuer: 'https://login.example.com/'}, audience: [wampd]",
        "oidc: {issuer: 'https://login.example.com/'}, issuer: 'https://login.example.com/', audience: [wampd]",
        f"{GOOD}, single_use: true, required: [exp, jti], authid: [email], realm: [a, b], extra: [email], max_age: 1 h",
    ],
)
def test_good_settings(config, lines):
    _files(config)
    auth = config.load(REALM % f"{lines}, {ROLE}" + LISTENER).realms[0].auth.jwt
    assert auth is not None
    assert "hunter2" not in repr(auth)


def _files(config):
    config.write(pem("ES256"), "es.pem")
    config.write(pem("RS256"), "rs.pem")
    config.write(private_pem("RS256"), "private.pem")
    config.write(pem("short"), "short.pem")
    config.write("hunter2", "text")
    config.write(key_set_text(jwk("ES256", "a")), "keys.json")
    config.write(key_set_text({"kty": "oct", "k": "aHVudGVyMg"}), "secrets.json")
    make_certificate(config.directory)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("", ": there is nothing to verify tokens with: give one of secret, public_key, jwks, oidc"),
        (f"{GOOD}, public_key: es.pem", ".public_key: there is secret already; the keys come from one place"),
        (f"secret: {SHORT}", ".secret: the secret is too short: it needs at least 32 bytes"),
        (f"secret: {SHORT}hunter2, algorithms: [HS256, HS384]", ".secret: the secret is too short: it needs at least 48 bytes"),
        (f"{GOOD}, algorithms: [RS256]", ".algorithms[0]: RS256 works with public keys, not with a secret"),
        (f"{GOOD}, algorithms: [HS256, HS256]", ".algorithms[1]: this algorithm is here twice"),
        (f"{GOOD}, algorithms: []", ".algorithms: the list must not be empty"),
        (f"{GOOD}, algorithms: [none]", '.algorithms[0]: expected one of ES256, ES384'),
        (f"{GOOD}, algorithm: [HS256]", '.algorithm: unknown key; did you mean "algorithms"?'),
        ("public_key: es.pem, algorithms: [HS256]", ".algorithms[0]: HS256 works with a secret, not with public keys, which"),
        ("public_key: es.pem, algorithms: [ES384]", ".algorithms[0]: the public key is for ES256"),
        ("public_key: none.pem", '.public_key: cannot read "none.pem": No such file or directory'),
        ("public_key: text", '.public_key: cannot use "text": it holds no public key in PEM, and no certificate'),
        ("public_key: private.pem", '.public_key: cannot use "private.pem": it holds a private key'),
        ("public_key: short.pem", '.public_key: cannot use "short.pem": its 1024 bits are too few'),
        ("jwks: {}", ".jwks: the keys come from a file or from a url: give one of the two"),
        ("jwks: {file: a, url: 'https://a'}", ".jwks: the keys come from a file or from a url: give one of the two"),
        ("jwks: {file: none}", '.jwks.file: cannot read "none": No such file or directory'),
        ("jwks: {file: text}", '.jwks.file: cannot use "text": it is no JWK Set'),
        ("jwks: {file: secrets.json}", '.jwks.file: cannot use "secrets.json": it holds no key that can be used; key 0'),
        ("jwks: {file: keys.json, refresh: 5 s}", ".jwks.refresh: only keys of a url are fetched"),
        ("jwks: {file: keys.json, insecure: true}", ".jwks.insecure: only keys of a url are fetched"),
        ("jwks: {file: keys.json}, algorithms: [HS256]", ".algorithms[0]: HS256 works with a secret, not with public keys"),
        ("jwks: {url: 'http://keys.example.com/'}, audience: []", ".jwks.url: over http: anybody on the way could"),
        ("jwks: {url: 'https://a/', insecure: true}, audience: []", ".jwks.insecure: a url that begins with https: needs"),
        ("jwks: {url: 'ftp://a/'}, audience: []", ".jwks.url: the URL cannot be used: write it like https://"),
        ("jwks: {url: 'https:///a'}, audience: []", ".jwks.url: the URL cannot be used: write it like https://"),
        ("jwks: {url: 'https://127.1/'}, audience: []", ".jwks.url: the URL cannot be used: its host is a number"),
        ("jwks: {url: 'https://[a'}, audience: []", ".jwks.url: the URL cannot be used: it is not a URL"),
        ("jwks: {url: 'https://a:hunter2@b/'}, audience: []", ".jwks.url: the URL cannot be used: it must not hold a name"),
        ("jwks: {url: 'https://a/', refresh: 2 h, keep: 1 h}, audience: []", ".jwks.keep: must be at least as long as refresh"),
        ("jwks: {url: 'https://a/', ca: none}, audience: []", '.jwks.ca: cannot read "none": No such file or directory'),
        ("jwks: {url: 'https://a/', ca: text}, audience: []", '.jwks.ca: "text" holds no certificates'),
        ("jwks: {url: 'https://a/'}", ".audience: say whom the tokens are for"),
        ("oidc: {issuer: 'https://a'}", ".audience: say whom the tokens are for"),
        ("oidc: {issuer: 'https://a'}, audience: [b], issuer: 'https://b'", ".issuer: the issuer of the tokens is that"),
        ("oidc: {issuer: 'https://a?b'}, audience: [b]", ".oidc.issuer: an issuer has no query"),
        ("oidc: {}", ".oidc.issuer: this key is missing"),
        (f"{GOOD}, single_use: true, required: []", '.single_use: tokens for single use must expire: "exp" must be among'),
        (f"{GOOD}, max_size: 100 MiB", ".max_size: must be at most 64 KiB"),
        (f"{GOOD}, authid: []", ".authid: the list must not be empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_tokens_is_told(config, jwt, lines, problem):
    _files(config)
    (found,) = jwt(lines)
    assert found.startswith(problem)
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("role", "problem"),
    [
        ("", ".role: this key is missing"),
        ("role: {}", ".role: nothing says the role: give a claim, or a default"),
        ("role: {default: guest}", '.role.default: the realm has no role "guest"; known here: user, admin'),
        ("role: {claim: [r], values: {a: usr}}", '.role.values.a: the realm has no role "usr"; did you mean "user"?'),
        ("role: {default: user, values: {a: user}}", ".role.values: there is no claim whose values these are"),
        ("role: {claim: []}", ".role.claim: the list must not be empty"),
        ("role: {claim: roles}", ".role.claim: expected a list"),
    ],
)
def test_what_is_wrong_with_the_role_is_told(jwt, role, problem):
    (found,) = jwt(GOOD, role)
    assert found.startswith(problem)
