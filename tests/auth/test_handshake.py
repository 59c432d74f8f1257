"""From HELLO to WELCOME or ABORT."""

from __future__ import annotations

import gc
from unittest.mock import ANY

import pytest

from tests.auth.door import (
    ABORT,
    AUTHENTICATE,
    CHALLENGE,
    TICKETS,
    WELCOME,
    Client,
    directory,
    hello,
    wamp_error,
)
from wampd.auth.handshake import Abort, Handshake, RealmAuth
from wampd.auth.methods import Challenge, Decline, Deny, Exchange, Failed, Principal, Request, Step, Wait, shown
from wampd.auth.roles import Role
from wampd.realms.features import BROKER_FEATURES, DEALER_FEATURES
from wampd.realms.messages import Authenticate
from wampd.realms.options import JsonDict
from wampd.realms.session import ProtocolViolation


@pytest.fixture
def client() -> Client:
    return Client(directory())


# ------------------------------------------------------------------------------------------------------------- HELLO


@pytest.mark.spec("SES-02", "AUT-05", "AUT-09")
def test_without_authentication_the_first_answer_is_welcome(client):
    client > hello()
    client < [WELCOME, 1001]
    assert client.accepted.details() == {
        "realm": "realm1",
        "authid": "drawn-1",
        "authrole": "visitor",
        "authmethod": "anonymous",
        "authprovider": "static",
        "agent": "wampd-test",
        "roles": ANY,
    }


@pytest.mark.spec("SES-03", "FEA-01", "AMB-02")
def test_welcome_announces_broker_and_dealer_with_their_features(client):
    client > hello()
    roles = client.accepted.details()["roles"]
    assert roles == {
        "broker": {"features": dict.fromkeys(BROKER_FEATURES, True), "reflection": True},
        "dealer": {"features": dict.fromkeys(DEALER_FEATURES, True), "reflection": True},
    }
    assert {"call_canceling", "call_cancelling"} <= roles["dealer"]["features"].keys()


@pytest.mark.spec("FEA-02")
def test_the_features_that_the_client_announces_are_handed_on(client):
    client > hello(roles={"caller": {"features": {"call_canceling": True, "from_the_future": 1}}})
    roles = client.accepted.roles
    assert roles.caller is not None
    assert roles.caller.has("call_canceling")
    assert roles.callee is None


@pytest.mark.spec("SES-05")
def test_hello_may_name_an_agent(client):
    client > hello(agent="some-client-1.0")
    client < [WELCOME]


@pytest.mark.spec("SES-04", "AMB-09")
@pytest.mark.parametrize("roles", [{}, {"foo": {}}])
def test_a_hello_that_announces_no_known_role_is_a_protocol_violation(client, roles):
    with pytest.raises(ProtocolViolation):
        client > hello(roles=roles)


@pytest.mark.spec("SES-04")
@pytest.mark.parametrize("role", ["publisher", "subscriber", "caller", "callee"])
def test_one_known_role_is_enough(client, role):
    client > hello(roles={role: {}, "foo": {}})
    client < [WELCOME]


@pytest.mark.spec("URI-08", "AMB-05")
@pytest.mark.parametrize("realm", ["bad realm#", "", "a..b", ".a", "a.", "realm1\n", "realm1 ", "x" * 513, "ä" * 257])
def test_a_malformed_realm_is_an_invalid_uri(client, realm):
    client > hello(realm)
    client < [ABORT, {"message": ANY}, wamp_error("invalid_uri")]


@pytest.mark.spec("SES-06")
@pytest.mark.parametrize("realm", ["no.such.realm", "Realm1", "realm", "realm1.a", "x" * 512])
def test_an_unknown_realm_is_told_so(client, realm):
    client > hello(realm)
    client < [ABORT, {"message": ANY}, wamp_error("no_such_realm")]


@pytest.mark.spec("SES-07")
def test_a_second_hello_is_a_protocol_violation(client):
    client > hello()
    client < [WELCOME]
    with pytest.raises(ProtocolViolation):
        client > hello()


@pytest.mark.spec("SES-15")
def test_hello_instead_of_authenticate_is_a_protocol_violation_and_ends_the_challenge(client):
    client > hello(authmethods=["ticket"], authid="joe")
    client < [CHALLENGE]
    with pytest.raises(ProtocolViolation):
        client > hello()
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, TICKETS["joe"], {}]


@pytest.mark.spec("SES-16")
def test_authenticate_without_a_challenge_is_a_protocol_violation(client):
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, TICKETS["joe"], {}]
    with pytest.raises(ProtocolViolation):
        client > hello()


