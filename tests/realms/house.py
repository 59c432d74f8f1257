"""A realm and its members, without a router round them: what is said goes in, what is heard comes out of the outboxes."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec
from msgspec import Raw

from wampd.realms.asking import Question
from wampd.realms.calls import Timeouts
from wampd.realms.features import BROKER_FEATURES, DEALER_FEATURES
from wampd.realms.grants import Authorizer, Grant, Grants
from wampd.realms.limits import Limits, Quota
from wampd.realms.messages import EVENT, SUBSCRIBE, SUBSCRIBED, Event, Foreign, Format, json_decoder
from wampd.realms.options import ClientRole, ClientRoles, Match
from wampd.realms.outside import Outside
from wampd.realms.realm import Realm
from wampd.realms.session import Session, SessionOver

_decode = json_decoder().decode


def decode(payload: Raw, form: Format) -> Any:
    """The plain value of an undecoded payload, which is JSON."""
    assert form is Format.JSON
    return msgspec.json.decode(payload)


def carry(payload: Any, source: Format, target: Format) -> Any:
    """The same of a payload that is a plain value already, or that has to be carried to another serialization."""
    if payload == "a poison" or (isinstance(payload, Raw) and b"poison" in bytes(payload)):
        raise ValueError("it cannot be carried")
    return payload if source is Format.PLAIN else decode(payload, source)


class Everything:
    """A policy that grants everything."""

    def decide(self, action: str, uri: str, match: Match) -> Grant:
        return Grant()


def plain(message: Any) -> list[Any]:
    """A message of an outbox as its receiver will read it; payload in a serialization of its own stays undecoded."""
    if isinstance(message, Foreign):
        message = message.message
    if isinstance(message, Event):
        message = (EVENT, message.subscription, message.publication, message.details, message.args, message.kwargs)
        while message[-1] is None:
            message = message[:-1]
    return [msgspec.json.decode(part) if isinstance(part, Raw) else part for part in message]


CAPABLE = ClientRoles(*[ClientRole(dict.fromkeys((*BROKER_FEATURES, *DEALER_FEATURES), True))] * 4)
"""The roles of a client that has announced all there is."""


def is_caught(message: Any) -> bool:
    """Whether a message is news of the realm itself that a pattern caught."""
    return isinstance(message, Event) and message.details.get("topic", "").startswith("wamp.")


class Member:
    """A session, spoken to in lists."""

    def __init__(self, house: House, session: Session) -> None:
        self.house = house
        self.session = session

    def __repr__(self) -> str:
        return f"<Member {self.session.id}>"

    def say(self, *messages: list[Any]) -> None:
        """Say something. Raises what `Realm.handle` raises."""
        for message in messages:
            self.house.realm.handle(self.session, _decode(msgspec.json.encode(message)))

    def heard(self) -> list[list[Any]]:
        """What is in the outbox, which is empty afterwards; of news of the realm itself, what was asked for by name."""
        self.house.settle()
        messages = [plain(message) for message in self.session.outbox if not is_caught(message)]
        self.session.outbox.clear()
        self.session.spent = 0
        return messages

    def leave(self) -> None:
        """Be gone."""
        self.house.realm.leave(self.session)

    def goodbye(self) -> None:
        """Say GOODBYE, and be gone."""
        try:
            self.say([6, {}, "wamp.close.close_realm"])
        except SessionOver:
            return
        raise AssertionError("the session goes on after GOODBYE")

    def holds_nothing(self) -> bool:
        """Whether no record is left of what the session did."""
        session = self.session
        return not (
            session.subscriptions or session.registrations or session.calls or session.invocations or session.ended
        )


class House:
    """One realm, in which everybody may do everything."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        strict: bool = False,
        policy: Any = None,
        timeouts: Timeouts | None = None,
        quota: Quota | None = None,
        authorizer: Authorizer | None = None,
        **kept: Any,
    ) -> None:
        """``kept`` is how the realm keeps events: ``retention``, ``history``."""
        self.alarmed: list[Realm] = []
        self.asked: list[Question] = []
        self.authorizer = authorizer
        self.touched: list[Session] = []
        self.ids = count(1)
        publication_ids = count(5001)
        self.now = 1000.0
        self.wall = 1_700_000_000.0
        self.realm = Realm(
            "realm1",
            touched=self.touched,
            outside=Outside(
                lambda: next(publication_ids), lambda: self.now, lambda: self.wall, lambda: 0.5, decode, carry
            ),
            alarmed=self.alarmed,
            asked=self.asked,
            limits=limits or Limits(),
            timeouts=timeouts or Timeouts(),
            quota=quota or Quota(),
            **kept,
            strict_request_ids=strict,
        )
        self.policy = policy or Everything()
        self.grants = Grants(self.policy, authorizer=authorizer)  # of all who ask
        self.members: list[Member] = []

    def join(
        self,
        *,
        interruptible: bool = True,
        roles: ClientRoles | None = None,
        form: Format = Format.JSON,
        grants: Grants | None = None,
        **who: str,
    ) -> Member:
        """A new member."""
        features = {"call_canceling": True} if interruptible else {}
        role = ClientRole(features)
        session = Session(
            next(self.ids),
            format=form,
            roles=roles or ClientRoles(role, role, role, role),
            grants=grants or (self.grants if self.authorizer else Grants(self.policy)),
            touched=self.touched,
            **who,
        )
        self.realm.join(session)
        member = Member(self, session)
        self.members.append(member)
        return member

    def settle(self) -> None:
        """End the turn for sessions that are part of the router."""
        for session in self.touched:  # grows meanwhile
            if session.outlet is not None:
                session.outlet.flush()

    def is_empty(self) -> bool:
        """Whether nothing is left of anybody."""
        realm = self.realm
        return (
            not realm.sessions
            and not realm.has_leavers
            and not len(realm.dealer.registrations)
            and not len(realm.dealer.deadlines)
            and realm.dealer.store.used == 0
            and not len(realm.broker.subscriptions)
            and all(member.holds_nothing() for member in self.members)
        )


class Choosy:
    """A policy by first component: what ``shut`` begins is refused; ``shown`` and ``hidden`` say who is disclosed."""

    def decide(self, action, uri, match):
        first = uri.split(".")[0]
        if first == "shut":
            return Grant(refusal="wamp.error.not_authorized", reason="it is shut")
        return Grant(disclose={"shown": "always", "hidden": "never"}.get(first, "on_request"))


def subscribed(house, uri="com.topic", match="exact", **who):
    """A new member with a subscription, and its id."""
    member = house.join(**who)
    member.say([SUBSCRIBE, 1, {"match": match}, uri])
    ((kind, request, subscription),) = member.heard()
    assert (kind, request) == (SUBSCRIBED, 1)
    return member, subscription
