"""Rules between keys, and between the configuration and the machine."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from wampd.router.settings import endpoints
from wampd.router.settings.parts import Part
from wampd.router.settings.rules import RULES

from .conftest import LISTENER, REALM

GOOD = REALM + LISTENER


def with_rule(rule: str, realm_keys: str = "") -> str:
    return GOOD.replace("[{name: anonymous}]", f"[{{name: anonymous, permissions: [{rule}]}}]{realm_keys}")


# --- realms ---


@pytest.mark.parametrize(
    "rule",
    [
        "{uri: '', match: prefix, allow: [call]}",
        "{uri: com.example., match: prefix, allow: [call]}",
        "{uri: com.exa, match: prefix, allow: []}",
        "{uri: com..x, match: wildcard, allow: [call]}",
        "{uri: .., match: wildcard, allow: [call]}",
        "{uri: Com.Ä-1, allow: [publish]}",
        "{uri: com.a, allow: [call]}, {uri: com.a, match: prefix, allow: [call]}",
        "{uri: com.a, deny: [call]}",
        "{uri: 'com.user.{authid}.', match: prefix, allow: [call]}",
        "{uri: 'com.{session}..{authid}', match: wildcard, allow: [call]}",
        "{uri: com.a, allow: [call, publish], limits: {payload_size: 1 kB, call_rate: {per_second: 5}}}",
        "{uri: com.a, allow: [publish], limits: {payload_size: 1, publication_rate: {per_second: 5, burst: 1}}}",
        "{uri: com.a, allow: [], deny: [call, publish]}",
    ],
)
def test_rules_for_uris_and_patterns_are_taken(config, rule):
    assert config.load(with_rule(rule)).realms[0].roles[0].permissions


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "{uri: com.example., allow: [call]}",
            '"com.example." ends with a dot; with "match: prefix" it stands for all that',
        ),
        ("{uri: 'com.example.*', allow: [call]}", '"*" has no meaning here; write "com.example." with "match: prefix"'),
        ("{uri: '*', match: prefix, allow: [call]}", '"*" has no meaning here; write "" with "match: prefix"'),
        ("{uri: '', allow: [call]}", '"" is not a URI (match: exact, uri_check: loose)'),
        ("{uri: com..x, allow: [call]}", '"com..x" is not a URI (match: exact, uri_check: loose)'),
        ("{uri: 'com.a b', allow: [call]}", '"com.a b" is not a URI'),
        ('{uri: "com.a\\n", allow: [call]}', '"com.a\\n" is not a URI'),
        ("{uri: 'com.a#', match: prefix, allow: [call]}", '"com.a#" is not a URI (match: prefix'),
        ("{uri: com..x, match: prefix, allow: [call]}", 'no URI can begin with "com..x"'),
        ("{uri: .x, match: prefix, allow: [call]}", 'no URI can begin with ".x"'),
        ("{uri: 'com. .x', match: wildcard, allow: [call]}", '"com. .x" is not a URI (match: wildcard'),
    ],
)
def test_a_rule_that_can_match_nothing_is_reported(config, rule, expected):
    assert config.problem(with_rule(rule)).startswith(f"realms[0].roles[0].permissions[0].uri: {expected}")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{uri: com.a}", "allow: the rule says nothing: give it allow or deny"),
        ("{uri: com.a, allow: null}", "allow: the rule says nothing: give it allow or deny"),
        ("{uri: com.a, deny: []}", "allow: the rule says nothing: give it allow or deny"),
        (
            "{uri: com.a, allow: [call, publish], deny: [publish, call]}",
            "deny: the rule allows this as well: call, publish",
        ),
        (
            "{uri: com.a, allow: [register], limits: {call_rate: {per_second: 1}}}",
            "limits.call_rate: the rule does not allow call, so nothing is limited",
        ),
        (
            "{uri: com.a, allow: [call], limits: {publication_rate: {per_second: 1}}}",
            "limits.publication_rate: the rule does not allow publish, so nothing is limited",
        ),
        (
            "{uri: com.a, deny: [call], limits: {payload_size: 1}}",
            "limits.payload_size: the rule does not allow call or publish, so nothing is limited",
        ),
        (
            "{uri: com.a, allow: [call], limits: {rate: {per_second: 1}}}",
            'limits.rate: unknown key; did you mean "call_rate"?',
        ),
        (
            "{uri: com.a, allow: [register, subscribe], disclose: always}",
            "disclose: the rule allows neither call nor publish: this is for the rule of those who call and publish",
        ),
        (
            "{uri: com.a, deny: [call], trustlevel: 1}",
            "trustlevel: the rule allows neither call nor publish: this is for the rule of those who call and publish",
        ),
        ("{uri: com.a, denny: [call]}", 'denny: unknown key; did you mean "deny"?'),
        (
            "{uri: com.a, deny: [cal]}",
            "deny[0]: expected one of call, force_reregister, publish, register, subscribe,"
            ' not "cal"; did you mean "call"?',
        ),
    ],
)
def test_a_rule_says_what_is_allowed_or_denied(config, rule, expected):
    assert config.problem(with_rule(rule)) == f"realms[0].roles[0].permissions[0].{expected}"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "{uri: 'com.{authod}.', match: prefix, allow: []}",
            'unknown placeholder "{authod}"; did you mean "{authid}"?',
        ),
        ("{uri: 'com.{}', allow: []}", 'unknown placeholder "{}"; known here: {authid}, {session}'),
        ("{uri: 'com.{{authid}}', allow: []}", 'unknown placeholder "{{authid}}"'),
        ("{uri: 'com.user-{authid}', allow: []}", "a placeholder stands for a whole component"),
        (
            "{uri: 'com.user.{authid}', match: prefix, allow: []}",
            "'com.user.{authid}' would also match what begins alike",
        ),
    ],
)
def test_a_placeholder_is_known_and_stands_where_it_can(config, rule, expected):
    assert config.problem(with_rule(rule)).startswith(f"realms[0].roles[0].permissions[0].uri: {expected}")


def test_a_placeholder_fits_into_the_rules_of_a_strict_realm(config):
    strict = "\n    uri_check: strict"
    assert config.load(with_rule("{uri: 'com.{authid}.', match: prefix, allow: [call]}", strict))
    assert config.problem(with_rule("{uri: 'Com.{authid}', allow: [call]}", strict)).endswith("uri_check: strict)")


@pytest.mark.parametrize(
    ("authid", "keys", "fits"),
    [
        ("joe", "", True),
        ("Joe-1", "", True),
        ("joe.admin", "", False),
        ("'joe '", "", False),
        ("Joe-1", "\n    uri_check: strict", False),
        ("abcdefghij", "\n    limits: {uri_length: 9}", False),
    ],
)
def test_a_principal_whose_authid_does_not_fit_into_the_rules_of_its_role_is_reported(config, authid, keys, fits):
    text = f"""\
