"""Dynamic authorizers: what no rule names is asked of a procedure, and order is kept meanwhile."""

from __future__ import annotations

import pytest

from tests.spec.advice import DENIED, FAILED, NO, REQUIRED, SORRY, answers, asked, authorizer, visitor
from tests.spec.scenes import joined_as
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


@pytest.mark.spec("AZ-07")
def test_what_no_rule_names_is_asked_of_the_authorizer(play):
    authorizer(play)
    joe = visitor(play)
    joe > [SUBSCRIBE, 1, {}, "com.closed.topic"]
    asked(
        play,
        "com.closed.topic",
        "subscribe",
        {"match": "exact"},
        realm="advised",
        session=joe.id,
        authid="joe",
        authrole="visitor",
        authmethod="ticket",
    )
    joe < nothing
    answers(play, True)
    joe < [SUBSCRIBED, 1, int]
    joe > [SUBSCRIBE, 2, {}, "com.open.topic"]  # a rule allows it
    joe < [SUBSCRIBED, 2, int]
    joe > [CALL, 3, {}, "com.closed.procedure"]
    asked(play, "com.closed.procedure", "call", authid="joe")
    answers(play, {"allow": False})
    joe < [ERROR, CALL, 3, {}, DENIED, NO]


@pytest.mark.spec("ORD-07")
def test_what_a_session_says_later_waits_behind_what_is_asked_about(play):
    authorizer(play)
    boss = joined_as(play, "listener", "boss", "advised")
    boss > [SUBSCRIBE, 1, {"match": "prefix"}, "com."]
    boss < [SUBSCRIBED, 1, ANY.as_("sub")]
    joe = visitor(play)
    joe.say(
        [PUBLISH, 1, {}, "com.open.a", ["first"]],
        [PUBLISH, 2, {}, "com.closed.b", ["second"]],
        [PUBLISH, 3, {"acknowledge": True}, "com.open.a", ["third"]],
        [PUBLISH, 4, {}, "com.closed.c", ["fourth"]],
        [SUBSCRIBE, 5, {}, "com.open.x"],
    )
    joe > [PUBLISH, 6, {}, "com.open.a", ["sixth"]]
    boss < [EVENT, play.sub, int, {"topic": "com.open.a"}, ["first"]]
    asked(play, "com.closed.b", "publish")
    joe < nothing
    boss < nothing
    answers(play, True)
    boss < [EVENT, play.sub, int, {"topic": "com.closed.b"}, ["second"]]
    boss < [EVENT, play.sub, int, {"topic": "com.open.a"}, ["third"]]
    joe < [PUBLISHED, 3, int]
    asked(play, "com.closed.c", "publish")
    joe < nothing
    boss < nothing
    answers(play, False)
    joe < [SUBSCRIBED, 5, int]
    boss < [EVENT, play.sub, int, {"topic": "com.open.a"}, ["sixth"]]


@pytest.mark.spec("AZ-02")
def test_who_is_refused_is_told_the_same_whether_anybody_was_asked_or_not(play):
    authorizer(play)
    joe = visitor(play)
    told = []
    for number, uri in enumerate(["com.denied.x", "com.closed.x"], 1):
        joe > [CALL, number, {}, uri]
        if number == 2:
            asked(play, uri, "call")
            answers(play, False)
        told.append(joe.hear())
    assert told[0][4:] == told[1][4:] == [DENIED, ["this session may not call this URI"]]


@pytest.mark.spec("AZ-03")
def test_without_an_authorizer_nothing_is_allowed(play):
    joe = visitor(play)
    joe > [CALL, 1, {}, "com.closed.procedure"]
    joe < [ERROR, CALL, 1, {}, FAILED, SORRY]
    joe > [REGISTER, 2, {}, "com.closed.procedure"]
    joe < [ERROR, REGISTER, 2, {}, FAILED, SORRY]
    joe > [PUBLISH, 3, {}, "com.closed.topic"]
    joe > [PUBLISH, 4, {"acknowledge": True}, "com.closed.topic"]
    joe < [ERROR, PUBLISH, 4, {}, FAILED, SORRY]
    authorizer(play)
    joe > [CALL, 5, {}, "com.closed.procedure"]  # the failure is not remembered
    asked(play, "com.closed.procedure", "call")
    answers(play, True)
    joe < [ERROR, CALL, 5, {}, "wamp.error.no_such_procedure", ANY]


# ------------------------------------------------------------------------------------------------- what it may answer