@pytest.mark.spec("SES-16")
def test_authenticate_after_welcome_is_a_protocol_violation(client):
    client > hello()
    client < [WELCOME]
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, TICKETS["joe"], {}]


@pytest.mark.spec("AUT-08")
def test_nothing_can_be_said_after_an_abort(client):
    client > hello("no.such.realm")
    client < [ABORT]
    with pytest.raises(ProtocolViolation):
        client > hello()
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, "x", {}]


@pytest.mark.spec("AUT-08", "SES-16")
@pytest.mark.parametrize("first", ["wrong hunter2", TICKETS["joe"]])
def test_a_challenge_is_answered_once(client, first):
    client > hello(authmethods=["ticket"], authid="joe")
    client > [AUTHENTICATE, first, {}]
    outcome = client.outcome
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, TICKETS["joe"], {}]
    assert isinstance(outcome, Abort) is (first != TICKETS["joe"])


@pytest.mark.spec("AUT-08", "SES-16")
def test_a_challenge_is_answered_once_also_while_the_answer_is_looked_at(client):
    """The first answer waits for the account: no second one, and nothing that is known late, counts after that."""
    client > hello(authmethods=["ticket"], authid="joe")
    waits = client.handshake.authenticate(Authenticate("wrong hunter2", {}))
    assert isinstance(waits, Wait)
    joe = client.answer(waits.question)
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, TICKETS["joe"], {}]
    assert client.handshake.answer(joe) is None


@pytest.mark.spec("AUT-08")
def test_an_answer_of_the_outside_counts_once(client):
    client > hello(authmethods=["ticket"], authid="joe")
    waits = client.handshake.authenticate(Authenticate(TICKETS["joe"], {}))
    joe = client.answer(waits.question)
    assert isinstance(client.handshake.answer(Failed("nobody knows")), Abort)
    assert client.handshake.answer(joe) is None
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, TICKETS["joe"], {}]


# ----------------------------------------------------------------------------------------------------------- methods


@pytest.mark.spec("AUT-01")
@pytest.mark.parametrize(
    ("offered", "answer"),
    [
        (["ticket", "anonymous"], [CHALLENGE, "ticket", {}]),
        (["anonymous", "ticket"], [WELCOME]),
        (["foobar", "ticket", "anonymous"], [CHALLENGE, "ticket", {}]),
        (["foobar", "foobar", "anonymous"], [WELCOME]),
    ],
)
def test_the_first_offered_method_that_the_realm_has_is_taken(client, offered, answer):
    client > hello(authmethods=offered, authid="joe")
    client < answer


@pytest.mark.spec("AUT-02")
@pytest.mark.parametrize("offered", [["foobar"], ["anonymous", "foobar"], ["ticket "], ["Ticket"], [""]])
def test_no_acceptable_method_has_an_error_of_its_own(client, offered):
    client > hello("closed", authmethods=offered, authid="joe")
    client < [ABORT, {"message": ANY}, wamp_error("no_matching_auth_method")]


@pytest.mark.spec("AUT-02")
def test_a_realm_of_anonymous_sessions_serves_no_other_method(client):
    client > hello("public", authmethods=["ticket"], authid="joe")
    client < [ABORT, {"message": ANY}, wamp_error("no_matching_auth_method")]


@pytest.mark.spec("AUT-03")
@pytest.mark.parametrize("details", [{}, {"authmethods": []}, {"authmethods": ["anonymous"]}, {"authid": "joe"}])
def test_a_client_that_offers_nothing_is_told_that_authentication_is_required(client, details):
    client > hello("closed", **details)
    client < [ABORT, {"message": ANY}, wamp_error("authentication_required")]


def test_thousands_of_offered_methods_are_tried_once_each_and_logged_in_short(client):
    counted = Counted(None)
    client = Client({"realm1": RealmAuth([counted], [])})
    client > hello(authmethods=["counted"] * 10_000 + ["x" * 10_000] * 20)
    client < [ABORT, {"message": ANY}, wamp_error("no_matching_auth_method")]
    assert len(counted.requests) == 1
    assert len(client.aborted.log) < 200


# --------------------------------------------------------------------------------------------------------- anonymous


@pytest.mark.spec("AUT-09")
@pytest.mark.parametrize("details", [{}, {"authmethods": ["anonymous"]}, {"authmethods": []}])
def test_anonymous_clients_are_let_in_under_the_configured_role(client, details):
    client > hello(**details)
    client < [WELCOME]
    assert client.accepted.authmethod == "anonymous"
    assert client.accepted.authrole == "visitor"


