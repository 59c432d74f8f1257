"""Laws of events: whatever is published with whatever options, who gets what is what a plain definition says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.realms.house import House
from tests.realms.universe import matched
from wampd.realms.history import HistoryRule
from wampd.realms.messages import CALL, EVENT, PUBLISH, RESULT, SUBSCRIBE, SUBSCRIBED
from wampd.realms.sharding import rendezvous

TOPICS = ["com.a", "com.a.x", "com.b.x"]
PATTERNS = [("com.a", "exact"), ("com.", "prefix"), ("com..x", "wildcard")]
PEOPLE = [("joe", "member"), ("ann", "member"), ("bob", "guest"), ("joe", "guest")]

options = st.fixed_dictionaries(
    {},
    optional={
        "exclude_me": st.booleans(),
        "retain": st.booleans(),
        "rkey": st.sampled_from(["r1", "r2", "r3"]),
        "eligible": st.lists(st.integers(1, 4), max_size=3),
        "exclude": st.lists(st.integers(1, 4), max_size=2),
        "eligible_authid": st.lists(st.sampled_from(["joe", "ann"]), max_size=2),
        "exclude_authid": st.lists(st.sampled_from(["joe", "bob"]), max_size=1),
        "eligible_authrole": st.lists(st.sampled_from(["member", "guest"]), max_size=2),
        "exclude_authrole": st.lists(st.just("guest"), max_size=1),
    },
)
steps = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, 3), st.sampled_from(TOPICS), options),
    st.tuples(st.just("subscribe"), st.integers(0, 3), st.sampled_from(PATTERNS), st.sampled_from([None, "n1", "n2"])),
    st.tuples(st.just("testament"), st.integers(0, 3), st.sampled_from(TOPICS), options),
    st.tuples(st.just("leave"), st.integers(0, 3)),
)


class World:
    """A realm, and beside it what should happen in it, from the definitions alone."""

    def __init__(self) -> None:
        self.house = House(history=[HistoryRule("com.", "prefix")])
        self.members = [self.house.join(authid=authid, authrole=authrole) for authid, authrole in PEOPLE]
        self.here = [True] * 4
        self.requests = [0] * 4
        self.published = 0
        self.subscribed: dict[tuple[str, str], dict[int, str | None]] = {pattern: {} for pattern in PATTERNS}
        self.ids: dict[tuple[str, str], int] = {}
        self.retained: dict[str, list[tuple[int, int, dict[str, Any]]]] = {}
        self.history: list[tuple[int, dict[str, Any]]] = []
        self.testaments: list[list[tuple[str, dict[str, Any], int]]] = [[] for _ in range(4)]
        self.due: list[list[list[Any]]] = [[] for _ in range(4)]

    def admits(self, who: int, publisher: int, given: dict[str, Any]) -> bool:
        authid, authrole = PEOPLE[who]
        names = {"": who + 1, "_authid": authid, "_authrole": authrole}
        return not (who == publisher and given.get("exclude_me", True)) and all(
            name in given.get(f"eligible{kind}", [name]) and name not in given.get(f"exclude{kind}", [])
            for kind, name in names.items()
        )

    def shares(self, who: int, pattern: tuple[str, str], given: dict[str, Any]) -> bool:
        nodes = {key for key in self.subscribed[pattern].values() if key is not None}
        mine = self.subscribed[pattern][who]
        return "rkey" not in given or mine is None or mine == rendezvous(given["rkey"], nodes)

    def fires(self, publisher: int, topic: str, given: dict[str, Any], number: int) -> None:
        for pattern, subscribers in self.subscribed.items():
            if matched(*pattern, topic):
                details = {} if pattern[1] == "exact" else {"topic": topic}
                for who in subscribers:
                    if self.admits(who, publisher, given) and self.shares(who, pattern, given):
                        self.due[who].append([EVENT, pattern, details, [number]])
        if given.get("retain"):
            self.retained.setdefault(topic, []).append((number, publisher, given))
        if "eligible" not in given and not given.get("exclude"):
            self.history.append((number, given))

    # --------------------------------------------------------------------------------------------------------- steps

    def publish(self, who: int, topic: str, given: dict[str, Any]) -> None:
        self.published += 1
        self.requests[who] += 1
        self.fires(who, topic, given, self.published)
        self.members[who].say([PUBLISH, self.requests[who], given, topic, [self.published]])

    def subscribe(self, who: int, pattern: tuple[str, str], nkey: str | None) -> None:
        self.requests[who] += 1
        self.subscribed[pattern][who] = nkey
        self.due[who].append([SUBSCRIBED, self.requests[who], pattern])
        for topic in sorted(self.retained):
            if matched(*pattern, topic):
                for number, publisher, given in reversed(self.retained[topic]):
                    if self.admits(who, publisher, given) and self.shares(who, pattern, given):
                        details = {"retained": True, **({} if pattern[1] == "exact" else {"topic": topic})}
                        self.due[who].append([EVENT, pattern, details, [number]])
                        break
        key = {} if nkey is None else {"nkey": nkey}
        self.members[who].say(
            [SUBSCRIBE, self.requests[who], {"match": pattern[1], "get_retained": True, **key}, pattern[0]]
        )

    def testament(self, who: int, topic: str, given: dict[str, Any]) -> None:
        self.published += 1
        self.requests[who] += 1
        self.testaments[who].append((topic, given, self.published))
        add = "wamp.session.add_testament"
        payload = [topic, [self.published], {}]
        self.members[who].say([CALL, self.requests[who], {}, add, payload, {"publish_options": given}])
        self.due[who].append([RESULT, self.requests[who], {}])

    def leave(self, who: int) -> None:
        self.here[who] = False
        self.check()
        for subscribers in self.subscribed.values():
            subscribers.pop(who, None)
        for topic, options_given, number in self.testaments[who]:
            self.fires(who, topic, options_given, number)
        self.members[who].leave()

    # -------------------------------------------------------------------------------------------------------- the law

    def check(self) -> None:
        """See that everybody heard what was due, and nothing else."""
        for who, member in enumerate(self.members):
            heard = member.heard()
            due, self.due[who] = self.due[who], []
            assert [message[0] for message in heard] == [message[0] for message in due]
            for got, wanted in zip(heard, due, strict=True):
                if got[0] == SUBSCRIBED:
                    assert got[1] == wanted[1]
                    self.ids[wanted[2]] = got[2]
                elif got[0] == EVENT:
                    assert got[1] == self.ids[wanted[1]]
                    assert got[3:] == wanted[2:]
                else:
                    assert got == wanted

    def end(self) -> None:
        """Ask everybody for the history; then all leave, and nothing is left but what is kept."""
        self.check()
        for who, member in enumerate(self.members):
            if not self.here[who]:
                continue
            member.say([CALL, self.requests[who] + 1, {}, "wamp.subscription.get_events", [1]])
            ((_, _, _, (events,)),) = member.heard()
            seen = [number for number, given in self.history if self.admits(who, -1, given)]
            assert [event["args"] for event in events] == [[number] for number in seen]
        for who, here in enumerate(self.here):
            if here:
                self.leave(who)
                self.check()
        realm = self.house.realm
        assert len(realm.testaments) == 0
        assert list(realm.broker.by_id) == [1]
        assert not realm.broker.by_id[1].subscribers
        assert realm.broker.by_id[1].shards is None
        assert {topic for topic, kept in realm.broker.retained._topics.items() if kept} == set(self.retained)


@pytest.mark.spec("BWL-06", "RET-04", "RET-05", "RET-06", "SHS-01", "HIST-08", "TST-02", "TST-07", "PSUB-04", "EXC-01")
@settings(max_examples=150)
@given(st.lists(steps, max_size=14))
def test_everybody_gets_exactly_what_the_definitions_say(script):
    world = World()
    for name, who, *rest in script:
        if world.here[who]:
            getattr(world, name)(who, *rest)
            world.check()
    world.end()
