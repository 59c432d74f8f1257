"""Explanations say what the router decides, by the rule that decides, and where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tests.auth.test_hashes import bcrypt_of
from tests.auth.test_placeholders import personal_rules
from tests.auth.test_roles import defined, rules
from tests.realms.universe import URIS, matched, patterns
from wampd.auth.accounts import Account
from wampd.auth.roles import Rule
from wampd.auth.ticket import digest_of
from wampd.router.daemon import Daemon
from wampd.router.explaining import CannotExplain, Explanation, Question, explain
from wampd.router.settings import load_with_places
from wampd.router.stores import principals as stored
from wampd.router.stores.sqlite import carry_out, open_store

JOE = bcrypt_of("hunter2 of joe", "2y")

CONFIGURATION = """\
realms:
  - name: com.example
    roles:
      - name: user
        trustlevel: 2
        limits: {call_rate: {per_second: 50}, pending_calls: 7}
        permissions:
          - {uri: "", match: prefix, allow: [call, register, publish, subscribe]}
          - {uri: com., match: prefix, allow: [call], disclose: always}
          - uri: com.user.{authid}.
            match: prefix
            allow: [call, publish]
            deny: [register]
            trustlevel: 5
            limits: {call_rate: {per_second: 5, burst: 8}, payload_size: 1 kB}
          - {uri: "com.session.{session}", allow: [call]}
          - {uri: wamp., match: prefix, allow: [call, subscribe]}
      - name: admin
        privileged: true
        permissions: [{uri: wamp., match: prefix, allow: [call]}]
      - name: asking
        authorizer: {procedure: org.authorizer}
        permissions: [{uri: com.shut, deny: [call]}]
    auth:
      ticket: {}
      principals:
        - {authid: joe, role: user, ticket: hunter2-joe}
        - {authid: root, role: admin, ticket: hunter2-root}
  - name: com.tenant.
    match: prefix
    uri_check: strict
    roles: [{name: member, permissions: [{uri: com., match: prefix, allow: [call]}]}]
    auth: {anonymous: {role: member}}
