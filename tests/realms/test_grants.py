"""What a session may do: the order of checks, and the memory of decisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.realms.universe import kept
from wampd.realms.grants import INVALID_URI, NOT_AUTHORIZED, Grant, Grants

GRANTED = Grant()
DENIED = Grant(refusal=NOT_AUTHORIZED)


class Asked:
    """A policy that grants what is named, and keeps what it was asked."""

    def __init__(self, *granted: str) -> None:
        self.granted = granted
        self.questions: list[tuple[str, str, str]] = []

    def decide(self, action, uri, match):
        self.questions.append((action, uri, match))
        return GRANTED if uri in self.granted else DENIED


@pytest.mark.spec("AZ-08", "URI-06")
@pytest.mark.parametrize("action", ["call", "register", "publish", "subscribe"])
def test_a_malformed_uri_is_refused_before_anybody_is_asked(action):
    policy = Asked("com..a")
    assert Grants(policy).decide(action, "com..a").refusal == INVALID_URI
    assert policy.questions == []


@pytest.mark.spec("URI-03")
def test_what_is_well_formed_depends_on_the_match_policy():
    grants = Grants(Asked("com..a"))
    assert grants.decide("subscribe", "com..a", "wildcard").refusal is None
    assert grants.decide("subscribe", "com..a", "exact").refusal == INVALID_URI


@pytest.mark.spec("URI-04")
def test_what_is_well_formed_depends_on_the_rule_of_the_realm():
    assert Grants(Asked("Com.A"), "strict").call("Com.A").refusal == INVALID_URI
    assert Grants(Asked("Com.A"), "loose").call("Com.A").refusal is None


def test_a_uri_may_be_as_long_as_the_realm_says():
    grants = Grants(Asked("abcd", "abcde"), max_bytes=4)
    assert grants.call("abcd").refusal is None
    assert grants.call("abcde").refusal == INVALID_URI


@pytest.mark.spec("URI-05")
@pytest.mark.parametrize("match", ["exact", "prefix", "wildcard"])
@pytest.mark.parametrize(
    "uri",
    [
        "wamp.foo",
        "wamp",
        "wamp.session.on_join",
        "wampd.audit.denied",
        "wampd.authorization.invalidate",
        "wampd.hook.post",
    ],
)
@pytest.mark.parametrize("action", ["register", "publish"])
def test_nobody_registers_or_publishes_in_wamp(action, uri, match):
    policy = Asked(uri)
    assert Grants(policy).decide(action, uri, match).refusal == INVALID_URI
    assert policy.questions == []


@pytest.mark.spec("URI-05")
@pytest.mark.parametrize(
    ("action", "uri"),
    [
        ("subscribe", "wamp.session.on_join"),
        ("call", "wamp.session.count"),
        ("register", "wampfoo.x"),
        ("publish", "wampd.x"),
        ("publish", "a.wamp"),
    ],
)
def test_everything_else_is_a_question_of_permission(action, uri):
    assert Grants(Asked(uri)).decide(action, uri).refusal is None
    assert Grants(Asked()).decide(action, uri).refusal == NOT_AUTHORIZED


@given(
    st.lists(
        st.tuples(st.sampled_from(["call", "publish"]), st.sampled_from(["a", "b", "c..d", "wamp.a"])), max_size=30
    )
)
def test_a_remembered_decision_is_the_decision(questions):
    policy = Asked("a", "wamp.a")
    remembering, fresh = Grants(policy), Grants(Asked("a", "wamp.a"))
    for action, uri in questions:
        asked = remembering.call(uri) if action == "call" else remembering.publish(uri)
        assert asked == fresh.decide(action, uri)
    assert len(policy.questions) == len(set(policy.questions))


@pytest.mark.spec("AZ-01")
@given(st.lists(st.tuples(st.sampled_from(["register", "subscribe"]), kept)))
def test_the_match_policy_is_part_of_every_question(questions):
    policy = Asked()
    grants = Grants(policy)
    for action, (uri, match) in questions:
        grants.decide(action, uri, match)
    assert all(question in [(action, *each) for action, each in questions] for question in policy.questions)
    assert grants.calls == grants.publications == {}


def test_calls_and_publications_are_remembered_apart():
    class Caller:
        def decide(self, action, uri, match):
            return GRANTED if action == "call" else DENIED

    grants = Grants(Caller())
    for _ in range(2):
        assert grants.call("a").refusal is None
        assert grants.publish("a").refusal == NOT_AUTHORIZED


def test_what_is_remembered_is_bounded_in_number():
    policy = Asked("a")
    grants = Grants(policy)
    for number in range(Grants.REMEMBERED + 100):
        grants.call(f"a{number}")
        grants.publish(f"a{number}")
    assert len(grants.calls) <= Grants.REMEMBERED
    assert len(grants.publications) <= Grants.REMEMBERED
    assert grants.call("a").refusal is None


def test_what_is_remembered_is_bounded_in_length():
    grants = Grants(Asked())
    for number in range(10):
        assert grants.call(f"{number}" * 100_000).refusal == INVALID_URI
        assert grants.publish(f"{number}..a").refusal == INVALID_URI
    assert grants.calls == grants.publications == {}
