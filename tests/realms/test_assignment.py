"""Laws of shared registrations, whatever callers and callees do, in whatever order.

* Every CALL gets exactly one final answer, unless its caller left.
* No callee has more calls than it takes at once; what is counted of a callee's calls is what it has.
* Nobody waits for a callee that has room and could serve the call.
* When all have left, nothing is left of anybody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.realms.house import CAPABLE, House, Member
from wampd.realms.limits import Quota
from wampd.realms.messages import (
    CALL,
    CANCEL,
    ERROR,
    INTERRUPT,
    INVOCATION,
    REGISTER,
    REGISTERED,
    RESULT,
    UNREGISTER,
    YIELD,
)
from wampd.realms.options import ClientRole, ClientRoles
from wampd.realms.sharding import rendezvous

URIS = ["com.p", "com.q"]
CALLS: list[dict[str, Any]] = [
    {},
    {"rkey": "k1"},
    {"rkey": "k2"},
    {"runon": "all"},
    {"runmode": "progressive"},
    {"timeout": 1000},
    {"runon": "all", "timeout": 1000},
]
ABLE = {"call_canceling": True, "call_reroute": True, "registration_revocation": True}


class Sharing(RuleBasedStateMachine):
    """Members of one realm, and what each of them must have heard."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House(quota=Quota(kept_size=2000))
        self.here: dict[int, Member] = {}
        self.requests: Counter[int] = Counter()
        self.open: dict[int, set[int]] = defaultdict(set)  # session → its calls without a final answer

    @initialize(able=st.booleans(), invoke=st.sampled_from(["roundrobin", "load", "first", "random"]))
    def a_shared_procedure(self, able: bool, invoke: str) -> None:
        for concurrency in (1, 2):
            self.join(able)
            member = list(self.here.values())[-1]
            self.asks(member, [REGISTER, self.request(member), {"invoke": invoke, "concurrency": concurrency}, "com.p"])

    @rule(able=st.booleans())
    @precondition(lambda self: len(self.here) < 6)
    def join(self, able: bool) -> None:
        role = ClientRole(ABLE if able else {})
        member = self.house.join(roles=ClientRoles(role, role, role, role))
        self.here[member.session.id] = member

    @rule(data=st.data(), way=st.sampled_from(["leave", "goodbye", "dismiss"]))
    @precondition(lambda self: len(self.here) > 1)
    def leave(self, data: st.DataObject, way: str) -> None:
        self.goes(self.here[data.draw(st.sampled_from(sorted(self.here)))], way)

    def goes(self, member: Member, way: str) -> None:
        if way == "leave":
            member.leave()
        elif way == "goodbye":
            member.goodbye()
        else:
            self.house.realm.dismiss(member.session, "wamp.close.killed")
            self.listen()
            assert not self.open[member.session.id], "a session that is sent away gets its answers first"
        del self.here[member.session.id]
        self.open.pop(member.session.id, None)
        self.listen()

    @rule(
        data=st.data(),
        uri=st.sampled_from(URIS),
        invoke=st.sampled_from(["single", "roundrobin", "load", "first", "last", "random"]),
        concurrency=st.sampled_from([None, 1, 2]),
        nkey=st.sampled_from([None, "n1", "n2"]),
        force=st.booleans(),
    )
    def register(
        self, data: st.DataObject, uri: str, invoke: str, concurrency: int | None, nkey: str | None, force: bool
    ) -> None:
        member = self.anybody(data)
        there = self.house.realm.dealer.registrations.get(uri)
        if there is not None and data.draw(st.booleans()):
            invoke = there.invoke
        options: dict[str, Any] = {"invoke": invoke, "force_reregister": force}
        if concurrency is not None:
            options["concurrency"] = concurrency
        if nkey is not None:
            options["nkey"] = nkey
        self.asks(member, [REGISTER, self.request(member), options, uri])

    @rule(data=st.data())
    def unregister(self, data: st.DataObject) -> None:
        member = self.anybody(data)
        held = sorted(member.session.registrations or ())
        if held:
            self.asks(member, [UNREGISTER, self.request(member), data.draw(st.sampled_from(held))])

    @rule(
        data=st.data(), uri=st.sampled_from(["com.p", *URIS]), options=st.sampled_from(CALLS), times=st.integers(1, 3)
    )
    def call(self, data: st.DataObject, uri: str, options: dict[str, Any], times: int) -> None:
        member = self.anybody(data)
        for _ in range(times):
            number = self.request(member)
            self.open[member.session.id].add(number)
            self.asks(member, [CALL, number, options, uri, [number]])

    @rule(data=st.data(), how=st.sampled_from(["result", "error", "unavailable"]))
    def answer(self, data: st.DataObject, how: str) -> None:
        working = sorted(
            (key, number) for key, member in self.here.items() for number in member.session.invocations or ()
        )
        if working:
            key, number = data.draw(st.sampled_from(working))
            self.answers(self.here[key], number, how)

    def answers(self, member: Member, number: int, how: str) -> None:
        if how == "result":
            self.asks(member, [YIELD, number, {}, [number]])
        else:
            uri = "wamp.error.unavailable" if how == "unavailable" else "com.err"
            self.asks(member, [ERROR, INVOCATION, number, {}, uri])

    @rule(data=st.data(), mode=st.sampled_from(["skip", "kill", "killnowait"]))
    def cancel(self, data: st.DataObject, mode: str) -> None:
        calls = sorted((key, number) for key in self.here for number in self.open[key])
        if calls:
            key, number = data.draw(st.sampled_from(calls))
            self.asks(self.here[key], [CANCEL, number, {"mode": mode}])

    @rule(seconds=st.sampled_from([0.5, 1.0]))
    def time_passes(self, seconds: float) -> None:
        self.house.now += seconds
        self.house.realm.expire(self.house.now)
        self.listen()

    # ----------------------------------------------------------------------------------------------------- the members

    def anybody(self, data: st.DataObject) -> Member:
        return self.here[data.draw(st.sampled_from(sorted(self.here)))]

    def request(self, member: Member) -> int:
        self.requests[member.session.id] += 1
        return self.requests[member.session.id]

    def asks(self, member: Member, message: list[Any]) -> None:
        member.say(message)
        self.listen()

    def listen(self) -> None:
        self.house.settle()
        for member in self.house.members:
            for message in member.heard():
                if message[0] == RESULT and not message[2].get("progress"):
                    self.open[member.session.id].remove(message[1])
                elif message[:2] == [ERROR, CALL]:
                    self.open[member.session.id].remove(message[2])
                elif message[0] == RESULT:
                    assert message[1] in self.open[member.session.id]
        self.house.touched.clear()

    @invariant()
    def the_router_counts_as_we_do(self) -> None:
        for key, member in self.here.items():
            assert self.open[key] == set(member.session.calls or ())

    @invariant()
    def what_callees_have_is_what_is_counted(self) -> None:
        seats: Counter[Any] = Counter()
        for member in self.here.values():
            for invocation in (member.session.invocations or {}).values():
                if invocation.course is not None and invocation.course.seat is not None:
                    seats[invocation.course.seat] += 1
        for registration in self.house.realm.dealer.registrations.exact.values():
            if registration.callee is None:
                for share in registration.shared.shares():
                    assert share.pending == seats[share]
                    assert share.concurrency is None or share.pending <= share.concurrency

    @invariant()
    def what_is_kept_is_what_is_counted(self) -> None:
        calls = [call for member in self.house.members for call in (member.session.calls or {}).values()]
        parts = [part for call in calls if call.callee is not None for part in (call.callee.calls or {}).values()]
        courses = {call.course for call in (*calls, *parts) if call.course is not None}
        store = self.house.realm.dealer.store
        assert store.used == sum(course.kept for course in courses) <= store.most
        assert all(course.kept for course in courses if course.payload is not None)

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        for registration in self.house.realm.dealer.registrations.exact.values():
            if registration.callee is None:
                before = self.waiting()
                for share in registration.shared.shares():
                    registration.shared.serve(share)
                assert self.waiting() == before

    @invariant()
    def everybody_waits_for_the_owner_of_the_key(self) -> None:
        for call in (call for member in self.here.values() for call in (member.session.calls or {}).values()):
            course = call.course
            if call.callee is None and course.rkey is not None:
                may = [share for share in course.registration.shared.shares() if share.callee not in course.tried]
                assert course.seat.key == rendezvous(course.rkey, {share.nkey for share in may})

    def waiting(self) -> list[tuple[int, int]]:
        return [
            (key, number)
            for key, member in self.here.items()
            for number, invocation in (member.session.calls or {}).items()
            if invocation.callee is None
        ]

    def teardown(self) -> None:
        for _ in range(1000):
            working = [(member, number) for member in self.here.values() for number in member.session.invocations or ()]
            if not working:
                break
            for member, number in working:
                if number in (member.session.invocations or ()):
                    self.answers(member, number, "result")
        assert not any(self.open.values()), "a call got no answer"
        for member in list(self.here.values()):
            self.goes(member, "leave")
        while self.house.realm.has_leavers:
            self.house.realm.tidy()
        self.house.touched.clear()
        assert self.house.is_empty()


