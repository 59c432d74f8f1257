"""Components that say who may come in (advanced profile, "Dynamic Authenticator"; the form is Crossbar.io's)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.play import Actor, Play, closed, nothing, violation
from wampd.realms.messages import (
    ABORT,
    AUTHENTICATE,
    CHALLENGE,
    ERROR,
    HELLO,
    INTERRUPT,
    INVOCATION,
    REGISTER,
    REGISTERED,
    YIELD,
)

SECRET = "hunter2 of joe"
DENIED = "wamp.error.authentication_denied"
FAILED = "wamp.error.authentication_failed"
ROLES = {"caller": {}, "callee": {}, "publisher": {}, "subscriber": {}}

pytestmark = pytest.mark.spec("AUT-10")


def authenticator(play: Play, procedure: str = "com.auth.ticket") -> Actor:
    """A component that others are asked of."""
    actor = play.session("authenticator", "asking")
    actor > [REGISTER, 1, {}, procedure]
    actor < [REGISTERED, 1, int]
    return actor


def knocking(play: Play, name: str = "joe", ticket: str = SECRET, **details: Any) -> Actor:
    """Somebody who has sent a ticket, and waits."""
    actor = play.newcomer(name)
    actor.hello("asked", authmethods=["ticket"], authid=name, **details)
    actor < [CHALLENGE, "ticket", {}]
    actor > [AUTHENTICATE, ticket, {}]
    return actor


def asked(actor: Actor, name: str = "joe") -> int:
    """What the authenticator is asked; return the id of the question."""
    heard = actor.hear()
    assert heard[0] == INVOCATION
    assert heard[4][:2] == ["asked", name]
    return int(heard[1])


def answer(actor: Actor, question: int, *payload: Any) -> None:
    actor > [YIELD, question, {}, *payload]


def is_refused(actor: Actor, uri: str) -> None:
    actor < [ABORT, {"message": "authentication failed"}, uri]
    actor < closed


def test_a_role_lets_the_client_in(play):
    oracle = authenticator(play)
    joe = knocking(play, authextra={"device": "phone"})
    heard = oracle.hear()
    assert heard[4][:2] == ["asked", "joe"]
    details = heard[4][2]
    assert details["ticket"] == SECRET
    assert details["authmethod"] == "ticket"
    assert details["authextra"] == {"device": "phone"}
    assert set(details["transport"]) <= {"type", "protocol", "peer"}
    joe < nothing
    answer(oracle, heard[1], ["member"])
    joe.welcome()
    assert joe.id == details["session"]
    assert joe.details["authid"] == "joe"
    assert joe.details["authrole"] == "member"
    assert joe.details["authmethod"] == "ticket"
    assert joe.details["authprovider"] == "dynamic"


def test_a_dictionary_tells_more(play):
    oracle = authenticator(play)
    joe = knocking(play)
    answer(oracle, asked(oracle), [{"role": "member", "authid": "joseph", "extra": {"n": [1]}, "unheard-of": 1}])
    joe.welcome()
    assert joe.details["authid"] == "joseph"
    assert joe.details["authextra"] == {"n": [1]}


@pytest.mark.parametrize("uri", [DENIED, "wamp.error.not_authorized"])
def test_an_error_that_denies_is_a_denial(play, uri):
    oracle = authenticator(play)
    joe = knocking(play)
    oracle > [ERROR, INVOCATION, asked(oracle), {}, uri, ["hunter2 is wrong"]]
    is_refused(joe, DENIED)


def test_an_unknown_principal_is_denied_as_one_with_a_wrong_ticket(play):
    oracle = authenticator(play)
    joe = knocking(play)
    oracle > [ERROR, INVOCATION, asked(oracle), {}, "wamp.error.no_such_principal"]
    is_refused(joe, DENIED)


@pytest.mark.parametrize("uri", ["com.auth.broken", "wamp.error.runtime_error"])
def test_another_error_is_a_failure(play, uri):
    oracle = authenticator(play)
    joe = knocking(play)
    oracle > [ERROR, INVOCATION, asked(oracle), {}, uri]
    is_refused(joe, FAILED)


def test_without_the_procedure_nobody_comes_in(play):
    is_refused(knocking(play), FAILED)


@pytest.mark.parametrize(
    "payload",
    [
        [],
        [[]],
        [["member", "member"]],
        [[None]],
        [[True]],
        [[1]],
        [[["member"]]],
        [[{}]],
        [[{"role": 1}]],
        [[{"role": ""}]],
        [[""]],
        [[{"role": "member", "authid": ""}]],
        [[{"role": "member", "authid": 7}]],
        [[{"role": "member", "extra": "x"}]],
        [[{"role": "member", "realm": "realm1"}]],
        [[], {"role": "member"}],
        [[{"role": "member", "secret": "x", "salt": "y"}]],
        [[{"role": "member", "secret": None}]],
        [[{"role": "member", "ticket": None}]],
        [[{"role": "member", "authid": "a" * 256}]],
        [[{"role": "member", "extra": {"n": 2**53 + 1}}]],
        [[{"role": "member", "extra": {"n": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}]],
    ],
    ids=str,
)
def test_an_answer_that_does_not_fit_is_a_failure(memory_play, payload):
    oracle = authenticator(memory_play)
    joe = knocking(memory_play)
    answer(oracle, asked(oracle), *payload)
    is_refused(joe, FAILED)


@pytest.mark.parametrize("key", ["ticket", "secret"])
def test_an_authenticator_may_tell_the_right_ticket(play, key):
    oracle = authenticator(play)
    joe, ann = knocking(play), knocking(play, "ann", "hunter2, guessed")
    answer(oracle, asked(oracle), [{"role": "member", key: SECRET}])
    answer(oracle, asked(oracle, "ann"), [{"role": "member", key: SECRET}])
    joe.welcome()
    is_refused(ann, DENIED)


def test_a_role_that_the_realm_has_not_lets_nobody_in(play):
    oracle = authenticator(play)
    joe = knocking(play)
    answer(oracle, asked(oracle), ["owner"])
    joe < [ABORT, {"message": str}, "wamp.error.no_such_role"]
    joe < closed


def test_an_authenticator_that_leaves_lets_nobody_in(play):
    oracle = authenticator(play)
    joe = knocking(play)
    asked(oracle)
    oracle.drop()
    is_refused(joe, FAILED)


def test_answers_find_those_who_wait_for_them_in_any_order(play):
    oracle = authenticator(play)
    joe, ann = knocking(play), knocking(play, "ann")
    of_joe, of_ann = asked(oracle), asked(oracle, "ann")
    answer(oracle, of_ann, [{"role": "member"}])
    ann.welcome()
    joe < nothing
    answer(oracle, of_joe, [{"role": "member"}])
    joe.welcome()
    assert (joe.details["authid"], ann.details["authid"]) == ("joe", "ann")


@pytest.mark.spec("AUT-08")
@pytest.mark.parametrize("said", [[AUTHENTICATE, SECRET, {}], [HELLO, "asked", {"roles": ROLES}]], ids=str)
def test_who_waits_has_nothing_to_say(play, said):
    oracle = authenticator(play)
    joe = knocking(play)
    question = asked(oracle)
    joe > said
    joe < violation("is not legal while the session is waiting")
    oracle.hear()  # INTERRUPT, or nothing more to it
    answer(oracle, question, ["member"])


def test_anonymous_clients_are_asked_about_under_the_name_that_was_drawn_for_them(play):
    oracle = authenticator(play, "com.auth.visitor")
    guest = play.newcomer("guest")
    guest.hello("asked", authid="joe", authextra={"invitation": 5})
    heard = oracle.hear()
    drawn = heard[4][1]
    assert drawn != "joe"
    assert "ticket" not in heard[4][2]
    answer(oracle, heard[1], ["member"])
    guest.welcome()
    assert guest.details["authid"] == drawn
    assert guest.details["authmethod"] == "anonymous"


def test_anonymous_clients_may_be_refused(play):
    oracle = authenticator(play, "com.auth.visitor")
    guest = play.newcomer("guest")
    guest.hello("asked")
    oracle > [ERROR, INVOCATION, oracle.hear()[1], {}, "wamp.error.no_such_principal"]
    is_refused(guest, DENIED)


# --------------------------------------------------------------------------------------------- the clock, and those who leave


def interrupted(actor: Actor) -> bool:
    return actor.hear()[0] == INTERRUPT


def under_way(play: Play) -> int:
    """Calls of authenticators that wait for an answer."""
    return sum(len(session.invocations or ()) for session in play.stage.realms["asking"].core.sessions.values())


def test_an_authenticator_that_does_not_answer_in_time_lets_nobody_in(memory_play):
    play = memory_play
    oracle = authenticator(play)
    joe = knocking(play)
    question = asked(oracle)
    play.stage.clock.advance(1.9)
    joe < nothing
    play.stage.clock.advance(0.2)
    play.fence()
    is_refused(joe, FAILED)
    assert interrupted(oracle)
    answer(oracle, question, ["member"])
    joe < nothing
    assert under_way(play) == 0


def test_the_router_watches_the_time_whatever_the_authenticator_offers(memory_play):
    play = memory_play
    oracle = play.session("oracle", "asking", {"callee": {"features": {"call_timeout": True}}})
    oracle > [REGISTER, 1, {"forward_timeout": True}, "com.auth.ticket"]
    oracle < [REGISTERED, 1, int]
    joe = knocking(play)
    oracle.hear()
    play.stage.clock.advance(2.1)
    play.fence()
    is_refused(joe, FAILED)


@pytest.mark.spec("SES-14", "AUT-08")
def test_waiting_for_an_authenticator_does_not_prolong_the_time_to_join(memory_play):
    play = memory_play
    oracle = authenticator(play)
    joe = play.newcomer("joe")
    play.stage.clock.advance(7)
    joe.hello("asked", authmethods=["ticket"], authid="joe")
    joe < [CHALLENGE, "ticket", {}]
    play.stage.clock.advance(2)
    joe > [AUTHENTICATE, SECRET, {}]
    question = asked(oracle)
    play.stage.clock.advance(1.5)
    play.fence()
    is_refused(joe, FAILED)
    assert interrupted(oracle)
    answer(oracle, question, ["member"])
    joe < nothing


@pytest.mark.parametrize("leave", ["drop", "abort"])
def test_who_leaves_while_an_authenticator_is_asked_leaves_nothing_behind(memory_play, leave):
    play = memory_play
    oracle = authenticator(play)
    joe = knocking(play)
    question = asked(oracle)
    assert under_way(play) == 1
    if leave == "drop":
        joe.drop()
    else:
        joe > [ABORT, {}, "wamp.close.goodbye_and_out"]
        joe < closed
    play.fence()
    assert interrupted(oracle)
    assert under_way(play) == 0
    answer(oracle, question, ["member"])
    play.fence()
    assert not play.stage.realms["asked"].core.sessions
    ann = knocking(play, "ann")
    answer(oracle, asked(oracle, "ann"), ["member"])
    ann.welcome()


@pytest.mark.trap(16)
def test_those_who_wait_for_an_authenticator_are_bounded_in_number(memory_play):
    play = memory_play
    oracle = authenticator(play)
    waiting = [knocking(play, f"joe{number}") for number in range(3)]
    is_refused(knocking(play, "ann"), FAILED)
    answer(oracle, asked(oracle, "joe0"), ["member"])
    waiting[0].welcome()
    knocking(play, "bob")
    answer(oracle, asked(oracle, "joe1"), ["member"])
    waiting[1].welcome()
    asked(oracle, "joe2")
    asked(oracle, "bob")


def test_who_waits_when_the_router_stops_is_not_let_in(memory_play):
    play = memory_play
    oracle = authenticator(play)
    joe = knocking(play)
    question = asked(oracle)
    joe.wire.line.peer.dismiss("wamp.close.system_shutdown")
    play.fence()
    joe < closed
    assert interrupted(oracle)
    answer(oracle, question, ["member"])
    play.fence()
    assert not play.stage.realms["asked"].core.sessions


def test_what_cannot_be_carried_to_an_authenticator_lets_nobody_in(memory_play):
    play = memory_play
    authenticator(play)
    joe = knocking(play, authextra={"n": 2**70})
    is_refused(joe, FAILED)
