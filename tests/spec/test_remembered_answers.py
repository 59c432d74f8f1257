"""What an authorizer said is remembered: for whom, for how long, and until somebody has it forgotten."""

from __future__ import annotations

import pytest

from tests.spec.advice import DENIED, NO, answers, asked, authorizer, visitor
from tests.support.play import ANY, nothing
from wampd.realms.messages import CALL, ERROR, RESULT, SUBSCRIBE, SUBSCRIBED


@pytest.mark.trap(8)
def test_an_answer_is_remembered_for_the_principal_and_for_no_other_of_the_role(play):
    authorizer(play)
    joe, again = visitor(play), visitor(play, "again")
    joe > [SUBSCRIBE, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "subscribe", {"match": "exact"}, authid="joe")
    answers(play, True)
    joe < [SUBSCRIBED, 1, ANY.as_("sub")]
    again > [SUBSCRIBE, 1, {}, "com.closed.x"]
    again < [SUBSCRIBED, 1, play.sub]
    ann, nobody = visitor(play, "the_other", "ann"), play.session("nobody", "advised")
    for other, authid in (ann, "ann"), (nobody, nobody.details["authid"]):
        other > [SUBSCRIBE, 1, {}, "com.closed.x"]
        asked(play, "com.closed.x", "subscribe", {"match": "exact"}, authid=authid)
        answers(play, False)
        other < [ERROR, SUBSCRIBE, 1, {}, DENIED, NO]
    joe > [CALL, 2, {}, "com.closed.x"]  # another action
    asked(play, "com.closed.x", "call")
    answers(play, False)
    joe < [ERROR, CALL, 2, {}, DENIED, NO]


@pytest.mark.parametrize("authid", ["joe", "bob"])
def test_what_is_not_to_be_remembered_is_asked_each_time(play, authid):
    authorizer(play)
    actor = visitor(play, authid=authid)
    for number, answer in enumerate([True, False, True], 1):
        actor > [CALL, number, {}, "com.closed.x"]
        asked(play, "com.closed.x", "call")
        answers(play, {"allow": answer, "cache": False} if authid == "joe" else answer)
        actor < [ERROR, CALL, number, {}, ANY if answer else DENIED, ANY]


@pytest.mark.trap(8)
def test_an_answer_is_remembered_for_so_long(memory_play):
    play = memory_play
    authorizer(play)
    joe = visitor(play)
    for number, (time, is_asked) in enumerate([(0, True), (59, False), (2, True), (59, False), (1, True)], 1):
        play.stage.clock.advance(time)
        joe > [CALL, number, {}, "com.closed.x"]
        if is_asked:
            asked(play, "com.closed.x", "call")
            answers(play, False)
        joe < [ERROR, CALL, number, {}, DENIED, NO]


@pytest.mark.trap(8)
def test_what_was_answered_is_forgotten_when_the_principal_is_gone(play):
    authorizer(play)
    for number in (1, 2):
        joe = visitor(play, f"joe{number}")
        joe > [CALL, 1, {}, "com.closed.x"]
        asked(play, "com.closed.x", "call")
        answers(play, False)
        joe < [ERROR, CALL, 1, {}, DENIED, NO]
        joe.drop()


@pytest.mark.trap(8)
@pytest.mark.parametrize(
    ("args", "kwargs", "forgotten"),
    [
        ([], {}, {"joe", "ann", "dan"}),
        (["joe"], {}, {"joe"}),
        ([None, "visitor"], {}, {"joe", "ann"}),
        ([], {"authrole": "visitor"}, {"joe", "ann"}),
        ([], {"authid": "dan", "authrole": "visitor"}, set()),
    ],
)
def test_answers_can_be_made_forgotten(play, args, kwargs, forgotten):
    boss = authorizer(play)
    people = {name: visitor(play, f"as_{name}", name) for name in ("joe", "ann", "dan")}
    for number in (1, 2):
        for name, actor in people.items():
            actor > [CALL, number, {}, "com.closed.x"]
            if number == 1 or name in forgotten:
                asked(play, "com.closed.x", "call")
                answers(play, False)
            actor < [ERROR, CALL, number, {}, DENIED, NO]
        if number == 1:
            boss > [CALL, 9, {}, "wampd.authorization.invalidate", args, *([kwargs] if kwargs else [])]
            boss < [RESULT, 9, {}, [len(forgotten)]]
    people["joe"] > [CALL, 5, {}, "wampd.authorization.invalidate"]
    people["joe"] < [ERROR, CALL, 5, {}, DENIED, ANY]


@pytest.mark.trap(8)
def test_an_answer_that_is_outdated_when_it_comes_is_asked_for_again(play):
    boss = authorizer(play)
    joe = visitor(play)
    joe > [CALL, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call")
    boss > [CALL, 9, {}, "wampd.authorization.invalidate", [], {"authid": "joe"}]
    boss < [RESULT, 9, {}, [1]]
    answers(play, True)
    joe < nothing
    asked(play, "com.closed.x", "call")
    answers(play, False)
    joe < [ERROR, CALL, 1, {}, DENIED, NO]


def test_what_a_principal_asks_twice_at_once_is_asked_once(play):
    authorizer(play)
    joe, again = visitor(play), visitor(play, "again")
    joe > [CALL, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call", session=joe.id)
    again > [CALL, 1, {}, "com.closed.x"]
    again < nothing
    answers(play, {"allow": False, "cache": False})
    joe < [ERROR, CALL, 1, {}, DENIED, NO]
    again < [ERROR, CALL, 1, {}, DENIED, NO]
