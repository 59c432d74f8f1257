"""Dynamic authorizers: what no rule names is asked of a procedure, and order is kept meanwhile."""

from __future__ import annotations

import pytest

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
    SUBSCRIBE,
    SUBSCRIBED,
    YIELD,
)

DENIED = "wamp.error.not_authorized"
FAILED = "wamp.error.authorization_failed"
REQUIRED = "wamp.error.authorization_required"
SORRY = ["the permission for this could not be found out"]
NO = ["this session may not do this"]


def authorizer(play, realm="advised", name="authorizer"):
    """Somebody who decides, and has registered that."""
    actor = joined_as(play, name, "boss", realm) if realm == "advised" else play.session(name, realm)
    actor > [REGISTER, 1, {}, "org.authorizer"]
    actor < [REGISTERED, 1, ANY.as_("authority")]
    actor.asked = 0
    return actor


def visitor(play, name="visitor", authid="joe"):
    return joined_as(play, name, authid, "advised")


def asked(play, uri, action, options=None, name="authorizer", **details):
    """The authorizer is asked exactly this, and has still to answer."""
    actor = getattr(play, name)
    actor.asked += 1
    actor < [INVOCATION, actor.asked, play.authority, {}, [{...: ..., **details}, uri, action, options or {}]]


def answers(play, answer, name="authorizer"):
    actor = getattr(play, name)
    actor > [YIELD, actor.asked, {}, [answer]]


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
