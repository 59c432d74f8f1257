"""Attempts at the handshake: what counts as a failure, who is refused, who has to wait."""

from __future__ import annotations

import itertools
from typing import Any

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
    with_ticket,
)
from wampd.auth.door import RealmAuth
from wampd.auth.handshake import Handshake
from wampd.auth.methods import Decline, Failed, Request, Wait
from wampd.auth.questions import AwaitTurn, FindAccount
from wampd.auth.roles import Role
from wampd.auth.throttle import Throttle, Tolerance
from wampd.auth.ticket import Ticket
from wampd.realms.messages import Authenticate
from wampd.realms.session import ProtocolViolation

HERE = {"type": "websocket", "peer": "192.0.2.1"}
DENIED = [ABORT, {"message": "authentication failed"}, wamp_error("authentication_denied")]
FAILED = wamp_error("authentication_failed")


class Street:
    """Clients of the doors of a router, one after the other or at once, on a clock that the test moves."""

    def __init__(self, **tolerance: Any) -> None:
        self.now = 0.0
        self.throttle = Throttle(Tolerance(**tolerance), lambda: self.now)
        self.doors = directory()

    def client(self, transport: dict[str, Any] = HERE) -> Client:
        client = Client(self.doors, transport)
        client.handshake = Handshake(self.doors, itertools.count(1001).__next__, "wampd-test", transport, self.throttle)
        return client

    def guess(self, ticket: str = "hunter2", authid: str = "joe", realm: str = "realm1") -> Client:
        """Say HELLO, and AUTHENTICATE if there is a CHALLENGE."""
        client = self.client()
        client > hello(realm, authmethods=["ticket"], authid=authid)
        if client.outcome is not None and client.outcome.wire()[0] == CHALLENGE:  # type: ignore[union-attr]
            client > [AUTHENTICATE, ticket, {}]
        return client


def too_many(seconds: int) -> list[Any]:
    return [ABORT, {"message": f"too many failures; try again in {seconds} s", "retry_after": seconds}, FAILED]


@pytest.mark.spec("AUT-08")
def test_who_guesses_too_often_is_refused_before_a_challenge_whatever_it_would_send():
    street = Street()
    for _ in range(5):
        assert street.guess() < DENIED
    refused = street.guess(TICKETS["joe"])
    assert refused < too_many(1)
    assert refused.aborted.log == "ticket: 5 failures of this principal from this address"
    assert not refused.aborted.quiet
    assert street.guess().aborted.quiet
    street.now += 1
    assert street.guess(TICKETS["joe"]) < [WELCOME]


def test_an_unknown_name_is_refused_just_the_same():
    street = Street()
    for authid in ("joe", "nobody"):
        for _ in range(5):
            assert street.guess(authid=authid) < DENIED
    assert street.guess(authid="joe").aborted.wire() == street.guess(authid="nobody").aborted.wire()


def test_the_challenges_that_are_out_are_not_worth_more():
    street = Street()
    clients = [street.client() for _ in range(20)]
    for client in clients:
        client > hello("closed", authmethods=["ticket"], authid="joe")
        client < [CHALLENGE]
    for client in clients:
        client > [AUTHENTICATE, "hunter2", {}]
    assert [client.aborted.reason for client in clients] == [wamp_error("authentication_denied")] * 5 + [FAILED] * 15


def test_the_realms_of_one_template_are_one_door():
    street = Street()
    street.doors.update({f"com.tenant.{number}": street.doors["closed"] for number in range(6)})
    for number in range(5):
        assert street.guess(realm=f"com.tenant.{number}") < DENIED
    assert street.guess(realm="com.tenant.5") < too_many(1)
    assert street.guess(realm="realm1") < DENIED


def test_a_challenge_that_is_not_answered_is_no_failure():
    street = Street()
    for _ in range(20):
        client = street.client()
        client > hello(authmethods=["ticket"], authid="joe")
        client < [CHALLENGE]
        assert client.handshake.expire() is not None
    assert street.throttle.sizes() == {"known": 0, "pair": 0, "address": 0, "principal": 0}


def test_what_ends_a_handshake_without_a_guess_is_no_failure():
    street = Street()
    for _ in range(20):
        client = street.client()
        client > hello(authmethods=["ticket"], authid="joe")
        with pytest.raises(ProtocolViolation):
            client > hello()
        client.handshake.abandon()
        street.client() > hello("no.such.realm", authid="joe")
        street.client() > hello("closed", authid="joe")
        street.client() > hello("closed", authmethods=["foobar"], authid="joe")
    assert street.guess(TICKETS["joe"]) < [WELCOME]


def test_anonymous_clients_are_not_counted():
    street = Street(of_address=1, of_pair=1, of_principal=1)
    street.guess()
    for _ in range(20):
        client = street.client()
        client > hello(authid="joe")
        client < [WELCOME]


# ------------------------------------------------------------------------------------------------ who waits for answers


class Somewhere:
    """Accounts that are known later."""

    def find(self, question: FindAccount) -> None:
        raise AssertionError("asked at once")