@pytest.mark.spec("AUT-09")
def test_an_anonymous_client_takes_neither_the_authid_nor_the_role_of_somebody_else(client):
    client > hello(authid="joe", authrole="member")
    client < [WELCOME]
    assert client.accepted.authid == "drawn-1"
    assert client.accepted.authrole == "visitor"
    assert client.accepted.grants.call("com.app.add").refusal == wamp_error("not_authorized")


def test_two_anonymous_clients_have_different_authids():
    doors = directory()
    first, second = Client(doors), Client(doors)
    first > hello()
    second > hello()
    assert first.accepted.authid != second.accepted.authid


# ------------------------------------------------------------------------------------------------- roles and policies


@pytest.mark.spec("AUT-04")
def test_a_principal_whose_role_is_missing_is_told_so(client):
    client > hello(authmethods=["ticket"], authid="lost")
    client > [AUTHENTICATE, "x", {}]
    client < [ABORT, {"message": ANY}, wamp_error("no_such_role")]
    assert "no such role" in client.aborted.log
    assert "no such role" not in client.aborted.message


@pytest.mark.spec("URI-04")
def test_sessions_of_a_realm_are_checked_by_its_rule_for_uris(client):
    client > hello("public")
    assert client.accepted.grants.call("com.App").refusal == wamp_error("invalid_uri")
    assert client.accepted.grants.call("com.app").refusal == wamp_error("not_authorized")


def test_sessions_of_one_role_share_what_is_remembered_of_decisions():
    doors = directory()
    first, second = Client(doors), Client(doors)
    first > hello()
    second > hello()
    assert first.accepted.grants is second.accepted.grants


def test_names_in_a_realm_are_unique():
    with pytest.raises(ValueError, match="two roles named 'a'"):
        RealmAuth([], [Role("a"), Role("a")])
    with pytest.raises(ValueError, match="two methods named 'counted'"):
        RealmAuth([Counted(None), Counted(None)], [])


# ----------------------------------------------------------------------------------------------------------- the clock


@pytest.mark.spec("SES-14")
def test_a_client_that_does_not_answer_a_challenge_in_time_is_told_so(client):
    client > hello(authmethods=["ticket"], authid="joe")
    client < [CHALLENGE]
    late = client.handshake.expire()
    assert late is not None
    assert late.wire() == (ABORT, {"message": "no AUTHENTICATE in time"}, wamp_error("authentication_failed"))
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, TICKETS["joe"], {}]


@pytest.mark.spec("SES-14")
def test_a_client_that_says_nothing_in_time_is_told_nothing(client):
    assert client.handshake.expire() is None
    with pytest.raises(ProtocolViolation):
        client > hello()


# ---------------------------------------------------------------------------------------- methods that are not here yet


class Counted:
    """A method that keeps the requests it gets, and takes the steps it is given."""

    name = "counted"

    def __init__(self, *steps: Step | None) -> None:
        self.steps = list(steps)
        self.requests: list[Request] = []

    def begin(self, request: Request) -> Exchange | None:
        self.requests.append(request)
        return None if self.steps == [None] else Scripted([step for step in self.steps if step is not None])


class _Question:
    """Something that is asked of the outside, with the answer."""

    def __init__(self, answer: object) -> None:
        self.accounts = self
        self.find = lambda _: answer


class Scripted:
    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps
        self.answers: list[tuple[str, JsonDict]] = []

    def challenge(self) -> Step:
        return self.steps.pop(0)

    def authenticate(self, signature: str, extra: JsonDict) -> Step:
        self.answers.append((signature, extra))
        return self.steps.pop(0)


@pytest.mark.spec("AUT-01")
def test_a_method_that_cannot_serve_this_client_leaves_it_to_the_next_one():
    doors = {"realm1": RealmAuth([Counted(None), *directory()["realm1"].methods.values()], [Role("visitor")])}
    client = Client(doors)
    client > hello(authmethods=["counted", "anonymous"])
    client < [WELCOME]
    assert client.accepted.authmethod == "anonymous"


@pytest.mark.spec("AUT-01")
def test_a_method_that_finds_out_later_that_it_cannot_serve_this_client_leaves_it_to_the_next_one():
    asking = Counted(Wait(_Question(None), lambda _: Decline("counted: forgotten")))
    doors = {"realm1": RealmAuth([asking, *directory()["realm1"].methods.values()], [Role("visitor")])}
    client = Client(doors)
    client > hello(authmethods=["counted", "anonymous", "ticket"])
    client < [WELCOME]
    assert client.accepted.authmethod == "anonymous"


