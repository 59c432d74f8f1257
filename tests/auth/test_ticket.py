"""Tickets: who comes in, and that nobody else does."""

from __future__ import annotations

import hmac
from unittest.mock import ANY

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

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
from wampd.auth import ticket as ticket_module
from wampd.auth.accounts import Account
from wampd.auth.handshake import Accept, RealmAuth
from wampd.auth.questions import CheckPassword
from wampd.auth.roles import Role
from wampd.auth.ticket import Ticket
from wampd.realms.messages import json_decoder
from wampd.realms.session import ProtocolViolation
from wampd.router.stores.accounts import FixedAccounts

DENIED = [ABORT, {"message": "authentication failed"}, wamp_error("authentication_denied")]


@pytest.fixture
def client() -> Client:
    return Client(directory())


@pytest.mark.spec("TIC-01", "AUT-01", "AUT-05")
def test_the_right_ticket_lets_its_owner_in(client):
    client > hello(authmethods=["ticket"], authid="joe")
    client < [CHALLENGE, "ticket", {}]
    client > [AUTHENTICATE, TICKETS["joe"], {}]
    client < [WELCOME, 1001]
    details = client.accepted.details()
    assert details["authid"] == "joe"
    assert details["authrole"] == "member"
    assert details["authmethod"] == "ticket"
    assert details["authprovider"] == "static"
    assert "authextra" not in details
    assert client.accepted.grants.call("com.app.add").refusal is None


@pytest.mark.spec("TIC-01", "AUT-04")
@pytest.mark.parametrize(
    "ticket",
    [
        "",
        "joe",
        "joe's hunter2 ",
        " joe's hunter2",
        "Joe's hunter2",
        "joe's secre",
        "joe's hunter2\x00",
        "\ufeffjoe's hunter2",
        "ann's hunter2",
        "x" * 100_000,
        "\U0001f600",
    ],
)
def test_a_wrong_ticket_is_denied(client, ticket):
    client > hello(authmethods=["ticket"], authid="joe")
    client > [AUTHENTICATE, ticket, {}]
    client < DENIED
    assert client.aborted.log == "ticket: wrong ticket for 'joe'"


@pytest.mark.spec("AUT-04")
def test_an_unknown_authid_walks_the_same_path_as_a_wrong_ticket():
    doors = directory()
    known, unknown = Client(doors), Client(doors)
    known > hello(authmethods=["ticket"], authid="joe")
    unknown > hello(authmethods=["ticket"], authid="nobody")
    assert known.outcome == unknown.outcome
    known > [AUTHENTICATE, "wrong", {}]
    unknown > [AUTHENTICATE, "wrong", {}]
    assert known.aborted.wire() == unknown.aborted.wire()
    assert unknown.aborted.log == "ticket: unknown authid 'nobody'"


@pytest.mark.spec("AUT-08")
@pytest.mark.parametrize("authid", ["joe", "nobody"])
@pytest.mark.parametrize("ticket", ["joe's hunter2", "wrong", ""])
def test_tickets_are_compared_once_in_constant_time_and_at_one_length(client, monkeypatch, authid, ticket):
    compared = []

    class Watched:
        @staticmethod
        def compare_digest(one: bytes, other: bytes) -> bool:
            compared.append((len(one), len(other)))
            return hmac.compare_digest(one, other)

    monkeypatch.setattr(ticket_module, "hmac", Watched)
    client > hello(authmethods=["ticket"], authid=authid)
    client > [AUTHENTICATE, ticket, {}]
    assert compared == [(32, 32)]


@pytest.mark.spec("TIC-01")
@pytest.mark.parametrize("offered", [["ticket"], ["ticket", "anonymous"]])
def test_a_ticket_needs_an_authid(client, offered):
    client > hello(authmethods=offered)
    client < [ABORT, {"message": ANY}, wamp_error("authentication_failed")]
    assert "authid" in client.aborted.message


@pytest.mark.spec("AUT-04")
@pytest.mark.parametrize("authid", ["", "Joe", "joe ", "ann\x00", "no such role", "visitor"])
def test_an_authid_must_be_the_very_same(client, authid):
    client > hello(authmethods=["ticket"], authid=authid)
    client < [CHALLENGE, "ticket", {}]
    client > [AUTHENTICATE, TICKETS["joe"], {}]
    client < DENIED


def test_a_role_that_the_client_asks_for_is_not_given(client):
    client > hello(authmethods=["ticket"], authid="joe", authrole="admin")
    client > [AUTHENTICATE, TICKETS["joe"], {}]
    assert client.accepted.authrole == "member"


@pytest.mark.spec("AUT-08")
def test_a_challenge_takes_one_guess(client):
    client > hello(authmethods=["ticket"], authid="joe")
    client > [AUTHENTICATE, "wrong", {}]
    client < DENIED
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, TICKETS["joe"], {}]


def test_no_secret_is_seen_in_what_is_printed_or_logged(client):
    accounts = FixedAccounts([with_ticket("joe", "member", "hunter2")])
    assert "hunter2" not in f"{Ticket(accounts)!r} {vars(accounts)!r} {vars(Ticket)!r}"
    client > hello(authmethods=["ticket"], authid="joe")
    client > [AUTHENTICATE, "hunter2", {}]
    assert "hunter2" not in repr(client.outcome)
    assert TICKETS["joe"] not in repr(client.outcome)