@pytest.mark.spec("AZ-03")
@pytest.mark.parametrize(
    "said",
    [
        [YIELD, {}],
        [YIELD, {}, []],
        [YIELD, {}, [None]],
        [YIELD, {}, [1]],
        [YIELD, {}, ["true"]],
        [YIELD, {}, [[True]]],
        [YIELD, {}, [{}]],
        [YIELD, {}, [{"allow": None}]],
        [YIELD, {}, [{"allow": 1}]],
        [YIELD, {}, [{"allow": True, "alow": True}]],
        [YIELD, {}, [{"allow": True, "disclose": "now and then"}]],
        [YIELD, {}, [{"allow": True, "cache": "yes"}]],
        [YIELD, {}, [{"allow": True, "trustlevel": -1}]],
        [YIELD, {}, [True, True]],
        [YIELD, {}, [True], {"allow": True}],
        [YIELD, {}, [], {"allow": True}],
        [ERROR, {}, "com.example.broken"],
        [ERROR, {}, "wamp.error.no_such_procedure", [True]],
        [ERROR, {}, "not a uri"],
    ],
)
def test_an_answer_that_makes_no_sense_allows_nothing_and_is_not_remembered(play, said):
    boss = authorizer(play)
    joe = visitor(play)
    for number in (1, 2):
        joe > [SUBSCRIBE, number, {}, "com.closed.topic"]
        asked(play, "com.closed.topic", "subscribe", {"match": "exact"})
        kind, *rest = said
        boss > ([YIELD, boss.asked, *rest] if kind == YIELD else [ERROR, INVOCATION, boss.asked, *rest])
        joe < [ERROR, SUBSCRIBE, number, {}, FAILED, SORRY]


