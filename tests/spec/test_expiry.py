"""Sessions whose proof has an end: that of a token (a choice of wampd; WAMP does not speak of it)."""

from __future__ import annotations

import time

from tests.spec.scenes import pass_time
from tests.support.play import ANY, closed, nothing
from tests.support.stages import MemoryStage
from tests.support.tokens import SECRET, signed
from wampd.realms.messages import CALL, ERROR, GOODBYE, HELLO, REGISTER, REGISTERED, SUBSCRIBE, SUBSCRIBED, WELCOME

EXPIRED = [GOODBYE, {"message": "the authentication has expired"}, "wamp.close.killed"]
AND_OUT = [GOODBYE, {}, "wamp.close.goodbye_and_out"]


def joins_for(play, name, seconds):
    """Somebody joins whose token lasts so long."""
    token = signed({"exp": time.time() + seconds})
    play.newcomer(name).join("expiring", authmethods=["jwt"], authextra={"token": token})


def test_a_session_ends_when_what_proved_it_expires(play):
    joins_for(play, "ann", 600)
    joins_for(play, "joe", 3)
    assert play.joe.details["authmethod"] == "jwt"
    play.joe > [REGISTER, 1, {}, "com.app.add"]
    play.joe < [REGISTERED, 1, ANY]
    if isinstance(play.stage, MemoryStage):
        pass_time(play, 4)
    play.joe < EXPIRED
    play.joe > AND_OUT
    play.joe < closed(1001)
    play.ann > [CALL, 1, {}, "com.app.add"]
    play.ann < [ERROR, CALL, 1, {...: ...}, "wamp.error.no_such_procedure", ...]


def test_it_does_not_end_earlier(memory_play):
    play = memory_play
    joins_for(play, "joe", 600)
    play.stage.clock.advance(599)
    play.joe < nothing
    play.stage.clock.advance(2)
    play.joe < EXPIRED
    play.joe > AND_OUT
    play.joe < closed


def test_who_does_not_answer_is_disconnected(memory_play):
    play = memory_play
    joins_for(play, "joe", 600)
    play.stage.clock.advance(601)
    play.joe < EXPIRED
    play.joe > [SUBSCRIBE, 1, {}, "com.topic"]
    play.joe < nothing
    play.stage.clock.advance(10)
    play.joe < closed


def test_the_end_of_one_session_is_not_that_of_the_next_on_the_same_connection(memory_play):
    play = memory_play
    joins_for(play, "joe", 600)
    play.joe > [GOODBYE, {}, "wamp.close.close_realm"]
    play.joe < AND_OUT
    play.joe > [HELLO, "realm1", {"roles": {"subscriber": {}}}]
    play.joe < [WELCOME, int, dict]
    play.stage.clock.advance(700)
    play.joe > [SUBSCRIBE, 1, {}, "com.topic"]
    play.joe < [SUBSCRIBED, 1, ANY]


def test_a_token_that_has_expired_opens_nothing(play):
    token = signed({"exp": time.time() - 1})
    play.newcomer("joe").hello("expiring", authmethods=["jwt"], authextra={"token": token})
    play.joe < [3, {"message": "authentication failed"}, "wamp.error.authentication_denied"]
    play.joe < closed(1000)
    assert SECRET not in str(play)