TestSharing = Sharing.TestCase
TestSharing.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("way", ["leave", "dismiss"])
def test_calls_of_a_session_that_goes_are_not_served_any_more(way):
    house = House()
    callee, caller = house.join(), house.join()
    callee.say([REGISTER, 1, {"concurrency": 1}, "com.p"])
    caller.say(*[[CALL, number, {}, "com.p"] for number in (1, 2, 3)])
    callee.heard()
    if way == "leave":
        caller.leave()
    else:
        house.realm.dismiss(caller.session, "wamp.close.killed")
    assert [message[:2] for message in callee.heard()] == [[INTERRUPT, 1]]


def sharers(house: House) -> list[Member]:
    """Two callees that serve one call at once, and can say that they are not available."""
    role = ClientRole(ABLE)
    callees = [house.join(roles=ClientRoles(role, role, role, role)) for _ in range(2)]
    for callee in callees:
        callee.say([REGISTER, 1, {"invoke": "first", "concurrency": 1}, "com.p"])
        callee.heard()
    return callees


def test_arguments_for_which_there_is_no_room_do_not_go_to_another_callee():
    house = House(quota=Quota(kept_size=100))
    first, second = sharers(house)
    caller = house.join()
    caller.say([CALL, 1, {}, "com.p", ["x" * 100]])
    assert house.realm.struck["calls that cannot be given to another callee"] == 1
    assert caller.session.calls[1].course.payload is None
    first.say([ERROR, INVOCATION, 1, {}, "wamp.error.unavailable"])
    ((*error, (reason,)),) = caller.heard()
    assert error == [ERROR, CALL, 1, {}, "wamp.error.no_available_callee"]
    assert "kept_size" in reason
    assert second.heard() == []
    caller.say([CALL, 2, {}, "com.p", ["x" * 50]])
    assert house.realm.dealer.store.used > 50
    first.say([ERROR, INVOCATION, 2, {}, "wamp.error.unavailable"])
    assert second.heard() == [[INVOCATION, 1, 1, {}, ["x" * 50]]]
    second.say([YIELD, 1, {}])
    assert caller.heard() == [[RESULT, 2, {}]]
    assert house.realm.dealer.store.used == 0


