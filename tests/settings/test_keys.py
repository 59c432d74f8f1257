"""Configuration of principals who prove themselves by keys and certificates."""

import pytest

from tests.support.authority import Authority
from tests.support.certificates import make_certificate
from wampd.auth.keys import SigningKey
from wampd.router.settings.key_rules import certificate_name

SEED = b"hunter2 of the router".ljust(32, b".")
ROUTER = SigningKey(SEED).public.hex()
KEY = SigningKey(b"hunter2 of joe".ljust(32, b".")).public.hex()
OTHER = SigningKey(b"hunter2 of ann".ljust(32, b".")).public.hex()
TEXT = """\
realms:
  - name: realm1
    roles: [{name: user}]
    auth:
      cryptosign: %s
      principals:
        - {authid: joe, role: user, keys: [%s]}
        - {authid: ann, role: user, keys: [%s]}
listeners:
  - endpoint: tcp:8080
    rawsocket: {}
"""


def test_keys_and_the_routers_key_are_read(config):
    config.write(SEED.hex() + "\n", "router.key")
    make_certificate(config.directory)
    text = TEXT % ("{router_key: {file: router.key}, channel_binding: required}", f"{KEY}, {'9' * 64}", OTHER.upper())
    settings = config.load(f"{text}    tls: {{certificate: localhost.crt, key: localhost.key}}\n")
    auth = settings.realms[0].auth
    assert auth.cryptosign.router_key.reveal() == SEED.hex()
    assert auth.cryptosign.channel_binding == "required"
    assert auth.principals[0].keys == (KEY, "9" * 64)
    assert auth.principals[1].keys == (OTHER.upper(),)


@pytest.mark.parametrize("method", ["cryptosign", "scram"])
def test_a_binding_that_no_client_can_have_is_not_required(config, method):
    text = TEXT.replace("cryptosign: %s", f"cryptosign: {{}}\n      {method}: {{channel_binding: required}}") % (
        KEY,
        OTHER,
    )
    if method == "cryptosign":
        text = text.replace("      cryptosign: {}\n", "")
    problem = config.problem(text)
    assert problem == (
        f"realms[0].auth.{method}.channel_binding: nobody can come in by this method: no listener has TLS"
    )


@pytest.mark.parametrize("key", ["12", "''", KEY[:-1], KEY + "0", "z" * 64, "00" * 32, "01" + "00" * 31])
def test_a_key_is_an_ed25519_public_key(config, key):
    (problem,) = config.problems(TEXT % ("{}", f"{OTHER}, {key}", "9" * 64))
    assert problem == (
        f"config.yaml:7:{44 + 64 + 2}: realms[0].auth.principals[0].keys[1]:"
        " not an Ed25519 public key, which is 64 hex digits"
    )


def test_a_key_belongs_to_one_principal_and_stands_there_once(config):
    problem = config.problem(TEXT % ("{}", KEY, f"{OTHER}, {KEY.upper()}"))
    assert problem == "realms[0].auth.principals[1].keys[1]: this is here twice, and can be of one principal alone"
    problem = config.problem(TEXT % ("{}", f"{KEY}, {KEY}", OTHER))
    assert problem == "realms[0].auth.principals[0].keys[1]: this is here twice, and can be of one principal alone"


@pytest.mark.parametrize("seed", ["hunter2", SEED.hex()[:-1], "z" * 64])
def test_the_routers_key_is_a_seed_which_is_not_shown(config, seed):
    problem = config.problem(TEXT % (f"{{router_key: '{seed}'}}", KEY, OTHER))
    assert problem == ("realms[0].auth.cryptosign.router_key: not the seed of an Ed25519 key, which is 64 hex digits")


def test_the_routers_key_is_in_a_file_that_others_cannot_read(config):
    config.write(SEED.hex(), "router.key", mode=0o644)
    problem = config.problem(TEXT % ("{router_key: {file: router.key}}", KEY, OTHER))
    assert problem.startswith("realms[0].auth.cryptosign.router_key: ")
    assert "is open to other users" in problem


def test_what_the_router_signs_for_everybody_lets_nobody_in(config):
    problem = config.problem(TEXT % (f"{{router_key: '{SEED.hex()}'}}", KEY, ROUTER))
    assert problem == (
        "realms[0].auth.principals[1].keys[0]: this is the router's own key, which signs whatever clients bring"
    )


def test_keys_are_of_use_to_cryptosign_alone(config):
    text = (TEXT % ("{}", KEY, OTHER)).replace("cryptosign: {}", "anonymous: {role: user}")
    problems = config.problems(text)
    assert len(problems) == 2
    assert "principals[0].keys: no method uses this: the realm's auth does not name cryptosign" in problems[0]


