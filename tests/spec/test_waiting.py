"""What a session says while an authorizer is asked waits, in order, whatever becomes of the session."""

from __future__ import annotations

import pytest

from tests.spec.advice import DENIED, FAILED, NO, SORRY, answers, asked, authorizer, visitor
from tests.spec.scenes import joined_as, pass_time, told_by
from tests.support.play import ANY, closed, nothing, violation
from wampd.realms.messages import (
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    GOODBYE,
    INVOCATION,
    PUBLISH,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    YIELD,
)

CANCELED = "wamp.error.canceled"


def listener(play):
    """Somebody who hears whatever is published."""
    actor = joined_as(play, "listener", "boss", "advised")
    actor > [SUBSCRIBE, 1, {"match": "prefix"}, "com."]
    actor < [SUBSCRIBED, 1, ANY.as_("all")]
    return actor


def hears(play, topic, *payload):
    play.listener < [EVENT, play.all, int, {"topic": topic}, *payload]


def room(play):
    return play.stage.realms["advised"].core.room


@pytest.mark.spec("ORD-07")
def test_calls_and_answers_of_a_session_keep_their_order(play):
    """Also what is no request: YIELD, CANCEL, UNSUBSCRIBE."""
    boss = authorizer(play)
    boss > [REGISTER, 2, {}, "com.open.theirs"]
    boss < [REGISTERED, 2, ANY.as_("theirs")]
    joe = visitor(play)
    joe > [REGISTER, 1, {}, "com.open.mine"]
    joe < [REGISTERED, 1, ANY.as_("mine")]
    joe > [SUBSCRIBE, 2, {}, "com.open.x"]
    joe < [SUBSCRIBED, 2, ANY.as_("sub")]
    boss > [CALL, 3, {}, "com.open.mine"]
    joe < [INVOCATION, 1, play.mine, {}]
    joe.say(
        [CALL, 3, {}, "com.closed.x"],
        [CALL, 4, {}, "com.open.theirs"],
        [CANCEL, 4, {"mode": "skip"}],
        [YIELD, 1, {}, ["late"]],
        [UNSUBSCRIBE, 5, play.sub],
    )
    asked(play, "com.closed.x", "call")
    boss < nothing
    joe < nothing
    boss > [PUBLISH, 4, {}, "com.open.x", ["still subscribed"]]
    joe < [EVENT, play.sub, int, {}, ["still subscribed"]]
    answers(play, False)
    boss < [INVOCATION, 2, play.theirs, {}]
    boss < [RESULT, 3, {}, ["late"]]
    joe < [ERROR, CALL, 3, {}, DENIED, NO]
    joe < [ERROR, CALL, 4, {}, CANCELED, ANY]
    joe < [UNSUBSCRIBED, 5]


