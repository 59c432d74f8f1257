"""Templates of realms and limits: what the file may say, and what becomes of it."""

import msgspec
import pytest
from twisted.internet.task import Clock

from wampd.realms.limits import Limits, Quota, Rate
from wampd.router.daemon import Daemon
from wampd.router.settings import RealmLimits, RoleLimits

from .conftest import LISTENER, REALM

GOOD = REALM + LISTENER


def named(name: str, keys: str = "") -> str:
    return GOOD.replace("name: realm1", f"name: {name}{keys}")


# --- templates ---


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("com.tenant.", "prefix"),
        ("com.ten", "prefix"),
        ("com", "prefix"),
        ("com..x", "wildcard"),
        ("..", "wildcard"),
        (".x", "wildcard"),
    ],
)
def test_patterns_are_taken_as_names_of_templates(config, name, match):
    realm = config.load(named(name, f"\n    match: {match}")).realms[0]
    assert (realm.name, realm.match) == (name, match)


@pytest.mark.parametrize(
    ("name", "match", "expected"),
    [
        ("com.tenant.", "exact", '"com.tenant." ends with a dot; with "match: prefix" it is a template of realms'),
        ("com.tenant.*", "prefix", '"*" has no meaning here; write "com.tenant." with "match: prefix"'),
        ("'*'", "exact", '"*" has no meaning here; write "" with "match: prefix"'),
        ("''", "prefix", "the text must not be empty"),
        ("com..x", "exact", '"com..x" is not a URI (match: exact, uri_check: loose)'),
        ("com..x", "prefix", 'no URI can begin with "com..x": its components are not empty'),
        (".x", "prefix", 'no URI can begin with ".x": its components are not empty'),
        ("com.a b.", "prefix", '"com.a b." is not a URI (match: prefix, uri_check: loose)'),
        ("com.x", "wildcard", 'no component of "com.x" is empty, so it is one realm: "match: exact"'),
    ],
)
def test_a_name_that_names_no_realm_is_reported(config, name, match, expected):
    assert config.problem(named(name, f"\n    match: {match}")) == f"realms[0].name: {expected}"


def test_the_names_of_a_strict_template_are_strict(config):
    strict = "\n    match: prefix\n    uri_check: strict"
    assert config.problem(named("Com.", strict)).endswith('"Com." is not a URI (match: prefix, uri_check: strict)')
    assert config.load(named("com.", strict))


def test_names_are_unique_with_their_match(config):
    realm = "{{name: {}, match: {}, roles: [{{name: a}}], auth: {{anonymous: {{role: a}}}}}}"
    both = [realm.format("com", "exact"), realm.format("com", "prefix"), realm.format("com.x", "prefix")]
    assert len(config.load(f"realms: [{', '.join(both)}]\n{LISTENER}").realms) == 3
    again = f"realms: [{', '.join([*both, both[1]])}]\n{LISTENER}"
    assert config.problem(again) == 'realms[3].name: there is another template (prefix) "com"'


def test_only_templates_have_realms_that_come_and_go(config):
    keys = "\n    on_demand: {realms: 5}"
    expected = 'only realms of a template ("match: prefix" or "match: wildcard") come and go'
    assert config.problem(named("realm1", keys)) == f"realms[0].on_demand: {expected}"
    assert config.load(named("realm1", f"{keys}\n    match: prefix")).realms[0].on_demand.realms == 5


def test_who_may_open_realms_are_roles_of_the_template(config):
    keys = "\n    match: prefix\n    on_demand: {opened_by: [anonymous, anonymos]}"
    expected = 'realms[0].on_demand.opened_by[1]: the realm has no role "anonymos"; did you mean "anonymous"?'
    assert config.problem(named("com.", keys)) == expected


def test_all_roles_may_open_realms_unless_some_are_named(config):
    keys = "\n    match: prefix\n    on_demand: {opened_by: %s}"
    assert config.load(named("com.", keys % "null")).realms[0].on_demand.opened_by is None
    assert config.load(named("com.", keys % "[anonymous]")).realms[0].on_demand.opened_by == ("anonymous",)


# --- limits ---


def limited(realm: str = "{}", role: str = "{}") -> str:
    return GOOD.replace("[{name: anonymous}]", f"[{{name: anonymous, limits: {role}}}]\n    limits: {realm}")


def resolved(config, realm: str = "{}", role: str = "{}") -> tuple[Limits, Limits, Quota]:
    """The limits of the realm's sessions, those of the role's, and the realm's own."""
    daemon = Daemon(Clock(), config.load(limited(realm, role)))
    core = daemon.realms["realm1"].core
    return core.seats.limits, core.seats.limits_of("anonymous"), core.quota


