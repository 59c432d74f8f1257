"""Who published, who called (advanced profile, "Publisher Identification" and "Caller Identification")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE, registered, subscribed
from tests.support.play import ANY, BASIC, nothing
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

DISALLOWED = "wamp.error.option_disallowed.disclose_me"
DISCLOSE = {"disclose_me": True}


def publisher_keys(actor):
    """What an event says of its publisher."""
    authid, authrole = actor.details["authid"], actor.details["authrole"]
    return {"publisher": actor.id, "publisher_authid": authid, "publisher_authrole": authrole}


def caller_keys(actor):
    """What an invocation says of its caller."""
    return {"caller": actor.id, "caller_authid": actor.details["authid"], "caller_authrole": actor.details["authrole"]}


@pytest.mark.spec("PID-01", "PID-03", "FEA-04")
@pytest.mark.parametrize("roles", [None, BASIC], ids=["announced", "not announced"])
def test_a_publisher_is_disclosed_on_its_request(play, roles):
    if roles is not None:
        play.session("publisher", roles=roles)
    subscribed(play)
    play.publisher > [PUBLISH, 1, DISCLOSE, "com.topic"]
    play.subscriber < [EVENT, play.sub, int, publisher_keys(play.publisher)]


@pytest.mark.spec("PID-02")
@pytest.mark.parametrize("options", [{}, {"disclose_me": False}], ids=str)
def test_a_publisher_is_not_disclosed_without_its_request(play, options):
    subscribed(play)
    play.publisher > [PUBLISH, 1, options, "com.topic"]
    play.subscriber < [EVENT, play.sub, int, {}]


@pytest.mark.spec("PID-06")
def test_subscribers_learn_of_the_publisher_whatever_they_announced(play):
    play.session("subscriber", roles=BASIC)
    subscribed(play)
    play.publisher > [PUBLISH, 1, DISCLOSE, "com.topic"]
    play.subscriber < [EVENT, play.sub, int, publisher_keys(play.publisher)]


@pytest.mark.spec("PID-04")
def test_where_disclosure_is_not_allowed_a_publication_that_wants_it_is_refused(play):
    play.session("alice", realm="guarded")
    play.session("bob", realm="guarded")
    play.alice > [SUBSCRIBE, 1, {}, "com.hidden.topic"]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.bob > [PUBLISH, 1, {**DISCLOSE, **ACKNOWLEDGE}, "com.hidden.topic"]
    play.bob < [ERROR, PUBLISH, 1, {}, DISALLOWED, ...]
    play.bob > [PUBLISH, 2, DISCLOSE, "com.hidden.topic"]
    play.bob < nothing
    play.alice < nothing
    play.bob > [PUBLISH, 3, ACKNOWLEDGE, "com.hidden.topic"]
    play.bob < [PUBLISHED, 3, int]
    play.alice < [EVENT, play.sub, int, {}]


@pytest.mark.spec("PID-05")
def test_where_disclosure_is_the_rule_every_publisher_is_disclosed(play):
    play.session("alice", realm="guarded")
    play.session("bob", realm="guarded")
    play.alice > [SUBSCRIBE, 1, {}, "com.shown.topic"]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.bob > [PUBLISH, 1, {}, "com.shown.topic"]
    play.alice < [EVENT, play.sub, int, publisher_keys(play.bob)]


@pytest.mark.spec("CID-01", "CID-02", "FEA-04", "AMB-35")
@pytest.mark.parametrize("roles", [None, BASIC], ids=["announced", "not announced"])
def test_a_caller_is_disclosed_on_its_request(play, roles):
    if roles is not None:
        play.session("caller", roles=roles)
    registered(play)
    play.caller > [CALL, 1, DISCLOSE, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, caller_keys(play.caller)]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("CID-03")
def test_a_caller_is_not_disclosed_without_its_request(play):
    registered(play)
    play.caller > [CALL, 1, {"disclose_me": False}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("CID-04", "CID-05", "AMB-08")
def test_whether_a_caller_is_disclosed_is_up_to_the_realm(play):
    play.session("alice", realm="guarded")
    play.session("bob", realm="guarded")
    for number, uri in enumerate(["com.shown.p", "com.hidden.p"], 1):
        play.alice > [REGISTER, number, {}, uri]
        play.alice < [REGISTERED, number, ANY.as_(uri)]
    play.bob > [CALL, 1, {}, "com.shown.p"]
    play.alice < [INVOCATION, 1, play.names["com.shown.p"], caller_keys(play.bob)]
    play.bob > [CALL, 2, DISCLOSE, "com.hidden.p"]
    play.bob < [ERROR, CALL, 2, {}, DISALLOWED, ...]
    play.bob > [CALL, 3, {}, "com.hidden.p"]
    play.alice < [INVOCATION, 2, play.names["com.hidden.p"], {}]


@pytest.mark.spec("CID-06")
def test_a_callee_may_ask_for_the_caller_of_every_call_of_a_procedure(play):
    play.callee > [REGISTER, 1, {"disclose_caller": True}, "com.app.who"]
    play.callee < [REGISTERED, 1, ANY.as_("who")]
    play.callee > [REGISTER, 2, {}, "com.app.other"]
    play.callee < [REGISTERED, 2, ANY.as_("other")]
    play.caller > [CALL, 1, {}, "com.app.who"]
    play.callee < [INVOCATION, 1, play.who, caller_keys(play.caller)]
    play.caller > [CALL, 2, {}, "com.app.other"]
    play.callee < [INVOCATION, 2, play.other, {}]


@pytest.mark.spec("CID-06")
def test_a_callee_that_asks_for_callers_who_are_not_to_be_disclosed_is_refused(play):
    play.session("alice", realm="guarded")
    play.alice > [REGISTER, 1, {"disclose_caller": True}, "com.hidden.p"]
    play.alice < [ERROR, REGISTER, 1, {}, DISALLOWED, ...]
    play.alice > [REGISTER, 2, {"disclose_caller": True}, "com.open.p"]
    play.alice < [REGISTERED, 2, int]