@pytest.mark.spec("ORD-07", "AZ-03")
def test_an_authorizer_that_is_too_slow_has_failed_and_what_waited_goes_on(memory_play):
    play = memory_play
    authorizer(play)
    listener(play)
    joe = visitor(play)
    joe.say([PUBLISH, 1, {}, "com.closed.a"], [CALL, 2, {}, "com.closed.b"], [PUBLISH, 3, {}, "com.open.c"])
    asked(play, "com.closed.a", "publish")
    play.stage.clock.advance(1.9)
    play.listener < nothing
    play.stage.clock.advance(0.1)
    play.authorizer < [69, 1, {"mode": "killnowait", "reason": ANY}]
    asked(play, "com.closed.b", "call")
    answers(play, True)
    joe < [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", ANY]
    hears(play, "com.open.c")
    play.authorizer > [YIELD, 1, {}, [True]]  # too late: it allows nothing
    play.listener < nothing


def test_nobody_else_waits(play):
    boss = authorizer(play)
    boss > [REGISTER, 2, {}, "com.open.echo"]
    boss < [REGISTERED, 2, ANY.as_("echo")]
    joe, again, ann = visitor(play), visitor(play, "again"), visitor(play, "ann_", "ann")
    joe > [CALL, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call")
    for invocation, (actor, number) in enumerate([(again, 1), (ann, 1), (again, 2), (ann, 2)], 2):
        actor > [CALL, number, {}, "com.open.echo"]
        boss < [INVOCATION, invocation, play.echo, {}]
        boss > [YIELD, invocation, {}]
        actor < [RESULT, number, {}]
    joe < nothing
    boss > [YIELD, 1, {}, [False]]
    joe < [ERROR, CALL, 1, {}, DENIED, NO]


# ------------------------------------------------------------------------------------------------ the end of a session


def test_a_goodbye_waits_for_what_was_said_before_it(play):
    authorizer(play)
    listener(play)
    joe = visitor(play)
    joe.say([PUBLISH, 1, {}, "com.closed.a"], [PUBLISH, 2, {}, "com.open.b"], [GOODBYE, {}, "wamp.close.close_realm"])
    asked(play, "com.closed.a", "publish")
    joe < nothing
    answers(play, True)
    hears(play, "com.closed.a")
    hears(play, "com.open.b")
    joe < [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    joe.join("advised")  # the connection serves the next session as ever


def test_a_violation_among_what_waited_ends_the_session(play):
    authorizer(play)
    joe = visitor(play)
    joe.say([CALL, 1, {}, "com.closed.a"], [YIELD, 7, {}])
    asked(play, "com.closed.a", "call")
    joe < nothing
    answers(play, False)
    joe < [ERROR, CALL, 1, {}, DENIED, NO]
    joe < violation("no INVOCATION 7")


def test_an_abort_is_heard_at_once(play):
    authorizer(play)
    listener(play)
    joe = visitor(play)
    joe.say([PUBLISH, 1, {}, "com.closed.a"], [PUBLISH, 2, {}, "com.open.b"], [3, {}, "com.enough"])
    asked(play, "com.closed.a", "publish")
    joe < closed
    answers(play, True)
    play.listener < nothing


@pytest.mark.parametrize("end", ["drop", "abort", "violate", "killed"])
def test_of_who_is_gone_nothing_is_left_and_nothing_is_served(memory_play, end):
    play = memory_play
    boss = authorizer(play)
    listener(play)
    joe = visitor(play)
    joe.say([CALL, 1, {}, "com.closed.a"], [PUBLISH, 2, {}, "com.open.b"], [CALL, 3, {}, "com.open.c"])
    asked(play, "com.closed.a", "call")
    assert len(room(play)) == 1
    if end == "drop":
        joe.drop()
    elif end == "abort":
        joe > [3, {}, "com.enough"]
        joe < closed
    elif end == "violate":
        joe > [1, "advised", {"roles": {"caller": {}}}]
        joe < violation
    else:
        boss > [CALL, 9, {}, "wamp.session.kill", [joe.id]]
        joe < [ERROR, CALL, 1, {}, CANCELED, ["the session is being closed: wamp.close.killed"]]
        joe < [ERROR, CALL, 3, {}, CANCELED, ["the session is being closed: wamp.close.killed"]]
        joe < [GOODBYE, {}, "wamp.close.killed"]
        boss < [RESULT, 9, {}]
        joe.drop()  # it does not answer GOODBYE
    assert len(room(play)) == 0
    answers(play, True)
    play.listener < nothing
    assert not room(play)._questions
    assert not room(play)._principals  # and with them what was remembered


def test_what_waits_is_waited_for_when_the_router_stops(memory_play):
    play = memory_play
    authorizer(play)
    joe = visitor(play)
    core = play.stage.realms["advised"].core
    assert not core.calls_under_way()
    joe > [CALL, 1, {}, "com.closed.a"]
    assert core.calls_under_way()
    asked(play, "com.closed.a", "call")
    play.authorizer.drop()
    joe < [ERROR, CALL, 1, {}, FAILED, SORRY]
    assert not core.calls_under_way()


# -------------------------------------------------------------------------------- what procedures of the router look for


@pytest.mark.spec("AZ-06")
def test_the_topic_of_a_testament_is_asked_about_when_it_is_left(play):
    authorizer(play)
    listener(play)
    joe = visitor(play)
    joe > [CALL, 1, {}, "wamp.session.add_testament", ["com.closed.a", ["bye"], {}]]
    asked(play, "com.closed.a", "publish")
    joe < nothing
    answers(play, True)
    joe < [RESULT, 1, {}]
    joe > [CALL, 2, {}, "wamp.session.add_testament", ["com.closed.b", ["bye"], {}]]
    asked(play, "com.closed.b", "publish")
    answers(play, False)
    joe < [ERROR, CALL, 2, {}, DENIED, NO]
    joe.drop()
    hears(play, "com.closed.a", ["bye"])


@pytest.mark.spec("AZ-06")
def test_a_testament_whose_permission_is_not_remembered_is_dropped(memory_play):
    play = memory_play
    boss = authorizer(play)
    listener(play)
    joe = visitor(play)
    for number, (topic, answer) in enumerate(
        [("com.closed.a", {"allow": True, "cache": False}), ("com.closed.b", True), ("com.closed.c", True)], 1
    ):
        joe > [CALL, number, {}, "wamp.session.add_testament", [topic, ["bye"], {}]]
        asked(play, topic, "publish")
        answers(play, answer)
        joe < [RESULT, number, {}]
    boss > [CALL, 9, {}, "wampd.authorization.invalidate"]
    boss < [RESULT, 9, {}, [1]]
    joe > [PUBLISH, 9, {}, "com.closed.b", ["again"]]
    asked(play, "com.closed.b", "publish")
    answers(play, True)
    hears(play, "com.closed.b", ["again"])
    pass_time(play, 3600)  # its time is over, and nobody can be asked any more
    joe.drop()
    hears(play, "com.closed.b", ["bye"])
    play.listener < nothing
    play.authorizer < nothing


@pytest.mark.spec("AZ-06")
def test_a_history_is_asked_about_as_its_topic(play):
    boss = authorizer(play)
    joe = visitor(play)
    log = told_by(boss, "wamp.subscription.lookup", "com.closed.log", request=9)[0]
    for number, answer in enumerate([False, True], 1):
        joe > [CALL, number, {}, "wamp.subscription.get_events", [log], {"limit": 0}]
        asked(play, "com.closed.log", "subscribe", {"match": "exact"})
        answers(play, {"allow": answer, "cache": False})
        joe < ([RESULT, number, {}, [[]]] if answer else [ERROR, CALL, number, {}, DENIED, NO])


@pytest.mark.spec("AZ-06")
def test_a_description_is_asked_about_and_a_list_is_not(play):
    boss = authorizer(play)
    for number, uri in enumerate(["com.closed.a", "com.closed.b", "com.open.c"], 10):
        boss > [REGISTER, number, {}, uri]
        boss < [REGISTERED, number, int]
    joe = visitor(play)
    joe > [CALL, 1, {}, "wamp.reflection.procedure.list"]
    kind, number, _, (listed,) = joe.hear()
    assert (kind, number, [uri for uri in listed if uri.startswith("com.")]) == (RESULT, 1, ["com.open.c"])
    joe > [CALL, 2, {}, "wamp.reflection.procedure.describe", ["com.closed.a"]]
    asked(play, "com.closed.a", "call")
    answers(play, True)
    joe < [RESULT, 2, {}, [None]]
    joe > [CALL, 3, {}, "wamp.reflection.procedure.list"]
    kind, number, _, (listed,) = joe.hear()
    assert [uri for uri in listed if uri.startswith("com.")] == ["com.closed.a", "com.open.c"]


def test_what_is_asked_about_pays_once_at_the_gate(play):
    authorizer(play)
    dan = visitor(play, "dan", "dan")  # two calls, and no more
    dan > [CALL, 1, {}, "wamp.session.add_testament", ["com.closed.a", [], {}]]
    asked(play, "com.closed.a", "publish")
    answers(play, True)
    dan < [RESULT, 1, {}]
    dan > [CALL, 2, {}, "com.closed.b"]
    asked(play, "com.closed.b", "call")
    answers(play, True)
    dan < [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", ANY]
    dan > [CALL, 3, {}, "com.closed.b"]
    dan < [ERROR, CALL, 3, {}, "wamp.error.unavailable", ANY]
