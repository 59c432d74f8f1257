"""How the shell asks authorizers: so many questions at once, failures told without a flood, and realms that go meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.realms.test_asking import house
from tests.spec.advice import FAILED, SORRY, answers, asked, authorizer, visitor
from tests.support.overheard import overheard
from tests.support.play import ANY, Play, nothing
from tests.support.stages import MemoryStage
from wampd.realms.messages import CALL, ERROR, REGISTER, REGISTERED
from wampd.router import authorizers
from wampd.router.tally import Tally

CONFIGURATION = """\
realms:
  - name: com.tenant.
    match: prefix
    on_demand: {keep: 1 s}
    roles:
      - name: visitor
        authorizer: {procedure: org.authorizer, realm: com.home}
    auth: {anonymous: {role: visitor}}
  - name: com.home
    roles:
      - name: anonymous
        permissions: [{uri: org., match: prefix, allow: [register]}]
    auth: {anonymous: {}}
  - name: realm1
    roles:
      - name: anonymous
        permissions: [{uri: "", match: prefix, allow: [call, register, publish, subscribe]}]
    auth: {anonymous: {}}
listeners:
  - endpoint: tcp:8080:interface=127.0.0.1
    rawsocket: {}
"""


@pytest.fixture
def play() -> Iterator[Play]:
    play = Play(MemoryStage("json"))
    yield play
    play.leave()


@pytest.fixture
def warnings() -> Iterator[list[dict[str, Any]]]:
    with overheard(lambda event: event if event["log_namespace"] == authorizers.__name__ else None) as events:
        yield events


@pytest.mark.trap(16)
def test_over_so_many_open_questions_nobody_is_asked_and_nothing_is_allowed(play, monkeypatch):
    monkeypatch.setattr(authorizers, "MOST_QUESTIONS", 2)
    authorizer(play)
    people = [visitor(play, f"visitor{number}") for number in range(3)]
    for number, actor in enumerate(people):
        actor > [CALL, 1, {}, f"com.closed.x{number}"]
    people[2] < [ERROR, CALL, 1, {}, FAILED, SORRY]
    asked(play, "com.closed.x0", "call")
    asked(play, "com.closed.x1", "call")
    play.authorizer > [70, 1, {}, [False]]
    people[0] < [ERROR, CALL, 1, {}, ANY, ANY]
    people[2] > [CALL, 2, {}, "com.closed.x2"]  # there is room again
    asked(play, "com.closed.x2", "call")


@pytest.mark.trap(16)
def test_one_principal_that_asks_and_leaves_shuts_nobody_else_out(play, monkeypatch):
    monkeypatch.setattr(authorizers, "MOST_OF_ONE", 3)
    authorizer(play)
    for number in range(5):
        joe = visitor(play, f"joe{number}")
        joe > [CALL, 1, {}, f"com.closed.x{number}"]
        if number < 3:
            asked(play, f"com.closed.x{number}", "call")
        else:
            joe < [ERROR, CALL, 1, {}, FAILED, SORRY]
        joe.drop()
    ann = visitor(play, "ann_", "ann")
    ann > [CALL, 1, {}, "com.closed.ann"]
    asked(play, "com.closed.ann", "call", authid="ann")
    for number in range(1, 4):
        play.authorizer > [70, number, {}, [False]]
    joe = visitor(play)
    joe > [CALL, 1, {}, "com.closed.y"]  # there is room again
    asked(play, "com.closed.y", "call")


def test_a_question_that_cannot_even_be_asked_harms_no_other(warnings):
    def call(_realm: str, _procedure: str, arguments: tuple[Any, ...], _timeout: float) -> Deferred[Any]:
        if arguments[1] == "u.1":
            raise ValueError("it cannot be carried")
        return Deferred()

    here = house()
    joe, ann = here.join(authid="joe"), here.join(authid="ann")
    asking = authorizers.Authorizers(call, Clock(), Tally(Clock()))
    joe.say([CALL, 1, {}, "u.1"])
    ann.say([CALL, 1, {}, "u.2"])
    for question in here.asked:
        asking.ask(question, lambda: None)
    assert joe.heard() == [[ERROR, CALL, 1, {}, FAILED, SORRY]]
    assert ann.heard() == []
    (told,) = warnings
    assert told["log_failure"].check(ValueError)


def test_failures_are_logged_one_in_a_while_with_their_reason_and_counted(play, warnings):
    joe = visitor(play)
    for number in range(1, 11):
        joe > [CALL, number, {}, "com.closed.x"]
        joe < [ERROR, CALL, number, {}, FAILED, SORRY]
    (told,) = warnings
    assert (told["procedure"], told["realm"], told["why"]) == (
        "org.authorizer",
        "advised",
        "wamp.error.no_such_procedure",
    )
    fields = dict(zip(*told["log_fields"], strict=True))
    assert (told["uri"], fields["realm"]) == ("com.closed.x", "advised")
    assert {"session", "authid", "role", "method", "address"} <= set(fields)
    assert play.stage.realms.tally.totals()["failures of authorizers"] == 10
    play.stage.clock.advance(1.0)
    joe > [CALL, 11, {}, "com.closed.x"]
    joe < [ERROR, CALL, 11, {}, FAILED, SORRY]
    assert len(warnings) == 2


def test_what_an_authorizer_says_that_makes_no_sense_is_in_the_log_and_it_alone(play, warnings):
    authorizer(play)
    joe = visitor(play)
    joe > [CALL, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call")
    answers(play, {"allow": "perhaps"})
    joe < [ERROR, CALL, 1, {}, FAILED, SORRY]
    (told,) = warnings
    assert told["why"] == "its answer makes no sense: Expected `bool`, got `str` - at `$.allow`"


def test_a_realm_that_is_closed_meanwhile_takes_no_answer(tmp_path: Path, warnings):
    file = tmp_path / "config.yaml"
    file.write_text(CONFIGURATION)
    play = Play(MemoryStage("json", file))
    boss = play.session("authorizer", "com.home")
    boss > [REGISTER, 1, {}, "org.authorizer"]
    boss < [REGISTERED, 1, ANY.as_("authority")]
    boss.asked = 0
    joe = play.session("joe", "com.tenant.one")
    joe > [CALL, 1, {}, "com.closed.x"]
    asked(play, "com.closed.x", "call", realm="com.tenant.one")
    joe.drop()
    play.stage.clock.advance(2)
    assert "com.tenant.one" not in [shell.core.name for shell in play.stage.realms.all()]
    answers(play, True)
    play.stage.clock.advance(10)
    assert not warnings
    play.leave()


MUTUAL = """\
realms:
  - name: one
    roles:
      - name: deciding
        authorizer: {procedure: org.authorizer, realm: two, timeout: 2 s}
        permissions: [{uri: org., match: prefix, allow: [register]}]
    auth: {anonymous: {role: deciding}}
  - name: two
    roles:
      - name: deciding
        authorizer: {procedure: org.authorizer, realm: one, timeout: 3 s}
        permissions: [{uri: org., match: prefix, allow: [register]}]
    auth: {anonymous: {role: deciding}}
  - name: realm1
    roles:
      - name: anonymous
        permissions: [{uri: "", match: prefix, allow: [call, register, publish, subscribe]}]
    auth: {anonymous: {}}
