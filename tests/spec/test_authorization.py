"""Authorization (advanced profile): what each role may do, by rules for URIs and patterns, and for whom."""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE, asked, joined_as
from tests.support.play import ANY, nothing
from wampd.realms.messages import (
    CALL,
    ERROR,
    EVENT,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    YIELD,
)

DENIED = "wamp.error.not_authorized"
UNAVAILABLE = "wamp.error.unavailable"
TOO_LARGE = "wamp.error.payload_size_exceeded"
CODES = {"call": CALL, "register": REGISTER, "publish": PUBLISH, "subscribe": SUBSCRIBE}
BY_RULE = "by the rule for this URI"


def permitted(play, name, authid):
    """Join the realm whose roles are about all this."""
    return joined_as(play, name, authid, "permitted")


def tried(actor, number, action, uri, match="exact"):
    """Try to do something, and return the error, without the request's id; `None`: it was done, or at least not denied."""
    options = ACKNOWLEDGE if action == "publish" else {} if match == "exact" else {"match": match}
    actor > [CODES[action], number, options, uri]
    message = actor.hear()
    if message[0] == ERROR:
        assert message[1:3] == [CODES[action], number]
        return None if message[4] == "wamp.error.no_such_procedure" else (*message[3:],)
    return None


def denied(actor, number, action, uri, match="exact"):
    error = tried(actor, number, action, uri, match)
    return error is not None and error[1] == DENIED


# ------------------------------------------------------------------------------------------------------------ actions


@pytest.mark.spec("AZ-01", "AZ-02")
@pytest.mark.parametrize("action", CODES)
def test_each_role_does_what_its_rules_allow_and_nothing_else(play, action):
    actor = permitted(play, "x", action)
    number = 0
    for tries in CODES:
        for uri in ("com.exact", "com.prefix.a", "com.b.wild", "com.other"):
            number += 1
            assert denied(actor, number, tries, uri) == (tries != action or uri == "com.other"), (tries, uri)


@pytest.mark.spec("AZ-01", "AZ-05")
@pytest.mark.parametrize("action", ["register", "subscribe"])
@pytest.mark.parametrize(
    ("match", "uri", "granted"),
    [
        ("prefix", "com.prefix.", True),
        ("prefix", "com.prefix.a", True),
        ("prefix", "com.prefix", False),
        ("prefix", "com.", False),
        ("prefix", "", False),
        ("prefix", "com.exact", False),
        ("wildcard", "com..wild", True),
        ("wildcard", "com.a.wild", True),
        ("wildcard", "com.prefix..a", True),
        ("wildcard", "com..", False),
        ("wildcard", "com.exact", False),
        ("wildcard", "..wild", False),
    ],
)
def test_a_pattern_is_granted_if_all_is_that_it_matches(play, action, match, uri, granted):
    for number, name in enumerate(["register", "subscribe"], 1):
        actor = permitted(play, name, name)
        assert denied(actor, number, action, uri, match) == (name != action or not granted)


@pytest.mark.spec("AZ-02")
def test_a_publication_that_asks_for_no_answer_is_dropped_silently(play):
    listener = permitted(play, "listener", "joe")
    listener > [SUBSCRIBE, 1, {}, "com.inbox.joe"]
    listener < [SUBSCRIBED, 1, int]
    stranger = permitted(play, "stranger", "subscribe")
    stranger > [PUBLISH, 1, {}, "com.inbox.joe", ["hello"]]
    stranger < nothing
    listener < nothing


@pytest.mark.spec("AZ-02", "AMB-07")
def test_a_realm_can_call_a_refusal_as_the_advanced_profile_does(play):
    actor = play.session("x", "advanced")
    for number, (action, uri) in enumerate((action, uri) for action in CODES for uri in ("com.shut", "com.x")):
        details, uri, (text,) = tried(actor, number + 1, action, uri)
        assert (details, uri) == ({}, "wamp.error.authorization_denied")
        assert text.startswith("this session may not ")


@pytest.mark.spec("AMB-07", "AZ-07")
def test_a_no_of_an_authorizer_is_called_so_there_too(play):
    boss, joe = joined_as(play, "boss", "boss", "advanced"), joined_as(play, "joe", "joe", "advanced")
    boss > [REGISTER, 1, {}, "org.authorizer"]
    boss < [REGISTERED, 1, ANY.as_("reg")]
    for number, again in enumerate([False, True], 1):
        joe > [CALL, number, {}, "com.x"]
        if not again:
            boss < [INVOCATION, 1, play.reg, {}, [{...: ...}, "com.x", "call", {}]]
            boss > [YIELD, 1, {}, [False]]
        joe < [ERROR, CALL, number, {}, "wamp.error.authorization_denied", [str]]


