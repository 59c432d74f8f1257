"""Rules that depend on who asks: what is filled in, for whom, and who cannot have such a role."""

from __future__ import annotations

import gc
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.auth.door import ABORT, WELCOME, Client, hello, wamp_error
from tests.auth.test_roles import ALL, CALL, PUBLISH, SUBSCRIBE, may, ruled
from tests.realms.universe import NAMES, URIS, matched, patterns
from wampd.auth.anonymous import Anonymous
from wampd.auth.handshake import RealmAuth
from wampd.auth.placeholders import PLACEHOLDERS, fill, misplaced, placeholders, unknown
from wampd.auth.roles import Role, Rule
from wampd.realms.grants import Grants
from wampd.realms.uris import is_component

# --------------------------------------------------------------------------------------------------- how they are written


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("com.user.{authid}.", {"authid"}),
        ("{authid}", {"authid"}),
        ("com.{session}.{authid}..x", {"authid", "session"}),
        ("com.user.authid", set()),
        ("", set()),
    ],
)
def test_placeholders_are_found(uri, found):
    assert placeholders(uri) == found
    assert unknown(uri) is None
    assert misplaced(uri, "wildcard") is None


@pytest.mark.parametrize(
    ("uri", "word"),
    [
        ("com.{authod}.", "{authod}"),
        ("com.{}.", "{}"),
        ("com.{authid.", "{authid"),
        ("com.authid}.", "authid}"),
        ("com.{{authid}}.", "{{authid}}"),
        ("com.{authid}{authid}.", "{authid}{authid}"),
        ("com.{ authid }.", "{ authid }"),
        ("com.{authid}{x}", "{authid}{x}"),
        ("com.{authid}.{authrole}", "{authrole}"),
    ],
)
def test_what_looks_like_a_placeholder_is_one_or_a_mistake(uri, word):
    assert unknown(uri) == word


@pytest.mark.parametrize("uri", ["com.user-{authid}.", "com.{authid}{session}.", "{authid}x", "com.a{session}b.c"])
def test_a_placeholder_is_a_whole_component(uri):
    assert misplaced(uri, "wildcard") == "a placeholder stands for a whole component"


def test_a_prefix_does_not_end_within_what_is_filled_in():
    assert "joey" in str(misplaced("com.user.{authid}", "prefix"))
    assert misplaced("com.user.{authid}.", "prefix") is None
    assert misplaced("com.user.{authid}", "exact") is None


def test_what_is_filled_in_is_not_looked_at_again():
    assert fill("com.{authid}.{session}", {"authid": "{session}", "session": "7"}) == "com.{session}.7"


# -------------------------------------------------------------------------------------------------- what they decide

OWN = Role(
    "user",
    [
        Rule("com.user.{authid}.", "prefix", ALL),
        Rule("com.inbox.{authid}", "exact", frozenset({PUBLISH})),
        Rule("com..{authid}.of", "wildcard", frozenset({CALL})),
        Rule("com.session.{session}.", "prefix", ALL),
        Rule("com.public.", "prefix", ALL),
    ],
)


@pytest.mark.spec("AZ-01")
@pytest.mark.parametrize(
    ("action", "uri", "match", "whose"),
    [
        (CALL, "com.user.joe.x", "exact", "joe"),
        (CALL, "com.user.joe", "exact", ""),
        (CALL, "com.user.joey.x", "exact", "joey"),
        (SUBSCRIBE, "com.user.joe.", "prefix", "joe"),
        (SUBSCRIBE, "com.user.joe", "prefix", ""),
        (SUBSCRIBE, "com.user.joe..x", "wildcard", "joe"),
        (SUBSCRIBE, "com.user..x", "wildcard", ""),
        (SUBSCRIBE, "com.user.", "prefix", ""),
        (PUBLISH, "com.inbox.ann", "exact", "ann"),
        (CALL, "com.inbox.ann", "exact", ""),
        (CALL, "com.book.joe.of", "exact", "joe"),
        (CALL, "com.session.12.x", "exact", "12"),
        (SUBSCRIBE, "com.session.1", "prefix", ""),
    ],
)
def test_each_principal_reaches_its_own_and_nobody_elses(action, uri, match, whose):
    for authid, session in (("joe", "1"), ("joey", "2"), ("ann", "12")):
        role = OWN.of({"authid": authid, "session": session})
        assert may(role, action, uri, match) is (whose in (authid, session))
    assert not may(OWN, action, uri, match), "a rule with a placeholder counts for nobody until it is filled in"


def test_what_does_not_depend_on_who_asks_stays():
    assert may(OWN, CALL, "com.public.x")
    assert may(OWN.of({"authid": "joe", "session": "1"}), CALL, "com.public.x")
    assert OWN.placeholders == {"authid", "session"}