listeners:
  - endpoint: tcp:8080:interface=127.0.0.1
    rawsocket: {}
"""


@pytest.mark.spec("AZ-03", "ORD-07")
def test_authorizers_that_wait_for_each_other_go_on_when_time_is_up(tmp_path: Path, warnings):
    file = tmp_path / "config.yaml"
    file.write_text(MUTUAL)
    play = Play(MemoryStage("json", file))
    one, two = play.session("first", "one"), play.session("second", "two")
    for actor in (one, two):
        actor > [REGISTER, 1, {}, "org.authorizer"]
        actor < [REGISTERED, 1, 1]
    one.say([CALL, 2, {}, "com.closed.x"])
    two.say([CALL, 2, {}, "com.closed.x"])
    for actor in (one, two):
        invocation = actor.hear()
        assert (invocation[:2], invocation[4][1:3]) == ([68, 1], ["com.closed.x", "call"])
        actor > [70, 1, {}, [True]]  # which waits behind its own question
        actor < nothing
    play.stage.clock.advance(2)
    one < [ERROR, CALL, 2, {}, FAILED, SORRY]
    one < nothing
    told = [two.hear(), two.hear()]  # now the other's answer is heard
    assert sorted(message[0] for message in told) == [ERROR, 69]
    assert [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure"] in [message[:5] for message in told]
    two < nothing
    one > [CALL, 3, {}, "com.closed.y"]  # the YIELD came too late, and harmed nobody
    assert two.hear()[:2] == [68, 2]
    two > [70, 2, {}, [False]]
    one < [ERROR, CALL, 3, {}, "wamp.error.not_authorized", ANY]
    assert {told["why"] for told in warnings} == {"wamp.error.timeout"}
    play.leave()
