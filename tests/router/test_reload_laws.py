"""After a change the router behaves as one that was started so, and who is not concerned hears nothing."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from wampd.realms.grants import NOT_AUTHORIZED
from wampd.router.envoy import CallFailed
from wampd.router.inside.insider import Insider
from wampd.router.inside.insiders import Insiders, NotLetIn
from wampd.router.realms import Realms
from wampd.router.settings import Settings, load
from wampd.router.templates import Plan
from wampd.router.wiring.changing import change_realms
from wampd.router.wiring.places import Key, Places
from wampd.router.wiring.plans import plan_of, template_of

REALMS = [("one", "exact"), ("two", "exact"), ("t.", "prefix"), ("t.x", "exact")]
NAMES = ["one", "two", "t.a", "t.x"]
ROLES = ["reader", "writer"]
URIS = ["com.a", "com.b", "org.a"]
PATTERNS = [("com.", "prefix"), *((uri, "exact") for uri in URIS)]
ACTIONS = ["call", "register", "publish", "subscribe"]

rules = st.lists(
    st.tuples(st.sampled_from([*PATTERNS, ("com.{authid}", "exact")]), st.sets(st.sampled_from(ACTIONS))),
    max_size=3,
    unique_by=lambda rule: rule[0],
)
roles = st.dictionaries(st.sampled_from(ROLES), st.tuples(rules, st.sampled_from([None, 1, 3])), min_size=1, max_size=2)
configurations = st.dictionaries(st.sampled_from(REALMS), roles, min_size=1)
Configuration = dict[tuple[str, str], dict[str, Any]]


def settings_of(configuration: Configuration) -> Settings:
    written = {
        "realms": [
            {
                "name": name,
                "match": match,
                "auth": {"anonymous": {"role": next(iter(given))}},
                "roles": [
                    {
                        "name": role,
                        "limits": {} if limit is None else {"subscriptions": limit},
                        "permissions": [
                            {"uri": uri, "match": how, "allow": sorted(actions)} for (uri, how), actions in permitted
                        ],
                    }
                    for role, (permitted, limit) in given.items()
                ],
            }
            for (name, match), given in configuration.items()
        ],
        "listeners": [{"endpoint": "tcp:0", "rawsocket": {}}],
    }
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "config.yaml"
        file.write_text(yaml.safe_dump(written))
        return load(file, {})


class House:
    """A router in memory."""

    def __init__(self, configuration: Configuration) -> None:
        self.clock = Clock()
        self.settings = settings_of(configuration)
        self.realms = Realms(self.clock, "wampd")
        self.places = Places(self.clock, self.settings, self.realms, {})
        self.insiders = Insiders(self.realms, self.clock)
        self.plans: dict[Key, Plan] = {}
        for realm in self.settings.realms:
            plan = self.plans[realm.name, realm.match] = plan_of(realm, self.places.door(realm))
            if realm.match == "exact":
                self.realms.add(realm.name, plan)
            else:
                self.realms.add_template(template_of(realm, plan))

    def change(self, configuration: Configuration) -> None:
        new = settings_of(configuration)
        houses = self.places.houses(new.realms)
        self.plans = change_realms(self.places, self.realms, self.plans, (self.settings, new), houses)
        self.settings = new
        self.turns()

    def enter(self, realm: str, role: str) -> Insider | None:
        with contextlib.suppress(NotLetIn):
            insider = self.insiders.enter(realm, "b", role)
            self.turns()
            return insider
        return None

    def turns(self) -> None:
        for _ in range(5):
            self.clock.advance(0)
            self.realms.end_of_turn()

    def now(self, answer: Deferred[Any]) -> str:
        """The URI of the error that a request ends in; ``""``: none."""
        came: list[Any] = []
        answer.addBoth(came.append)
        self.turns()
        failure = came[0]
        return failure.value.uri if hasattr(failure, "check") and failure.check(CallFailed) else ""

    def may(self, insider: Insider) -> dict[Any, bool]:
        """What a session may do."""
        asked: dict[Any, Any] = {}
        for uri in URIS:
            asked["publish", uri] = self.now(insider.publish(uri))
            asked["call", uri] = self.now(insider.call(uri, timeout=10))
        return {what: error != NOT_AUTHORIZED for what, error in asked.items()}

    def held(self, insider: Insider) -> tuple[set[Any], set[Any]]:
        """What a session is subscribed to, and what it has registered."""
        for shell in self.realms.all():
            session = shell.core.sessions.get(insider.id)
            if session is not None:
                return tuple(  # type: ignore[return-value]
                    {(one.uri, one.match) for one in (held or {}).values()}
                    for held in (session.subscriptions, session.registrations)
                )
        raise AssertionError("the session is not here")

    def sent(self, insider: Insider) -> int:
        return next(
            session.sent for shell in self.realms.all() for session in shell.core.sessions.values()
            if session.id == insider.id
        )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(configurations, configurations)
def test_a_changed_router_is_as_one_that_was_started_so(before, after):
    house, fresh = House(before), House(after)
    inside = {
        (realm, role): insider for realm in NAMES for role in ROLES if (insider := house.enter(realm, role)) is not None
    }
    for insider in inside.values():
        for uri, match in PATTERNS:
            house.now(insider.subscribe(uri, lambda _: None, match))
            house.now(insider.register(uri, lambda _: 1, {"match": match, "invoke": "roundrobin"}))
    holds = {who: house.held(insider) for who, insider in inside.items()}
    sent = {who: house.sent(insider) for who, insider in inside.items()}
    house.change(after)
    for (realm, role), insider in inside.items():
        if (was := template(before, realm)) == template(after, realm) and before.get(was) == after.get(was):
            assert house.sent(insider) == sent[realm, role], "who is not concerned hears nothing"
            assert house.held(insider) == holds[realm, role]
    for (realm, role), insider in inside.items():
        other = fresh.enter(realm, role)
        was, now = template(before, realm), template(after, realm)
        if other is None or (realm == "t.x" and was == ("t.x", "exact") != now):
            assert insider.is_over
            continue
        assert not insider.is_over, (realm, role)
        for uri, match in PATTERNS:
            fresh.now(other.subscribe(uri, lambda _: None, match))
            fresh.now(other.register(uri, lambda _: 1, {"match": match, "invoke": "roundrobin"}))
        subscriptions, registrations = house.held(insider)
        limited = after[now][role][1] is not None
        granted = fresh.held(other)
        assert registrations == holds[realm, role][1] & granted[1]
        if not limited:
            assert subscriptions == holds[realm, role][0] & granted[0]
        assert subscriptions <= holds[realm, role][0]
        assert house.may(insider) == fresh.may(other)
    for realm in NAMES:
        for role in ROLES:
            assert (house.enter(realm, role) is None) == (fresh.enter(realm, role) is None)


def template(configuration: Configuration, realm: str) -> tuple[str, str]:
    """What a realm of this name is of."""
    if (realm, "exact") in configuration:
        return realm, "exact"
    return "t.", "prefix"


@settings(max_examples=20, deadline=None)
@given(configurations)
def test_a_configuration_that_is_the_same_changes_nothing(configuration):
    house = House(configuration)
    inside = [insider for realm in NAMES for role in ROLES if (insider := house.enter(realm, role)) is not None]
    for insider in inside:
        for uri, match in PATTERNS:
            house.now(insider.subscribe(uri, lambda _: None, match))
    cores = {shell.core for shell in house.realms.all()}
    sent = [house.sent(insider) for insider in inside]
    house.change(configuration)
    assert {shell.core for shell in house.realms.all()} == cores
    assert [house.sent(insider) for insider in inside] == sent