listeners: [{endpoint: "tcp:1", rawsocket: {}}]
"""


@pytest.fixture(scope="module")
def configuration(tmp_path_factory):
    file = tmp_path_factory.mktemp("explaining") / "config.yaml"
    file.write_text(CONFIGURATION)
    return load_with_places(file, {})


@pytest.fixture
def ask(configuration):
    def ask(action: str, uri: str, match: str = "exact", **who: object) -> Explanation:
        who = {"realm": "com.example", **({} if "role" in who else {"authid": "joe"}), **who}
        return explain(*configuration, Question(action=action, uri=uri, match=match, **who), {})

    return ask


def at(rule):
    """Where a rule is written: the line, and its URI."""
    return None if rule is None else (int(rule.place.split(":")[1]), rule.uri)


def test_the_rule_that_decides_is_told_with_its_place_and_those_that_do_not(ask):
    said = ask("call", "com.user.joe.x")
    assert said.granted
    assert said.role == "user"
    (part,) = said.parts
    assert (part.why, at(part.decides), part.decides.stands_for) == (
        "allowed",
        (10, "com.user.{authid}."),
        "com.user.joe.",
    )
    assert list(map(at, part.less_specific)) == [(9, "com."), (8, "")]
    assert (part.more_specific, part.not_counted) == ([], [])
    assert (said.disclose, said.trustlevel) == ("on_request", 5)


def test_the_limits_that_count_are_told(ask):
    said = {(limit.by, limit.limit): (limit.value, limit.burst) for limit in ask("call", "com.user.joe.x").limits}
    assert said == {
        ("session", "call_rate"): (50, 50),
        ("session", "pending_calls"): (7, None),
        ("rule", "call_rate"): (5, 8),
        ("rule", "payload_size"): (1000, None),
    }
    assert [limit.by for limit in ask("publish", "com.user.joe.x").limits] == ["rule"]
    assert [limit.limit for limit in ask("subscribe", "org.x").limits] == ["subscriptions"]
    assert ask("register", "com.user.joe.x").limits == []


@pytest.mark.parametrize(
    ("action", "uri", "match", "why", "line"),
    [
        ("register", "com.user.joe.x", "exact", "denied", 10),
        ("register", "com.user.joe.", "prefix", "denied", 10),
        ("publish", "com.x", "exact", "silent", 9),
        ("subscribe", "com.", "prefix", "silent", 16),
        ("call", "com.session.7", "exact", "silent", None),
        ("call", "wampd.x", "exact", "unmatched", None),
    ],
)
def test_a_refusal_is_told_with_its_reason(ask, action, uri, match, why, line):
    said = ask(action, uri, match)
    if line is None and why == "silent":  # of another session: com. decides, and allows calls
        assert at(said.parts[0].decides) == (9, "com.")
        assert at(ask(action, uri, match, authid="joe", session=7).parts[0].decides) == (16, "com.session.{session}")
        return
    assert not said.granted
    assert said.error == "wamp.error.not_authorized"
    assert said.parts[0].why == why
    assert (at(said.parts[0].decides) or (None,))[0] == line
    assert (said.disclose, said.limits) == (None, [])


def test_namespaces_are_told_and_rules_that_do_not_count_there(ask):
    (part,) = ask("call", "wamp.session.kill_all").parts
    assert (part.namespace, part.why, part.decides) == ("wamp.session.kill", "unmatched", None)
    assert list(map(at, part.not_counted)) == [(17, "wamp."), (8, "")]
    assert [(part.namespace, part.why) for part in ask("subscribe", "", "prefix").parts] == [
        ("", "silent"),
        ("wamp", "allowed"),
        ("wampd", "unmatched"),
    ]
    admin = ask("call", "wamp.session.kill", authid="root")
    assert admin.granted
    assert admin.privileged
    assert admin.parts[0].namespace == "wamp"


def test_an_authorizer_that_is_asked_is_told(ask):
    said = ask("call", "com.x", role="asking")
    assert (said.granted, said.asks.procedure, said.asks.realm) == (False, "org.authorizer", "com.example")
    assert ask("subscribe", "com.", "prefix", role="asking").asks is not None
    for action, uri in (("call", "com.shut"), ("call", "wamp.session.count"), ("call", "a..b"), ("publish", "wamp.x")):
        assert ask(action, uri, role="asking").asks is None
    assert ask("publish", "com.x").asks is None


@pytest.mark.parametrize("uri", ["a..b", "", "x" * 513, "a b"])
def test_what_is_no_uri_is_refused_before_any_rule_is_asked(ask, uri):
    said = ask("call", uri)
    assert (said.error, said.parts) == ("wamp.error.invalid_uri", [])
    assert ask("publish", "wamp.x").parts == []


def test_a_realm_of_a_template_has_its_roles_and_its_rule_for_uris(ask):
    assert ask("call", "com.x", realm="com.tenant.one", role="member").granted
    assert ask("call", "com.X", realm="com.tenant.one", role="member").error == "wamp.error.invalid_uri"


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ({"realm": "com.exampel", "role": "user"}, 'there is no realm "com.exampel"; did you mean "com.example"?'),
        ({"realm": "com.tenant.ONE", "role": "member"}, "there is no realm"),
        ({"role": "usr"}, 'the realm has no role "usr"; did you mean "user"?'),
        ({"authid": "ann"}, 'nothing is kept of a principal "ann" in this realm: give --role, too'),
        ({"authid": None}, "whose permission? give --role, --authid, or both"),
        ({"role": "user"}, 'rules of the role "user" have {authid} in them: give --authid'),
        ({"role": "user", "authid": "joe.x"}, "no such session is let in: 'joe.x' cannot have the role 'user'"),
    ],
)
def test_a_question_that_cannot_be_put_is_told_so(ask, who, why):
    with pytest.raises(CannotExplain) as told:
        ask("call", "com.x", **who)
    assert why in str(told.value)


# ------------------------------------------------------------------------------------------- it is what the router does


def written(rules: list[Rule], directory: Path):
    """A configuration with one role of these rules."""
    permissions = [
        {"uri": rule.uri, "match": rule.match, "allow": sorted(rule.allow), "deny": sorted(rule.deny)} for rule in rules
    ]
    roles = [{"name": "user", "permissions": permissions}]
    realm = {"name": "realm1", "roles": roles, "auth": {"anonymous": {"role": "user"}}}
    file = directory / "random.yaml"
    file.write_text(yaml.safe_dump({"realms": [realm], "listeners": [{"endpoint": "tcp:1", "rawsocket": {}}]}))
    return load_with_places(file, {})


def takes(rule: Rule) -> bool:
    """Whether a rule may stand in a configuration."""
    uri = rule.uri
    if rule.match == "prefix":
        return not uri.startswith(".") and ".." not in uri
    return rule.match == "wildcard" or all(uri.split("."))


questions = st.one_of(
    st.tuples(st.sampled_from(["call", "publish", "register", "subscribe"]), st.sampled_from(URIS), st.just("exact")),
    patterns.map(lambda pattern: ("subscribe", *pattern)),
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(rules, personal_rules), questions)
def test_an_explanation_agrees_with_what_the_daemon_grants(tmp_path_factory, rules, question):
    directory = tmp_path_factory.getbasetemp()
    settings_, places = written([rule for rule in rules if takes(rule)], directory)
    action, uri, match = question
    asked = Question(action=action, uri=uri, match=match, realm="realm1", role="user", authid="ab")
    said = explain(settings_, places, asked, {})
    door = Daemon(Clock(), settings_).realms._directory.get("realm1")
    grant = door.grants_of("user", "ab", 1).decide(*question)
    assert (said.granted, said.error, said.reason) == (grant.refusal is None, grant.refusal, grant.reason)
    assert bool(said.parts) == (said.error != "wamp.error.invalid_uri")
    if said.parts:
        assert said.granted == all(part.why == "allowed" for part in said.parts)


@settings(max_examples=60, deadline=None)
@given(rules, st.sampled_from(URIS))
def test_the_rule_that_is_told_is_the_first_of_those_that_match(tmp_path_factory, rules, uri):
    rules = [rule for rule in rules if takes(rule)]
    said = explain(
        *written(rules, tmp_path_factory.getbasetemp()),
        Question(action="call", uri=uri, realm="realm1", role="user"),
        {},
    )
    (part,) = said.parts
    told = [
        *part.more_specific,
        *([] if part.decides is None else [part.decides]),
        *part.less_specific,
        *part.not_counted,
    ]
    assert {(rule.uri, rule.match) for rule in told} == {
        (rule.uri, rule.match) for rule in rules if matched(rule.uri, rule.match, uri)
    }
    assert not part.more_specific
    assert said.granted == (defined(rules, uri) == "granted")


# ------------------------------------------------------------------------------------------------ where principals are kept

KEPT = """\
store: {file: wampd.sqlite}
realms:
  - name: realm1
    roles: [{name: first}, {name: second}, {name: third}, {name: fourth}]
    auth:
      ticket: {}
      principals: [{authid: conrad, role: first, ticket: hunter2 conrad}]
      files: [people.yaml]
      password_files: [{file: users.htpasswd, role: third}]
      store: true
  - {name: realm2, roles: [{name: first}], auth: {anonymous: {role: first}}}