@pytest.mark.spec("RER-04", "SHR-10")
@pytest.mark.parametrize("unregister", [True, False])
def test_who_waits_only_for_a_callee_that_goes_is_answered_though_others_stay(unregister):
    house = House()
    first, second = sharers(house)
    caller = house.join()
    caller.say(*[[CALL, number, {}, "com.p"] for number in (1, 2)])
    first.say([ERROR, INVOCATION, 1, {}, "wamp.error.unavailable"])
    assert caller.heard() == []
    caller.say([CALL, 3, {}, "com.p"])
    if unregister:
        second.say([UNREGISTER, 2, 1])
    else:
        second.leave()
    ended = {message[2]: message[4] for message in caller.heard()}
    assert ended == ({1: "wamp.error.canceled"} | ({} if unregister else {2: "wamp.error.canceled"}))
    assert [message[0] for message in first.heard()] == [INVOCATION, INVOCATION]


@pytest.mark.spec("RER-06", "TMO-02", "TMO-04")
def test_when_who_watched_the_time_is_not_available_the_router_watches_what_is_left_of_it():
    house = House()
    callees = [house.join(roles=CAPABLE) for _ in range(2)]
    for callee, forward in zip(callees, (True, False), strict=True):
        callee.say([REGISTER, 1, {"invoke": "first", "forward_timeout": forward}, "com.p"])
        callee.heard()
    caller = house.join()
    caller.say([CALL, 1, {"timeout": 1000}, "com.p"])
    assert callees[0].heard() == [[INVOCATION, 1, 1, {"timeout": 1000}]]
    assert not len(house.realm.dealer.deadlines)
    house.now += 0.3
    callees[0].say([ERROR, INVOCATION, 1, {}, "wamp.error.unavailable"])
    assert callees[1].heard() == [[INVOCATION, 1, 1, {}]]
    house.now += 0.69
    house.realm.expire(house.now)
    assert caller.heard() == []
    house.now += 0.02
    house.realm.expire(house.now)
    assert [message[4] for message in caller.heard()] == ["wamp.error.timeout"]
    assert [message[0] for message in callees[1].heard()] == [INTERRUPT]