@pytest.mark.spec("AZ-08", "AMB-07")
@pytest.mark.parametrize("what", ["com.open.shut.x", "com.closed.x"], ids=["denied", "not named"])
def test_a_denial_is_the_same_whether_something_is_there_or_not(play, what):
    """The owner may do all in ``com``; the stranger is told the same of what is there and of what is not."""
    owner = play.session("owner")
    there = f"{what}.there"
    for number, (action, uri) in enumerate([("register", there), ("subscribe", there), ("publish", there)], 1):
        assert tried(owner, number, action, uri) is None
    stranger = permitted(play, "stranger", "joe")
    for number, action in enumerate(CODES):
        known = tried(stranger, 2 * number + 1, action, there)
        unknown = tried(stranger, 2 * number + 2, action, f"{what}.elsewhere")
        assert known == unknown
        assert known[:2] == ({}, DENIED)


# ---------------------------------------------------------------------------------------------------------- who asks


@pytest.mark.spec("AZ-01", "AZ-05")
def test_each_reaches_its_own_space_and_nobody_elses(play):
    actors = {authid: permitted(play, authid, authid) for authid in ("joe", "joey")}
    for own, other in (("joe", "joey"), ("joey", "joe")):
        actor = actors[own]
        tries = [
            ("register", f"com.user.{own}.do", "exact", True),
            ("register", f"com.user.{own}.", "prefix", True),
            ("subscribe", f"com.user.{own}..x", "wildcard", True),
            ("subscribe", f"com.inbox.{own}", "exact", True),
            ("publish", "com.inbox.ann", "exact", True),
            ("publish", f"com.work.{own}.status", "exact", True),
            ("register", f"com.user.{other}.do", "exact", False),
            ("call", f"com.user.{other}.do", "exact", False),
            ("subscribe", f"com.user.{own}", "prefix", False),
            ("subscribe", "com.user.", "prefix", False),
            ("subscribe", "com.user..do", "wildcard", False),
            ("subscribe", "com...status", "wildcard", False),
            ("subscribe", f"com.inbox.{other}", "exact", False),
            ("subscribe", "com.inbox.", "prefix", False),
            ("publish", f"com.work.{other}.status", "exact", False),
        ]
        for number, (action, uri, match, granted) in enumerate(tries, 1):
            assert denied(actor, number, action, uri, match) != granted, (own, action, uri, match)


@pytest.mark.spec("AZ-01")
def test_what_is_published_to_an_inbox_reaches_its_owner_and_a_call_of_ones_own_is_served(play):
    joe, joey = permitted(play, "joe", "joe"), permitted(play, "joey", "joey")
    joe > [SUBSCRIBE, 1, {}, "com.inbox.joe"]
    joe < [SUBSCRIBED, 1, ANY.as_("sub")]
    joey > [PUBLISH, 1, {}, "com.inbox.joe", ["hello"]]
    joe < [EVENT, play.sub, int, {}, ["hello"]]
    again = permitted(play, "again", "joe")
    joe > [REGISTER, 2, {}, "com.user.joe.do"]
    joe < [REGISTERED, 2, ANY.as_("reg")]
    again > [CALL, 1, {}, "com.user.joe.do"]
    joe < [INVOCATION, 1, play.reg, {}]
    joe > [YIELD, 1, {}, [1]]
    again < [RESULT, 1, {}, [1]]


@pytest.mark.spec("AZ-01")
def test_a_rule_can_be_for_one_session_alone(play):
    joe, again = permitted(play, "joe", "joe"), permitted(play, "again", "joe")
    assert not denied(joe, 1, "register", f"com.session.{joe.id}.do")
    assert denied(joe, 2, "register", f"com.session.{again.id}.do")
    assert denied(again, 1, "call", f"com.session.{joe.id}.do")
    assert denied(again, 2, "subscribe", "com.session.", "prefix")
    assert not denied(again, 3, "subscribe", f"com.session.{again.id}.", "prefix")


@pytest.mark.spec("AZ-01", "AZ-07")
def test_an_authorizer_is_asked_about_what_the_rules_for_one_principal_leave_open(play):
    boss, ann = permitted(play, "boss", "boss"), permitted(play, "ann", "ann")
    boss > [REGISTER, 1, {}, "org.authorizer"]
    boss < [REGISTERED, 1, ANY.as_("reg")]
    assert denied(ann, 1, "call", "com.user.ann.never")
    for number in (2, 3):
        assert not denied(ann, number, "call", "com.user.ann.x")
    ann > [CALL, 4, {}, "com.user.ann.x"]
    ann < [ERROR, CALL, 4, {}, UNAVAILABLE, [f"no more than 0.0001 calls a second (limit: call_rate), {BY_RULE}"]]
    ann > [SUBSCRIBE, 5, {}, "com.user.ann.x"]  # the rule speaks of calls alone
    boss < [
        INVOCATION,
        1,
        play.reg,
        {},
        [{"authid": "ann", ...: ...}, "com.user.ann.x", "subscribe", {"match": "exact"}],
    ]
    boss > [YIELD, 1, {}, [True]]
    ann < [SUBSCRIBED, 5, int]
    ann > [CALL, 6, {}, "com.user.joe.x"]
    boss < [INVOCATION, 2, play.reg, {}, [{"authid": "ann", ...: ...}, "com.user.joe.x", "call", {}]]
    boss > [YIELD, 2, {}, [False]]
    ann < [ERROR, CALL, 6, {}, DENIED, [str]]


