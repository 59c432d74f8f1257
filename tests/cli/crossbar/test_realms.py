"""Realms, roles, rules, stores."""

import pytest
from autobahn.wamp.uri import convert_starred_uri
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.crossbar.importing import RULE, Result, node, only, rawsocket, realm, role, router
from wampd.cli.crossbar.rules import starred

ALL = ["call", "register", "publish", "subscribe"]


def rules(tmp_path, *permissions, **options):
    return Result(node(router(realms=[realm("realm1", role("anonymous", *permissions), **options)])), tmp_path)


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (
            {"uri": "a.b", "match": "exact", "allow": {"call": True, "publish": False}},
            {"uri": "a.b", "allow": ["call"]},
        ),
        ({"uri": "a.b", "allow": {}}, {"uri": "a.b", "allow": []}),
        ({"uri": "a.b", "call": True, "subscribe": True}, {"uri": "a.b", "allow": ["call", "subscribe"]}),
        ({"uri": "a.*", "allow": {"call": True}}, {"uri": "a.", "match": "prefix", "allow": ["call"]}),
        ({"uri": "a.*.c", "allow": {"call": True}}, {"uri": "a..c", "match": "wildcard", "allow": ["call"]}),
        (
            {"uri": "a..c", "match": "wildcard", "allow": {"call": True}},
            {"uri": "a..c", "match": "wildcard", "allow": ["call"]},
        ),
        (
            {
                "uri": "a.",
                "match": "prefix",
                "allow": {"call": True, "publish": True},
                "disclose": {"caller": True, "publisher": True},
            },
            {"uri": "a.", "match": "prefix", "allow": ["call", "publish"], "disclose": "always"},
        ),
        (
            {"uri": "a", "allow": {"call": True}, "disclose": {"caller": True, "publisher": False}, "cache": True},
            {"uri": "a", "allow": ["call"], "disclose": "always"},
        ),
        (
            {"uri": "a", "allow": {"call": True}, "disclose": {"caller": False, "publisher": True}},
            {"uri": "a", "allow": ["call"]},
        ),
    ],
)
def test_a_permission_becomes_a_rule(tmp_path, there, here):
    result = rules(tmp_path, there)
    assert result.rules == [here]
    assert result.lost == []


@pytest.mark.parametrize(
    ("permission", "why"),
    [
        ({"uri": "a.*", "match": "prefix", "allow": {"call": True}}, "a star is a star"),
        ({"uri": "a.", "match": "exact", "allow": {"call": True}}, "has never matched"),
        ({"uri": "a..b", "match": "prefix", "allow": {"call": True}}, "no URI begins so"),
        ({"uri": "com.{authid}.x", "allow": {"call": True}}, "braces in a rule stand for who asks here"),
        ({"uri": "a b", "allow": {"call": True}}, "this is no URI"),
    ],
)
def test_a_permission_that_no_rule_can_be_is_left_out_and_told(tmp_path, permission, why):
    result = rules(tmp_path, permission, {"uri": "x.y", "allow": {}})
    assert result.rules == [{"uri": "x.y", "allow": []}]
    line = only(result.lost, why)
    assert line.startswith("node.json:")
    assert "workers[0].realms[0].roles[0].permissions[0].uri: not translated: " in line


def test_calls_and_publications_that_are_disclosed_differently_are_told(tmp_path):
    there = {"uri": "a", "allow": {"call": True, "publish": True}, "disclose": {"caller": True, "publisher": False}}
    result = rules(tmp_path, there)
    assert result.rules == [{"uri": "a", "allow": ["call", "publish"]}]
    assert only(result.lost, "disclosed alike")


def test_of_two_rules_for_the_same_the_later_one_counts(tmp_path):
    result = rules(tmp_path, {"uri": "a", "allow": {"call": True}}, {"uri": "a", "allow": {"publish": True}})
    assert result.rules == [{"uri": "a", "allow": ["publish"]}]
    assert only(result.notes, "permissions[0]", "comes later")


def test_a_rule_for_everything_does_not_reach_the_meta_api_but_proposes_the_rule_that_does(tmp_path):
    result = rules(tmp_path, RULE)
    assert result.rules == [{"uri": "", "match": "prefix", "allow": ALL}]
    assert "          # - {uri: wamp., match: prefix, allow: [call, subscribe]}\n" in result.text
    assert only(result.notes, "wamp.*")


def test_who_asks_for_the_meta_api_gets_the_rule(tmp_path):
    result = rules(tmp_path, RULE, options={"enable_meta_api": True})
    assert result.rules[1] == {"uri": "wamp.", "match": "prefix", "allow": ["call", "subscribe"]}
    assert result.notes == []


