"""A client at the door: conversations with the handshake, in the wire's words."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from wampd.auth.accounts import Account
from wampd.auth.anonymous import Anonymous
from wampd.auth.handshake import Abort, Accept, Handshake, Outcome, RealmAuth
from wampd.auth.methods import Wait
from wampd.auth.roles import Role, Rule
from wampd.auth.ticket import Ticket, digest_of
from wampd.realms.messages import Authenticate, Hello, json_decoder
from wampd.router.stores.accounts import FixedAccounts

HELLO, WELCOME, ABORT, CHALLENGE, AUTHENTICATE = 1, 2, 3, 4, 5

ROLES = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}
TICKETS = {"joe": "joe's hunter2", "ann": "ann's hunter2"}

_DECODER = json_decoder()


def hello(realm: str = "realm1", **details: Any) -> list[Any]:
    return [HELLO, realm, {"roles": ROLES, **details}]


def wamp_error(name: str) -> str:
    return f"wamp.error.{name}"


class Client:
    """``client > message`` says something; ``client < message`` is what must have come back, or part of it."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, directory: dict[str, RealmAuth], transport: dict[str, Any] | None = None) -> None:
        self.doors = directory
        self.handshake = Handshake(directory, itertools.count(1001).__next__, "wampd-test", transport or {})
        self.outcome: Outcome | None = None

    def __gt__(self, message: list[Any]) -> bool:
        self.outcome = None
        decoded = _DECODER.decode(msgspec.json.encode(message))
        if isinstance(decoded, Hello):
            self.outcome = self.handshake.hello(decoded)
        else:
            assert isinstance(decoded, Authenticate)
            self.outcome = self.handshake.authenticate(decoded)
        while isinstance(self.outcome, Wait):
            self.outcome = self.handshake.answer(self.answer(self.outcome.question))
        return True

    def answer(self, question: Any) -> Any:
        """What the outside says to a question."""
        return question.accounts.find(question)

    def __lt__(self, expected: list[Any]) -> bool:
        assert self.outcome is not None
        assert not isinstance(self.outcome, Wait)
        received = list(self.outcome.wire())
        assert received[: len(expected)] == expected
        return True

    @property
    def accepted(self) -> Accept:
        assert isinstance(self.outcome, Accept)
        return self.outcome

    @property
    def aborted(self) -> Abort:
        assert isinstance(self.outcome, Abort)
        return self.outcome


def with_ticket(authid: str, role: str, ticket: str) -> Account:
    return Account(authid=authid, role=role, ticket=digest_of(ticket))


def directory() -> dict[str, RealmAuth]:
    """``realm1``: anonymous and ticket; ``closed``: ticket only; ``public``: anonymous only, strict URIs."""
    everything = Rule("", "prefix", frozenset({"call", "register", "publish", "subscribe"}), "always")
    visitors = Anonymous("visitor", map("drawn-{}".format, itertools.count(1)).__next__)
    tickets = Ticket(
        FixedAccounts(
            [
                with_ticket("joe", "member", TICKETS["joe"]),
                with_ticket("ann", "member", TICKETS["ann"]),
                with_ticket("lost", "no such role", "x"),
            ]
        )
    )
    roles = [Role("visitor"), Role("member", [everything])]
    return {
        "realm1": RealmAuth([visitors, tickets], roles),
        "closed": RealmAuth([tickets], roles),
        "public": RealmAuth([visitors], roles, uri_check="strict"),
    }