listeners: [{endpoint: "tcp:1", rawsocket: {}}]
"""


@pytest.fixture
def kept(tmp_path):
    """A configuration whose principals are everywhere; tells the role of one, and where it is kept."""
    people = "".join(
        f"- {{authid: {name}, role: second, ticket: '${{SECRET}} {name}'}}\n" for name in ("conrad", "flora")
    )
    for name, text in (
        ("config.yaml", KEPT),
        ("people.yaml", people),
        ("users.htpasswd", f"flora:{JOE}\nhans:{JOE}\n"),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    connection = open_store(tmp_path / "wampd.sqlite")
    for name in ("conrad", "hans", "stella", "stan"):
        account = Account(authid=name, role="fourth", ticket=digest_of(f"hunter2 {name}"))
        carry_out(connection, lambda connection, account=account: stored.add(connection, "realm1", account))
        if name == "stan":
            carry_out(
                connection, lambda connection, it=account: stored.replace(connection, "realm1", it, disabled=True)
            )
    connection.close()

    def kept(authid: str, realm: str = "realm1") -> tuple[str, str]:
        question = Question(action="call", uri="a.b", realm=realm, authid=authid)
        environ = {"SECRET": "hunter2"}
        said = explain(*load_with_places(tmp_path / "config.yaml", environ), question, environ)
        return said.role, said.principal.replace(f"{tmp_path}/", "")

    return kept


def test_the_role_of_a_principal_is_looked_up_wherever_the_router_does_in_the_same_order(kept):
    assert kept("conrad") == ("first", "the configuration")
    assert kept("flora") == ("second", "people.yaml")
    assert kept("hans") == ("third", "users.htpasswd")
    assert kept("stella") == ("fourth", "the store wampd.sqlite")


def test_who_is_disabled_or_of_another_realm_has_none(kept):
    with pytest.raises(CannotExplain, match='the principal "stan" is disabled in the store'):
        kept("stan")
    with pytest.raises(CannotExplain, match='nothing is kept of a principal "stella" in this realm'):
        kept("stella", "realm2")


def test_a_store_that_is_not_there_is_told(kept, tmp_path):
    for file in tmp_path.glob("wampd.sqlite*"):
        file.unlink()
    assert kept("hans") == ("third", "users.htpasswd")
    with pytest.raises(CannotExplain, match="there is no such file"):
        kept("stella")