def test_no_secret_is_seen_in_a_message_that_is_printed():
    said = json_decoder().decode(b'[5, "hunter2", {"password": "hunter2"}]')
    hello = json_decoder().decode(b'[1, "realm1", {"roles": {}, "authid": "joe", "authextra": {"token": "hunter2"}}]')
    assert "hunter2" not in f"{said!r} {said!s} {hello!r} {hello!s}"
    assert "joe" in repr(hello)


@pytest.mark.spec("AUT-04")
@pytest.mark.parametrize("ticket", ["", "x", "\x00" * 32])
def test_an_account_without_a_ticket_lets_nobody_in_with_one(ticket):
    door = RealmAuth([Ticket(FixedAccounts([Account(authid="joe", role="member")]))], [Role("member")])
    client = Client({"realm1": door})
    client > hello(authmethods=["ticket"], authid="joe")
    client > [AUTHENTICATE, ticket, {}]
    client < DENIED
    assert client.aborted.log == "ticket: no ticket for 'joe'"


def test_two_principals_with_one_authid_are_a_mistake():
    with pytest.raises(ValueError, match="two principals with the authid 'joe'"):
        FixedAccounts([with_ticket("joe", "member", "a"), with_ticket("joe", "member", "b")])


TOO_LATE: list[object] = ["the time is over"]


class Intruder(RuleBasedStateMachine):
    """Says everything, in any order, again and again; comes in only by a good HELLO and the right ticket next."""

    def __init__(self) -> None:
        super().__init__()
        self.doors = directory()
        self.client = Client(self.doors)
        self.said: list[list[object]] = []

    @rule()
    def connect(self):
        self.client = Client(self.doors)
        self.said = []

    @rule(
        realm=st.sampled_from(["closed", "closed", "realm1", "other", "bad realm#"]),
        authid=st.sampled_from(["joe", "ann", "nobody", "", None]),
        offered=st.sampled_from([["ticket"], ["ticket"], ["ticket", "anonymous"], ["foobar", "ticket"], ["foobar"]]),
        roles=st.sampled_from([{"caller": {}}, {"caller": {}}, {}]),
    )
    def hello(self, realm, authid, offered, roles):
        details = {} if authid is None else {"authid": authid}
        self.say(hello(realm, authmethods=offered, roles=roles, **details))

    @rule(
        ticket=st.sampled_from([*TICKETS.values(), "", "wrong", "joe's hunter2 "]),
        extra=st.sampled_from([{}, {"a": 1}]),
    )
    def authenticate(self, ticket, extra):
        self.say([AUTHENTICATE, ticket, extra])

    @rule(ticket=st.text())
    def guess(self, ticket):
        self.say([AUTHENTICATE, ticket, {}])

    @rule()
    def repeat(self):
        if self.said and self.said[-1] != TOO_LATE:
            self.say(self.said[-1])

    @rule()
    def wait(self):
        self.client.outcome = self.client.handshake.expire()
        self.said.append(TOO_LATE)

    def say(self, message):
        self.said.append(message)
        try:
            assert self.client > message
        except ProtocolViolation:
            self.client.outcome = None

    @invariant()
    def is_in_only_with_a_ticket(self):
        if self.said:
            assert isinstance(self.client.outcome, Accept) == self.entitled()

    def entitled(self) -> bool:
        if len(self.said) != 2 or len(self.said[0]) != 3 or self.said[0][0] != 1 or self.said[1][0] != AUTHENTICATE:
            return False
        (_, realm, details), (_, ticket, _) = self.said
        owner = details.get("authid")
        return (
            realm in ("closed", "realm1")
            and bool(details["roles"])
            and "ticket" in details["authmethods"]
            and TICKETS.get(owner) == ticket
            and self.client.accepted.authid == owner
        )


TestIntruder = Intruder.TestCase


@pytest.mark.spec("TIC-01", "AUT-04")
@pytest.mark.parametrize("authid", ["joe", "nobody"])
def test_a_decoy_that_fits_lets_nobody_in(authid):
    """Whoever learned a password that fits the decoy, or drew it by chance, is still nobody's principal."""
    accounts = FixedAccounts([Account(authid="joe", role="member", ticket=b"t" * 32)])
    client = Client({"realm1": RealmAuth([Ticket(accounts, lambda _: "decoy")], [Role("member")])})
    client.answer = lambda question: True if isinstance(question, CheckPassword) else accounts.find(question)
    client > hello(authmethods=["ticket"], authid=authid)
    client > [AUTHENTICATE, "hunter2", {}]
    client < DENIED


def test_without_decoys_the_digest_of_nobody_fits_no_account(monkeypatch):
    monkeypatch.setattr(ticket_module, "_NOBODY", ticket_module.digest_of("hunter2"))
    accounts = FixedAccounts([Account(authid="joe", role="member", keys=(b"k" * 32,))])
    for authid in ("joe", "nobody"):
        client = Client({"realm1": RealmAuth([Ticket(accounts)], [Role("member")])})
        client > hello(authmethods=["ticket"], authid=authid)
        client > [AUTHENTICATE, "hunter2", {}]
        client < DENIED