@pytest.mark.spec("AUT-01")
def test_where_no_other_method_serves_the_client_the_log_tells_why_the_one_did_not():
    client = Client({"realm1": RealmAuth([Counted(Decline("counted: forgotten"))], [Role("visitor")])})
    client > hello(authmethods=["counted", "counted", "other"])
    client < [ABORT, {"message": ANY}, wamp_error("no_matching_auth_method")]
    assert client.aborted.log == "no method among ['counted', 'counted', 'other']; counted: forgotten"
    assert "forgotten" not in client.aborted.message


@pytest.mark.spec("AUT-06")
def test_factors_follow_one_another():
    steps = [Challenge("one", {"n": 1}), Challenge("two", {}), Principal("joe", "visitor", "static", {"seen": 2})]
    client = Client({"realm1": RealmAuth([Counted(*steps)], [Role("visitor")])})
    client > hello(authmethods=["counted"])
    client < [CHALLENGE, "one", {"n": 1}]
    client > [AUTHENTICATE, "first", {}]
    client < [CHALLENGE, "two", {}]
    client > [AUTHENTICATE, "second", {"code": 5}]
    client < [WELCOME]
    assert client.accepted.details()["authextra"] == {"seen": 2}
    assert client.accepted.authmethod == "counted"


@pytest.mark.spec("AUT-06")
def test_a_second_factor_that_fails_lets_nobody_in():
    steps = [Challenge("one", {}), Challenge("two", {}), Deny("second factor wrong")]
    client = Client({"realm1": RealmAuth([Counted(*steps)], [Role("visitor")])})
    client > hello(authmethods=["counted"])
    client > [AUTHENTICATE, "right", {}]
    client > [AUTHENTICATE, "wrong", {}]
    client < [ABORT, {"message": "authentication failed"}, wamp_error("authentication_denied")]
    assert client.aborted.log == "second factor wrong"


@pytest.mark.spec("AUT-07")
def test_a_method_learns_what_the_transport_knows_and_the_id_that_the_session_will_have():
    counted = Counted(Principal("cn=joe", "visitor", "static"))
    client = Client({"realm1": RealmAuth([counted], [Role("visitor")])}, transport={"certificate": "cn=joe"})
    client > hello(authmethods=["counted"], authextra={"token": "t0p hunter2"})
    client < [WELCOME, counted.requests[0].session_id]
    (request,) = counted.requests
    assert request.transport == {"certificate": "cn=joe"}
    assert request.details.authextra == {"token": "t0p hunter2"}
    assert request.realm == "realm1"
    assert "hunter2" not in repr(request)


# ------------------------------------------------------------------------------------------------------------ our log


def test_what_a_peer_said_is_logged_in_short_and_without_control_characters():
    assert shown("a\nb") == r"'a\nb'"
    assert shown("\x1b[31m") == r"'\x1b[31m'"
    assert len(shown("x" * 10_000)) == 100
    assert len(shown("\U0001f600" * 10_000)) == 100
    assert shown(None) == "None"


@pytest.mark.trap(16)
@pytest.mark.parametrize("method", ["ticket", "scram", "anonymous", "nothing"])
def test_an_authid_that_is_too_long_is_not_looked_at_any_further(client, method):
    client > hello(authmethods=[method], authid="\ufdfa" * 256, authextra={"nonce": "abcd"})
    client < [ABORT, {"message": "an authid has at most 255 characters"}, wamp_error("authentication_failed")]
    assert client.aborted.log == "an authid of 256 characters"
    assert len(client.handshake.claims()["authid"]) == 255


def test_the_longest_authid_is_taken(client):
    client > hello(authmethods=["ticket"], authid="a" * 255)
    client < [CHALLENGE, "ticket", {}]


# ----------------------------------------------------------------------------------------------------------- the end


@pytest.mark.parametrize("ticket", [TICKETS["joe"], "hunter2-wrong"])
def test_a_handshake_that_waited_leaves_nothing_for_the_garbage_collector(ticket):
    rooms = directory()

    def join() -> None:
        client = Client(rooms)
        client > hello(authmethods=["ticket"], authid="joe")
        client < [CHALLENGE, "ticket", {}]
        client > [AUTHENTICATE, ticket, {}]

    join()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(3):
            join()
        gc.collect()
        left = {type(each) for each in gc.garbage} & {Handshake, Request, Wait}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == set()
