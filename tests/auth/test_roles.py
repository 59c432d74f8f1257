"""Static roles: which rule decides, and what a pattern may reach."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.realms.house import House
from tests.realms.universe import URIS, kept, matched, order, patterns
from wampd.auth.roles import PRIVILEGED, Role, Rule
from wampd.realms.grants import NOT_AUTHORIZED, Grant, Grants, Policy

CALL, REGISTER, PUBLISH, SUBSCRIBE = ACTIONS = ("call", "register", "publish", "subscribe")
ALL = frozenset(ACTIONS)


def role(*rules: tuple[str, str] | tuple[str, str, set[str]]) -> Role:
    """A role of (URI, match policy[, allowed actions: all])."""
    return Role("member", [Rule(uri, match, frozenset(*allow) if allow else ALL) for uri, match, *allow in rules])


def ruled(role: Role, action: str, uri: str, match: str = "exact") -> str:
    grant = role.decide(action, uri, match)
    if grant.refusal is None:
        assert not grant.undecided
        return "granted"
    assert grant.refusal == NOT_AUTHORIZED
    return "undecided" if grant.undecided else "denied"


def may(role: Role, action: str, uri: str, match: str = "exact") -> bool:
    grant = role.decide(action, uri, match)
    assert grant.refusal in (None, NOT_AUTHORIZED)
    return grant.refusal is None


# ---------------------------------------------------------------------------------------------------------- one URI


@pytest.mark.spec("AZ-01")
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("allowed", ACTIONS)
def test_each_action_needs_its_own_permission(action, allowed):
    member = role(("com.a", "exact", {allowed}), ("com.b.", "prefix", {allowed}), ("com..c", "wildcard", {allowed}))
    for uri in ("com.a", "com.b.x", "com.x.c"):
        assert may(member, action, uri) == (action == allowed)


@pytest.mark.spec("AZ-02", "AMB-07")
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("match", ["exact", "prefix", "wildcard"])
def test_a_role_without_rules_may_do_nothing(action, match):
    grant = Role("nobody").decide(action, "com.a", match)
    assert grant.refusal == "wamp.error.not_authorized"


@pytest.mark.spec("AMB-07")
@pytest.mark.parametrize("match", ["exact", "prefix"])
def test_a_refusal_can_have_the_name_of_the_advanced_profile(match):
    denial = "wamp.error.authorization_denied"
    rules = [Rule("com.a", match, deny=ALL), Rule("com.b", match), Rule("com.c", match, ALL)]
    named, usual = Role("r", rules, denial=denial), Role("r", rules)
    for uri in ("com.a", "com.b", "com.x", "wamp.x"):
        refused, as_usual = named.decide(SUBSCRIBE, uri, match), usual.decide(SUBSCRIBE, uri, match)
        assert (refused.refusal, as_usual.refusal) == (denial, NOT_AUTHORIZED)
        assert (refused.reason, refused.undecided) == (as_usual.reason, as_usual.undecided)
    assert named.decide(SUBSCRIBE, "com.c", match) == Grant()


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("com.a", False),  # exact before prefix
        ("com.a.x", True),
        ("com.a.secret.x", False),  # the longer prefix
        ("com.a.secret.open", True),
        ("org.x.y", True),
        ("org.b.y", False),  # the longer first run
        ("com.b.y", False),  # a prefix before a wildcard
    ],
)
def test_the_most_specific_rule_decides_alone(uri, allowed):
    member = role(
        ("com.", "prefix", set()),
        ("com.a", "exact", set()),
        ("com.a.", "prefix"),
        ("com.a.secret.", "prefix", set()),
        ("com.a.secret.open", "exact"),
        ("org..y", "wildcard"),
        ("org.b.", "wildcard", set()),
        (".b.y", "wildcard"),
    )
    assert may(member, CALL, uri) is allowed


def test_the_order_of_rules_does_not_matter():
    rules = [Rule("com.", "prefix", ALL), Rule("com.a.", "prefix"), Rule("com.a.b", "exact", ALL)]
    for arranged in (rules, rules[::-1]):
        assert [may(Role("r", arranged), CALL, uri) for uri in ("com.x", "com.a.x", "com.a.b")] == [True, False, True]


def test_two_rules_for_the_same_are_a_mistake():
    with pytest.raises(ValueError, match=r"two rules for 'com\.a' with match 'prefix'"):
        role(("com.a", "prefix"), ("com.b", "prefix"), ("com.a", "prefix", {CALL}))
    assert may(role(("com.a", "exact"), ("com.a", "prefix", {CALL})), PUBLISH, "com.a")


@pytest.mark.parametrize("disclose", ["never", "on_request", "always"])
def test_disclosure_comes_from_the_deciding_rule(disclose):
    member = Role("r", [Rule("com.", "prefix", ALL, "never"), Rule("com.a.", "prefix", ALL, disclose)])
    assert member.decide(CALL, "com.a.b") == Grant(disclose=disclose)
    assert member.decide(SUBSCRIBE, "com.a.", "prefix") == Grant(disclose=disclose)
    assert member.decide(CALL, "com.b") == Grant(disclose="never")


def test_the_trust_level_is_that_of_the_deciding_rule_else_that_of_the_role():
    rules = [Rule("com.", "prefix", ALL), Rule("com.a.", "prefix", ALL, trustlevel=0), Rule("com.b", "exact", ALL)]
    member = Role("r", rules, trustlevel=3)
    assert member.decide(PUBLISH, "com.x").trustlevel == 3
    assert member.decide(PUBLISH, "com.a.x").trustlevel == 0
    assert member.decide(SUBSCRIBE, "com.a.", "prefix").trustlevel == 0
    assert Role("r", rules).decide(PUBLISH, "com.b").trustlevel is None


def test_a_deny_refuses_for_good_and_what_is_not_named_leaves_the_question_open():
    member = Role(
        "r",
        [
            Rule("com.", "prefix", frozenset({CALL}), deny=frozenset({PUBLISH})),
            Rule("com.a.", "prefix", frozenset({PUBLISH}), deny=frozenset({CALL})),
            Rule("com.a.b", "exact", deny=frozenset({CALL})),
        ],
    )
    said = {uri: [ruled(member, action, uri) for action in (CALL, PUBLISH, SUBSCRIBE)] for uri in ("com.x", "com.a.x")}
    assert said == {"com.x": ["granted", "denied", "undecided"], "com.a.x": ["denied", "granted", "undecided"]}
    assert ruled(member, PUBLISH, "com.a.b") == "undecided"  # the more specific rule decides alone, and is silent
    assert ruled(member, CALL, "org.x") == "undecided"
    assert ruled(Role("r", [Rule("com.a", "exact", ALL, deny=ALL)]), CALL, "com.a") == "denied"


@pytest.mark.spec("AZ-02", "AZ-08")
@pytest.mark.parametrize("match", ["exact", "prefix"])
def test_a_client_is_told_the_same_of_what_is_denied_and_of_what_nothing_is_said_of(match):
    member = Role("r", [Rule("com.a", match, deny=frozenset({SUBSCRIBE}))])
    denied, undecided = (member.decide(SUBSCRIBE, uri, match) for uri in ("com.a", "com.b"))
    assert (denied.undecided, undecided.undecided) == (False, True)
    assert (denied.refusal, denied.reason) == (undecided.refusal, undecided.reason)


@pytest.mark.spec("AZ-08")
def test_a_refusal_tells_nothing_of_the_uri():
    member = role(("com.a", "exact", {CALL}))
    assert member.decide(PUBLISH, "com.a") == member.decide(PUBLISH, "com.b")
    assert "com" not in member.decide(PUBLISH, "com.a").reason
    assert member.decide(SUBSCRIBE, "com.a", "prefix") == member.decide(SUBSCRIBE, "org", "wildcard")


# ------------------------------------------------------------------------------------------------ closed by default


@pytest.mark.parametrize("uri", ["wamp.session.kill", "wamp.session.count", "wampd.stats", "wampd.a.b.c"])
@pytest.mark.parametrize("rules", [[("", "prefix")], [("..", "wildcard"), (".", "wildcard"), ("...", "wildcard")]])
def test_open_rules_do_not_reach_reserved_uris(uri, rules):
    member = role(*rules)
    assert may(member, CALL, "wampfoo.a")
    assert may(member, CALL, "com.wamp")
    for action in ACTIONS:
        assert not may(member, action, uri)


@pytest.mark.parametrize("rule", [("w", "prefix"), ("wam", "prefix"), (".session.count", "wildcard")])
def test_a_rule_that_does_not_name_them_does_not_reach_reserved_uris(rule):
    assert not may(role(rule), CALL, "wamp.session.count")
    assert not may(role(rule), CALL, "wampd.session.count")


@pytest.mark.parametrize(
    "rule", [("wamp.session.count", "exact"), ("wamp.", "prefix"), ("wamp", "prefix"), ("wamp..count", "wildcard")]
)
def test_a_rule_that_names_wamp_reaches_there_and_no_further(rule):
    assert may(role(rule), CALL, "wamp.session.count")
    assert not may(role(rule), CALL, "wampd.session.count")


def test_a_rule_that_names_a_reserved_uri_is_not_overruled_by_one_that_does_not():
    member = role(("", "prefix", set()), ("wamp..count", "wildcard", {CALL}))
    assert may(member, CALL, "wamp.session.count")
    assert not may(member, CALL, "wamp.session.list")


# -------------------------------------------------------------------------------------------------------- privileged

KILL, KILL_ALL, REMOVE = "wamp.session.kill", "wamp.session.kill_all", "wamp.registration.remove_callee"


@pytest.mark.trap(6)
@pytest.mark.parametrize("uri", [KILL, KILL_ALL, REMOVE, "wamp.subscription.remove_subscriber", "wampd.monitor.kill"])
@pytest.mark.parametrize(
    "rule",
    [
        ("wamp.", "prefix"),
        ("wamp.session.", "prefix"),
        ("wamp.session.kil", "prefix"),
        ("wamp.registration.remove", "prefix"),
        ("wamp.session.", "wildcard"),
        ("wamp..kill", "wildcard"),
        ("wamp..", "wildcard"),
        ("wampd.monitor.", "prefix"),
        ("wampd..", "wildcard"),
    ],
)
def test_a_rule_that_does_not_name_a_privileged_procedure_does_not_reach_it(rule, uri):
    assert ruled(role(rule), CALL, uri) == "denied"  # for good: nobody else is asked
    assert ruled(role(("", "prefix")), CALL, uri) == "denied"
    assert ruled(role(), CALL, uri) == "denied"


@pytest.mark.parametrize(
    ("rule", "reached"),
    [
        ((KILL, "exact"), [KILL]),
        ((KILL, "prefix"), [KILL, KILL_ALL]),
        ((KILL, "wildcard"), [KILL]),
        (("wamp.session.kill_", "prefix"), [KILL_ALL]),
        ((REMOVE, "exact"), [REMOVE]),
    ],
)
def test_a_rule_that_names_a_privileged_procedure_reaches_it(rule, reached):
    open_to_it = role(rule, ("wamp.", "prefix", set()))
    assert [uri for uri in (KILL, KILL_ALL, REMOVE) if may(open_to_it, CALL, uri)] == reached


def test_what_the_rule_for_a_privileged_procedure_does_not_name_is_denied():
    member = role(("wamp.", "prefix"), (KILL, "prefix", {SUBSCRIBE}))
    assert ruled(member, CALL, KILL) == "denied"
    assert ruled(member, SUBSCRIBE, KILL) == "granted"


@pytest.mark.parametrize("rule", [("wamp.", "prefix"), ("wamp.session.", "wildcard"), (KILL, "exact")])
def test_in_a_privileged_role_they_are_as_all_others_of_wamp(rule):
    member = Role("r", [Rule(*rule, ALL)], privileged=True)
    assert may(member, CALL, KILL)
    assert ruled(Role("r", [Rule("", "prefix", ALL)], privileged=True), CALL, KILL) == "denied"
    assert (
        ruled(Role("r", [Rule("wamp.", "prefix", ALL), Rule(KILL, deny=ALL)], privileged=True), CALL, KILL) == "denied"
    )


def test_topics_of_the_router_are_not_privileged():
    member = role(("wamp.", "prefix"))
    assert may(member, SUBSCRIBE, "wamp.session.", "prefix")
    assert may(member, SUBSCRIBE, "wamp.session.on_join")
    assert may(member, SUBSCRIBE, KILL)


@pytest.mark.parametrize(("match", "pattern"), [("prefix", "wamp.session."), ("wildcard", "wamp..kill")])
def test_calls_of_a_pattern_with_something_privileged_in_it_need_a_rule_that_names_it(match, pattern):
    assert ruled(role(("wamp.", "prefix")), CALL, pattern, match) == "denied"
    assert may(role(("wamp.", "prefix"), (KILL, "prefix")), CALL, pattern, match) is (match == "prefix")
    assert may(Role("r", [Rule("wamp.", "prefix", ALL)], privileged=True), CALL, pattern, match)


SERVED_TO_ALL = {
    "wamp.session.count",
    "wamp.session.list",
    "wamp.session.get",
    "wamp.session.add_testament",
    "wamp.session.flush_testaments",
    "wamp.subscription.get_events",
    *(f"wamp.{kind}.{ask}" for kind in ("registration", "subscription") for ask in ("list", "lookup", "match", "get")),
    *(f"wamp.registration.{ask}_callees" for ask in ("list", "count")),
    *(f"wamp.subscription.{ask}_subscribers" for ask in ("list", "count")),
}


def test_each_procedure_of_the_router_is_either_for_all_or_privileged():
    """Whoever adds one has to say which it is."""
    served = {uri for uri in House().realm.dealer.services.procedures if not uri.startswith(("wamp.reflect", "wampd."))}
    privileged = {uri for uri in served if uri.startswith(PRIVILEGED)}
    assert served - privileged == SERVED_TO_ALL
    everywhere = [beginning for beginning in PRIVILEGED if beginning.startswith("wamp.")]
    assert all(any(uri.startswith(beginning) for uri in privileged) for beginning in everywhere)


# --------------------------------------------------------------------------------------------------------- patterns


@pytest.mark.spec("AZ-05")
@pytest.mark.parametrize("action", [SUBSCRIBE, REGISTER])
@pytest.mark.parametrize(
    ("rule", "pattern", "allowed"),
    [
        (("com.a.", "prefix"), ("com.a.", "prefix"), True),
        (("com.a.", "prefix"), ("com.a.b", "prefix"), True),
        (("com.a.", "prefix"), ("com.a", "prefix"), False),
        (("com.a.", "prefix"), ("com.", "prefix"), False),
        (("com.a.", "prefix"), ("", "prefix"), False),
        (("com.a.", "prefix"), ("com.a..x", "wildcard"), True),
        (("com.a.", "prefix"), ("com.a.", "wildcard"), True),
        (("com.a.", "prefix"), ("com..x", "wildcard"), False),
        (("com.a.", "prefix"), (".a.x", "wildcard"), False),
        (("com.a.", "prefix"), ("com.a", "wildcard"), False),
        (("com.a", "prefix"), ("com.a..x", "wildcard"), True),
        (("com.ab", "prefix"), ("com.a.", "wildcard"), False),
        (("com..x", "wildcard"), ("com..x", "wildcard"), True),
        (("com..x", "wildcard"), ("com.b.x", "wildcard"), True),
        (("com..", "wildcard"), ("com..x", "wildcard"), True),
        (("com..x", "wildcard"), ("com..", "wildcard"), False),
        (("com..x", "wildcard"), ("com...x", "wildcard"), False),
        (("com..x", "wildcard"), ("com.b.x", "prefix"), False),
        (("com..", "wildcard"), ("com.", "prefix"), False),
        (("com.a", "exact"), ("com.a", "prefix"), False),
        (("com.a", "exact"), ("com.a", "wildcard"), False),
        (("com.a", "exact"), ("com.a", "exact"), True),
        (("", "prefix"), ("com.", "prefix"), True),
        (("", "prefix"), ("com..x", "wildcard"), True),
    ],
)
def test_a_pattern_needs_permission_for_all_that_it_matches(action, rule, pattern, allowed):
    assert may(role(rule), action, *pattern) is allowed


@pytest.mark.spec("AZ-05")
@pytest.mark.parametrize(
    ("refusing", "pattern", "allowed"),
    [
        (("com.a.secret", "exact"), ("com.a.", "prefix"), False),
        (("com.a.secret", "exact"), ("com.a.b.", "prefix"), True),
        (("com.a.secret", "exact"), ("com.a.", "wildcard"), False),
        (("com.a.secret", "exact"), ("com.a..x", "wildcard"), True),
        (("com.a.secret.", "prefix"), ("com.a.", "prefix"), False),
        (("com.a.secret.", "prefix"), ("com.a.secret.b", "prefix"), False),
        (("com.a.secret.", "prefix"), ("com.a..x", "wildcard"), False),
        (("com.a.secret.", "prefix"), ("com.a.open.", "wildcard"), True),
        (("com..secret", "wildcard"), ("com.a.", "prefix"), True),  # com.a. wins over it wherever both match
        (("com.", "prefix"), ("com.a.", "prefix"), True),
    ],
)
def test_a_refusing_rule_inside_a_pattern_is_not_got_round(refusing, pattern, allowed):
    member = role(("com.a.", "prefix"), (*refusing, set()))
    assert may(member, SUBSCRIBE, *pattern) is allowed


@pytest.mark.spec("AZ-05")
@pytest.mark.parametrize(
    ("rules", "pattern", "ruling"),
    [
        ([Rule("com.a.", "prefix", ALL), Rule("com.a.b", "exact")], ("com.a.", "prefix"), "undecided"),
        ([Rule("com.a.", "prefix", ALL), Rule("com.a.b", "exact", deny=ALL)], ("com.a.", "prefix"), "denied"),
        ([Rule("com.a.", "prefix", ALL), Rule("com.a.b", "exact", deny=ALL)], ("com.a.c", "prefix"), "granted"),
        ([Rule("com.a.", "prefix", ALL), Rule("com.", "prefix", deny=ALL)], ("com.a.", "prefix"), "granted"),
        ([Rule("com.a.", "prefix", ALL), Rule("com.", "prefix", deny=ALL)], ("com.", "prefix"), "denied"),
        ([Rule("com.a.", "prefix"), Rule("com.", "prefix", deny=ALL)], ("com.a.", "prefix"), "undecided"),
        ([Rule("com.a.b", "exact"), Rule("com.a.", "prefix", deny=ALL)], ("com.a.", "prefix"), "denied"),
        ([Rule("com.a.", "prefix", ALL)], ("com.", "prefix"), "undecided"),
        ([], ("com.", "prefix"), "undecided"),
        ([], ("wamp.session.", "prefix"), "denied"),
        ([Rule("wamp.session.on_join", "exact", ALL)], ("wamp.session.", "prefix"), "denied"),
        ([], ("", "prefix"), "denied"),  # it would reach the reserved ones, which nobody names
        ([Rule("", "prefix", ALL)], ("..", "wildcard"), "denied"),
        ([Rule("wamp.", "prefix", ALL), Rule("wampd.", "prefix", ALL)], ("w", "prefix"), "undecided"),
        (
            [Rule("", "prefix", ALL), Rule("wamp.", "prefix", ALL), Rule("wampd.", "prefix", ALL)],
            ("", "prefix"),
            "granted",
        ),
    ],
)
def test_a_pattern_is_denied_where_any_of_it_may_be_and_undecided_where_nothing_is_said(rules, pattern, ruling):
    for arranged in (rules, rules[::-1]):
        assert ruled(Role("r", arranged), SUBSCRIBE, *pattern) == ruling


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ([("", "prefix")], False),
        ([("", "prefix"), ("wamp.", "prefix")], False),
        ([("", "prefix"), ("wamp.", "prefix"), ("wampd.", "prefix")], True),
        ([("", "prefix"), ("wamp.", "prefix", {CALL}), ("wampd.", "prefix")], False),
        ([("wamp.", "prefix"), ("wampd.", "prefix")], False),
    ],
)
@pytest.mark.parametrize("pattern", [("", "prefix"), ("w", "prefix"), ("wamp", "prefix"), ("..", "wildcard")])
def test_a_pattern_that_reaches_reserved_uris_needs_permission_there_too(rules, allowed, pattern):
    assert may(role(*rules), SUBSCRIBE, *pattern) is allowed


@pytest.mark.parametrize("pattern", [("wamp.", "prefix"), ("wamp.session.", "prefix"), ("wamp..on_join", "wildcard")])
def test_a_pattern_in_a_reserved_name_space_needs_permission_only_there(pattern):
    assert may(role(("wamp.", "prefix")), SUBSCRIBE, *pattern)
    assert not may(role(("wampd.", "prefix"), ("", "prefix")), SUBSCRIBE, *pattern)


def test_a_wildcard_of_one_component_reaches_nothing_reserved():
    assert may(role(("", "prefix")), SUBSCRIBE, "", "wildcard")
    assert may(role(("", "wildcard")), SUBSCRIBE, "", "wildcard")


SAYING = {"granted": {"allow": ALL}, "denied": {"deny": ALL}, "undecided": {}}
rules = st.lists(
    st.builds(
        lambda pattern, says: Rule(*pattern, **SAYING[says]),
        kept,
        st.sampled_from(["granted", "granted", "granted", "granted", "denied", "undecided"]),
    ),
    max_size=6,
    unique_by=lambda rule: (rule.uri, rule.match),
)


def defined(rules: list[Rule], uri: str) -> str:
    """The definition: of the rules that match, and name the reserved word if there is one, the first one decides."""
    word, dot, _ = uri.partition(".")
    reserved = bool(dot) and word in ("wamp", "wampd")
    found = [rule for rule in rules if matched(rule.uri, rule.match, uri)]
    if reserved:
        found = [rule for rule in found if rule.uri.split(".")[0] == word]
    best = min(found, key=lambda rule: order(rule.uri, rule.match), default=Rule(""))
    if CALL in best.allow:
        return "granted"
    return "denied" if CALL in best.deny or reserved else "undecided"


@given(rules, st.sampled_from(URIS))
def test_one_uri_is_decided_as_defined(rules, uri):
    role = Role("r", rules)
    assert ruled(role, CALL, uri) == defined(rules, uri)
    assert role.judge(CALL, uri).grant == role.decide(CALL, uri)


@pytest.mark.spec("AZ-05")
@given(rules, patterns)
@example([Rule("", "prefix", ALL)], ("", "prefix"))
@example([Rule("", "prefix", ALL), Rule("wamp.", "prefix", ALL), Rule("wampd.", "prefix", ALL)], ("", "prefix"))
@example([Rule("a.", "prefix", ALL), Rule("a.b", "exact")], ("a.", "wildcard"))
def test_a_granted_pattern_reaches_nothing_that_is_not_granted(rules, pattern):
    if may(Role("r", rules), CALL, *pattern):
        assert all(defined(rules, uri) == "granted" for uri in URIS if matched(*pattern, uri))


@pytest.mark.spec("AZ-05")
@given(rules, patterns)
@example([Rule("a.", "prefix", ALL), Rule("a.b", "exact", deny=ALL)], ("a.", "wildcard"))
def test_a_pattern_with_something_denied_in_it_is_denied_whoever_may_be_asked(rules, pattern):
    if any(defined(rules, uri) == "denied" for uri in URIS if matched(*pattern, uri)):
        assert ruled(Role("r", rules), CALL, *pattern) == "denied"


def unheard_of(uri, match):
    """URIs that a pattern matches, and no rule but one that covers it."""
    return [uri + "q", uri + "q.q"] if match == "prefix" else [".".join(part or "q" for part in uri.split("."))]


ordinary = patterns.map(lambda pattern: (f"a.{pattern[0]}", pattern[1]))


@given(rules, ordinary)
@example([Rule("a.", "prefix", ALL), Rule(".b", "wildcard", ALL)], ("a.b", "wildcard"))
def test_a_pattern_is_granted_if_one_rule_allows_all_of_it_and_none_refuses(rules, pattern):
    allowing = [rule for rule in rules if rule.allow]
    inside = [uri for uri in (*URIS, *unheard_of(*pattern)) if matched(*pattern, uri)]
    covering = [
        rule for rule in allowing if rule.match != "exact" and all(matched(rule.uri, rule.match, uri) for uri in inside)
    ]
    assume(inside)
    assert may(Role("r", allowing), CALL, *pattern) == bool(covering)


def test_a_role_is_a_policy():
    policy: Policy = role(("com.a", "exact", {CALL}))
    grants = Grants(policy)
    assert grants.call("com.a").refusal is None
    assert grants.publish("com.a").refusal == NOT_AUTHORIZED
    assert "member" in repr(policy)
