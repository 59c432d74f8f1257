"""How sessions begin (basic profile, "Session Establishment")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE, registered
from tests.support.play import ANY, BASIC, closed, nothing, violation
from wampd.realms.messages import (
    ABORT,
    AUTHENTICATE,
    CALL,
    CHALLENGE,
    ERROR,
    GOODBYE,
    HELLO,
    PUBLISH,
    SUBSCRIBE,
    WELCOME,
    YIELD,
)


@pytest.mark.spec("SES-02", "SES-03", "SES-05")
def test_hello_is_answered_by_welcome_with_the_roles_and_the_agent_of_the_router(play):
    play.newcomer("alice")
    play.alice > [HELLO, "realm1", {"roles": BASIC, "agent": "test-1"}]
    play.alice < [
        WELCOME,
        ANY.as_("id"),
        {
            "realm": "realm1",
            "authid": str,
            "authrole": "anonymous",
            "authmethod": "anonymous",
            "authprovider": str,
            "agent": ANY.as_("agent"),
            "roles": {"broker": {"features": dict, ...: ...}, "dealer": {"features": dict, ...: ...}},
            ...: ...,
        },
    ]
    assert 1 <= play.id <= 2**53
    assert play.agent.startswith("wampd-")


@pytest.mark.spec("SES-04")
@pytest.mark.parametrize(
    "details",
    [
        {},
        {"roles": {}},
        {"roles": []},
        {"roles": None},
        {"roles": {"foo": {}}},
        {"roles": {"broker": {}, "dealer": {}}},
        {"roles": {"caller": []}},
        {"roles": {"caller": True}},
        {"roles": {"caller": {"features": []}}},
        {"roles": ["caller"]},
    ],
    ids=str,
)
def test_hello_announces_at_least_one_role_of_a_client(play, details):
    play.newcomer("alice")
    play.alice > [HELLO, "realm1", details]
    play.alice < violation


@pytest.mark.spec("SES-04", "MSG-13")
@pytest.mark.parametrize("role", sorted(BASIC))
def test_one_role_is_enough(play, role):
    play.session("alice", roles={role: {}})
    play.alice < nothing


@pytest.mark.spec("SES-05", "SES-19")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("agent", 5),
        ("authid", 5),
        ("authid", ["joe"]),
        ("authmethods", "ticket"),
        ("authmethods", [1]),
        ("authmethods", {}),
        ("authrole", 1),
        ("authextra", []),
        ("authextra", "x"),
        ("resumable", "yes"),
        ("resumable", 1),
    ],
)
def test_details_of_hello_of_the_wrong_type_are_a_violation(play, key, value):
    play.newcomer("alice")
    play.alice > [HELLO, "realm1", {"roles": BASIC, key: value}]
    play.alice < violation(key)


@pytest.mark.spec("SES-06", "SES-13")
def test_an_unknown_realm_is_refused(play):
    play.newcomer("alice").hello("no.such.realm")
    play.alice < [ABORT, {"message": str}, "wamp.error.no_such_realm"]
    play.alice < closed


@pytest.mark.spec("SES-01", "PV-02")
@pytest.mark.parametrize(
    "message",
    [
        [SUBSCRIBE, 1, {}, "a.b"],
        [PUBLISH, 1, ACKNOWLEDGE, "a.b"],
        [CALL, 1, {}, "a.b"],
        [GOODBYE, {}, "wamp.close.close_realm"],
        [YIELD, 1, {}],
        [AUTHENTICATE, "x", {}],
        [WELCOME, 1, {}],
    ],
    ids=str,
)
def test_the_first_message_is_hello(play, message):
    play.newcomer("alice") > message
    play.alice < violation


@pytest.mark.spec("SES-07", "PV-01")
def test_a_second_hello_is_a_violation_and_ends_the_session(play):
    registered(play)
    play.callee.hello()
    play.callee < violation
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ...]


@pytest.mark.spec("SES-08", "AMB-32")
def test_an_abort_instead_of_hello_or_authenticate_is_not_answered(play):
    play.newcomer("alice") > [ABORT, {}, "com.app.changed.my.mind"]
    play.alice < closed
    play.newcomer("bob").hello("guarded", authmethods=["ticket"], authid="joe")
    play.bob < [CHALLENGE, "ticket", {}]
    play.bob > [ABORT, {}, "com.app.changed.my.mind"]
    play.bob < closed


@pytest.mark.spec("SES-14")
def test_who_does_not_say_hello_in_time_is_disconnected(memory_play):
    memory_play.newcomer("alice")
    memory_play.stage.clock.advance(9.5)
    assert not memory_play.alice.has_ended()
    memory_play.stage.clock.advance(1)
    memory_play.alice < closed


@pytest.mark.spec("SES-14")
def test_who_does_not_authenticate_in_time_is_refused(memory_play):
    play = memory_play
    play.newcomer("alice").hello("guarded", authmethods=["ticket"], authid="joe")
    play.alice < [CHALLENGE, "ticket", {}]
    play.stage.clock.advance(11)
    play.alice < [ABORT, {"message": str}, "wamp.error.authentication_failed"]
    play.alice < closed


@pytest.mark.spec("SES-15")
@pytest.mark.parametrize(
    "message",
    [
        [SUBSCRIBE, 1, {}, "a.b"],
        [HELLO, "guarded", {"roles": BASIC}],
        [GOODBYE, {}, "wamp.close.close_realm"],
        [CALL, 1, {}, "a.b"],
        [PUBLISH, 1, {}, "a.b"],
        [CHALLENGE, "ticket", {}],
    ],
    ids=str,
)
def test_a_challenge_is_answered_by_authenticate_or_abort(play, message):
    play.newcomer("alice").hello("guarded", authmethods=["ticket"], authid="joe")
    play.alice < [CHALLENGE, "ticket", {}]
    play.alice > message
    play.alice < violation


@pytest.mark.spec("SES-15", "SES-02")
def test_the_right_ticket_is_welcome(play):
    play.newcomer("alice").hello("guarded", authmethods=["ticket"], authid="joe")
    play.alice < [CHALLENGE, "ticket", {}]
    play.alice > [AUTHENTICATE, "hunter2-of-joe", {}]
    play.alice.welcome()
    assert play.alice.details["authid"] == "joe"
    assert play.alice.details["authrole"] == "member"
    assert play.alice.details["authmethod"] == "ticket"


@pytest.mark.spec("SES-16")
def test_authenticate_without_a_challenge_is_a_violation(play):
    play.newcomer("alice") > [AUTHENTICATE, "x", {}]
    play.alice < violation
    play.bob > [AUTHENTICATE, "x", {}]
    play.bob < violation


@pytest.mark.spec("SES-16", "SES-15")
def test_a_challenge_is_good_for_one_answer(play):
    play.newcomer("alice").hello("guarded", authmethods=["ticket"], authid="joe")
    play.alice < [CHALLENGE, "ticket", {}]
    play.alice.say([AUTHENTICATE, "wrong", {}], [AUTHENTICATE, "hunter2-of-joe", {}])
    play.alice < [ABORT, {"message": str}, "wamp.error.authentication_denied"]
    play.alice < closed