realms:
  - name: realm1{keys}
    roles:
      - name: user
        permissions: [{{uri: "u.{{authid}}.", match: prefix, allow: [call]}}]
      - name: other
        permissions: [{{uri: u.x, allow: [call]}}]
    auth:
      ticket: {{}}
      principals:
        - {{authid: {authid}, role: user, ticket: hunter2}}
        - {{authid: x.y, role: other, ticket: hunter2}}
listeners: [{{endpoint: "tcp:1", rawsocket: {{}}}}]
"""
    if fits:
        assert config.load(text)
    else:
        assert config.problem(text) == (
            "realms[0].auth.principals[0].authid: not one component of a URI, and rules of the role"
            ' "user" have {authid} in them'
        )


def test_the_rules_of_a_strict_realm_are_strict_uris(config):
    strict = "\n    uri_check: strict"
    assert config.problem(with_rule("{uri: Com.A, allow: []}", strict)).endswith(
        '"Com.A" is not a URI (match: exact, uri_check: strict)'
    )
    assert config.load(with_rule("{uri: com.a_1., match: prefix, allow: []}", strict))
    assert config.problem(GOOD.replace("name: realm1", "name: Realm1\n    uri_check: strict")).startswith(
        'realms[0].name: "Realm1" is not a URI (match: exact, uri_check: strict)'
    )


def test_a_rule_is_not_longer_than_uris_may_be(config):
    problem = config.problem(with_rule("{uri: com.ä, allow: []}", "\n    limits: {uri_length: 5}"))
    assert problem.endswith('"com.ä" is not a URI: it is longer than 5 bytes')


@pytest.mark.parametrize("name", ["realm 1", "a..b", "a#", "'a.'", "''"])
def test_the_name_of_a_realm_is_a_uri(config, name):
    assert config.problem(GOOD.replace("realm1", name)).startswith("realms[0].name: ")


def test_names_that_are_there_twice_are_reported_at_the_second(config):
    text = """\
    realms:
      - &realm
        name: realm1
        roles:
          - name: anonymous
            permissions: [{uri: a.b, allow: []}, {uri: a.b, allow: [call]}]
          - name: anonymous
        auth:
          anonymous: {}
          ticket: {}
          principals:
            - {authid: joe, role: anonymous, ticket: a}
            - {authid: joe, role: anonymous, ticket: b}
      - {name: realm1, roles: [{name: a}], auth: {anonymous: {role: a}}}
    listeners:
      - {endpoint: "tcp:1", rawsocket: {}}
    components:
      - {name: x, command: [sh]}
      - {name: x, command: [sh]}
    """
    assert config.problems(text) == [
        'config.yaml:6:46: realms[0].roles[0].permissions[1]: there is another rule for "a.b" with match: exact',
        'config.yaml:7:15: realms[0].roles[1].name: there is another role "anonymous"',
        'config.yaml:13:20: realms[0].auth.principals[1].authid: there is another principal "joe"',
        'config.yaml:14:12: realms[1].name: there is another realm "realm1"',
        'config.yaml:19:12: components[1].name: there is another component "x"',
    ]


def test_the_role_of_an_authentication_method_exists_in_the_realm(config):
    text = GOOD.replace("auth: {anonymous: {}}", "auth: {anonymous: {role: anonymos}, ticket: {}, principals: [%s]}")
    principals = "{authid: a, role: anonymous, ticket: a}, {authid: b, role: z, ticket: b}"
    assert config.problems(text % principals) == [
        'config.yaml:4:30: realms[0].auth.anonymous.role: the realm has no role "anonymos"; did you mean "anonymous"?',
        'config.yaml:4:125: realms[0].auth.principals[1].role: the realm has no role "z"; known here: anonymous',
    ]


@pytest.mark.parametrize(
    ("auth", "problem"),
    [
        ("ticket: {}, principals: [{authid: a, role: anonymous}]", "[0]: nothing proves who this is: give it one of "),
        ("anonymous: {}, principals: [{authid: a, role: anonymous, ticket: a}]", "[0].ticket: no method uses this: "),
    ],
)
def test_a_principal_has_what_proves_it_by_a_method_of_the_realm(config, auth, problem):
    found = config.problem(GOOD.replace("auth: {anonymous: {}}", f"auth: {{{auth}}}"))
    assert found.startswith("realms[0].auth.principals" + problem)


def test_a_realm_that_nobody_can_join_is_reported(config):
    assert config.problem(GOOD.replace("{anonymous: {}}", "{}")) == (
        "realms[0].auth: nobody can join: there is no authentication method; known are anonymous, ticket, cryptosign,"
        " tls, cookie, wampcra, scram, jwt"
    )


# --- listeners ---


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp:8080",
        "tcp:0",
        "tcp:8080:interface=127.0.0.1:backlog=100",
        "tcp6:8080:interface=\\:\\:1",
        "unix:/tmp/x:mode=660",
    ],
)
def test_the_endpoint_strings_of_twisted_are_taken(config, endpoint):
    assert config.load(GOOD.replace("tcp:8080", endpoint)).listeners[0].endpoint == endpoint


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("tcp", "not a Twisted server endpoint string: missing 1 required positional argument: 'port'"),
        ("tcp:http", "not a Twisted server endpoint string: 'http' is not a number of base 10"),
        ("tcp:70000", "there is no port 70000"),
        (
            "tcp:8080:interfac=1",
            'not a Twisted server endpoint string: "interfac" is not known; did you mean "interface"?',
        ),
        ("unix:/x:mode=99", "not a Twisted server endpoint string: '99' is not a number of base 8"),
        ("8080", "not a Twisted server endpoint string; write it like tcp:8080"),
        (":8080", "not a Twisted server endpoint string; write it like tcp:8080"),
        ("127.0.0.1:8080", "not a Twisted server endpoint string; write it like tcp:8080:interface=127.0.0.1"),
        ("udp:8080", "not a Twisted server endpoint string: Unknown endpoint type: 'udp'"),
        ("tcp:8080\\", "not a Twisted server endpoint string: it ends with a backslash"),
        ("ssl:8080", "use a tcp: endpoint, and the key tls of the listener"),
    ],
)
def test_a_wrong_endpoint_string_is_reported_with_twisteds_reason(config, endpoint, expected):
    problem = config.problem(GOOD.replace("tcp:8080", f"'{endpoint}'"))
    assert problem.startswith(f"listeners[0].endpoint: {expected}")  # newer Pythons add hints


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("tcp:1", "tcp:1", True),
        ("tcp:1", "tcp:port=1", True),
        ("tcp:1", "tcp:1:interface=127.0.0.1", True),
        ("tcp:1:127.0.0.1", "tcp:1:interface=127.0.0.1:backlog=7", True),
        ("tcp:1:interface=127.0.0.2", "tcp:1:interface=127.0.0.1", False),
        ("tcp6:1:interface=\\:\\:1", "tcp6:1:interface=\\:\\:", True),
        ("tcp:1", "tcp:2", False),
        ("tcp:0", "tcp:0", False),
        ("tcp:0", "tcp:0:interface=127.0.0.1", False),
        ("unix:/a", "unix:address=/a:mode=600", True),
        ("unix:/a", "unix:/b", False),
        ("systemd:domain=INET:index=0", "systemd:domain=INET:index=0", True),
        ("systemd:domain=INET:index=0", "systemd:domain=INET:index=1", False),
    ],
)
def test_endpoints_clash_if_only_one_of_them_can_be_listened_on(one, other, clash):
    assert endpoints.clashes(["tcp:9", one, other]) == ([(1, 2)] if clash else [])


def test_listeners_that_clash_are_reported_by_their_place_in_the_file(config):
    text = (
        REALM
        + "listeners:\n"
        + "".join(
            f"  - {{endpoint: '{it}', rawsocket: {{}}}}\n" for it in ("tcp:x", "tcp:1", "tcp:1:interface=127.0.0.1")
        )
    )
    assert (
        config.problems(text)[1]
        == "config.yaml:8:16: listeners[2].endpoint: cannot listen here, because listeners[1] does"
    )


def test_a_listener_that_speaks_nothing_is_reported(config):
    assert config.problem(GOOD.replace("    rawsocket: {}\n", "")) == (
        "listeners[0]: the listener speaks nothing: give it websocket, rawsocket or http"
    )


@pytest.mark.parametrize("path", ["/", "/ws", "/a/b.c-d_e~f"])
def test_paths_are_taken(config, path):
    assert path in config.load(GOOD + f"    websocket: {{'{path}': {{type: echo}}}}").listeners[0].websocket


@pytest.mark.parametrize(
    "path", ["", "ws", "/ws/", "//", "/a//b", "/a/../b", "/..", "/.", "/a b", "/a?b", "/a#b", "/a%20", "/a\\\\b"]
)
@pytest.mark.parametrize("section", ["websocket", "http"])
def test_what_is_no_path_is_reported(config, section, path):
    what = "{type: echo}" if section == "websocket" else "{type: static, directory: .}"
    problem = config.problem(GOOD + f'    {section}: {{"{path}": {what}}}')
    meant = "/ws" if path in ("ws", "/ws/") else "/" if path in ("", "//") else None
    how = (
        f'write "{meant}": with a slash at the beginning, and none at the end'
        if meant
        else 'write it like "/" or "/ws"'
    )
    assert problem.endswith(f"not a path; {how}")


@pytest.mark.parametrize(
    "origin", ["same-host", "*", "https://www.example.com", "http://localhost:8080", "http://[::1]:80", "app://x"]
)
def test_origins_are_taken(config, origin):
    text = GOOD + f"    websocket: {{/ws: {{type: wamp, origins: ['{origin}']}}}}"
    assert config.load(text).listeners[0].websocket["/ws"].origins == (origin,)


@pytest.mark.parametrize(
    "origin", ["www.example.com", "https://example.com/", "https://*.example.com", "HTTPS://example.com", "null", ""]
)
def test_what_is_no_origin_is_reported(listener, origin):
    problem = listener(f"websocket: {{/ws: {{type: wamp, origins: [same-host, '{origin}']}}}}")
    assert problem.startswith('websocket["/ws"].origins[1]: ')


def test_serializers_that_are_there_twice_are_reported(listener):
    assert listener("websocket: {/ws: {type: wamp, serializers: [json, json]}}").endswith(
        "serializers[1]: json is here twice"
    )


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("origins: [example.com]", "origins[0]: not an origin"),
        ("serializers: [cbor, cbor]", "serializers[1]: cbor is here twice"),
        ("serializers: []", "serializers: the list must not be empty"),
        ("poll_timeout: 0", "poll_timeout: must be more than 0"),
        ("no_content: 204", "no_content: expected true or false"),
        ("directory: .", "directory: unknown key"),
    ],
)
def test_what_is_wrong_with_a_long_poll_path_is_reported(listener, keys, expected):
    assert listener(f"http: {{/lp: {{type: longpoll, {keys}}}}}").startswith(f'http["/lp"].{expected}')


def test_rawsocket_serializers_that_are_there_twice_are_reported(config):
    text = GOOD.replace("rawsocket: {}", "rawsocket: {serializers: [cbor, json, cbor]}")
    assert config.problem(text) == "listeners[0].rawsocket.serializers[2]: cbor is here twice"


def test_the_directory_of_a_static_site_is_there(listener):
    assert (
        listener("http: {/: {type: static, directory: nowhere}}")
        == 'http["/"].directory: there is no directory "nowhere"'
    )


def test_the_send_queue_holds_the_largest_message(listener):
    assert listener("limits: {send_queue: 512 KiB}").startswith("limits.send_queue: must be at least message_size")


# --- TLS ---


@pytest.fixture(scope="session")
def pems(tmp_path_factory):
    """One certificate, its key, the same key with a password, and another key; keys as their owner's only."""
    directory = tmp_path_factory.mktemp("pems")
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=36500))
    certificate = builder.sign(key, hashes.SHA256())
    (directory / "crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    for file, private, cipher in (
        ("key", key, NoEncryption()),
        ("locked", key, BestAvailableEncryption(b"hunter2")),
        ("other", other, NoEncryption()),
        ("open", key, NoEncryption()),
    ):
        (directory / file).write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, cipher))
        (directory / file).chmod(0o644 if file == "open" else 0o600)
    return directory


