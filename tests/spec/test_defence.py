"""What those meet who fail to authenticate, and those who have to do so twice (advanced profile, "Authentication")."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

import pytest

from tests.spec.scenes import joined_as
from tests.support.play import ANY, closed
from wampd.auth.throttle import Throttle, Tolerance
from wampd.realms.messages import ABORT, AUTHENTICATE, CHALLENGE

DENIED = "wamp.error.authentication_denied"
FAILED = "wamp.error.authentication_failed"


def signed(challenge: str, secret: str) -> str:
    return b64encode(hmac.digest(secret.encode(), challenge.encode(), hashlib.sha256)).decode()


def knocking(play, name="careful", methods=("ticket", "wampcra")):
    actor = play.newcomer(name)
    actor.hello("twofold", authmethods=list(methods), authid=name)
    return actor


def answer_wampcra(play, actor, secret="hunter2-too"):
    actor < [CHALLENGE, "wampcra", {"challenge": ANY.as_("challenge"), ...: ...}]
    actor > [AUTHENTICATE, signed(play.challenge, secret), {}]


@pytest.mark.spec("AUT-06")
@pytest.mark.parametrize("first", ["ticket", "wampcra"])
def test_who_has_two_factors_is_asked_for_both(play, first):
    second = "wampcra" if first == "ticket" else "ticket"
    careful = knocking(play, methods=[first, second])
    for method in (first, second):
        if method == "wampcra":
            answer_wampcra(play, careful)
        else:
            careful < [CHALLENGE, "ticket", {}]
            careful > [AUTHENTICATE, "hunter2-of-careful", {}]
    careful.welcome()
    assert careful.details["authmethod"] == first
    assert careful.details["authextra"] == {"authfactors": [first, second]}


@pytest.mark.spec("AUT-06", "AUT-02")
def test_who_does_not_offer_the_second_factor_is_not_let_in(play):
    careful = knocking(play, methods=["ticket"])
    careful < [CHALLENGE, "ticket", {}]
    careful > [AUTHENTICATE, "hunter2-of-careful", {}]
    careful < [ABORT, {"message": str}, "wamp.error.no_matching_auth_method"]
    careful < closed


@pytest.mark.spec("AUT-06", "AUT-04")
def test_a_wrong_second_factor_lets_nobody_in(play):
    careful = knocking(play)
    careful < [CHALLENGE, "ticket", {}]
    careful > [AUTHENTICATE, "hunter2-of-careful", {}]
    answer_wampcra(play, careful, "hunter2-guessed")
    careful < [ABORT, {"message": "authentication failed"}, DENIED]
    careful < closed


@pytest.mark.spec("AUT-04")
def test_a_realm_may_tell_that_there_is_no_such_principal(play):
    nobody = knocking(play, "nobody", ["ticket"])
    nobody < [CHALLENGE, "ticket", {}]
    nobody > [AUTHENTICATE, "hunter2", {}]
    nobody < [ABORT, {"message": "there is no such principal"}, "wamp.error.no_such_principal"]
    nobody < closed
    nowhere = knocking(play, "nowhere", ["wampcra"])
    nowhere < [ABORT, {"message": "there is no such principal"}, "wamp.error.no_such_principal"]
    nowhere < closed


@pytest.mark.spec("AUT-04")
def test_a_wrong_secret_is_denied_where_unknown_principals_are_told(play):
    joe = knocking(play, "joe", ["ticket"])
    joe < [CHALLENGE, "ticket", {}]
    joe > [AUTHENTICATE, "hunter2-guessed", {}]
    joe < [ABORT, {"message": "authentication failed"}, DENIED]
    joe < closed


# -------------------------------------------------------------------------------------------------------- too many failures


def guess(play, name, ticket="hunter2-guessed", authid="joe"):
    actor = play.newcomer(name)
    actor.hello("guarded", authmethods=["ticket"], authid=authid)
    heard = actor.hear()
    if heard[0] == CHALLENGE:
        actor > [AUTHENTICATE, ticket, {}]
        heard = actor.hear()
    return heard


@pytest.fixture
def strict_play(memory_play):
    """A play in a router that has the tolerance for failures that is the default."""
    realms = memory_play.stage.realms
    realms.throttle = Throttle(Tolerance(), memory_play.stage.clock.seconds)
    return memory_play


@pytest.mark.spec("AUT-08")
def test_who_guesses_too_often_has_to_wait_longer_and_longer(strict_play):
    play = strict_play
    for number in range(5):
        assert guess(play, f"guess {number}")[2] == DENIED
    for number, seconds in enumerate((1, 2, 4, 8, 16, 30, 30)):
        assert guess(play, f"refused {number}", "hunter2-of-joe") == [
            ABORT,
            {"message": f"too many failures; try again in {seconds} s", "retry_after": seconds},
            FAILED,
        ]
        play.stage.clock.advance(seconds)
        assert guess(play, f"late {number}")[2] == DENIED
    play.stage.clock.advance(30)
    joined_as(play, "joe", "joe")
    totals = play.stage.realms.tally.totals()
    assert totals["joins refused after too many failures"] == 7
    assert totals["throttles of failed joins"] == 7
    for actor in play.actors.values():
        if actor.name.startswith(("guess", "refused", "late")):
            actor < closed


# ------------------------------------------------------------------------------------------------------ what is told of it


@pytest.mark.spec("AUT-03", "AUT-08")
@pytest.mark.parametrize("offered", [None, [], ["anonymous"]])
def test_who_offers_nothing_where_something_is_needed_is_told_so(play, offered):
    nobody = play.newcomer("nobody")
    nobody.hello("twofold", **({} if offered is None else {"authmethods": offered}), authid="joe")
    nobody < [ABORT, {"message": str}, "wamp.error.authentication_required"]
    nobody < closed


@pytest.mark.spec("AUT-02", "AUT-08")
def test_who_offers_nothing_that_is_there_is_told_so(play):
    nobody = play.newcomer("nobody")
    nobody.hello("twofold", authmethods=["foobar", "anonymous", "scram"], authid="joe")
    nobody < [ABORT, {"message": str}, "wamp.error.no_matching_auth_method"]
    nobody < closed


@pytest.mark.spec("AUT-01", "AUT-05")
def test_the_first_offered_method_that_is_there_is_driven_and_told(play):
    joe = knocking(play, "joe", ["scram", "ticket", "wampcra"])
    joe < [CHALLENGE, "ticket", {}]
    joe > [AUTHENTICATE, "hunter2-of-joe", {}]
    joe.welcome()
    told = {key: joe.details[key] for key in ("authid", "authrole", "authmethod", "authprovider")}
    assert told == {"authid": "joe", "authrole": "member", "authmethod": "ticket", "authprovider": "static"}


@pytest.mark.spec("AUT-08")
def test_after_an_abort_nothing_more_is_heard(play):
    joe = knocking(play, "joe", ["ticket"])
    joe < [CHALLENGE, "ticket", {}]
    joe.say([AUTHENTICATE, "hunter2-guessed", {}], [AUTHENTICATE, "hunter2-of-joe", {}])
    joe < [ABORT, {"message": "authentication failed"}, DENIED]
    joe < closed