@pytest.mark.spec("AZ-03", "AMB-07")
@pytest.mark.parametrize("uri", ["wamp.error.not_authorized", "wamp.error.authorization_denied"])
def test_an_authorizer_may_refuse_by_an_error(play, uri):
    boss = authorizer(play)
    joe = visitor(play)
    joe > [CALL, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call")
    boss > [ERROR, INVOCATION, 1, {}, uri, ["hunter2 is what nobody is told"]]
    joe < [ERROR, CALL, 1, {}, DENIED, NO]
    joe > [CALL, 2, {}, "com.closed.x"]  # remembered
    joe < [ERROR, CALL, 2, {}, DENIED, NO]


@pytest.mark.spec("AZ-04")
def test_an_authorizer_may_ask_for_more_and_is_asked_again(play):
    boss = authorizer(play)
    joe = visitor(play)
    joe > [CALL, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call")
    boss > [ERROR, INVOCATION, 1, {}, REQUIRED]
    joe < [ERROR, CALL, 1, {}, REQUIRED, ["more has to be shown for this"]]
    joe > [CALL, 2, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call")
    answers(play, True)
    joe < [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", ANY]


@pytest.mark.parametrize(
    ("answer", "disclosed", "when_asked"),
    [
        (True, False, True),
        ({"allow": True}, False, True),
        ({"allow": True, "disclose": False}, False, True),
        ({"allow": True, "disclose": True}, True, True),
        ({"allow": True, "disclose": "always"}, True, True),
        ({"allow": True, "disclose": "never"}, False, False),
    ],
)
def test_an_answer_says_whether_the_caller_is_disclosed(play, answer, disclosed, when_asked):
    boss = authorizer(play)
    callee = visitor(play, "callee_of_ann", "ann")
    callee > [REGISTER, 1, {}, "com.open.x"]
    callee < [REGISTERED, 1, ANY.as_("open")]
    boss > [REGISTER, 2, {"match": "prefix"}, "com.closed."]
    boss < [REGISTERED, 2, ANY.as_("closed")]
    joe = visitor(play)
    joe > [CALL, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call")
    answers(play, answer)
    who = {"caller": joe.id, "caller_authid": "joe", "caller_authrole": "visitor"}
    boss < [INVOCATION, 2, play.closed, {"procedure": "com.closed.x", **(who if disclosed else {})}]
    boss > [YIELD, 2, {}]
    joe < [RESULT, 1, {}]
    joe > [CALL, 2, {"disclose_me": True}, "com.closed.x"]
    if when_asked:
        boss < [INVOCATION, 3, play.closed, {"procedure": "com.closed.x", **who}]
        boss > [YIELD, 3, {}]
        joe < [RESULT, 2, {}]
    else:
        joe < [ERROR, CALL, 2, {}, "wamp.error.option_disallowed.disclose_me"]


@pytest.mark.trap(4)
def test_an_answer_says_how_far_a_publication_is_to_be_trusted(play):
    boss = authorizer(play)
    boss > [SUBSCRIBE, 2, {}, "com.closed.x"]
    boss < [SUBSCRIBED, 2, ANY.as_("sub")]
    joe = visitor(play)
    joe > [PUBLISH, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "publish")
    answers(play, {"allow": True, "trustlevel": 3})
    boss < [EVENT, play.sub, int, {"trustlevel": 3}]


# ------------------------------------------------------------------------------------------------------ what is asked


def test_what_a_rule_denies_is_not_asked(play):
    authorizer(play)
    joe = visitor(play)
    joe > [CALL, 1, {}, "com.denied.x"]
    joe < [ERROR, CALL, 1, {}, DENIED, ANY]
    joe > [SUBSCRIBE, 2, {"match": "prefix"}, "com."]  # a part of it is denied
    joe < [ERROR, SUBSCRIBE, 2, {}, DENIED, ANY]
    joe > [SUBSCRIBE, 3, {}, "com.heard.x"]
    joe < [SUBSCRIBED, 3, int]
    joe > [PUBLISH, 4, {"acknowledge": True}, "com.heard.x"]  # the rule does not say
    asked(play, "com.heard.x", "publish")
    answers(play, True)
    joe < [PUBLISHED, 4, int]


@pytest.mark.trap(6)
def test_about_what_is_the_routers_own_nobody_is_asked(play):
    authorizer(play)
    joe = visitor(play)
    for number, uri in enumerate(["wampd.stats", "wampd.authorization.invalidate", "wamp.session.kill_all"], 1):
        joe > [CALL, number, {}, uri]
        joe < [ERROR, CALL, number, {}, DENIED, ANY]
    for number, (uri, match) in enumerate(
        [
            ("wampd.audit.joined", "exact"),
            ("wampd", "prefix"),
            ("", "prefix"),
            ("w", "prefix"),
            (".audit.", "wildcard"),
        ],
        10,
    ):
        joe > [SUBSCRIBE, number, {"match": match}, uri]
        joe < [ERROR, SUBSCRIBE, number, {}, DENIED, ANY]


@pytest.mark.spec("AZ-05")
@pytest.mark.trap(5)
def test_a_pattern_is_asked_about_as_a_whole(play):
    authorizer(play)
    joe = visitor(play)
    joe > [SUBSCRIBE, 1, {}, "com.closed"]
    asked(play, "com.closed", "subscribe", {"match": "exact"})
    answers(play, True)
    joe < [SUBSCRIBED, 1, int]
    for number, match in enumerate(["prefix", "wildcard"], 2):
        joe > [SUBSCRIBE, number, {"match": match}, "com.closed"]
        asked(play, "com.closed", "subscribe", {"match": match})
        answers(play, False)
        joe < [ERROR, SUBSCRIBE, number, {}, DENIED, NO]
        joe > [REGISTER, number + 10, {"match": match}, "com.closed"]
        asked(play, "com.closed", "register", {"match": match})
        answers(play, True)
        joe < [REGISTERED, number + 10, int]
    joe > [REGISTER, 20, {}, "com.closed"]
    asked(play, "com.closed", "register", {"match": "exact"})
    answers(play, False)
    joe < [ERROR, REGISTER, 20, {}, DENIED, NO]


@pytest.mark.trap(4)
def test_taking_the_place_of_others_is_asked_about_apart(play):
    boss = authorizer(play)
    boss > [REGISTER, 2, {}, "com.closed.x"]
    boss < [REGISTERED, 2, ANY.as_("closed")]
    joe = visitor(play)
    for number, (answer, heard) in enumerate([(False, ERROR), (True, REGISTERED)], 1):
        joe > [REGISTER, number, {"force_reregister": True}, "com.closed.x"]
        if number == 1:
            asked(play, "com.closed.x", "register", {"match": "exact"})
            answers(play, True)
            joe < nothing
        asked(play, "com.closed.x", "force_reregister", {"match": "exact"})
        answers(play, {"allow": answer, "cache": False})
        joe < ([ERROR, REGISTER, number, {}, DENIED, NO] if heard == ERROR else [REGISTERED, number, int])
    boss < [67, 0, {"registration": play.closed, "reason": "wampd.revoked.taken_over"}]


def test_what_is_not_a_uri_is_not_asked(play):
    authorizer(play)
    joe = visitor(play)
    joe > [CALL, 1, {}, "com..closed"]
    joe < [ERROR, CALL, 1, {}, "wamp.error.invalid_uri", ANY]


def test_an_authorizer_may_be_in_another_realm(play):
    authorizer(play, "realm1")
    eve = joined_as(play, "eve", "eve", "advised")
    eve > [CALL, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call", realm="advised", authid="eve", authrole="elsewhere")
    answers(play, True)
    eve < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ANY]


@pytest.mark.spec("AZ-07")
def test_what_a_procedure_of_the_router_has_to_know_is_asked_and_then_the_call_is_served_once(play):
    authorizer(play)
    joe = visitor(play)
    joe > [CALL, 1, {}, "wamp.session.add_testament", ["com.closed.last", ["bye"], {}]]
    asked(play, "com.closed.last", "publish")
    answers(play, True)
    joe < [RESULT, 1, {}]
    joe > [CALL, 2, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call")
    joe < nothing