def test_a_certificate_with_its_key_is_taken(config, pems):
    tls = config.load(GOOD + f"    tls: {{certificate: {pems}/crt, key: {pems}/key}}").listeners[0].tls
    assert (tls.certificate, tls.key) == (pems / "crt", pems / "key")


def test_more_certificates_are_checked_like_the_first(config, listener, pems):
    more = f"[{{certificate: {pems}/crt, key: {pems}/key}}]"
    [pair] = (
        config.load(GOOD + f"    tls: {{certificate: {pems}/crt, key: {pems}/key, more: {more}}}").listeners[0].tls.more
    )
    assert (pair.certificate, pair.key) == (pems / "crt", pems / "key")
    problem = listener(f"tls: {{certificate: {pems}/crt, key: {pems}/key, more: {more.replace('/key', '/other')}}}")
    assert problem == "tls.more[0].key: the key does not belong to the certificate"


@pytest.mark.parametrize(
    ("certificate", "key", "expected"),
    [
        ("no", "key", 'tls.certificate: cannot read the file "PEMS/no"'),
        ("crt", "no", 'tls.key: cannot read the file "PEMS/no"'),
        ("crt", "", 'tls.key: cannot read the file "PEMS"'),
        ("crt", "open", 'tls.key: "PEMS/open" is open to other users (mode 0644); chmod o= it'),
        ("crt", "other", "tls.key: the key does not belong to the certificate"),
        ("crt", "locked", "tls.key: the key has a password; give a key without one, in a file that others cannot read"),
        ("key", "key", "tls: certificate and key cannot be used: "),
    ],
)
def test_a_certificate_and_a_key_that_cannot_be_used_are_reported(listener, pems, certificate, key, expected):
    problem = listener(f"tls: {{certificate: {pems}/{certificate}, key: {pems}/{key}}}")
    assert problem.replace(str(pems), "PEMS").startswith(expected)