@pytest.mark.spec("AZ-05")
def test_what_is_denied_stays_so_within_what_is_allowed(play):
    joe = permitted(play, "joe", "joe")
    for number, action in enumerate(CODES):
        assert denied(joe, 10 * number + 1, action, "com.open.shut.x")
        assert not denied(joe, 10 * number + 2, action, "com.open.x")
    assert denied(joe, 91, "subscribe", "com.open.", "prefix")
    assert denied(joe, 92, "subscribe", "com.open..x", "wildcard")
    assert not denied(joe, 93, "subscribe", "com.open.x", "prefix")


# ------------------------------------------------------------------------------------------------------------- limits


@pytest.mark.spec("SEC-05")
def test_a_rule_has_a_rate_of_calls_of_its_own(play):
    joe, again = permitted(play, "joe", "joe"), permitted(play, "again", "joe")
    joe > [REGISTER, 1, {"match": "prefix"}, "com.slow."]
    joe < [REGISTERED, 1, ANY.as_("reg")]
    for number in (1, 2):
        again > [CALL, number, {}, "com.slow.x"]
        joe < [INVOCATION, number, play.reg, {"procedure": "com.slow.x"}]
    again > [CALL, 3, {}, "com.slow.y"]
    again < [ERROR, CALL, 3, {}, UNAVAILABLE, [f"no more than 0.0001 calls a second (limit: call_rate), {BY_RULE}"]]
    assert tried(again, 4, "call", "com.other.slow.x") is None  # of another rule
    assert tried(again, 5, "call", "com.open.x") is None  # of a rule without a limit
    for number in (1, 2):
        joe > [YIELD, number, {}]
        again < [RESULT, number, {}]


@pytest.mark.spec("SEC-05")
def test_a_rule_has_a_rate_of_publications_of_its_own(play):
    joe, joey = permitted(play, "joe", "joe"), permitted(play, "joey", "joey")
    for number in (1, 2):
        joe > [PUBLISH, number, ACKNOWLEDGE, "com.rare"]
        joe < [PUBLISHED, number, int]
    joe > [PUBLISH, 3, ACKNOWLEDGE, "com.rare"]
    text = f"no more than 0.0001 publications a second (limit: publication_rate), {BY_RULE}"
    joe < [ERROR, PUBLISH, 3, {}, UNAVAILABLE, [text]]
    joe > [PUBLISH, 4, {}, "com.rare"]
    joe < nothing
    assert tried(joey, 1, "publish", "com.rare") is None


@pytest.mark.spec("SEC-05")
@pytest.mark.parametrize("action", ["call", "publish"])
def test_a_rule_limits_the_payload(play, action):
    joe = permitted(play, "joe", "joe")
    options = ACKNOWLEDGE if action == "publish" else {}
    for number, (uri, size) in enumerate([("com.small.x", 20), ("com.open.x", 200), ("com.small.x", 200)], 1):
        joe > [CODES[action], number, options, uri, ["x" * size]]
        if number < 3:
            answer = joe.hear()
            assert answer[0] == PUBLISHED or answer[4] == "wamp.error.no_such_procedure"
    text = f"no more than 100 bytes of payload in one message (limit: payload_size), {BY_RULE}"
    joe < [ERROR, CODES[action], 3, {}, TOO_LARGE, [text]]


# --------------------------------------------------------------------------------------------------------- the router


@pytest.mark.spec("AZ-06", "META-S-12")
def test_procedures_of_the_router_are_granted_by_rules_and_those_that_change_others_by_rules_that_name_them(play):
    joe, other = permitted(play, "joe", "joe"), permitted(play, "other", "call")
    asked(joe, 1, "wamp.session.get", [other.id], answer={...: ...})
    for number, procedure in enumerate(
        ["session.kill", "session.kill_all", "registration.remove_callee", "subscription.remove_subscriber"], 2
    ):
        joe > [CALL, number, {}, f"wamp.{procedure}", [other.id]]
        joe < [ERROR, CALL, number, {}, DENIED, ["this session may not call this URI"]]
    assert not denied(joe, 6, "subscribe", "wamp.session.", "prefix")
    assert denied(joe, 7, "subscribe", "", "prefix")
    assert denied(other, 1, "call", "wamp.session.count")
    assert denied(other, 2, "subscribe", "wamp.session.on_join")