def test_the_defaults_are_those_that_are_promised_and_those_of_the_core(config):
    limits, of_role, quota = resolved(config)
    assert limits == of_role == Limits()
    assert quota == Quota()
    assert (limits.subscriptions, limits.registrations, limits.pending_calls) == (10_000, 10_000, 10_000)
    assert (limits.testaments, limits.definitions, limits.uri_length) == (100, 1_000, 512)
    assert limits.testaments_size == 2**20
    assert (limits.payload_size, limits.depth, limits.call_rate, limits.publication_rate) == (None, None, None, None)
    assert (quota.sessions, quota.sessions_by_role, quota.retained) == (None, {}, 10_000)


def test_realm_and_role_have_a_key_for_every_limit(config):
    of_session = set(Limits.__struct_fields__)
    of_principals = {"sessions", "sessions_per_principal"}
    of_realm = of_principals | {"retained", "retained_size", "waiting_calls", "waiting_size", "kept_size"}
    assert set(RealmLimits.__struct_fields__) == of_session | of_realm
    assert set(RoleLimits.__struct_fields__) == of_session | of_principals
    assert not any(value is not None for value in msgspec.structs.asdict(RoleLimits()).values())


@pytest.mark.parametrize("name", [name for name in Limits.__struct_fields__ if not name.endswith("_rate")])
def test_a_role_has_the_limits_of_the_realm_unless_it_has_its_own(config, name):
    limits, of_role, _ = resolved(config, f"{{{name}: 11}}")
    assert getattr(limits, name) == getattr(of_role, name) == 11
    limits, of_role, _ = resolved(config, f"{{{name}: 11}}", f"{{{name}: 22}}")
    assert (getattr(limits, name), getattr(of_role, name)) == (11, 22)
    limits, of_role, _ = resolved(config, "{}", f"{{{name}: 22}}")
    assert (limits, getattr(of_role, name)) == (Limits(), 22)


@pytest.mark.parametrize("name", ["call_rate", "publication_rate"])
def test_rates_have_a_burst_of_a_second_unless_another_is_given(config, name):
    for rate, burst in ("10", 10), ("2.5", 3), ("0.1", 1), ("10, burst: 99", 99):
        limits, of_role, _ = resolved(config, f"{{{name}: {{per_second: {rate}}}}}")
        assert getattr(limits, name) == getattr(of_role, name) == Rate(float(rate.split(",")[0]), burst)
    limits, of_role, _ = resolved(config, f"{{{name}: {{per_second: 1}}}}", f"{{{name}: {{per_second: 9}}}}")
    assert (getattr(limits, name), getattr(of_role, name)) == (Rate(1.0, 1), Rate(9.0, 9))


def test_sessions_and_retained_events_are_limited_in_the_realm_and_sessions_of_a_role_within(config):
    _, _, quota = resolved(config, "{sessions: 100, retained: 5}", "{sessions: 10}")
    assert quota == Quota(sessions=100, sessions_by_role={"anonymous": 10}, retained=5)


def test_sessions_of_a_principal_are_limited_and_otherwise_in_a_role(config):
    _, _, quota = resolved(config, "{sessions_per_principal: 3}", "{sessions_per_principal: 1}")
    assert quota == Quota(sessions_per_principal=3, sessions_per_principal_by_role={"anonymous": 1})


def test_calls_that_wait_are_limited_by_number_and_size(config):
    _, _, quota = resolved(config, "{waiting_calls: 7, waiting_size: 1 MiB}")
    assert quota == Quota(waiting_calls=7, waiting_size=2**20)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("sessions: 0", "sessions: must be at least 1"),
        ("payload_size: 0", "payload_size: must be at least 1"),
        ("payload_size: many", 'payload_size: expected a number of bytes, such as 16 MiB or 4096, not "many"'),
        ("depth: 3", "depth: must be at least 4"),
        ("depth: 513", "depth: must be at most 512"),
        ("call_rate: 5", "call_rate: expected a mapping with the key per_second"),
        ("call_rate: {per_second: 0}", "call_rate.per_second: must be more than 0"),
        ("call_rate: {burst: 5}", "call_rate.per_second: this key is missing"),
        ("call_rat: {}", 'call_rat: unknown key; did you mean "call_rate"?'),
        ("publication_rate: {per_second: 1, burst: 0}", "publication_rate.burst: must be at least 1"),
    ],
)
def test_a_limit_that_is_none_is_reported(config, limit, expected):
    assert config.problem(limited(f"{{{limit}}}")) == f"realms[0].limits.{expected}"
    assert config.problem(limited("{}", f"{{{limit}}}")) == f"realms[0].roles[0].limits.{expected}"


def test_a_rule_of_a_role_is_as_long_as_its_own_uris_may_be(config):
    rule = "limits: {uri_length: %d}, permissions: [{uri: com.example, allow: []}]"
    text = GOOD.replace("{name: anonymous}", f"{{name: anonymous, {rule}}}").replace(
        "auth:", "limits: %s\n    auth:", 1
    )
    assert config.load(text % (20, "{uri_length: 5}"))
    assert config.problem(text % (5, "{uri_length: 20}")).endswith("it is longer than 5 bytes")