# --- the process ---


def test_a_component_may_be_a_program_of_the_path_or_of_its_directory(config):
    config.write("#!/bin/sh\n", "parts/own", mode=0o755)
    text = GOOD + "components: [{name: a, command: [sh]}, {name: b, command: [./own], directory: parts}]\n"
    assert [component.name for component in config.load(text).components] == ["a", "b"]


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        ("{name: x, command: [nonesuch]}", 'command[0]: there is no program "nonesuch"'),
        ("{name: x, command: [./own]}", 'command[0]: there is no program "./own"'),
        ("{name: x, command: [sh], environment: {PATH: /nowhere}}", 'command[0]: there is no program "sh"'),
        ("{name: x, command: [sh], directory: nowhere}", 'directory: there is no directory "nowhere"'),
        ("{name: x, command: []}", "command: the list must not be empty"),
        ("{name: x, command: sh -c true}", "command: expected a list; write [ ] around it"),
        ("{command: [sh]}", "name: this key is missing"),
    ],
)
def test_a_component_that_cannot_be_started_is_reported(config, component, expected):
    assert config.problem(GOOD + f"components: [{component}]\n") == f"components[0].{expected}"


def test_the_process_is_not_stopped_before_it_is_drained(config):
    assert config.problem(GOOD + "limits: {drain: 40}\n") == "limits.stop: must be at least as long as drain"


def test_every_rule_is_for_a_part_of_the_settings():
    assert all(issubclass(part, Part) for part in RULES)