@pytest.mark.parametrize(
    ("method", "hint"), [("{channel_binding: require}", '"required"'), ("{routerkey: x}", '"router_key"')]
)
def test_misspellings_are_recognized(config, method, hint):
    assert f"did you mean {hint}?" in config.problem(TEXT % (method, KEY, OTHER))


# --------------------------------------------------------------------------------------------- TLS certificates

PRINTS = ":".join(["AB"] * 32)
TLS = """\
realms:
  - name: realm1
    roles: [{name: user}]
    auth:
      tls: {}
      principals:
        - authid: joe
          role: user
          certificates:
            - %s
            - fingerprint: "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB"
listeners:
  - endpoint: tcp:8080
    rawsocket: {}
    tls: {certificate: localhost.crt, key: localhost.key, client_certificates: %s}
"""
CLIENTS = "{authorities: authority.crt}"


@pytest.fixture
def files(config):
    """The files that the configuration names."""
    make_certificate(config.directory)
    Authority(config.directory)


def test_certificates_and_authorities_are_read(config, files):
    settings = config.load(TLS % (r"subject: CN=joe,O=Example\, Inc.", CLIENTS))
    clients = settings.listeners[0].tls.client_certificates
    assert (clients.authorities, clients.required) == (config.directory / "authority.crt", True)
    first, second = settings.realms[0].auth.principals[0].certificates
    assert certificate_name(first) == r"subject:CN=joe,O=Example\, Inc."
    assert certificate_name(second) == "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("certificate", "problem"),
    [
        ("{}", ": expected one of fingerprint, subject, san"),
        ('{subject: CN=joe, san: "DNS:joe"}', ": expected one of fingerprint, subject, san"),
        ("fingerprint: abc", ".fingerprint: not a SHA-256 fingerprint, which is 64 hex digits"),
        ("subject: joe", ".subject: not a subject; write it like CN=joe,O=Example (RFC 4514)"),
        ("subject: ''", ".subject: not a subject; write it like CN=joe,O=Example (RFC 4514)"),
        (
            "san: joe.example.com",
            ".san: not a subject alternative name; write it like DNS:host, email:name@host or URI:uri",
        ),
        ("sna: DNS:joe", '.sna: unknown key; did you mean "san"?'),
    ],
)
def test_a_certificate_has_one_name_that_can_be_found(config, files, certificate, problem):
    assert config.problem(TLS % (certificate, CLIENTS)).startswith(
        "realms[0].auth.principals[0].certificates[0]" + problem
    )


def test_a_certificate_belongs_to_one_principal_and_stands_there_once(config, files):
    problem = config.problem(TLS % (f'fingerprint: "{PRINTS}"', CLIENTS))
    assert (
        problem == "realms[0].auth.principals[0].certificates[1]: this is here twice, and can be of one principal alone"
    )


@pytest.mark.parametrize(
    ("authorities", "problem"),
    [
        ("nowhere.crt", 'cannot read the file "nowhere.crt"'),
        ("localhost.key", 'there are no certificates (PEM) in "localhost.key"'),
        ("empty.crt", 'there are no certificates (PEM) in "empty.crt"'),
    ],
)
def test_authorities_are_a_file_of_certificates(config, files, authorities, problem):
    config.write("", "empty.crt")
    found = config.problem(TLS % ("subject: CN=joe", f"{{authorities: {authorities}}}"))
    where = "listeners[0].tls.client_certificates.authorities: "
    assert found.replace(f"{config.directory}/", "") == where + problem


@pytest.mark.parametrize(
    ("revocations", "problem"),
    [
        ("nowhere.crl", 'cannot read the file "nowhere.crl"'),
        ("authority.crt", 'there are no revocation lists (PEM) in "authority.crt"'),
        ("broken.crl", 'there are no revocation lists (PEM) in "broken.crl"'),
    ],
)
def test_revocations_are_a_file_of_revocation_lists(config, files, revocations, problem):
    config.write("-----BEGIN X509 CRL-----\nxx\n-----END X509 CRL-----\n", "broken.crl")
    clients = f"{{authorities: authority.crt, revocations: {revocations}}}"
    found = config.problem(TLS % ("subject: CN=joe", clients))
    where = "listeners[0].tls.client_certificates.revocations: "
    assert found.replace(f"{config.directory}/", "") == where + problem


def test_the_method_needs_a_listener_that_asks_for_certificates(config, files):
    text = (TLS % ("subject: CN=joe", CLIENTS)).replace(f", client_certificates: {CLIENTS}", "")
    assert config.problem(text) == (
        "realms[0].auth.tls: no listener asks clients for certificates; give one tls: {client_certificates: …}"
    )


def test_certificates_are_of_use_to_the_method_tls_alone(config, files):
    text = (TLS % ("subject: CN=joe", CLIENTS)).replace("tls: {}", "anonymous: {role: user}")
    problem = config.problem(text)
    assert problem.startswith("realms[0].auth.principals[0].certificates: no method uses this")