@pytest.mark.trap(6)
@pytest.mark.parametrize("uri", ["{authid}.", "{authid}.session."])
def test_no_authid_opens_what_is_reserved(uri):
    for authid in ("wamp", "wampd"):
        role = Role("r", [Rule(uri, "prefix", ALL), Rule("{authid}..x", "wildcard", ALL)]).of({"authid": authid})
        assert not may(role, CALL, f"{authid}.session.x")
        assert not may(role, SUBSCRIBE, f"{authid}.session.", "prefix")


def test_a_rule_written_for_a_name_counts_for_more_than_one_that_comes_to_the_same():
    literal = Rule("com.user.admin.", "prefix", deny=ALL)
    for rules in (
        [Rule("com.user.{authid}.", "prefix", ALL), literal],
        [literal, Rule("com.user.{authid}.", "prefix", ALL)],
    ):
        assert ruled(Role("r", rules).of({"authid": "admin"}), CALL, "com.user.admin.x") == "denied"
        assert ruled(Role("r", rules).of({"authid": "joe"}), CALL, "com.user.joe.x") == "granted"
    both = [Rule("{authid}.{session}", deny=ALL), Rule("{authid}.7", allow=ALL), Rule("{session}.{session}", deny=ALL)]
    for rules in (both, both[::-1]):
        assert ruled(Role("r", rules).of({"authid": "7", "session": "7"}), CALL, "7.7") == "granted"


def test_two_rules_with_the_same_placeholders_are_a_mistake():
    with pytest.raises(ValueError, match=r"two rules for 'com\.\{authid\}' with match 'exact'"):
        Role("r", [Rule("com.{authid}", allow=ALL), Rule("com.{authid}")])


templates = st.lists(st.sampled_from(["", *NAMES, "{authid}", "{authid}"]), min_size=1, max_size=3).map(".".join)
personal_rules = st.lists(
    st.builds(
        lambda uri, match, allow: Rule(f"{uri}." if match == "prefix" else uri, match, ALL if allow else frozenset()),
        templates,
        st.sampled_from(["exact", "prefix", "wildcard"]),
        st.sampled_from([True, True, False]),
    ),
    max_size=5,
    unique_by=lambda rule: (rule.uri, rule.match),
)


@given(personal_rules, st.sampled_from(["a", "ab", "wamp"]), st.sampled_from(URIS))
def test_a_role_of_one_is_the_role_with_its_name_written_out(rules, authid, uri):
    """Written out by hand, a rule that comes to the same as one without a placeholder is left out."""
    plain = {(rule.uri, rule.match): rule for rule in rules if not placeholders(rule.uri)}
    for rule in sorted(rules, key=lambda rule: (rule.uri.count("{"), rule.uri)):
        if placeholders(rule.uri):
            filled = rule.uri.replace("{authid}", authid)
            if rule.uri.startswith("{") and authid == "wamp":
                continue  # it reaches nothing reserved, and nothing else begins like that but the bare word
            plain.setdefault((filled, rule.match), Rule(filled, rule.match, rule.allow))
    if not (authid == "wamp" and uri == "wamp"):
        assert may(Role("r", rules).of({"authid": authid}), CALL, uri) == may(Role("r", plain.values()), CALL, uri)


@pytest.mark.spec("AZ-05")
@given(personal_rules, st.sampled_from(["a", "ab", "wamp"]), patterns)
def test_a_pattern_granted_to_one_reaches_nothing_that_is_not(rules, authid, pattern):
    role = Role("r", rules).of({"authid": authid})
    if may(role, CALL, *pattern):
        assert all(may(role, CALL, uri) for uri in URIS if matched(*pattern, uri))


# ------------------------------------------------------------------------------------------- who can have such a role


def door(*rules: Rule, **given: object) -> RealmAuth:
    return RealmAuth([], [Role("user", rules), Role("plain", [Rule("com.", "prefix", ALL)])], **given)


MINE = Rule("com.user.{authid}.", "prefix", ALL)
OF_SESSION = Rule("com.session.{session}.", "prefix", ALL)
NOT_ONE = ("", "joe.admin", "joe.", ".joe", "a b", "joe\n", "jo#e", "a\u2028b", "x" * 513, "ä" * 257)


@pytest.mark.parametrize("authid", NOT_ONE)
def test_an_authid_that_is_not_one_component_cannot_have_a_role_that_fills_it_in(authid):
    assert not is_component(authid)
    refused = door(MINE).grants_of("user", authid, 1)
    assert (refused.uri, refused.message) == (
        wamp_error("not_authorized"),
        "a session of this authid cannot have its role",
    )
    assert "{authid}" in refused.log
    assert isinstance(door(MINE).grants_of("plain", authid, 1), Grants)
    assert isinstance(door(OF_SESSION).grants_of("user", authid, 1), Grants)