def waiting(street: Street, number: int) -> list[Client]:
    """Clients that have sent a ticket, and wait."""
    street.doors["slow"] = RealmAuth([Ticket(Somewhere())], [Role("member")])
    clients = [street.client() for _ in range(number)]
    for client in clients:
        client > hello("slow", authmethods=["ticket"], authid="joe")
    for client in clients:
        client.outcome = client.handshake.authenticate(Authenticate("hunter2", {}))
    return clients


def question(client: Client) -> Any:
    assert isinstance(client.outcome, Wait)
    return client.outcome.question


def test_of_many_guesses_at_once_some_are_judged_and_the_others_wait_for_their_turn():
    street = Street()
    clients = waiting(street, 20)
    kinds = [type(question(client)) for client in clients]
    assert kinds == [FindAccount] * 5 + [AwaitTurn] * 15
    turns: list[Client] = []
    for client in clients[5:]:
        question(client).attempt.turn = lambda client=client: turns.append(client)
    for client in clients[:5]:
        outcome = client.handshake.answer(None)
        assert outcome is not None
        assert outcome.wire()[2] == wamp_error("authentication_denied")  # type: ignore[union-attr]
    seen = 0
    while turns:
        outcome = turns.pop(0).handshake.answer(None)
        assert outcome is not None
        assert outcome.wire()[1]["message"].startswith("too many failures")  # type: ignore[union-attr]
        seen += 1
    assert seen == 15


def test_when_the_first_are_let_in_so_are_the_others():
    street = Street()
    clients = waiting(street, 20)
    turns = [client for client in clients if isinstance(question(client), AwaitTurn)]
    woken: list[Client] = []
    for client in turns:
        question(client).attempt.turn = lambda client=client: woken.append(client)
    joe = with_ticket("joe", "member", "hunter2")
    judged = [client for client in clients if client not in turns]
    let_in = 0
    while judged:
        outcome = judged.pop(0).handshake.answer(joe)
        assert outcome is not None
        assert outcome.wire()[0] == WELCOME  # type: ignore[union-attr]
        let_in += 1
        while woken:
            client = woken.pop(0)
            client.outcome = client.handshake.answer(None)
            assert isinstance(question(client), FindAccount)
            judged.append(client)
    assert let_in == 20
    assert street.throttle.sizes() == {"known": 1, "pair": 0, "address": 0, "principal": 0}


def test_a_turn_that_cannot_come_lets_nobody_in():
    street = Street()
    *_, last = waiting(street, 6)
    outcome = last.handshake.answer(Failed("the outside is broken"))
    assert outcome is not None
    assert outcome.wire()[2] == FAILED  # type: ignore[union-attr]


@pytest.mark.parametrize("leaves", ["while it is judged", "while it waits for its turn"])
def test_who_leaves_makes_way(leaves):
    street = Street()
    clients = waiting(street, 7)
    turns: list[int] = []
    for number in (5, 6):
        question(clients[number]).attempt.turn = lambda number=number: turns.append(number)
    clients[0 if leaves == "while it is judged" else 5].handshake.abandon()
    assert turns == ([5] if leaves == "while it is judged" else [6])


def test_guesses_of_clients_that_do_not_wait_for_the_answer_count():
    street = Street()
    for client in waiting(street, 5):
        client.handshake.abandon()
        assert client.handshake.answer(None) is None
    client = street.client()
    client > hello("slow", authmethods=["ticket"], authid="joe")
    client < too_many(1)


def test_answers_that_nobody_gave_in_time_are_nobodys_guesses():
    street = Street()
    for client in waiting(street, 5):
        assert client.handshake.expire() is not None
    assert street.throttle.sizes() == {"known": 0, "pair": 0, "address": 0, "principal": 0}


@pytest.mark.parametrize(("judged", "refused"), [(True, True), (False, False)])
def test_only_those_who_were_judged_have_failed(judged, refused):
    street = Street()
    for client in waiting(street, 5):
        client.handshake.answer(Failed("broken", guess=judged))
    client = street.client()
    client > hello("slow", authmethods=["ticket"], authid="joe")
    assert (client.outcome.wire()[0] == ABORT) is refused


@pytest.mark.spec("AUT-08")
def test_methods_that_make_way_for_the_next_are_one_attempt_with_it():
    class Declining:
        name = "declining"

        def begin(self, request: Request) -> Declining:
            del request
            return self

        def challenge(self) -> Decline:
            return Decline("not today")

        def authenticate(self, signature: str, extra: dict[str, Any]) -> Decline:
            raise AssertionError

    street = Street()
    methods = [Declining(), *street.doors["realm1"].methods.values()]
    street.doors = {"realm1": RealmAuth(methods, [Role("member"), Role("visitor")])}
    for _ in range(12):  # none of them is left open, for whose end others would wait
        client = street.client()
        client > hello(authmethods=["declining", "ticket"], authid="joe")
        client < [CHALLENGE, "ticket", {}]
        client > [AUTHENTICATE, TICKETS["joe"], {}]
        client < [WELCOME]