def test_a_rule_that_allows_nothing_and_a_rule_of_its_own_for_wamp_propose_none(tmp_path):
    assert rules(tmp_path, {"uri": "", "match": "prefix", "allow": {"register": True}}).notes == []
    assert rules(tmp_path, RULE, {"uri": "wamp.", "match": "prefix", "allow": {"call": True}}).notes == []


def test_an_authorizer_is_asked_each_time(tmp_path):
    roles = [role("anonymous", RULE), {"name": "dynamic", "authorizer": "com.example.authorize"}]
    result = Result(node(router(realms=[realm("realm1", *roles)])), tmp_path)
    assert result.realm["roles"][1] == {
        "name": "dynamic",
        "authorizer": {"procedure": "com.example.authorize", "ttl": 0},
    }
    assert result.lost == []


def test_authorizers_that_nobody_may_register_allow_nothing(tmp_path):
    roles = [{"name": name, "authorizer": "com.example.authorize"} for name in ("anonymous", "more")]
    result = Result(node(router(realms=[realm("realm1", *roles)])), tmp_path)
    assert result.realm["roles"] == [{"name": "anonymous"}, {"name": "more"}]
    assert len([line for line in result.lost if "may register it" in line]) == 2


def test_event_history_is_kept_as_long_as_there(tmp_path):
    store = {
        "type": "memory",
        "limit": 50,
        "event-history": [
            {"uri": "a.b", "limit": 1000},
            {"uri": "c.", "match": "prefix"},
            {"uri": "d", "limit": 10**6},
        ],
    }
    result = rules(tmp_path, RULE, store=store)
    assert result.realm["history"] == [
        {"uri": "a.b", "events": 1000},
        {"uri": "c.", "match": "prefix", "events": 50},
        {"uri": "d", "events": 100000},
    ]
    assert only(result.lost, "100000 events")


def test_a_store_on_disk_is_told(tmp_path):
    result = rules(tmp_path, RULE, store={"type": "zlmdb", "path": "../db", "event-history": [{"uri": "a"}]})
    assert result.realm["history"] == [{"uri": "a", "events": 100}]
    assert only(result.lost, "kept in memory")


def test_a_strict_check_is_kept_where_the_name_of_the_realm_passes_it(tmp_path):
    assert rules(tmp_path, RULE, options={"uri_check": "strict"}).realm["uri_check"] == "strict"
    result = Result(node(router(realms=[realm("My-Realm", options={"uri_check": "strict"})])), tmp_path)
    assert "uri_check" not in result.realm
    assert only(result.lost, "no capitals and dashes", "My-Realm")


def test_a_realm_of_two_workers_is_one_and_that_is_told(tmp_path):
    other = router(
        realms=[realm("realm1", role("backend"), role("anonymous", {"uri": "x", "allow": {}}))],
        transports=[rawsocket(9000)],
    )
    result = Result(node(router(), other), tmp_path)
    assert [each["name"] for each in result.realm["roles"]] == ["anonymous", "backend"]
    assert only(result.lost, "workers[1].realms[0]", "the sessions of both meet")
    assert only(result.lost, 'the role "anonymous" is there already')


def test_a_realm_without_roles_has_one_that_may_do_nothing(tmp_path):
    result = Result(node(router(realms=[{"name": "realm1", "roles": []}])), tmp_path)
    assert result.realm["roles"] == [{"name": "nobody"}]
    assert result.auth == {"ticket": {}}


def test_unknown_keys_are_told_and_wrong_kinds_are_errors(tmp_path):
    from wampd.router.settings import SettingsError

    result = rules(tmp_path, {"uri": "a", "allow": {}, "alow": 1})
    assert only(result.lost, "permissions[0].alow", "wampd has nothing for this key")
    with pytest.raises(SettingsError) as caught:
        rules(tmp_path, {"uri": 1, "allow": {"call": "yes"}})
    assert [problem.message for problem in caught.value.problems] == [
        "expected a text, not a whole number",
        "expected true or false, not a text",
    ]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("*", ("", "prefix")),
        ("a.*", ("a.", "prefix")),
        ("a*", ("a", "prefix")),
        ("*.a", (".a", "wildcard")),
        ("a.*.*", ("a..", "wildcard")),
        ("a.b", ("a.b", "exact")),
    ],
)
def test_stars_mean_what_they_mean_there(text, meaning):
    assert starred(text) == meaning


@given(st.text("ab.*", min_size=1, max_size=12))
def test_stars_mean_what_they_mean_to_autobahn_whose_function_crossbar_calls(text):
    assert starred(text) == convert_starred_uri(text)