def test_arguments_for_which_there_is_no_room_do_not_wait():
    house = House(quota=Quota(kept_size=120))
    sharers(house)
    caller = house.join()
    caller.say(*[[CALL, number, {}, "com.p", ["x" * 30]] for number in (1, 2, 3, 4)])
    ((*error, (reason,)),) = caller.heard()
    assert error == [ERROR, CALL, 4, {}, "wamp.error.no_available_callee"]
    assert "kept_size" in reason
    assert house.realm.struck["calls that no callee had room for"] == 1


@pytest.mark.spec("SHR-09")
@pytest.mark.parametrize("invoke", ["roundrobin", "random", "first", "last", "load"])
def test_after_a_thousand_comings_and_goings_all_calls_are_answered(invoke):
    house, random = House(), Random(5)
    caller = house.join()
    callees: list[Member] = []
    answered = 0
    for number in range(1, 1001):
        if len(callees) < 2 or (len(callees) < 8 and random.random() < 0.5):
            callee = house.join()
            callee.say([REGISTER, 1, {"invoke": invoke, "concurrency": random.choice([1, 2, 9])}, "com.p"])
            assert callee.heard()[0][0] == REGISTERED
            callees.append(callee)
        else:
            callees.pop(random.randrange(len(callees))).leave()
        caller.say([CALL, number, {}, "com.p"])
        for callee in callees:
            for message in callee.heard():
                if message[0] == INVOCATION and random.random() < 0.7:
                    callee.say([YIELD, message[1], {}])
        answered += len(caller.heard())
    for _ in range(1000):
        for callee in callees:
            for number in list(callee.session.invocations or ()):
                callee.say([YIELD, number, {}])
    answered += len(caller.heard())
    assert answered == 1000
    assert not caller.session.calls
    for member in house.members:
        member.leave()
    house.realm.tidy()
    assert house.is_empty()