def test_an_authid_is_a_component_by_the_rules_of_the_realm():
    assert isinstance(door(MINE).grants_of("user", "Joe-1", 1), Grants)
    assert door(MINE, uri_check="strict").grants_of("user", "Joe-1", 1).uri == wamp_error("not_authorized")
    assert isinstance(door(MINE, role_uri_bytes={"user": 3}).grants_of("user", "joe", 1), Grants)
    assert door(MINE, role_uri_bytes={"user": 3}).grants_of("user", "joey", 1).uri == wamp_error("not_authorized")


names = st.text("jo.#{} \n\u2028äJ_", max_size=4) | st.sampled_from(["{authid}", "{session}", "wamp", "*", ""])


@pytest.mark.spec("AZ-01")
@given(names, names, st.sampled_from(["loose", "strict"]))
def test_whatever_an_authid_is_it_reaches_what_has_its_name_and_nothing_else(authid, other, check):
    patterns = [
        Rule("com..{authid}.x", "wildcard", ALL),
        Rule("com.inbox.{authid}", allow=ALL),
        Rule("{authid}.", "prefix", ALL),
    ]
    grants = door(MINE, *patterns, uri_check=check).grants_of("user", authid, 1)
    if not isinstance(grants, Grants):
        assert not is_component(authid, check)
        return
    for uri in (f"com.user.{other}.x", f"com.a.{other}.x", f"com.inbox.{other}", f"{other}.x"):
        granted = grants.decide(CALL, uri).refusal is None
        assert granted == (authid == other and not uri.startswith("wamp."))
    for prefix in (f"com.user.{other}", f"com.user.{authid}{other}", "com.user.", "com.inbox."):
        if grants.decide(SUBSCRIBE, prefix, "prefix").refusal is None:
            assert prefix.startswith(f"com.user.{authid}.")


@pytest.mark.parametrize(("authid", "let_in"), [("joe", True), ("joe.admin", False)])
def test_a_client_whose_authid_does_not_fit_is_not_let_in(authid, let_in):
    auth = RealmAuth([Anonymous("user", lambda: authid)], [Role("user", [MINE])])
    client = Client({"realm1": auth})
    client > hello()
    if let_in:
        client < [WELCOME]
        assert client.accepted.grants.call("com.user.joe.x").refusal is None
        assert client.accepted.grants.call("com.user.ann.x").refusal == wamp_error("not_authorized")
    else:
        client < [ABORT, {"message": ANY}, wamp_error("not_authorized")]
        assert client.aborted.log.startswith("anonymous: 'joe.admin' cannot have the role 'user'")


@pytest.mark.trap(8)
@pytest.mark.trap(16)
def test_sessions_of_one_principal_share_its_grants_which_go_with_the_last_of_them():
    auth = door(MINE)
    joe, again, ann = (auth.grants_of("user", authid, 1) for authid in ("joe", "joe", "ann"))
    assert joe is again
    assert joe is not ann
    del joe, again
    gc.collect()
    assert list(auth._of_one) == [("user", "ann")]
    assert auth.grants_of("plain", "joe", 1) is auth.grants_of("plain", "ann", 2)


@pytest.mark.trap(16)
def test_grants_of_one_session_are_kept_nowhere_else():
    auth = door(OF_SESSION, MINE)
    first, second = auth.grants_of("user", "joe", 1), auth.grants_of("user", "joe", 2)
    assert first.call("com.session.1.x").refusal is None
    assert second.call("com.session.1.x").refusal is not None
    assert not auth._of_one


@pytest.mark.trap(8)
def test_what_is_remembered_of_one_principal_is_little():
    grants = door(MINE).grants_of("user", "joe", 1)
    for number in range(1000):
        grants.call(f"com.user.joe.{number}")
        grants.publish(f"com.user.joe.{number}")
        grants.decide(SUBSCRIBE, f"com.{number}")
    assert len(grants.calls) + len(grants.publications) <= 2 * 256
    assert len(grants.policy._rules_of[""]._by_uri._memo) <= 64


def test_all_placeholders_have_a_value():
    assert set(PLACEHOLDERS.values()) == {"authid", "session"}
    role = Role("user", [Rule(f"com.{written}.x", allow=ALL) for written in PLACEHOLDERS])
    grants = RealmAuth([], [role]).grants_of("user", "joe", 77)
    assert [grants.call(f"com.{value}.x").refusal for value in ("joe", "77")] == [None, None]
